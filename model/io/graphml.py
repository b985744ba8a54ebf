"""GraphML files: edges in order, positions, box and conductances."""
from __future__ import annotations

from pathlib import Path
from typing import IO, Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import NDArray
from ohmlearn.network import Network

CONDUCTANCE_NAMES = ("conductance", "weight")
HEAD = """<?xml version="1.0" encoding="utf-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key id="name" for="graph" attr.name="name" attr.type="string"/>
<key id="box_x" for="graph" attr.name="box_x" attr.type="double"/>
<key id="box_y" for="graph" attr.name="box_y" attr.type="double"/>
<key id="x" for="node" attr.name="x" attr.type="double"/>
<key id="y" for="node" attr.name="y" attr.type="double"/>
<key id="g" for="edge" attr.name="conductance" attr.type="double"/>
<graph edgedefault="undirected">
"""


def read(path: Path) -> tuple[Network, NDArray[np.float64] | None]:
    """Network and conductances of an undirected GraphML file; see :func:`ohmlearn.io.files.read`.

    Nodes are numbered as named when the names are 0 to n - 1, otherwise in the order of the file; edges in the
    order of the file.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise ValueError(f"{path}, line {error.position[0]}: no valid XML ({error}); "
                         "the file is cut off or not GraphML") from None
    graphs = root.findall("{*}graph")
    if len(graphs) != 1 or root.find(".//{*}node/{*}graph") is not None or root.find(".//{*}hyperedge") is not None:
        raise ValueError(f"{path} has {len(graphs)} graphs, or nested ones or hyperedges; "
                         "it takes one plain graph")
    keys = {key.get("id", ""): key for key in root.iterfind("{*}key")}
    graph = graphs[0]
    nodes = {node.get("id", ""): _data(node, keys) for node in graph.iterfind("{*}node")}
    number = _numbers(list(nodes))
    edges = list(graph.iterfind("{*}edge"))
    if not edges:
        raise ValueError(f"{path} has no edges")
    pairs = np.array([_ends(path, graph, edge, number) for edge in edges], dtype=np.int64)
    places: list[Any] = [None] * len(nodes)
    for label, data in nodes.items():
        places[number[label]] = (data.get("x"), data.get("y"))
    positions = None if any(None in place for place in places) else np.array(places, dtype=np.float64)
    box = _data(graph, keys)
    sides = (float(box["box_x"]), float(box["box_y"])) if "box_x" in box and "box_y" in box else None
    network = Network(pairs, len(nodes), positions, sides, box.get("name", path.stem))
    return network, _conductances(path, [_data(edge, keys) for edge in edges])


def write(file: IO[str], network: Network, conductances: NDArray[np.float64] | None) -> None:
    """Everything that a network has, edges as they are numbered and directed in it."""
    file.write(HEAD)
    if network.name:
        file.write(f'<data key="name">{escape(network.name)}</data>\n')
    if network.box is not None:
        file.writelines(f'<data key="box_{axis}">{side!r}</data>\n'
                        for axis, side in zip("xy", network.sides.tolist(), strict=True))
    for k in range(network.n_nodes):
        x, y = ("", "") if network.positions is None else map(repr, network.positions[k].tolist())
        place = f'<data key="x">{x}</data><data key="y">{y}</data>' if x else ""
        file.write(f'<node id="{k}">{place}</node>\n')
    values = [""] * network.n_edges if conductances is None else [
        f'<data key="g">{g!r}</data>' for g in conductances.tolist()]
    file.writelines(f'<edge id="{j}" source="{a}" target="{b}">{value}</edge>\n'
                    for j, ((a, b), value) in enumerate(zip(network.edges.tolist(), values, strict=True)))
    file.write("</graph>\n</graphml>\n")


def _data(element: ElementTree.Element, keys: dict[str, ElementTree.Element]) -> dict[str, str]:
    """Attribute name -> text of what hangs on a graph, node or edge."""
    found = ((keys[data.get("key", "")], data.text) for data in element.iterfind("{*}data")
             if data.get("key", "") in keys)
    return {key.get("attr.name", key.get("id", "")): (text or "").strip() for key, text in found}


def _numbers(labels: list[str]) -> dict[str, int]:
    """Number of every node name."""
    if {str(k) for k in range(len(labels))} == set(labels):
        return {label: int(label) for label in labels}
    return {label: k for k, label in enumerate(labels)}


def _ends(path: Path, graph: ElementTree.Element, edge: ElementTree.Element, number: dict[str, int],
          ) -> tuple[int, int]:
    """The two nodes of an edge."""
    ends = edge.get("source", ""), edge.get("target", "")
    what = f"{path}: the edge between nodes {quoteattr(ends[0])} and {quoteattr(ends[1])}"
    if edge.get("directed", "true" if graph.get("edgedefault") == "directed" else "false") == "true":
        raise ValueError(f"{what} is directed, but a resistor has no direction; set edgedefault=\"undirected\"")
    unknown = [end for end in ends if end not in number]
    if unknown:
        raise ValueError(f"{what} names {quoteattr(unknown[0])}, which is no node of the file")
    if ends[0] == ends[1]:
        raise ValueError(f"{what} joins a node to itself and carries no current; drop it")
    return number[ends[0]], number[ends[1]]


def _conductances(path: Path, edges: list[dict[str, str]]) -> NDArray[np.float64] | None:
    """Conductances of the edges, None if none has one."""
    name = next((name for name in CONDUCTANCE_NAMES if any(name in edge for edge in edges)), None)
    if name is None:
        return None
    texts = [edge.get(name, "") for edge in edges]
    try:
        return np.array(texts, dtype=np.float64)
    except ValueError:
        for j, text in enumerate(texts):
            try:
                float(text)
            except ValueError:
                raise ValueError(f"{path}: {name} of edge {j} is {text!r}, not a number; every edge needs one or "
                                 "none has") from None
        raise
