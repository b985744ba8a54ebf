"""The lab circuit of paper 1 (Fig. 1, Methods), a block of circuits at a time.

Two twin networks on one graph, free and clamped, with a capacitance matrix K (capacitors beside the resistors, or at
the nodes) and conductances G that only potentiometers change, so that the free nodes obey K dv/dt = -L(G) v between
updates. With K = C Cᵀ and x = Cᵀ v that is

    dx/dt = -M x + f,    M = Σ_j G_j b_j b_jᵀ,    f = -Σ_j G_j e_j b_j,    Δv_j = b_j·x + e_j,

with b_j = C⁻¹Δ_jᵀ on the free nodes and e_j the drop that the held nodes cause. Nodes are ordered targets last, so the
clamped network, whose targets are held too, has the leading part of b_j and the leading block of M.

Units: volts, conductances in 1/R0, times in R0 c. Arrays are (rows, lanes), one circuit a lane.
"""
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.simd.jit import inline, kernel
from ohmlearn.kernels.simd.random_normal import fill
from ohmlearn.kernels.simd.vectors import fma, load, store

from .relaxation import Propagator, dot, pause

Rows = NDArray[np.float64]


class Wiring(NamedTuple):
    """What stays the same. n free nodes of which the last k are targets, m edges.

    vectors (m n) b_j; sources (m) e_j of the sources; targets (m k) Δ_jT; divider ((n - k) k) jump of the clamped x
    per volt at the targets; readout (k n) targets' voltages from x; desired (k) V_T; bias (2 m) of the comparators, V;
    pause (1) 1/R; span (2) bounds on the eigenvalues of M at G = 1; keys (2 m lanes,) of the random numbers.
    """

    vectors: Rows
    sources: Rows
    targets: Rows
    divider: Rows
    readout: Rows
    desired: Rows
    bias: Rows
    pause: Rows
    span: Rows
    keys: NDArray[np.uint64]


class State(NamedTuple):
    """What changes. free (n), clamped (n - k) x of both networks; held (k) clamped targets, V; taps (m) of the
    potentiometers; conductances (m)."""

    free: Rows
    clamped: Rows
    held: Rows
    taps: Rows
    conductances: Rows


class Settings(NamedTuple):
    """The rule, the same in all lanes. comparators (a, b, c, d) : readings a Δv^F + b Δv^C and c Δv^F + d Δv^C.
    Resistances go up by `step` taps when just one reading is positive, else down; or, unless `signed`,
    conductances change by `gain` times the product of the readings. Potentiometers turn from 1 to `top`, to whole
    taps when `discrete`; a tap is R0/`unit`. A pause comes `before` they turn, `after`, or both. They follow the
    readings of `delay` steps ago."""

    comparators: tuple[float, float, float, float]
    signed: bool
    discrete: bool
    before: bool
    after: bool
    nudge: float
    noise: float
    step: float
    gain: float
    top: float
    unit: float
    delay: int


class Work(NamedTuple):
    """Scratch. drops (m) of the clamped network; noise, readings (2 m); late (2 m delay), the readings of the last
    steps; outputs (k)."""

    drops: Rows
    noise: Rows
    readings: Rows
    late: Rows
    outputs: Rows
    propagator: Propagator


@inline
def measure(costs, step, state, wiring, work, n):
    """costs[step] = C = Σ_T (V_T - v_T)² and outputs = v_T of the free network."""
    zero = 0.0 * load(wiring.desired, 0)
    total = zero
    for a in range(wiring.desired.shape[0]):
        v = dot(zero, wiring.readout, n * a, state.free, n)
        miss = load(wiring.desired, a) - v
        total = fma(miss, miss, total)
        store(work.outputs, a, v)
    store(costs, step, total)


@inline
def clamp(state, wiring, nudge, work, sizes):
    """Targets of the clamped network move to v_T + η (V_T - v_T), Eq. 7; its free nodes jump by the divider."""
    m, _, inner = sizes
    k = wiring.desired.shape[0]
    for a in range(k):
        v = load(work.outputs, a)
        v = fma(nudge, load(wiring.desired, a) - v, v)
        jump = v - load(state.held, a)
        store(state.held, a, v)
        for i in range(inner):
            store(state.clamped, i, fma(load(wiring.divider, k * i + a), jump, load(state.clamped, i)))
    for j in range(m):
        store(work.drops, j, dot(load(wiring.sources, j), wiring.targets, k * j, state.held, k))


@inline
def compare(state, wiring, settings, work, sizes):
    """The comparators' readings of every edge, with their bias and noise: m first ones, then m second ones."""
    m, n, inner = sizes
    a, b, c, d = settings.comparators
    for j in range(m):
        free = dot(load(wiring.sources, j), wiring.vectors, n * j, state.free, n)
        clamped = dot(load(work.drops, j), wiring.vectors, n * j, state.clamped, inner)
        error = fma(settings.noise, load(work.noise, j), load(wiring.bias, j))
        store(work.readings, j, fma(a, free, fma(b, clamped, error)))
        error = fma(settings.noise, load(work.noise, m + j), load(wiring.bias, m + j))
        store(work.readings, m + j, fma(c, free, fma(d, clamped, error)))


@inline
def hold_back(readings, late, slot):
    """Readings and those of `delay` steps ago, which lie in this slot, change places. Both flat."""
    for i in range(readings.size):
        kept = late[slot * readings.size + i]
        late[slot * readings.size + i] = readings[i]
        readings[i] = kept


@inline
def turn(taps, g, first, second, settings):
    """The potentiometers turn: Eq. 5 in the form that the comparators have, or Eq. 3. All arrays flat."""
    top, unit, step, gain = settings.top, settings.unit, settings.step, settings.gain
    if settings.signed:
        for i in range(taps.size):
            taps[i] += step if (first[i] > 0) != (second[i] > 0) else -step
    else:
        for i in range(taps.size):
            taps[i] = unit / max(g[i] + gain * first[i] * second[i], unit / top)
    if settings.discrete:
        for i in range(taps.size):
            taps[i] = np.floor(taps[i] + 0.5)
    for i in range(taps.size):
        taps[i] = min(max(taps[i], 1.0), top)
        g[i] = unit / taps[i]


@inline
def integrate(costs, state, wiring, settings, work, sizes):
    """Training steps in halves: measure and clamp, then compare and turn, with a pause after either or both."""
    m = sizes[0]
    first, second, noise = work.readings[:m].reshape(-1), work.readings[m:].reshape(-1), work.noise.reshape(-1)
    taps, g = state.taps.reshape(-1), state.conductances.reshape(-1)
    readings, late = work.readings.reshape(-1), work.late.reshape(-1)
    last = 2 * (costs.shape[0] - 1)
    for half in range(last):
        if half % 2 == 0:
            measure(costs, half // 2, state, wiring, work, sizes[1])
            clamp(state, wiring, settings.nudge, work, sizes)
        else:
            if settings.noise > 0:
                fill(noise, wiring.keys, np.uint64(half // 2))
            compare(state, wiring, settings, work, sizes)
            if settings.delay > 0:
                hold_back(readings, late, (half // 2) % settings.delay)
            if half // 2 >= settings.delay:
                turn(taps, g, first, second, settings)
        if settings.before if half % 2 == 0 else settings.after:
            pause(state, wiring, work.drops, work.propagator, sizes)
    measure(costs, last // 2, state, wiring, work, sizes[1])


@kernel
def train(costs, state, wiring, settings, work):
    """Training steps of a block. costs (steps + 1, lanes): C before each and at the end."""
    m, n, inner = state.conductances.shape[0], state.free.shape[0], state.clamped.shape[0]
    integrate(costs, state, wiring, settings, work, (m, n, inner))


BOARD = 16, 7, 2    # edges, free nodes and targets of the paper's board


@kernel
def train_board(costs, state, wiring, settings, work):
    """The same for circuits of the sizes of BOARD: constants, so that the compiler unrolls the loops."""
    integrate(costs, state, wiring, settings, work, (16, 7, 5))
