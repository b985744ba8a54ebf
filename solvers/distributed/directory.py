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
        self._arcs = self._sorted_arcs()

    def holder(self, nodes: Integers) -> Integers:
        """The rank in whose range each node is."""
        return np.searchsorted(self.bounds, nodes, side="right") - 1

    def _sorted_arcs(self) -> tuple[Integers, NDArray[np.int32]]:
        """(first arc of every node of the range, edge of every arc as a row of `ends`)."""
        from scipy.sparse import coo_array

        n = self.owner.size
        inside = (self.ends >= self._first) & (self.ends < self._first + n)
        edge, side = np.nonzero(inside)
        node = self.ends[edge, side] - self._first
        arcs = coo_array((np.ones(edge.size, dtype=np.int8), (node.astype(np.int32), edge.astype(np.int32))),
                         shape=(n, len(self.ends))).tocsr()
        return arcs.indptr.astype(np.int64), arcs.indices

    def owned(self) -> tuple[Integers, Integers, Integers]:
        """The nodes that this rank owns, ascending, and their edges: (e, 2) ends and (e,) numbers, in no order, some
        of them twice."""
        _, (nodes,) = route(self.comm, self.owner.astype(np.int64),
                            np.arange(self._first, self._first + self.owner.size, dtype=np.int64))
        to = []
        for side in (0, 1):
            place = self.ends[:, side] - self._first
            inside = (place >= 0) & (place < self.owner.size)
            to.append(np.where(inside, self.owner[np.where(inside, place, 0)] if self.owner.size else -1, -1))
        lower, upper = to[0] >= 0, (to[1] >= 0) & (to[1] != to[0])
        _, (ends, number) = route(self.comm, np.append(to[0][lower], to[1][upper]).astype(np.int64),
                                  np.concatenate([self.ends[lower], self.ends[upper]]),
                                  np.append(self.number[lower], self.number[upper]))
        return np.sort(nodes), ends, number

    def owners(self, nodes: Integers) -> NDArray[np.int32]:
        """The rank that owns each of some nodes."""
        home = self.holder(nodes)
        received, (asked,) = route(self.comm, home, nodes)
        return give_back(self.comm, received, home, self.owner[asked - self._first])[0]

    def edges_of(self, nodes: Integers) -> tuple[Integers, Integers]:
        """(e, 2) ends and (e,) numbers of the edges of some nodes, in no order, some of them twice."""
        received, (asked,) = route(self.comm, self.holder(nodes), nodes)
        starts, edges = self._arcs
        place = asked - self._first
        count = starts[place + 1] - starts[place]
        rows = edges[np.repeat(starts[place] - np.append(0, np.cumsum(count)[:-1]), count) + np.arange(count.sum())]
        to = np.repeat(np.repeat(np.arange(self.comm.size), received), count)
        _, (ends, number) = route(self.comm, to, self.ends[rows], self.number[rows])
        return ends, number
