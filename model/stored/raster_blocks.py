"""Rasters block by block: rows of cells are read as they are needed, so that no process holds all of it."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.io.raster import cells_with_data, check_kinds, edges_of_cells

from .network_store import BLOCK, Block

Floats = NDArray[np.float64]


class RasterBlocks:
    """The network of a raster, numbered by rows as :func:`ohmlearn.io.raster.raster_network` numbers it.

    values : (rows, cols) of anything that has a `shape` and gives rows as values[first:last]: a memory map, a zarr
        or HDF5 array, an array. Cells without data have no node.
    neighbours, quantity, average : as of `raster_network`. name : for messages.

    Several processes first `count` the cells of their fractions of the rows, and each then gives all counts to
    `number`.
    """

    has_conductances = has_positions = True

    def __init__(self, values: Any, neighbours: int = 8, *, quantity: str = "resistance",
                 average: str = "resistance", name: str = "raster", block: int = BLOCK) -> None:
        check_kinds(neighbours, quantity, average)
        if len(values.shape) != 2:
            raise ValueError(f"a raster must have two dimensions, not shape {tuple(values.shape)}")
        self._values, self._options = values, (neighbours, quantity, average)
        self.block, self.name = block, name
        self.n_nodes = -1

    def count(self, rank: int = 0, size: int = 1) -> NDArray[np.int64]:
        """(n,) cells with data in every row of one of `size` fractions of the rows."""
        rows, cols = map(int, self._values.shape)
        tall = max(1, self.block // max(1, cols))
        begin, end = rows * rank // size, rows * (rank + 1) // size
        counts = [self._valid(first, min(first + tall, end))[1].sum(axis=1) for first in range(begin, end, tall)]
        return np.concatenate([np.empty(0, dtype=np.int64), *counts]).astype(np.int64)

    def number(self, counts: Sequence[NDArray[np.int64]]) -> None:
        """Number the nodes. counts : of all fractions, in order. Raises ValueError where there are fewer than two."""
        self._before = np.append(0, np.cumsum(np.concatenate(counts)))     # nodes before every row
        self.n_nodes = int(self._before[-1])
        if self.n_nodes < 2:
            raise ValueError("fewer than two cells of the raster have data")

    def _valid(self, first: int, last: int) -> tuple[Floats, NDArray[np.bool_]]:
        """Some rows, and which of their cells have data."""
        grid: Floats = np.ma.filled(np.ma.asarray(self._values[first:last], dtype=np.float64), np.nan)
        return grid, cells_with_data(grid, self._options[1], first)

    def __getitem__(self, number: int) -> Block:
        low, high = number * self.block, min((number + 1) * self.block, self.n_nodes)
        first = int(np.searchsorted(self._before, low, side="right")) - 1
        last = int(np.searchsorted(self._before, high - 1, side="right"))      # after the row of the last node
        grid, valid = self._valid(first, min(last + 1, self._before.size - 1))
        nodes = np.full(grid.shape, -1, dtype=np.int64)
        nodes[valid] = self._before[first] + np.arange(np.count_nonzero(valid))
        edges, conductances = edges_of_cells(grid, valid, nodes, *self._options)
        edges = np.sort(edges, axis=1)
        order = np.lexsort((edges[:, 1], edges[:, 0]))
        order = order[slice(*np.searchsorted(edges[order, 0], [low, high]))]
        row, col = np.nonzero((nodes >= low) & (nodes < high))
        return Block(edges[order], conductances[order], np.column_stack([col, -(first + row)]).astype(np.float64))
