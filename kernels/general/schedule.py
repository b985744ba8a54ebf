"""What a lane is shown and how fast it learns, as time goes on: samples in turn, the rate's schedule, noise."""
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.ensemble.block_state import RUNNING
from ohmlearn.kernels.ensemble.rk4 import LEARN
from ohmlearn.kernels.ensemble.step_control import set_step
from ohmlearn.kernels.simd.jit import inner
from ohmlearn.kernels.simd.random_normal import normal

from .stages import HOLD, KAPPA, MOVE, PULL, TRACK

# A lane's place in its schedule, one record a lane:
#   samples : how many. turn : whether they are shown in turn, else side by side. blend : going over into each other.
#   varied : whether the rate is not constant. quasistatic : R = 0.
#   shown : samples shown so far. left, per : steps left of this one, and of a whole one. switches : since C* was
#   evaluated. length : how long a sample is shown. phase : the fraction of it that is over.
#   noise : standard deviation of dG over one training step, over √a. stiff : relaxation of the clamp.
#   relaxing, learning : fastest rates at the last evaluation.
_WHOLE = ("samples", "turn", "blend", "varied", "quasistatic", "shown", "left", "per", "switches")
_REAL = ("length", "phase", "noise", "stiff", "relaxing", "learning")
SHOW = np.dtype([(name, np.int64) for name in _WHOLE] + [(name, np.float64) for name in _REAL])


class Clock(NamedTuple):
    """each : (lanes,) records as in `state`. show, last : (lanes,) records SHOW, now and at the last evaluation.
    key : (n_edges, lanes) of random numbers."""

    each: NDArray[np.void]
    show: NDArray[np.void]
    last: NDArray[np.void]
    key: NDArray[np.uint64]


@inner
def present(b, clock, lane):
    """Set what a lane is shown at its place in the schedule, and how far that moves in a step."""
    o, show, samples = b.at, clock.show[lane], clock.show[lane].samples
    part, phase = clock.each[lane].dt / show.length, show.phase
    for copy in range(o.C):
        s = show.shown % samples if show.turn else min(copy, samples - 1)
        following = (s + 1) % samples
        for size, given, now, trend in ((o.n, o.drive, o.now, o.trend), (o.K + o.D, o.desired, o.aim, o.turn)):
            for a in range(size):
                begin = b.rows[given + s * size + a, lane]
                b.rows[now + copy * size + a, lane] = begin
                if show.blend:
                    ahead = b.rows[given + following * size + a, lane] - begin
                    b.rows[now + copy * size + a, lane] = begin + phase * ahead
                    b.rows[trend + copy * size + a, lane] = part * ahead


@inner
def reading(b, lane, q, first):
    """What column q of C reads of every other row of x from `first` on, in a lane."""
    total = 0.0
    for i in range(b.counts[q]):
        a = b.nodes[q * b.at.n + i]
        total += b.rows[b.at.column + q * b.at.n + a, lane] * b.x[first + 2 * a, lane]
    return total


@inner
def clamp_again(b, lane):
    """Held voltages, held drops and the clamp of a lane, exactly as shown."""
    o, rows, x, n, Q, rule = b.at, b.rows, b.x, b.at.n, b.at.K + b.at.D, b.at.rule
    holds = rows[rule + HOLD, lane] == 1.0 and rows[rule + TRACK, lane] == 1.0
    for copy in range(o.C):
        first = 2 * copy * n
        for a in range(n):
            if not b.law.free_v[a] & (1 << lane):
                x[first + 2 * a, lane] = rows[o.now + copy * n + a, lane]
        for part in range(2):
            for q in range(o.K if part == 0 else 0, Q):
                read = reading(b, lane, q, first + part)
                wanted = rows[o.aim + copy * Q + q, lane] if part == 0 or q < o.K else 0.0
                if q < o.K:
                    wanted = wanted - reading(b, lane, q, first) if holds else read
                rows[o.gap + q, lane] = rows[o.used + q, lane] * (wanted - read)
            for q in range(o.K if part == 0 else 0, Q):
                spread = Q + q if part else 2 * Q + q - o.K
                for i in range(b.counts[spread]):
                    a = b.nodes[spread * n + i]
                    x[first + 2 * a + part, lane] += rows[o.gap + q, lane] * rows[o.column + spread * n + a, lane]


@inner
def tick_show(b, clock, lane):
    """A step further in the schedule of a lane, and on to the next sample when it is due."""
    show = clock.show[lane]
    show.left -= 1
    show.phase += clock.each[lane].dt / show.length
    if show.left <= 0:
        show.shown += 1
        show.phase, show.left = 0.0, show.per
        show.switches += 1
    elif not show.blend:
        return
    present(b, clock, lane)
    if show.phase == 0.0:
        clamp_again(b, lane)


@inner
def factor(b, lane, time):
    """The rate of a lane at a time, over R: its schedule, piecewise linear, and what the cost's growth made of it."""
    o, rows, f = b.at, b.rows, np.exp(b.x[b.x.shape[0] - 1, lane])
    if time >= rows[o.times + o.knots - 1, lane]:
        return f * rows[o.factors + o.knots - 1, lane]
    k = 0
    while time >= rows[o.times + k, lane]:
        k += 1
    after = rows[o.factors + k, lane]
    if k == 0:
        return f * after
    begin, before = rows[o.times + k - 1, lane], rows[o.factors + k - 1, lane]
    return f * (before + (time - begin) / (rows[o.times + k, lane] - begin) * (after - before))


@inner
def set_rates(b, clock, fraction):
    """The rates of lanes whose rate is not constant, at a fraction of the step."""
    for lane in range(clock.show.size):
        me = clock.each[lane]
        if clock.show[lane].varied:
            f = factor(b, lane, me.time + (me.taken + fraction) * me.dt)
            b.law.rows[LEARN, lane] = -me.rate * me.dt * f


@inner
def set_length(b, clock, lane, dt):
    """Give a lane the step dt."""
    me, rule = clock.each[lane], b.at.rule
    set_step(me, b.law.rows, lane, dt)
    b.rows[rule + PULL, lane] = b.rows[rule + KAPPA, lane] * dt
    b.rows[rule + MOVE, lane] = 0.0 if clock.show[lane].quasistatic else dt


@inner
def draw_noise(b, clock):
    """Random numbers of a step in the lanes that have noise: one white noise an edge, constant within a step."""
    for lane in range(clock.show.size):
        me, show = clock.each[lane], clock.show[lane]
        if show.noise > 0 and me.status == RUNNING:
            f = factor(b, lane, me.time + me.taken * me.dt)
            size = show.noise * np.sqrt(me.rate * f * me.dt)
            counter = np.uint64(me.steps + me.taken)
            for j in range(b.at.m):
                drawn = normal(clock.key[j, lane], counter)
                b.rows[b.at.noise + j, lane] = size * b.law.learning[j, lane] * drawn
