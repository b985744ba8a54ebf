"""The slow manifold: at small R the voltages follow G, and are functions of it.

To first order in R, v and w lag behind their equilibria v* and w* by what relaxation needs to follow them:

    v = v* - L_FF⁻¹ dv*/dt,    w_T = V_T - v_T,    w_I = -L_II⁻¹ (L_IT w_T + dw*_I/dt)

and dG/dt is that of (v, w). All solves share the factor of L_FF: with Ψ = L_FF⁻¹ E_T and Φ = Ψ (E_Tᵀ Ψ)⁻¹, the vector
that obeys L z = r at the nodes I (free, no target) and is given at the targets is z = y + Φ (z_T - y_T) with
y = L_FF⁻¹ r. At rate 0 the lag is left out, and what remains is the quasistatic limit (paper 1, Eq. 1).
"""
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.law.bounds import stopped, top
from ohmlearn.kernels.law.linear_edge import learning, rate_of_edge
from ohmlearn.kernels.linalg.block_ldlt import assemble, clear, copy, factorise, pass_current, relax, solve_free
from ohmlearn.kernels.simd.jit import inline, inner
from ohmlearn.kernels.simd.vectors import at, fma, load, store, where

RATE, FALL, LAG, NUDGE, FLOOR, SLOW_ROWS = 0, 1, 2, 3, 4, 5


class Slow(NamedTuple):
    """Work space, all (rows, lanes) in the float type of the state; T targets, n nodes, m edges.

    rows : constants of the lanes, see above: -a R, how fast G may fall, 1 for the lag or 0, η, G_min.
    v, w : (n,) v* and w*. v_lag, w_lag : (n,) on the manifold. psi, phi : (T n,).
    given : (T,) voltages given at the targets. couple : (T T,).
    still, rate : (m,) dG/dt at (v*, w*) and on the manifold.
    """

    rows: NDArray[np.float64]
    v: NDArray[np.float64]
    w: NDArray[np.float64]
    v_lag: NDArray[np.float64]
    w_lag: NDArray[np.float64]
    psi: NDArray[np.float64]
    phi: NDArray[np.float64]
    given: NDArray[np.float64]
    couple: NDArray[np.float64]
    still: NDArray[np.float64]
    rate: NDArray[np.float64]


@inline
def raw_slope(rows, law, j, dv, dw):
    """dG/dt of edge j without its bounds."""
    return learning(rate_of_edge(law.learning, j, load(rows, RATE)), load(rows, NUDGE), dv, dw)


@inline
def free_slope(rows, law, k, g):
    """The slope k, and 0 where it would bring G to its floor or ceiling at once."""
    return stopped(load(rows, FALL), load(rows, FLOOR), top(law.ceiling), k, g)


@inner
def small_inverse(matrix, size, lane):
    """Invert the (size size, lanes) matrix of a lane in place, by Gauss-Jordan without pivoting."""
    for k in range(size):
        pivot = 1.0 / matrix[k * size + k, lane]
        matrix[k * size + k, lane] = 1.0
        for j in range(size):
            matrix[k * size + j, lane] *= pivot
        for i in range(size):
            if i != k:
                ratio = matrix[i * size + k, lane]
                matrix[i * size + k, lane] = 0.0
                for j in range(size):
                    matrix[i * size + j, lane] -= ratio * matrix[k * size + j, lane]


@inner
def at_targets(target, z, out):
    """Values of z (n_nodes, lanes) at the targets, into out (n_targets, lanes); 0 where a lane has fewer targets."""
    for k in range(target.shape[0]):
        for lane in range(target.shape[1]):
            out[k, lane] = z[target[k, lane], lane] if target[k, lane] >= 0 else 0.0


@inner
def respond(pattern, law, target, slow, factor):
    """Ψ and Φ, the responses to currents and to voltages at the targets. Needs the factor of L_FF."""
    size, n, z = target.shape[0], law.free_v.size, factor.solution
    for k in range(size):
        clear(z)
        for lane in range(target.shape[1]):
            if target[k, lane] >= 0:
                z[target[k, lane], lane] = 1.0
        solve_free(pattern, law.free_v, factor)
        for a in range(n):
            store(slow.psi, k * n + a, load(z, a))
        at_targets(target, z, slow.given)
        for i in range(size):
            for lane in range(target.shape[1]):
                one = 1.0 if i == k else 0.0
                slow.couple[i * size + k, lane] = slow.given[i, lane] if target[k, lane] >= 0 else one
    for lane in range(target.shape[1]):
        small_inverse(slow.couple, size, lane)
    for k in range(size):
        for a in range(n):
            total = 0.0 * load(slow.psi, a)
            for i in range(size):
                total = fma(load(slow.psi, i * n + a), load(slow.couple, i * size + k), total)
            store(slow.phi, k * n + a, total)


@inner
def balance(graph, pattern, law, weight, z, factor):
    """Solve L_FF y = -[L(weight) z]_F into factor.solution; weight (n_edges, lanes), z (n_nodes, lanes)."""
    clear(factor.solution)
    for j in range(weight.shape[0]):
        a, b = at(graph.ends, 2 * j), at(graph.ends, 2 * j + 1)
        pass_current(factor.solution, a, b, load(weight, j) * (load(z, a) - load(z, b)))
    solve_free(pattern, law.free_v, factor)


@inner
def follow_up(pattern, law, z, factor):
    """Solve L_FF y = z into factor.solution, z (n_nodes, lanes)."""
    copy(factor.solution, z)
    solve_free(pattern, law.free_v, factor)


@inner
def clamp_to(z, target, slow, factor):
    """Into z (n_nodes, lanes): what has the balance of factor.solution at the nodes I and slow.given at the targets."""
    n, y = z.shape[0], factor.solution
    for k in range(target.shape[0]):
        for lane in range(target.shape[1]):
            if target[k, lane] >= 0:
                slow.given[k, lane] -= y[target[k, lane], lane]
    for a in range(n):
        total = load(y, a)
        for k in range(target.shape[0]):
            total = fma(load(slow.phi, k * n + a), load(slow.given, k), total)
        store(z, a, total)


@inner
def slopes(graph, law, v, w, G, rows, out):
    """dG/dt at voltages v and w (n_nodes, lanes) into out (n_edges, lanes)."""
    for j in range(G.shape[0]):
        a, b = at(graph.ends, 2 * j), at(graph.ends, 2 * j + 1)
        k = raw_slope(rows, law, j, load(v, a) - load(v, b), load(w, a) - load(w, b))
        store(out, j, free_slope(rows, law, k, load(G, j)))


@inner
def quasistatic(graph, pattern, law, p, G, x, slow, factor):
    """v*, w*, dG/dt of them and δ = V_T - v*_T of all lanes p at the conductances G."""
    assemble(graph, pattern, law.free_v, G, factor.matrix)
    factorise(pattern, factor.matrix)
    relax(graph, pattern, law.free_v, G, x, 0, slow.v, factor)
    respond(pattern, law, p.target, slow, factor)
    at_targets(p.target, slow.v, slow.given)
    for k in range(p.target.shape[0]):
        for lane in range(p.target.shape[1]):
            p.delta[k, lane] = p.desired[k, lane] - slow.given[k, lane] if p.target[k, lane] >= 0 else 0.0
            slow.given[k, lane] = p.delta[k, lane]
    clear(factor.solution)
    clamp_to(slow.w, p.target, slow, factor)
    slopes(graph, law, slow.v, slow.w, G, slow.rows, slow.still)


@inner
def lagging(graph, pattern, law, p, G, slow, factor):
    """v, w and dG/dt on the manifold and dδ/dt, from the quasistatic ones."""
    n, lag, target = law.free_v.size, load(slow.rows, LAG), p.target
    balance(graph, pattern, law, slow.still, slow.v, factor)
    for a in range(n):
        store(slow.v_lag, a, lag * load(factor.solution, a))                      # dv*/dt
    at_targets(target, slow.v_lag, slow.given)
    for k in range(target.shape[0]):
        store(slow.given, k, -load(slow.given, k))
    balance(graph, pattern, law, slow.still, slow.w, factor)
    clamp_to(slow.w_lag, target, slow, factor)                                    # dw*/dt
    follow_up(pattern, law, slow.v_lag, factor)
    for a in range(n):
        store(slow.v_lag, a, load(slow.v, a) - load(factor.solution, a))
    at_targets(target, factor.solution, slow.given)
    for k in range(target.shape[0]):
        for lane in range(target.shape[1]):
            slow.given[k, lane] += p.delta[k, lane]                               # V_T - v_T
    for a in range(n):
        store(slow.w_lag, a, where(at(law.free_w, a), -lag * load(slow.w_lag, a), 0.0))
    follow_up(pattern, law, slow.w_lag, factor)
    clamp_to(slow.w_lag, target, slow, factor)
    slopes(graph, law, slow.v_lag, slow.w_lag, G, slow.rows, slow.rate)
    balance(graph, pattern, law, slow.rate, slow.v, factor)
    at_targets(target, factor.solution, p.slope)
    for k in range(target.shape[0]):
        for lane in range(target.shape[1]):
            p.slope[k, lane] = -p.slope[k, lane]
