"""Kill a sweep over and over, at random moments, and see that its end is that of an undisturbed one.

    python benchmarks/kills.py --kills 100 --out kills.csv

Starts `mpiexec -n 2 ohmlearn sweep` on 500 members and kills it: the launcher or one rank, by SIGKILL or SIGTERM.
Then the sweep is left to end, and all results are compared bit for bit. The table says what each kill cost: the
seconds that the ranks had worked since they last wrote, which is what their running members lose.
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
CHECKPOINT = 0.5    # seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--longest", type=float, default=6.0, help="seconds until a kill, at most")
    parser.add_argument("--dt", type=float, default=2e-3, help="step: the smaller, the longer the sweep takes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("kills.csv"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "kills.toml"
        file.write_text(SWEEP.format(dt=given.dt))
        begin = time.monotonic()
        subprocess.run(words(file, "calm", given.ranks), check=True, stdout=subprocess.DEVNULL)
        calm = time.monotonic() - begin
        rows = disturb(file, given)
        final = subprocess.run([*words(file, "killed", given.ranks), "--quiet"], check=True, capture_output=True,
                               text=True).stdout
        compare(Path(folder) / "calm", Path(folder) / "killed")
    with open(given.out, "w", newline="") as out:
        writer = csv.DictWriter(out, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    print(final.strip())
    summarise(rows, calm)


def words(file: Path, store: str, ranks: int) -> list[str]:
    """The command that is started again and again."""
    launcher = Path(sys.executable).with_name("mpiexec")
    return [str(launcher), "-n", str(ranks), sys.executable, "-m", "ohmlearn", "sweep", str(file), "--store",
            str(file.with_name(store)), "--checkpoint", str(CHECKPOINT), "--quiet"]


def disturb(file: Path, given: argparse.Namespace) -> list[dict[str, object]]:
    """Start and kill; one row for each."""
    chance = random.Random(given.seed)
    store, rows, before = file.with_name("killed"), [], 0
    for number in range(given.kills):
        whom, which = chance.choice(["mpiexec", "rank"]), chance.choice([signal.SIGKILL, signal.SIGTERM])
        process = subprocess.Popen(words(file, "killed", given.ranks), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        lives = chance.uniform(0, given.longest)
        try:
            process.wait(timeout=lives)
            print(f"\nthe sweep ended before kill {number}; a smaller --dt makes it longer")
            break
        except subprocess.TimeoutExpired:
            pass
        ranks = below(process.pid)
        target = process.pid if whom == "mpiexec" or not ranks else chance.choice(ranks)
        now = time.time()
        written = [part.stat().st_mtime for part in store.glob("part-*.sqlite")]
        os.kill(target, which)
        process.wait()
        while any(Path(f"/proc/{rank}").exists() for rank in ranks):
            time.sleep(0.01)
        members = stored(store)
        begun = [mtime for mtime in written if mtime > now - lives]
        rows.append({
            "kill": number, "whom": whom, "signal": which.name, "lived_s": round(lives, 2),
            "exit_code": process.returncode, "took_s": round(time.time() - now, 3), "new_members": members - before,
            "lost_s_per_rank": round(sum(now - mtime for mtime in begun) / len(begun), 3)
            if begun and which == signal.SIGKILL else 0.0})
        before = members
        print(f"\r{number + 1} kills, {members} of 500 members", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return rows


def below(pid: int) -> list[int]:
    """The ranks under a launcher."""
    found, todo = [], [pid]
    while todo:
        for children in Path(f"/proc/{todo.pop()}/task").glob("*/children"):
            try:
                more = [int(word) for word in children.read_text().split()]
            except OSError:
                continue
            todo += more
            found += more
    return [pid for pid in found if b"ohmlearn" in cmdline(pid) and b"mpiexec" not in cmdline(pid).split(b"\0")[0]
            and b"pmi_proxy" not in cmdline(pid).split(b"\0")[0]]


def cmdline(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def stored(store: Path) -> int:
    """Members that are in the store, none of them twice."""
    from ohmlearn.drivers import parts
    from ohmlearn.drivers.store import Store

    if not (store / "sweep.json").exists():
        return 0
    keys = [key[:2] for part in Store.open(store).parts() for key in parts.read_keys(part)]
    assert len(keys) == len(set(keys)), "a member is stored twice"
    return len(keys)


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
    print(f"all {len(one.variables)} variables of {one.status.size} members are equal bit for bit")


def summarise(rows: list[dict[str, object]], calm: float) -> None:
    """A table of kinds of kill."""
    print(f"undisturbed: {calm:.1f} s with start-up; running members are stored every {CHECKPOINT} s")
    print("| killed | signal | kills | exit codes | ended within, median and worst (s) | "
          "work lost per rank, median and worst (s) |\n| --- | --- | --- | --- | --- | --- |")
    for whom in ("mpiexec", "rank"):
        for name in ("SIGKILL", "SIGTERM"):
            mine = [row for row in rows if (row["whom"], row["signal"]) == (whom, name)]
            took, lost = ([float(str(row[key])) for row in mine] for key in ("took_s", "lost_s_per_rank"))
            codes = ", ".join(map(str, sorted({int(str(row["exit_code"])) for row in mine})))
            if mine:
                print(f"| {whom} | {name} | {len(mine)} | {codes} | {median(took):.2f}, {max(took):.2f} | "
                      f"{median(lost):.2f}, {max(lost):.2f} |")


if __name__ == "__main__":
    main()
