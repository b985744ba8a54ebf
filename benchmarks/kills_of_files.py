"""Kill sweeps while their files are being made, ranks changing, and see that the same command always goes on.

    python benchmarks/kills_of_files.py --kills 50

Every kill falls on a fresh store: the command is started on a number of ranks drawn at random (none, 1, 2, 3), and as
soon as a given file appears in the folder, or a moment later, all of its processes get SIGKILL. Then the same command
is repeated on another number of ranks; it must end with code 0, and the results must be those of an undisturbed sweep,
bit for bit.
"""
from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from kills import below, compare

SWEEP = """
[network]
delaunay = { n_nodes = 16, seed = 2 }
[tasks]
allosteric = { sources = 4, targets = 1, count = 5, seed = 0 }
[sweep]
rates = [0.3, 1.0, 10.0]
until = 1e-4
"""
RANKS = (0, 1, 2, 3)
MOMENTS = ("lock", "inputs.npz", "sweep.json", ".token", ".tmp", "part-", "results.zarr.new", "results.zarr")
LATER = 0.03        # seconds after a file appears, at most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    chance, found = random.Random(given.seed), Counter[str]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "sweep.toml"
        file.write_text(SWEEP)
        subprocess.run(words(file, folder / "calm", 0), check=True, stdout=subprocess.DEVNULL)
        for number in range(given.kills):
            store = folder / f"killed-{number}"
            moment = chance.choice(MOMENTS)
            hit = kill(words(file, store, chance.choice(RANKS)), store, moment, chance.uniform(0, LATER))
            left = sorted(path.name for path in store.iterdir()) if store.exists() else []
            command = words(file, store, chance.choice(RANKS))
            again = subprocess.run(command, capture_output=True, text=True, check=False)
            assert again.returncode == 0, f"{moment}, {left}: {again.stderr}"
            compare(folder / "calm", store)
            found[f"{moment}{'' if hit else ' (the sweep had ended)'}"] += 1
    for moment, count in sorted(found.items()):
        print(f"{count:>4} kills at {moment}: the same command went on, the same bits")


def words(file: Path, store: Path, ranks: int) -> list[str]:
    """The command, on ranks of MPI or on none."""
    launcher = [] if ranks == 0 else [str(Path(sys.executable).with_name("mpiexec")), "-n", str(ranks)]
    return [*launcher, sys.executable, "-m", "ohmlearn", "sweep", str(file), "--output", str(store), "--no-progress"]


def kill(command: list[str], store: Path, moment: str, later: float) -> bool:
    """Start a command and kill all of its processes once a file of this name appears; whether it still ran."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    while process.poll() is None and not appeared(store, moment):
        time.sleep(0.0002)
    time.sleep(later)
    running = process.poll() is None
    for pid in [*below(process.pid), process.pid]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()
    time.sleep(0.05)
    return running


def appeared(store: Path, moment: str) -> bool:
    """Whether a file whose name has these letters is in the store."""
    try:
        return any(moment in name for name in os.listdir(store))
    except OSError:
        return False


if __name__ == "__main__":
    main()
