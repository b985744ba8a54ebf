"""Equilibria of v and w for every linear task, and the errors of all samples, for a block of lanes (see `stages`).

With ψ_k = L_FF⁻¹ o_k (held drops kept) the clamped difference is w* = Σ ψ_k y_k, (u + s OᵀΨ) y = V_T - Oᵀ v*: u = 0 and
s = 1 for a clamp that holds, u = 1/κ and s = c for one that pulls. The same ψ give how fast the errors change.
"""
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.ensemble.rk4 import LEARN
from ohmlearn.kernels.ensemble.slow_manifold import small_inverse
from ohmlearn.kernels.linalg.block_ldlt import Elimination, Factor, assemble, factorise, pass_current, solve_free
from ohmlearn.kernels.linalg.graph import Graph
from ohmlearn.kernels.simd.jit import inner
from ohmlearn.kernels.simd.vectors import at, fma, load, maximum, root, store, where

from .stages import FLOATS, SHARE, UNIT, read, wipe


class Solves(NamedTuple):
    """What solves need: graph, pattern, factor, and (n_nodes,) uint16 the nodes that are neither held nor grounded."""

    graph: Graph
    pattern: Elimination
    factor: Factor
    free: NDArray[np.uint16]


@inner
def centre(rows, n, floats, first):
    """Take the mean off n rows in lanes that float."""
    total = 0.0 * load(rows, first)
    for a in range(n):
        total = total + load(rows, first + a)
    total = total * load(rows, floats)
    for a in range(n):
        store(rows, first + a, load(rows, first + a) - total)


@inner
def invert(rows, first, size):
    """Invert the (size size) rows of a matrix in all lanes, in place."""
    matrix = rows[first:first + size * size]
    for lane in range(rows.shape[1]):
        small_inverse(matrix, size, lane)


@inner
def combine(rows, matrix, size, into):
    """A row of a (size size) matrix, from `matrix` on, times the `size` rows from `into` on."""
    total = 0.0 * load(rows, matrix)
    for r in range(size):
        total = fma(load(rows, matrix + r), load(rows, into + r), total)
    return total


@inner
def add_times(rows, first, others, n, amount):
    """Add to the n rows from `first` on those from `others` on, times `amount`."""
    for a in range(n):
        store(rows, first + a, fma(load(rows, others + a), amount, load(rows, first + a)))


@inner
def make_up(rows, o, first):
    """Add to the n rows from `first` on what closes the gaps of the held drops."""
    for d in range(o.D):
        amount = combine(rows, o.ties + d * o.D, o.D, o.gap + o.K)
        add_times(rows, first, o.psi + (o.K + d) * o.n, o.n, amount)


@inner
def respond(b, s):
    """Factor L(G), find ψ of all outputs and what couples them."""
    o, rows, z, n = b.at, b.rows, s.factor.solution, b.at.n
    assemble(s.graph, s.pattern, s.free, b.G, s.factor.matrix)
    factorise(s.pattern, s.factor.matrix)
    for q in range(o.K + o.D):
        for a in range(n):
            store(z, a, load(rows, o.column + q * n + a))
        solve_free(s.pattern, s.free, s.factor)
        for a in range(n):
            store(rows, o.psi + q * n + a, load(z, a))
        centre(rows, n, o.rule + FLOATS, o.psi + q * n)
    couple(b, o.ties, o.K, o.D, 1.0 + 0.0 * load(rows, o.rule), 0.0 * load(rows, o.rule))
    for q in range(o.K):
        for d in range(o.K, o.K + o.D):
            store(rows, o.gap + d, -read(b, d, rows, o.psi + q * n, 1))
        make_up(rows, o, o.psi + q * n)
    couple(b, o.couple, 0, o.K, load(rows, o.rule + SHARE), load(rows, o.rule + UNIT))


@inner
def couple(b, matrix, begin, size, share, unit):
    """(unit + share CᵀΨ)⁻¹ of `size` columns from number `begin` on; the unit matrix where a lane has none."""
    o, rows = b.at, b.rows
    for q in range(size):
        for r in range(size):
            one = 1.0 - load(rows, o.used + begin + q) + unit if q == r else 0.0 * unit
            found = read(b, begin + q, rows, o.psi + (begin + r) * o.n, 1)
            store(rows, matrix + q * size + r, fma(share, found, one))
    invert(rows, matrix, size)


@inner
def rest(b, s, drive, aim):
    """v* into rows v, for the n rows of held voltages and currents from `drive` on, held drops among those from `aim`
    on. Needs `respond`."""
    o, rows, z, n = b.at, b.rows, s.factor.solution, b.at.n
    for a in range(n):
        given = load(rows, drive + a)
        store(rows, o.v + a, where(at(b.law.free_v, a), 0.0, given))
        store(z, a, where(at(b.law.free_v, a), given, 0.0))
    for j in range(o.m):
        a, c = at(b.ends, 2 * j), at(b.ends, 2 * j + 1)
        pass_current(z, a, c, load(b.G, j) * (load(rows, o.v + a) - load(rows, o.v + c)))
    solve_free(s.pattern, s.free, s.factor)
    for a in range(n):
        store(rows, o.v + a, load(rows, o.v + a) + load(z, a))
    centre(rows, n, o.rule + FLOATS, o.v)
    for d in range(o.K, o.K + o.D):
        store(rows, o.gap + d, load(rows, aim + d) - read(b, d, rows, o.v, 1))
    make_up(rows, o, o.v)


@inner
def settle(b, s, lanes, fraction):
    """Put v and w of the lanes with a bit in `lanes` on their equilibria at a fraction of the step."""
    respond(b, s)
    place(b, s, lanes, fraction)


@inner
def place(b, s, lanes, fraction):
    """The same as `settle`, after `respond`."""
    o, rows, n, Q = b.at, b.rows, b.at.n, b.at.K + b.at.D
    for copy in range(o.C):
        for a in range(n):
            given = fma(fraction, load(rows, o.trend + copy * n + a), load(rows, o.now + copy * n + a))
            store(rows, o.given + a, given)
        for q in range(Q):
            store(rows, o.wanted + q,
                  fma(fraction, load(rows, o.turn + copy * Q + q), load(rows, o.aim + copy * Q + q)))
        rest(b, s, o.given, o.wanted)
        wipe(rows, o.w, n)
        for q in range(o.K):                                   # δ in place of V_T
            store(rows, o.wanted + q, load(rows, o.wanted + q) - read(b, q, rows, o.v, 1))
        for q in range(o.K):
            store(rows, o.gap, combine(rows, o.couple + q * o.K, o.K, o.wanted))
            add_times(rows, o.w, o.psi + q * n, n, load(rows, o.gap))
        for a in range(n):
            i = 2 * (copy * n + a)
            store(b.x, i, where(lanes, load(rows, o.v + a), load(b.x, i)))
            store(b.x, i + 1, where(lanes, load(rows, o.w + a), load(b.x, i + 1)))


@inner
def stiffness(b):
    """Rate of learning of a sample at rest, 2 a R Σ_j Δv_j² Σ_qr Δψ_q (OᵀΨ)⁻¹_qr Δψ_r, from v* in rows v, times dt; the
    largest of it and of what row stiff has."""
    o, rows, stiff = b.at, b.rows, load(b.rows, b.at.stiff)
    total = 0.0 * stiff
    for j in range(o.m):
        a, c = at(b.ends, 2 * j), at(b.ends, 2 * j + 1)
        dv = load(rows, o.v + a) - load(rows, o.v + c)
        for q in range(o.K):
            for r in range(o.K):
                store(rows, o.gap + r, load(rows, o.psi + r * o.n + a) - load(rows, o.psi + r * o.n + c))
            along = combine(rows, o.couple + q * o.K, o.K, o.gap)
            total = fma(along * load(rows, o.gap + q), dv * dv, total)
    store(rows, o.stiff, maximum(-2.0 * load(b.law.rows, LEARN) * total, stiff))


@inner
def measure(b, s, quasistatic):
    """δ of all samples and outputs into rows delta, how far it moves in a step of G by rows slope into rows rate, both
    times 1/√samples. quasistatic : whether any lane asks for row stiff. Needs `slopes`."""
    o, rows, n, Q = b.at, b.rows, b.at.n, b.at.K + b.at.D
    respond(b, s)
    wipe(rows, o.stiff, 1)
    for k in range(o.S):
        share = load(rows, o.share + k)
        rest(b, s, o.drive + k * n, o.desired + k * Q)
        for q in range(o.K):
            psi, i = o.psi + q * n, k * o.K + q
            error = load(rows, o.desired + k * Q + q) - read(b, q, rows, o.v, 1)
            moved = 0.0 * error
            for j in range(o.m):
                a, c = at(b.ends, 2 * j), at(b.ends, 2 * j + 1)
                response = (load(rows, psi + a) - load(rows, psi + c)) * load(rows, o.slope + j)
                moved = fma(response, load(rows, o.v + a) - load(rows, o.v + c), moved)
            store(rows, o.delta + i, share * error)
            store(rows, o.rate + i, share * moved)
        if quasistatic:
            stiffness(b)


@inner
def note_misfits(b, fraction):
    """V_T - Oᵀ v of the samples shown, times the root of their weights, into rows error. fraction : of a step that V_T
    has moved since rows `aim` were set."""
    o, rows, n = b.at, b.rows, b.at.n
    for copy in range(o.C):
        share = root(load(rows, o.weight + copy))
        for q in range(o.K):
            place = copy * (o.K + o.D) + q
            error = fma(fraction, load(rows, o.turn + place), load(rows, o.aim + place))
            error = error - read(b, q, b.x, 2 * n * copy, 2)
            store(rows, o.error + copy * o.K + q, share * error)
