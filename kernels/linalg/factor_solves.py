"""Solves with a factor L D Lᵀ that is kept by columns, as sampled and direct factors of grounded Laplacians are."""
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.simd.jit import inline, kernel


class Factor(NamedTuple):
    """Columns in the order of elimination: L has 1 on the diagonal and -share below, D the total weights.

    order (n,): rows of the matrix, part after part, then the border; starts (n + 1,); rows, share (starts[n],): where
    each column's entries lead, rows of the matrix too, n + t for terminal t, n + n_terminals for ground of the border;
    and w / W, the heaviest last and one at least; total (n,): W.
    ends (n_terminals,): row that each terminal stands for, -1 for ground. pieces (n_parts + 2,): where parts begin in
    the order, the border, and the end. bounds, terminals (n_parts + 1,): where they begin among rows and terminals.
    """

    order: NDArray[np.integer]
    starts: NDArray[np.integer]
    rows: NDArray[np.integer]
    share: NDArray[np.float32]
    total: NDArray[np.float64]
    ends: NDArray[np.integer]
    pieces: NDArray[np.int64]
    bounds: NDArray[np.int64]
    terminals: NDArray[np.int64]


@kernel
def places(rows, order, ends):
    """Where entries lead, as places in the order instead of rows of the matrix; ground is n. ends : see Factor."""
    n = order.size
    place, found = np.empty(n + ends.size + 1, rows.dtype), np.empty_like(rows)
    for i in range(n):
        place[order[i]] = i
    for t in range(ends.size):
        place[n + t] = n if ends[t] < 0 else place[ends[t]]
    place[n + ends.size] = n
    for k in range(rows.size):
        found[k] = place[rows[k]]
    return found


@inline
def forward(y, factor, first, last):
    """y = D⁻¹ L⁻¹ y by the columns from `first` to `last`.

    The last entry of a column, its heaviest, takes what the others leave: the shares of a column then add up to 1
    whatever their rounding, and no current leaks to ground where there is no conductance to it.
    """
    order, starts, rows, share, total = factor.order, factor.starts, factor.rows, factor.share, factor.total
    for i in range(first, last):
        a = np.uint64(order[i])
        t = y[a]
        rest, end = t, np.uint64(starts[i + 1]) - np.uint64(1)
        for k in range(np.uint64(starts[i]), end):
            part = share[k] * t
            y[np.uint64(rows[k])] += part
            rest -= part
        y[np.uint64(rows[end])] += rest
        y[a] = t / total[i]


@inline
def backward(y, factor, first, last):
    """y = L⁻ᵀ y by the columns from `last` back to `first`."""
    order, starts, rows, share = factor.order, factor.starts, factor.rows, factor.share
    for i in range(last - 1, first - 1, -1):
        end = np.uint64(starts[i + 1]) - np.uint64(1)
        heaviest = y[np.uint64(rows[end])]
        a = np.uint64(order[i])
        t = y[a] + heaviest
        for k in range(np.uint64(starts[i]), end):
            t += share[k] * (y[np.uint64(rows[k])] - heaviest)
        y[a] = t


@kernel
def go_down(y, r, factor, begin, end):
    """The first half of `apply`, by the columns of the parts from `begin` to `end`."""
    n, bounds, terminals = factor.order.size, factor.bounds, factor.terminals
    for part in range(begin, end):
        for a in range(bounds[part], bounds[part + 1]):
            y[a] = r[a]
        for t in range(terminals[part], terminals[part + 1]):
            y[n + t] = 0.0
        forward(y, factor, factor.pieces[part], factor.pieces[part + 1])


@kernel
def turn_round(y, factor):
    """Between the halves of `apply`: the border, which sums up what parts have handed to their terminals."""
    n, ends, pieces = factor.order.size, factor.ends, factor.pieces
    for t in range(ends.size):
        if ends[t] >= 0:
            y[ends[t]] += y[n + t]
    y[n + ends.size] = 0.0
    forward(y, factor, pieces[-2], pieces[-1])
    y[n + ends.size] = 0.0
    backward(y, factor, pieces[-2], pieces[-1])
    for t in range(ends.size):
        y[n + t] = 0.0 if ends[t] < 0 else y[ends[t]]


@kernel
def go_up(x, y, factor, begin, end):
    """The second half of `apply`, by the columns of the parts from `begin` to `end`."""
    for part in range(begin, end):
        backward(y, factor, factor.pieces[part], factor.pieces[part + 1])
        for a in range(factor.bounds[part], factor.bounds[part + 1]):
            x[a] = y[a]


@kernel
def apply(x, y, r, factor):
    """x = (L D Lᵀ)⁻¹ r, all (n,); y (n + n_terminals + 1,) is scratch. Ground is at 0."""
    go_down(y, r, factor, 0, factor.bounds.size - 1)
    turn_round(y, factor)
    go_up(x, y, factor, 0, factor.bounds.size - 1)
