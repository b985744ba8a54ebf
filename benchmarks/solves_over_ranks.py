"""Equilibrium of one large network over ranks: seconds of a first solve, a later one at new conductances, and one after
a drift of 1 % that starts from its voltages; iterations, memory a rank, and how far voltages are from one machine's.

    python benchmarks/solves_over_ranks.py make N_NODES FOLDER
    python benchmarks/solves_over_ranks.py one FOLDER [THREADS]
    mpiexec -n RANKS python benchmarks/solves_over_ranks.py ranks FOLDER [METHOD]

`make` writes a thinned Delaunay network, `one` solves it with Equilibrium and keeps the voltages in the folder for
`ranks` to compare with. Ranks hold strips of the plane. Wall-clock seconds, the slowest rank's; memory is the peak of a
rank after it has its part of the network.
"""
from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import ohmlearn as ol

DECADES = (0, 4)


def make(n_nodes: int, folder: Path) -> None:
    network = ol.Network.delaunay(n_nodes, seed=3)
    low = np.sort(network.edges, axis=1)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "edges.npy", low[np.lexsort((low[:, 1], low[:, 0]))])
    np.save(folder / "x.npy", network.positions[:, 0])


def loaded(folder: Path) -> ol.Network:
    return ol.Network.from_edges(np.load(folder / "edges.npy"))


def draws(n_edges: int, decades: int) -> list[np.ndarray]:
    """Conductances of a first solve, of a later one, and of one after a drift."""
    rng = np.random.default_rng(decades)
    first, later = (10 ** rng.uniform(-decades / 2, decades / 2, n_edges) if decades else
                    np.full(n_edges, 1.0 + k) for k in range(2))
    return [first, later, later * (1 + 0.01 * rng.standard_normal(n_edges))]


def peak(reset: bool = False) -> float:
    """GiB of this process at their peak since the last reset."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines()
                if line.startswith("VmHWM")) / 2**20


def warm() -> None:
    """Compile, or load what was compiled."""
    ol.Equilibrium(ol.Network.grid(60, 60), [0, 1]).solve(1.0, [1.0, 0.0])


def one(folder: Path, threads: int) -> None:
    network = loaded(folder)
    warm()
    held, n, zeros = [0, network.n_nodes - 1], network.n_nodes, np.zeros(network.n_nodes)
    for decades in DECADES:
        given = draws(network.n_edges, decades)
        peak(reset=True)
        begin = time.perf_counter()
        circuit = ol.Equilibrium(network, held, "approximate-cholesky", threads=threads)
        for k, (word, g) in enumerate(zip(("first", "later", "drift"), given, strict=True)):
            v = circuit.solve(g, [1.0, 0.0], start=None if word == "drift" else zeros)
            now = time.perf_counter()
            print(f"one machine, {threads} threads, {n} nodes, {decades} decades, {word}: {now - begin:.2f} s, "
                  f"{circuit.stats.iterations[0]} iterations, {peak():.2f} GiB", flush=True)
            np.save(folder / f"v{decades}{k}.npy", v)
            begin = time.perf_counter()
        del circuit


def ranks(folder: Path, method: str) -> None:
    from mpi4py import MPI
    from ohmlearn.solvers.distributed.equilibrium import DistributedEquilibrium
    from ohmlearn.solvers.distributed.part import Part

    comm: Any = MPI.COMM_WORLD
    x = np.load(folder / "x.npy")
    n = x.size
    strips = np.argsort(np.argsort(x, kind="stable"), kind="stable") * comm.size // n
    part = Part.of(loaded(folder), strips, comm)
    small = ol.Network.grid(60, 60)
    warm_part = Part.of(small, np.arange(3600) * comm.size // 3600, comm)
    DistributedEquilibrium(warm_part, [0, 1], method).solve(1.0, [1.0, 0.0])
    for decades in DECADES:
        given = [g[part.edge_numbers] for g in draws(part.n_edges, decades)]
        peak(reset=True)
        comm.Barrier()
        begin = time.perf_counter()
        circuit = DistributedEquilibrium(part, [0, n - 1], method)
        for k, (word, g) in enumerate(zip(("first", "later", "drift"), given, strict=True)):
            v = circuit.solve(g, [1.0, 0.0], start=None if word == "drift" else np.zeros(part.nodes.size))
            comm.Barrier()
            seconds, memory = time.perf_counter() - begin, comm.allreduce(peak(), MPI.MAX)
            off = abs(v - np.load(folder / f"v{decades}{k}.npy", mmap_mode="r")[part.nodes]).max(initial=0.0)
            off = comm.allreduce(float(off), MPI.MAX)
            if comm.rank == 0:
                print(f"{comm.size} ranks, {method}, {n} nodes, {decades} decades, {word}: {seconds:.2f} s, "
                      f"{circuit.stats.iterations[0]} iterations, {memory:.2f} GiB a rank, off by {off:.1e} V; so far "
                      f"setups {circuit.stats.setup_seconds:.2f} s, solves {circuit.stats.solve_seconds:.2f} s",
                      flush=True)
            comm.Barrier()
            begin = time.perf_counter()
        del circuit


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "make":
        make(int(float(rest[0])), Path(rest[1]))
    elif what == "one":
        one(Path(rest[0]), int(rest[1]) if rest[1:] else 1)
    else:
        ranks(Path(rest[0]), rest[1] if rest[1:] else "auto")
