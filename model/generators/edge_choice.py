"""Which edges a generated network keeps: a spanning tree, and thinning to a mean degree."""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Edges = NDArray[np.int64]


def thin(edges: ArrayLike, n_nodes: int, n_edges: int, order: NDArray[np.int64], protected: NDArray[np.bool_],
         ) -> NDArray[np.bool_]:
    """Mask (all edges,) of the `n_edges` that stay when edges go one by one in the given order.

    order : (all edges,) distinct numbers, lowest goes first. protected : (all edges,) those that must stay.
    An edge goes only while both its nodes have more than three; when no such edge is left, more than two,
    then more than one. In rounds, each taking the edges that come first at both their nodes, so no loop
    over edges; the edges of one round touch no node twice.
    """
    a, b = np.asarray(edges).T
    stays = np.ones(len(a), dtype=bool)
    degree = np.bincount(np.concatenate([a, b]), minlength=n_nodes)
    excess, fewest = len(a) - n_edges, 3
    while excess > 0:
        loose = np.flatnonzero(stays & ~protected & (degree[a] > fewest) & (degree[b] > fewest))
        if not loose.size:
            fewest -= 1      # ends: with fewest = 0 every unprotected edge may go
            if fewest < 0:
                raise ValueError(f"only {len(a) - protected.sum()} of {len(a)} edges may go, "
                                 f"which leaves more than the {n_edges} wanted")
            continue
        first = np.full(n_nodes, np.iinfo(np.int64).max)
        np.minimum.at(first, a[loose], order[loose])
        np.minimum.at(first, b[loose], order[loose])
        goes = loose[(first[a[loose]] == order[loose]) & (first[b[loose]] == order[loose])]
        goes = goes[np.argsort(order[goes])[:excess]]
        stays[goes] = False
        degree[a[goes]] -= 1
        degree[b[goes]] -= 1
        excess -= goes.size
    return stays


def spanning_tree(edges: ArrayLike, n_nodes: int, order: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mask (n_edges,) of the spanning forest that takes edges in the given order. Edges must be distinct."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import minimum_spanning_tree

    a, b = np.asarray(edges, dtype=np.int32).T         # SciPy 1.15 takes no other indices here
    rank = np.empty(len(a))
    rank[np.argsort(order, kind="stable")] = np.arange(1, len(a) + 1)       # zero would mean no edge
    chosen = minimum_spanning_tree(csr_array((rank, (a, b)), shape=(n_nodes, n_nodes))).data
    return np.isin(rank, chosen, assume_unique=True)


def wanted_edges(n_nodes: int, mean_degree: float, most: int) -> int:
    """Number of edges for a mean degree, between a tree's and the most that there can be."""
    if n_nodes < 2:
        raise ValueError(f"n_nodes must be at least 2, not {n_nodes}")
    wanted = round(n_nodes * mean_degree / 2) if np.isfinite(mean_degree) else -1
    if not n_nodes - 1 <= wanted <= most:
        raise ValueError(f"mean_degree {mean_degree:g} cannot be had with these {n_nodes} nodes: connected, they have "
                         f"{2 - 2 / n_nodes:.6g} to {2 * most / n_nodes:.6g}; choose one in between")
    return wanted


def sorted_edges(edges: Edges, n_nodes: int) -> Edges:
    """The edges, lower node first, sorted."""
    a, b = np.sort(edges, axis=1).T
    return np.stack(np.divmod(np.sort(a * n_nodes + b), n_nodes), axis=1)
