"""The network: nodes joined by resistive edges."""
from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True, eq=False, repr=False)
class Network:
    """A graph of resistive edges; conductances are not part of it.

    edges : (n_edges, 2) integers, the two nodes of every edge, numbered from 0. Parallel edges are
        resistors in parallel; an edge from a node to itself is an error.
    n_nodes : number of nodes; by default the largest node in `edges` plus one.
    positions : (n_nodes, 2) places of the nodes for drawing, or None.
    box : side of the periodic box that the positions live in, or None.
    """

    edges: NDArray[np.int64]
    n_nodes: int = -1
    positions: NDArray[np.float64] | None = None
    box: float | tuple[float, float] | None = None
    name: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        edges = np.array(self.edges)
        if edges.ndim != 2 or edges.shape[1] != 2 or len(edges) == 0:
            raise ValueError(f"edges must be an (n_edges, 2) array with one row at least, not of shape {edges.shape}")
        if edges.dtype.kind not in "iu" and (edges.dtype.kind != "f" or not np.all(edges == np.floor(edges))):
            raise TypeError(f"edges must be integers, node numbers from 0; got dtype {edges.dtype}")
        edges = np.ascontiguousarray(edges, dtype=np.int64)
        n = int(edges.max()) + 1 if self.n_nodes < 0 else int(self.n_nodes)
        bad = np.flatnonzero((edges < 0).any(axis=1) | (edges >= n).any(axis=1))
        if bad.size:
            j = int(bad[0])
            raise ValueError(f"edge {j} joins nodes {edges[j, 0]} and {edges[j, 1]}, "
                             f"but nodes run from 0 to {n - 1}; raise n_nodes or renumber")
        loops = np.flatnonzero(edges[:, 0] == edges[:, 1])
        if loops.size:
            j = int(loops[0])
            raise ValueError(f"edge {j} joins node {edges[j, 0]} to itself and carries no current; drop it")
        positions = self.positions
        if positions is not None:
            positions = np.ascontiguousarray(positions, dtype=np.float64)
            if positions.shape != (n, 2) or not np.all(np.isfinite(positions)):
                raise ValueError(f"positions must be finite and of shape ({n}, 2), not {positions.shape}")
            positions.setflags(write=False)
        edges.setflags(write=False)
        for key, value in (("edges", edges), ("n_nodes", n), ("positions", positions)):
            object.__setattr__(self, key, value)

    @property
    def n_edges(self) -> int:
        return len(self.edges)

    @cached_property
    def degree(self) -> NDArray[np.int64]:
        """(n_nodes,) number of edges at every node."""
        return np.bincount(self.edges.ravel(), minlength=self.n_nodes)

    @cached_property
    def components(self) -> NDArray[np.int32]:
        """(n_nodes,) number of the connected component of every node."""
        from scipy.sparse.csgraph import connected_components

        return connected_components(self.adjacency, directed=False)[1]

    @cached_property
    def adjacency(self) -> csr_array:
        """(n_nodes, n_nodes) CSR view, symmetric: entry = number of edges between the two nodes."""
        from scipy.sparse import coo_array

        a, b = self.edges.T
        ones = np.ones(2 * self.n_edges)
        return coo_array((ones, (np.r_[a, b], np.r_[b, a])), shape=(self.n_nodes, self.n_nodes)).tocsr()

    @cached_property
    def incidence(self) -> csr_array:
        """(n_edges, n_nodes) incidence matrix Δ: +1 at the first node of an edge, -1 at the second."""
        from scipy.sparse import csr_array

        m = self.n_edges
        return csr_array((np.tile([1.0, -1.0], m), self.edges.ravel(), np.arange(0, 2 * m + 1, 2)),
                         shape=(m, self.n_nodes))

    def conductances(self, values: ArrayLike | None = None) -> NDArray[np.float64]:
        """Checked copy of (n_edges,) conductances; None gives 1 everywhere, a number that number."""
        g = np.array(1.0 if values is None else values, dtype=np.float64)
        if g.ndim == 0:
            g = np.full(self.n_edges, float(g))
        if g.shape != (self.n_edges,):
            raise ValueError(f"conductances must have shape ({self.n_edges},), one per edge, not {g.shape}")
        bad = np.flatnonzero(~(np.isfinite(g) & (g >= 0)))
        if bad.size:
            raise ValueError(f"conductance of edge {bad[0]} is {g[bad[0]]}; conductances must be finite and >= 0")
        return g

    def check_nodes(self, nodes: ArrayLike, what: str) -> NDArray[np.int64]:
        """Checked copy of node numbers; negative numbers are an error too."""
        nodes = np.atleast_1d(np.array(nodes))
        if nodes.size and nodes.dtype.kind not in "iu":
            raise TypeError(f"{what} must be integer node numbers, got {nodes.dtype}")
        nodes = nodes.astype(np.int64)
        bad = nodes[(nodes < 0) | (nodes >= self.n_nodes)]
        if bad.size:
            raise ValueError(f"{what} {bad[0]} is not in the network, whose nodes run from 0 to {self.n_nodes - 1}")
        return nodes

    def __repr__(self) -> str:
        name = f" {self.name!r}" if self.name else ""
        return f"<Network{name}: {self.n_nodes} nodes, {self.n_edges} edges>"

    # Generators and files, defined where they belong; imported when called.
    @classmethod
    def from_edges(cls, edges: ArrayLike, n_nodes: int = -1, positions: ArrayLike | None = None) -> Network:
        """Network of an (n_edges, 2) list of node pairs."""
        return cls(np.asarray(edges), n_nodes, None if positions is None else np.asarray(positions, dtype=float))

    @classmethod
    def packing(cls, n_nodes: int = 64, seed: int = 0, **options: Any) -> Network:
        """Contact network of a jammed packing; see :func:`ohmlearn.generators.packing`."""
        from .generators import packing

        return packing(n_nodes, seed=seed, **options)

    @classmethod
    def delaunay(cls, n_nodes: int, seed: int = 0, **options: Any) -> Network:
        """Thinned Delaunay network; see :func:`ohmlearn.generators.delaunay`."""
        from .generators import delaunay

        return delaunay(n_nodes, seed=seed, **options)

    @classmethod
    def grid(cls, *shape: int, periodic: bool = False) -> Network:
        """Square lattice; see :func:`ohmlearn.generators.grid`."""
        from .generators import grid

        return grid(*shape, periodic=periodic)

    @classmethod
    def random(cls, n_nodes: int, mean_degree: float = 4.5, seed: int = 0) -> Network:
        """Connected random graph; see :func:`ohmlearn.generators.random`."""
        from .generators import random

        return random(n_nodes, mean_degree, seed=seed)

    @classmethod
    def read(cls, path: Any) -> Network:
        """Network from a file; see :func:`ohmlearn.files.read`."""
        from .files import read

        return read(path)

    def write(self, path: Any) -> None:
        """Write the network to a file; see :func:`ohmlearn.files.write`."""
        from .files import write

        write(self, path)

    @classmethod
    def from_networkx(cls, graph: Any) -> Network:
        """Network of an undirected networkx graph; see :func:`ohmlearn.files.from_networkx`."""
        from .files import from_networkx

        return from_networkx(graph)

    def to_networkx(self) -> Any:
        """networkx graph of the network; see :func:`ohmlearn.files.to_networkx`."""
        from .files import to_networkx

        return to_networkx(self)
