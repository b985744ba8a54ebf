"""How two twin networks relax together while no conductance changes: dx/dt = -M x + f, exactly, in every lane.

M = Σ_j G_j b_j b_jᵀ and f = -Σ_j G_j e_j b_j differ from lane to lane and from pause to pause, so the propagator is
made anew each time: a Taylor polynomial gives the affine map x -> E x + d of a piece of the pause, short enough, and
squaring E doubles the piece. Sums of products only; no branch but the number of doublings, which is masked per lane.
The clamped network has the leading part of x, so it has the leading block of M.

Matrices are (n n) rows, symmetric and functions of one matrix, so that row times row is a product. `sizes` are plain
integers; where they are constants, the compiler unrolls the loops.
"""
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.simd.jit import inline
from ohmlearn.kernels.simd.vectors import fma, load, maximum, store, where

Rows = NDArray[np.float64]

RADIUS = 0.43       # norm of the polynomial's argument: the remainder RADIUS^14/14! is 8.5e-17
RELAXED = 40.0      # exp(-RELAXED) is nothing: no need to follow the slowest mode further

# φ(A) = Σ A^k/(k+1)!, k up to 12, and exp(A) = 1 + A φ(A), by Horner's scheme in A³. Each row of PRODUCTS is one
# product, out = s a b + c_0 + c_1 A + c_2 A²; `out`, a and b are numbers of matrices, of which 0 is A.
PIECE, SQUARE, CUBE, POWER, OTHER = range(5)
PRODUCTS = np.array([(SQUARE, PIECE, PIECE), (CUBE, SQUARE, PIECE), (POWER, SQUARE, PIECE), (OTHER, POWER, CUBE),
                     (POWER, OTHER, CUBE), (OTHER, POWER, CUBE), (POWER, OTHER, PIECE)])
SERIES = [1 / math.factorial(k + 1) for k in range(13)]
FACTORS = np.array([(1, 0, 0, 0), (1, 0, 0, 0), (SERIES[12], *SERIES[9:12]), (1, *SERIES[6:9]), (1, *SERIES[3:6]),
                    (1, *SERIES[0:3]), (1, 1, 0, 0)])


class Propagator(NamedTuple):
    """Scratch. matrices (5 n n); scaled (m n); force, drift, moved (n); length (1); doublings (lanes,)."""

    matrices: Rows
    scaled: Rows
    force: Rows
    drift: Rows
    moved: Rows
    length: Rows
    doublings: NDArray[np.int64]


@inline
def dot(start, a, row, b, n):
    """start + Σ_i a[row + i] b[i] over n rows."""
    total = start
    for i in range(n):
        total = fma(load(a, row + i), load(b, i), total)
    return total


@inline
def exponential(matrices, sizes):
    """φ(A) into the matrix OTHER and exp(A) into POWER. sizes : block n of matrices with rows `stride` long."""
    n, stride = sizes
    area = stride * stride
    for p in range(PRODUCTS.shape[0]):
        out, a, b = PRODUCTS[p, 0] * area, PRODUCTS[p, 1] * area, PRODUCTS[p, 2] * area
        s, c0, c1, c2 = FACTORS[p, 0], FACTORS[p, 1], FACTORS[p, 2], FACTORS[p, 3]
        for i in range(n):
            for j in range(i, n):
                at = stride * i + j
                total = load(matrices, a + stride * i) * load(matrices, b + stride * j)
                for k in range(1, n):
                    total = fma(load(matrices, a + stride * i + k), load(matrices, b + stride * j + k), total)
                total = fma(s, total, c0 if i == j else 0.0)
                total = fma(c1, load(matrices, at), total)
                total = fma(c2, load(matrices, area + at), total)
                store(matrices, out + at, total)
                store(matrices, out + stride * j + i, total)


@inline
def square(matrices, out, a, lanes, sizes):
    """Matrix `out` = a² in the lanes given as bits, a in the others; both begin at these rows."""
    n, stride = sizes
    for i in range(n):
        for j in range(i, n):
            total = load(matrices, a + stride * i) * load(matrices, a + stride * j)
            for k in range(1, n):
                total = fma(load(matrices, a + stride * i + k), load(matrices, a + stride * j + k), total)
            total = where(lanes, total, load(matrices, a + stride * i + j))
            store(matrices, out + stride * i + j, total)
            store(matrices, out + stride * j + i, total)


@inline
def cut(g, wiring, work):
    """Length δ of the first piece of the pause, short enough for the polynomial; returns the most doublings to come."""
    low, high, most = -load(g, 0), load(g, 0), 0
    for j in range(1, g.shape[0]):
        low, high = maximum(-load(g, j), low), maximum(load(g, j), high)
    store(work.moved, 0, low)
    store(work.length, 0, high)
    for lane in range(g.shape[1]):
        t, n = min(wiring.pause[0, lane], -RELAXED / (work.moved[0, lane] * wiring.span[0, lane])), 0
        fastest = work.length[0, lane] * wiring.span[1, lane]
        while t * fastest > RADIUS:
            t *= 0.5
            n += 1
        work.length[0, lane], work.doublings[lane] = t, n
        most = max(most, n)
    return most


@inline
def assemble(g, vectors, work, sizes):
    """scaled = δ G_j b_j and the matrix A = -δ M. sizes : m, n."""
    m, n = sizes
    for j in range(m):
        weight = load(work.length, 0) * load(g, j)
        for i in range(n):
            store(work.scaled, n * j + i, weight * load(vectors, n * j + i))
    for i in range(n):
        for k in range(i, n):
            total = 0.0 * load(work.length, 0)
            for j in range(m):
                total = fma(-load(work.scaled, n * j + i), load(vectors, n * j + k), total)
            store(work.matrices, n * i + k, total)
            store(work.matrices, n * k + i, total)


@inline
def double(most, work, sizes):
    """The map x -> E x + drift applied twice, and again, as often as each lane needs; returns where E begins."""
    n, stride = sizes
    step, spare = POWER * stride * stride, OTHER * stride * stride
    for k in range(most):
        lanes = 0
        for lane in range(work.doublings.size):
            lanes |= (work.doublings[lane] > k) << lane
        for i in range(n):
            drift = load(work.drift, i)
            store(work.moved, i, where(lanes, dot(drift, work.matrices, step + stride * i, work.drift, n), drift))
        for i in range(n):
            store(work.drift, i, load(work.moved, i))
        square(work.matrices, spare, step, lanes, sizes)
        step, spare = spare, step
    return step


@inline
def relax(x, drops, most, work, sizes):
    """x of one network after the pause; drops (m) are e_j. sizes : m, n, stride."""
    m, n, stride = sizes
    exponential(work.matrices, (n, stride))
    zero = 0.0 * load(work.length, 0)
    for i in range(n):
        total = zero
        for j in range(m):
            total = fma(-load(work.scaled, stride * j + i), load(drops, j), total)
        store(work.force, i, total)
    for i in range(n):
        store(work.drift, i, dot(zero, work.matrices, OTHER * stride * stride + stride * i, work.force, n))
    step = double(most, work, (n, stride))
    for i in range(n):
        store(work.moved, i, dot(load(work.drift, i), work.matrices, step + stride * i, x, n))
    for i in range(n):
        store(x, i, load(work.moved, i))


@inline
def pause(state, wiring, drops, work, sizes):
    """Both networks relax for the pause, the clamped one with these drops. sizes : m, n, n - k."""
    m, n, inner = sizes
    most = cut(state.conductances, wiring, work)
    assemble(state.conductances, wiring.vectors, work, (m, n))
    relax(state.free, wiring.sources, most, work, (m, n, n))
    relax(state.clamped, drops, most, work, (m, inner, n))
