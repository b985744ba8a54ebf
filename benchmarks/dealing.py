"""How well members would be dealt out to many ranks: simulated from measured member times and draws.

    python benchmarks/dealing.py --plot dealing.png

First measures what a draw from the shared counter costs while rank 0 is in long kernels (two ranks, within a node
and over TCP), and what a task of mpi4py.futures costs. Then runs a sweep of 50 tasks x 31 rates for the times of its
members, and deals a million members of such times (tasks drawn again with replacement, with a spread of 10 %) to
1e2, 1e3 and 1e4 ranks of 8 lanes, by the functions that the program itself uses. Start-up is left out.
"""
from __future__ import annotations

import argparse
import heapq
import os
import subprocess
import sys
import tempfile
import time
from collections import deque
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from ohmlearn.parallel.dealing import ANEW, predict, tickets

LANES = 8
DRAW = """
import hashlib, sys, time
import numpy as np
from ohmlearn.parallel.mpi import MpiShared
from mpi4py import MPI
comm = MPI.COMM_WORLD
shared = MpiShared(comm, 4, far=sys.argv[1] == "far")
text = bytes(100_000_000)       # hashing it is a kernel of some tenths of a second that gives the lock free
took, end = [], time.perf_counter() + 3
while time.perf_counter() < end:
    if comm.rank == 0:
        hashlib.sha256(text).digest()
    else:
        begin = time.perf_counter()
        shared.add(0)
        took.append(time.perf_counter() - begin)
        time.sleep(0.001)
comm.Barrier()
shared.close()
if comm.rank == 1:
    print(*np.quantile(took, [0.5, 0.9, 0.99]))
"""
POOL = """
import time
from mpi4py import MPI
from mpi4py.futures import MPICommExecutor
def nothing(k): return k
with MPICommExecutor(MPI.COMM_WORLD, root=0) as pool:
    if pool is not None:
        list(pool.map(nothing, range(100)))
        begin = time.perf_counter()
        list(pool.map(nothing, range(2000)))
        print((time.perf_counter() - begin) / 2000)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, default=1_000_000)
    parser.add_argument("--store", type=Path, help="of a sweep, for the times of its members; by default one is run")
    parser.add_argument("--plot", type=Path)
    given = parser.parse_args()
    near, far = measure_draws()
    steps, per_step = member_times(given.store)
    print(f"members take {steps.mean():.0f} steps on average, {steps.max():.0f} at most; "
          f"{1e6 * per_step:.2f} µs a step in a lane")
    print("| ranks | members | a draw | order | efficiency | at most, for the longest member | time | tail | draws |\n"
          "| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    curves = {}
    cases = [(ranks, given.members, draw, again) for ranks in (100, 1000, 10_000)
             for draw, again in ((near, False), (near, True), (far, True))]
    for ranks, members, draw, again in [*cases, (10_000, 10 * given.members, near, True)]:
        seconds, factors = population(steps * per_step, members)
        ended, draws = simulate(seconds, factors, ranks, draw, ANEW if again else ())
        total, ideal = ended.max(), seconds.sum() / (ranks * LANES)
        order = "dealt anew" if again else "as first dealt"
        print(f"| {ranks} | {seconds.size} | {1e6 * draw:.0f} µs | {order} | {ideal / total:.3f} | "
              f"{min(1.0, ideal / seconds.max()):.3f} | {total:.3f} s | {total - ended.min():.3f} s | {draws} |",
              flush=True)
        if draw == near:
            curves[ranks, seconds.size, order] = ended / total
    if given.plot:
        plot(curves, given.plot)


def measure_draws() -> list[float]:
    """Median seconds of a draw within a node and over TCP, with what was measured printed."""
    launcher = Path(sys.executable).with_name("mpiexec")
    found = []
    for name, place, more in (("within a node", "near", {}), ("over TCP", "far", {"MPIR_CVAR_NOLOCAL": "1"})):
        told = subprocess.run([launcher, "-n", "2", sys.executable, "-c", DRAW, place], capture_output=True, text=True,
                              check=True, env=os.environ | more).stdout.split()
        half, most, nearly = (1e6 * float(word) for word in told)
        print(f"a draw {name} while rank 0 is in kernels of tenths of a second: median {half:.0f} µs, "
              f"90 % below {most:.0f}, 99 % below {nearly:.0f}")
        found.append(1e-6 * half)
    with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
        file.write(POOL)
        file.flush()
        told = subprocess.run([launcher, "-n", "2", sys.executable, file.name], capture_output=True, text=True,
                              check=True).stdout.split()
    print(f"a task of mpi4py.futures, one worker: {1e6 * float(told[-1]):.0f} µs, and one rank only manages")
    return found


def member_times(store: Path | None) -> tuple[NDArray[np.float64], float]:
    """(tasks, rates) steps of members, and the seconds that a lane needs for one."""
    from ohmlearn import Sweep, open_results

    if store is not None:
        return open_results(store).n_steps.values.astype(float), 2.5e-6
    sweep = Sweep.from_tables({
        "network": {"packing": {"n_nodes": 64, "seed": 1}}, "tasks": {"allosteric": {"count": 50}},
        "sweep": {"rates": {"from": 1e-3, "to": 1e12, "per_decade": 2}}})
    with tempfile.TemporaryDirectory() as folder:
        Sweep.from_tables({**sweep.tables.model_dump(exclude_none=True, by_alias=True), "tasks": {
            "allosteric": {"count": 1}}}).run(Path(folder) / "warm", threads=1, quiet=True)
        begin = time.process_time()
        sweep.run(Path(folder) / "store", threads=1, quiet=True)
        took = time.process_time() - begin
        steps = open_results(Path(folder) / "store").n_steps.values.astype(float)
    return steps, LANES * took / steps.sum()


def population(seconds: NDArray[np.float64], members: int) -> tuple[NDArray[np.float64], list[NDArray[np.int64]]]:
    """Times of many members of tasks like the measured ones, and the task and rate of each."""
    rng = np.random.default_rng(0)
    n_rates = seconds.shape[1]
    n_tasks = members // n_rates
    many = seconds[rng.integers(0, len(seconds), n_tasks)] * np.exp(rng.normal(0, 0.1, (n_tasks, n_rates)))
    return many.ravel(), [np.repeat(np.arange(n_tasks), n_rates), np.tile(np.arange(n_rates), n_tasks)]


def simulate(seconds: NDArray[np.float64], factors: list[NDArray[np.int64]], ranks: int, draw: float,
             thresholds: tuple[float, ...]) -> tuple[NDArray[np.float64], int]:
    """When each lane of each rank has ended, and how many draws it took. Nothing is known of the items at first."""
    n, prior = seconds.size, np.zeros(seconds.size)
    order, ends, ticket, draws = np.arange(n), tickets(np.ones(n), ranks), 0, 0
    known, left, finished, deals = np.zeros(n), np.ones(n, dtype=bool), 0, deque(thresholds)
    stock: list[deque[int]] = [deque() for _ in range(ranks)]
    ended = np.zeros(ranks * LANES)
    events = [(0.0, lane, -1) for lane in range(ranks * LANES)]
    while events:
        now, lane, item = heapq.heappop(events)
        if item >= 0:
            known[item] = seconds[item]
            finished += 1
            if deals and finished >= deals[0] * n:
                deals.popleft()
                expected = predict(prior, known, factors)
                order = np.argsort(-expected, kind="stable")
                order = order[left[order]]
                ends, ticket = tickets(np.exp(expected[order]), ranks), 0
        mine = stock[lane // LANES]
        if not mine:
            now, draws = now + draw, draws + 1
            if ticket + 1 < ends.size:
                mine.extend(order[ends[ticket]:ends[ticket + 1]].tolist())
                left[order[ends[ticket]:ends[ticket + 1]]] = False
                ticket += 1
        if mine:
            item = mine.popleft()
            heapq.heappush(events, (now + seconds[item], lane, item))
        else:
            ended[lane] = now
    return ended, draws


def plot(curves: dict[tuple[int, int, str], NDArray[np.float64]], path: Path) -> None:
    """Share of lanes at work towards the end."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for (ranks, members, order), ended in curves.items():
        axes.plot(np.sort(ended), 1 - np.arange(ended.size) / ended.size, "-" if order == "dealt anew" else ":",
                  label=f"{ranks} ranks, {members:.0e} members, {order}", color=f"C{[100, 1000, 10_000].index(ranks)}",
                  linewidth=1 if members < 5e6 else 2)
    axes.set(xlabel="time / time of the whole", ylabel="share of lanes at work", xlim=(0.6, 1.01))
    axes.legend(fontsize="small", frameon=False)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
