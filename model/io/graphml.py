"""GraphML files: edges in order, positions, box, conductances and names."""
from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import IO, Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import NDArray
from ohmlearn.checks.file_text import short
from ohmlearn.network import Network

from .edge_list import Given, each_once
from .values import DEEPEST, check_count, number, plain_names, printable, read_values

Element = ElementTree.Element
HEAD = """<?xml version="1.0" encoding="utf-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key id="title" for="graph" attr.name="name" attr.type="string"/>
<key id="box_x" for="graph" attr.name="box_x" attr.type="double"/>
<key id="box_y" for="graph" attr.name="box_y" attr.type="double"/>
<key id="name" for="node" attr.name="name" attr.type="string"/>
<key id="x" for="node" attr.name="x" attr.type="double"/>
<key id="y" for="node" attr.name="y" attr.type="double"/>
<key id="g" for="edge" attr.name="conductance" attr.type="double"/>
<key id="label" for="edge" attr.name="name" attr.type="string"/>
<graph edgedefault="undirected">
"""


def read(path: str, text: str, name: str, given: Given) -> Network:
    """Network of a GraphML file; see :func:`ohmlearn.io.files.read`.

    Nodes are numbered as named when the names are 0 to n - 1, otherwise in the order of the file; edges in the
    order of the file. A directed graph must have every edge in both directions.
    """
    root = parse_xml(path, text)
    graphs = root.findall("{*}graph")
    if len(graphs) != 1 or root.find(".//{*}node/{*}graph") is not None or root.find(".//{*}hyperedge") is not None:
        raise ValueError(f"{path} has {len(graphs)} graphs, or nested ones or hyperedges; "
                         "it takes one plain graph")
    graph, keys = graphs[0], {key.get("id", ""): key for key in root.iterfind("{*}key")}
    labels = [node.get("id", "") for node in graph.iterfind("{*}node")]
    if len(set(labels)) < len(labels):
        twice = Counter(labels).most_common(1)[0][0]
        raise ValueError(f"{path}: two nodes are called {quoteattr(twice)}; rename one")
    place = _numbers(labels)
    edges = list(graph.iterfind("{*}edge"))
    if not edges:
        raise ValueError(f"{path} has no edges")
    pairs = np.array([_ends(path, edge, place) for edge in edges], dtype=np.int64)
    nodes = _attributes(list(graph.iterfind("{*}node")), keys, "node")
    columns = _attributes(edges, keys, "edge")
    values = read_values(columns, lambda j: _where(path, edges[j]), given.conductance, given.resistance, "attribute")
    kept: Any = slice(None)
    directed = [edge.get("directed", graph.get("edgedefault") == "directed") in (True, "true") for edge in edges]
    if any(directed):
        both = each_once(pairs, values.conductances, lambda j: _where(path, edges[j]), -1) if all(directed) else None
        if both is None:
            raise ValueError(f"{_where(path, edges[directed.index(True)])} is directed, but a resistor has no "
                             "direction; set edgedefault=\"undirected\"")
        kept = both
    order = np.argsort([place[label] for label in labels])
    whole = _attributes([graph], keys, "graph")
    sides = tuple(float(whole[key][0]) for key in ("box_x", "box_y")) if {"box_x", "box_y"} <= whole.keys() else None
    g = None if values.conductances is None else values.conductances[kept]
    number_of = range(len(edges)) if isinstance(kept, slice) else kept.tolist()
    return Network(
        pairs[kept], len(labels), _positions(path, nodes, labels, order), sides,       # type: ignore[arg-type]
        str(whole.get("name", [name])[0] or ""), g, _node_names(nodes, labels, order),
        _edge_names(columns, edges, number_of), values.source)


def parse_xml(path: str, text: str) -> Element:
    """The root element. Entities are refused, and so is deep nesting."""
    if "<!ENTITY" in text or "<!DOCTYPE" in text:
        raise ValueError(f"{path}: document types and entities are not read; take them out")
    parser: Any = ElementTree.XMLPullParser(("start", "end"))
    depth, root = 0, None
    try:
        for start in range(0, len(text), 1 << 16):
            parser.feed(text[start:start + (1 << 16)])
            for event, element in parser.read_events():
                root = element if root is None else root
                depth += 1 if event == "start" else -1
                if depth > DEEPEST:
                    raise ValueError(f"{path}: elements are nested more than {DEEPEST} deep; it takes one plain graph")
        parser.close()
    except ElementTree.ParseError as error:
        raise ValueError(f"{path}, line {error.position[0]}: no valid XML ({error}); "
                         "the file is cut off or not GraphML") from None
    if root is None:
        raise ValueError(f"{path} is empty; expected GraphML")
    return root


def _attributes(elements: Sequence[Element], keys: dict[str, Element], kind: str) -> dict[str, list[Any]]:
    """{attribute name: text of every element, its default or None}."""
    defaults = {name: (key.findtext("{*}default") or "").strip() or None for name, key in keys.items()
                if key.get("for", "all") in (kind, "all")}
    found: dict[str, list[Any]] = {name: [default] * len(elements) for name, default in defaults.items() if default}
    for j, element in enumerate(elements):
        for data in element.iterfind("{*}data"):
            key = data.get("key", "")
            if key not in found:
                found[key] = [None] * len(elements)
                check_count("a graph", found)
            found[key][j] = (data.text or "").strip()
    used = {name: texts for name, texts in found.items() if any(text is not None for text in texts)}
    titles = [keys[name].get("attr.name", name) if name in keys else name for name in used]
    return {title if titles.count(title) == 1 else name: texts
            for title, (name, texts) in zip(titles, used.items(), strict=True)}


def _numbers(labels: Sequence[str]) -> dict[str, int]:
    """Number of every node name."""
    if _counted(labels):
        return {label: int(label) for label in labels}
    return {label: k for k, label in enumerate(labels)}


def _counted(labels: Sequence[str]) -> bool:
    """Whether names are the numbers 0 to n - 1 in some order."""
    return {str(k) for k in range(len(labels))} == set(labels)


def _where(path: str, edge: Element) -> str:
    return f"{path}: the edge between nodes {quoteattr(edge.get('source', ''))} and {quoteattr(edge.get('target', ''))}"


def _ends(path: str, edge: Element, place: dict[str, int]) -> tuple[int, int]:
    """The two nodes of an edge."""
    ends = edge.get("source", ""), edge.get("target", "")
    unknown = [end for end in ends if end not in place]
    if unknown:
        raise ValueError(f"{_where(path, edge)} names {quoteattr(unknown[0])}, which is no node of the file")
    if ends[0] == ends[1]:
        raise ValueError(f"{_where(path, edge)} joins a node to itself and carries no current; drop it")
    return place[ends[0]], place[ends[1]]


def _positions(path: str, nodes: dict[str, list[Any]], labels: Sequence[str], order: NDArray[np.int64]
               ) -> NDArray[np.float64] | None:
    """Node attributes x and y, where all have them."""
    both = [nodes.get(axis, [None]) for axis in "xy"]
    if any(text is None or text == "" for axis in both for text in axis):
        return None
    places = np.empty((len(labels), 2))
    for axis, texts in enumerate(both):
        for k, text in enumerate(texts):
            value = number(text)
            if value is None or not np.isfinite(value):
                raise ValueError(f"{path}: {'xy'[axis]} of node {quoteattr(labels[k])} is {short(text)}, which is no "
                                 "finite number")
            places[k, axis] = value
    return places[order]


def _node_names(nodes: dict[str, list[Any]], labels: Sequence[str], order: NDArray[np.int64]
                ) -> tuple[str, ...] | None:
    """An attribute name or label that tells the nodes apart, else their ids unless they only count."""
    for key in ("name", "label"):
        said = [text for text in nodes.get(key, []) if text]
        if said and len(set(said)) == len(labels):
            return plain_names([said[k] for k in order])
    return None if _counted(labels) else plain_names(labels)


def _edge_names(columns: dict[str, list[Any]], edges: Sequence[Element], kept: Sequence[int]) -> tuple[str, ...] | None:
    """An attribute name or label of every edge, else their ids unless they only count."""
    for said in (columns.get("name", []), columns.get("label", [])):
        if said and all(said):
            return plain_names([said[j] for j in kept], distinct=False)
    ids = [edge.get("id", "") for edge in edges]
    return None if _counted(ids) else plain_names([ids[j] for j in kept])


def write(file: IO[str], network: Network, conductances: NDArray[np.float64] | None) -> None:
    """Everything that a network has, edges as they are numbered and directed in it."""
    file.write(HEAD)
    if network.name:
        file.write(f'<data key="title">{escape(printable(network.name))}</data>\n')
    if network.box is not None:
        file.writelines(f'<data key="box_{axis}">{side!r}</data>\n'
                        for axis, side in zip("xy", network.sides.tolist(), strict=True))
    for k in range(network.n_nodes):
        data = {} if network.node_names is None else {"name": escape(network.node_names[k])}
        if network.positions is not None:
            data |= dict(zip("xy", map(repr, network.positions[k].tolist()), strict=True))
        file.write(f'<node id="{k}">{_written(data)}</node>\n')
    for j, (a, b) in enumerate(network.edges.tolist()):
        data = {} if conductances is None else {"g": repr(float(conductances[j]))}
        data |= {} if network.edge_names is None else {"label": escape(network.edge_names[j])}
        file.write(f'<edge id="{j}" source="{a}" target="{b}">{_written(data)}</edge>\n')
    file.write("</graph>\n</graphml>\n")


def _written(data: dict[str, str]) -> str:
    return "".join(f'<data key="{key}">{value}</data>' for key, value in data.items())
