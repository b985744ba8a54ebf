"""Steps of one network over ranks: time and memory, and what they say of many ranks.

    mpiexec -n P python benchmarks/ranks_of_one_network.py make NET.zarr ROWS COLUMNS
    mpiexec -n P python benchmarks/ranks_of_one_network.py steps NET.zarr [STEPS] [tiles|metis|slabs]
    mpiexec -n P python benchmarks/ranks_of_one_network.py bits NET.zarr [STEPS]
    python benchmarks/ranks_of_one_network.py model NS_PER_NODE_STEP NS_PER_HALO_NODE

`make` writes a grid. `steps` reads each rank's part and takes steps: best and median over the steps of the slowest
rank, by the clock and by its processor, and the largest memory that a rank ever had. `bits` compares with the steps of
one machine. `model` gives the time of a step of 1e9 nodes on many ranks, from the time that a node takes in the kernel
and the one that a node of the halo takes to be exchanged, as `steps` measures them, and a network between the ranks.
"""
from __future__ import annotations

import hashlib
import resource
import sys
import time

import numpy as np
import ohmlearn as ol
from ohmlearn.drivers.distributed.ranks import ranks
from ohmlearn.solvers.distributed.rk4 import DistributedStepper
from ohmlearn.solvers.distributed.stored_part import StoredPart

LATENCY, BANDWIDTH = 3e-6, 5e9      # of the model: seconds a message, bytes a second out of and into a rank
NEIGHBOURS = {"tiles": 8, "slabs": 2}


def a_task(n: int) -> ol.Task:
    nodes = np.random.default_rng(1).choice(n, 13, replace=False) if n < 10**8 else np.arange(13) * (n // 13)
    return ol.Task(nodes[:10], np.linspace(-1, 1, 10), nodes[10:], np.array([0.1, 0.0, -0.1]))


def prepared(stored: ol.distributed.StoredNetwork, kind: str) -> tuple[StoredPart, DistributedStepper]:
    """The part of this rank and its stepper, at a start that depends on the numbers of nodes and edges alone."""
    here = StoredPart.of(stored, ranks().comm, kind)
    part = here.part
    stepper = DistributedStepper(part, a_task(stored.n_nodes), ol.Rule(), 1.0)
    stepper.put(np.sin(1e-3 * part.nodes), 0.1 * np.cos(2e-3 * part.nodes), 1 + 0.5 * np.sin(3e-3 * part.edge_numbers))
    return here, stepper


def peak() -> float:
    """GiB that this process had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def steps(path: str, count: int, kind: str) -> None:
    world = ranks()
    stored = ol.distributed.open_network(path)
    begin, base = time.perf_counter(), peak()
    here, stepper = prepared(stored, kind)
    made = time.perf_counter() - begin
    trace = np.empty((1, stepper.n_targets))
    stepper.march(trace, 1e-9)      # compiles
    stepper.exchange()
    rows = []
    for _ in range(count):
        world.comm.Barrier()
        t = [time.perf_counter(), time.thread_time()]
        stepper.march(trace, 0.05)
        used = time.thread_time() - t[1]
        stepper.exchange()
        whole = time.perf_counter() - t[0]
        world.comm.Barrier()
        t = [time.perf_counter()]
        stepper.exchange()      # once more, by itself: it changes nothing
        rows.append((whole, used, time.perf_counter() - t[0]))
    part = here.part
    own, held = part.own.size, part.nodes.size
    every = world.comm.gather((np.array(rows), own, held, part.halo.bytes_sent, len(part.halo.links), peak()))
    if every is None:
        return
    wall, kernel, exchange = np.array([rank[0] for rank in every]).max(axis=0).T
    halo = max(rank[2] - rank[1] for rank in every)
    print(f"{world.size} ranks, {kind}, {stored.n_nodes} nodes: own {max(rank[1] for rank in every)}, halo {halo}, "
          f"{max(rank[3] for rank in every)} bytes a step to {max(rank[4] for rank in every)} ranks; made in "
          f"{made:.1f} s")
    for name, values in (("a step, clock", wall), ("kernel, processor", kernel), ("exchange alone, clock", exchange)):
        print(f"  {name}: best {1e3 * values.min():.2f} ms, median {1e3 * np.median(values):.2f} ms")
    print(f"  {1e9 * kernel.min() / max(rank[2] for rank in every):.1f} ns a node held; exchange "
          f"{1e9 * exchange.min() / max(halo, 1):.1f} ns a node of the halo")
    print(f"  memory of a rank: {max(rank[5] for rank in every):.2f} GiB at most, {base:.2f} before the network")


def bits(path: str, count: int) -> None:
    from ohmlearn.solvers.equilibrium.node_order import Layout
    from ohmlearn.solvers.large.rk4 import Stepper

    world = ranks()
    stored = ol.distributed.open_network(path)
    here, stepper = prepared(stored, "auto")
    trace, part = stepper.steps(count, 0.05), here.part
    nodes = np.column_stack([stepper.voltages, stepper.difference])[part.own]
    edges = stepper.conductances[part.own_edges]
    every = world.comm.gather((part.nodes[part.own], nodes, part.edge_numbers[part.own_edges], edges))
    if every is None:
        return
    network = stored.network()
    one = Stepper(network, a_task(stored.n_nodes), ol.Rule(), 1.0, layout=Layout.as_numbered(network))
    n, m = np.arange(stored.n_nodes), np.arange(stored.n_edges)
    one.put(np.sin(1e-3 * n), 0.1 * np.cos(2e-3 * n), 1 + 0.5 * np.sin(3e-3 * m))
    same = [np.array_equal(one.steps(count, 0.05), trace)]
    x, g = np.empty((n.size, 2)), np.empty(m.size)
    for own, values, own_edges, conductances in every:
        x[own], g[own_edges] = values, conductances
    same += [np.array_equal(x, np.column_stack([one.voltages, one.difference])), np.array_equal(g, one.conductances)]
    print(f"{world.size} ranks, {n.size} nodes, {count} steps: traces, v and w, G as one machine, bit by bit: {same}; "
          f"digest {hashlib.sha256(x.tobytes() + g.tobytes()).hexdigest()[:12]}")


def model(node: float, halo_node: float, n: float = 1e9) -> None:
    """A table of a square grid of n nodes: time of a step and efficiency against one rank with all the memory."""
    print("| ranks | nodes a rank | tiles: halo | a step | efficiency | slabs: halo | a step | efficiency |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    side = np.sqrt(n)
    for count in (16, 64, 256, 1000, 4000):
        own = n / count
        cells = []
        for kind in ("tiles", "slabs"):
            a, b = (np.sqrt(own), np.sqrt(own)) if kind == "tiles" else (side, own / side)
            held = (a + 8) * (b + 8) if kind == "tiles" else a * (b + 8)
            halo = held - own
            sent = 32 * halo            # v, w and the two edges of each node
            work = 1e-9 * (node * held + halo_node * halo) + NEIGHBOURS[kind] * LATENCY + sent / BANDWIDTH
            cells.append(f"{100 * halo / own:.2g} % | {1e3 * work:.3g} ms | {100e-9 * node * own / work:.0f} %")
        print(f"| {count} | {own:.3g} | {cells[0]} | {cells[1]} |")


if __name__ == "__main__":
    what, *given = sys.argv[1:]
    if what == "make":
        t = time.perf_counter()
        made = ol.distributed.store_grid(given[0], int(float(given[1])), int(float(given[2])))
        if ranks().rank == 0:
            print(f"{made!r} by {ranks().size} ranks in {time.perf_counter() - t:.1f} s; {peak():.2f} GiB a rank")
    elif what == "steps":
        steps(given[0], int(given[1]) if len(given) > 1 else 20, given[2] if len(given) > 2 else "auto")
    elif what == "bits":
        bits(given[0], int(given[1]) if len(given) > 1 else 10)
    else:
        model(*map(float, given))
