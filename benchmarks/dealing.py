"""How well members would be dealt out to many ranks: simulated from measured member times and draws.

    python benchmarks/dealing.py --plot benchmarks/dealing.png

First measures what a draw from the shared counter costs while rank 0 is in long kernels (two ranks, within a node
and over TCP), how many draws a second it serves, and what a task of mpi4py.futures costs. Then runs the published
sweep with 100 tasks for the processor time that each member keeps its lane, and deals a million such members (tasks
drawn again with replacement) to 1e2, 1e3 and 1e4 ranks of 8 lanes, by the functions that the program itself uses.
A draw holds up all lanes of its rank, draws queue at the counter, and rank 0 takes the time to deal anew that it takes
here. Start-up is left out.
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
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.drivers.training.work_queue import bands, expected_log_steps
from ohmlearn.parallel.self_scheduling import ANEW, LOOK, WorkList, tickets, weights

LANES, TASKS = 8, 100
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
count, end = 0, time.perf_counter() + 1
while comm.rank > 0 and time.perf_counter() < end:
    shared.add(0)
    count += 1
counts = comm.gather(count)
comm.Barrier()
shared.close()
quantiles = comm.bcast(np.quantile(took, [0.5, 0.9, 0.99]) if comm.rank == 1 else None, 1)
if comm.rank == 0:
    print(*quantiles, 1 / sum(counts))
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


class Draw(NamedTuple):
    """A draw from the counter: seconds until the rank has it, and seconds that the counter is busy with it."""

    latency: float
    service: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, default=1_000_000)
    parser.add_argument("--network", type=Path, help="a file; by default a packing like the published ones")
    parser.add_argument("--plot", type=Path)
    given = parser.parse_args()
    near, far = measure_draws()
    rates, seconds = member_times(given.network)
    print(f"members keep a lane for {1e3 * seconds.mean():.1f} ms on average, {1e3 * seconds.max():.0f} ms at most\n"
          "| ranks | members | draws | order | efficiency | no dealing could exceed | of that | time | tail | draws |\n"
          "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    curves = {}
    cases = [(ranks, draw, again) for ranks in (100, 1000, 10_000)
             for draw, again in ((near, False), (near, True), (far, True))]
    for ranks, draw, again in cases:
        members = Members.like(rates, seconds, given.members)
        ended, draws = simulate(members, ranks, draw, ANEW if again else ())
        total, ideal = ended.max(), members.seconds.sum() / (ranks * LANES)
        least = max(ideal, members.seconds.max())
        order = "dealt anew" if again else "as first dealt"
        print(f"| {ranks} | {members.seconds.size} | {'within a node' if draw is near else 'TCP'} | {order} | "
              f"{ideal / total:.3f} | {ideal / least:.3f} | {least / total:.3f} | {total:.2f} s | "
              f"{total - np.quantile(ended, 0.05):.2f} s | {draws} |", flush=True)
        if draw is near:
            curves[ranks, order] = ended / total
    if given.plot:
        plot(curves, given.plot)


def measure_draws() -> list[Draw]:
    """A draw within a node and over TCP, with what was measured printed."""
    launcher = Path(sys.executable).with_name("mpiexec")
    found = []
    for name, place, more in (("within a node", "near", {}), ("over TCP", "far", {"MPIR_CVAR_NOLOCAL": "1"})):
        told = subprocess.run([launcher, "-n", "2", sys.executable, "-c", DRAW, place], capture_output=True, text=True,
                              check=True, env=os.environ | more).stdout.split()
        half, most, nearly, busy = (1e6 * float(word) for word in told)
        print(f"a draw {name} while rank 0 is in kernels of tenths of a second: median {half:.0f} µs, "
              f"90 % below {most:.0f}, 99 % below {nearly:.0f}; rank 0 idle: {busy:.1f} µs each")
        found.append(Draw(1e-6 * half, 1e-6 * busy))
    with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
        file.write(POOL)
        file.flush()
        told = subprocess.run([launcher, "-n", "2", sys.executable, file.name], capture_output=True, text=True,
                              check=True).stdout.split()
    print(f"a task of mpi4py.futures, one worker: {1e6 * float(told[-1]):.0f} µs, and one rank only manages")
    return found


def member_times(network: Path | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(rates,) R, and (tasks, rates) seconds of processor time that members keep their lanes."""
    from ohmlearn import Sweep
    from ohmlearn.drivers.training.lane_block import LaneBlock
    from ohmlearn.drivers.training.thread_pool import run_members
    from ohmlearn.drivers.training.work_queue import LongestFirst

    sweep = Sweep.from_tables({
        "network": {"packing": {"n_nodes": 64, "seed": 1}} if network is None else {"file": str(network)},
        "tasks": {"allosteric": {"count": TASKS}},
        "sweep": {"rates": {"from": 1e-3, "to": 1e12, "per_decade": 2}}}, Path.cwd())
    begun, took = np.zeros(len(sweep)), np.zeros(len(sweep))
    insert, harvest = LaneBlock.insert, LaneBlock.harvest

    def noted_insert(block: LaneBlock, number: int, saved: Any = None) -> None:
        begun[number] = time.thread_time()
        insert(block, number, saved)

    def noted_harvest(block: LaneBlock) -> Any:
        runs = harvest(block)
        for number, _ in runs:
            took[number] = time.thread_time() - begun[number]
        return runs

    LaneBlock.insert, LaneBlock.harvest = noted_insert, noted_harvest  # type: ignore[method-assign]
    ensemble = sweep.ensemble
    for numbers in (np.arange(8), np.arange(len(sweep))):   # the first only load the kernels
        queue = LongestFirst(numbers, ensemble.task_of, ensemble.rates)
        run_members(ensemble, queue, lambda number, run: None, threads=1)
    LaneBlock.insert, LaneBlock.harvest = insert, harvest  # type: ignore[method-assign]
    return sweep.rates, took.reshape(TASKS, -1)


class Members(NamedTuple):
    """Seconds of many members, ln of the time expected at first, the task and rate of each, and how they are dealt."""

    seconds: NDArray[np.float64]
    prior: NDArray[np.float64]
    factors: list[NDArray[np.int64]]
    work_list: WorkList

    @classmethod
    def like(cls, rates: NDArray[np.float64], seconds: NDArray[np.float64], count: int) -> Members:
        n_tasks = count // rates.size
        many = seconds[np.random.default_rng(0).integers(0, len(seconds), n_tasks)]
        factors = [np.tile(np.arange(n_tasks), rates.size), np.repeat(np.arange(rates.size), n_tasks)[::-1]]
        prior, stages = expected_log_steps(rates)[factors[1]], bands(rates)[factors[1]]
        return cls(many[factors[0], factors[1]], prior, factors,
                   WorkList(np.arange(prior.size), prior, factors, 1, stages, factors[0]))


def simulate(members: Members, ranks: int, draw: Draw,
             thresholds: tuple[float, ...]) -> tuple[NDArray[np.float64], int]:
    """When each lane of each rank has ended, and how many draws it took."""
    n, deals = members.seconds.size, deque(thresholds)
    order = members.work_list.order(members.prior)
    ends, ticket, draws, free = tickets(np.exp(members.prior[order]), ranks), 0, 0, 0.0
    known, left, finished = np.zeros(n), np.ones(n, dtype=bool), 0
    stock: list[deque[int]] = [deque() for _ in range(ranks)]
    held_up = np.zeros(ranks)       # seconds that draws have cost each rank so far
    ended, look, ready = np.zeros(ranks * LANES), LOOK, np.inf
    expected, order_then = members.prior, order
    events = [(0.0, lane, -1, 0.0) for lane in range(ranks * LANES)]
    while events:
        now, lane, item, before = heapq.heappop(events)
        rank = lane // LANES
        if held_up[rank] > before:      # the rank has waited for the counter meanwhile
            heapq.heappush(events, (now + held_up[rank] - before, lane, item, held_up[rank]))
            continue
        if now >= ready:                # rank 0 has dealt anew
            order = order_then[left[order_then]]
            ends, ticket, ready = tickets(np.exp(expected[order]), ranks), 0, np.inf
        elif now >= look and ready == np.inf:
            look = now + LOOK
            if deals and finished >= deals[0] * n:
                begin = time.perf_counter()
                expected = weights(members.prior, known, members.factors)
                order_then = members.work_list.order(expected)
                ready = now + time.perf_counter() - begin
                deals.popleft()
        if item >= 0:
            known[item] = members.seconds[item]
            finished += 1
        if not stock[rank] and ticket + 1 < ends.size:
            free = max(now, free) + draw.service
            wait = free - now + draw.latency
            now, draws, held_up[rank] = now + wait, draws + 1, held_up[rank] + wait
            drawn = order[ends[ticket]:ends[ticket + 1]]
            stock[rank].extend(drawn.tolist())
            left[drawn] = False
            ticket += 1
        if stock[rank]:
            item = stock[rank].popleft()
            heapq.heappush(events, (now + members.seconds[item], lane, item, held_up[rank]))
        else:
            ended[lane] = now
    return ended, draws


def plot(curves: dict[tuple[int, str], NDArray[np.float64]], path: Path) -> None:
    """Share of lanes at work towards the end."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for (ranks, order), ended in curves.items():
        axes.plot(np.sort(ended), 1 - np.arange(ended.size) / ended.size, "-" if order == "dealt anew" else ":",
                  label=f"{ranks} ranks, {order}", color=f"C{[100, 1000, 10_000].index(ranks)}")
    axes.set(xlabel="time / time of the whole", ylabel="fraction of lanes at work", xlim=(0, 1.01))
    axes.legend(fontsize="small", frameon=False)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
