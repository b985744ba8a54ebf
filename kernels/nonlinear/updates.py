"""Discrete updates of networks of nonlinear edges at equilibrium: a chip in every lane, sample after sample.

The free voltages v of a sample are found, then those with the outputs pulled towards what is wanted, v', and what
learns changes by -step (Δv'² - Δv²) η / η: the rule of the laboratory circuits. In the place of the contrast may stand
that of two nudges of either sign, or the exact gradient of the cost, by one solve with the transposed Jacobian.
"""
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.law.law_type import tangent
from ohmlearn.kernels.linalg.block_lu import factorise, substitute_transposed
from ohmlearn.kernels.simd.jit import kernel
from ohmlearn.kernels.simd.vectors import at, load, maximum, minimum, store

from .newton import assemble, newton

CONTRAST, CENTRED, GRADIENT = range(3)      # rules


class Chips(NamedTuple):
    """A block of chips, one a lane; n nodes, m edges, s samples, h held nodes, o outputs of one node or two.

    u : (m,) what learns. low, high, factor : (m,) plain arrays, its bounds and the factor of the step.
    leak, toward, inject : (n,) of the circuit alone; pulled_leak, pulled_toward : with the clamps.
    v, clamped : (n,) voltages. found : (s, n, lanes), v of every sample when it was presented last.
    kept : (s, m, lanes) likewise, see Newton. contrast : (m,). held : (h,) nodes. held_voltages : (s, h).
    first, second : (o,) nodes of the
    outputs, -1 for none. wanted : (s, o). eta : (1,) unused η of the equilibria. failed : (lanes,) equilibria that were
    not found.
    """

    u: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    factor: NDArray[np.float64]
    leak: NDArray[np.float64]
    toward: NDArray[np.float64]
    inject: NDArray[np.float64]
    pulled_leak: NDArray[np.float64]
    pulled_toward: NDArray[np.float64]
    v: NDArray[np.float64]
    clamped: NDArray[np.float64]
    found: NDArray[np.float64]
    kept: NDArray[np.float64]
    contrast: NDArray[np.float64]
    held: NDArray[np.int64]
    held_voltages: NDArray[np.float64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    wanted: NDArray[np.float64]
    eta: NDArray[np.float64]
    failed: NDArray[np.int64]


@kernel
def output(c, o, lane):
    """Output o of a lane in V: a voltage, or the difference of two."""
    value = c.v[c.first[o], lane]
    return value - c.v[c.second[o], lane] if c.second[o] >= 0 else value


@kernel
def free_state(graph, pattern, law, free, c, order, work):
    """Voltages of the circuits with sample order[lane] presented to every lane, from those when it was last."""
    for lane in range(order.size):
        for a in range(free.size):
            c.v[a, lane] = c.found[order[lane], a, lane]
        for j in range(c.factor.size):
            work.kept[j, lane] = c.kept[order[lane], j, lane]
        for k in range(c.held.size):
            c.v[c.held[k], lane] = c.held_voltages[order[lane], k]
    failed = newton(graph, pattern, law, c.leak, c.toward, c.inject, free, c.u, c.v, None, c.eta,
                    (1 << order.size) - 1, work)[0]
    for lane in range(order.size):
        c.failed[lane] += failed >> lane & 1
        for a in range(free.size):
            c.found[order[lane], a, lane] = c.v[a, lane]
        for j in range(c.factor.size):
            c.kept[order[lane], j, lane] = work.kept[j, lane]


@kernel
def pull(c, a, lane, clamp, voltage):
    """Join node a of a lane to a voltage through a conductance, beside what it is joined to."""
    leak = c.pulled_leak[a, lane]
    c.pulled_leak[a, lane] = leak + clamp
    c.pulled_toward[a, lane] += (voltage - c.pulled_toward[a, lane]) * (clamp / (leak + clamp))


@kernel
def add_clamped(graph, pattern, law, free, c, order, nudge, clamp, sign, work):
    """Add sign times Δv² of the circuits pulled by `nudge` of their errors, through conductances `clamp`, to the
    contrast. An output of two nodes is pulled by half of it at either, with opposite signs."""
    for a in range(free.size):
        store(c.pulled_leak, a, load(c.leak, a))
        store(c.pulled_toward, a, load(c.toward, a))
        store(c.clamped, a, load(c.v, a))
    for lane in range(order.size):
        for o in range(c.first.size):
            moved = nudge * (c.wanted[order[lane], o] - output(c, o, lane))
            a, b = c.first[o], c.second[o]
            moved = 0.5 * moved if b >= 0 else moved
            pull(c, a, lane, clamp, c.v[a, lane] + moved)
            if b >= 0:
                pull(c, b, lane, clamp, c.v[b, lane] - moved)
    failed = newton(graph, pattern, law, c.pulled_leak, c.pulled_toward, c.inject, free, c.u, c.clamped, None, c.eta,
                    (1 << order.size) - 1, work)[0]
    for lane in range(order.size):
        c.failed[lane] += failed >> lane & 1
    for j in range(c.factor.size):
        drop = load(c.clamped, at(graph.ends, 2 * j)) - load(c.clamped, at(graph.ends, 2 * j + 1))
        store(c.contrast, j, load(c.contrast, j) + sign * (drop * drop))


@kernel
def gradient(graph, pattern, law, free, c, order, work):
    """Gradient of ½ Σ (wanted - output)² by what learns, into the contrast (m, lanes): -λ ∂I/∂u, Jᵀ λ = ∂C/∂v."""
    assemble(graph, pattern, law, c.leak, c.toward, c.inject, free, c.u, c.v, None, c.eta, 0, work)
    factorise(pattern, work.matrix, work.upper)
    z = work.current
    for a in range(free.size):
        store(z, a, 0.0)
    for lane in range(order.size):
        for o in range(c.first.size):
            error = output(c, o, lane) - c.wanted[order[lane], o]
            z[c.first[o], lane] += error
            if c.second[o] >= 0:
                z[c.second[o], lane] -= error
        for k in range(c.held.size):
            z[c.held[k], lane] = 0.0
    substitute_transposed(pattern, work.matrix, work.upper, z)
    for lane in range(order.size):
        for k in range(c.held.size):
            z[c.held[k], lane] = 0.0
    for j in range(c.factor.size):
        a, b = at(graph.ends, 2 * j), at(graph.ends, 2 * j + 1)
        by_u = tangent(law, j, load(c.u, j), load(c.v, a), load(c.v, b), load(work.kept, j))[3]
        store(c.contrast, j, -(by_u * (load(z, a) - load(z, b))))


@kernel
def update(graph, pattern, law, free, c, order, step, nudge, clamp, rule, limit, work, outputs):
    """One update of every lane from sample order[lane], by no more than `limit`; its outputs before it into outputs
    (o, lanes)."""
    free_state(graph, pattern, law, free, c, order, work)
    for lane in range(order.size):
        for o in range(c.first.size):
            outputs[o, lane] = output(c, o, lane)
    if rule == GRADIENT:
        gradient(graph, pattern, law, free, c, order, work)
        scale = step
    else:
        for j in range(c.factor.size):
            drop = load(c.v, at(graph.ends, 2 * j)) - load(c.v, at(graph.ends, 2 * j + 1))
            store(c.contrast, j, 0.0 * drop if rule == CENTRED else -drop * drop)
        add_clamped(graph, pattern, law, free, c, order, nudge, clamp, 1.0, work)
        if rule == CENTRED:
            add_clamped(graph, pattern, law, free, c, order, -nudge, clamp, -1.0, work)
        scale = step / (2.0 * nudge if rule == CENTRED else nudge)
    for j in range(c.factor.size):
        by = (scale * load(c.factor, j)) * load(c.contrast, j)
        moved = load(c.u, j) - maximum(-limit, minimum(limit, by))
        store(c.u, j, minimum(load(c.high, j), maximum(load(c.low, j), moved)))


@kernel
def train(graph, pattern, law, free, c, orders, step, nudge, clamp, rule, limit, work, outputs):
    """Updates from orders (n_epochs, n_samples, lanes), sample numbers; the outputs before every update of the last
    epoch into outputs (n_samples, o, lanes), by sample number."""
    now = np.empty((c.first.size, orders.shape[2]))
    for epoch in range(orders.shape[0]):
        for k in range(orders.shape[1]):
            order = orders[epoch, k]
            update(graph, pattern, law, free, c, order, step, nudge, clamp, rule, limit, work, now)
            for lane in range(order.size):
                for o in range(c.first.size):
                    outputs[order[lane], o, lane] = now[o, lane]
