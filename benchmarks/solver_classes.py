"""The built-in sampled factor beside PyAMG and the other backends, on six classes of networks.

    python benchmarks/solver_classes.py N_NODES [REPEATS] [METHOD ...]

Whole calls of Equilibrium with all checks, processor time of one thread, best of the repeats: "first" makes the
Equilibrium and solves once, "later" solves for other conductances from zero, "drift" is the mean of DRIFTS solves of an
Equilibrium that keeps its preconditioner, while conductances drift by 1 %. The last line of every class says how much
longer the first method takes than the best of all. Direct methods are left out where their factor fills up. Set
OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1 first. Dense networks have √(16 N_NODES) nodes.
"""
from __future__ import annotations

import sys
import time
from collections.abc import Callable

import networkx as nx
import numpy as np
import ohmlearn as ol
from ohmlearn.solvers.equilibrium.backend_table import DIRECT, WIDE
from ohmlearn.solvers.equilibrium.equilibrium import NotConverged
from ohmlearn.solvers.equilibrium.node_order import Layout


def of(graph: nx.Graph) -> ol.Network:
    return ol.Network(np.array(graph.edges), graph.number_of_nodes())


CLASSES: dict[str, Callable[[int], ol.Network]] = {
    "planar-like": lambda n: ol.Network.delaunay(n, seed=3),
    "cubic lattice": lambda n: ol.Network.grid(*3 * (round(n ** (1 / 3)),)),
    "expander": lambda n: of(nx.random_regular_graph(4, n, seed=1)),
    "power law": lambda n: of(nx.barabasi_albert_graph(n, 3, seed=1)),
    "dense": lambda n: of(nx.complete_graph(round((16 * n) ** 0.5))),
    "tree": lambda n: of(nx.barabasi_albert_graph(n, 1, seed=1)),
}


DRIFTS, DRIFT = 30, 0.01


def measure(network: ol.Network, decades: float, method: str, repeats: int) -> tuple[list[float], str]:
    """Seconds of a first, a later and a drifting solve, infinite where refused; iterations, and the backend taken."""
    if method in DIRECT and not Layout.of(network).thin and network.n_nodes > WIDE and not dense(network):
        return 3 * [np.inf], "fills up"
    rng, best = np.random.default_rng(0), 3 * [np.inf]
    draws = [10 ** rng.uniform(-decades / 2, decades / 2, network.n_edges) * 2.0**k for k in range(2)]
    try:
        for _ in range(repeats):
            begin = time.thread_time()
            circuit = ol.Equilibrium(network, [0, network.n_nodes - 1], method, keep=False)
            for k, g in enumerate(draws):
                circuit.solve(g, [1.0, 0.0], start=np.zeros(network.n_nodes))
                best[k], begin = min(best[k], time.thread_time() - begin), time.thread_time()
        g, kept = draws[0], ol.Equilibrium(network, [0, network.n_nodes - 1], method)
        kept.solve(g, [1.0, 0.0])
        begin = time.thread_time()
        for _ in range(DRIFTS):
            g = g * np.exp(DRIFT * rng.normal(size=g.size))
            kept.solve(g, [1.0, 0.0])
        best[2] = (time.thread_time() - begin) / DRIFTS
    except NotConverged:
        return 3 * [np.inf], "refused"
    return best, f"({circuit.stats.iterations[0]}){' ' + circuit.stats.method if method == 'auto' else ''}"


def dense(network: ol.Network) -> bool:
    return 2 * network.n_edges > 0.05 * network.n_nodes**2


def main(n_nodes: int, repeats: int, methods: list[str]) -> None:
    methods = methods or ["auto", "approximate-cholesky", "amg"]
    print(f"| class | decades | {' | '.join(methods)} |\n| --- | --- |{' --- |' * len(methods)}")
    for name, make in CLASSES.items():
        network = make(n_nodes)
        Layout.of(network)
        for decades in (0, 4):
            for method in methods:
                measure(ol.Network.delaunay(2500, seed=3), decades, method, 1)
            found = [measure(network, decades, method, repeats) for method in methods]
            cells = [" / ".join(f"{t:.3f}" for t in times) + f" {note}" for times, note in found]
            print(f"| {name}, {network.n_nodes} nodes | {decades} | {' | '.join(cells)} |", flush=True)
            ratios = np.divide(found[0][0], np.min([times for times, _ in found], axis=0))
            print(f"| {methods[0]} over the best | {decades} | {' / '.join(f'{r:.2f}' for r in ratios)} |", flush=True)


if __name__ == "__main__":
    main(int(float(sys.argv[1])), int(sys.argv[2]) if len(sys.argv) > 2 else 3, sys.argv[3:])
