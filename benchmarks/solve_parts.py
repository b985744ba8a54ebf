"""One solve in parts, on one thread and on several, against the same as one part.

    python benchmarks/solve_parts.py [NODES] [ROUNDS] [THREADS]

Later solves of a thinned Delaunay network, conductances anew each time over half a decade and over four, in turns in
one run; wall time, so on a machine that does nothing else. Quartiles of the ratios of a round. Voltages must agree to
1e-9, and those of one thread and several in every bit.
"""
from __future__ import annotations

import sys
import time

import numpy as np
from ohmlearn import Equilibrium, Network
from ohmlearn.solvers.equilibrium import node_order


def main(n_nodes: int, rounds: int, threads: int) -> None:
    network, rng = Network.delaunay(n_nodes, seed=1, mean_degree=4.5), np.random.default_rng(0)
    rows = node_order.PART
    ways = {"one part": (2 * n_nodes, 1), "parts": (rows, 1), f"parts on {threads} threads": (rows, threads)}
    for decades in (0.5, 4.0):
        first = drawn(rng, network, decades)
        circuits, seconds = {}, {way: [] for way in ways}       # type: ignore[var-annotated]
        for way, (part, count) in ways.items():
            node_order.PART = part
            circuits[way] = Equilibrium(network, [0, n_nodes - 1], "approximate-cholesky", threads=count)
            circuits[way].solve(first, [1.0, 0.0])
        for _ in range(rounds):
            g, found = drawn(rng, network, decades), []
            for way, circuit in circuits.items():
                begin = time.perf_counter()
                found.append(circuit.solve(g, [1.0, 0.0]))
                seconds[way].append(time.perf_counter() - begin)
            assert abs(found[1] - found[0]).max() < 1e-9
            assert np.array_equal(found[1], found[2])
        whole, parts, shared = (np.array(seconds[way]) for way in ways)
        print(f"{n_nodes} nodes, {decades:g} decades: one part {np.median(whole):.2f} s; over it, parts "
              f"{quartiles(parts / whole)}, on {threads} threads {quartiles(shared / whole)}; {threads} threads are "
              f"{quartiles(parts / shared)} times as fast as one", flush=True)


def drawn(rng: np.random.Generator, network: Network, decades: float) -> np.ndarray:
    """(n_edges,) conductances over some decades."""
    return np.asarray(10 ** rng.uniform(-decades / 2, decades / 2, network.n_edges))


def quartiles(ratios: np.ndarray) -> str:
    """Median and quartiles."""
    low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


if __name__ == "__main__":
    main(*(int(float(word)) for word in [*sys.argv[1:], *["1000000", "7", "2"][len(sys.argv) - 1:]]))
