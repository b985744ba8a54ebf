"""Networks in and out of files: packings, edge lists, GraphML, MatrixMarket, and networkx graphs.

A Network holds no conductances. Where a file or a graph has them, :func:`read_conductances` and
:func:`networkx_conductances` hand them back as an array in the order of the network's edges.
"""
from __future__ import annotations

import os
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.network import Network

from . import edge_list, graphml, matrixmarket
from .replacing import replacing

Circuit = tuple[Network, NDArray[np.float64] | None]
Reader = Callable[[Path], Circuit]
Writer = Callable[[IO[str], Network, NDArray[np.float64] | None], None]

READERS: dict[str, Reader] = {
    "packing": edge_list.read_packing,
    "edge list": edge_list.read_edges,
    "GraphML": graphml.read,
    "MatrixMarket": matrixmarket.read,
}
WRITERS: dict[str, Writer] = {
    ".txt": edge_list.write_packing,
    ".csv": edge_list.write_edges,
    ".graphml": graphml.write,
    ".mtx": matrixmarket.write,
}


def read(path: str | os.PathLike[str]) -> Network:
    """Network from a file; what the file is shows in its suffix or its first lines.

    .graphml : undirected GraphML; node attributes x, y are positions.
    .mtx : MatrixMarket, the adjacency matrix or the Laplacian, symmetric; entries off the diagonal are edges.
    any other : a packing (nodes, edges and box length; then x y of every node; then the two ends of every
        edge), or an edge list: two node numbers from 0 on every line, separated by commas, semicolons, tabs
        or blanks, then perhaps a conductance; a line of column names above and comments after # are allowed.

    Conductances in the file are left out; :func:`read_conductances` gives them.
    Raises OSError if the file cannot be read, ValueError naming the line or value if it cannot be understood.
    """
    return read_circuit(path)[0]


def read_conductances(path: str | os.PathLike[str]) -> NDArray[np.float64] | None:
    """(n_edges,) conductances of the edges of `read(path)`, in their order; None if the file has none.

    They come from a third column (or one named conductance, weight or resistance) of an edge list, from the
    edge attribute conductance (or weight) in GraphML, from the entries of a MatrixMarket matrix.
    """
    return read_circuit(path)[1]


def read_circuit(path: str | os.PathLike[str]) -> Circuit:
    """The network and the conductances (or None) of a file at once; see `read` and `read_conductances`."""
    path = Path(path)
    try:
        network, conductances = READERS[_kind(path)](path)
        return network, None if conductances is None else network.conductances(conductances)
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not a text file; networks are read from text, unpack or convert it") from None
    except ValueError as error:
        if str(path) in str(error):
            raise
        raise type(error)(f"{path}: {error}") from error


def write(network: Network, path: str | os.PathLike[str], conductances: ArrayLike | None = None) -> None:
    """Write a network, and conductances (n_edges,) if given, in the format of the path's suffix.

    .csv : edge list with a line of column names; .graphml : everything the network has; .mtx : lower triangle
    of the adjacency matrix; .txt : the packing format, which needs positions and a square box.
    The file is written beside its place and moved there when complete: an old one stays if something fails.
    """
    path = Path(path)
    if path.suffix.lower() not in WRITERS:
        raise ValueError(f"no format is known for {path.name!r}; use the suffix {', '.join(WRITERS)}")
    values = None if conductances is None else network.conductances(conductances)
    with replacing(path) as file:
        WRITERS[path.suffix.lower()](file, network, values)


def _kind(path: Path) -> str:
    """Which of READERS a file is for."""
    with open(path, encoding="utf-8") as file:
        lines = [line for line in islice(file, 50) if line.strip() and not line.startswith("#")][:2]
    if path.suffix.lower() == ".mtx" or (lines and lines[0].startswith("%%MatrixMarket")):
        return "MatrixMarket"
    if path.suffix.lower() == ".graphml" or (lines and lines[0].lstrip().startswith("<")):
        return "GraphML"
    looks_packed = [len(line.split()) for line in lines] == [3, 2] and "," not in "".join(lines)
    return "packing" if looks_packed and path.suffix.lower() != ".csv" else "edge list"


def from_networkx(graph: Any) -> Network:
    """Network of an undirected networkx graph; parallel edges of a multigraph are kept.

    Nodes are numbered as labelled when the labels are 0 to n - 1, otherwise in the graph's order; edges in
    the graph's order, or by their attribute `number` where all have one (as `to_networkx` sets it).
    Positions are the node attribute pos, or x and y. Edge attributes: see :func:`networkx_conductances`.
    """
    number, edges = _numbered(graph)
    places: list[Any] = [None] * len(number)
    for label, data in graph.nodes(data=True):
        places[number[label]] = data.get("pos", (data["x"], data["y"]) if {"x", "y"} <= data.keys() else None)
    positions = None if any(place is None for place in places) else np.array(places, dtype=float)
    pairs = np.array([edge[:2] for edge in edges], dtype=np.int64).reshape(-1, 2)
    return Network(pairs, len(number), positions, graph.graph.get("box"), str(graph.graph.get("name", "")))


def networkx_conductances(graph: Any, attribute: str = "conductance") -> NDArray[np.float64]:
    """(n_edges,) an edge attribute of a networkx graph, in the order of the edges of `from_networkx(graph)`."""
    edges = _numbered(graph)[1]
    missing = [edge for edge in edges if attribute not in edge[2]]
    if missing:
        raise ValueError(f"edge between nodes {missing[0][0]} and {missing[0][1]} has no attribute {attribute!r} "
                         f"({len(missing)} such edges); set it or name another")
    return np.array([edge[2][attribute] for edge in edges], dtype=float)


def _numbered(graph: Any) -> tuple[dict[Any, int], list[tuple[int, int, dict[str, Any]]]]:
    """Number of every label, and the edges as (node, node, attributes) in order."""
    if graph.is_directed():
        raise ValueError("the graph is directed, but a resistor has no direction; pass graph.to_undirected()")
    labels = list(graph)
    if all(isinstance(label, int) for label in labels) and set(labels) == set(range(len(labels))):
        labels.sort()
    number = {label: k for k, label in enumerate(labels)}
    edges = [(number[a], number[b], data) for a, b, data in graph.edges(data=True)]
    if all(isinstance(edge[2].get("number"), int) for edge in edges):
        edges.sort(key=lambda edge: edge[2]["number"])
    return number, edges


def to_networkx(network: Network, conductances: ArrayLike | None = None) -> Any:
    """networkx graph of the network (a multigraph where edges are parallel).

    Nodes carry pos where known; edges their `number` and, if given, their `conductance` (n_edges,).
    """
    import networkx as nx

    a, b = np.sort(network.edges, axis=1).T
    parallel = np.unique(a * network.n_nodes + b).size < network.n_edges
    graph = nx.MultiGraph() if parallel else nx.Graph()
    if network.name:
        graph.graph["name"] = network.name
    if network.box is not None:
        graph.graph["box"] = network.box
    graph.add_nodes_from(range(network.n_nodes))
    if network.positions is not None:
        nx.set_node_attributes(graph, dict(enumerate(map(tuple, network.positions.tolist()))), "pos")
    values = [{}] * network.n_edges if conductances is None else [
        {"conductance": g} for g in network.conductances(conductances).tolist()]
    graph.add_edges_from((a, b, {"number": j, **value})
                         for j, ((a, b), value) in enumerate(zip(network.edges.tolist(), values, strict=True)))
    return graph
