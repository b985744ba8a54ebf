"""The RK4 step of coupled learning for every linear task and rule, for a block of lanes over one graph.

Where `ensemble.rk4` knows held and target nodes alone, outputs are here any functionals o_k of the voltages, currents
may enter, drops may be held, and several samples may relax side by side. With C = [O D] (outputs, held drops):

    dv/dt = I - L(G) v, within dD_kᵀv/dt as given
    dw/dt = -L(G) w + A r,    r_k = V̇_T - τ o_kᵀ dv/dt + κ (V_T - o_kᵀ v - c o_kᵀ w) + h o_kᵀ L(G) w
    dG/dt = -a R f r_j [mean over samples of Δw (2 Δv + η Δw) + α Δv², plus a bias] + noise, within bounds

Algebraic clamp: τ = h = 1, κ = 0, A = C (CᵀC)⁻¹, which keeps Oᵀ(v + w) = V_T. All else is data too. Edges are walked
flat, in the order of their numbers; this path is for generality, the other one for speed.
"""
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.ensemble.rk4 import DT, FALL, FLOOR, LEARN, NUDGE, Law, constants
from ohmlearn.kernels.law.bounds import limited, resting, top, within
from ohmlearn.kernels.law.gill import advance
from ohmlearn.kernels.law.linear_edge import learning, rate_of_edge
from ohmlearn.kernels.linalg.block_ldlt import pass_current
from ohmlearn.kernels.simd.jit import inline, inner
from ohmlearn.kernels.simd.vectors import at, fma, load, maximum, root, store, where, where_less

# rows of a rule, see above: τ, κ dt, c, h; whether V̇_T counts; dt of v and w, 0 at rate 0; κ; what stands before the
# unit matrix and before o_iᵀ L⁻¹ o_k in the equilibrium of w; α; 1/c0² and 1/memory of the edges; d ln f/dt while C
# falls and while it grows; 1/n_nodes of a floating network, else 0
(TRACK, PULL, BACK, HOLD, FOLLOW, MOVE, KAPPA, UNIT, SHARE, AGE, STEEP, FADE, QUICK, SLOW, FLOATS,
 RULE_ROWS) = range(16)


class Places(NamedTuple):
    """Sizes, and where in the rows of a block things begin: one array of them is passed on much faster than forty.

    n nodes, m edges, K outputs, D held drops, Q = K + D, S samples, C of them at a time, knots of the rate in time;
    remembers : 1 if the rates of edges depend on what these remember, else 0.
    rule : RULE_ROWS. column, spread : Q n, C and A; spread_v : D n, D (DᵀD)⁻¹; used : Q, 1 or 0.
    drive, desired, share : S n, S Q, S: held voltages and injected currents; V_T and held drops; 1/√samples.
    now, aim : C n, C Q, what is shown as a step begins; trend, turn : how far that moves in it; weight : C.
    times, factors : knots. bias, noise, contrast, slope : m. k, q, r : slopes and registers of x, registers of G.
    v, w, given : n; wanted, gap : Q; psi : Q n; couple : K K; ties : D D; delta, rate : S K; error : C K; stiff : 1;
    bounds : 4; scratch : 4 n.
    """

    n: int
    m: int
    K: int
    D: int
    S: int
    C: int
    knots: int
    remembers: int
    rule: int
    column: int
    spread: int
    spread_v: int
    used: int
    drive: int
    desired: int
    share: int
    now: int
    aim: int
    trend: int
    turn: int
    weight: int
    times: int
    factors: int
    bias: int
    noise: int
    contrast: int
    slope: int
    k: int
    q: int
    r: int
    v: int
    w: int
    given: int
    wanted: int
    gap: int
    psi: int
    couple: int
    ties: int
    delta: int
    rate: int
    error: int
    stiff: int
    bounds: int
    scratch: int


class General(NamedTuple):
    """What the stages of a block work on. ends : as in `linalg.graph.Graph`. rows : (rows, lanes), see `Places`.
    nodes : (2 Q + D, n) flat, counts : (2 Q + D,), where the columns of [C A D (DᵀD)⁻¹] are not 0 in all lanes.
    x : (2 n C + 1, lanes) v and w of copy after copy, and ln f. G : (2 m, lanes), and what edges remember."""

    ends: NDArray[np.int32]
    nodes: NDArray[np.int32]
    counts: NDArray[np.int32]
    law: Law
    rows: NDArray[np.float64]
    x: NDArray[np.float64]
    G: NDArray[np.float64]
    at: Places


@inner
def wipe(rows, first, count):
    """Zero `count` rows."""
    for i in range(first, first + count):
        store(rows, i, 0.0)


@inner
def read(b, q, z, first, stride):
    """o_qᵀ z of column q of C, z every `stride`-th row of an array from row `first` on."""
    o, total = b.at, 0.0 * load(z, first)
    for i in range(at(b.counts, q)):
        a = at(b.nodes, q * o.n + i)
        total = fma(load(b.rows, o.column + q * o.n + a), load(z, first + stride * a), total)
    return total


@inner
def read_state(b, q, x, k):
    """o_qᵀ v and o_qᵀ w of the copy whose rows of x begin at `x`, and o_qᵀ of their slopes from row `k` on."""
    o = b.at
    v = w = dv = dw = 0.0 * load(b.rows, k)
    for i in range(at(b.counts, q)):
        a = at(b.nodes, q * o.n + i)
        c = load(b.rows, o.column + q * o.n + a)
        v, w = fma(c, load(b.x, x + 2 * a), v), fma(c, load(b.x, x + 2 * a + 1), w)
        dv, dw = fma(c, load(b.rows, k + 2 * a), dv), fma(c, load(b.rows, k + 2 * a + 1), dw)
    return v, w, dv, dw


@inner
def spread_out(b, q, amount, z, first, stride):
    """z += row `amount` times column q of [C A D (DᵀD)⁻¹]; z as in `read`."""
    o, pushed = b.at, load(b.rows, amount)
    for j in range(at(b.counts, q)):
        a = at(b.nodes, q * o.n + j)
        i = first + stride * a
        store(z, i, fma(load(b.rows, o.column + q * o.n + a), pushed, load(z, i)))


@inline
def flow(rows, x, i, e, k, g, nudge, age):
    """Currents of an edge between rows i and e of x into the nodes, from row k on. Returns what it learns from."""
    dv, dw = load(x, i) - load(x, e), load(x, i + 1) - load(x, e + 1)
    pass_current(rows, k + i, k + e, g * dv)
    pass_current(rows, k + i + 1, k + e + 1, g * dw)
    return fma(age * dv, dv, learning(1.0, nudge, dv, dw))


@inline
def own_rate(law, G, row, remembered, j, steep):
    """The rate of edge j, times -dt, slower by what it remembers."""
    return rate_of_edge(law.learning, j, row[LEARN]) / root(fma(steep, load(G, remembered + j), 1.0))


@inline
def slope(law, row, rate, contrast, bias, noise, g):
    """dt dG/dt of an edge within the bounds, from its rate and what it learns from."""
    return limited(row[FALL], row[FLOOR], top(law.ceiling), fma(rate, contrast + bias, noise), g)


@inner
def flows(b):
    """Currents into the nodes, into rows k, and what the edges learn from, into rows contrast."""
    o, rows = b.at, b.rows
    nudge, age = load(b.law.rows, NUDGE), load(rows, o.rule + AGE)
    wipe(rows, o.k, 2 * o.n * o.C)
    for j in range(o.m):
        g, contrast = load(b.G, j), 0.0 * age
        for copy in range(o.C):
            i, e = at(b.ends, 2 * j) + o.n * copy, at(b.ends, 2 * j + 1) + o.n * copy
            c = flow(rows, b.x, 2 * i, 2 * e, o.k, g, nudge, age)
            contrast = fma(load(rows, o.weight + copy), c, contrast)
        store(rows, o.contrast + j, contrast)


@inner
def slopes(b):
    """dt dG/dt within the bounds, into rows slope, from `flows`."""
    o, rows, law, row = b.at, b.rows, b.law, constants(b.law)
    steep = load(rows, o.rule + STEEP)
    for j in range(o.m):
        rate = rate_of_edge(law.learning, j, row[LEARN])
        if o.remembers:
            rate = own_rate(law, b.G, row, o.m, j, steep)
        c, bias, noise = load(rows, o.contrast + j), load(rows, o.bias + j), load(rows, o.noise + j)
        store(rows, o.slope + j, slope(law, row, rate, c, bias, noise, load(b.G, j)))


@inner
def learn(stage, b):
    """Currents into the nodes, into rows k, and a stage of the conductances and of what edges remember,
    ds/dt = a R (c² - s/memory)."""
    o, rows, law, row = b.at, b.rows, b.law, constants(b.law)
    age, steep, fade = load(rows, o.rule + AGE), load(rows, o.rule + STEEP), load(rows, o.rule + FADE)
    wipe(rows, o.k, 2 * o.n * o.C)
    for j in range(o.m):
        g, c = load(b.G, j), 0.0 * age
        for copy in range(o.C):
            i, e = at(b.ends, 2 * j) + o.n * copy, at(b.ends, 2 * j + 1) + o.n * copy
            learned = flow(rows, b.x, 2 * i, 2 * e, o.k, g, row[NUDGE], age)
            c = fma(load(rows, o.weight + copy), learned, c)
        rate = rate_of_edge(law.learning, j, row[LEARN])
        if o.remembers:
            rate = own_rate(law, b.G, row, o.m, j, steep)
        k = slope(law, row, rate, c, load(rows, o.bias + j), load(rows, o.noise + j), g)
        g, r = advance(stage, g, load(rows, o.r + j), k)
        store(b.G, j, within(row[FLOOR], top(law.ceiling), g))
        store(rows, o.r + j, resting(row[FLOOR], top(law.ceiling), g, r))
        if o.remembers:
            s = load(b.G, o.m + j)
            s, r = advance(stage, s, load(rows, o.r + o.m + j), -row[LEARN] * fma(-fade, s, c * c))
            # A mean of c² that is negative within a step gives no number, and a shorter step; none begins with one.
            store(b.G, o.m + j, maximum(0.0, s) if stage == 3 else s)
            store(rows, o.r + o.m + j, r)


@inner
def constrain(b, copy, fraction):
    """Keep the held drops and the clamp of a copy in its slopes (times dt) at a fraction of the step. Returns how C of
    the copy grows, dC/2."""
    o, rows, rule, n = b.at, b.rows, b.at.rule, b.at.n
    Q, x, k = o.K + o.D, 2 * n * copy, o.k + 2 * n * copy
    growth = 0.0 * load(rows, rule)
    for d in range(o.K, Q):
        gap = load(rows, o.turn + copy * Q + d) - read(b, d, rows, k, 2)
        store(rows, o.gap + d, load(rows, o.used + d) * gap)
    for d in range(o.D):
        spread_out(b, 2 * Q + d, o.gap + o.K + d, rows, k, 2)
    for q in range(o.K):
        turn = load(rows, o.turn + copy * Q + q)
        v, w, moved, pushed = read_state(b, q, x, k)
        error = fma(fraction, turn, load(rows, o.aim + copy * Q + q)) - v
        growth = fma(error, turn - moved, growth)
        left = fma(-load(rows, rule + BACK), w, error)
        gap = fma(load(rows, rule + FOLLOW), turn, -load(rows, rule + TRACK) * moved)
        gap = fma(-load(rows, rule + HOLD), pushed, gap)
        store(rows, o.gap + q, fma(load(rows, rule + PULL), left, gap))
    for d in range(o.K, Q):
        store(rows, o.gap + d, -read(b, d, rows, k + 1, 2))
    for q in range(Q):
        spread_out(b, Q + q, o.gap + q, rows, k + 1, 2)
    return growth


@inner
def move(stage, b, fraction):
    """A stage of v and w of all copies, and of the factor of the rate. Needs `flows`."""
    o, rows, free, last = b.at, b.rows, b.law.free_v, 2 * b.at.n * b.at.C
    step, growth = load(rows, o.rule + MOVE), 0.0 * load(rows, o.rule)
    for copy in range(o.C):
        for a in range(o.n):
            c, i = copy * o.n + a, o.k + 2 * (copy * o.n + a)
            trend = load(rows, o.trend + c)
            current = fma(fraction, trend, load(rows, o.now + c)) + load(rows, i)
            store(rows, i, where(at(free, a), step * current, trend))
            store(rows, i + 1, where(at(free, a), step * load(rows, i + 1), 0.0))
        growth = fma(load(rows, o.weight + copy), constrain(b, copy, fraction), growth)
    rate = where_less(0.0, growth, load(rows, o.rule + SLOW), load(rows, o.rule + QUICK))
    store(rows, o.k + last, load(b.law.rows, DT) * rate)
    for i in range(last + 1):
        x, r = advance(stage, load(b.x, i), load(rows, o.q + i), load(rows, o.k + i))
        store(b.x, i, x)
        store(rows, o.q + i, r)
