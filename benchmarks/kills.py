"""Kill a sweep over and over, at random moments, and see that its end is that of an undisturbed one.

    python benchmarks/kills.py --kills 100 --out kills.csv

Starts `mpiexec -n 2 ohmlearn sweep` (or on other numbers of ranks, `--ranks 1 2 3 4`) on 500 members and kills it:
the launcher or one rank, by SIGKILL or SIGTERM.
Then the sweep is left to end, and all results are compared bit for bit. The table says what each kill cost. Ranks
note in a shared file how far each member is after every slice of its run; what is lost is what a member had done
beyond the state that is found in the store.
"""
from __future__ import annotations

import argparse
import csv
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np

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
MEMBERS, NOTES = 500, 4096      # notes that are kept of one member; the first slot counts them
WARM = 1e-6     # time limit of the member that a rank runs to load the kernels, at most
AFTER = 2.5     # seconds of work until a kill, at most; it may as well fall into the start


class Lost(NamedTuple):
    """What a kill cost: members that ran or were not yet written, the most seconds and steps that one of them lost,
    and the steps that all lost together."""

    running: int
    seconds: float
    steps: int
    all_steps: int


def main() -> None:
    if "--traced" in sys.argv:
        traced(sys.argv[2], sys.argv[3:])
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--ranks", type=int, nargs="+", default=[2], help="numbers of ranks that starts draw from")
    parser.add_argument("--dt", type=float, default=8e-5, help="step: the smaller, the longer the sweep takes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("kills.csv"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "kills.toml"
        file.write_text(SWEEP.format(dt=given.dt))
        begin = time.monotonic()
        trace = new_trace(file)
        subprocess.run(words(file, "calm", given.ranks[0]), check=True, stdout=subprocess.DEVNULL)
        calm, start = time.monotonic() - begin, trace[:, 1, 2][trace[:, 0, 0] > 0].min() - begin
        print(f"undisturbed: {calm:.1f} s, of which {start:.1f} s until the first member begins", flush=True)
        rows = disturb(file, given, start)
        begin = time.monotonic()
        ended = subprocess.run(words(file, "killed", given.ranks[0]), check=True, capture_output=True, text=True)
        print(f"{ended.stdout.strip()}; the last start took {time.monotonic() - begin:.1f} s")
        compare(Path(folder) / "calm", Path(folder) / "killed")
    with open(given.out, "w", newline="") as out:
        writer = csv.DictWriter(out, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    summarise(rows)


def words(file: Path, store: str, ranks: int) -> list[str]:
    """The command that is started again and again."""
    launcher = Path(sys.executable).with_name("mpiexec")
    return [str(launcher), "-n", str(ranks), sys.executable, __file__, "--traced", str(file.with_suffix(".trace")),
            "sweep", str(file), "--output", str(file.with_name(store)), "--no-progress"]


def new_trace(file: Path) -> Any:
    """(MEMBERS, NOTES, 4) time in 1/γp, steps, clock and process of every member after every slice; slot 0 counts."""
    return np.memmap(file.with_suffix(".trace"), dtype=np.float64, mode="w+", shape=(MEMBERS, NOTES, 4))


def traced(trace: str, arguments: list[str]) -> None:
    """Run the program, with a note after every slice. Notes outlive the process: the file's pages are the system's."""
    from ohmlearn.drivers.cli import main as program
    from ohmlearn.drivers.training.lane_block import LaneBlock

    notes = np.memmap(trace, dtype=np.float64, mode="r+", shape=(MEMBERS, NOTES, 4))
    insert, follow = LaneBlock.insert, LaneBlock.follow

    def note(block: LaneBlock) -> None:
        now = time.monotonic()
        for lane, number in enumerate(block.numbers):
            if number is not None and block.ensemble.limit(number) > WARM:
                count = int(notes[number, 0, 0]) + 1
                me = block.block.lanes.each[lane]
                notes[number, count] = me["time"], me["steps"], now, os.getpid()
                notes[number, 0, 0] = count

    def noted_insert(block: LaneBlock, *args: Any) -> None:
        insert(block, *args)
        note(block)

    def noted_follow(block: LaneBlock) -> int:
        steps = follow(block)
        note(block)
        return steps

    LaneBlock.insert, LaneBlock.follow = noted_insert, noted_follow  # type: ignore[method-assign]
    program(arguments)


def disturb(file: Path, given: argparse.Namespace, start: float) -> list[dict[str, object]]:
    """Start and kill; one row for each."""
    chance = random.Random(given.seed)
    store, rows, before = file.with_name("killed"), [], 0
    for number in range(given.kills):
        whom, which = chance.choice(["mpiexec", "rank"]), chance.choice([signal.SIGKILL, signal.SIGTERM])
        trace = new_trace(file)
        ranks_now = chance.choice(given.ranks)
        process = subprocess.Popen(words(file, "killed", ranks_now), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        lives = chance.uniform(0.4 * start, start + AFTER)
        try:
            process.wait(timeout=lives)
            print(f"\nthe sweep ended before kill {number}; a smaller --dt makes it longer")
            break
        except subprocess.TimeoutExpired:
            pass
        ranks = ranks_below(process.pid)
        target = process if whom == "mpiexec" or not ranks else chance.choice(ranks)
        now = time.monotonic()
        target.send_signal(which)
        process.wait()
        while any(rank.is_running() for rank in ranks):
            time.sleep(0.01)
        took = time.monotonic() - now
        members, lost = stored(store), what_was_lost(store, trace, now)
        rows.append({"kill": number, "ranks": ranks_now, "whom": whom, "signal": which.name, "lived_s": round(lives, 2),
                     "exit_code": process.returncode, "took_s": round(took, 3), "new_members": members - before,
                     **{f"lost_{name}": value for name, value in lost._asdict().items()}})
        before = members
        print(f"\r{number + 1} kills, {members} of {MEMBERS} members", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return rows


class Rank(NamedTuple):
    """A process below the launcher."""

    pid: int

    def is_running(self) -> bool:
        return Path(f"/proc/{self.pid}").exists()

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)


def below(pid: int) -> list[int]:
    """All processes below one."""
    found, todo = [], [pid]
    while todo:
        for children in Path(f"/proc/{todo.pop()}/task").glob("*/children"):
            try:
                more = [int(word) for word in children.read_text().split()]
            except OSError:
                continue
            todo += more
            found += more
    return found


def ranks_below(pid: int) -> list[Rank]:
    """The ranks under a launcher."""
    return [Rank(found) for found in below(pid) if is_rank(found)]


def is_rank(pid: int) -> bool:
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


def what_was_lost(store: Path, trace: Any, killed: float) -> Lost:
    """How far members had come beyond what is stored."""
    from ohmlearn.drivers.jobs.rank_worker import maker
    from ohmlearn.drivers.store import part_file
    from ohmlearn.drivers.store.store import Store
    from ohmlearn.drivers.sweeps.member_status import MISSING

    seconds, steps, running = [0.0], [0], 0
    begun = np.flatnonzero(trace[:, 0, 0])
    if begun.size:
        found = Store.open(store)
        done, states = found.status() != MISSING, found.checkpoints()
        for number in begun[~done[begun]].tolist():
            notes = trace[number, 1:1 + int(trace[number, 0, 0])]
            task, rate = divmod(number, found.sweep.rates.size)
            rate = float(found.sweep.rates[rate])
            whose = f"{maker()} {found.header['digest']} {task} {rate.hex()}"
            state = part_file.read_state(states[number][0], found.header["digest"], task, rate, whose) \
                if number in states else None
            then, before = (0.0, 0) if state is None else (state["each"]["time"][0], int(state["each"]["steps"][0]))
            running += 1
            assert len(set(notes[:, 3])) == 1, "a member ran on two ranks"
            if then < notes[-1, 0]:
                kept = notes[notes[:, 0] <= then]
                seconds.append(max(killed, notes[-1, 2]) - (kept[-1, 2] if len(kept) else notes[0, 2]))
                steps.append(int(notes[-1, 1]) - before)
    return Lost(running, round(max(seconds), 3), max(steps), sum(steps))


def compare(calm: Path, killed: Path) -> None:
    """Stop unless both stores hold the same bits."""
    import ohmlearn as ol

    one, two = ol.open_results(calm).load(), ol.open_results(killed).load()
    assert set(one.variables) == set(two.variables)
    for name in one.variables:
        a, b = one[name].values, two[name].values
        same = (a == b).all() if a.dtype.kind in "OU" else \
            np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes()
        assert same, f"{name} differs"
    print(f"all {len(one.variables)} variables of {one.status.size} members are equal bit for bit; "
          f"{int(one.n_steps.sum()):.3g} steps")


def summarise(rows: list[dict[str, Any]]) -> None:
    """A table of kinds of kill."""
    print("| killed | signal | kills | while members ran | exit codes | ended within, median and worst | "
          "lost by a running member, median and worst | lost by all, steps |\n"
          "| --- | --- | --- | --- | --- | --- | --- | --- |")
    for whom in ("mpiexec", "rank"):
        for name in ("SIGKILL", "SIGTERM"):
            mine = [row for row in rows if (row["whom"], row["signal"]) == (whom, name)]
            at_work = [row for row in mine if row["lost_running"]]
            if at_work:
                took, lost = [row["took_s"] for row in mine], [row["lost_seconds"] for row in at_work]
                codes = ", ".join(map(str, sorted({row["exit_code"] for row in mine})))
                print(f"| {whom} | {name} | {len(mine)} | {len(at_work)} | {codes} | "
                      f"{median(took):.2f} s, {max(took):.2f} s | {median(lost):.2f} s, {max(lost):.2f} s | "
                      f"{sum(row['lost_all_steps'] for row in at_work)} |")


if __name__ == "__main__":
    main()
