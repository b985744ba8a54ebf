"""Discrete updates of networks of nonlinear edges at equilibrium: chips and samples in lanes, batch after batch.

The free voltages v of a sample are found, then those with the outputs clamped by their errors, v', and what learns
changes by -step (Δv'² - Δv²)/η: the rule of the laboratory circuits. In the place of the contrast may stand that of
two nudges of either sign, or the exact gradient of the loss, by one solve with the transposed Jacobian. A chip has
`group` lanes side by side, each of which is presented another sample of its batch.
"""
import numpy as np
from ohmlearn.kernels.law.law_type import tangent
from ohmlearn.kernels.linalg.block_lu import factorise, substitute_transposed
from ohmlearn.kernels.simd.jit import borrowed, inner, kernel
from ohmlearn.kernels.simd.vectors import at, fma, load, maximum, minimum, store

from .flaws import flawed, misread
from .losses import SQUARED, errors, output
from .newton import assemble, forget, newton

CONTRAST, CENTRED, GRADIENT = range(3)      # rules


@kernel
def learned(c, scale):
    """What learns as a network sees it whose mismatch is `scale`."""
    if scale.shape[0] == 0:
        return c.u
    for j in range(scale.shape[0]):
        store(c.seen, j, load(c.u, j) * load(scale, j))
    return c.seen


@kernel
def free_state(circuit, c, order, work):
    """Voltages of the circuits with sample order[lane] presented to every lane, from those when it was last; -1 for
    none. Returns bits of the lanes with a sample."""
    active = 0
    for lane in range(order.size):
        k, chip = order[lane], lane // c.group
        if k >= 0:
            active |= 1 << lane
            for a in range(circuit.free.size):
                c.v[a, lane] = c.found[k, chip, a]
            if c.kept.shape[0] > 0:
                for j in range(c.factor.size):
                    work.kept[j, lane] = c.kept[k, chip, j]
            for i in range(c.held.size):
                c.v[c.held[i], lane] = c.held_voltages[k, i]
    u = learned(c, c.flaws.scale)
    failed = newton(circuit.graph, circuit.pattern, circuit.law, c.leak, c.toward, c.inject, circuit.free, u, c.v, None,
                    c.eta, active, work)[0]
    for lane in range(order.size):
        k, chip = order[lane], lane // c.group
        if k >= 0:
            c.failed[lane] += failed >> lane & 1
            for a in range(circuit.free.size):
                c.found[k, chip, a] = c.v[a, lane]
            if c.kept.shape[0] > 0:
                for j in range(c.factor.size):
                    c.kept[k, chip, j] = work.kept[j, lane]
    for a in range(circuit.free.size):
        store(c.read, a, load(c.v, a))
    misread(c.flaws, c.read, active)
    return active


@inner
def read_outputs(c, order, outputs):
    """Outputs of all lanes into outputs (s, o, chips), by sample number."""
    for lane in range(order.size):
        if order[lane] >= 0:
            for o in range(c.first.size):
                outputs[order[lane], o, lane // c.group] = output(c, o, lane)


@inner
def clamp_node(c, a, lane, clamp, voltage):
    """Join node a of a lane to a voltage through a conductance, beside what it is joined to."""
    leak = c.clamped_leak[a, lane]
    c.clamped_leak[a, lane] = leak + clamp
    c.clamped_toward[a, lane] += (voltage - c.clamped_toward[a, lane]) * (clamp / (leak + clamp))


@kernel
def add_clamped(circuit, c, active, s, sign, work):
    """Add sign times Δv² of the circuits clamped by `sign nudge` of their errors, through conductances, to the
    contrast. An output of two nodes is clamped by half of it at either, with opposite signs."""
    for a in range(circuit.free.size):
        store(c.clamped_leak, a, load(c.leak, a))
        store(c.clamped_toward, a, load(c.toward, a))
        store(c.clamped, a, load(c.v, a))
    for lane in range(c.failed.size):
        for o in range(c.first.size):
            error, a, b = c.error[o, lane], c.first[o], c.second[o]
            if active >> lane & 1 and (error != 0.0 or s.loss == SQUARED):
                moved = sign * (s.nudge * error + s.over * np.sign(error))
                moved = 0.5 * moved if b >= 0 else moved
                clamp_node(c, a, lane, s.clamp, c.read[a, lane] + moved)
                if b >= 0:
                    clamp_node(c, b, lane, s.clamp, c.read[b, lane] - moved)
    u = learned(c, c.flaws.twin_scale)
    failed = newton(circuit.graph, circuit.pattern, circuit.twin, c.clamped_leak, c.clamped_toward, c.inject,
                    circuit.free, u, c.clamped, None, c.eta, active, work)[0]
    for lane in range(c.failed.size):
        c.failed[lane] += failed >> lane & 1
    misread(c.flaws, c.clamped, active)
    weight = sign * load(c.weight, 0)
    for j in range(c.factor.size):
        drop = load(c.clamped, at(circuit.graph.ends, 2 * j)) - load(c.clamped, at(circuit.graph.ends, 2 * j + 1))
        store(c.contrast, j, fma(weight, drop * drop, load(c.contrast, j)))


@kernel
def add_gradient(circuit, c, work):
    """Add the gradient of the loss by what learns to the contrast: -λ ∂I/∂u, Jᵀ λ = ∂loss/∂v."""
    u = learned(c, c.flaws.scale)
    assemble(circuit.graph, circuit.pattern, circuit.law, c.leak, c.toward, c.inject, circuit.free, u, c.v, None, c.eta,
             0, work)
    factorise(circuit.pattern, work.matrix, work.upper)
    z = work.current
    for a in range(circuit.free.size):
        store(z, a, 0.0)
    for lane in range(c.failed.size):
        for o in range(c.first.size):
            z[c.first[o], lane] -= c.error[o, lane]
            if c.second[o] >= 0:
                z[c.second[o], lane] += c.error[o, lane]
        for k in range(c.held.size):
            z[c.held[k], lane] = 0.0
    substitute_transposed(circuit.pattern, work.matrix, work.upper, z)
    for lane in range(c.failed.size):
        for k in range(c.held.size):
            z[c.held[k], lane] = 0.0
    weight = load(c.weight, 0)
    for j in range(c.factor.size):
        a, b = at(circuit.graph.ends, 2 * j), at(circuit.graph.ends, 2 * j + 1)
        by_u = tangent(circuit.law, j, load(u, j), load(c.v, a), load(c.v, b), load(work.kept, j))[3]
        by_u = by_u * load(c.flaws.scale, j) if c.flaws.scale.shape[0] > 0 else by_u
        store(c.contrast, j, fma(-weight, by_u * (load(z, a) - load(z, b)), load(c.contrast, j)))


@inner
def weigh(c, order, s):
    """Losses and errors of all lanes, and the weights of their samples. Returns bits of the lanes with an error."""
    with_error = 0
    for lane in range(order.size):
        k, chip = order[lane], lane // c.group
        c.weight[0, lane] = c.weight[1, lane] = 0.0
        for o in range(c.first.size):
            c.error[o, lane] = 0.0
        if k >= 0:
            loss, wrong = errors(c, s, k, lane)
            c.loss[chip] += loss
            c.weight[1, lane] = c.weights[k]
            if wrong and c.weights[k] > 0.0:
                c.n_clamped[chip] += 1
                c.weight[0, lane] = c.weights[k]
                with_error |= 1 << lane
    return with_error


@kernel
def add_contrast(circuit, c, order, s, work, outputs):
    """Add what samples order (lanes,) ask of what learns to the contrast; outputs as they are before into `outputs`.
    Returns whether they ask anything."""
    free_state(circuit, c, order, work)
    read_outputs(c, order, outputs)
    with_error = weigh(c, order, s)
    if s.power != 0.0 or (with_error and s.rule == CONTRAST):
        held_back, spent = -load(c.weight, 0), s.power * load(c.weight, 1)
        factor = held_back + spent if s.rule == CONTRAST else spent
        for j in range(c.factor.size):
            drop = load(c.read, at(circuit.graph.ends, 2 * j)) - load(c.read, at(circuit.graph.ends, 2 * j + 1))
            store(c.contrast, j, fma(factor, drop * drop, load(c.contrast, j)))
    if with_error and s.rule == GRADIENT:
        add_gradient(circuit, c, work)
    elif with_error:
        add_clamped(circuit, c, with_error, s, 1.0, work)
        if s.rule == CENTRED:
            add_clamped(circuit, c, with_error, s, -1.0, work)
    return with_error != 0 or s.power != 0.0


@inner
def share(c):
    """Let all lanes of a chip have the sum of their contrasts."""
    for j in range(c.factor.size):
        for begin in range(0, c.failed.size, c.group):
            total = 0.0
            for lane in range(begin, begin + c.group):
                total += c.contrast[j, lane]
            for lane in range(begin, begin + c.group):
                c.contrast[j, lane] = total


@inner
def move(c, scale, limit):
    """Change what learns by -scale times the contrast, as devices do it."""
    for j in range(c.factor.size):
        by = (scale * load(c.factor, j)) * load(c.contrast, j)
        moved = load(c.u, j) - maximum(-limit, minimum(limit, by))
        store(c.u, j, minimum(load(c.high, j), maximum(load(c.low, j), moved)))


@inner
def move_flawed(c, scale, limit):
    """The same with imperfections, chip by chip."""
    for j in range(c.factor.size):
        for begin in range(0, c.failed.size, c.group):
            now = c.u[j, begin]
            if c.factor[j] * c.flaws.learns[j, begin] != 0.0:
                now += flawed(c.flaws, j, begin, -scale * c.factor[j] * c.contrast[j, begin], limit)
                now -= c.flaws.leakage * (now - c.flaws.rest[j, begin])
            for lane in range(begin, begin + c.group):
                c.u[j, lane] = min(c.high[j], max(c.low[j], now))


@kernel
def update(circuit, c, orders, step, s, work, outputs):
    """One update of every chip from its batch, orders (passes, lanes) of sample numbers, -1 for none, by no more than
    the limit; the outputs before it into outputs (s, o, chips), by sample number."""
    for j in range(c.factor.size):
        store(c.contrast, j, 0.0)
    asked = False
    for k in range(orders.shape[0]):
        asked |= add_contrast(circuit, c, orders[k], s, work, outputs)
    if not (asked or c.flaws.any):
        return
    if c.group > 1:
        share(c)
    most = 0
    for lane in range(c.group):
        for k in range(orders.shape[0]):
            most += orders[k, lane] >= 0
    scale = step / max(1, most)
    if s.rule != GRADIENT:
        scale /= 2.0 * s.nudge if s.rule == CENTRED else s.nudge
    if c.flaws.any:
        move_flawed(c, scale, s.limit)
    else:
        move(c, scale, s.limit)


@kernel
def train(circuit, c, orders, steps, s, work, outputs):
    """Updates from orders (n_epochs, n_batches, passes, lanes), sample numbers, with a step (n_epochs,) each epoch; the
    outputs before the last update from every sample into outputs (s, o, chips). Losses are those of the last epoch."""
    circuit, c, work = borrowed(circuit), borrowed(c), borrowed(work)
    for epoch in range(orders.shape[0]):
        c.loss[:] = 0.0
        c.n_clamped[:] = 0
        if c.kept.shape[0] == 0:
            forget(work, -1)
        for k in range(orders.shape[1]):
            update(circuit, c, orders[epoch, k], steps[epoch], s, work, outputs)


@kernel
def evaluate(circuit, c, orders, s, work, outputs):
    """Outputs (s, o, chips) of samples, orders (passes, lanes), and their losses, without an update."""
    circuit, c, work = borrowed(circuit), borrowed(c), borrowed(work)
    c.loss[:] = 0.0
    c.n_clamped[:] = 0
    forget(work, -1)
    for k in range(orders.shape[0]):
        free_state(circuit, c, orders[k], work)
        read_outputs(c, orders[k], outputs)
        weigh(c, orders[k], s)
