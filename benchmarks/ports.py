"""What the RK4 step of a block asks of a processor's ports, by llvm-mca: for processors that are not at hand.

    python benchmarks/ports.py [--cpu emeraldrapids --cpu znver4] [--mca llvm-mca-19] [--yardstick FOLDER]

The step of a block of 8 members at N = 64 is compiled by Numba for each processor, its assembly is split into the loops
over edges and the work at a node, and llvm-mca counts what each of these takes of every port. Weighted by the edges and
nodes of the block, that gives cycles a step, at best: the busiest port, if loads find their data in L1 and nothing else
waits. With --yardstick the hand-written C (ensemble.c in that folder, compiled by gcc or clang for the same processor)
stands beside it. llvm-mca needs LLVM 17 or later (Debian: apt-get install llvm-19). See ports.md for what was found.
"""
from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

NODES, EDGES, LANES = 64, 142, 8        # of the block that `ensembles.a_block()` gives
JUMP, LABEL = re.compile(r"\tj\w+\s+(\S+)"), re.compile(r"^(\.L\w+|\w[\w.$]*):")


@dataclass
class Part:
    """A piece of straight-line code: its name, its instructions, and how often a step of a block runs it."""

    name: str
    lines: list[str]
    times: float


def numba_assembly(cpu: str) -> str:
    """The step, compiled by Numba in a process of its own for this processor."""
    program = ("from numba import typeof\n"
               "from ensembles import a_block\n"
               "from ohmlearn.kernels.ensemble.rk4 import rk4_step as step\n"
               "b = a_block(64, follow=False).block\n"
               "step.compile(tuple(typeof(a) for a in (b.graph, b.law, b.x, b.y, b.q, b.G, b.Gq)))\n"
               "print(step.inspect_asm(step.signatures[0]))")
    environment = dict(os.environ, NUMBA_CPU_NAME=cpu, NUMBA_CPU_FEATURES="+fma", OHMLEARN_CACHE="off",
                       PYTHONPATH=str(Path(__file__).parent))
    text = subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True,
                          text=True).stdout
    return text[:text.index("\t.globl\t_ZN7cpython")]


def c_assembly(cpu: str, folder: Path) -> str:
    """`gill_d` of the hand-written C. gcc 12 knows sapphirerapids, whose successor has the same core."""
    compiler = shutil.which("clang") or shutil.which("gcc")
    if compiler is None:
        raise SystemExit("no clang or gcc for the yardstick")
    known = {"emeraldrapids": "sapphirerapids", "znver4": "icelake-server"}
    march = cpu if "clang" in compiler else known.get(cpu, cpu)
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "c.s"
        subprocess.run([compiler, "-O3", f"-march={march}", "-mprefer-vector-width=512", "-ffast-math", "-S",
                        "-fno-asynchronous-unwind-tables", str(folder / "ensemble.c"), "-o", str(out)], check=True)
        text = out.read_text()
    begin = text.index("\ngill_d:")
    return text[begin:text.index(".size\tgill_d", begin)]


def blocks(assembly: str) -> list[tuple[str, list[str]]]:
    """Basic blocks in their order: (label, lines)."""
    found: list[tuple[str, list[str]]] = [("", [])]
    for line in assembly.splitlines():
        line = line.split(" #")[0].rstrip()
        if label := LABEL.match(line):
            found.append((label[1], []))
        elif line.startswith("\t") and not line.startswith("\t."):
            found[-1][1].append(line)
            if JUMP.match(line):
                found.append(("", []))
    return [(label, lines) for label, lines in found if lines]


def edges_of(lines: list[str]) -> int:
    """How many edges a piece of a loop treats: two 32-bit indices are read for each."""
    return sum(bool(re.match(r"\tmovslq\s+-?\d*\(", line)) for line in lines) // 2


def parts(assembly: str) -> list[Part]:
    """The loops over edges, and what is done at a node, of all four stages."""
    lower: list[list[str]] = []
    upper: list[list[list[str]]] = []
    node: list[list[str]] = []
    for label, lines in blocks(assembly):
        jump = JUMP.match(lines[-1])
        loops = jump is not None and jump[1] == label and edges_of(lines) > 0
        if loops and any(re.match(r"\tvmov\w+\s+%[xyz]mm\d+,\s+.*\(", line) for line in lines):
            if upper and not upper[-1]:                     # the same loop, for what is left of several at a time
                lower.pop()
                upper.pop()
            lower.append(lines)
            upper.append([])
        elif loops and upper:
            upper[-1].append(lines)
        elif any("kmov" in line for line in lines):
            node.append(lines)
    if not (len(lower) == 4 and all(upper) and node):
        raise SystemExit(f"the assembly is not as expected: {len(lower)} loops that store, "
                         f"{[len(found) for found in upper]} that do not, {len(node)} pieces at nodes")
    made = []
    for stage in range(4):
        few = min(upper[stage], key=edges_of)           # most nodes have two such edges
        made.append(Part(f"stage {stage}, edge seen again", lower[stage], EDGES / edges_of(lower[stage])))
        made.append(Part(f"stage {stage}, edge seen first", few, EDGES / edges_of(few)))
    made += [Part(f"node, piece {k}", lines, NODES) for k, lines in enumerate(node)]
    return made


def pressure(mca: str, cpu: str, lines: list[str]) -> tuple[dict[str, float], float, float]:
    """Cycles on every port, micro-operations, and cycles if loops follow each other, of one passage of some code."""
    code = "\n".join(line for line in lines if not JUMP.match(line)) + "\n"
    code = re.sub(r"\$\.LC\w+", "$1", code)
    text = subprocess.run([mca, "--json", f"-mcpu={cpu}", "-mtriple=x86_64-unknown-linux-gnu", "--iterations=100"],
                          input=code, check=True, capture_output=True, text=True).stdout
    found = json.loads(text)
    region = found["CodeRegions"][0]
    names, ports = found["TargetInfo"]["Resources"], dict.fromkeys(found["TargetInfo"]["Resources"], 0.0)
    view = region["ResourcePressureView"]
    last = len(region["Instructions"])                  # the row of totals
    for entry in view["ResourcePressureInfo"]:
        if entry["InstructionIndex"] == last:
            ports[names[entry["ResourceIndex"]]] += entry["ResourceUsage"]
    summary = region["SummaryView"]
    return ports, summary["TotaluOps"] / summary["Iterations"], summary["TotalCycles"] / summary["Iterations"]


def kinds(lines: list[str]) -> dict[str, int]:
    """Vector operations of some code by kind."""
    patterns = {"fused": r"vf\w+pd", "add or subtract": r"v(add|sub)pd", "multiply": r"vmulpd",
                "larger or smaller": r"v(max|min)pd", "compare": r"vcmp\w*pd",
                "mask or blend": r"(vmovap[ds]\s+%zmm\d+, %zmm\d+ \{|vblend|vxorpd)",
                "load": r"vmov\w+\s+-?\w*\(", "store": r"vmov\w+\s+%[xyz]mm\d+, -?\w*\("}
    return {kind: n for kind, pattern in patterns.items()
            if (n := sum(bool(re.match(r"\t" + pattern, line)) for line in lines))}


def show(title: str, made: list[Part], mca: str, cpu: str) -> float:
    """Print the table of one code on one processor. Returns cycles a step of the block on the busiest port."""
    total: dict[str, float] = {}
    uops, follows, counted = 0.0, 0.0, {}
    for part in made:
        ports, n, cycles = pressure(mca, cpu, part.lines)
        for name, used in ports.items():
            total[name] = total.get(name, 0.0) + used * part.times
        uops, follows = uops + n * part.times, follows + cycles * part.times
        for kind, n in kinds(part.lines).items():
            counted[kind] = counted.get(kind, 0.0) + n * part.times
    both = [name for name in total if name in ("SPRPort00", "SPRPort05")]
    if both:        # LLVM's model has one unit for fused operations of 512 bits, the servers have one at either port
        shared = sum(total.pop(name) for name in both) / 2
        total["ports 0 and 5 each"] = shared
    most = max(total, key=lambda name: total[name])
    print(f"\n{title} on {cpu}: {total[most]:.0f} cycles a step of a block on {most}, {total[most] / LANES:.0f} a "
          f"member; {uops:.0f} micro-operations; {follows:.0f} cycles with llvm-mca's own chain of loops")
    print("  vector operations a step: " + ", ".join(f"{kind} {n:.0f}" for kind, n in counted.items()))
    print("  cycles by port: " + ", ".join(f"{name} {n:.0f}" for name, n in sorted(total.items()) if n > 1))
    return total[most]


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--cpu", action="append")
    words.add_argument("--mca", default=next((name for name in ("llvm-mca-19", "llvm-mca") if shutil.which(name)),
                                             "llvm-mca"))
    words.add_argument("--yardstick", type=Path, default=os.environ.get("OHMLEARN_YARDSTICKS"))
    given = words.parse_args()
    for cpu in given.cpu or ["emeraldrapids", "znver4"]:
        ours = show("ours", parts(numba_assembly(cpu)), given.mca, cpu)
        if given.yardstick:
            theirs = show("C", parts(c_assembly(cpu, given.yardstick)), given.mca, cpu)
            print(f"\n{cpu}: ours over C {ours / theirs:.3f}")


if __name__ == "__main__":
    main()
