"""Kill a sweep over and over, and see that the same command always goes on to the end of an undisturbed one.

    python benchmarks/kills.py --kills 150 --ranks 0 1 2 3 4 --out kills.csv
    python benchmarks/kills.py --files --kills 50 --ranks 0 1 2 3 4

Kills come at random moments: `ohmlearn sweep`, on ranks whose number is drawn for each start (0: without MPI), computes
500 members, and the launcher or one rank gets SIGKILL or SIGTERM. Then the sweep is left to end, and all results are
compared bit for bit. The table says what each kill cost.

With --files every kill falls on a fresh store while its files are being made: all processes get SIGKILL as soon as a
given file appears, or a moment later. The same command, on another number of ranks, must end with code 0.
"""
from __future__ import annotations

import argparse
import contextlib
import csv
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from lost_work import notes_in, traced, what_was_lost

SWEEP = """
[network]
packing = {{ n_nodes = 64, seed = 1 }}
[tasks]
allosteric = {{ count = 50, seed = 0 }}
[sweep]
rates = {{ from = 0.1, to = 100.0, per_decade = 3 }}
dt = {dt}
t_max = 40.0
[record]
per_decade = 5
"""
MEMBERS = 500
QUICK = """
[network]
delaunay = { n_nodes = 16, seed = 2 }
[tasks]
allosteric = { sources = 4, targets = 1, count = 5, seed = 0 }
[sweep]
rates = [0.3, 1.0, 10.0]
until = 1e-4
"""
MOMENTS = ("lock", "inputs.npz", "sweep.json", ".token", ".tmp", "part-", "results.zarr.new", "results.zarr")
LATER = 0.03        # seconds after a file appears, at most


def main() -> None:
    if "--traced" in sys.argv:
        return traced(Path(sys.argv[2]), MEMBERS, sys.argv[3:])
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--files", action="store_true", help="kill while the files of a store are made")
    parser.add_argument("--ranks", type=int, nargs="+", default=[2], help="numbers of ranks that starts draw from")
    parser.add_argument("--dt", type=float, default=8e-5, help="step: the smaller, the longer the sweep takes")
    parser.add_argument("--after", type=float, default=2.5, help="seconds of work until a kill, at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("kills.csv"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "kills.toml"
        file.write_text(QUICK if given.files else SWEEP.format(dt=given.dt))
        (kills_of_files if given.files else kills_at_random)(file, given)


def words(file: Path, store: str, ranks: int, noted: bool = False) -> list[str]:
    """The command that is started again and again, on ranks of MPI or on none."""
    launcher = [] if ranks == 0 else [str(Path(sys.executable).with_name("mpiexec")), "-n", str(ranks)]
    program = [__file__, "--traced", str(file.with_suffix(".trace"))] if noted else ["-m", "ohmlearn"]
    return [*launcher, sys.executable, *program, "sweep", str(file), "--output", str(file.with_name(store)),
            "--no-progress"]


def kills_at_random(file: Path, given: argparse.Namespace) -> None:
    """Kills at random moments of one sweep, start-up included."""
    begin = time.monotonic()
    trace = notes_in(file.with_suffix(".trace"), MEMBERS)
    subprocess.run(words(file, "calm", max(given.ranks), True), check=True, stdout=subprocess.DEVNULL)
    calm, start = time.monotonic() - begin, trace[:, 1, 2][trace[:, 0, 0] > 0].min() - begin
    print(f"undisturbed: {calm:.1f} s, of which {start:.1f} s until the first member begins", flush=True)
    rows = disturb(file, given, start)
    begin = time.monotonic()
    ended = subprocess.run(words(file, "killed", max(given.ranks), True), check=True, capture_output=True, text=True)
    print(f"{ended.stdout.strip()}; the last start took {time.monotonic() - begin:.1f} s")
    print(compare(file.with_name("calm"), file.with_name("killed")))
    with open(given.out, "w", newline="") as out:
        writer = csv.DictWriter(out, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    summarise(rows)


def disturb(file: Path, given: argparse.Namespace, start: float) -> list[dict[str, object]]:
    """Start and kill; one row for each."""
    chance = random.Random(given.seed)
    store, rows, before = file.with_name("killed"), [], 0
    for number in range(given.kills):
        whom, which = chance.choice(["launcher", "rank"]), chance.choice([signal.SIGKILL, signal.SIGTERM])
        trace = notes_in(file.with_suffix(".trace"), MEMBERS)
        n_ranks, lives = chance.choice(given.ranks), chance.uniform(0.4 * start, start + given.after)
        process = subprocess.Popen(words(file, "killed", n_ranks, True), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=lives)
            print(f"\nthe sweep ended before kill {number}; a smaller --dt makes it longer")
            break
        ranks = [pid for pid in below(process.pid) if is_rank(pid)]
        target = process.pid if whom == "launcher" or not ranks else chance.choice(ranks)
        now = time.monotonic()
        os.kill(target, which)
        process.wait()
        while any(is_rank(pid) for pid in ranks):
            time.sleep(0.01)
        took = time.monotonic() - now
        members, lost = stored(store), what_was_lost(store, trace, now)
        rows.append({"kill": number, "ranks": n_ranks, "whom": whom if n_ranks else "no launcher",
                     "signal": which.name, "lived_s": round(lives, 2), "exit_code": process.returncode,
                     "took_s": round(took, 3), "new_members": members - before,
                     **{f"lost_{name}": value for name, value in lost._asdict().items()}})
        before = members
        print(f"\r{number + 1} kills, {members} of {MEMBERS} members", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return rows


def kills_of_files(file: Path, given: argparse.Namespace) -> None:
    """Kills while files are made, each on a store of its own."""
    chance, found = random.Random(given.seed), Counter[str]()
    subprocess.run(words(file, "calm", 0), check=True, stdout=subprocess.DEVNULL)
    for number in range(given.kills):
        store = file.with_name(f"killed-{number}")
        moment, ranks = chance.choice(MOMENTS), chance.choice(given.ranks)
        running = kill_once(words(file, store.name, ranks), store, moment, chance.uniform(0, LATER))
        left = sorted(path.name for path in store.iterdir()) if store.exists() else []
        again = subprocess.run(words(file, store.name, chance.choice(given.ranks)), capture_output=True, text=True,
                               check=False)
        assert again.returncode == 0, f"{moment}, {left}: {again.stderr}"
        compare(file.with_name("calm"), store)
        found[f"{moment}{'' if running else ' (the sweep had ended)'}"] += 1
        print(f"\r{number + 1} kills", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    for moment, count in sorted(found.items()):
        print(f"{count:>4} kills at {moment}: the same command went on, the same bits")


def kill_once(command: list[str], store: Path, moment: str, later: float) -> bool:
    """Start a command and kill all of its processes once a file of this name appears; whether it still ran."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    while process.poll() is None and not (store.exists() and any(moment in name for name in os.listdir(store))):
        time.sleep(0.0002)
    time.sleep(later)
    running = process.poll() is None
    for pid in [*below(process.pid), process.pid]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()
    time.sleep(0.05)
    return running


def below(pid: int) -> list[int]:
    """All processes below one."""
    found, todo = [], [pid]
    while todo:
        for children in Path(f"/proc/{todo.pop()}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                more = [int(word) for word in children.read_text().split()]
                todo += more
                found += more
    return found


def is_rank(pid: int) -> bool:
    """Whether a process runs the command, noted."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[2:3] == [b"--traced"]
    except OSError:
        return False


def stored(store: Path) -> int:
    """Members that are in the store, none of them twice."""
    from ohmlearn.drivers.store import part_file
    from ohmlearn.drivers.store.store import Store

    if not (store / "sweep.json").exists():
        return 0
    found = Store.open(store)
    keys = [key[:2] for part in found.parts() for key in part_file.read_keys(part, found.header["digest"])]
    assert len(keys) == len(set(keys)), "a member is stored twice"
    return len(keys)


def compare(calm: Path, killed: Path) -> str:
    """Stop unless both stores hold the same bits; what was compared, in words."""
    import ohmlearn as ol

    one, two = ol.open_results(calm).load(), ol.open_results(killed).load()
    assert set(one.variables) == set(two.variables)
    for name in one.variables:
        a, b = one[name].values, two[name].values
        same = (a == b).all() if a.dtype.kind in "OU" else \
            np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes()
        assert same, f"{name} differs"
    return f"all {len(one.variables)} variables of {one.status.size} members are equal bit for bit; " \
           f"{int(one.n_steps.sum()):.3g} steps"


def summarise(rows: list[dict[str, Any]]) -> None:
    """A table of kinds of kill."""
    print("| killed | signal | kills | while members ran | exit codes | ended within, median and worst | "
          "lost by a running member, median and worst | lost by all, steps |\n"
          "| --- | --- | --- | --- | --- | --- | --- | --- |")
    for whom, name in sorted({(row["whom"], row["signal"]) for row in rows}):
        mine = [row for row in rows if (row["whom"], row["signal"]) == (whom, name)]
        lost = [row["lost_seconds"] for row in mine if row["lost_running"]] or [0.0]
        took = [row["took_s"] for row in mine]
        print(f"| {whom} | {name} | {len(mine)} | {sum(row['lost_running'] > 0 for row in mine)} | "
              f"{', '.join(map(str, sorted({row['exit_code'] for row in mine})))} | "
              f"{median(took):.2f} s, {max(took):.2f} s | {median(lost):.2f} s, {max(lost):.2f} s | "
              f"{sum(row['lost_all_steps'] for row in mine)} |")


if __name__ == "__main__":
    main()
