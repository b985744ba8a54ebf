"""Soft modes of symmetric and random networks against dense eigenvalues: every copy, to 1e-8 of each eigenvalue.

    python benchmarks/mode_copies.py [NETWORKS] [SEED]

Every network is asked for k = 1 to 20 modes by "auto" and by shift-invert, and for three numbers of them by LOBPCG.
What is dense here are the singular values of √G Δ, which are right to their last digits at any contrast. Ends with code
1 where an eigenvalue is missing or off.
"""
from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable

import networkx as nx
import numpy as np
import ohmlearn as ol
from ohmlearn.solvers.not_converged import NotConverged

ALLOWED, MOST = 1e-8, 20
Make = Callable[[np.random.Generator], ol.Network]


def of(graph: nx.Graph) -> ol.Network:
    return ol.Network(np.array(nx.convert_node_labels_to_integers(graph).edges), graph.number_of_nodes())


def copies(part: ol.Network, count: int) -> ol.Network:
    """Equal parts side by side."""
    return ol.Network(np.concatenate([part.edges + part.n_nodes * i for i in range(count)]))


SYMMETRIC: dict[str, Make] = {
    "square torus": lambda r: ol.Network.grid(*2 * (int(r.integers(6, 28)),), periodic=True),
    "flat torus": lambda r: ol.Network.grid(*(int(r.integers(4, 12)) * np.array([1, 2])).tolist(), periodic=True),
    "cubic torus": lambda r: ol.Network.grid(*3 * (int(r.integers(4, 10)),), periodic=True),
    "square lattice": lambda r: ol.Network.grid(*2 * (int(r.integers(6, 28)),)),
    "cubic lattice": lambda r: ol.Network.grid(*3 * (int(r.integers(4, 10)),)),
    "hypercube": lambda r: of(nx.hypercube_graph(int(r.integers(5, 10)))),
    "ring": lambda r: of(nx.cycle_graph(int(r.integers(30, 700)))),
    "equal chains": lambda r: copies(ol.Network.grid(int(r.integers(5, 40))), int(r.integers(2, 16))),
    "equal rings": lambda r: copies(of(nx.cycle_graph(int(r.integers(5, 40)))), int(r.integers(2, 16))),
    "complete": lambda r: of(nx.complete_graph(int(r.integers(25, 80)))),
    "complete bipartite": lambda r: of(nx.complete_bipartite_graph(*r.integers(12, 40, 2).tolist())),
    "star": lambda r: of(nx.star_graph(int(r.integers(25, 300)))),
    "circulant": lambda r: of(nx.circulant_graph(int(r.integers(60, 400)),
                                                 r.choice(np.arange(1, 25), 3, replace=False).tolist())),
    "balanced tree": lambda r: of(nx.balanced_tree(int(r.integers(2, 4)), int(r.integers(4, 6)))),
    "caveman": lambda r: of(nx.connected_caveman_graph(int(r.integers(4, 20)), int(r.integers(4, 9)))),
}
RANDOM: dict[str, Make] = {
    "delaunay": lambda r: ol.Network.delaunay(int(r.integers(60, 800)), seed=int(r.integers(1000))),
    "random regular": lambda r: of(nx.random_regular_graph(4, int(r.integers(60, 600)), int(r.integers(1000)))),
    "power law": lambda r: of(nx.barabasi_albert_graph(int(r.integers(60, 600)), 2, int(r.integers(1000)))),
    "random tree": lambda r: of(nx.random_labeled_tree(int(r.integers(60, 600)), seed=int(r.integers(1000)))),
    "random": lambda r: ol.Network.random(int(r.integers(60, 300)), seed=int(r.integers(1000))),
}


def check(network: ol.Network, g: np.ndarray, held: list[int], rng: np.random.Generator) -> Counter[str]:
    """How many sets of modes were right and wrong, and how many calls were refused, by way."""
    free = np.setdiff1d(np.arange(network.n_nodes), held)
    matrix = np.sqrt(g)[:, None] * network.incidence.toarray()[:, free]
    floating = np.setdiff1d(np.unique(network.components), network.components[held]).size
    values = np.sort(np.linalg.svd(matrix, compute_uv=False) ** 2)
    values = np.r_[np.zeros(max(free.size - values.size, 0)), values][floating:]
    most, told = min(MOST, values.size), Counter[str]()
    for method in ("auto", "shift-invert", "lobpcg"):
        numbers = range(1, most + 1)
        if method == "lobpcg":
            numbers = [k for k in rng.integers(1, most + 1, 3).tolist() if 5 * (k + 2) <= network.n_nodes]
        for k in numbers:
            try:
                found = ol.modes(network, g, k, held, method)
            except NotConverged as error:
                told[f"{method} refused"] += 1
                print(f"    {method}, k = {k}: {error}")
                continue
            off = abs(found.eigenvalues / values[:k] - 1).max()
            skew = abs(found.modes.T @ found.modes - np.eye(k)).max()
            right = off <= ALLOWED and skew <= ALLOWED
            told[f"{method} {'right' if right else 'WRONG'}"] += 1
            if not right:
                print(f"    {method}, k = {k}: off by {off:.1e}, not at right angles by {skew:.1e}")
    return told


def main(count: int, seed: int) -> int:
    rng, told = np.random.default_rng(seed), Counter[str]()
    classes = [*SYMMETRIC.items(), *RANDOM.items()]
    for number in range(count):
        name, make = classes[number % len(classes)]
        network = make(rng)
        decades = 0 if name in SYMMETRIC and rng.random() < 0.9 else int(rng.choice([0, 4, 8]))
        g = 10 ** rng.uniform(-decades / 2, decades / 2, network.n_edges)
        held = [] if rng.random() < 0.7 else [0]
        here = check(network, g, held, rng)
        told += here
        if any("right" not in word for word in here):
            print(f"  {name}, {network.n_nodes} nodes, {decades} decades, {len(held)} held", flush=True)
    print(f"{count} networks: " + ", ".join(f"{word} {n}" for word, n in sorted(told.items())))
    return int(any("WRONG" in word for word in told))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 500, int(sys.argv[2]) if len(sys.argv) > 2 else 1))
