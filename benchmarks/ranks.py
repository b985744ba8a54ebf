"""Efficiency of two ranks against one on a sweep of about ten seconds on one core, and what each part takes.

    python benchmarks/ranks.py --network packing_01.txt [--tasks 100] [--per-decade 10] [--repeats 3]
                               [--profile FOLDER] [--record]

The published sweep, R = 1e-3 to 1e12, with twice its tasks and five times its rates. Pairs of whole commands in turns,
`ohmlearn sweep ...` on one core, without a launcher, and `mpiexec -n 2 ohmlearn sweep ...` on two, one thread each:
every rank also has a thread that writes, so that one rank which is let onto two cores takes a part of the second. The
efficiency T1/(2 T2) is told of the sweep itself, from the first rank that takes members to the last that has written
its own, and of the whole command; then the medians of what each command consists of, of the ranks the one that took
longest in that part. Pairs in which other processes took more than a twentieth of the time are told and left out.
--profile writes a profile of every rank (cProfile) into a folder, in runs of their own. --record writes the
efficiencies to docs/measured.toml.
"""
from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1] / "docs" / "_ext"))
from measured import record

SWEEP = """
[network]
{network}
[tasks]
allosteric = {{ count = {tasks} }}
[sweep]
rates = {{ from = 1e-3, to = 1e12, per_decade = {per_decade} }}
"""
CORE = min(os.sched_getaffinity(0))
PACKING = "packing = { n_nodes = 64, seed = 1 }"

# A rank: the command itself, and the times at which it came to what follows, written down at its end.
RANK = """
import time
marks = {"launch": time.monotonic()}
import atexit, json, os, sys
from pathlib import Path
from ohmlearn.drivers import cli
from ohmlearn.drivers.commands import sweep
imports = sweep.import_numba_alone

def timed(where, name, before, after):
    work = getattr(where, name)
    def watched(*words, **others):
        marks[before] = time.monotonic()
        found = work(*words, **others)
        marks[after] = time.monotonic()
        return found
    setattr(where, name, watched)

def watch():
    imports()
    from ohmlearn.drivers.jobs import rank_worker, run_sweep
    timed(run_sweep, "join", "imports", "MPI")
    timed(run_sweep.Rank, "__init__", "task and store", "shared counters")
    timed(run_sweep.Rank, "_work", "kernels", "sweep")
    timed(run_sweep.Rank, "run", "shared counters", "other ranks")
    timed(run_sweep, "finish", "other ranks", "folding")

sweep.import_numba_alone = watch
def write():
    marks.setdefault("folding", time.monotonic())
    Path(os.environ["MARKS"], os.environ.get("PMI_RANK", "0")).write_text(json.dumps(marks))

atexit.register(write)
cli.main()
"""
PROFILED = "import atexit, cProfile, os; profile = cProfile.Profile(); atexit.register(lambda: (profile.disable(), " \
    "profile.dump_stats(os.environ['PROFILE'] + os.environ.get('PMI_RANK', '0')))); profile.enable()\n"
PARTS = ("launch", "imports", "MPI", "task and store", "shared counters", "kernels", "sweep", "other ranks", "folding",
         "end")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", type=Path, help="a file; by default a packing like the published ones")
    parser.add_argument("--tasks", type=int, default=100)
    parser.add_argument("--per-decade", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--profile", type=Path)
    parser.add_argument("--record", action="store_true")
    given = parser.parse_args()
    network = PACKING if given.network is None else f'file = "{given.network.resolve()}"'
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, tasks in (("warm.toml", 2), ("sweep.toml", given.tasks)):
            (folder / file).write_text(SWEEP.format(network=network, tasks=tasks, per_decade=given.per_decade))
        for ranks in (1, 2):
            run(folder / "warm.toml", ranks)        # compiles, and reads what the others will read
        pairs = [[run(folder / "sweep.toml", ranks) for ranks in (1, 2)] for _ in range(given.repeats)]
        pairs = [pair for pair in pairs if all(one["others"] < one["command"] / 20 for one in pair)] or pairs
        for ranks in (1, 2) if given.profile else ():
            given.profile.mkdir(exist_ok=True)
            run(folder / "sweep.toml", ranks, given.profile / f"{ranks}-")
    parts = {part: [median(run[part] for run in runs) for runs in zip(*pairs, strict=True)] for part in PARTS}
    for part, (one, two) in parts.items():
        print(f"{part:<16} {one:7.3f} s on one rank, {two:7.3f} s on two")
    for what in ("sweep", "command"):
        found = [one[what] / (2 * two[what]) for one, two in pairs]
        said = f"{median(found):.3f} ({min(found):.3f} to {max(found):.3f})"
        print(f"{what}: efficiency {said}")
        if given.record:
            record(f"ranks_{what}", said)


def run(file: Path, ranks: int, profile: Path | None = None) -> dict[str, float]:
    """Seconds of each part of a command, of the longest rank; of the whole command and of other processes."""
    launcher = [str(Path(sys.executable).with_name("mpiexec")), "-n", str(ranks)] if ranks > 1 else []
    with tempfile.TemporaryDirectory(dir=file.parent) as name:
        marks = Path(name) / "marks"
        marks.mkdir()
        words = [*launcher, sys.executable, "-c", (PROFILED if profile else "") + RANK, "sweep", str(file), "--output",
                 f"{name}/store", "--threads", "1", "--no-progress"]
        before, begin = busy(), time.monotonic()
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL,
                       env=os.environ | {"MARKS": str(marks), "PROFILE": str(profile), "PYTHONDONTWRITEBYTECODE": ""},
                       preexec_fn=None if ranks > 1 else lambda: os.sched_setaffinity(0, {CORE}))
        end = time.monotonic()
        others = busy() - before
        times = [json.loads(path.read_text()) | {"end": end} for path in marks.iterdir()]
    found = {"command": end - begin, "others": others}
    for last, part in zip(("", *PARTS), PARTS, strict=False):
        found[part] = max(rank[part] - rank.get(last, begin) for rank in times)
    found["sweep"] = max(rank["sweep"] for rank in times) - min(rank["kernels"] for rank in times)
    print(f"{ranks} rank{'s' if ranks > 1 else ''}: sweep {found['sweep']:.2f} s, command {found['command']:.2f} s, "
          f"other processes {others:.2f} s", flush=True)
    return found


def busy() -> float:
    """Seconds of processor time of all processes but this one and those that it waited for, 0 where it is unknown."""
    try:
        told = [int(word) for word in Path("/proc/stat").read_text().split()[1:9]]
    except OSError:
        return 0.0
    used = os.times()
    return (sum(told) - told[3] - told[4]) / os.sysconf("SC_CLK_TCK") - sum(used[:4])


if __name__ == "__main__":
    main()
