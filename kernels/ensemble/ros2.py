"""A step of G along the slow manifold, of the length that learning asks for.

ROS2 as a W-method (Verwer et al., SIAM J. Sci. Comput. 20, 1456 (1999)), of second order whatever Jacobian it is
given; the one taken, J = -U Qᵀ with one column a target, removes the stiffness of learning, and (1 - γ h J)⁻¹
costs a matrix of the size of the targets (Woodbury).
"""
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.law.bounds import held, snapped, top
from ohmlearn.kernels.law.linear_edge import learning_by_clamp, rate_of_edge
from ohmlearn.kernels.linalg.block_ldlt import copy
from ohmlearn.kernels.simd.jit import inner
from ohmlearn.kernels.simd.vectors import at, fma, load, store, where, where_less

from .slow_manifold import FALL, FLOOR, RATE, free_slope, quasistatic, raw_slope, small_inverse

GAMMA = 1 - 1 / np.sqrt(2)
ROUNDING = 1e-12        # of G: smaller moves count as this large when their error is judged


class Stages(NamedTuple):
    """Work space, (rows, lanes): U, Q (T n_edges,), matrix (T T,), along (T,), k1, k2, begin (n_edges,), and
    h, error, moved (1,): the step, how far its two orders differ, and how far G moved."""

    U: NDArray[np.float64]
    Q: NDArray[np.float64]
    matrix: NDArray[np.float64]
    along: NDArray[np.float64]
    k1: NDArray[np.float64]
    k2: NDArray[np.float64]
    begin: NDArray[np.float64]
    h: NDArray[np.float64]
    error: NDArray[np.float64]
    moved: NDArray[np.float64]


@inner
def linearise(graph, law, target, G, slow, stages, moving):
    """Put G of the lanes with a `moving` bit on the bounds that it meets at once, and find the columns of J = -U Qᵀ:
    U = 2 a R Δv Δφ on edges free to move, Q = Δv Δψ; and QᵀU."""
    size, m, n = target.shape[0], G.shape[0], slow.v.shape[0]
    fall, floor, ceiling = load(slow.rows, FALL), load(slow.rows, FLOOR), top(law.ceiling)
    for j in range(m):
        a, b, g = at(graph.ends, 2 * j), at(graph.ends, 2 * j + 1), load(G, j)
        dv = load(slow.v, a) - load(slow.v, b)
        k = raw_slope(slow.rows, law, j, dv, load(slow.w, a) - load(slow.w, b))
        store(G, j, where(moving, snapped(fall, floor, ceiling, k, g), g))
        rate = -learning_by_clamp(rate_of_edge(law.learning, j, load(slow.rows, RATE)), dv)
        k = free_slope(slow.rows, law, k, g)
        rate = where_less(0.0, k * k, rate, 0.0)
        for i in range(size):
            store(stages.U, i * m + j, rate * (load(slow.phi, i * n + a) - load(slow.phi, i * n + b)))
            store(stages.Q, i * m + j, dv * (load(slow.psi, i * n + a) - load(slow.psi, i * n + b)))
    for i in range(size):
        for k in range(size):
            total = 0.0 * load(stages.h, 0)
            for j in range(m):
                total = fma(load(stages.Q, i * m + j), load(stages.U, k * m + j), total)
            store(stages.matrix, i * size + k, total)


@inner
def prepare_inverse(target, stages):
    """(1 + γ h QᵀU)⁻¹ in place of QᵀU."""
    size = target.shape[0]
    for i in range(size):
        for k in range(size):
            one = 1.0 if i == k else 0.0
            store(stages.matrix, i * size + k,
                  fma(GAMMA * load(stages.h, 0), load(stages.matrix, i * size + k), one))
    for lane in range(target.shape[1]):
        small_inverse(stages.matrix, size, lane)


@inner
def apply_inverse(target, stages, k):
    """(1 - γ h J)⁻¹ k in place, k (n_edges, lanes)."""
    size, m = target.shape[0], k.shape[0]
    for i in range(size):
        total = 0.0 * load(stages.h, 0)
        for j in range(m):
            total = fma(load(stages.Q, i * m + j), load(k, j), total)
        store(stages.along, i, total)
    for i in range(size):
        total = 0.0 * load(stages.h, 0)
        for c in range(size):
            total = fma(load(stages.matrix, i * size + c), load(stages.along, c), total)
        total = GAMMA * load(stages.h, 0) * total
        for j in range(m):
            store(k, j, fma(-total, load(stages.U, i * m + j), load(k, j)))


@inner
def propose(graph, pattern, law, p, G, x, slow, stages, factor, moving):
    """Step G of the lanes with a `moving` bit by stages.h from the manifold in `slow`. Where it began, how far it went
    and how far the two orders differ on edges off their bounds is left in `stages`."""
    m, fall, floor, ceiling = G.shape[0], load(slow.rows, FALL), load(slow.rows, FLOOR), top(law.ceiling)
    prepare_inverse(p.target, stages)
    h = load(stages.h, 0)
    copy(stages.begin, G)
    copy(stages.k1, slow.rate)
    for j in range(m):                               # the lag, taken along from the beginning of the step
        store(slow.rate, j, load(slow.rate, j) - load(slow.still, j))
    apply_inverse(p.target, stages, stages.k1)
    for j in range(m):
        g = snapped(fall, floor, ceiling, load(stages.k1, j), fma(h, load(stages.k1, j), load(G, j)))
        store(G, j, where(moving, g, load(G, j)))
    quasistatic(graph, pattern, law, p, G, x, slow, factor)
    for j in range(m):
        k = load(slow.still, j)
        k = k + where_less(0.0, k * k, load(slow.rate, j), 0.0)
        store(stages.k2, j, fma(-2.0, load(stages.k1, j), k))
    apply_inverse(p.target, stages, stages.k2)
    error, moved = 0.0 * h, 0.0 * h
    for j in range(m):
        begin, k1, k2, there = load(stages.begin, j), load(stages.k1, j), load(stages.k2, j), load(G, j)
        g = fma(0.5 * h, fma(3.0, k1, k2), begin)
        k = load(slow.still, j)
        bounded = held(floor, ceiling, k, there, snapped(fall, floor, ceiling, k, g))
        store(G, j, where(moving, bounded, begin))
        step, off = bounded - begin, where_less((bounded - g) * (bounded - g), 1e-300, 0.5 * h * (k1 + k2), 0.0)
        # A move as small as G's rounding is all error, and need not be any better.
        small = ROUNDING * bounded
        error, moved = fma(off, off, error), fma(step, step, fma(small, small, moved))
    store(stages.error, 0, error)
    store(stages.moved, 0, moved)
