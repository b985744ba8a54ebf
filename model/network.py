"""The network: nodes joined by resistive edges."""
from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checks.kinds import Frozen, check_fields, reals

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from ohmlearn import Run, Task
    from scipy.sparse import csr_array


@dataclass(frozen=True, eq=False, repr=False)
class Network(Frozen):
    """A graph of resistive edges, with the conductances to begin with where they are known.

    edges : (n_edges, 2) integers, the two nodes of every edge, numbered from 0. Parallel edges are
        resistors in parallel; an edge from a node to itself is an error.
    n_nodes : number of nodes; by default the largest node in `edges` plus one.
    positions : (n_nodes, 2) places of the nodes for drawing, or None.
    box : side of the square periodic box that the positions live in, or (width, height), or None.
    name : for drawings and messages.
    initial_conductances : (n_edges,) finite and >= 0, in G₀, or None. Where a function is given no conductances it
        takes these, or 1 everywhere where there are none.
    node_names, edge_names : (n_nodes,) and (n_edges,) names, or None; those of nodes are distinct.
    conductance_source : where the initial conductances come from, in words, as in "column 'r' as resistance".

    Frozen, and so are its arrays. Raises TypeError or ValueError for what is no network.

    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(4, 4)
    >>> net.n_nodes, net.n_edges, net.degree.max()
    (16, 24, np.int64(4))
    >>> net
    <Network '4×4 grid': 16 nodes, 24 edges>
    """

    edges: NDArray[np.int64]
    n_nodes: int = -1
    positions: NDArray[np.float64] | None = None
    box: float | tuple[float, float] | None = None
    name: str = ""
    initial_conductances: NDArray[np.float64] | None = None
    node_names: tuple[str, ...] | None = None
    edge_names: tuple[str, ...] | None = None
    conductance_source: str = ""

    def __post_init__(self) -> None:
        check_fields(self)
        edges = np.array(self.edges)
        if edges.ndim != 2 or edges.shape[1] != 2 or len(edges) == 0:
            raise ValueError(f"edges must be an (n_edges, 2) array with one row at least, not of shape {edges.shape}")
        if edges.dtype.kind not in "iu" and (edges.dtype.kind != "f" or not np.all(edges == np.floor(edges))):
            raise TypeError(f"edges must be integers, node numbers from 0; got dtype {edges.dtype}")
        edges = np.ascontiguousarray(edges, dtype=np.int64)
        n = int(edges.max()) + 1 if self.n_nodes == -1 else self.n_nodes
        bad = np.flatnonzero((edges.min(axis=1) < 0) | (edges.max(axis=1) >= n))
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
            positions = reals(positions, "positions")
            if positions.shape != (n, 2) or not np.all(np.isfinite(positions)):
                raise ValueError(f"positions must be finite and of shape ({n}, 2), not {positions.shape}")
            positions.setflags(write=False)
        edges.setflags(write=False)
        for key, value in (("edges", edges), ("n_nodes", n), ("positions", positions), ("box", _box(self.box)),
                           ("node_names", _names(self.node_names, n, "node_names", distinct=True)),
                           ("edge_names", _names(self.edge_names, len(edges), "edge_names", distinct=False))):
            object.__setattr__(self, key, value)
        if self.initial_conductances is not None:
            g = self.conductances(self.initial_conductances)
            g.setflags(write=False)
            object.__setattr__(self, "initial_conductances", g)

    @property
    def n_edges(self) -> int:
        """Number of edges."""
        return len(self.edges)

    @cached_property
    def degree(self) -> NDArray[np.int64]:
        """(n_nodes,) number of edges at every node."""
        return np.bincount(self.edges.ravel(), minlength=self.n_nodes)

    @cached_property
    def components(self) -> NDArray[np.int32]:
        """(n_nodes,) number of the connected component of every node."""
        return connected_components(self.edges, self.n_nodes)

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

    @property
    def sides(self) -> NDArray[np.float64]:
        """(2,) width and height of the periodic box; infinite where there is none."""
        return np.broadcast_to(np.inf if self.box is None else self.box, 2).astype(np.float64)

    @cached_property
    def edge_vectors(self) -> NDArray[np.float64]:
        """(n_edges, 2) from the first node of every edge to the second, the short way round a periodic box."""
        if self.positions is None:
            raise ValueError("this network has no positions; give them to Network.from_edges")
        vectors = self.positions[self.edges[:, 1]] - self.positions[self.edges[:, 0]]
        if self.box is not None:
            vectors -= np.round(vectors / self.sides) * self.sides
        return vectors

    def subset(self, nodes: ArrayLike) -> Network:
        """Network of some nodes, (n,) numbers or an (n_nodes,) mask, and the edges among them; node k was nodes[k].

        Returns a :class:`Network`.

        >>> import ohmlearn as ol
        >>> net = ol.Network.grid(2, 3)
        >>> net.subset([0, 1, 3, 4])
        <Network '2×3 grid': 4 nodes, 4 edges>
        """
        nodes = np.asarray(nodes)
        if nodes.dtype == bool:
            if nodes.shape != (self.n_nodes,):
                raise ValueError(f"a mask of nodes must have shape ({self.n_nodes},), not {nodes.shape}")
            nodes = np.flatnonzero(nodes)
        nodes = self.check_nodes(nodes, "node")
        number = np.full(self.n_nodes, -1)
        number[nodes] = np.arange(nodes.size)
        if np.unique(nodes).size < nodes.size:
            raise ValueError("nodes of a subset must be distinct")
        edges = number[self.edges]
        kept = (edges >= 0).all(axis=1)
        edges = edges[kept]
        if not len(edges):
            raise ValueError(f"no edge joins any two of the {nodes.size} nodes asked for")
        positions = None if self.positions is None else self.positions[nodes]
        g = None if self.initial_conductances is None else self.initial_conductances[kept]
        names = None if self.node_names is None else tuple(self.node_names[k] for k in nodes.tolist())
        edge_names = None if self.edge_names is None else tuple(
            self.edge_names[j] for j in np.flatnonzero(kept).tolist())
        return Network(edges, nodes.size, positions, self.box, self.name, g, names, edge_names,
                       self.conductance_source)

    def largest_component(self) -> Network:
        """The largest connected part; its node k was np.flatnonzero(mask)[k], by the order of the numbers.

        Returns a :class:`Network`.

        >>> import ohmlearn as ol
        >>> net = ol.Network.from_edges([(0, 1), (1, 2), (3, 4)])
        >>> net.largest_component().n_nodes
        3
        """
        return self.subset(self.components == np.bincount(self.components).argmax())

    def conductances(self, values: ArrayLike | Run | None = None) -> NDArray[np.float64]:
        """Checked copy of (n_edges,) values as conductances in G₀; a number stands for all edges, a run for its
        conductances at the end.

        None gives the initial conductances of the network, or 1 everywhere where it has none.

        Returns (n_edges,) in G₀. Raises ValueError for negative or infinite ones, for another shape, and for a run
        whose edges are no resistors.

        >>> import ohmlearn as ol
        >>> net = ol.Network.grid(2, 3)
        >>> net.conductances(2.0).tolist()
        [2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0]
        """
        if values is None:
            values = 1.0 if self.initial_conductances is None else self.initial_conductances
        if (law := getattr(values, "edges", None)) is not None and not isinstance(values, Network):
            raise ValueError(f"conductances of resistors are needed, and the run was trained with edges={law!r}; where "
                             "a function takes edges=..., it takes such a run too")
        g = reals(getattr(values, "conductances", values), "conductances")
        if g.ndim == 0:
            g = np.full(self.n_edges, float(g))
        if g.shape != (self.n_edges,):
            raise ValueError(f"conductances must have shape ({self.n_edges},), one per edge, not {g.shape}")
        bad = np.flatnonzero(~(np.isfinite(g) & (g >= 0)))
        if bad.size:
            raise ValueError(f"conductance of edge {bad[0]} is {g[bad[0]]}; conductances must be finite and >= 0")
        return g

    def label(self, node: int) -> str:
        """What messages and tables call a node: its name where it has one, else its number.

        Returns the name.

        >>> import ohmlearn as ol
        >>> net = ol.Network.from_edges([(0, 1), (1, 2)], node_names=["in", "out", "ground"])
        >>> net.label(1), ol.Network.grid(2, 2).label(1)
        ('out', '1')
        """
        return str(node) if self.node_names is None else self.node_names[node]

    def node(self, name: str | int, what: str = "node") -> int:
        """Number of a node.

        name : its name; or its number, as a number, or as a text where no name is a number. what : it is, for errors.

        Returns the number. Raises ValueError where there is no such node.

        >>> import ohmlearn as ol
        >>> net = ol.Network.from_edges([(0, 1), (1, 2)], node_names=["in", "out", "ground"])
        >>> net.node("out")
        1
        """
        if isinstance(name, str) and self.node_names is not None:
            for known in (name, name.lower()):
                if known in self._numbers:
                    return self._numbers[known]
        try:
            if isinstance(name, str) and any(map(str.isdigit, self.node_names or ())):
                raise ValueError("numbers are names here")
            number = int(name)
        except ValueError:
            few = ", ".join(map(self.label, range(min(self.n_nodes, 20))))
            raise ValueError(f"{what} {name!r} is not in the network; its nodes are {few}"
                             f"{', ...' if self.n_nodes > 20 else ''}") from None
        return int(self.check_nodes([number], what)[0])

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: k for k, name in enumerate(self.node_names or ())}

    def check_nodes(self, nodes: ArrayLike, what: str) -> NDArray[np.int64]:
        """Checked copy (n,) of nodes, numbers from 0; errors name `what` they are. Negative ones are errors too.

        Returns (n,) integers. Raises ValueError or TypeError.

        >>> import ohmlearn as ol
        >>> net = ol.Network.grid(2, 3)
        >>> net.check_nodes([0, 5], "source").tolist()
        [0, 5]
        """
        nodes = np.atleast_1d(np.array(nodes))
        if nodes.size and nodes.dtype.kind not in "iu":
            raise TypeError(f"{what} must be integer node numbers, got {nodes.dtype}")
        if nodes.ndim > 1:
            raise ValueError(f"{what} must be a list of node numbers, not an array of shape {nodes.shape}")
        nodes = nodes.astype(np.int64)
        bad = nodes[(nodes < 0) | (nodes >= self.n_nodes)]
        if bad.size:
            raise ValueError(f"{what} {bad[0]} is not in the network, whose nodes run from 0 to {self.n_nodes - 1}")
        return nodes

    def _repr_html_(self) -> str:
        from ohmlearn.results.run_tables import html_table

        return html_table([("network", self.name or "without a name"), ("nodes", self.n_nodes), ("edges", self.n_edges),
                           ("mean degree", f"{2 * self.n_edges / self.n_nodes:.3g}"),
                           ("connected parts", int(self.components.max()) + 1)])

    def __repr__(self) -> str:
        name = f" {self.name!r}" if self.name else ""
        return f"<Network{name}: {self.n_nodes} nodes, {self.n_edges} edges>"

    # Generators and files, defined where they belong; imported when called.
    @classmethod
    def from_edges(cls, edges: ArrayLike, n_nodes: int = -1, positions: ArrayLike | None = None,
                   box: float | tuple[float, float] | None = None, *, conductances: ArrayLike | None = None,
                   node_names: Sequence[str] | None = None, edge_names: Sequence[str] | None = None) -> Network:
        """Network of an (n_edges, 2) list of node pairs; `conductances` are its initial ones, the rest as in the class.

        conductances : (n_edges,) in G₀, or one number for all edges.

        Returns a :class:`Network`.

        >>> import ohmlearn as ol
        >>> net = ol.Network.from_edges([(0, 1), (1, 2)], conductances=[1.0, 0.5], node_names=["in", "out", "ground"])
        >>> net.n_nodes, net.initial_conductances.tolist()
        (3, [1.0, 0.5])
        """
        pairs = np.asarray(edges)
        g = None if conductances is None else reals(conductances, "conductances")
        if g is not None and g.ndim == 0:
            g = np.full(len(pairs), float(g))
        return cls(pairs, n_nodes, positions, box, "", g,   # type: ignore[arg-type]
                   node_names, edge_names,     # type: ignore[arg-type]
                   "" if g is None else "as given")

    @classmethod
    def packing(cls, n_nodes: int = 64, seed: int = 0, **options: Any) -> Network:
        """Contact network of a jammed packing; see :func:`ohmlearn.generators.packing`.

        Returns a :class:`Network` with positions and a periodic box.

        >>> import ohmlearn as ol
        >>> ol.Network.packing(64, seed=1)
        <Network 'packing of 64 disks, seed 1': 64 nodes, 142 edges>
        """
        from .generators import packing

        return packing(n_nodes, seed=seed, **options)

    @classmethod
    def delaunay(cls, n_nodes: int, seed: int = 0, **options: Any) -> Network:
        """Thinned Delaunay network; see :func:`ohmlearn.generators.delaunay`.

        Returns a :class:`Network` with positions.

        >>> import ohmlearn as ol
        >>> ol.Network.delaunay(50, seed=1).n_nodes
        50
        """
        from .generators import delaunay

        return delaunay(n_nodes, seed=seed, **options)

    @classmethod
    def grid(cls, *shape: int, periodic: bool = False) -> Network:
        """Square lattice; see :func:`ohmlearn.generators.grid`.

        Returns a :class:`Network`.

        >>> import ohmlearn as ol
        >>> ol.Network.grid(3, 4).n_edges, ol.Network.grid(3, 4, periodic=True).n_edges
        (17, 24)
        """
        from .generators import grid

        return grid(*shape, periodic=periodic)

    @classmethod
    def random(cls, n_nodes: int, mean_degree: float = 4.5, seed: int = 0) -> Network:
        """Connected random graph; see :func:`ohmlearn.generators.random`.

        Returns a :class:`Network` without positions.

        >>> import ohmlearn as ol
        >>> ol.Network.random(50, mean_degree=4.0, seed=1).n_edges
        100
        """
        from .generators import random

        return random(n_nodes, mean_degree, seed=seed)

    @classmethod
    def from_raster(cls, values: Any, neighbours: Literal[4, 8] = 8, **options: Any
                    ) -> tuple[Network, NDArray[np.float64], NDArray[np.int64]]:
        """(network, conductances, nodes) of a grid of resistances; see :func:`ohmlearn.io.raster.raster_network`.

        Returns the :class:`Network`, (n_edges,) conductances, and (rows, cols) the node of every cell, -1 for none.

        >>> import ohmlearn as ol
        >>> net, conductances, nodes = ol.Network.from_raster([[1.0, 2.0], [1.0, -1.0]])
        >>> net.n_nodes, nodes.tolist()
        (3, [[0, 1], [2, -1]])
        """
        from ohmlearn.io.raster import raster_network

        return raster_network(values, neighbours, **options)

    @classmethod
    def read(cls, path: Any, *, conductance: str | None = None, resistance: str | None = None,
             nodes: str = "auto") -> Network:
        """Network from a file; see :func:`ohmlearn.io.files.read`.

        Returns a :class:`Network`.

        >>> import ohmlearn as ol
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     ol.Network.grid(2, 3).write(f"{folder}/net.csv", conductances=2.0)
        ...     again = ol.Network.read(f"{folder}/net.csv")
        >>> again.n_edges, again.initial_conductances.max()
        (7, np.float64(2.0))
        """
        from ohmlearn.io.files import read

        return read(path, conductance=conductance, resistance=resistance, nodes=nodes)

    def write(self, path: Any, conductances: ArrayLike | None = None) -> None:
        """Write the network, and conductances if it has any, to a file; see :func:`ohmlearn.io.files.write`.

        >>> import ohmlearn as ol
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     ol.Network.grid(2, 3).write(f"{folder}/net.csv", conductances=2.0)
        ...     again = ol.Network.read(f"{folder}/net.csv")
        >>> again.n_edges, again.initial_conductances.max()
        (7, np.float64(2.0))
        """
        from ohmlearn.io.files import write

        write(self, path, conductances)

    @classmethod
    def from_networkx(cls, graph: Any, *, conductance: str | None = None, resistance: str | None = None) -> Network:
        """Network of a networkx graph; see :func:`ohmlearn.io.networkx_graphs.from_networkx`.

        Returns a :class:`Network`.

        >>> import ohmlearn as ol
        >>> import networkx as nx
        >>> ol.Network.from_networkx(nx.petersen_graph()).n_edges
        15
        """
        from ohmlearn.io.networkx_graphs import from_networkx

        return from_networkx(graph, conductance=conductance, resistance=resistance)

    def to_networkx(self, conductances: ArrayLike | None = None) -> Any:
        """networkx graph of the network; see :func:`ohmlearn.io.networkx_graphs.to_networkx`.

        Returns a networkx.Graph, or a MultiGraph where edges are parallel.

        >>> import ohmlearn as ol
        >>> net = ol.Network.grid(2, 3)
        >>> net.to_networkx().number_of_edges()
        7
        """
        from ohmlearn.io.networkx_graphs import to_networkx

        return to_networkx(self, conductances)

    def to_spice(self, task: Task, conductances: ArrayLike | Run | None = None, **options: Any) -> str:
        """The driven network as a deck for SPICE; see :func:`ohmlearn.io.spice.to_spice`.

        Returns the text of the deck.

        >>> import ohmlearn as ol
        >>> net = ol.Network.grid(4, 4)
        >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
        >>> print(net.to_spice(task, 2.0).splitlines()[2])
        R0 n0 n1 0.5
        """
        from ohmlearn.io.spice import to_spice

        return to_spice(self, task, conductances, **options)

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the network, with values on nodes and edges if given; see :func:`ohmlearn.drawing.draw`.

        Returns the matplotlib axes.

        >>> import ohmlearn as ol
        >>> net = ol.Network.grid(4, 4)
        >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
        >>> ax = net.plot(task=task, nodes=ol.voltages(net, task))
        >>> ax.get_title()
        '4×4 grid'
        """
        from .drawing import draw

        return draw(self, ax, **options)


def connected_components(edges: NDArray[np.int64], n_nodes: int) -> NDArray[np.int32]:
    """(n_nodes,) number of the connected component of every node, in the order of their first nodes.

    Every node points at a lower one of its component until all point at the first: two or three passes over the
    edges, and no library to load (scipy's takes 0.2 s, a tenth of a whole small sweep).
    """
    first = np.arange(n_nodes)
    a, b = edges.T
    while not np.array_equal(ends := first[a], others := first[b]):
        low = np.minimum(ends, others)
        np.minimum.at(first, ends, low)
        np.minimum.at(first, others, low)
        while not np.array_equal(further := first[first], first):
            first = further
    return np.unique(first, return_inverse=True)[1].astype(np.int32)


def _names(names: Any, count: int, what: str, *, distinct: bool) -> tuple[str, ...] | None:
    """Checked names: texts on one line, without blanks around them."""
    if names is None:
        return None
    found = tuple(names)
    if len(found) != count:
        raise ValueError(f"{what} must be {count} names, not {len(found)}")
    for name in found:
        if not isinstance(name, str) or not name or not name.isprintable() or name != name.strip():
            raise ValueError(f"{what} must be texts on one line without blanks around them, not {name!r}")
    if distinct and len(set(found)) < count:
        twice = next(name for name, times in Counter(found).items() if times > 1)
        raise ValueError(f"{what}: {twice!r} is there twice; node names must be distinct")
    return found


def _box(box: Any) -> float | tuple[float, float] | None:
    """Checked box: one number if square, else (width, height)."""
    if box is None:
        return None
    sides = reals(box, "sides of the box")
    if sides.shape not in ((), (2,)) or not np.all(np.isfinite(sides) & (sides > 0)):
        raise ValueError(f"box must be a length > 0 or (width, height), not {box!r}")
    width, height = map(float, np.broadcast_to(sides, 2))
    return width if width == height else (width, height)
