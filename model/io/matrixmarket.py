"""MatrixMarket files: a network as its adjacency matrix or Laplacian."""
from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.checks.file_text import short
from ohmlearn.network import Network

from .edge_list import Given
from .table import write_rows
from .values import number

Floats = NDArray[np.float64]
WIDTH = {"pattern": 2, "real": 3, "integer": 3, "double": 3}


@dataclass(frozen=True)
class Matrix:
    """Entries of a sparse matrix as they stand in the file. lines : (n_entries,) where.

    row, column : (n_entries,) from 0. values : (n_entries,), or None for a pattern.
    """

    size: int
    symmetric: bool
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    values: Floats | None
    lines: NDArray[np.int64]


def read(path: str, text: str, name: str, given: Given) -> Network:
    """Network of a symmetric sparse matrix; see :func:`ohmlearn.io.files.read`.

    No entry off the diagonal above zero: a Laplacian, whose conductances are minus the entries. Otherwise an
    adjacency matrix, whose entries are the conductances (or resistances, if the caller says so); its diagonal is left
    out. A matrix without values has no conductances. Of both triangles, which must agree, one is taken.
    """
    matrix = _parse(path, text)
    off = np.flatnonzero(matrix.row != matrix.column)
    if not off.size:
        raise ValueError(f"{path}: no entries off the diagonal, so no edges")
    _check_twice(path, matrix)
    edges = np.sort(np.stack([matrix.row[off], matrix.column[off]], axis=1), axis=1)
    arcs = np.stack([matrix.row[off], matrix.column[off]], axis=1)
    values = None if matrix.values is None else matrix.values[off]
    kept = _one_triangle(path, matrix, arcs, values, matrix.lines[off])
    edges = edges[kept]
    if values is None or given.conductance == "":
        return Network(edges, matrix.size, name=name)
    values = values[kept]
    if given.resistance is not None:
        bad = np.flatnonzero(~((values > 0) & np.isfinite(1 / np.where(values == 0, 1, values))))
        if bad.size:
            raise ValueError(f"{path}, line {matrix.lines[off][kept][bad[0]]}: {values[bad[0]]} is no resistance; it "
                             "must be finite and > 0")
        return Network(edges, matrix.size, name=name, initial_conductances=1 / values,
                       conductance_source="entries as resistance")
    if not (values > 0).any() and (values < 0).any():
        _check_laplacian(path, matrix)
        return Network(edges, matrix.size, name=name, initial_conductances=-values,
                       conductance_source="entries of a Laplacian, with the sign changed")
    if (values < 0).any():
        j = int(np.argmax(values < 0))
        raise ValueError(f"{path}, line {matrix.lines[off][kept][j]}: entry ({arcs[kept][j, 0] + 1}, "
                         f"{arcs[kept][j, 1] + 1}) is {values[j]}, others are positive; conductances have one sign, "
                         "positive in an adjacency matrix, negative in a Laplacian")
    if matrix.values is not None and (loops := int(np.count_nonzero(matrix.values[matrix.row == matrix.column]))):
        warnings.warn(f"{path}: {loops} entries on the diagonal are left out; conductors to ground need a node for "
                      "ground", stacklevel=5)
    return Network(edges, matrix.size, name=name, initial_conductances=values,
                   conductance_source="entries as conductance")


def _parse(path: str, text: str) -> Matrix:
    """The entries, each in range and finite, as many as promised."""
    lines = text.split("\n")
    banner = lines[0].lower().split()
    if len(banner) != 5 or banner[0] != "%%matrixmarket":
        raise ValueError(f"{path}, line 1: expected '%%MatrixMarket matrix coordinate real symmetric' or the like, got "
                         f"{short(lines[0])}")
    _, what, layout, kind, symmetry = banner
    if what != "matrix" or layout != "coordinate" or kind not in WIDTH:
        raise ValueError(f"{path}, line 1: a {kind} {what} in {layout} format is no network; it takes a real, sparse "
                         "(coordinate) matrix")
    if symmetry not in ("general", "symmetric"):
        raise ValueError(f"{path}, line 1: a {symmetry} matrix is no network; it takes a symmetric one")
    numbered = [(k, line) for k, line in enumerate(lines[1:], start=2) if line.strip() and line.lstrip()[0] != "%"]
    try:
        rows, columns, count = map(int, numbered[0][1].split())
    except (ValueError, IndexError):
        where = f", line {numbered[0][0]}" if numbered else ""
        raise ValueError(f"{path}{where}: expected the numbers of rows, columns and entries") from None
    if rows != columns or not 0 < rows < 2**62:
        raise ValueError(f"{path}, line {numbered[0][0]}: a {rows} × {columns} {kind} matrix is no network; "
                         "it takes a square one")
    body = numbered[1:]
    if len(body) != count:
        raise ValueError(f"{path}, line {numbered[0][0]}: {count} entries are promised, but {len(body)} lines follow; "
                         "the file is cut off or the count is wrong")
    if rows > 1000 + len(text):
        raise ValueError(f"{path}, line {numbered[0][0]}: {rows} rows are promised, more than a file of {len(text)} "
                         "characters can join; correct the line")
    table = _entries(path, body, WIDTH[kind], rows)
    return Matrix(rows, symmetry == "symmetric", table[:, 0].astype(np.int64) - 1, table[:, 1].astype(np.int64) - 1,
                  table[:, 2] if WIDTH[kind] == 3 else None, np.array([k for k, _ in body], dtype=np.int64))


def _entries(path: str, body: list[tuple[int, str]], width: int, size: int) -> Floats:
    """(n_entries, width) numbers."""
    table = np.empty((len(body), width))
    for row, (k, line) in enumerate(body):
        fields = line.split()
        entry: list[Any] = [number(field) for field in fields]
        if len(fields) != width or None in entry or not np.isfinite(entry[-1]):
            raise ValueError(f"{path}, line {k}: expected {width} finite numbers, got {short(line.strip())}")
        if not (1 <= entry[0] <= size and 1 <= entry[1] <= size and entry[0] == int(entry[0])
                and entry[1] == int(entry[1])):
            raise ValueError(f"{path}, line {k}: rows and columns run from 1 to {size}, got {short(line.strip())}")
        table[row] = entry
    return table


def _check_twice(path: str, matrix: Matrix) -> None:
    """Raise for an entry that is given twice."""
    place = matrix.row * matrix.size + matrix.column
    order = np.argsort(place, kind="stable")
    twice = np.flatnonzero(np.diff(place[order]) == 0)
    if twice.size:
        j = order[twice[0] + 1]
        raise ValueError(f"{path}, line {matrix.lines[j]}: entry ({matrix.row[j] + 1}, {matrix.column[j] + 1}) is "
                         f"there already, on line {matrix.lines[order[twice[0]]]}; add the two up or drop one")


def _one_triangle(path: str, matrix: Matrix, arcs: NDArray[np.int64], values: Floats | None,
                  lines: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which entries off the diagonal are the edges: one triangle, or one of each two that agree."""
    place, mirror = arcs @ [matrix.size, 1], arcs @ [1, matrix.size]
    order = np.argsort(place)
    partner = order[np.searchsorted(place, mirror, sorter=order).clip(max=len(arcs) - 1)]
    alone = place[partner] != mirror
    wrong = ~alone & (values != values[partner]) if values is not None else np.zeros(len(arcs), dtype=bool)
    if not matrix.symmetric:
        wrong |= alone if values is None else alone & (values != 0)
    if (bad := np.flatnonzero(wrong)).size:
        a, b = arcs[bad[0]] + 1
        raise ValueError(f"{path}, line {lines[bad[0]]}: entries ({a}, {b}) and ({b}, {a}) differ, but a resistor "
                         "has no direction; make the matrix symmetric")
    return np.flatnonzero(alone | (np.arange(len(arcs)) < partner))


def _check_laplacian(path: str, matrix: Matrix) -> None:
    """Raise where a row does not sum to zero: a conductor to ground, which a Network cannot hold."""
    assert matrix.values is not None
    row, column, values = matrix.row, matrix.column, matrix.values
    diagonal = row == column
    if not values[diagonal].any():
        return
    lonely = matrix.symmetric & ~np.isin(row * matrix.size + column, column * matrix.size + row)
    ends, both = np.append(row, column[lonely]), np.append(values, values[lonely])
    rest = np.bincount(ends, both, matrix.size)
    off = np.flatnonzero(np.abs(rest) > 1e-6 * np.bincount(ends, np.abs(both), matrix.size))
    if off.size:
        raise ValueError(f"{path}: row {off[0] + 1} sums to {rest[off[0]]:.6g}, not 0 as in a Laplacian "
                         f"({off.size} such rows); add a node for ground, joined to these rows")


def write(file: IO[str], network: Network, conductances: NDArray[np.float64] | None) -> None:
    """Lower triangle of the adjacency matrix, in the order of the edges, with conductances as entries."""
    pairs = np.sort(network.edges, axis=1)[:, ::-1] + 1
    if len(np.unique(pairs @ [network.n_nodes + 1, 1])) < network.n_edges:
        raise ValueError("a matrix holds one edge between two nodes, and this network has parallel edges; "
                         "write .csv or .graphml")
    file.write(f"%%MatrixMarket matrix coordinate {'pattern' if conductances is None else 'real'} symmetric\n")
    file.write(f"{network.n_nodes} {network.n_nodes} {network.n_edges}\n")
    write_rows(file, [*pairs.T] if conductances is None else [*pairs.T, conductances])
