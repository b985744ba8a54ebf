"""The same for nonlinear edges: the RK4 step of v, w and what learns, equilibria, and the bounds on the step.

    dv/dt = -Σ I(v)                  at nodes that are not held, leaks to ground included
    dw/dt = -Σ [I(v + η w) - I(v)]/η at nodes neither held nor targets; w_T = V_T - v_T
    dθ/dt = -a R Δw (2 Δv + η Δw)    within the bounds on θ, a conductance or a gate voltage
"""
import numpy as np
from ohmlearn.kernels.law.bounds import limited, resting, within
from ohmlearn.kernels.law.divided_differences import nudges
from ohmlearn.kernels.law.gill import advance
from ohmlearn.kernels.law.law_type import pair, tangent
from ohmlearn.kernels.law.linear_edge import learning
from ohmlearn.kernels.linalg.block_lu import factorise, substitute
from ohmlearn.kernels.nonlinear.newton import assemble, by_learned, newton
from ohmlearn.kernels.simd.elementary import absolute
from ohmlearn.kernels.simd.jit import inline, kernel
from ohmlearn.kernels.simd.vectors import at, fma, load, maximum, store, where

from .rk4 import constants


@inline
def slope(edges, row, j, dv, dw, u):
    """dt dθ/dt of edge j within its bounds."""
    k = learning(row[1] * load(edges.factor, j), row[2], dv, dw)
    return limited(row[4], load(edges.low, j), load(edges.high, j), k, u)


@inline
def rk_stage(stage, graph, edges, law, x, k, q, U, Uq):
    row = constants(law)
    dt, e = row[0], nudges(row[2])
    for a in range(graph.lower.size):
        leak = load(edges.leak, a)
        store(k, 2 * a, fma(-leak, load(x, 2 * a), load(edges.inject, a)))
        store(k, 2 * a + 1, -leak * load(x, 2 * a + 1))
    for j in range(edges.factor.size):
        a, b, u = at(graph.ends, 2 * j), at(graph.ends, 2 * j + 1), load(U, j)
        va, wa, vb, wb = load(x, 2 * a), load(x, 2 * a + 1), load(x, 2 * b), load(x, 2 * b + 1)
        i, d = pair(edges.law, j, (u, 0.0 * u), (va, wa), (vb, wb), e)
        store(k, 2 * a, load(k, 2 * a) - i)
        store(k, 2 * a + 1, load(k, 2 * a + 1) - d)
        store(k, 2 * b, load(k, 2 * b) + i)
        store(k, 2 * b + 1, load(k, 2 * b + 1) + d)
        low, high = load(edges.low, j), load(edges.high, j)
        u, r = advance(stage, u, load(Uq, j), slope(edges, row, j, vb - va, wb - wa, u))
        store(U, j, within(low, high, u))
        if stage < 3:
            store(Uq, j, resting(low, high, u, r))
    for a in range(graph.lower.size):
        kv = where(at(law.free_v, a), dt * load(k, 2 * a), 0.0)
        kw = where(at(law.free_w, a), dt * load(k, 2 * a + 1), 0.0)
        kw = where(at(law.target, a), -kv, kw)        # w_T = V_T - v_T
        v, rv = advance(stage, load(x, 2 * a), load(q, 2 * a), kv)
        w, rw = advance(stage, load(x, 2 * a + 1), load(q, 2 * a + 1), kw)
        store(x, 2 * a, v)
        store(x, 2 * a + 1, w)
        if stage < 3:
            store(q, 2 * a, rv)
            store(q, 2 * a + 1, rw)


@kernel
def rk4_step(graph, edges, law, x, k, q, U, Uq):
    """One RK4 step of a block; arguments as for `rk4.rk4_step`, k and q scratch."""
    rk_stage(0, graph, edges, law, x, k, q, U, Uq)
    rk_stage(1, graph, edges, law, x, k, q, U, Uq)
    rk_stage(2, graph, edges, law, x, k, q, U, Uq)
    rk_stage(3, graph, edges, law, x, k, q, U, Uq)


@kernel
def find_equilibrium(graph, pattern, edges, law, x, U, active):
    """Equilibrium of v of the lanes with an `active` bit into edges.v, from x; the others keep what they have there.
    NaN where none is found: then there is no cost, and the step is taken again, shorter."""
    for a in range(edges.v.shape[0]):
        store(edges.v, a, where(active, load(x, 2 * a), load(edges.v, a)))
    failed = newton(graph, pattern, edges.law, edges.leak, edges.inject, law.free_v, U, edges.v, None, edges.eta, active,
                    edges.newton)[0]
    mark(edges.v, failed)


@kernel
def find_difference(graph, pattern, edges, law, x, U, active):
    """Equilibrium of w of the lanes with an `active` bit into edges.w, at v and from w of x."""
    for a in range(edges.v.shape[0]):
        store(edges.v, a, where(active, load(x, 2 * a), load(edges.v, a)))
        store(edges.w, a, where(active, load(x, 2 * a + 1), load(edges.w, a)))
    store(edges.eta, 0, constants(law)[2])
    failed = newton(graph, pattern, edges.law, edges.leak, edges.inject, law.free_w, U, edges.v, edges.w, edges.eta,
                    active, edges.newton)[0]
    mark(edges.w, failed)


@kernel
def mark(z, failed):
    """NaN in the lanes of z (rows, lanes) with a `failed` bit."""
    if failed:
        for a in range(z.shape[0]):
            store(z, a, where(failed, np.nan, load(z, a)))


@kernel
def drift(graph, pattern, edges, law, x, U, out):
    """How far the equilibrium edges.v moves in a step dt as θ learns: dt dv*/dt = -J⁻¹ Σ (∂I/∂θ) dt dθ/dt, dθ/dt at x,
    into out (n_nodes, lanes)."""
    row, work = constants(law), edges.newton
    assemble(graph, pattern, edges.law, edges.leak, edges.inject, law.free_v, U, edges.v, None, edges.eta, 0, work)
    factorise(pattern, work.matrix, work.upper)
    for a in range(out.shape[0]):
        store(out, a, 0.0)
    for j in range(edges.factor.size):
        a, b, u = at(graph.ends, 2 * j), at(graph.ends, 2 * j + 1), load(U, j)
        dv, dw = load(x, 2 * a) - load(x, 2 * b), load(x, 2 * a + 1) - load(x, 2 * b + 1)
        i = by_learned(edges.law, j, u, load(edges.v, a), load(edges.v, b)) * slope(edges, row, j, dv, dw, u)
        store(out, a, load(out, a) - i)
        store(out, b, load(out, b) + i)
    for a in range(out.shape[0]):
        store(out, a, where(at(law.free_v, a), load(out, a), 0.0))
    substitute(pattern, work.matrix, work.upper, out)


@kernel
def fastest(graph, edges, law, x, U, due, peak, scratch, out):
    """Upper bounds for each lane with a `due` bit, into out (2, lanes); see `step_bounds.fastest`. The Jacobian is not
    symmetric: |J| z / z bounds the size of its eigenvalues too. Of the derivatives in the free and the clamped state
    the larger one counts."""
    n, zero, eta = graph.lower.size, 0.0 * load(U, 0), constants(law)[2]
    for i in range(scratch.shape[0]):
        store(scratch, i, 0.0)
    for j in range(edges.factor.size):
        a, b, u = at(graph.ends, 2 * j), at(graph.ends, 2 * j + 1), load(U, j)
        va, wa, vb, wb = load(x, 2 * a), load(x, 2 * a + 1), load(x, 2 * b), load(x, 2 * b + 1)
        kept = load(edges.newton.kept, j)
        _, f1, f2, _ = tangent(edges.law, j, u, va, vb, kept)
        _, c1, c2, _ = tangent(edges.law, j, u, fma(eta, wa, va), fma(eta, wb, vb), kept)
        g1, g2 = maximum(absolute(f1), absolute(c1)), maximum(absolute(f2), absolute(c2))
        felt = absolute(by_learned(edges.law, j, u, va, vb) * (va - vb)) * load(edges.factor, j)
        store(scratch, a, load(scratch, a) + g1)
        store(scratch, b, load(scratch, b) + g2)
        store(scratch, n + a, fma(g2, load(peak, b), load(scratch, n + a)))
        store(scratch, n + b, fma(g1, load(peak, a), load(scratch, n + b)))
        store(scratch, 2 * n + a, load(scratch, 2 * n + a) + felt)
        store(scratch, 2 * n + b, load(scratch, 2 * n + b) + felt)
    relaxation = learned = zero
    for a in range(n):
        learned = maximum(learned, where(at(law.free_v, a), 2.0 * load(scratch, 2 * n + a), 0.0))
        ratio = load(scratch, a) + load(edges.leak, a) + load(scratch, n + a) / load(peak, a)
        relaxation = maximum(relaxation, where(at(law.free_v, a), ratio, 0.0))
        store(scratch, a, ratio * load(peak, a))
    for a in range(n):
        store(peak, a, where(at(law.free_v, a) & due, load(scratch, a) / relaxation + 1e-3, load(peak, a)))
    store(out, 0, relaxation)
    store(out, 1, learned)


@kernel
def begin_peak(law, due, peak):
    """Begin the estimate of the eigenvector of the lanes with a `due` bit anew."""
    for a in range(peak.shape[0]):
        store(peak, a, where(due, where(at(law.free_v, a), 1.0 + 0.0 * load(peak, a), 0.0), load(peak, a)))
