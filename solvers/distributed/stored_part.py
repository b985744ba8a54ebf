"""The part of a rank of a network in a store, and values of its nodes and edges in and out of blocks."""
from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.parallel.routing import give_back, route
from ohmlearn.stored.block_arrays import BlockArrays
from ohmlearn.stored.network_store import StoredNetwork

from .directory import Directory
from .part import Part
from .partition import partition

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class StoredPart:
    """What this rank holds of a network in a store: its part, and a range of the blocks that it reads and writes.

    stored : the network. part : the part of this rank. blocks : numbers of the blocks of its range.
    """

    stored: StoredNetwork
    part: Part
    blocks: range

    @classmethod
    def of(cls, stored: StoredNetwork, comm: Any, kind: str = "auto") -> StoredPart:
        """Read the blocks, deal the nodes out, and send each rank its part; all ranks must call it.

        kind : of the partition, see `partition`. Raises DamagedStore on the rank that meets the damage.
        """
        blocks, bounds = _ranges(stored, comm)
        mine = blocks[comm.rank]
        ends = np.concatenate([np.empty((0, 2), dtype=np.int64), *(stored.edges(k) for k in mine)])

        def positions() -> Floats:
            return np.concatenate([np.empty((0, 2)), *(stored.positions(k) for k in mine)])

        owner = partition(comm, kind, stored.n_nodes, bounds, ends, positions if stored.has_positions else None)
        first_edge = int(stored.first_edge[mine.start])
        directory = Directory(comm, bounds, ends, first_edge, owner)
        del ends
        return cls(stored, Part.of_directory(directory, stored.n_edges), mine)

    @cached_property
    def _bounds(self) -> tuple[Integers, Integers]:
        """First node and first edge of the range of every rank, and the numbers of both."""
        blocks, bounds = _ranges(self.stored, self.part.comm)
        edges = [self.stored.first_edge[numbers.start] for numbers in blocks]
        return bounds, np.append(edges, self.stored.n_edges)

    def conductances(self) -> Floats:
        """(e,) conductances in the store of the edges that this rank holds."""
        read = [self.stored.conductances(k) for k in self.blocks]
        return self.edges_in(np.concatenate([np.empty(0), *read]))

    def nodes_in(self, values: Floats) -> Floats:
        """(k, ...) values of the nodes that this rank holds, from those of the nodes of its range of blocks."""
        return self._values_in(values, 0)

    def edges_in(self, values: Floats) -> Floats:
        """(e, ...) the same of edges."""
        return self._values_in(values, 1)

    def nodes_out(self, values: Floats) -> Floats:
        """(n, ...) values of the nodes of this rank's range of blocks, from those of its part, (k, ...)."""
        return self._values_out(values, 0)

    def edges_out(self, values: Floats) -> Floats:
        """(m, ...) the same of edges."""
        return self._values_out(values, 1)

    def write(self, arrays: BlockArrays, name: str, values: Floats, of_edges: bool) -> None:
        """Write values of the nodes (n,) or edges (m,) of this rank's range, block by block."""
        first = self._firsts[of_edges]
        for number in self.blocks:
            arrays.write(name, number, values[first[number] - first[self.blocks.start]:
                                              first[number + 1] - first[self.blocks.start]])

    def read(self, arrays: BlockArrays, name: str, of_edges: bool) -> Floats:
        """(n,) or (m,) values of the nodes or edges of this rank's range. Raises DamagedStore."""
        first = self._firsts[of_edges]
        found = [arrays.read(name, k, (int(first[k + 1] - first[k]),)) for k in self.blocks]
        return np.concatenate([np.empty(0), *found])

    def range_size(self, of_edges: bool) -> int:
        """Number of nodes or edges of this rank's range."""
        first = self._firsts[of_edges]
        return int(first[self.blocks.stop] - first[self.blocks.start])

    @property
    def _firsts(self) -> tuple[Integers, Integers]:
        """First node and first edge of every block, and the numbers of both."""
        stored = self.stored
        return (np.arange(stored.n_blocks + 1) * stored.block).clip(max=stored.n_nodes), stored.first_edge

    def _homes(self, of_edges: int) -> tuple[Integers, Integers]:
        """(own,) numbers of own nodes or edges, and the rank in whose range each is."""
        part = self.part
        numbers = part.edge_numbers[part.own_edges] if of_edges else part.nodes[part.own]
        return numbers, np.searchsorted(self._bounds[of_edges], numbers, side="right") - 1

    def _values_in(self, values: Floats, of_edges: int) -> Floats:
        part = self.part
        numbers, home = self._homes(of_edges)
        received, (asked,) = route(part.comm, home, numbers)
        answers = values[asked - self._bounds[of_edges][part.comm.rank]]
        own, = give_back(part.comm, received, home, answers)
        whole = np.empty((part.edge_numbers.size if of_edges else part.nodes.size, *values.shape[1:]))
        whole[part.own_edges if of_edges else part.own] = own
        part.halo.exchange(*(((), [whole]) if of_edges else ([whole],)))
        return whole

    def _values_out(self, values: Floats, of_edges: int) -> Floats:
        part = self.part
        numbers, home = self._homes(of_edges)
        _, (asked, rows) = route(part.comm, home, numbers, values[part.own_edges if of_edges else part.own])
        first, last = self._bounds[of_edges][part.comm.rank:part.comm.rank + 2]
        found = np.empty((int(last - first), *values.shape[1:]))
        found[asked - first] = rows
        return found


def _ranges(stored: StoredNetwork, comm: Any) -> tuple[list[range], Integers]:
    """The blocks of every rank, and the first node of each range, and n_nodes."""
    cuts = [stored.n_blocks * r // comm.size for r in range(comm.size + 1)]
    bounds = np.minimum(np.array(cuts, dtype=np.int64) * stored.block, stored.n_nodes)
    return [range(a, b) for a, b in itertools.pairwise(cuts)], bounds
