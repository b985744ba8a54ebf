"""The blocks of a MatrixMarket file: every rank reads a range of its lines and sends each entry to the rank of its
block."""
from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.parallel.communicator import World
from ohmlearn.parallel.routing import route
from ohmlearn.stored.lattice_blocks import SortedBlocks
from ohmlearn.stored.matrixmarket_ranges import Head, read_entries, read_head

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def matrix_blocks(world: World, path: str | os.PathLike[str], quantity: str, block: int) -> SortedBlocks:
    """The blocks that this rank is to write, in memory; rules as of :func:`ohmlearn.io.matrixmarket.read`."""
    if quantity not in ("conductance", "resistance"):
        raise ValueError(f"quantity must be 'conductance' or 'resistance', not {quantity!r}")
    head = world.together(lambda: read_head(path))
    pairs, values = world.together(lambda: read_entries(head, world.rank, world.size))
    found = sum(world.everywhere(len(pairs)))
    if found != head.n_entries:
        raise ValueError(f"{path}: {head.n_entries} entries are promised, but {found} lines follow; the file is cut "
                         "off or the count is wrong")
    n_blocks = -(-head.n_nodes // block)
    bounds = np.array([min(n_blocks * r // world.size * block, head.n_nodes) for r in range(world.size + 1)])
    given = np.ones(len(pairs)) if values is None else values
    off = pairs[:, 0] != pairs[:, 1]
    positive, negative = (any(world.everywhere(bool((sign * given[off] > 0).any()))) for sign in (1.0, -1.0))
    if positive and negative:
        raise ValueError(f"{path}: entries off the diagonal have both signs; conductances have one, positive in an "
                         "adjacency matrix, negative in a Laplacian")
    to = np.searchsorted(bounds, pairs[off].min(axis=1), side="right") - 1
    _, (mine, g) = route(world.comm, to, pairs[off], given[off])
    edges, g = world.together(lambda: _one_each(head, mine, g))
    if not any(world.everywhere(len(edges))):
        raise ValueError(f"{path}: no entries off the diagonal, so no edges")
    if negative:
        _check_laplacian(world, head, bounds, edges, g, pairs[~off][:, 0], given[~off])
        g = -g
    elif quantity == "resistance" and values is not None:
        world.together(lambda: _check_resistances(head, edges, g))
        g = 1 / g
    return SortedBlocks(head.n_nodes, edges, None if values is None else g, None, Path(path).stem, block)


def _one_each(head: Head, pairs: Integers, values: Floats) -> tuple[Integers, Floats]:
    """Sorted edges, each once, and their entries: of both triangles, which must agree, one is taken."""
    edges = np.sort(pairs, axis=1)
    order = np.lexsort((pairs[:, 0], edges[:, 1], edges[:, 0]))
    pairs, edges, values = pairs[order], edges[order], values[order]
    if not len(edges):
        return edges, values
    same = np.append(False, (edges[1:] == edges[:-1]).all(axis=1))      # as the one before
    twice = np.flatnonzero(same & np.append(False, pairs[1:, 0] == pairs[:-1, 0]))
    if twice.size:
        raise ValueError(f"{head.path}: entry {_of(pairs, twice[0])} stands there twice; add the two up or drop one")
    paired = same | np.append(same[1:], False)
    differs = np.flatnonzero(same & np.append(False, values[1:] != values[:-1]))
    alone = np.empty(0, dtype=np.int64) if head.symmetric else np.flatnonzero(~paired & (values != 0))
    if (bad := np.append(differs, alone)).size:
        raise ValueError(f"{head.path}: entries {_of(pairs, bad[0])} and {_of(pairs[:, ::-1], bad[0])} differ, but a "
                         "resistor has no direction; make the matrix symmetric")
    return edges[~same], values[~same]


def _check_resistances(head: Head, edges: Integers, values: Floats) -> None:
    bad = np.flatnonzero(~((values > 0) & np.isfinite(1 / np.where(values == 0, 1, values))))
    if bad.size:
        raise ValueError(f"{head.path}: entry {_of(edges, bad[0])} is {values[bad[0]]}, no resistance; it must be "
                         "finite and > 0")


def _check_laplacian(world: World, head: Head, bounds: Integers, edges: Integers, values: Floats, diagonal: Integers,
                     on_it: Floats) -> None:
    """Raise on all ranks where a row does not sum to zero: a conductor to ground, which a network cannot hold."""
    if not any(world.everywhere(bool(on_it.any()))):
        return
    nodes = np.concatenate([edges[:, 0], edges[:, 1], diagonal])
    parts = np.concatenate([values, values, on_it])
    to = np.searchsorted(bounds, nodes, side="right") - 1
    _, (row, part) = route(world.comm, to, nodes, parts)
    first, size = int(bounds[world.rank]), int(bounds[world.rank + 1] - bounds[world.rank])
    rest, scale = (np.bincount(row - first, weights, size) for weights in (part, np.abs(part)))

    def check() -> None:
        off = np.flatnonzero(np.abs(rest) > 1e-6 * scale)
        if off.size:
            raise ValueError(f"{head.path}: row {first + off[0] + 1} sums to {rest[off[0]]:.6g}, not 0 as in a "
                             "Laplacian; add a node for ground, joined to these rows")

    world.together(check)


def _of(pairs: NDArray[Any], place: int) -> str:
    """An entry as it stands in the file."""
    return f"({pairs[place, 0] + 1}, {pairs[place, 1] + 1})"
