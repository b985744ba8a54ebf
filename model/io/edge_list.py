"""Text files of numbers: edge lists and the packing format."""
from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.checks.file_text import short
from ohmlearn.network import Network

from .table import NAMED, Table, read_table, write_rows
from .values import LABEL, Values, number, plain_names, read_values

INTEGER_DIGITS = 18     # more do not fit into 64 bits
SPARE_NODES = 1000      # nodes without edges that may be stated beyond the number of bytes in a file


@dataclass(frozen=True)
class Given:
    """What the caller says of a file: see :func:`ohmlearn.io.files.read`."""

    conductance: str | None = None
    resistance: str | None = None
    nodes: str = "auto"

    def __post_init__(self) -> None:
        if self.nodes not in ("auto", "from 1", "names"):
            raise ValueError(f"nodes must be 'auto', 'from 1' or 'names', not {self.nodes!r}")


def read_edges(path: str, text: str, name: str, given: Given) -> Network:
    """Network of an edge list; see :func:`ohmlearn.io.files.read`."""
    table = read_table(path, text)
    if not _titled(table) and len(table.values) > 1 and given.conductance is None and given.resistance is None:
        raise ValueError(f"{table.place(0)}: expected two node numbers and perhaps a conductance, got "
                         f"{len(table.values) + 2} columns; name the columns in a first line")
    edges, names = _nodes(table, given)
    counted = None
    if names is None and not table.named and not table.stated and _is_count(edges, table):
        counted = int(edges[0, 0])
        edges, table = edges[1:], _without_first(table)
    n_nodes = table.stated.get("nodes", counted)
    if n_nodes is not None and n_nodes > len(text) + SPARE_NODES:
        raise ValueError(f"{path}: {n_nodes} nodes are stated, more than a file of {len(text)} characters can join; "
                         "correct the comment")
    values = _values(table, given)
    if names is None:
        edges = edges - (given.nodes == "from 1")
        _check_edges(table, edges, n_nodes)
    else:
        _check_loops(table, edges)
    kept: Any = slice(None)
    if (one := each_once(edges, values.conductances, table.place, table.stated.get("edges"))) is not None:
        kept = one
    g = None if values.conductances is None else values.conductances[kept]
    return Network(edges[kept], n_nodes if names is None and n_nodes is not None else
                   -1 if names is None else len(names), name=name, initial_conductances=g, node_names=names,
                   edge_names=_edge_names(table, kept), conductance_source=values.source)


def _values(table: Table, given: Given) -> Values:
    """Conductances of the rows; the third of three nameless columns holds them."""
    if _titled(table) or given.conductance is not None or given.resistance is not None:
        return read_values(table.values, table.place, given.conductance, given.resistance)
    if not table.values:
        return Values()
    return read_values(table.values, lambda row: f"{table.place(row)}, column 3", conductance="3")


def _titled(table: Table) -> bool:
    """Whether the columns have names and not only numbers."""
    return table.named or any(not name.isdigit() for name in table.values)


def _nodes(table: Table, given: Given) -> tuple[NDArray[np.int64], tuple[str, ...] | None]:
    """(n_rows, 2) node numbers, and the nodes' names where they are not numbered."""
    first, second = table.ends
    if table.node_names:
        if sorted(table.node_names) != list(range(len(table.node_names))):
            raise ValueError(f"{table.path}: comments must name the nodes 0 to {len(table.node_names) - 1}, each once")
        names = tuple(table.node_names[k] for k in range(len(table.node_names)))
        return _lookup(table, names), names
    if isinstance(first, np.ndarray) and isinstance(second, np.ndarray) and given.nodes != "names":
        return np.stack([first, second], axis=1), None
    texts = [[str(x) for x in end] for end in table.ends]
    wholes = [[_whole(x) for x in end] for end in texts]
    if given.nodes == "names" or all(number(x) is None for end in texts for x in end):
        names = tuple(dict.fromkeys(x for pair in zip(*texts, strict=True) for x in pair))
        for end in texts:
            if "" in end:
                raise ValueError(f"{table.place(end.index(''))}: an end of the edge is missing; give two nodes")
        return _lookup(table, names), names
    for row, pair in enumerate(zip(*wholes, strict=True)):
        if None in pair:
            text = texts[pair.index(None)][row]
            raise ValueError(f"{table.place(row)}: {short(text)} is not a node number (integers from 0); others "
                             "are. Number this one too, give all of them names, or say nodes='names'; GraphML has both")
    return np.array(wholes, dtype=np.int64).T, None


def _lookup(table: Table, names: Sequence[str]) -> NDArray[np.int64]:
    place = {name: k for k, name in enumerate(names)}
    if len(place) < len(names):
        raise ValueError(f"{table.path}: two nodes have one name; rename one")
    for row, pair in enumerate(zip(*table.ends, strict=True)):
        for x in pair:
            if str(x) not in place:
                raise ValueError(f"{table.place(row)}: {short(str(x))} is not among the nodes that comments name")
    return np.array([[place[str(x)] for x in end] for end in table.ends], dtype=np.int64).T


def _whole(text: str) -> int | None:
    """The integer that a text says, also as in 3.0; None if it says none that fits."""
    value = number(text)
    if value is None or value != np.floor(value) or abs(value) >= 10.0**INTEGER_DIGITS:
        return None
    return int(text) if text.lstrip("+-").isdigit() else int(value)


def _is_count(edges: NDArray[np.int64], table: Table) -> bool:
    """Whether the first row says the numbers of nodes and edges: it fits, and its two nodes are nowhere else."""
    if len(edges) < 2 or table.values or edges[0, 1] != len(edges) - 1:
        return False
    if edges[1:].max() == edges[0, 0] and edges[1:].min() == 1:
        raise ValueError(f"{table.place(0)}: {edges[0, 0]} {edges[0, 1]} looks like the numbers of nodes and edges, "
                         "above nodes numbered from 1; drop the line and say nodes='from 1'")
    return bool(edges[1:].max() < edges[0, 0])


def _without_first(table: Table) -> Table:
    return Table(table.path, (table.ends[0][1:], table.ends[1][1:]), table.values, table.lines[1:], table.stated)


def _edge_names(table: Table, kept: Any) -> tuple[str, ...] | None:
    """Names from a column called name or label, or from ids that are no numbers."""
    for title, column in table.values.items():
        labels = title and LABEL.fullmatch(title.lower()) and all(number(x) is None for x in column)
        if labels or title.lower() in NAMED:
            return plain_names([column[j] for j in np.arange(len(column))[kept]], distinct=False)
    return None


def each_once(edges: NDArray[np.int64], values: NDArray[np.float64] | None, place: Any, stated: int | None = None
              ) -> NDArray[np.int64] | None:
    """Rows to keep of a list that has every edge in both directions; None for one that has not.

    stated : the number of edges, where the file says it. Raises ValueError where values differ with the direction.
    """
    low, high = edges.min(axis=1), edges.max(axis=1)
    ways = [np.flatnonzero(edges[:, 0] == side) for side in (low, high)]
    if stated == len(edges) or not (ways[0].size and ways[1].size):
        return None
    value = np.zeros(len(edges)) if values is None else values
    ways = [rows[np.lexsort((value[rows], high[rows], low[rows]))] for rows in ways]
    if ways[0].size == ways[1].size and all(np.array_equal(x[ways[0]], x[ways[1]]) for x in (low, high)):
        differ = np.flatnonzero(value[ways[0]] != value[ways[1]])
        if differ.size:
            j, k = sorted((int(ways[0][differ[0]]), int(ways[1][differ[0]])))
            raise ValueError(f"{place(k)}: the edge between nodes {low[j]} and {high[j]} is listed in both directions, "
                             f"as all are, with the values {value[j]:g} and {value[k]:g}; leave one direction out, or "
                             f"put '# edges: {len(edges)}' above if all are resistors of their own")
        return np.sort(np.minimum(*ways))
    pairs = low * (int(high.max()) + 1) + high
    both = np.intersect1d(pairs[ways[0]], pairs[ways[1]]).size
    if both and stated is None:
        warnings.warn(f"{place(0).partition(',')[0]}: {both} pairs of nodes are joined in both directions, others in "
                      "one; all are taken for resistors, those of one pair in parallel", stacklevel=2)
    return None


def write_edges(file: IO[str], network: Network, conductances: NDArray[np.float64] | None) -> None:
    """Comma-separated edge list with a line of column names; comments say how many nodes and edges there are."""
    file.write(f"# nodes: {network.n_nodes}\n# edges: {network.n_edges}\n")
    names = network.node_names
    if names is not None:
        file.writelines(f"# node {k}: {name}\n" for k, name in enumerate(names))
    columns: dict[str, Any] = {"from": network.edges[:, 0], "to": network.edges[:, 1]}
    if names is not None:
        columns = {key: [names[k] for k in ends.tolist()] for key, ends in columns.items()}
    columns |= {} if conductances is None else {"conductance": conductances}
    columns |= {} if network.edge_names is None else {"name": network.edge_names}
    file.write(",".join(columns) + "\n")
    write_rows(file, list(columns.values()), separator=",")


def read_packing(path: str, text: str, name: str) -> Network:
    """Network of a packing file: nodes, edges and box length; x y of every node; both ends of every edge."""
    lines = text.rstrip().split("\n")
    try:
        n, m, box = int(lines[0].split()[0]), int(lines[0].split()[1]), float(lines[0].split()[2])
    except ValueError:
        raise ValueError(f"{path}, line 1: expected numbers of nodes and edges and the box length, or three columns on "
                         f"every line of an edge list, got {short(lines[0].strip())}") from None
    if len(lines) != 1 + n + m:
        raise ValueError(f"{path}: line 1 promises {n} nodes and {m} edges, so {1 + n + m} lines, "
                         f"but there are {len(lines)}; the file is cut off or line 1 is wrong (or it is an edge list "
                         "whose second line lacks a conductance)")
    if n < 2 or m < 1 or not (np.isfinite(box) and box > 0):
        raise ValueError(f"{path}, line 1: {short(lines[0].strip())} is no packing, which needs nodes, edges, box > 0")
    rows = [[number(x) for x in line.split()] for line in lines[1:]]
    for k, row in enumerate(rows):
        if len(row) != 2 or None in row or not np.all(np.isfinite(np.array(row, dtype=float))) \
                or (k >= n and any(x is not None and x != int(x) for x in row)):
            kind = "two node numbers" if k >= n else "x and y of a node, finite numbers"
            raise ValueError(f"{path}, line {k + 2}: expected {kind}, got {short(lines[k + 1].strip())}")
    edges = np.array(rows[n:]).astype(np.int64)
    _check_edges(Table(path, (edges[:, 0], edges[:, 1]), {}, range(n + 2, n + m + 2)), edges, n)
    return Network(edges, n, np.array(rows[:n]), box, name=name)


def write_packing(file: IO[str], network: Network, conductances: NDArray[np.float64] | None) -> None:
    """The packing format, for networks that have what it holds."""
    if network.positions is None or not isinstance(network.box, float) or conductances is not None:
        raise ValueError("the packing format (.txt) holds positions in a square periodic box and no conductances, "
                         "which does not fit; write .csv, .mtx or .graphml")
    file.write(f"{network.n_nodes} {network.n_edges} {network.box!r}\n")
    write_rows(file, list(network.positions.T))
    write_rows(file, list(network.edges.T))


def _check_loops(table: Table, edges: NDArray[np.int64]) -> None:
    loops = np.flatnonzero(edges[:, 0] == edges[:, 1])
    if loops.size:
        raise ValueError(f"{table.place(loops[0])}: node {table.ends[0][loops[0]]} is joined to itself; drop the line")


def _check_edges(table: Table, edges: NDArray[np.int64], n_nodes: int | None) -> None:
    """Raise, naming the line, for what no network can have; nodes without edges are fine when promised."""
    _check_loops(table, edges)
    n = int(edges.max()) + 1 if n_nodes is None else n_nodes
    bad = np.flatnonzero((edges.min(axis=1) < 0) | (edges.max(axis=1) >= n))
    if bad.size:
        a, b = edges[bad[0]]
        raise ValueError(f"{table.place(bad[0])}: an edge between nodes {a} and {b}, but nodes run from 0 to {n - 1}; "
                         "renumber them")
    if n_nodes is None:
        remedy = "number nodes from 0 without gaps, or say nodes='names' (--nodes on the command line)"
        if n > 100 * edges.size:
            raise ValueError(f"{table.path}: nodes go up to {n - 1} in only {len(edges)} edges; {remedy}")
        alone = np.flatnonzero(np.bincount(edges.ravel(), minlength=n) == 0)
        if alone.size == 1 and alone[0] == 0:
            remedy = f"say nodes='from 1' (--nodes on the command line) if they are numbered from 1; else {remedy}"
        if alone.size:
            raise ValueError(f"{table.path}: node {alone[0]} has no edge ({alone.size} such nodes up to {n - 1}); "
                             f"{remedy}, or put '# nodes: N' above if they are meant")
