"""The same for nonlinear edges: the RK4 step of v, w and what learns, equilibria, and the bounds on the step.

    dv/dt = -Σ I(v)                  at nodes that are not held, leaks to ground included
    dw/dt = -Σ [I(v + η w) - I(v)]/η at nodes neither held nor targets; w_T = V_T - v_T; where the clamp pulls,
                                     targets too, with κ (V_T - v_T - share w_T) more
    dθ/dt = -a R Δw (2 Δv + η Δw)    within the bounds on θ, a conductance or a gate voltage

The first node of an edge comes before its second in the order of the kernels; what an edge carries is worked out once,
from its first node, and kept for its second.
"""
import numpy as np
from ohmlearn.kernels.law.bounds import limited, resting, within
from ohmlearn.kernels.law.divided_differences import nudges
from ohmlearn.kernels.law.gill import advance
from ohmlearn.kernels.law.law_type import pair, tangent
from ohmlearn.kernels.law.linear_edge import learning, rate_of_edge
from ohmlearn.kernels.linalg.block_lu import factorise, substitute
from ohmlearn.kernels.nonlinear.edges import highest, leak_of_w, pulled, surroundings_of_w
from ohmlearn.kernels.nonlinear.newton import assemble, forget, newton
from ohmlearn.kernels.simd.elementary import absolute
from ohmlearn.kernels.simd.indirect import address_of
from ohmlearn.kernels.simd.jit import inline, inner, kernel
from ohmlearn.kernels.simd.vectors import at, fma, load, maximum, store, where

from .rk4 import constants, move_node

ROUNDS = 2                     # of the power iteration at an evaluation of C*
STIFF = 5.0                    # times the fastest decay of errors at rate 0: it is followed, and not only kept stable


@inline
def slope(edges, row, j, dv, dw, u):
    """dt dθ/dt of edge j within its bounds."""
    k = learning(rate_of_edge(edges.factor, j, row[1]), row[2], dv, dw)
    return limited(row[4], load(edges.low, j), highest(edges, j), k, u)


@inline
def rk_stage(stage, graph, edges, law, x, out, q, U, Uq):
    row = constants(law)
    dt, e = row[0], nudges(row[2])
    i = 0
    for a in range(graph.lower.size):
        v, w, leak = load(x, 2 * a), load(x, 2 * a + 1), load(edges.leak, a)
        kv, kw = -leak * v, pulled(edges, a, v, w, -leak * w)
        for _ in range(at(graph.lower, a)):           # edges seen for the second time: their currents are known
            j = at(graph.neighbours, i + 1)
            i += 2
            kv, kw = kv + load(edges.current, 2 * j), kw + load(edges.current, 2 * j + 1)
        for _ in range(at(graph.upper, a)):           # edges seen for the first time
            b, j = at(graph.neighbours, i), at(graph.neighbours, i + 1)
            i += 2
            vb, wb, u = load(x, 2 * b), load(x, 2 * b + 1), load(U, j)
            c, d = pair(edges.law, j, (u, 0.0 * u), (v, w), (vb, wb), e)
            store(edges.current, 2 * j, c)
            store(edges.current, 2 * j + 1, d)
            kv, kw = kv - c, kw - d
            low, high = load(edges.low, j), highest(edges, j)
            u, r = advance(stage, u, load(Uq, j), slope(edges, row, j, vb - v, wb - w, u))
            store(U, j, within(low, high, u))
            if stage < 3:
                store(Uq, j, resting(low, high, u, r))
        move_node(stage, law, dt, a, v, w, kv, kw, out, q)


@kernel
def rk4_step(graph, pattern, edges, law, x, y, q, U, Uq):
    """One RK4 step of a block; arguments as for `rk4.rk4_step`; the pattern is not used."""
    rk_stage(0, graph, edges, law, x, y, q, U, Uq)
    rk_stage(1, graph, edges, law, y, x, q, U, Uq)
    rk_stage(2, graph, edges, law, x, y, q, U, Uq)
    rk_stage(3, graph, edges, law, y, x, q, U, Uq)


@kernel
def find_equilibrium(graph, pattern, edges, law, x, U, active):
    """Equilibrium of v of the lanes with an `active` bit into edges.v, from x; the others keep what they have there.
    NaN where none is found: then there is no cost, and the step is taken again, shorter."""
    for a in range(edges.v.shape[0]):
        store(edges.v, a, where(active, load(x, 2 * a), load(edges.v, a)))
    forget(edges.newton, active)
    failed = newton(graph, pattern, edges.law, edges.leak, edges.nothing, edges.nothing, law.free_v, U,
                    edges.v, None, edges.eta, active,
                    edges.newton)[0]
    mark(edges.v, failed)


@kernel
def find_difference(graph, pattern, edges, law, x, U, active):
    """Equilibrium of w of the lanes with an `active` bit into edges.w, at v and from w of x."""
    for a in range(edges.v.shape[0]):
        store(edges.v, a, where(active, load(x, 2 * a), load(edges.v, a)))
        store(edges.w, a, where(active, load(x, 2 * a + 1), load(edges.w, a)))
    store(edges.eta, 0, constants(law)[2])
    leak, inject = surroundings_of_w(edges, None)
    failed = newton(graph, pattern, edges.law, leak, edges.nothing, inject, law.free_w, U, edges.v, edges.w, edges.eta,
                    active, edges.newton)[0]
    mark(edges.w, failed)


@inner
def mark(z, failed):
    """NaN in the lanes of z (rows, lanes) with a `failed` bit."""
    if failed:
        for a in range(z.shape[0]):
            store(z, a, where(failed, np.nan, load(z, a)))


@inner
def drift(graph, pattern, edges, law, x, U, out):
    """How far the equilibrium edges.v moves in a step dt as θ learns: dt dv*/dt = -J⁻¹ Σ (∂I/∂θ) dt dθ/dt, dθ/dt at x,
    into out (n_nodes, lanes)."""
    row, work = constants(law), edges.newton
    assemble(graph, pattern, edges.law, edges.leak, edges.nothing, edges.nothing, law.free_v, U, edges.v, None,
             edges.eta, 0, work)
    factorise(pattern, work.matrix, work.upper)
    for a in range(out.shape[0]):
        store(out, a, 0.0)
    for j in range(U.shape[0]):
        a, b, u = at(graph.ends, 2 * j), at(graph.ends, 2 * j + 1), load(U, j)
        dv, dw = load(x, 2 * a) - load(x, 2 * b), load(x, 2 * a + 1) - load(x, 2 * b + 1)
        by_u = tangent(edges.law, j, u, load(edges.v, a), load(edges.v, b), load(work.kept, j))[3]
        i = by_u * slope(edges, row, j, dv, dw, u)
        store(out, a, load(out, a) - i)
        store(out, b, load(out, b) + i)
    for a in range(out.shape[0]):
        store(out, a, where(at(law.free_v, a), load(out, a), 0.0))
    substitute(pattern, work.matrix, work.upper, out)


@inner
def fastest(graph, edges, law, x, U, due, peak, scratch, out):
    """Upper bounds for each lane with a `due` bit, into out (2, lanes); see `step_bounds.fastest`. The Jacobian is not
    symmetric: |J| z / z bounds the size of its eigenvalues too. Of the derivatives in the free and the clamped state
    the larger one counts."""
    n, zero, eta = graph.lower.size, 0.0 * load(U, 0), constants(law)[2]
    for i in range(scratch.shape[0]):
        store(scratch, i, 0.0)
    for j in range(U.shape[0]):
        a, b, u = at(graph.ends, 2 * j), at(graph.ends, 2 * j + 1), load(U, j)
        va, wa, vb, wb = load(x, 2 * a), load(x, 2 * a + 1), load(x, 2 * b), load(x, 2 * b + 1)
        kept = load(edges.newton.kept, j)
        _, f1, f2, by_u, _ = tangent(edges.law, j, u, va, vb, kept)
        _, c1, c2, _, _ = tangent(edges.law, j, u, fma(eta, wa, va), fma(eta, wb, vb), kept)
        g1, g2 = maximum(absolute(f1), absolute(c1)), maximum(absolute(f2), absolute(c2))
        felt = rate_of_edge(edges.factor, j, absolute(by_u * (va - vb)))
        store(scratch, a, load(scratch, a) + g1)
        store(scratch, b, load(scratch, b) + g2)
        store(scratch, n + a, fma(g2, load(peak, b), load(scratch, n + a)))
        store(scratch, n + b, fma(g1, load(peak, a), load(scratch, n + b)))
        store(scratch, 2 * n + a, load(scratch, 2 * n + a) + felt)
        store(scratch, 2 * n + b, load(scratch, 2 * n + b) + felt)
    relaxation = learned = zero
    for a in range(n):
        learned = maximum(learned, where(at(law.free_v, a), 2.0 * load(scratch, 2 * n + a), 0.0))
        ratio = load(scratch, a) + leak_of_w(edges, a) + load(scratch, n + a) / load(peak, a)
        relaxation = maximum(relaxation, where(at(law.free_v, a), ratio, 0.0))
        store(scratch, a, ratio * load(peak, a))
    for a in range(n):
        store(peak, a, where(at(law.free_v, a) & due, load(scratch, a) / relaxation + 1e-3, load(peak, a)))
    store(out, 0, relaxation)
    store(out, 1, learned)


@inner
def begin_peak(law, due, peak):
    """Begin the estimate of the eigenvector of the lanes with a `due` bit anew."""
    for a in range(peak.shape[0]):
        store(peak, a, where(due, where(at(law.free_v, a), 1.0 + 0.0 * load(peak, a), 0.0), load(peak, a)))


@kernel
def equilibrate(graph, pattern, edges, law, x, U, part, active):
    """Equilibria of the lanes with an `active` bit, of v (part 0) into edges.v, of w (part 1) into edges.w."""
    if part == 0:
        find_equilibrium(graph, pattern, edges, law, x, U, active)
    else:
        find_difference(graph, pattern, edges, law, x, U, active)


@kernel
def evaluate(graph, pattern, edges, law, x, U, due, out, target, peak, scratch, bounds):
    """v* of the lanes with a `due` bit into edges.v, its drift in a step into out, and bounds on their steps."""
    find_equilibrium(graph, pattern, edges, law, x, U, due)
    drift(graph, pattern, edges, law, x, U, out)
    for _ in range(ROUNDS):
        fastest(graph, edges, law, x, U, due, peak, scratch, bounds)


@kernel
def at_equilibrium(graph, pattern, edges, law, x, U):
    """v and w of x (2 n_nodes, lanes) at their equilibria for what the edges have learned: w_T = V_T - v_T."""
    everyone = (1 << x.shape[1]) - 1
    find_equilibrium(graph, pattern, edges, law, x, U, everyone)
    for a in range(edges.v.shape[0]):
        moved = load(edges.v, a) - load(x, 2 * a)
        store(x, 2 * a, load(edges.v, a))
        store(x, 2 * a + 1, where(at(law.target, a), load(x, 2 * a + 1) - moved, load(x, 2 * a + 1)))
    find_difference(graph, pattern, edges, law, x, U, everyone)
    for a in range(edges.w.shape[0]):
        store(x, 2 * a + 1, load(edges.w, a))


@kernel
def quasistatic_step(graph, pattern, edges, law, x, y, q, U, Uq):
    """One RK4 step of what learns at rate 0, where v and w are at equilibrium (paper 1, Eq. 1): x at its beginning and
    at its end. y and q are not used."""
    row = constants(law)
    for stage in range(4):
        for j in range(U.shape[0]):
            a, b, u = at(graph.ends, 2 * j), at(graph.ends, 2 * j + 1), load(U, j)
            dv, dw = load(x, 2 * b) - load(x, 2 * a), load(x, 2 * b + 1) - load(x, 2 * a + 1)
            low, high, k = load(edges.low, j), highest(edges, j), slope(edges, row, j, dv, dw, u)
            if stage == 0:
                u, r = advance(0, u, load(Uq, j), k)
            elif stage == 1:
                u, r = advance(1, u, load(Uq, j), k)
            elif stage == 2:
                u, r = advance(2, u, load(Uq, j), k)
            else:
                u, r = advance(3, u, load(Uq, j), k)
            store(U, j, within(low, high, u))
            store(Uq, j, resting(low, high, u, r))
        at_equilibrium(graph, pattern, edges, law, x, U)


@kernel
def learning_stiffness(graph, pattern, edges, law, target, x, U, bounds):
    """Bound on the rate at which errors decay at rate 0, times dt, into bounds[0] (bounds (2, lanes)): the largest row
    of dδ/dt = -K δ, with w linear in δ and η = 0. bounds[1] is 0."""
    work, row, n, m = edges.newton, constants(law), law.free_v.size, U.shape[0]
    everyone = (1 << x.shape[1]) - 1
    rows = np.zeros((target.shape[0], x.shape[1]))
    for k in range(target.shape[0]):                        # w with δ = 1 at this target, 0 at the others
        for a in range(n):
            store(edges.v, a, load(x, 2 * a))
            store(edges.w, a, 0.0)
        for lane in range(x.shape[1]):
            if target[k, lane] >= 0:
                edges.w[target[k, lane], lane] = 1.0
        store(edges.eta, 0, 0.0)
        leak, inject = surroundings_of_w(edges, edges.w)
        newton(graph, pattern, edges.law, leak, edges.nothing, inject, law.free_w, U, edges.v, edges.w, edges.eta,
               everyone, work)
        assemble(graph, pattern, edges.law, edges.leak, edges.nothing, edges.nothing, law.free_v, U, edges.v, None,
                 edges.eta, 0, work)
        factorise(pattern, work.matrix, work.upper)
        z = work.current
        for a in range(n):
            store(z, a, 0.0)
        for j in range(m):
            a, b, u = at(graph.ends, 2 * j), at(graph.ends, 2 * j + 1), load(U, j)
            dv, dw = load(edges.v, a) - load(edges.v, b), load(edges.w, a) - load(edges.w, b)
            i = tangent(edges.law, j, u, load(edges.v, a), load(edges.v, b), load(work.kept, j))[3]
            i = i * learning(rate_of_edge(edges.factor, j, row[1]), 0.0, dv, dw)
            store(z, a, load(z, a) - i)
            store(z, b, load(z, b) + i)
        for a in range(n):
            store(z, a, where(at(law.free_v, a), load(z, a), 0.0))
        substitute(pattern, work.matrix, work.upper, z)
        for lane in range(x.shape[1]):
            for i in range(target.shape[0]):
                if target[i, lane] >= 0 and target[k, lane] >= 0:
                    rows[i, lane] += abs(z[target[i, lane], lane])
    for lane in range(x.shape[1]):
        bounds[0, lane] = 0.0
        bounds[1, lane] = 0.0
        for i in range(target.shape[0]):
            bounds[0, lane] = max(bounds[0, lane], rows[i, lane])


@kernel
def evaluate_quasistatic(graph, pattern, edges, law, x, U, due, out, target, peak, scratch, bounds):
    """`evaluate` at rate 0."""
    learning_stiffness(graph, pattern, edges, law, target, x, U, bounds)
    for lane in range(bounds.shape[1]):
        bounds[0, lane] = max(1e-300, STIFF * bounds[0, lane] / law.rows[0, lane])
    find_equilibrium(graph, pattern, edges, law, x, U, due)
    drift(graph, pattern, edges, law, x, U, out)


STEP, EQUILIBRATE, EVALUATE, ENTRIES = range(4)     # places in Nonlinear.entries


def entries(block, edges, quasistatic):
    """(ENTRIES,) addresses of the kernels that step, equilibrate and evaluate a block, compiled for the laws of these
    edges. quasistatic : at rate 0, or at rates above it."""
    b, law = block, block.law
    given = b.graph, b.pattern, edges, law
    return np.array([
        address_of(quasistatic_step if quasistatic else rk4_step, *given, b.x, b.y, b.q, b.G, b.Gq),
        address_of(equilibrate, *given, b.x, b.G, 0, 0),
        address_of(evaluate_quasistatic if quasistatic else evaluate, *given, b.x, b.G, 0, b.x, b.lanes.target, b.peak,
                   b.scratch, b.bounds)])
