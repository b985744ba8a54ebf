"""Effective resistances from a Cholesky factor L D Lᵀ, by forward substitution along elimination paths alone.

With y = L⁻¹ (e_a - e_b), R_ab = (e_a - e_b)ᵀ (L D Lᵀ)⁻¹ (e_a - e_b) = Σ y_i² / D_i: a sum of positive terms, and y is
not 0 only on the two paths from a and b to the root of the elimination tree (Schreiber 1982). So a pair takes the
entries of some columns instead of two passes over the factor.
"""
import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.simd.jit import kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.integer]


@kernel
def join_factors(starts, rows, share, total, order, begin, near, near_share, near_total, kept, core):
    """One factor of all rows: those of a star–mesh plan first, the core's columns after them. Ground is row n.

    order, begin, near, near_share, near_total : the plan and what it eliminated; kept : (core rows,) rows of the core;
    core : its `Factor`. Fills starts (n + 1,), rows, share, total (n,), and returns place (n + 1,), where a row stands.
    """
    gone, n_core = order.size, kept.size
    n = gone + n_core
    place = np.empty(n + 1, rows.dtype)
    place[n] = n
    for k in range(gone):
        place[order[k]] = k
    for i in range(n_core):
        place[kept[core.order[i]]] = gone + i
    at = 0
    starts[0] = 0
    for k in range(gone):
        for i in range(begin[k], begin[k + 1]):
            rows[at], share[at] = place[near[i]], near_share[i]
            at += 1
        total[k], starts[k + 1] = near_total[k], at
    for i in range(n_core):
        for k in range(core.starts[i], core.starts[i + 1]):
            rows[at] = n if core.rows[k] == n_core else place[kept[core.rows[k]]]
            share[at] = core.share[k]
            at += 1
        total[gone + i], starts[gone + i + 1] = core.total[i], at
    return place


@kernel
def parents(parent: Ints, starts: Ints, rows: Ints) -> None:
    """The next column of every column's path, its lowest entry; n, ground, where it ends."""
    n = parent.size
    for i in range(n):
        parent[i] = n
        for k in range(starts[i], starts[i + 1]):
            parent[i] = min(parent[i], rows[k])


@kernel
def resistances(found: Floats, pairs: Ints, y: Floats, parent: Ints, starts: Ints, rows: Ints, share: Floats,
                total: Floats) -> None:
    """found (n_pairs,) of the pairs (n_pairs, 2), places of rows, n for ground. y (n + 1,) : 0 before and after."""
    n = parent.size
    for p in range(pairs.shape[0]):
        a, b = pairs[p, 0], pairs[p, 1]
        y[a] += 1.0
        y[b] -= 1.0
        sum_, lost = 0.0, 0.0
        while a < n or b < n:
            i = min(a, b)
            t = y[i]
            y[i] = 0.0
            if t != 0.0:
                for k in range(starts[i], starts[i + 1]):
                    y[rows[k]] += share[k] * t
                part = t * t / total[i] - lost
                new = sum_ + part
                lost = (new - sum_) - part
                sum_ = new
            if a == i:
                a = parent[i]
            if b == i:
                b = parent[i]
        y[n] = 0.0
        found[p] = sum_
