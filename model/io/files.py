"""Networks in and out of files: packings, edge lists, GraphML, MatrixMarket, decks, and what networkx reads.

Conductances of a file become the `initial_conductances` of its Network, names its `node_names` and `edge_names`.
"""
from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.checks.file_text import read_text, reading
from ohmlearn.edges import Linear
from ohmlearn.network import Network

from . import edge_list, matrixmarket
from .edge_list import Given
from .networkx_graphs import PARSERS, from_networkx, networkx_conductances, read_by_networkx, to_networkx
from .replacing import replacing
from .values import number

__all__ = ["from_networkx", "networkx_conductances", "read", "read_circuit", "read_conductances", "to_networkx",
           "write"]

Reader = Callable[[str, str, str, Given], Network]
Writer = Callable[[IO[str], Network, NDArray[np.float64] | None], None]


def _read_graphml(path: str, text: str, name: str, given: Given) -> Network:
    from . import graphml  # XML and all that it brings take longer to import than most files to read

    return graphml.read(path, text, name, given)


def _write_graphml(file: IO[str], network: Network, conductances: NDArray[np.float64] | None) -> None:
    from . import graphml

    graphml.write(file, network, conductances)


DECKS = (".cir", ".sp", ".spice", ".ckt", ".net")
READERS: dict[str, Reader] = {
    "packing": lambda path, text, name, given: edge_list.read_packing(path, text, name),
    "edge list": edge_list.read_edges,
    "GraphML": _read_graphml,
    "MatrixMarket": matrixmarket.read,
    **{suffix: read_by_networkx(suffix) for suffix in PARSERS},
}
WRITERS: dict[str, Writer] = {
    ".txt": edge_list.write_packing,
    ".csv": edge_list.write_edges,
    ".graphml": _write_graphml,
    ".mtx": matrixmarket.write,
}


def read(path: str | os.PathLike[str], *, conductance: str | None = None, resistance: str | None = None,
         nodes: str = "auto") -> Network:
    """Network from a file; what the file is shows in its suffix or its first lines.

    .graphml : GraphML; node attributes x, y are positions.
    .mtx : MatrixMarket, the adjacency matrix or the Laplacian, symmetric; entries off the diagonal are edges.
    .cir, .sp, .spice, .ckt, .net : a SPICE deck, whose resistors are the edges; see :func:`ohmlearn.read_spice`.
    .gexf, .gml, .json (node-link), .net (Pajek) : through networkx.
    any other : a packing (nodes, edges and box length; then x y of every node; then the two ends of every
        edge), or an edge list: two nodes on every line, separated by commas, semicolons, tabs or blanks, then
        perhaps a conductance; a line of column names above and comments after # are allowed.

    conductance, resistance : the column or attribute that holds conductances (S) or resistances (ohm); by default the
        one whose name says so, with its unit. "" for none. A table of three columns without names holds conductances.
    nodes : "auto", nodes are numbered from 0 or have names; "from 1", they are numbered from 1; "names", numbers are
        names too, and gaps between them do not matter.

    Conductances become `initial_conductances`, names `node_names` and `edge_names`. An edge list with every edge in
    both directions has each once. Text may be in UTF-8, UTF-16 or Windows-1252.
    Raises OSError if the file cannot be read, ValueError naming the line or value if it cannot be understood.
    """
    path, given = Path(path), Given(conductance, resistance, nodes)
    with reading(path):
        text = read_text(path)
        kind = _kind(path, text)
        if kind == "deck":
            from . import netlist

            circuit = netlist.build(text, path)
            if not isinstance(circuit.edges, Linear):
                raise ValueError(f"{path} has diodes or transistors, whose law a network does not hold; read it by "
                                 "ohmlearn.read_spice, which gives network, edges and values")
            return circuit.network
        return READERS[kind](str(path), text, path.stem, given)


def read_conductances(path: str | os.PathLike[str]) -> NDArray[np.float64] | None:
    """(n_edges,) conductances of the edges of `read(path)`, in their order; None if the file has none."""
    return read(path).initial_conductances


def read_circuit(path: str | os.PathLike[str]) -> tuple[Network, NDArray[np.float64] | None]:
    """The network and its initial conductances (or None) of a file; see `read`."""
    network = read(path)
    return network, network.initial_conductances


def write(network: Network, path: str | os.PathLike[str], conductances: ArrayLike | None = None) -> None:
    """Write a network in the format of the path's suffix.

    conductances : (n_edges,), by default the network's initial ones, if it has any.

    .csv : edge list with a line of column names; .graphml : everything the network has; .mtx : lower triangle
    of the adjacency matrix; .txt : the packing format, which needs positions and a square box.
    The file is written beside its place and moved there when complete: an old one stays if something fails.
    """
    path = Path(path)
    if path.suffix.lower() not in WRITERS:
        raise ValueError(f"no format is known for {path.name!r}; use the suffix {', '.join(WRITERS)}")
    values = network.initial_conductances if conductances is None else network.conductances(conductances)
    with replacing(path) as file:
        WRITERS[path.suffix.lower()](file, network, values)


def is_deck(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a SPICE deck, by its suffix; .net, which Pajek has too, by its first line."""
    path = Path(path)
    return path.suffix.lower() in DECKS and (path.suffix.lower() != ".net" or _kind(path, read_text(path)) == "deck")


def _kind(path: Path, text: str) -> str:
    """Which of READERS a file is for, or "deck"."""
    suffix = path.suffix.lower()
    lines = [line for line in text[:100_000].split("\n")[:200] if line.strip() and not line.startswith("#")][:2]
    if suffix == ".mtx" or (lines and lines[0].lower().startswith("%%matrixmarket")):
        return "MatrixMarket"
    if suffix in DECKS and not (suffix == ".net" and lines and lines[0].lower().startswith(("*vertices", "*network"))):
        return "deck"
    if suffix in PARSERS:
        return suffix
    if suffix == ".graphml" or (lines and lines[0].lstrip().startswith("<")):
        return ".gexf" if "<gexf" in text[:2000] else "GraphML"
    looks_packed = [len(line.split()) for line in lines] == [3, 2] and "," not in "".join(lines) and suffix != ".csv"
    if looks_packed:        # numbers of nodes and edges, and a length
        counts = [number(word) for word in lines[0].split()]
        looks_packed = None not in counts and (counts[0] or 0) >= 2 and (counts[1] or 0) >= 1
    return "packing" if looks_packed else "edge list"
