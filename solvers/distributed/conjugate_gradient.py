"""Preconditioned conjugate gradients over ranks."""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.linalg.krylov import advance, dot_and_largest, redirect
from ohmlearn.solvers.equilibrium.conjugate_gradient import LAST

from .rank_rows import RankRows
from .rank_sums import RankSums

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]


def residual(rows: RankRows, matrix: csr_array | None, excess: Floats, b: Floats, x: Floats) -> Floats:
    """b - L x (n_core,) from differences of x (n_core,)."""
    found = np.empty_like(b)
    rows.product(found, matrix, excess, _with_neighbours(rows, x), False)
    return b - found


def conjugate_gradient(rows: RankRows, sums: RankSums, matrix: csr_array | None, excess: Floats, b: Floats,
                       precondition: Callable[[Floats], Floats], start: Floats | None, goal: float, limit: int,
                       near: bool) -> tuple[Floats, int, bool]:
    """Solve L x = b, each rank its own rows (n_core,); returns x, iterations and whether it got there, the last two
    alike on all ranks.

    matrix, excess : of `RankRows.reduce`. The rest is as in
    :func:`ohmlearn.solvers.equilibrium.conjugate_gradient.conjugate_gradient`, with sums and maxima over all ranks.
    """
    x = np.zeros_like(b) if start is None else start.copy()
    r = b.copy() if start is None else residual(rows, matrix, excess, b, x)
    p, q, rz = np.zeros(rows.n_columns), np.empty_like(b), np.inf
    for iterations in range(limit + 1):
        z = precondition(r)
        before = rz
        every = sums.gathered(dot_and_largest(r, z))
        rz, largest = float(every[:, 0].sum()), float(every[:, 1].max())
        if largest <= goal:
            return x, iterations, True
        if iterations == limit or not rz > 0.0:
            break
        redirect(p[:rows.n_core], z, rz / before)
        curvature = float(sums.sum(rows.product(q, matrix, excess, p, near))[0])
        if not curvature > 0.0:
            break
        advance(x, r, rz / curvature, p[:rows.n_core], q)
        if largest <= LAST * goal:
            return x, iterations + 1, True
    return x, iterations, False


def _with_neighbours(rows: RankRows, x: Floats) -> Floats:
    columns = np.zeros(rows.n_columns)
    columns[:rows.n_core] = x
    return columns
