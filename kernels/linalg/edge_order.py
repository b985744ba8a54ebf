"""Edges in the order of their lower ends, for nodes renumbered so that neighbours lie close together."""
import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.simd.jit import kernel


@kernel
def sort_edges(order: NDArray[np.integer], ends: NDArray[np.uint32], rank: NDArray[np.integer],
               edges: NDArray[np.int64]) -> None:
    """order (n_edges,): edges by lower, then upper end; ends (n_edges, 2): those ends, lower first.

    rank : (n_nodes,) new number of every node. Two counting sorts, by upper end and then, stable, by lower end.
    """
    n, m = rank.size, order.size
    place = np.zeros(n + 1, np.int64)
    by_upper = np.empty(m, order.dtype)
    for j in range(m):
        place[max(rank[edges[j, 0]], rank[edges[j, 1]]) + 1] += 1
    for a in range(n):
        place[a + 1] += place[a]
    for j in range(m):
        upper = max(rank[edges[j, 0]], rank[edges[j, 1]])
        by_upper[place[upper]] = j
        place[upper] += 1
    place[:] = 0
    for j in range(m):
        place[min(rank[edges[j, 0]], rank[edges[j, 1]]) + 1] += 1
    for a in range(n):
        place[a + 1] += place[a]
    for j in by_upper:
        a, b = rank[edges[j, 0]], rank[edges[j, 1]]
        i = place[min(a, b)]
        place[min(a, b)] += 1
        order[i] = j
        ends[i, 0], ends[i, 1] = min(a, b), max(a, b)


@kernel
def reach(ends: NDArray[np.uint32], block: int) -> int:
    """Most blocks of nodes that any edge reaches ahead of its lower end."""
    lag = 0
    for j in range(ends.shape[0]):
        lag = max(lag, np.int64(ends[j, 1]) // block - np.int64(ends[j, 0]) // block)
    return lag
