"""How well an ensemble uses its lanes, and what sizes, threads and the manifold cost. Ratios within one run.

    python benchmarks/lane_work.py [--network packing_01.txt] [--tasks 50] [--per-decade 2] [--repeats 7]
                                   lanes | threads | sizes | slow ... [--record]

lanes : useful lane-steps (of members not yet finished, over all of their blocks) over the published sweep, 31 rates and
50 tasks, on one thread and on two. threads : time of that sweep on one thread over that on two, and what becomes of the
second core: of the time of two threads the part in which they did not compute, and by how much they computed longer
than one thread does; --tasks 100 --per-decade 10 is a sweep of ten seconds. sizes : time of an
edge-step from 16 to 1024 nodes relative to 64, with the memory that a block's step touches. slow : time of runs at
R = 1e-3 over that at 0.1, and τ against RK4 alone. --record writes what the pages quote to docs/measured.toml.
"""
from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import ohmlearn as ol
from ohmlearn.drivers.training import worker
from ohmlearn.kernels.ensemble.block_state import EVALUATED, EVALUATIONS, LANE_STEPS, STEPS
from ohmlearn.kernels.ensemble.rk4 import rk4_step
from ohmlearn.kernels.simd.jit import borrowed, kernel

sys.path.insert(0, str(Path(__file__).parents[1] / "docs" / "_ext"))
from measured import record

REPEATS = 7


@kernel
def march(block, steps):
    """RK4 steps of one block, one after the other."""
    block = borrowed(block)
    for _ in range(steps):
        rk4_step(block.graph, block.law, block.x, block.y, block.q, block.G, block.Gq)


def published(net: ol.Network, given: argparse.Namespace) -> tuple[list[ol.Task], np.ndarray]:
    """The members of the published sweep, or of one with more tasks and rates."""
    rates = np.logspace(-3, 12, 15 * given.per_decade + 1)
    tasks = [ol.Task.allosteric(net, 10, 3, seed=seed) for seed in range(given.tasks)]
    return [task for task in tasks for _ in rates], np.tile(rates, given.tasks)


def tallies(net: ol.Network, members: list[ol.Task], rates: np.ndarray, threads: int) -> dict[str, np.ndarray]:
    """What the blocks of a sweep did, RK4 and on the manifold; see `block_state`."""
    kept: list[worker.Worker] = []
    build = worker.workers_for

    def watched(*words):
        kept[:] = build(*words)
        return kept

    worker.workers_for = watched
    try:
        ol.train(net, members, rates, threads=threads)
    finally:
        worker.workers_for = build
    return {name: sum(w.blocks[kind].block.tally for w in kept) for kind, name in enumerate(("RK4", "manifold"))}


def useful(tally: np.ndarray) -> float:
    """Part of the lane-steps that members took which were not finished."""
    return float(tally[LANE_STEPS] / (8 * tally[STEPS]))


def lanes(net: ol.Network, given: argparse.Namespace) -> dict[str, str]:
    members, rates = published(net, given)
    found: list[float] = []
    for threads in (1, 2):
        for name, tally in tallies(net, members, rates, threads).items():
            found.append(useful(tally))
            print(f"{threads} threads, {name}: {tally[STEPS]} steps of blocks, useful "
                  f"{found[-1]:.3f}; {tally[EVALUATIONS]} evaluations of blocks, of "
                  f"{tally[EVALUATED] / max(tally[EVALUATIONS], 1):.1f} lanes each")
    return {"sweep_lanes": f"{found[0]:.2f} and {found[1]:.2f}"}


def ratio(one: Callable[[], object], other: Callable[[], object], clock: Callable[[], float], repeats: int = REPEATS
          ) -> tuple[str, float, float]:
    """Time of one over that of the other, interleaved, as text with its range; and both in seconds."""
    found, base = [], []
    for _ in range(repeats):
        times = []
        for function in (one, other):
            begin = clock()
            function()
            times.append(clock() - begin)
        found.append(times[0] / times[1])
        base.append(times)
    low, high = np.quantile(found, [0.1, 0.9])
    first, second = np.median(base, axis=0)
    return f"{np.median(found):.2f} ({low:.2f} to {high:.2f})", float(first), float(second)


def threads(net: ol.Network, given: argparse.Namespace) -> dict[str, str]:
    members, rates = published(net, given)
    computed: dict[int, list[float]] = {1: [], 2: []}

    def on(threads: int) -> None:
        begin = time.process_time()
        ol.train(net, members, rates, threads=threads)
        computed[threads].append(time.process_time() - begin)

    said, one, two = ratio(lambda: on(1), lambda: on(2), time.perf_counter, given.repeats)
    mine, both = (float(np.median(times)) for times in computed.values())
    print(f"one thread over two: {said}; {one:.3f} s and {two:.3f} s; two threads computed for {both:.3f} s, "
          f"{both / mine - 1:.1%} more than one, and not for {1 - both / (2 * two):.1%} of their time")
    name = "sweep_threads" if given.per_decade == 2 else "sweep_threads_long"
    return {name: f"{two:.2f} s on two threads, {one:.2f} s on one; ratio {said}"}


def slow(net: ol.Network, given: argparse.Namespace) -> dict[str, str]:
    tasks = [ol.Task.allosteric(net, 10, 3, seed=seed) for seed in range(20)]
    runs = {}

    def at(rate, method="auto"):
        runs[rate, method] = ol.train(net, tasks, rate, threads=1, method=method)

    said, one, other = ratio(lambda: at(1e-3), lambda: at(0.1), time.process_time)
    print(f"R = 1e-3 over R = 0.1: {said}; {one:.3f} s and {other:.3f} s")
    for rate in (1e-3, 1e-2, 0.1):
        at(rate)
        at(rate, "rk4")
        error = np.abs(runs[rate, "auto"].training_time / runs[rate, "rk4"].training_time - 1)
        print(f"tau against RK4 at R = {rate:g}: median {np.nanmedian(error):.1e}, largest {np.nanmax(error):.1e}")
    low_high = said.partition(" ")
    return {"sweep_slow": f"{low_high[0]} of its time {low_high[2]}"}


def sizes(net: ol.Network, given: argparse.Namespace) -> dict[str, str]:
    from ensembles import a_block

    blocks, edges = {}, {}
    for n in (16, 32, 64, 128, 256, 512, 1024):
        block = a_block(n).block
        block.law.rows[:2] *= 1e-3
        blocks[n], edges[n] = block, block.G.shape[0]
        march(block, 1)
    found: dict[int, list[float]] = {n: [] for n in blocks}
    for _ in range(REPEATS):
        for n, block in blocks.items():
            steps = 2_000_000 // edges[n]
            begin = time.thread_time()
            march(block, steps)
            found[n].append((time.thread_time() - begin) / (steps * edges[n] * 8))
    base = np.array(found[64])
    for n, times in found.items():
        touched = sum(a.nbytes for a in (blocks[n].x, blocks[n].y, blocks[n].q, blocks[n].G, blocks[n].Gq)) / 1024
        low, middle, high = np.quantile(np.array(times) / base, [0.1, 0.5, 0.9])
        print(f"N = {n:4d}, {edges[n]:4d} edges, {touched:6.0f} KiB: {np.median(times) * 1e9:.3f} ns an edge-step, "
              f"{middle:.2f} ({low:.2f} to {high:.2f}) of N = 64")
    return {}


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("what", nargs="+", choices=["lanes", "threads", "sizes", "slow"])
    words.add_argument("--network", type=Path)
    words.add_argument("--tasks", type=int, default=50)
    words.add_argument("--per-decade", type=int, default=2)
    words.add_argument("--repeats", type=int, default=REPEATS)
    words.add_argument("--record", action="store_true")
    given = words.parse_args()
    net = ol.Network.read(given.network) if given.network else ol.Network.packing(64, seed=1)
    ol.train(net, ol.Task.allosteric(net, 10, 3, seed=0), 1.0)
    for what in given.what:
        for name, text in globals()[what](net, given).items():
            if given.record:
                record(name, text)


if __name__ == "__main__":
    main()
