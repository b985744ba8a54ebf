"""MatrixMarket files: a network as its adjacency matrix or Laplacian."""
from __future__ import annotations

from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray
from ohmlearn.network import Network

from .edge_list import write_rows


def read(path: Path) -> tuple[Network, NDArray[np.float64] | None]:
    """Network and conductances of a symmetric sparse matrix; see :func:`ohmlearn.io.files.read`.

    No entry off the diagonal above zero: a Laplacian, whose conductances are minus the entries. Otherwise an
    adjacency matrix, whose entries are the conductances; its diagonal is left out. A matrix without values
    has no conductances.
    """
    from scipy.io import mminfo, mmread

    try:
        rows, columns, _, layout, kind, symmetry = mminfo(path)
        if layout != "coordinate" or kind == "complex" or rows != columns:
            raise ValueError(f"a {rows} × {columns} {kind} matrix in {layout} format is no network; "
                             "it takes a square, real, sparse (coordinate) one")
        matrix = mmread(path, spmatrix=False)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    if symmetry == "general":
        uneven = abs(matrix - matrix.T).tocoo()
        uneven.eliminate_zeros()
        if uneven.nnz:
            a, b = int(uneven.row[0]), int(uneven.col[0])
            raise ValueError(f"{path}: entries ({a + 1}, {b + 1}) and ({b + 1}, {a + 1}) differ, but a resistor has "
                             "no direction; make the matrix symmetric")
    elif symmetry != "symmetric":
        raise ValueError(f"{path}: a {symmetry} matrix is no network; it takes a symmetric one")
    lower = matrix.row > matrix.col
    edges = np.stack([matrix.col[lower], matrix.row[lower]], axis=1).astype(np.int64)
    if not len(edges):
        raise ValueError(f"{path}: no entries off the diagonal, so no edges")
    network = Network(edges, rows, name=path.stem)
    if kind == "pattern":
        return network, None
    values = matrix.data[lower].astype(np.float64)
    if not (values > 0).any():
        _check_laplacian(path, matrix)
        return network, -values
    if (values < 0).any():
        j = int(np.argmax(values < 0))
        raise ValueError(f"{path}: entry ({edges[j, 1] + 1}, {edges[j, 0] + 1}) is {values[j]}, others are positive; "
                         "conductances have one sign, positive in an adjacency matrix, negative in a Laplacian")
    return network, values


def _check_laplacian(path: Path, matrix: object) -> None:
    """Raise where a row does not sum to zero: a conductor to ground, which a Network cannot hold."""
    from scipy.sparse import csr_array

    rows = csr_array(matrix)
    rest = rows.sum(axis=1)
    off = np.flatnonzero(np.abs(rest) > 1e-6 * abs(rows).sum(axis=1))
    if off.size and rows.diagonal().any():
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
    write_rows(file, pairs, conductances)
