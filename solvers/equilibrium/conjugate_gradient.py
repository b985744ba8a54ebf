"""Preconditioned conjugate gradients for one right-hand side."""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.linalg.krylov import advance, dot, dot_and_largest, redirect, times

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]


def norm(x: Floats) -> float:
    """‖x‖ of a contiguous (n,) array, summed in a fixed order whatever the number of threads."""
    return float(np.sqrt(dot(x, x)))


def residual(matrix: csr_array, excess: Floats, b: Floats, x: Floats) -> Floats:
    """b - L x from differences of x, see `krylov.times`."""
    product = np.empty_like(b)
    times(product, matrix.indptr, matrix.indices, matrix.data, excess, x)
    return b - product


def conjugate_gradient(matrix: csr_array, excess: Floats, b: Floats, precondition: Callable[[Floats], Floats],
                       start: Floats | None, goal: float, limit: int) -> tuple[Floats, int, bool]:
    """Solve L x = b; returns x (n,), the iterations taken and whether the correction still to be made is small.

    matrix, excess : (n, n) a grounded Laplacian L in CSR, and its (n,) conductances to ground, the sums of its rows.
    precondition : maps a residual (n,) to an approximate correction, a fixed symmetric positive operator.
    start : (n,) first guess, None for 0.
    goal : largest entry, in volts, of the correction M⁻¹ (b - L x) that the preconditioner M asks for, at which to
        stop. The size of the residual itself says nothing where conductances differ: a strong edge hides weak ones.
    limit : most iterations.
    """
    x = np.zeros_like(b) if start is None else start.copy()
    r = b.copy() if start is None else residual(matrix, excess, b, x)
    p, q, rz = np.zeros_like(b), np.empty_like(b), np.inf
    for iterations in range(limit + 1):
        z = precondition(r)
        before = rz
        rz, largest = dot_and_largest(r, z)
        if largest <= goal:
            return x, iterations, True
        if iterations == limit or not rz > 0.0:
            break
        redirect(p, z, rz / before)
        advance(x, r, rz / times(q, matrix.indptr, matrix.indices, matrix.data, excess, p), p, q)
    return x, iterations, False
