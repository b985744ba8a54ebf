"""Errors of voltages against elimination in extended precision: 13 classes of graphs × uniform, 4, 8 and 12 decades ×
as they are, beside a strong shunt, behind weak contacts.

    python benchmarks/forward_errors.py [SEEDS] [METHOD ...]

Networks of 60 to 500 nodes, other ones for every seed; the elimination of tests/reference.py takes no difference, so
that it is right to the last digits. For every method: how many were right to 1e-8 of the held difference, how many were
refused, the largest error, and the largest error over what `stats.error` estimates. Ends with code 1 where a
solve was wrong without a word.
"""
from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import networkx as nx
import numpy as np
import ohmlearn as ol
from ohmlearn.solvers.not_converged import NotConverged

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from reference import exact_equilibrium

ALLOWED = 1e-8


def of(graph: nx.Graph) -> ol.Network:
    return ol.Network(np.array(nx.convert_node_labels_to_integers(graph).edges), graph.number_of_nodes())


CLASSES: dict[str, Callable[[int, int], ol.Network]] = {
    "delaunay": lambda n, seed: ol.Network.delaunay(n, seed=seed),
    "packing": lambda n, seed: ol.Network.packing(n, seed=seed),
    "grid": lambda n, seed: ol.Network.grid(*2 * (round(n**0.5),)),
    "torus": lambda n, seed: ol.Network.grid(*2 * (round(n**0.5),), periodic=True),
    "cubic lattice": lambda n, seed: ol.Network.grid(*3 * (round(n ** (1 / 3)),)),
    "random": lambda n, seed: ol.Network.random(n, seed=seed),
    "expander": lambda n, seed: of(nx.random_regular_graph(4, n, seed)),
    "power law": lambda n, seed: of(nx.barabasi_albert_graph(n, 3, seed)),
    "tree": lambda n, seed: of(nx.barabasi_albert_graph(n, 1, seed)),
    "chain": lambda n, seed: ol.Network.grid(n),
    "dense": lambda n, seed: of(nx.complete_graph(n // 3)),
    "crossbar": lambda n, seed: of(nx.complete_bipartite_graph(n // 6, n // 6)),
    "hub": lambda n, seed: ol.Network(np.r_[ol.Network.grid(10, n // 10).edges,
                                            np.c_[np.full(n // 10 * 10, n // 10 * 10), np.arange(n // 10 * 10)]]),
}


def drives(net: ol.Network, g: np.ndarray) -> Iterator[tuple[ol.Network, np.ndarray, list[int]]]:
    """A network, its conductances and two held nodes."""
    n = net.n_nodes
    yield net, g, [0, n - 1]
    yield ol.Network(np.r_[net.edges, [[0, n], [n, n - 1]]], n + 1), np.r_[g, np.full(2, 1e6 * g.max())], [0, n - 1]
    weak = np.full(2, 1e-6 * g.min())
    yield ol.Network(np.r_[net.edges, [[0, n], [n - 1, n + 1]]], n + 2), np.r_[g, weak], [n, n + 1]


def main(seeds: int, methods: list[str]) -> int:
    right, refused, wrong = ({method: 0 for method in methods} for _ in range(3))
    worst, trust = ({method: 0.0 for method in methods} for _ in range(2))
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        for name, make in CLASSES.items():
            net = make(int(rng.integers(180, 500)), seed)
            for decades in (0, 4, 8, 12):
                for network, g, held in drives(net, 10 ** rng.uniform(-decades / 2, decades / 2, net.n_edges)):
                    exact = exact_equilibrium(network.n_nodes, network.edges, g, held, [1.0, 0.0])
                    for method in methods:
                        circuit = ol.Equilibrium(network, held, method)
                        try:
                            error = float(abs(circuit.solve(g, [1.0, 0.0]) - exact).max())
                        except NotConverged:
                            refused[method] += 1
                            continue
                        worst[method] = max(worst[method], error)
                        if error > 1e-14:
                            trust[method] = max(trust[method], (error - 1e-14) / max(circuit.stats.error, 1e-300))
                        right[method] += error <= ALLOWED
                        if error > ALLOWED:
                            wrong[method] += 1
                            print(f"{name}, {network.n_nodes} nodes, {decades} decades, {method}: off by {error:.1e}")
    for method in methods:
        print(f"{method}: {right[method]} right, {refused[method]} refused, {wrong[method]} wrong; largest error "
              f"{worst[method]:.1e}, {trust[method]:.2g} of the estimate")
    return int(any(wrong.values()))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 3,
                  sys.argv[2:] or ["auto", "approximate-cholesky", "amg", "superlu"]))
