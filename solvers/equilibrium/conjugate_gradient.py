"""Preconditioned conjugate gradients for one right-hand side, and for eight side by side."""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.linalg import blocked
from ohmlearn.kernels.linalg.krylov import (
    advance,
    dot,
    dot_and_largest,
    redirect,
    times,
    times_by_differences,
    total,
)
from ohmlearn.kernels.simd.vectors import ROW_BYTES, aligned

from .node_order import Parts

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]
LANES = 8       # right-hand sides side by side
LAST = 1.5      # a step from a correction of so many goals is the last: it leaves about half, which the caller checks
SEVERAL = 3     # from which they are solved side by side
TOGETHER = 32   # nodes that `largest` takes at a time


def norm(x: Floats) -> float:
    """‖x‖ of a contiguous (n,) array, summed in a fixed order whatever the number of threads."""
    return float(np.sqrt(dot(x, x)))


def side_by_side(rows: Floats) -> Floats:
    """(n, LANES), aligned, from at most LANES rows (k, n), with zeros in the lanes that are left.

    Where rows are the transpose of such an array, that array itself.
    """
    if len(rows) == LANES and rows.T.flags.c_contiguous and rows.ctypes.data % ROW_BYTES == 0:
        return rows.T
    lanes = aligned(rows.shape[1], LANES)
    lanes[:, :len(rows)] = rows.T
    return lanes


def largest(rows: Floats) -> Floats:
    """(k,) largest |x| of every row of (k, n); NaN where there is one."""
    if len(rows) != LANES or not rows.T.flags.c_contiguous or rows.shape[1] < TOGETHER:
        return np.asarray(abs(rows).max(axis=1, initial=0.0))
    whole = rows.shape[1] // TOGETHER * TOGETHER    # NumPy is slow at sums over rows of eight numbers
    many, rest = rows.T[:whole].reshape(-1, TOGETHER * LANES), rows.T[whole:]
    high, low = (f.reduce(many, axis=0).reshape(TOGETHER, LANES) for f in (np.maximum, np.minimum))
    return np.asarray(abs(np.concatenate([high, low, rest])).max(axis=0))


def parts(count: int) -> list[slice]:
    """So many right-hand sides in blocks of LANES."""
    return [slice(k, min(k + LANES, count)) for k in range(0, count, LANES)]


def residual(matrix: csr_array, excess: Floats, b: Floats, x: Floats, parts: Parts | None = None) -> Floats:
    """b - L x from differences of x, see `krylov.times_by_differences`."""
    found = np.empty_like(b)
    product(found, matrix, excess, x, parts or Parts.whole(b.size), False)
    return b - found


def product(q: Floats, matrix: csr_array, excess: Floats, p: Floats, parts: Parts, near: bool) -> float:
    """q = L p, part by part of the rows; returns p·q. near : see `conjugate_gradient`."""
    sums, entries = np.empty((len(parts), 8)), (matrix.indptr, matrix.indices, matrix.data)

    def some(begin: int, end: int) -> None:
        if near:
            times(q, sums, parts.bounds, begin, end, *entries, p)
        else:
            times_by_differences(q, sums, parts.bounds, begin, end, *entries, excess, p)

    parts.share(some)
    return float(total(sums))


def conjugate_gradient(matrix: csr_array, excess: Floats, b: Floats, precondition: Callable[[Floats], Floats],
                       start: Floats | None, goal: float, limit: int, near: bool = False,
                       parts: Parts | None = None) -> tuple[Floats, int, bool]:
    """Solve L x = b; returns x (n,), the iterations taken and whether the correction still to be made is small.

    matrix, excess : (n, n) a grounded Laplacian L in CSR, and its (n,) conductances to ground, the sums of its rows.
    precondition : maps a residual (n,) to an approximate correction, a fixed symmetric positive operator.
    start : (n,) first guess, None for 0.
    goal : largest entry, in volts, of the correction M⁻¹ (b - L x) that the preconditioner M asks for, at which to
        stop. The size of the residual itself says nothing where conductances differ: a strong edge hides weak ones.
    limit : most iterations. near : whether conductances are so much alike that products with the assembled matrix,
        which are quicker, lose nothing. parts : of the rows, for threads; None for one.
    """
    parts = parts or Parts.whole(b.size)
    x = np.zeros_like(b) if start is None else start.copy()
    r = b.copy() if start is None else residual(matrix, excess, b, x, parts)
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
        curvature = product(q, matrix, excess, p, parts, near)
        if not curvature > 0.0:
            break
        advance(x, r, rz / curvature, p, q)
        if largest <= LAST * goal:
            return x, iterations + 1, True
    return x, iterations, False


def conjugate_gradient_block(matrix: csr_array, excess: Floats, b: Floats,
                             precondition: Callable[[Floats, Floats], Floats],
                             start: Floats | None, goals: Floats, limit: int
                             ) -> tuple[Floats, NDArray[np.int64], NDArray[np.bool_]]:
    """The same for (n, LANES) right-hand sides, rows aligned to 64 bytes; each stops by itself, at its goal.

    precondition : writes the correction of its first argument into the second.
    A lane comes out the same whatever is in the others.
    """
    n = len(b)
    x, r, p, q, z = (aligned(n, LANES) for _ in range(5))
    alpha, beta, rz, largest, pq = (aligned(1, LANES) for _ in range(5))
    r[:] = b
    if start is not None:
        x[:] = start
        blocked.times(q, pq, matrix.indptr, matrix.indices, matrix.data, excess, x)
        r -= q
    before, counts = np.full((1, LANES), np.inf), np.zeros(LANES, dtype=np.int64)
    going, done = np.ones(LANES, dtype=bool), np.zeros(LANES, dtype=bool)
    for iteration in range(limit + 1):
        precondition(r, z)
        blocked.dot_and_largest(rz, largest, r, z)
        done |= going & (largest[0] <= goals)
        going &= ~done & (rz[0] > 0.0)
        counts[going] = iteration + 1
        if not going.any() or iteration == limit:
            break
        beta[0] = np.where(going, rz[0] / np.where(going, before[0], 1.0), 0.0)
        blocked.redirect(p, z, beta)
        blocked.times(q, pq, matrix.indptr, matrix.indices, matrix.data, excess, p)
        going &= pq[0] > 0.0
        alpha[0] = np.divide(rz[0], pq[0], out=np.zeros(LANES), where=going)
        blocked.advance(x, r, alpha, p, q)
        before[:] = rz
    return x, np.minimum(counts, limit), done
