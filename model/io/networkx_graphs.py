"""networkx graphs in and out, and the formats that networkx reads: GEXF, GML, Pajek, node-link JSON."""
from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.network import Network

from .edge_list import Given, each_once
from .values import DEEPEST, check_count, number, plain_names, read_values

ALL = Given()
Edge = tuple[int, int, dict[str, Any]]


def from_networkx(graph: Any, *, conductance: str | None = None, resistance: str | None = None) -> Network:
    """Network of a networkx graph; parallel edges of a multigraph are kept.

    conductance, resistance : edge attribute that holds one or the other; by default the one whose name says so
        (weight counts as a conductance), "" for none. They become `initial_conductances`.

    Nodes are numbered as labelled when the labels are the integers 0 to n - 1, otherwise in the graph's order, with
    the labels as `node_names`; edges in the graph's order, or by their attribute `number` where all have one (as
    `to_networkx` sets it). An edge attribute `name` gives `edge_names`. Positions are the node attribute pos, or x
    and y. A directed graph must have every edge in both directions, with the same values.
    """
    return _network(graph, str(graph.graph.get("name", "")), Given(conductance, resistance))


def _network(graph: Any, name: str, given: Given) -> Network:
    labels, place, edges = _numbered(graph)
    keys = dict.fromkeys(key for edge in edges for key in edge[2])
    check_count("a graph", keys)
    columns = {str(key): [edge[2].get(key) for edge in edges] for key in keys}

    def where(j: int) -> str:
        a, b, _ = edges[j]
        return f"edge between nodes {labels[a]!r} and {labels[b]!r}"

    values = read_values({key: texts for key, texts in columns.items() if key != "id"}, where, given.conductance,
                         given.resistance, "edge attribute")
    places: list[Any] = [None] * len(labels)
    for label, data in graph.nodes(data=True):
        places[place[label]] = data.get("pos", (data["x"], data["y"]) if {"x", "y"} <= data.keys() else None)
    flat = all(isinstance(xy, tuple | list | np.ndarray) and len(xy) == 2 for xy in places)
    positions = np.array([[number(x) for x in xy] for xy in places], dtype=float) if flat and places else None
    pairs = np.array([edge[:2] for edge in edges], dtype=np.int64).reshape(-1, 2)
    kept = np.arange(len(edges))
    if graph.is_directed():
        loops = pairs[:, 0] == pairs[:, 1]
        both = each_once(pairs, values.conductances, where, -1) if len(pairs) and not loops.any() else None
        if both is None:
            raise ValueError("the graph is directed, but a resistor has no direction; pass graph.to_undirected()")
        kept = both
    said = columns.get("name", [None])
    box = graph.graph.get("box")
    return Network(
        pairs[kept], len(labels), positions, tuple(box) if isinstance(box, list) else box, name,
        None if values.conductances is None else values.conductances[kept],
        None if labels == list(range(len(labels))) else plain_names(labels),
        plain_names([said[j] for j in kept], distinct=False) if all(isinstance(text, str) for text in said) else None,
        values.source)


def networkx_conductances(graph: Any, attribute: str = "conductance") -> NDArray[np.float64]:
    """(n_edges,) an edge attribute of a networkx graph, in the order of the edges of `from_networkx(graph)`."""
    edges = _numbered(graph)[2]
    missing = [edge for edge in edges if attribute not in edge[2]]
    if missing:
        raise ValueError(f"edge between nodes {missing[0][0]} and {missing[0][1]} has no attribute {attribute!r} "
                         f"({len(missing)} such edges); set it or name another")
    return np.array([edge[2][attribute] for edge in edges], dtype=float)


def _numbered(graph: Any) -> tuple[list[Any], dict[Any, int], list[Edge]]:
    """Labels in the order of their numbers, the number of every label, edges as (node, node, attributes) in order."""
    labels = list(graph)
    if all(isinstance(label, Integral) and not isinstance(label, bool) for label in labels) \
            and set(labels) == set(range(len(labels))):
        labels = sorted(int(label) for label in labels)
    place = {label: k for k, label in enumerate(labels)}
    edges = [(place[a], place[b], data) for a, b, data in graph.edges(data=True)]
    if all(isinstance(edge[2].get("number"), int) for edge in edges):
        edges.sort(key=lambda edge: edge[2]["number"])
    return labels, place, edges


def to_networkx(network: Network, conductances: ArrayLike | None = None) -> Any:
    """networkx graph of the network (a multigraph where edges are parallel).

    Nodes are labelled with their names where they have names, else with their numbers, and carry pos where known;
    edges their `number`, their `name` where they have names, and their `conductance`: (n_edges,) as given, by
    default the network's initial ones.
    """
    import networkx as nx

    a, b = np.sort(network.edges, axis=1).T
    parallel = np.unique(a * network.n_nodes + b).size < network.n_edges
    graph = nx.MultiGraph() if parallel else nx.Graph()
    if network.name:
        graph.graph["name"] = network.name
    if network.box is not None:
        graph.graph["box"] = network.box
    labels: Any = network.node_names or range(network.n_nodes)
    graph.add_nodes_from(labels)
    if network.positions is not None:
        nx.set_node_attributes(graph, dict(zip(labels, map(tuple, network.positions.tolist()), strict=True)), "pos")
    values = network.initial_conductances if conductances is None else network.conductances(conductances)
    for j, (a, b) in enumerate(network.edges.tolist()):
        data: dict[str, Any] = {"number": j}
        data |= {} if values is None else {"conductance": float(values[j])}
        data |= {} if network.edge_names is None else {"name": network.edge_names[j]}
        graph.add_edge(labels[a], labels[b], **data)
    return graph


def _gexf(path: str, text: str) -> Any:
    import networkx as nx

    from .graphml import parse_xml

    parse_xml(path, text)       # refuses what should not come near another parser
    return nx.read_gexf(BytesIO(text.encode()))


def _gml(path: str, text: str) -> Any:
    import networkx as nx

    if text.count("[") > 0 and _deepest(text, "[", "]") > DEEPEST:
        raise ValueError(f"{path}: lists are nested more than {DEEPEST} deep; it takes one plain graph")
    return nx.parse_gml(text.split("\n"), label=None if "label" not in text else "label")


def _pajek(path: str, text: str) -> Any:
    import networkx as nx

    return nx.parse_pajek(text)


def _json(path: str, text: str) -> Any:
    import networkx as nx

    if max(_deepest(text, "[", "]"), _deepest(text, "{", "}")) > DEEPEST:
        raise ValueError(f"{path}: values are nested more than {DEEPEST} deep; it takes node-link data")
    data = json.loads(text, object_pairs_hook=_distinct)
    if not isinstance(data, dict) or "nodes" not in data or not ({"edges", "links"} & data.keys()):
        raise ValueError(f"{path}: expected node-link data of networkx, with the keys nodes and edges (or links)")
    return nx.node_link_graph(data, edges="edges" if "edges" in data else "links")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object, whose keys must differ."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"a key is there twice among {', '.join(key for key, _ in pairs[:9])}")
    return found


def _deepest(text: str, opening: str, closing: str) -> int:
    depth = deepest = 0
    for mark in text:
        depth += (mark == opening) - (mark == closing)
        deepest = max(deepest, depth)
    return deepest


PARSERS: dict[str, Callable[[str, str], Any]] = {".gexf": _gexf, ".gml": _gml, ".net": _pajek, ".json": _json}


def read_by_networkx(suffix: str) -> Callable[[str, str, str, Given], Network]:
    """A reader of the format of a suffix."""
    def read(path: str, text: str, name: str, given: Given) -> Network:
        graph = PARSERS[suffix](path, text)
        if not all(hasattr(graph, part) for part in ("nodes", "edges", "is_directed")):
            raise ValueError(f"{path} holds no single graph")
        if set(graph) == {str(k) for k in range(len(graph))}:       # files have texts where graphs have numbers
            import networkx as nx

            graph = nx.relabel_nodes(graph, {label: int(label) for label in graph})
        return _network(graph, str(graph.graph.get("name") or name), given)

    return read
