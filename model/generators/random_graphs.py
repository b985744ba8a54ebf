"""Connected random graphs."""
from __future__ import annotations

import numpy as np
from ohmlearn.checks.kinds import check_kinds
from ohmlearn.network import Network

from .edge_choice import sorted_edges, spanning_tree, wanted_edges


@check_kinds
def random(n_nodes: int, mean_degree: float = 4.5, seed: int = 0) -> Network:
    """Random graph with exactly round(n_nodes × mean_degree / 2) edges, connected.

    Edges arrive in random order, as in the random graph of Erdős and Rényi; kept are those that join two
    parts which were separate until then, and the first of the others up to the number wanted.
    No positions. Same seed, same network. Raises ValueError where no such graph exists.

    Returns a :class:`Network` without positions.

    >>> import ohmlearn as ol
    >>> ol.Network.random(50, mean_degree=4.0, seed=1).n_edges
    100
    """
    wanted = wanted_edges(n_nodes, mean_degree, most=n_nodes * (n_nodes - 1) // 2)
    rng = np.random.default_rng(seed)
    draws = int(1.2 * wanted + 0.5 * n_nodes * np.log(n_nodes) + 3 * n_nodes)
    keys = np.empty(0, dtype=np.int64)
    while True:      # more and more edges of one random sequence, until they join all nodes
        pairs = np.sort(rng.integers(n_nodes, size=(draws, 2)), axis=1)
        keys = np.append(keys, (pairs[:, 0] * n_nodes + pairs[:, 1])[pairs[:, 0] < pairs[:, 1]])
        keys = keys[np.sort(np.unique(keys, return_index=True)[1])]
        edges = np.stack(np.divmod(keys, n_nodes), axis=1)
        if len(edges) >= wanted:
            tree = spanning_tree(edges, n_nodes, np.arange(len(edges)))
            if tree.sum() == n_nodes - 1:
                break
    keep = tree.copy()
    keep[np.flatnonzero(~tree)[:wanted - n_nodes + 1]] = True
    return Network(sorted_edges(edges[keep], n_nodes), n_nodes, name=f"random graph of {n_nodes} nodes, seed {seed}")
