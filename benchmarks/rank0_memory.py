"""Memory of rank 0 of a large job: its plan, the shared counters, what the ranks send at the end, and folding.

    python benchmarks/rank0_memory.py --members 1000000 --ranks 1000

Nothing is trained and no other rank runs: members are made up and stored in as many parts as there would be ranks, and
what rank 0 does is done in its order. Peaks are of resident memory, as the system counts it.
"""
from __future__ import annotations

import argparse
import contextlib
import pickle
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from ohmlearn import Network, Run, Sweep, Task
from ohmlearn.drivers.jobs.rank_worker import Outcome
from ohmlearn.drivers.jobs.run_sweep import begin, finish
from ohmlearn.drivers.store import part_file
from ohmlearn.drivers.sweeps.sweep_file import parse
from ohmlearn.parallel.communicator import Shared
from ohmlearn.parallel.self_scheduling import Dealer, WorkList
from ohmlearn.parallel.timeline import Timeline

RATES = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, default=1_000_000)
    parser.add_argument("--ranks", type=int, default=1000)
    parser.add_argument("--spans", type=int, default=0, help="things that each rank did, as with --timeline")
    given = parser.parse_args()
    sweep = made_up(given.members // RATES)
    tell("the sweep itself")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store"
        plan = begin(sweep, path, (1, 1), False, [])
        sent = len(pickle.dumps(plan))
        tell(f"the plan, of which every rank is sent {sent / 1e6:.0f} MB")
        n = plan.todo.size
        work_list = WorkList(plan.todo, plan.expected, (plan.todo // RATES, plan.todo % RATES), given.ranks)
        shared = Shared(work_list.size)
        dealer = Dealer(work_list, shared, 0, True)
        tell(f"counters, {work_list.size * 8 / 1e6:.0f} MB that all ranks share")
        shared.put(1, np.full(n // 2, 1000))
        while dealer._deal_anew():
            pass
        tell("dealing anew")
        store_all(plan, given.ranks)
        tell("(storing, which other ranks would do)")
        told = [Outcome(n // given.ranks, None, None, timeline(given.spans).finish()) for _ in range(given.ranks)]
        tell("what the ranks send at the end")
        start = time.perf_counter()
        report = finish(path, plan, told, [], 0.0)
        assert report.n_missing == 0
        tell(f"folding, {time.perf_counter() - start:.0f} s")


def made_up(count: int) -> Sweep:
    """A sweep of many tasks, drawn without looking whether they can be learned."""
    network = Network.packing(64, seed=1)
    rng, n = np.random.default_rng(0), network.n_nodes
    tables = parse({"network": {"packing": {"n_nodes": 64, "seed": 1}}, "tasks": {"allosteric": {"count": count}},
                    "sweep": {"rates": {"from": 1.0, "to": 1e9, "per_decade": 1}, "keep_state": False}})
    nodes = np.argsort(rng.random((count, n)), axis=1)[:, :14]
    voltages = rng.normal(size=(count, 14))
    return Sweep(tables, network, [Task(places[:11], v[:11], places[11:], 0.2 * v[11:])
                                   for places, v in zip(nodes, voltages, strict=True)])


def store_all(plan: object, ranks: int) -> None:
    """Members of all ranks in their parts."""
    store = plan.store  # type: ignore[attr-defined]
    rates = store.sweep.rates.tolist()
    empty = np.empty(0)
    for rank, numbers in enumerate(np.array_split(plan.todo, ranks)):  # type: ignore[attr-defined]
        path = store.part((1, 1), rank)
        part_file.prepare(path, store.layout, "0")
        rows = [store.layout.pack(number // RATES, Run(
            rates[number % RATES], "reached", "C* fell below 1e-06 C*(0)", 1.0, 1.0, 1.0, 1.0, *([empty] * 6),
            1.0, 9e-7, 3765, 400)) for number in numbers.tolist()]
        with contextlib.closing(part_file.connect(path, write=True)) as connection:
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO member VALUES (?, ?, ?, ?, ?, ?)", rows)
            connection.execute("COMMIT")


def timeline(spans: int) -> Timeline:
    """What a rank did, if anybody asked for it."""
    found = Timeline(wanted=spans > 0)
    for k in range(spans):
        found.add("working", float(k), k + 0.5)
    return found


def tell(what: str) -> None:
    """The most memory so far."""
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 ** 2:6.2f} GiB with {what}", flush=True)


if __name__ == "__main__":
    main()
