"""Random files into every reader, random changes of stores, saved runs and checkpoints, odd calls of
every command, for some minutes.

    python tests/fuzz_all.py [MINUTES] [SEED]

Every night, with a seed of its own (by default the time), which an error names.
"""
import sys
import time
from collections import Counter

import fuzz_commands
import fuzz_files
import fuzz_results
import fuzz_stores

ROUNDS = ((fuzz_files.fuzz, 2000), (fuzz_results.fuzz, 500), (fuzz_stores.fuzz, 100),
          (fuzz_commands.fuzz, 5))


def main(minutes: float, seed: int) -> None:
    end, done = time.monotonic() + 60 * minutes, Counter[str]()
    print(f"seed {seed}", flush=True)
    while time.monotonic() < end:
        for fuzz, count in ROUNDS:
            done += fuzz(count, seed)
            done[f"rounds of {fuzz.__module__}"] += 1
        seed += 1
    for name, number in sorted(done.items()):
        print(f"{number:>8}  {name}")


if __name__ == "__main__":
    given = sys.argv[1:]
    main(float(given[0]) if given else 20.0, int(given[1]) if len(given) > 1 else int(time.time()))
