"""Preconditioned conjugate gradients for one right-hand side."""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.linalg.krylov import advance, dot, redirect, times

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]


def norm(x: Floats) -> float:
    """‖x‖ of a contiguous (n,) array, summed in a fixed order whatever the number of threads."""
    return float(np.sqrt(dot(x, x)))


def conjugate_gradient(matrix: csr_array, b: Floats, precondition: Callable[[Floats], Floats],
                       start: Floats | None, goal: float, limit: int) -> tuple[Floats, int, bool]:
    """Solve matrix x = b; returns x (n,), the iterations taken and whether ‖b - matrix x‖ <= goal.

    matrix : (n, n), symmetric and positive definite.
    precondition : maps a residual (n,) to an approximate solution, a fixed symmetric positive operator.
    start : (n,) first guess, None for 0.
    goal : residual to reach. Where rounding misleads the residual that is carried along, it starts once more.
    limit : most iterations.
    """
    x = np.zeros_like(b) if start is None else start.copy()
    r = b.copy() if start is None else b - matrix @ x
    iterations, rr = 0, dot(r, r)
    for _ in range(3):
        p, q, rz = np.zeros_like(b), np.empty_like(b), np.inf
        while rr > goal**2 and iterations < limit:
            z = precondition(r)
            rz, before = dot(r, z), rz
            redirect(p, z, rz / before)
            rr = advance(x, r, rz / times(q, matrix.indptr, matrix.indices, matrix.data, p), p, q)
            iterations += 1
        r = b - matrix @ x
        rr = dot(r, r)
        if not rr > goal**2 or iterations >= limit:
            break
    return x, iterations, bool(rr <= goal**2)
