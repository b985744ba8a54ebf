"""The built-in sampled factor beside PyAMG and the other backends, on six classes of networks.

    python benchmarks/solver_classes.py N_NODES [REPEATS] [METHOD ...]

Whole calls of Equilibrium with all checks, processor time of one thread, best of the repeats: "first" makes the
Equilibrium and solves once, "later" solves for other conductances from zero. Set OMP_NUM_THREADS=1 and
OPENBLAS_NUM_THREADS=1 first. Dense networks have √(16 N_NODES) nodes.
"""
from __future__ import annotations

import sys
import time
from collections.abc import Callable

import networkx as nx
import numpy as np
import ohmlearn as ol
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


def measure(network: ol.Network, decades: float, method: str, repeats: int) -> str:
    """"first / later (iterations), largest error by estimate" as a cell of the table."""
    rng, best = np.random.default_rng(0), [np.inf, np.inf]
    draws = [10 ** rng.uniform(-decades / 2, decades / 2, network.n_edges) * 2.0**k for k in range(2)]
    for _ in range(repeats):
        begin = time.thread_time()
        try:
            circuit = ol.Equilibrium(network, [0, network.n_nodes - 1], method, keep=False)
            for k, g in enumerate(draws):
                circuit.solve(g, [1.0, 0.0], start=np.zeros(network.n_nodes))
                best[k], begin = min(best[k], time.thread_time() - begin), time.thread_time()
        except NotConverged:
            return "refused"
    used = f" {circuit.stats.method}" if method == "auto" else ""
    return f"{best[0]:.3f} / {best[1]:.3f} ({circuit.stats.iterations[0]}){used}"


def main(n_nodes: int, repeats: int, methods: list[str]) -> None:
    methods = methods or ["auto", "approximate-cholesky", "amg"]
    print(f"| class | decades | {' | '.join(methods)} |\n| --- | --- |{' --- |' * len(methods)}")
    for name, make in CLASSES.items():
        network = make(n_nodes)
        Layout.of(network)
        for decades in (0, 4):
            measure(ol.Network.delaunay(2500, seed=3), decades, methods[0], 1)
            cells = [measure(network, decades, method, repeats) for method in methods]
            print(f"| {name}, {network.n_nodes} nodes | {decades} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main(int(float(sys.argv[1])), int(sys.argv[2]) if len(sys.argv) > 2 else 3, sys.argv[3:])
