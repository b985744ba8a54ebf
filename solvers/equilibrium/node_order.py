"""How a large network is laid out in memory: nodes renumbered, edges sorted. Users see their own numbering only."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.large.rk4_pipeline import BLOCK
from ohmlearn.kernels.linalg import laplacian
from ohmlearn.kernels.linalg.edge_order import reach, sort_edges
from ohmlearn.kernels.linalg.index_type import index_type
from ohmlearn.network import Network
from ohmlearn.parallel.threads import in_shares

Rows = NDArray[np.int64]
PART = 60_000       # rows of a part, at least: the core's vectors of one fit into the cache of a core
COUNTS = (64, 32, 16, 8, 4, 2)      # of parts, which as many threads share evenly
WIDEST = 0.06       # of the rows may be border rows or tied to one
THREADED = 500_000  # rows from which threads are worth their start, also on a machine that does other work


@dataclass(frozen=True, eq=False)
class Layout:
    """Order of nodes and edges in which neighbours lie close together (reverse Cuthill–McKee).

    rank : (n_nodes,) new number of every node; nodes : the inverse, old number of every new one.
    edges : (n_edges,) old number of every edge, by lower, then upper end.
    ends : (n_edges, 2) new numbers of the ends of the sorted edges, lower first.
    starts : (n_blocks + 1,) first sorted edge of every block of BLOCK nodes; lag : most blocks that an edge spans.
    bandwidth, span : how many numbers the ends of an edge lie apart, at most and on average.
    """

    rank: NDArray[np.integer]
    nodes: NDArray[np.integer]
    edges: NDArray[np.integer]
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
        return cls._numbered(network, cuthill_mckee(network))

    @classmethod
    def as_numbered(cls, network: Network) -> Layout:
        """The layout that keeps the network's own numbers of the nodes."""
        return cls._numbered(network, np.arange(network.n_nodes, dtype=index_type(network.n_nodes)))

    @classmethod
    def _numbered(cls, network: Network, nodes: NDArray[np.integer]) -> Layout:
        n, m = network.n_nodes, network.n_edges
        rank = np.empty_like(nodes)
        rank[nodes] = np.arange(n, dtype=nodes.dtype)
        order, ends = np.empty(m, dtype=index_type(m)), np.empty((m, 2), dtype=np.uint32)
        sort_edges(order, ends, rank, network.edges)
        return cls(rank, nodes, order, ends, *blocks(ends, n), int(reach(ends, 1)),
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


@dataclass(frozen=True, eq=False)
class Parts:
    """Ranges of the rows of a matrix, which touch each other through border rows alone: threads can take one each.

    A row that is no border row is tied to rows of its range and to border rows of the next. How many ranges there are
    depends on the matrix alone, so that the number of threads changes no bit.

    bounds : (n_parts + 1,) first row of every range, and the number of rows. border : (n_border,) border rows,
        ascending. threads : that may work on them.
    """

    bounds: Rows
    border: Rows
    threads: int = 1

    @classmethod
    def of(cls, n_rows: int, ends: NDArray[np.integer], threads: int = 1) -> Parts:
        """As many as are worth it, one of a matrix whose rows reach too far. ends : (n_edges, 2) rows, -1 for held."""
        for count in (count for count in COUNTS if count * PART <= n_rows):
            bounds = np.arange(count + 1, dtype=np.int64) * n_rows // count
            inside = ends[(ends >= 0).all(axis=1)]
            low, high = (np.searchsorted(bounds, side(inside, axis=1), side="right") for side in (np.min, np.max))
            border = np.unique(inside.max(axis=1)[low != high]).astype(np.int64)
            found = cls(bounds, border, threads if n_rows >= THREADED else 1)
            if (high - low).max(initial=0) < 2 and found.around(ends).sum() <= WIDEST * n_rows:
                return found
        return cls.whole(n_rows)

    @classmethod
    def whole(cls, n_rows: int) -> Parts:
        """All rows as one part."""
        return cls(np.array([0, n_rows], dtype=np.int64), np.empty(0, dtype=np.int64))

    def around(self, ends: NDArray[np.integer]) -> NDArray[np.bool_]:
        """(n_rows,) whether a row is a border row, or tied to one. ends : see `of`."""
        at = np.zeros(int(self.bounds[-1]) + 1, dtype=bool)      # the last is for ends that are held, -1
        at[self.border] = True
        near = at.copy()
        near[ends[at[ends].any(axis=1)]] = True
        return near[:-1]

    def within(self, kept: NDArray[np.integer]) -> Parts:
        """Those of a matrix of which these rows, all border rows among them, are left."""
        return Parts(np.searchsorted(kept, self.bounds), np.searchsorted(kept, self.border), self.threads)

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @cached_property
    def first(self) -> Rows:
        """(n_parts + 1,) border rows before every range."""
        return np.searchsorted(self.border, self.bounds)

    def touched(self, part: int) -> slice:
        """Of the border rows, those that a part is tied to: its own, and those of the next one."""
        return slice(int(self.first[part]), int(self.first[min(part + 2, len(self))]))

    def share(self, work: Callable[[int, int], Any]) -> None:
        """Share the parts out: call a function with the first of as many as a thread takes, and the end of them."""
        in_shares(work, len(self), self.threads)


def blocks(ends: NDArray[np.uint32], n_nodes: int) -> tuple[Rows, int]:
    """(n_blocks + 1,) first edge of every block of BLOCK nodes, and most blocks that an edge spans; of sorted edges."""
    first = np.append(np.arange(0, n_nodes, BLOCK), n_nodes).astype(np.uint32)
    return np.searchsorted(ends[:, 0], first).astype(np.int64), int(reach(ends, BLOCK))


_LAYOUTS: WeakKeyDictionary[Network, Layout] = WeakKeyDictionary()


def cuthill_mckee(network: Network) -> NDArray[np.integer]:
    """(n_nodes,) nodes in reverse Cuthill–McKee order."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import reverse_cuthill_mckee

    n = network.n_nodes
    kind = index_type(n + 2 * network.n_edges)
    ends, indptr = network.edges.astype(kind), np.empty(n + 1, dtype=kind)
    laplacian.count_entries(indptr, ends)
    arcs = np.empty(int(indptr[-1]) - n, dtype=kind)
    laplacian.sort_arcs(arcs, indptr, ends)
    neighbours = ends[arcs >> 1, arcs & 1]
    starts = indptr - np.arange(n + 1, dtype=kind)
    graph = csr_array((np.ones(arcs.size, dtype=np.int8), neighbours, starts), shape=(n, n))
    return reverse_cuthill_mckee(graph, symmetric_mode=True).astype(index_type(n), copy=False)
