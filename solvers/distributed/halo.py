"""Exchange between neighbouring ranks: values of nodes and edges go from the rank that owns them to all that hold
copies of them."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.large.halo_rows import pack, unpack
from ohmlearn.parallel.routing import route

Places = NDArray[np.int64]
TAG = 20


@dataclass(frozen=True, eq=False)
class Link:
    """What goes between this rank and one neighbour: places of nodes and edges, ascending in their numbers.

    rank : the neighbour. send_nodes, send_edges : own ones that it holds copies of. receive_nodes, receive_edges :
    copies here of what it owns.
    """

    rank: int
    send_nodes: Places
    send_edges: Places
    receive_nodes: Places
    receive_edges: Places


class Halo:
    """The links of one rank, and buffers that are made once for each combination of arrays.

    links : one for every neighbour.

    Every rank must call `exchange` with arrays of the same number of columns.
    """

    def __init__(self, comm: Any, links: Sequence[Link]) -> None:
        self.comm, self.links = comm, tuple(links)
        self._buffers: dict[tuple[tuple[int, ...], tuple[int, ...]], list[tuple[NDArray[Any], NDArray[Any]]]] = {}

    @classmethod
    def of(cls, comm: Any, nodes: Places, node_owner: NDArray[np.int32], edges: Places,
           edge_owner: NDArray[np.int32]) -> Halo:
        """The links of this rank; all ranks must call it.

        nodes, edges : (k,) and (e,) global numbers of what this rank holds, ascending; node_owner, edge_owner : the
        rank that owns each.
        """
        wanted = [np.flatnonzero(owner != comm.rank) for owner in (node_owner, edge_owner)]
        owners = [node_owner[wanted[0]].astype(np.int64), edge_owner[wanted[1]].astype(np.int64)]
        asked = []
        for to, numbers, places in zip(owners, (nodes, edges), wanted, strict=True):
            counts, (rows,) = route(comm, to, numbers[places])
            asked.append((np.append(0, np.cumsum(counts)), rows))
        links = []
        for rank in range(comm.size):
            receive = [places[to == rank] for to, places in zip(owners, wanted, strict=True)]
            send = [np.searchsorted(numbers, rows[starts[rank]:starts[rank + 1]])
                    for numbers, (starts, rows) in zip((nodes, edges), asked, strict=True)]
            if any(places.size for places in (*receive, *send)):
                links.append(Link(rank, *(places.astype(np.int64) for places in (*send, *receive))))
        return cls(comm, links)

    @property
    def bytes_sent(self) -> int:
        """Bytes that one exchange of v, w and G sends from this rank."""
        return sum(16 * link.send_nodes.size + 8 * link.send_edges.size for link in self.links)

    def exchange(self, nodes: Sequence[NDArray[Any]] = (), edges: Sequence[NDArray[Any]] = ()) -> None:
        """Fill the copies that this rank holds with the values of their owners, in place.

        nodes : arrays (k,) or (k, columns) of values of nodes; edges : likewise (e,) or (e, columns). Items have 8
        bytes, and the arrays are contiguous. All arrays go in one message to every neighbour.
        """
        from mpi4py import MPI

        buffers = self._buffers_for(nodes, edges)
        requests = [self.comm.Irecv(into, link.rank, TAG)
                    for link, (_, into) in zip(self.links, buffers, strict=True) if into.size]
        for link, (out, _) in zip(self.links, buffers, strict=True):
            begin = 0
            for arrays, places in ((nodes, link.send_nodes), (edges, link.send_edges)):
                for array in arrays:
                    rows = _rows(array)
                    end = begin + places.size * rows.shape[1]
                    pack(out[begin:end], rows, places)
                    begin = end
            if out.size:
                requests.append(self.comm.Isend(out, link.rank, TAG))
        MPI.Request.Waitall(requests)
        for link, (_, into) in zip(self.links, buffers, strict=True):
            begin = 0
            for arrays, places in ((nodes, link.receive_nodes), (edges, link.receive_edges)):
                for array in arrays:
                    rows = _rows(array)
                    end = begin + places.size * rows.shape[1]
                    unpack(rows, places, into[begin:end])
                    begin = end

    def _buffers_for(self, nodes: Sequence[NDArray[Any]],
                     edges: Sequence[NDArray[Any]]) -> list[tuple[NDArray[Any], NDArray[Any]]]:
        """What is sent to and received from every neighbour."""
        columns = tuple(_rows(array).shape[1] for array in nodes), tuple(_rows(array).shape[1] for array in edges)
        if columns not in self._buffers:
            a, b = map(sum, columns)
            self._buffers[columns] = [(np.empty(a * link.send_nodes.size + b * link.send_edges.size),
                                       np.empty(a * link.receive_nodes.size + b * link.receive_edges.size))
                                      for link in self.links]
        return self._buffers[columns]


def _rows(array: NDArray[Any]) -> NDArray[np.float64]:
    """A view of an array of items of 8 bytes as floats, (n, columns)."""
    if array.dtype.itemsize != 8 or not array.flags.c_contiguous:
        raise TypeError(f"arrays to exchange must be contiguous and have items of 8 bytes, not {array.dtype}")
    return array.view(np.float64).reshape(len(array), array.shape[1] if array.ndim > 1 else 1)
