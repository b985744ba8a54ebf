"""Text files of numbers: edge lists and the packing format."""
from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from ohmlearn.network import Network

CONDUCTANCE_NAMES = ("conductance", "conductances", "g", "weight")
RESISTANCE_NAMES = ("resistance", "resistances", "r")
N_NODES = re.compile(r"#\s*nodes:\s*(\d+)\s*$")       # a comment that says how many nodes there are


def read_edges(path: Path) -> tuple[Network, NDArray[np.float64] | None]:
    """Network and conductances of an edge list; see :func:`ohmlearn.io.files.read`."""
    skip, first, n_nodes = _head(path)
    delimiter = next((mark for mark in ",;\t" if mark in first), None)
    fields = [field.strip().strip('"').lower() for field in first.split(delimiter)]
    named = not all(_is_number(field) for field in fields)
    width = len(fields)
    value = _value_column(fields) if named else (2 if width == 3 else None)
    if width < 2 or (width > 3 and not named):
        raise ValueError(f"{path}, line {skip + 1}: expected two node numbers and perhaps a conductance, "
                         f"got {first.strip()!r}; name the columns in a first line if there are more")
    columns: list[tuple[str, Any]] = [("a", np.int64), ("b", np.int64)]
    columns += [] if value is None else [("value", np.float64)]
    used = (0, 1) if value is None else (0, 1, value)
    try:
        table = np.atleast_1d(_load(path, columns, delimiter=delimiter, skiprows=skip + named, usecols=used,
                                    encoding="utf-8"))
    except ValueError as error:
        _blame(path, skip + named, delimiter, used, error)
    if not len(table):
        raise ValueError(f"{path} has no edges; expected a line with two node numbers for every edge")
    edges = np.stack([table["a"], table["b"]], axis=1)
    _check_edges(path, edges, n_nodes, skip + named)
    network = Network(edges, -1 if n_nodes is None else n_nodes, name=path.stem)
    if value is None:
        return network, None
    values = table["value"]
    resistances = named and fields[value] in RESISTANCE_NAMES
    bad = np.flatnonzero(~(np.isfinite(values) & ((values > 0) if resistances else (values >= 0))))
    if bad.size:
        what = "resistance; it must be finite and > 0" if resistances else "conductance; it must be finite and >= 0"
        raise ValueError(f"{path}, line {_line_of(path, bad[0], skip + named)}: {values[bad[0]]} is no {what}")
    return network, 1 / values if resistances else values


def _load(*source: Any, **options: Any) -> NDArray[Any]:
    """NumPy's loadtxt, where a fraction that stands for a node number is an error in every version of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)      # of a file without data, which is the callers' error
        warnings.simplefilter("error", DeprecationWarning)
        try:
            return np.loadtxt(*source, **options)
        except DeprecationWarning as warning:
            raise ValueError(str(warning)) from None


def write_edges(file: IO[str], network: Network, conductances: NDArray[np.float64] | None) -> None:
    """Comma-separated edge list with a line of column names; the number of nodes stands in a comment."""
    file.write(f"# nodes: {network.n_nodes}\n")
    file.write("node,node" + (",conductance" if conductances is not None else "") + "\n")
    write_rows(file, network.edges, conductances, separator=",")


def write_rows(file: IO[str], pairs: NDArray[Any], values: NDArray[np.float64] | None = None,
               separator: str = " ") -> None:
    """Rows of two numbers, or of two and a value; floats so that they read back the same."""
    for start in range(0, len(pairs), 100_000):
        part = slice(start, start + 100_000)
        columns = [column.tolist() for column in pairs[part].T]
        columns += [] if values is None else [values[part].tolist()]
        rows = len(columns[0])
        mixed = [number for row in zip(*columns, strict=True) for number in row]
        file.write((separator.join(["%r"] * len(columns)) + "\n") * rows % tuple(mixed))


def read_packing(path: Path) -> tuple[Network, None]:
    """Network of a packing file: nodes, edges and box length; x y of every node; both ends of every edge."""
    lines = path.read_text(encoding="utf-8").splitlines()
    lines = lines[:len(lines) - next((k for k, line in enumerate(reversed(lines)) if line.strip()), 0)]
    try:
        n, m, box = int(lines[0].split()[0]), int(lines[0].split()[1]), float(lines[0].split()[2])
    except ValueError:
        raise ValueError(f"{path}, line 1: expected numbers of nodes and edges and the box length, "
                         f"got {lines[0].strip()!r}") from None
    if len(lines) != 1 + n + m:
        raise ValueError(f"{path}: line 1 promises {n} nodes and {m} edges, so {1 + n + m} lines, "
                         f"but there are {len(lines)}; the file is cut off or line 1 is wrong")
    if n < 2 or m < 1 or not (np.isfinite(box) and box > 0):
        raise ValueError(f"{path}, line 1: {lines[0].strip()!r} is no packing; it needs nodes, edges and a box > 0")
    try:
        positions = _load(lines[1:1 + n], ndmin=2)
        edges = _load(lines[1 + n:], dtype=np.int64, ndmin=2)
        if positions.shape != (n, 2) or edges.shape != (m, 2):
            raise ValueError("a line does not hold two numbers")
    except ValueError as error:
        for k, line in enumerate(lines[1:], start=2):
            fields = line.split()
            if len(fields) != 2 or not all(_is_number(field, whole=k > 1 + n) for field in fields):
                kind = "two node numbers" if k > 1 + n else "x and y of a node"
                raise ValueError(f"{path}, line {k}: expected {kind}, got {line.strip()!r}") from None
        raise ValueError(f"{path}: {error}") from error
    _check_edges(path, edges, n, 1 + n)
    return Network(edges, n, positions, box, name=path.stem), None


def write_packing(file: IO[str], network: Network, conductances: NDArray[np.float64] | None) -> None:
    """The packing format, for networks that have what it holds."""
    if network.positions is None or not isinstance(network.box, float) or conductances is not None:
        raise ValueError("the packing format (.txt) holds positions in a square periodic box and no conductances, "
                         "which does not fit; write .csv, .mtx or .graphml")
    file.write(f"{network.n_nodes} {network.n_edges} {network.box!r}\n")
    write_rows(file, network.positions)
    write_rows(file, network.edges)


def _head(path: Path) -> tuple[int, str, int | None]:
    """Number of lines above the first that is neither blank nor comment, that line, and the nodes promised."""
    n_nodes = None
    with open(path, encoding="utf-8") as file:
        for skip, line in enumerate(file):
            if promised := N_NODES.match(line):
                n_nodes = int(promised[1])
            if line.strip() and line.lstrip()[0] not in "#%":
                return skip, line.split("#")[0].rstrip("\n"), n_nodes
    raise ValueError(f"{path} is empty; expected a line with two node numbers for every edge")


def _value_column(names: list[str]) -> int | None:
    """Which named column holds conductances or resistances, if any."""
    known = [k for k, name in enumerate(names[2:], start=2) if name in CONDUCTANCE_NAMES + RESISTANCE_NAMES]
    return known[0] if known else None


def _is_number(text: str, whole: bool = False) -> bool:
    try:
        int(text) if whole else float(text)
    except ValueError:
        return False
    return True


def _data_lines(path: Path, skip: int) -> Iterator[tuple[int, str]]:
    """(line number from 1, text) of the lines that hold data."""
    with open(path, encoding="utf-8") as file:
        for k, line in enumerate(file, start=1):
            text = line.split("#")[0].strip()
            if k > skip and text:
                yield k, text


def _line_of(path: Path, row: int, skip: int) -> int:
    """Line number, from 1, of a row of data."""
    return next(k for j, (k, _) in enumerate(_data_lines(path, skip)) if j == row)


def _blame(path: Path, skip: int, delimiter: str | None, used: tuple[int, ...], error: ValueError) -> NoReturn:
    """Raise the error again, naming the line and the value."""
    for k, text in _data_lines(path, skip):
        fields = [field.strip() for field in text.split(delimiter)]
        if len(fields) <= max(used):
            raise ValueError(f"{path}, line {k}: expected {max(used) + 1} columns, got {text!r}") from None
        for j, column in enumerate(used):
            if not _is_number(fields[column], whole=j < 2):
                kind = "a node number (integers from 0)" if j < 2 else "a conductance"
                raise ValueError(f"{path}, line {k}: {fields[column]!r} is not {kind}; node names are not read "
                                 "from edge lists, use GraphML for them" if j < 2 else
                                 f"{path}, line {k}: {fields[column]!r} is not {kind}") from None
    raise ValueError(f"{path}: {error}") from error


def _check_edges(path: Path, edges: NDArray[np.int64], n_nodes: int | None, skip: int) -> None:
    """Raise, naming the line, for what no network can have; nodes without edges are fine when promised."""
    n = int(edges.max()) + 1 if n_nodes is None else n_nodes
    bad = np.flatnonzero((edges.min(axis=1) < 0) | (edges.max(axis=1) >= n) | (edges[:, 0] == edges[:, 1]))
    if bad.size:
        a, b = edges[bad[0]]
        why = f"node {a} is joined to itself; drop the line" if a == b else (
            f"an edge between nodes {a} and {b}, but nodes run from 0 to {n - 1}; renumber them")
        raise ValueError(f"{path}, line {_line_of(path, bad[0], skip)}: {why}")
    if n_nodes is None:
        if n > 100 * edges.size:
            raise ValueError(f"{path}: nodes go up to {n - 1} in only {len(edges)} edges; number them from 0 "
                             "without gaps")
        alone = np.flatnonzero(np.bincount(edges.ravel(), minlength=n) == 0)
        if alone.size:
            raise ValueError(f"{path}: node {alone[0]} has no edge ({alone.size} such nodes up to {n - 1}); number "
                             "nodes from 0 without gaps, or put '# nodes: N' above if they are meant")
