"""How long the steps of a lane are under any task, rule and schedule, and what an evaluation of its cost decides."""
import numpy as np
from ohmlearn.kernels.ensemble.block_state import DIVERGED
from ohmlearn.kernels.ensemble.cost_evaluation import bend
from ohmlearn.kernels.ensemble.rk4 import DT, LEARN
from ohmlearn.kernels.ensemble.step_control import (
    HALVE,
    SHORTEST,
    STABLE,
    adapt_span,
    endless,
    judge,
    no_longer_than_falling,
    remember,
    retreat,
    sharpness,
    take_back,
)
from ohmlearn.kernels.simd.jit import inner

from .schedule import clamp_again, factor, present, set_length
from .stages import FADE, STEEP

RELAX, LEARN_MOST, QUASISTATIC = 1.0, 0.4, 0.7      # dt times the fastest rates, at tolerance 1e-3
CLIP = 0.4              # times the second, where G stops at once at its bounds
BLEND = 0.5             # dt over the time in which one sample goes over into the next
SWIFT = 5.0             # at rate 0 the relative change of G counts so many times as a rate
FADING = 0.9            # of the fastest learning at earlier evaluations: samples in turn do not learn equally fast


@inner
def note_errors(b, p, lane, taken):
    """Errors of a lane so many steps after the last evaluation, from rows error."""
    for i in range(b.at.C * b.at.K):
        p.errors[taken, i, lane] = b.rows[b.at.error + i, lane]


@inner
def learning_frequency(b, clock, lane, dt):
    """The highest frequency at which a lane learns in steps dt, until it is evaluated."""
    me, show = clock.each[lane], clock.show[lane]
    f = factor(b, lane, me.time)
    if show.varied:
        f = max(f, factor(b, lane, me.time + dt), factor(b, lane, me.time + me.span * dt))
    return np.sqrt(2 * me.rate * f * show.learning)


@inner
def longest(b, clock, lane):
    """The longest step that relaxation and learning allow."""
    me, show = clock.each[lane], clock.show[lane]
    if not np.isnan(me.fixed):
        return me.fixed
    finer, sharper = sharpness(me)
    change = BLEND * finer * show.length if show.blend else np.inf
    if show.quasistatic:
        return min(change, me.caution * QUASISTATIC * finer / max(show.learning, 1e-300))
    dt = min(change, me.caution * min(RELAX, RELAX * finer) / max(show.relaxing, 1e-300))
    if not np.isfinite(me.fall):
        finer *= CLIP
    learning = learning_frequency(b, clock, lane, dt)
    dt = min(dt, me.caution * LEARN_MOST * min(finer, 2 * sharper) / max(learning, 1e-300))
    return no_longer_than_falling(me, dt)


@inner
def adapt(b, clock, lane, rough):
    """How often to evaluate C* and how cautiously to step, after a stretch of this bend that was kept. Where rates may
    change within a stretch, or C* is random, it is evaluated often."""
    me, show = clock.each[lane], clock.show[lane]
    adapt_span(me, rough)
    if show.varied or show.noise > 0 or b.at.remembers:
        me.span = 2 * SHORTEST if show.samples > 3 else SHORTEST


@inner
def goal(me, p, lane):
    """The time at which a stretch ends at the latest: the limit, a crossing, the next record."""
    end = min(me.limit, me.aim)
    if me.recorded < p.times.shape[0] and p.times[me.recorded, lane] > me.time * (1 + 1e-12):
        end = min(end, p.times[me.recorded, lane])
    return end


@inner
def plan(b, clock, p, lane):
    """Step and stretch until the next evaluation, so that steps end where samples change and at the goal."""
    me, show = clock.each[lane], clock.show[lane]
    if show.phase > 1 - 1e-9:                       # a record fell on the moment of a switch
        show.shown, show.phase, show.switches = show.shown + 1, 0.0, show.switches + 1
    rest, limit = (1.0 - show.phase) * show.length, goal(me, p, lane) - me.time
    end, dt = min(rest, limit), longest(b, clock, lane)
    if endless(me, dt):
        me.dt, me.status = dt, DIVERGED
        return
    dt = min(dt, end)
    span = me.span - me.clock % me.span                 # lanes are evaluated together: the block pays for all
    steps = max(1, int(np.ceil(end / dt * (1 - 1e-12))))
    dt, show.left, me.stretch = end / steps, steps, min(span, steps)
    if limit <= rest * (1 + 1e-9):
        show.left = steps + 1
    elif show.phase == 0.0:
        show.per = steps
        if 2 * steps <= span:
            me.stretch = steps * min(span // steps, max(1, int(limit / show.length)))
    set_length(b, clock, lane, dt)
    if not np.isnan(me.fixed) and dt * show.relaxing > STABLE:
        me.status = DIVERGED
    present(b, clock, lane)
    clamp_again(b, lane)


@inner
def begin_stretch(b, clock, p, lane):
    """Start a new stretch from here."""
    remember(clock.each[lane], p, b.x, b.G, lane, None)
    note_errors(b, p, lane, 0)
    clock.show[lane].switches = 0
    clock.last[lane] = clock.show[lane]


@inner
def swiftest(b, lane):
    """Largest change of a conductance of a lane by rows slope, over itself; small ones count as a tenth of the mean."""
    o, total, most = b.at, 0.0, 0.0
    for j in range(o.m):
        total += b.G[j, lane]
    for j in range(o.m):
        most = max(most, abs(b.rows[o.slope + j, lane]) / max(b.G[j, lane], 0.1 * total / o.m))
    return most


@inner
def fastest_memory(b, lane):
    """How fast the rates of the edges of a lane change by what these remember, per unit of time."""
    o, most = b.at, 0.0
    steep, fade = b.rows[o.rule + STEEP, lane], b.rows[o.rule + FADE, lane]
    if steep == 0:
        return 0.0
    for j in range(o.m):
        most = max(most, b.rows[o.contrast + j, lane] ** 2 / (1 + steep * b.G[o.m + j, lane]))
    return -b.law.rows[LEARN, lane] * (steep * most + fade) / b.law.rows[DT, lane]


@inner
def plan_stretch(b, clock, p, lane):
    """From an evaluation of a lane to its next stretch."""
    me, show, o = clock.each[lane], clock.show[lane], b.at
    memory = fastest_memory(b, lane)
    show.relaxing = 0.0 if show.quasistatic else max(b.rows[o.bounds, lane], show.stiff, memory)
    fast = b.rows[o.bounds + 1, lane]
    if show.quasistatic:
        fast = max(max(b.rows[o.stiff, lane], SWIFT * swiftest(b, lane)) / me.dt, memory)
    show.learning = max(fast, FADING * show.learning)
    me.bound = show.relaxing
    if show.varied or show.noise > 0:
        me.flat_until = np.inf                          # a standstill need not last
    plan(b, clock, p, lane)
    begin_stretch(b, clock, p, lane)


@inner
def take_errors(b, clock, p, lane):
    """δ and its slope of a lane from `measure`; straight through the stretch where samples changed. Returns C*."""
    me, o, cost = clock.each[lane], b.at, 0.0
    for i in range(o.S * o.K):
        p.delta[i, lane], p.slope[i, lane] = b.rows[o.delta + i, lane], b.rows[o.rate + i, lane] / me.dt
        cost += p.delta[i, lane] ** 2
        if clock.show[lane].switches > 0:
            p.slope[i, lane] = (p.delta[i, lane] - p.last_delta[i, lane]) / (me.taken * me.dt)
            b.rows[o.rate + i, lane] = p.last_slope[i, lane]         # in case the stretch is taken again
            p.last_slope[i, lane] = p.slope[i, lane]
    return cost


@inner
def judge_stretch(b, clock, p, lane, cost):
    """What `judge` finds of the stretch since the last evaluation of a lane, its length and its bend."""
    me, show = clock.each[lane], clock.show[lane]
    h = me.taken * me.dt
    h = me.limit - me.time if me.time + h >= me.limit * (1 - 1e-12) else h
    rough = bend(me, lane, h, p)
    fast = b.rows[b.at.stiff, lane] if show.quasistatic else me.dt * b.rows[b.at.bounds, lane]
    return judge(me, p, lane, h, cost, 0.0 if show.switches > 0 else rough, fast, show.noise > 0), h, rough


@inner
def take_again(b, clock, p, lane, found):
    """Bring a lane, the slopes of its δ, its schedule and its step back to where the stretch began."""
    me = clock.each[lane]
    if found == HALVE:
        retreat(me, p, b.law.rows, b.x, b.G, lane)
    else:
        take_back(me, p, b.x, b.G, lane)
    if clock.show[lane].switches > 0:
        for i in range(b.at.S * b.at.K):
            p.last_slope[i, lane] = b.rows[b.at.rate + i, lane]
    clock.show[lane] = clock.last[lane]
    plan(b, clock, p, lane)
