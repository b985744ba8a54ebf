"""Who owns a node and which edges it has, asked of the rank that holds a range of the numbers; no rank holds all."""
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.parallel.routing import give_back, route

Integers = NDArray[np.int64]


class Directory:
    """The nodes bounds[rank]..bounds[rank + 1] of the whole network, with their owners and all their edges.

    bounds : (size + 1,) first node of the range of every rank, and the number of nodes.
    ends : (m, 2) edges whose lower end is in the range of this rank, lower end first, sorted. first_edge : number of
        the first of them. owner : (n,) rank that is to own each node of the range.

    All ranks must make it together, and call its methods together.
    """

    def __init__(self, comm: Any, bounds: Integers, ends: Integers, first_edge: int, owner: NDArray[np.int32]) -> None:
        self.comm, self.bounds, self.owner = comm, bounds, owner
        self._first = int(bounds[comm.rank])
        number = np.arange(first_edge, first_edge + len(ends), dtype=np.int64)
        home = self.holder(ends[:, 1])
        far = home != comm.rank
        _, (more_ends, more_number) = route(comm, home[far], ends[far], number[far])
        self.ends, self.number = np.concatenate([ends, more_ends]), np.concatenate([number, more_number])

    def holder(self, nodes: Integers) -> Integers:
        """The rank in whose range each node is."""
        return np.searchsorted(self.bounds, nodes, side="right") - 1

    def _places(self, side: int) -> Integers:
        """(m,) places in the range of the lower (0) or upper (1) ends of the edges; for others the size of the range.
        """
        place = self.ends[:, side] - self._first
        place[(place < 0) | (place >= self.owner.size)] = self.owner.size
        return place

    def owned(self) -> tuple[Integers, Integers, Integers]:
        """The nodes that this rank owns, ascending, and their edges: (e, 2) ends and (e,) numbers, in no order, some
        of them twice."""
        _, (nodes,) = route(self.comm, self.owner.astype(np.int64),
                            np.arange(self._first, self._first + self.owner.size, dtype=np.int64))
        known = np.append(self.owner, np.int32(-1))
        to = [known[self._places(side)] for side in (0, 1)]
        rows = [np.flatnonzero(to[0] >= 0), np.flatnonzero((to[1] >= 0) & (to[1] != to[0]))]
        home = np.append(to[0][rows[0]], to[1][rows[1]])
        order = np.argsort(home, kind="stable")
        row, sorted_home = np.concatenate(rows)[order], home[order].astype(np.int64)
        del to, rows, home, order
        _, (ends,) = route(self.comm, sorted_home, self.ends[row])
        _, (number,) = route(self.comm, sorted_home, self.number[row])
        return np.sort(nodes), ends, number

    def drop_edges(self) -> None:
        """Give the edges up, which are not asked for any more; owners still are."""
        self.ends, self.number = self.ends[:0].copy(), self.number[:0].copy()

    def owners(self, nodes: Integers) -> NDArray[np.int32]:
        """The rank that owns each of some nodes."""
        home = self.holder(nodes)
        received, (asked,) = route(self.comm, home, nodes)
        return give_back(self.comm, received, home, self.owner[asked - self._first])[0]

    def edges_of(self, nodes: Integers) -> tuple[Integers, Integers]:
        """(e, 2) ends and (e,) numbers of the edges of some nodes, in no order, some of them twice."""
        received, (asked,) = route(self.comm, self.holder(nodes), nodes)
        wanted = np.zeros(self.owner.size + 1, dtype=bool)
        wanted[asked - self._first] = True
        nodes_of, rows_of = [], []
        for side in (0, 1):
            rows = np.flatnonzero(wanted[self._places(side)])
            nodes_of.append(self.ends[rows, side])
            rows_of.append(rows)
        node = np.concatenate(nodes_of)
        order = np.argsort(node, kind="stable")
        starts, stops = (np.searchsorted(node[order], asked, side) for side in ("left", "right"))
        count = stops - starts
        rows = np.concatenate(rows_of)[order][
            np.repeat(starts - np.append(0, np.cumsum(count)[:-1]), count) + np.arange(count.sum())]
        to = np.repeat(np.repeat(np.arange(self.comm.size), received), count)
        _, (ends, number) = route(self.comm, to, self.ends[rows], self.number[rows])
        return ends, number
