"""The RK4 step of nonequilibrium coupled learning, for a block of lanes over one graph (paper 1, Eq. 3).

    dv/dt = I - L(G) v               at nodes that are not held
    dw/dt = -L(G) w                  at nodes neither held nor targets; w_T = V_T - v_T, so dw_T/dt = -dv_T/dt
    dG/dt = -a R Δw (2 Δv + η Δw)    within the bounds on G

Node by node, an edge is seen from both its ends and updated on the second visit.
"""
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.law.bounds import limited, resting, top, within
from ohmlearn.kernels.law.gill import advance
from ohmlearn.kernels.law.linear_edge import learning_of_doubled, rate_of_edge, with_current
from ohmlearn.kernels.linalg.block_ldlt import clear, pass_current, solve_free
from ohmlearn.kernels.simd.jit import inline, inner
from ohmlearn.kernels.simd.vectors import at, load, store, where


@inner
def drift(graph, pattern, law, G, x, v, factor):
    """How far the equilibrium v (n_nodes, lanes) moves in a step dt as G learns, into factor.solution:
    dt dv*/dt = -(L_FF)⁻¹ [L(dt dG/dt) v]_F, dG/dt at x (2 n_nodes, lanes). Needs the factor of L(G)."""
    row = constants(law)
    clear(factor.solution)
    for j in range(pattern.slot.size):
        a, b = at(graph.ends, 2 * j), at(graph.ends, 2 * j + 1)
        dv, dw = load(x, 2 * a) - load(x, 2 * b), load(x, 2 * a + 1) - load(x, 2 * b + 1)
        slope = learning_slope(law, row, j, dv, dw, load(G, j))
        pass_current(factor.solution, a, b, slope * (load(v, a) - load(v, b)))
    solve_free(pattern, law.free_v, factor)


class Law(NamedTuple):
    """What a lane obeys; rows of one number a lane, in the float type of the state. Times dt where named so.

    free_v, free_w, target : (n_nodes,) uint16, a bit a lane: v moves, w moves by physics, w follows -v.
    rows : (ROWS, lanes), see the constants below.
    ceiling : (1, lanes) or None. learning : (n_edges, lanes) factor of R at every edge, or None for 1.
    """

    free_v: NDArray[np.uint16]
    free_w: NDArray[np.uint16]
    target: NDArray[np.uint16]
    rows: NDArray[np.float64]
    ceiling: NDArray[np.float64] | None
    learning: NDArray[np.float64] | None


# rows of Law.rows: dt; -a R dt; η; G_min; how fast G may fall towards G_min, times dt (law/bounds.py)
DT, LEARN, NUDGE, FLOOR, FALL, ROWS = 0, 1, 2, 3, 4, 5


@inline
def constants(law):
    """The rows of `law.rows`, loaded once a stage."""
    rows = law.rows
    return load(rows, DT), load(rows, LEARN), load(rows, NUDGE), load(rows, FLOOR), load(rows, FALL)


@inline
def learning_slope(law, row, j, dv, dw, g):
    """dt dG/dt of edge j within the bounds on G: -a R dt Δw (2 Δv + η Δw)."""
    k = learning_of_doubled(rate_of_edge(law.learning, j, row[LEARN] + row[LEARN]), 0.5 * row[NUDGE], dv, dw)
    return limited(row[FALL], row[FLOOR], top(law.ceiling), k, g)


@inline
def move_node(stage, law, dt, a, v, w, kv, kw, out, q):
    """Move v and w of node a by a stage, from their slopes kv and kw."""
    kv = where(at(law.free_v, a), dt * kv, 0.0)
    kw = where(at(law.free_w, a), dt * kw, 0.0)
    kw = where(at(law.target, a), -kv, kw)            # w_T = V_T - v_T
    v, rv = advance(stage, v, load(q, 2 * a), kv)
    w, rw = advance(stage, w, load(q, 2 * a + 1), kw)
    store(out, 2 * a, v)
    store(out, 2 * a + 1, w)
    if stage < 3:
        store(q, 2 * a, rv)
        store(q, 2 * a + 1, rw)


@inline
def rk_stage(stage, graph, law, x, out, q, G, Gq):
    row = constants(law)
    dt = row[DT]
    i = 0
    for a in range(graph.lower.size):
        v, w = load(x, 2 * a), load(x, 2 * a + 1)
        kv, kw = 0.0 * dt, 0.0 * dt
        for _ in range(at(graph.lower, a)):           # edges seen for the second time: use, then update
            b, j = at(graph.neighbours, i), at(graph.neighbours, i + 1)
            i += 2
            dv, dw, g = load(x, 2 * b) - v, load(x, 2 * b + 1) - w, load(G, j)
            kv, kw = with_current(g, dv, kv), with_current(g, dw, kw)
            g, r = advance(stage, g, load(Gq, j), learning_slope(law, row, j, dv, dw, g))
            store(G, j, within(row[FLOOR], top(law.ceiling), g))
            if stage == 1:                            # where half a step is taken anew, G hardly moves
                store(Gq, j, r)
            elif stage < 3:
                store(Gq, j, resting(row[FLOOR], top(law.ceiling), g, r))
        for _ in range(at(graph.upper, a)):           # edges seen for the first time
            b, j = at(graph.neighbours, i), at(graph.neighbours, i + 1)
            i += 2
            g = load(G, j)
            kv, kw = with_current(g, load(x, 2 * b) - v, kv), with_current(g, load(x, 2 * b + 1) - w, kw)
        move_node(stage, law, dt, a, v, w, kv, kw, out, q)


@inner
def rk4_step(graph, law, x, y, q, G, Gq):
    """One RK4 step of a block: x (2 n_nodes, lanes), v and w interleaved, and G (n_edges, lanes), in place.

    y and q (2 n_nodes, lanes) and Gq (n_edges, lanes) are scratch. All 64-byte aligned.
    """
    rk_stage(0, graph, law, x, y, q, G, Gq)
    rk_stage(1, graph, law, y, x, q, G, Gq)
    rk_stage(2, graph, law, x, y, q, G, Gq)
    rk_stage(3, graph, law, y, x, q, G, Gq)
