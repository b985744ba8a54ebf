"""Square, cubic and other hypercubic lattices."""
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.checks.kinds import check_kinds
from ohmlearn.network import Network

from .edge_choice import sorted_edges


@check_kinds
def grid(*shape: int, periodic: bool = False) -> Network:
    """Hypercubic lattice of the given sides, nodes numbered as in np.arange(n).reshape(shape).

    shape : one number or more: a chain, a square lattice (rows, columns), a cubic one, ...
    periodic : join opposite faces; sides must then be at least 3 (a ring, a torus, ...).
    Positions are given in one and two dimensions, in units of the lattice constant; a ring lies on a circle.

    Returns a :class:`Network`.

    >>> import ohmlearn as ol
    >>> ol.Network.grid(3, 4), ol.Network.grid(5, periodic=True).n_edges
    (<Network '3×4 grid': 12 nodes, 17 edges>, 5)
    """
    given: tuple[Any, ...] = shape
    wrong = next((side for side in given if not isinstance(side, int | np.integer)), None)
    if wrong is not None:
        raise TypeError(f"the sides of a grid are whole numbers, given one by one as in grid(4, 4), not {wrong!r}")
    if not shape or any(side < 1 for side in shape) or np.prod(shape) < 2:
        raise ValueError(f"a grid needs sides of at least 1 and two nodes, not {shape}")
    if periodic and min(shape) < 3:
        raise ValueError(f"a periodic grid needs sides of at least 3, not {shape}: "
                         "with 2, opposite edges would join the same nodes")
    numbers = np.arange(np.prod(shape)).reshape(shape)
    edges = []
    for axis, side in enumerate(shape):
        reach = np.arange(side if periodic else side - 1)
        ends = numbers.take(reach, axis), numbers.take((reach + 1) % side, axis)
        edges.append(np.stack([end.ravel() for end in ends], axis=1))
    positions: NDArray[np.float64] | None = None
    box: float | tuple[float, float] | None = None
    if len(shape) == 1 and periodic:
        angle = 2 * np.pi * numbers / shape[0]
        positions = np.stack([np.cos(angle), np.sin(angle)], axis=1) / (2 * np.sin(np.pi / shape[0]))
    elif len(shape) <= 2:
        row, column = np.divmod(np.arange(numbers.size), shape[-1])
        positions = np.stack([column, row], axis=1).astype(float)
        box = (float(shape[1]), float(shape[0])) if periodic else None
    name = ("periodic " if periodic else "") + "×".join(map(str, shape)) + " grid"
    return Network(sorted_edges(np.concatenate(edges), numbers.size), numbers.size, positions, box, name)
