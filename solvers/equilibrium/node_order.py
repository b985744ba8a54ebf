"""How a large network is laid out in memory: nodes renumbered, edges sorted. Users see their own numbering only."""
from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.large.rk4_pipeline import BLOCK
from ohmlearn.kernels.linalg import laplacian
from ohmlearn.kernels.linalg.edge_order import reach, sort_edges
from ohmlearn.network import Network


@dataclass(frozen=True, eq=False)
class Layout:
    """Order of nodes and edges in which neighbours lie close together (reverse Cuthill–McKee).

    rank : (n_nodes,) new number of every node; nodes : the inverse, old number of every new one.
    edges : (n_edges,) old number of every edge, by lower, then upper end.
    ends : (n_edges, 2) new numbers of the ends of the sorted edges, lower first.
    starts : (n_blocks + 1,) first sorted edge of every block of BLOCK nodes; lag : most blocks that an edge spans.
    bandwidth, span : how many numbers the ends of an edge lie apart, at most and on average.
    """

    rank: NDArray[np.int32]
    nodes: NDArray[np.int32]
    edges: NDArray[np.int32]
    ends: NDArray[np.uint32]
    starts: NDArray[np.int64]
    lag: int
    bandwidth: int
    span: float

    @classmethod
    def of(cls, network: Network) -> Layout:
        """The layout of a network, made once and kept while the network lives."""
        if network not in _LAYOUTS:
            _LAYOUTS[network] = cls._make(network)
        return _LAYOUTS[network]

    @classmethod
    def _make(cls, network: Network) -> Layout:
        n, m = network.n_nodes, network.n_edges
        nodes = cuthill_mckee(network)
        rank = np.empty(n, dtype=np.int32)
        rank[nodes] = np.arange(n, dtype=np.int32)
        order, ends = np.empty(m, dtype=np.int32), np.empty((m, 2), dtype=np.uint32)
        sort_edges(order, ends, rank, network.edges)
        first = np.append(np.arange(0, n, BLOCK), n).astype(np.uint32)
        starts = np.searchsorted(ends[:, 0], first).astype(np.int64)
        return cls(rank, nodes, order, ends, starts, int(reach(ends, BLOCK)), int(reach(ends, 1)),
                   float(np.mean(ends[:, 1] - ends[:, 0])))

    @property
    def thin(self) -> bool:
        """Whether edges reach no further than in two dimensions; direct factors of others fill up.

        Edges of thinned Delaunay networks, lattices and their tori span 0.7 to 1.4 √n nodes on average, those of cubic
        lattices 2.1 √n at 14³ and 3.7 √n at 46³, of expanders and of networks with hubs 10 √n and more.
        """
        return self.span <= 1.8 * np.sqrt(self.rank.size) and self.bandwidth <= 8 * np.sqrt(self.rank.size)

    @property
    def n_blocks(self) -> int:
        return len(self.starts) - 1


_LAYOUTS: WeakKeyDictionary[Network, Layout] = WeakKeyDictionary()


def cuthill_mckee(network: Network) -> NDArray[np.int32]:
    """(n_nodes,) nodes in reverse Cuthill–McKee order."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import reverse_cuthill_mckee

    n = network.n_nodes
    ends = network.edges.astype(np.int32)
    indptr = np.empty(n + 1, dtype=np.int32)
    laplacian.count_entries(indptr, ends)
    arcs = np.empty(int(indptr[-1]) - n, dtype=np.int32)
    laplacian.sort_arcs(arcs, indptr, ends)
    neighbours = ends[arcs >> 1, arcs & 1]
    starts = indptr - np.arange(n + 1, dtype=np.int32)
    graph = csr_array((np.ones(arcs.size, dtype=np.int8), neighbours, starts), shape=(n, n))
    return reverse_cuthill_mckee(graph, symmetric_mode=True)
