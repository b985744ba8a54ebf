"""The part of a network that one MPI rank holds: its own nodes and four layers of neighbours around them."""
from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.network import Network
from ohmlearn.solvers.equilibrium.node_order import Layout

from .directory import Directory
from .halo import Halo

Integers = NDArray[np.int64]
LAYERS = 4      # of neighbours: one for each stage of an RK4 step, so that a step needs one exchange


@dataclass(frozen=True, eq=False)
class Part:
    """What one rank holds of a network of `n_nodes` nodes and `n_edges` edges.

    comm : the mpi4py communicator of the ranks that hold the network.
    nodes : (k,) global numbers of the nodes held, ascending. layer : (k,) 0 for own nodes, 1 to 4 for neighbours, by
        their distance in edges. node_owner : (k,) the rank that owns each.
    edge_numbers : (e,) global numbers of the edges held, ascending. These are all edges with an end in the layers 0 to
        3. Edges of the whole are numbered by their lower, then their upper end; parallel ones as in the network.
    ends : (e, 2) places in `nodes` of the ends of each edge, the lower one first.
    halo : exchange of values of nodes and edges with the other ranks.

    Every node belongs to one rank, and every edge to the rank of its lower-numbered end. A rank may own no nodes.
    Nodes and edges stand in the order of their global numbers, so that sums over the edges of a node have the same
    bits on any rank.
    """

    comm: Any
    n_nodes: int
    n_edges: int
    nodes: Integers
    layer: NDArray[np.int8]
    node_owner: NDArray[np.int32]
    edge_numbers: Integers
    ends: NDArray[np.uint32]
    halo: Halo

    @classmethod
    def of(cls, network: Network, owner: ArrayLike, comm: Any) -> Part:
        """The part of this rank of a network that every rank has in memory.

        owner : (n_nodes,) the rank that is to own each node. All ranks must call it with the same values.
        """
        owner = np.asarray(owner, dtype=np.int32)
        if owner.shape != (network.n_nodes,) or owner.min() < 0 or owner.max() >= comm.size:
            raise ValueError(f"owner must hold {network.n_nodes} ranks from 0 to {comm.size - 1}, one for every node")
        bounds = np.arange(comm.size + 1, dtype=np.int64) * network.n_nodes // comm.size
        ends = Layout.as_numbered(network).ends
        begin, end = np.searchsorted(ends[:, 0], bounds[comm.rank:comm.rank + 2])
        first, last = bounds[comm.rank:comm.rank + 2]
        directory = Directory(comm, bounds, ends[begin:end].astype(np.int64), int(begin), owner[first:last])
        return cls.of_directory(directory, network.n_edges)

    @classmethod
    def of_directory(cls, directory: Directory, n_edges: int) -> Part:
        """The part of this rank of a network whose ranks hold a range of the nodes each; all ranks must call it."""
        comm = directory.comm
        own, ends, number = directory.owned()
        layers = [own]
        held = own
        found = [(ends, number)]
        del ends, number
        for distance in range(1, LAYERS + 1):
            new = _distinct(_missing(held, found[-1][0].ravel()))
            held = np.sort(np.append(held, new))
            layers.append(new)
            if distance < LAYERS:
                found.append(directory.edges_of(new))
        directory.drop_edges()
        layer = np.empty(held.size, dtype=np.int8)
        for distance, nodes in enumerate(layers):
            layer[np.searchsorted(held, nodes)] = distance
        number = np.concatenate([number for _, number in found])
        order = np.argsort(number, kind="stable")
        once = order[np.append(np.ones(min(1, order.size), dtype=bool), np.diff(number[order]) != 0)]
        numbers = number[once]
        del number, order
        ends = np.concatenate([ends for ends, _ in found])[once]
        del found, once
        node_owner = np.full(held.size, comm.rank, dtype=np.int32)
        node_owner[layer > 0] = directory.owners(held[layer > 0])
        places = np.searchsorted(held, ends).astype(np.uint32)
        halo = Halo.of(comm, held, node_owner, numbers, node_owner[places[:, 0]])
        return cls(comm, int(directory.bounds[-1]), n_edges, held, layer, node_owner, numbers, places, halo)

    @cached_property
    def own(self) -> Integers:
        """Places in `nodes` of the nodes that this rank owns."""
        return np.flatnonzero(self.layer == 0)

    @cached_property
    def own_edges(self) -> Integers:
        """Places in `edge_numbers` of the edges that this rank owns."""
        return np.flatnonzero(self.layer[self.ends[:, 0]] == 0)

    def places(self, nodes: ArrayLike) -> Integers:
        """The place in `nodes` of each of some global numbers, -1 for those that this rank does not hold."""
        wanted = np.atleast_1d(np.asarray(nodes, dtype=np.int64))
        if not self.nodes.size:
            return np.full(wanted.shape, -1)
        place = np.searchsorted(self.nodes, wanted).clip(max=self.nodes.size - 1)
        return np.where(self.nodes[place] == wanted, place, -1)

    def owned_places(self, nodes: ArrayLike) -> Integers:
        """The same, and -1 also for nodes that another rank owns."""
        place = self.places(nodes)
        return np.where((place >= 0) & (self.layer[place] == 0), place, -1) if self.nodes.size else place

    def __repr__(self) -> str:
        return (f"<Part {self.comm.rank} of {self.comm.size}: {self.own.size} of {self.n_nodes} nodes, "
                f"{self.nodes.size - self.own.size} neighbours>")


def _distinct(values: Integers) -> Integers:
    """The values, ascending, each once; NumPy's own way by a hash table takes ten times as long."""
    ordered = np.sort(values)
    return ordered[np.append(np.ones(min(1, ordered.size), dtype=bool), ordered[1:] != ordered[:-1])]


def _missing(held: Integers, values: Integers) -> Integers:
    """Those of the values that are not among ascending ones."""
    if not held.size:
        return values
    return values[held[np.searchsorted(held, values).clip(max=held.size - 1)] != values]
