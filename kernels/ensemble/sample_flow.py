"""Samples that are presented in turn to chips which learn while their voltages relax: v, w and what learns, by the RK4
stages of `nonlinear_step`.

    dv/dt = -Σ I(v)                                at nodes that are not held by the sample
    dw/dt = -Σ [I(v + η w) - I(v)]/η + g (e - w)   g the conductance of the clamp at outputs with an error e, else 0
    du/dt = -R Δw (2 Δv + η Δw)                    within the bounds of u

A sample is presented for some time, and v, w and u go on from there with the next one. Or u stays what it is meanwhile
and changes at the end of the presentation, by as much as dt times du/dt, with dt the whole presentation.
"""
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.law.bounds import AT_ONCE, within
from ohmlearn.kernels.law.linear_edge import learning, rate_of_edge
from ohmlearn.kernels.nonlinear.edges import Nonlinear, highest
from ohmlearn.kernels.nonlinear.losses import SQUARED, errors
from ohmlearn.kernels.nonlinear.newton import forget
from ohmlearn.kernels.nonlinear.updates import free_state, read_outputs, weigh
from ohmlearn.kernels.simd.jit import borrowed, inner, kernel
from ohmlearn.kernels.simd.vectors import at, load, store

from .nonlinear_step import ROUNDS, begin_peak, fastest, rk_stage
from .rk4 import DT, FALL, LEARN, Law, constants
from .step_control import CLIP, LEARN_MOST, RELAX
from .step_control import LEARN as REACH

SPAN = 8            # steps from one choice of their length to the next
RELAX_MOST = 2.0    # dt times the bound of λ_max, at most
MOST_SPANS = 10**5  # in a presentation: it is given up then
MOST_HALVINGS = 20  # of the steps of a presentation that led to no numbers


class SampleFlow(NamedTuple):
    """What a block has besides its chips, whose u is what learns; n nodes, m edges; (rows, lanes) unless said.

    edges, law : as of `nonlinear_step`. x, y, q : (2 n,) v and w interleaved, and scratch. last_x, last_u, Uq : (2 n,),
    (m,), (m,) where a presentation began, and scratch. peak : (n,). scratch : (3 n,). bounds : (2,).
    rest, caution : (lanes,) time left of the presentation, and factor on the steps. steps : (lanes,) until their length
    is chosen anew. duration : (1,) of a presentation. finer : (1,) factor on the steps for the tolerance.
    begun : (1,) whether voltages are there to go on from. discrete : (1,) whether u changes as presentations end.
    """

    edges: Nonlinear
    law: Law
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    q: NDArray[np.float64]
    last_x: NDArray[np.float64]
    last_u: NDArray[np.float64]
    Uq: NDArray[np.float64]
    peak: NDArray[np.float64]
    scratch: NDArray[np.float64]
    bounds: NDArray[np.float64]
    rest: NDArray[np.float64]
    caution: NDArray[np.float64]
    steps: NDArray[np.int64]
    duration: NDArray[np.float64]
    finer: NDArray[np.float64]
    begun: NDArray[np.bool_]
    discrete: NDArray[np.bool_]


@inner
def loosen(c, pull, x, a):
    """Read node a from v and w, and take its clamps off."""
    store(c.read, a, load(x, 2 * a))
    store(pull.rate, a, 0.0)
    store(pull.desired, a, 0.0)


@inner
def clamp_node(c, pull, a, lane, conductance, error):
    """Draw w of node a of a lane to an error through a conductance, beside what it is joined to. w is drawn to what
    `desired` is above v, see Pull."""
    rate, voltage = pull.rate[a, lane], c.read[a, lane] + error
    pull.rate[a, lane] = rate + conductance
    pull.desired[a, lane] += (voltage - pull.desired[a, lane]) * (conductance / (rate + conductance))


@inner
def clamp_outputs(c, s, pull, x, order):
    """Clamp the outputs of the lanes with a sample by their errors at v of x."""
    for o in range(c.first.size):
        loosen(c, pull, x, c.first[o])
        if c.second[o] >= 0:
            loosen(c, pull, x, c.second[o])
    for lane in range(order.size):
        if order[lane] >= 0:
            errors(c, s, order[lane], lane)
            for o in range(c.first.size):
                error, pair = c.error[o, lane], c.second[o] >= 0
                if error != 0.0 or s.loss == SQUARED:
                    error += s.over / s.nudge * np.sign(error)
                    clamp_node(c, pull, c.first[o], lane, s.clamp, 0.5 * error if pair else error)
                    if pair:
                        clamp_node(c, pull, c.second[o], lane, s.clamp, -0.5 * error)


@inner
def find_bounds(circuit, c, f, s):
    """Bounds on the rates of relaxation, with all outputs clamped, and of learning, into f.bounds."""
    everyone = (1 << f.x.shape[1]) - 1
    for o in range(c.first.size):
        loosen(c, f.edges.pull, f.x, c.first[o])
        if c.second[o] >= 0:
            loosen(c, f.edges.pull, f.x, c.second[o])
    for o in range(c.first.size):
        for a in (c.first[o], c.second[o]):
            if a >= 0:
                store(f.edges.pull.rate, a, load(f.edges.pull.rate, a) + s.clamp)
    begin_peak(f.law, everyone, f.peak)
    for _ in range(ROUNDS):
        fastest(circuit.graph, f.edges, f.law, f.x, c.u, everyone, f.peak, f.scratch, f.bounds)


@inner
def set_step(c, f, order, lane, dt, rate):
    """Give a lane the step dt, 0 to keep it where it is."""
    f.law.rows[DT, lane] = dt
    f.law.rows[LEARN, lane] = -rate * c.weights[order[lane]] * dt if dt > 0.0 else 0.0
    f.law.rows[FALL, lane] = AT_ONCE


@inner
def plan(circuit, c, f, order, rate, s):
    """Choose the steps of the lanes whose presentation has not ended, and how many are taken of that length. Returns
    the largest number."""
    find_bounds(circuit, c, f, s)
    most = 0
    for lane in range(order.size):
        f.steps[lane] = 0
        if f.rest[lane] > 0.0:
            learning = np.sqrt(2.0 * rate * c.weights[order[lane]] * f.bounds[1, lane])
            relax_reach, learn_reach = min(RELAX * f.finer[0], RELAX_MOST), CLIP * min(REACH * f.finer[0], LEARN_MOST)
            dt = f.caution[lane] * min(relax_reach / f.bounds[0, lane], learn_reach / max(learning, 1e-300))
            whole = max(1.0, np.ceil(f.rest[lane] / dt)) if dt > 0.0 else 1.0        # no number: it is taken again
            dt = f.rest[lane] / whole
            f.steps[lane] = int(min(whole, SPAN))
            f.rest[lane] = dt * (whole - f.steps[lane])
            set_step(c, f, order, lane, dt, rate)
        most = max(most, f.steps[lane])
    return most


@inner
def sound(c, f, lane):
    """Whether a lane holds numbers."""
    total = 0.0
    for a in range(f.x.shape[0]):
        total += f.x[a, lane]
    for j in range(c.u.shape[0]):
        total += c.u[j, lane]
    return np.isfinite(total)


@inner
def take_back(c, f, lane):
    """Bring a lane back to where its presentation began, to take it again with half the steps."""
    for a in range(f.x.shape[0]):
        f.x[a, lane] = f.last_x[a, lane]
    for j in range(c.u.shape[0]):
        c.u[j, lane] = f.last_u[j, lane]
    f.caution[lane] *= 0.5
    f.rest[lane] = f.duration[0]


@inner
def begin(circuit, c, f, order, work):
    """v at the equilibrium of the first sample, and w at 0."""
    free_state(circuit, c, order, work)
    for a in range(circuit.free.size):
        store(f.x, 2 * a, load(c.v, a))
        store(f.x, 2 * a + 1, 0.0)
    f.begun[0] = True


@inner
def present(circuit, c, f, order, s):
    """Hold the sources of the lanes at the voltages of samples order (lanes,), and remember where this begins."""
    for lane in range(order.size):
        f.rest[lane], f.caution[lane] = f.duration[0] if order[lane] >= 0 else 0.0, 1.0
        if order[lane] >= 0:
            for i in range(c.held.size):
                f.x[2 * c.held[i], lane] = c.held_voltages[order[lane], i]
    for a in range(f.x.shape[0]):
        store(f.last_x, a, load(f.x, a))
    for j in range(c.u.shape[0]):
        store(f.last_u, j, load(c.u, j))
    forget(f.edges.newton, -1)


@inner
def learn_at_end(circuit, c, f, order, rate):
    """Change what learns by what v and w at the end of a presentation ask for, times its length."""
    for lane in range(order.size):
        presented = order[lane] >= 0
        f.law.rows[LEARN, lane] = -rate * c.weights[order[lane]] * f.duration[0] if presented else 0.0
    _, full, nudge, _, _ = constants(f.law)
    for j in range(c.u.shape[0]):
        a, b = at(circuit.graph.ends, 2 * j), at(circuit.graph.ends, 2 * j + 1)
        dv, dw = load(f.x, 2 * a) - load(f.x, 2 * b), load(f.x, 2 * a + 1) - load(f.x, 2 * b + 1)
        by = learning(rate_of_edge(f.edges.factor, j, full), nudge, dv, dw)
        store(c.u, j, within(load(f.edges.low, j), highest(f.edges, j), load(c.u, j) + by))


@kernel
def advance_sample(circuit, c, f, order, rate, s):
    """Present samples order (lanes,), -1 for none, for their time."""
    graph, edges, law, u = circuit.graph, f.edges, f.law, c.u
    present(circuit, c, f, order, s)
    most, spans = plan(circuit, c, f, order, rate, s), 0
    while most > 0:
        for taken in range(most):
            for lane in range(order.size):
                if f.steps[lane] <= taken:
                    set_step(c, f, order, lane, 0.0, rate)
            clamp_outputs(c, s, edges.pull, f.x, order)
            rk_stage(0, graph, edges, law, f.x, f.y, f.q, u, f.Uq)
            clamp_outputs(c, s, edges.pull, f.y, order)
            rk_stage(1, graph, edges, law, f.y, f.x, f.q, u, f.Uq)
            clamp_outputs(c, s, edges.pull, f.x, order)
            rk_stage(2, graph, edges, law, f.x, f.y, f.q, u, f.Uq)
            clamp_outputs(c, s, edges.pull, f.y, order)
            rk_stage(3, graph, edges, law, f.y, f.x, f.q, u, f.Uq)
        for lane in range(order.size):
            if f.rest[lane] <= 0.0 and f.steps[lane] > 0 and not sound(c, f, lane):
                if f.caution[lane] < 0.5 ** MOST_HALVINGS:
                    c.failed[lane] += 1
                else:
                    take_back(c, f, lane)
            elif spans == MOST_SPANS and f.rest[lane] > 0.0:
                c.failed[lane] += 1
                f.rest[lane] = 0.0
        spans += 1
        most = plan(circuit, c, f, order, rate, s)
    for a in range(c.read.shape[0]):
        store(c.read, a, load(f.x, 2 * a))


@kernel
def train(circuit, c, f, orders, rates, s, work, outputs):
    """Present samples in the orders (n_epochs, n_samples, 1, lanes), with a rate (n_epochs,) each epoch; the outputs at
    the end of every presentation into outputs (s, o, chips), by sample number. Losses are those of the last epoch."""
    circuit, c, f, work = borrowed(circuit), borrowed(c), borrowed(f), borrowed(work)
    for epoch in range(orders.shape[0]):
        c.loss[:] = 0.0
        c.n_clamped[:] = 0
        for k in range(orders.shape[1]):
            order = orders[epoch, k, 0]
            if not f.begun[0]:
                begin(circuit, c, f, order, work)
            advance_sample(circuit, c, f, order, 0.0 if f.discrete[0] else rates[epoch], s)
            if f.discrete[0]:
                learn_at_end(circuit, c, f, order, rates[epoch])
            read_outputs(c, order, outputs)
            weigh(c, order, s)
