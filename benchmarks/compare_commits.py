"""Whether one commit is faster than another: benchmarks of the asv suite on both in turns, a verdict and its evidence.

    python benchmarks/compare_commits.py OLD [NEW] --bench ensembles.Step --bench startup [--pairs 15]

NEW is the working tree where it is not given. Each commit is checked out by itself (`git worktree`) and runs in a
process of its own with this environment's libraries; the benchmarks are those of this checkout. The two processes take
turns, first one and then the other begins, so that what else the machine does falls on both. Of every pair the ratio of
times counts, new over old. A benchmark is faster or slower if the median ratio is beyond 1 by more than --least (1 %),
its interval at 99 % leaves 1 out, and a sign test finds fewer than 1 in 100 such series by chance; else there is no
difference that this many pairs would show, and the interval says how large one may be.
"""
from __future__ import annotations

import argparse
import importlib
import inspect
import itertools
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

HERE, AT_LEAST = Path(__file__).parent, 0.05        # seconds that one measurement takes at least
FOLDERS = {"ohmlearn": "model", **{f"ohmlearn.{name}": name for name in ("kernels", "solvers", "parallel", "drivers")}}


def verdict(old: ArrayLike, new: ArrayLike, least: float = 0.01) -> tuple[str, str]:
    """"faster", "slower" or "no difference", and what it rests on, from times of the old and the new one in pairs."""
    ratios = np.asarray(new, dtype=float) / np.asarray(old, dtype=float)
    n, middle = ratios.size, float(np.median(ratios))
    draws = np.random.default_rng(0).integers(0, n, (4000, n))
    low, high = np.quantile(np.median(ratios[draws], axis=1), [0.005, 0.995])
    below = int(np.sum(ratios < 1))
    few = min(below, n - below)
    chance = min(1.0, 2 * sum(math.comb(n, k) for k in range(few + 1)) / 2**n)
    evidence = (f"{middle:.3f} of the time ({low:.3f} to {high:.3f} at 99 %), less in {below} of {n} pairs, "
                f"by chance in {chance:.1g}")
    if abs(middle - 1) <= least or low <= 1 <= high or chance >= 0.01:
        return "no difference", evidence
    return ("faster" if middle < 1 else "slower"), evidence


def found(wanted: list[str]) -> Iterator[tuple[str, str, str, int]]:
    """(module, class, method, number of parameters' combination) of the suite's benchmarks whose names begin so."""
    sys.path.insert(0, str(HERE))
    for name in sorted({entry.partition(".")[0] for entry in wanted}):
        module = importlib.import_module(name)
        for cls_name, cls in inspect.getmembers(module, inspect.isclass):
            if cls.__module__ != name:
                continue
            for method in (key for key in dir(cls) if key.startswith(("time_", "track_"))):
                full = f"{name}.{cls_name}.{method}"
                if any(full.startswith(entry) for entry in wanted):
                    yield from ((name, cls_name, method, k) for k in range(len(combinations(cls))))


def combinations(cls: Any) -> list[tuple[Any, ...]]:
    """Values of the parameters of a benchmark, as asv combines them."""
    params = getattr(cls, "params", [])
    lists = params if params and isinstance(params[0], list | tuple) else [params] if params else []
    return list(itertools.product(*lists))


class Benchmark:
    """One benchmark of this process's commit."""

    def __init__(self, module: str, cls: str, method: str, number: int) -> None:
        kind = getattr(importlib.import_module(module), cls)
        self.one, self.given = kind(), combinations(kind)[number]
        if hasattr(self.one, "setup"):
            self.one.setup(*self.given)
        self.method, self.tracks = getattr(self.one, method), method.startswith("track_")
        self.rate = self.tracks and getattr(getattr(kind, method), "unit", "").endswith("/s")
        self.repeats = 1
        while not self.tracks and self.once() * self.repeats < AT_LEAST and self.repeats < 10**6:
            self.repeats *= 2

    def once(self) -> float:
        """Seconds of one call, or what it tracks, of which less is better."""
        if self.tracks:
            value = float(self.method(*self.given))
            return 1.0 / value if self.rate else value
        begin = time.process_time()
        for _ in range(self.repeats):
            self.method(*self.given)
        return (time.process_time() - begin) / self.repeats


def serve(folder: str) -> None:
    """In a process of its own: run what is asked for on standard input, with the package of this folder."""
    class Finder:
        def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
            if name not in FOLDERS:
                return None
            place = Path(folder) / FOLDERS[name]
            return importlib.util.spec_from_file_location(name, place / "__init__.py",
                                                          submodule_search_locations=[str(place)])
    import importlib.util

    sys.meta_path.insert(0, Finder())       # before what the environment has installed
    sys.path.insert(0, str(HERE))
    answers, sys.stdout = sys.stdout, sys.stderr
    made: dict[str, Benchmark] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            if line not in made:
                made.clear()
                made[line] = Benchmark(*asked)
            said: Any = made[line].once()
        except Exception as error:          # an older commit may not have what a benchmark calls
            said = f"{type(error).__name__}: {error}"
        print(json.dumps(said), file=answers, flush=True)


class Commit:
    """A process that runs benchmarks on the package in a folder."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen([sys.executable, __file__, "--serve", str(folder)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def ask(self, benchmark: tuple[str, str, str, int]) -> float | str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(benchmark) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        return json.loads(answer) if answer else "its process ended"


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("old", nargs="?")
    words.add_argument("new", nargs="?", help="the working tree where it is not given")
    words.add_argument("--bench", action="append", help="module, or module.Class, or module.Class.method")
    words.add_argument("--pairs", type=int, default=15)
    words.add_argument("--least", type=float, default=0.01, help="smallest difference that counts, of the time")
    words.add_argument("--serve", help=argparse.SUPPRESS)
    given = words.parse_args()
    if given.serve:
        serve(given.serve)
        return
    if not given.old:
        words.error("give the commit to compare with")
    root = HERE.parent
    with tempfile.TemporaryDirectory() as place:
        folders = []
        try:
            for name in (given.old, given.new):
                folders.append(Path(place) / f"commit{len(folders)}" if name else root)
                if name:
                    subprocess.run(["git", "worktree", "add", "--detach", "--quiet", str(folders[-1]), name], cwd=root,
                                   check=True)
            compare([Commit(folder) for folder in folders], list(found(given.bench or ["ensembles"])), given.pairs,
                    given.least)
        finally:
            for folder in folders:
                if folder != root:
                    subprocess.run(["git", "worktree", "remove", "--force", str(folder)], cwd=root, check=False)


def compare(commits: list[Commit], benchmarks: list[tuple[str, str, str, int]], pairs: int, least: float) -> None:
    """Print a line a benchmark."""
    for benchmark in benchmarks:
        module, cls, method, number = benchmark
        values = combinations(getattr(importlib.import_module(module), cls))[number]
        name = f"{module}.{cls}.{method}" + (str(values) if values else "")
        times: list[list[float]] = [[], []]
        trouble = next((f"{which}: {said}" for which, commit in zip(("old", "new"), commits, strict=True)
                        if isinstance(said := commit.ask(benchmark), str)), None)
        for k in range(0 if trouble else pairs):
            for which in ((0, 1), (1, 0))[k % 2]:
                times[which].append(float(commits[which].ask(benchmark)))
        print(f"{name}: " + (f"not compared ({trouble})" if trouble else "{}; {}".format(*verdict(*times, least))),
              flush=True)
    for commit in commits:
        commit.process.terminate()


if __name__ == "__main__":
    main()
