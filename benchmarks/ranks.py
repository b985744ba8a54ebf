"""Efficiency of two ranks against one on the published sweep (31 rates; more tasks, so that it lasts).

    python benchmarks/ranks.py --tasks 150 --repeats 3

The clock runs from the first rank's first member to the last rank's last one, by the sweep's own time line: start-up
is left out. One and two ranks take turns, on one core each.
"""
from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

SWEEP = """
[network]
packing = {{ n_nodes = 64, seed = 1 }}
[tasks]
allosteric = {{ count = {tasks} }}
[sweep]
rates = {{ from = 1e-3, to = 1e12, per_decade = 2 }}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=150)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sweep.toml"
        file.write_text(SWEEP.format(tasks=given.tasks))
        found = []
        for repeat in range(given.repeats):
            one, two = (seconds(file, ranks, f"{ranks}-{repeat}") for ranks in (1, 2))
            found.append(one / (2 * two))
            print(f"one rank {one:.2f} s, two ranks {two:.2f} s: efficiency {found[-1]:.3f}", flush=True)
    print(f"median {median(found):.3f}, {min(found):.3f} to {max(found):.3f}")


def seconds(file: Path, ranks: int, store: str) -> float:
    """How long the members took."""
    line = file.with_suffix(".csv")
    launcher = Path(sys.executable).with_name("mpiexec")
    subprocess.run([launcher, "-n", str(ranks), sys.executable, "-m", "ohmlearn", "sweep", file, "--store",
                    file.with_name(store), "--threads", "1", "--quiet", "--timeline", line], check=True,
                   stdout=subprocess.DEVNULL)
    with open(line, newline="") as table:
        rows = [row for row in csv.DictReader(table) if row["what"] == "working"]
    return max(float(row["end_s"]) for row in rows) - min(float(row["begin_s"]) for row in rows)


if __name__ == "__main__":
    main()
