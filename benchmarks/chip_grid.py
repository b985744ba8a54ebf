"""A deck of the shape of a chip's power grid, solved by `ohmlearn solve` and by ngspice: seconds and agreement.

    python -m benchmarks.chip_grid [--side 122] [--vias 14031]

Two layers of parallel wires that cross, joined by vias that are voltage sources of 0 V, as extracted grids have them;
supply pads on the upper layer, currents drawn from the lower one.
"""
from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np


def deck(side: int, vias: int, seed: int = 0) -> str:
    """The deck: side² nodes in either layer, of which `vias` pairs are joined."""
    rng = np.random.default_rng(seed)
    lines = ["* power grid"]
    name = ["n1_{}_{}", "n2_{}_{}"]
    for layer, (dx, dy) in enumerate(((1, 0), (0, 1))):
        for x in range(side - dx):
            for y in range(side - dy):
                a, b = name[layer].format(x, y), name[layer].format(x + dx, y + dy)
                lines.append(f"R{layer}_{x}_{y} {a} {b} {rng.lognormal(-3, 0.5):.6g}")
    crossings = rng.permutation(side * side)[:vias]
    # every wire keeps one via at least
    crossings = np.union1d(crossings, np.arange(side) * side + np.arange(side))[:max(vias, side)]
    lines += [f"V{k} n1_{c // side}_{c % side} n2_{c // side}_{c % side} 0" for k, c in enumerate(crossings)]
    for k, c in enumerate(rng.permutation(side * side)[:max(side // 4, 1)]):
        lines.append(f"Vdd{k} n2_{c // side}_{c % side} 0 1.8")
    for k, c in enumerate(rng.permutation(side * side)[:side * side // 3]):
        lines.append(f"I{k} n1_{c // side}_{c % side} 0 {rng.uniform(0, 1e-4):.6g}")
    return "\n".join([*lines, ".op", ".end", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=122)
    parser.add_argument("--vias", type=int, default=14031)
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        path, raw = Path(folder, "grid.cir"), Path(folder, "grid.raw")
        path.write_text(deck(given.side, given.vias))
        ours, theirs = {}, {}
        for _ in range(2):      # the second run finds what the first has compiled
            begin = perf_counter()
            done = subprocess.run([sys.executable, "-m", "ohmlearn", "solve", path, "-o", f"{folder}/v.txt"],
                                  check=True, capture_output=True, text=True)
            seconds = perf_counter() - begin
        print(done.stderr.strip())
        print(f"ohmlearn solve {seconds:.2f} s")
        for line in Path(folder, "v.txt").read_text().splitlines():
            node, value = line.split()
            ours[node] = float(value)
        if shutil.which("ngspice") is None:
            return
        begin = perf_counter()
        subprocess.run(["ngspice", "-b", "-r", raw, path], check=True, capture_output=True)
        print(f"ngspice -b     {perf_counter() - begin:.2f} s")
        head, _, data = raw.read_bytes().partition(b"Binary:\n")
        for node, value in zip(re.findall(r"^\t\d+\tv\((\S+)\)\t", head.decode(), flags=re.MULTILINE),
                               np.frombuffer(data)[:len(ours)], strict=False):
            theirs[node] = value
        differences = [abs(ours[k] - theirs[k]) for k in ours.keys() & theirs.keys()]
        print(f"{len(ours)} nodes, largest difference {max(differences):.1e} V over {len(differences)}")


if __name__ == "__main__":
    main()
