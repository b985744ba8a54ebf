"""Efficiency of two ranks against one on the published sweep: 31 rates, 50 tasks, and with more tasks.

    python benchmarks/ranks.py --network packing_01.txt --repeats 5
    python benchmarks/ranks.py --network packing_01.txt --repeats 3 --tasks 1000

Two figures: of the members (from the first that a rank takes to the end of the last, by the sweep's own time line),
and of the whole command with its start, loading of kernels and folding, which do not shrink with more ranks.
One and two ranks take turns, one thread each.
"""
from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

SWEEP = """
[network]
{network}
[tasks]
allosteric = {{ count = {tasks} }}
[sweep]
rates = {{ from = 1e-3, to = 1e12, per_decade = 2 }}
"""
PACKING = "packing = { n_nodes = 64, seed = 1 }"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", type=Path, help="a file; by default a packing like the published ones")
    parser.add_argument("--tasks", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    network = PACKING if given.network is None else f'file = "{given.network.resolve()}"'
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sweep.toml"
        file.write_text(SWEEP.format(network=network, tasks=given.tasks))
        found = []
        for repeat in range(-1, given.repeats):     # the first one only fills caches
            one, two = (seconds(file, ranks, f"{ranks}-{repeat}") for ranks in (1, 2))
            if repeat >= 0:
                found.append([a / (2 * b) for a, b in zip(one, two, strict=True)])
                print(f"members: {one[0]:.2f} s on one rank, {two[0]:.2f} s on two, efficiency {found[-1][0]:.3f}; "
                      f"command: {one[1]:.2f} s and {two[1]:.2f} s, {found[-1][1]:.3f}", flush=True)
    for name, values in zip(("members", "command"), zip(*found, strict=True), strict=True):
        print(f"{name}: median {median(values):.3f}, {min(values):.3f} to {max(values):.3f}")


def seconds(file: Path, ranks: int, store: str) -> tuple[float, float]:
    """How long the members took, and the whole command."""
    line = file.with_suffix(".csv")
    launcher = Path(sys.executable).with_name("mpiexec")
    begin = time.monotonic()
    subprocess.run([launcher, "-n", str(ranks), sys.executable, "-m", "ohmlearn", "sweep", file, "--output",
                    file.with_name(store), "--threads", "1", "--no-progress", "--timeline", line], check=True,
                   stdout=subprocess.DEVNULL)
    took = time.monotonic() - begin
    with open(line, newline="") as table:
        rows = [row for row in csv.DictReader(table) if row["what"] == "working"]
    return max(float(row["end_s"]) for row in rows) - min(float(row["begin_s"]) for row in rows), took


if __name__ == "__main__":
    main()
