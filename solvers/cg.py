"""Preconditioned conjugate gradients for one or several right-hand sides."""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..kernels.krylov import advance, dot, redirect

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Vectors = NDArray[np.float64]


def conjugate_gradient(matrix: csr_array, rhs: Vectors, precondition: Callable[[Vectors], Vectors],
                       guess: Vectors | None, tolerance: float, limit: int) -> tuple[Vectors, NDArray[np.int64]]:
    """Solve matrix x = rhs row by row; returns x (k, n) and the iterations of each row (k,).

    matrix : (n, n), symmetric and positive definite.
    rhs, guess : (k, n), one right-hand side per row; guess None starts from the preconditioner's answer.
    precondition : maps a (n,) residual to an approximate solution, a fixed symmetric positive operator.
    tolerance : stop at ‖rhs - matrix x‖ <= tolerance ‖rhs‖, by the recursive residual.
    limit : stop after so many iterations; whoever called checks the true residual.
    """
    x = np.empty_like(rhs)
    iterations = np.zeros(len(rhs), dtype=np.int64)
    for k, b in enumerate(rhs):
        start = None if guess is None else guess[k]
        x[k], iterations[k] = _solve_one(matrix, b, precondition, start, tolerance * float(np.sqrt(dot(b, b))), limit)
    return x, iterations


def _solve_one(matrix: csr_array, b: Vectors, precondition: Callable[[Vectors], Vectors], start: Vectors | None,
               goal: float, limit: int) -> tuple[Vectors, int]:
    """One right-hand side, to ‖residual‖ <= goal; restarted once from the true residual if rounding misled it."""
    if goal == 0.0:
        return np.zeros_like(b), 0
    x = precondition(b) if start is None else start.copy()
    iterations = 0 if start is not None else 1
    for _ in range(2):
        r = b - matrix @ x
        rr = dot(r, r)
        p = np.zeros_like(b)
        rz = 1.0
        fresh = True
        while rr > goal**2 and iterations < limit:
            z = precondition(r)
            rz, before = dot(r, z), rz
            if fresh:
                p[:] = z
            else:
                redirect(p, z, rz / before)
            fresh = False
            q = matrix @ p
            rr = advance(x, r, rz / dot(p, q), p, q)
            iterations += 1
        r = b - matrix @ x
        if dot(r, r) <= goal**2:
            break
    return x, iterations
