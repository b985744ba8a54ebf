"""A block of lanes under any task, rule and schedule, followed from look to look (see `stages`)."""
import numpy as np
from ohmlearn.kernels.ensemble.block_loop import begin, count, paused
from ohmlearn.kernels.ensemble.block_state import CONTINUED, DIVERGED, FRESH, REACHED, RUNNING
from ohmlearn.kernels.ensemble.cost_evaluation import bend, go_on_while_restless
from ohmlearn.kernels.ensemble.rk4 import DT, LEARN
from ohmlearn.kernels.ensemble.nonlinear_step import ROUNDS
from ohmlearn.kernels.ensemble.step_bounds import begin_peak, fastest
from ohmlearn.kernels.ensemble.step_control import (
    AGAIN,
    HALVE,
    KEEP,
    STABLE,
    endless,
    judge,
    no_longer_than_falling,
    remember,
    retreat,
    sharpness,
    take_back,
)
from ohmlearn.kernels.simd.jit import borrowed, inner, kernel

from .equilibria import measure, note_misfits, settle
from .schedule import clamp_again, draw_noise, factor, present, set_length, set_rates, tick_show
from .stages import FADE, STEEP, flows, learn, move, slopes, wipe

SPAN = 4                # RK4 steps between two looks, and half as many as there are samples more
RELAX, LEARN_MOST, QUASISTATIC = 1.0, 0.4, 0.7      # dt times the fastest rates, at tolerance 1e-3
CLIP = 0.4              # times the second, where G stops at once at its bounds
BLEND = 0.5             # dt over the time in which one sample goes over into the next
SWIFT = 5.0             # at rate 0 the relative change of G counts so many times as a rate
FADING = 0.9            # of the fastest learning at earlier looks: samples in turn do not learn equally fast


@inner
def quasistatic(clock, switched):
    """Lanes that run at rate 0, a bit each; or those alone whose samples have changed since the last look."""
    found = 0
    for lane in range(clock.show.size):
        show = clock.show[lane]
        if clock.each[lane].status == RUNNING and show.quasistatic and (show.switches > 0 or not switched):
            found |= 1 << lane
    return np.uint64(found)


@inner
def step(b, s, clock):
    """One RK4 step of all lanes."""
    slow = quasistatic(clock, False)
    if quasistatic(clock, True):
        settle(b, s, slow, 0.0)
    draw_noise(b, clock)
    for stage in range(4):
        fraction = 0.0 if stage == 0 else 1.0 if stage == 3 else 0.5
        set_rates(b, clock, fraction)
        flows(b)
        slopes(b)
        learn(stage, b)
        move(stage, b, fraction)
        if slow:
            settle(b, s, slow, 0.5 if stage == 0 or stage == 1 else 1.0)


@inner
def note_errors(b, p, lane, taken):
    """Errors of a lane so many steps after the last look, from rows error."""
    for i in range(b.at.C * b.at.K):
        p.errors[taken, i, lane] = b.rows[b.at.error + i, lane]


@inner
def note_step(b, clock, p):
    """Count a step of the lanes that run, note errors, go on in their schedules. Returns whether a look is due."""
    due = False
    note_misfits(b, 1.0)
    for lane in range(clock.show.size):
        me = clock.each[lane]
        if me.status == RUNNING:
            me.taken += 1
            note_errors(b, p, lane, me.taken)
            tick_show(b, clock, lane)
            due |= me.taken >= me.stretch
    return due


@inner
def find_bounds(b, graph):
    """Bounds on the rates of relaxation and of learning, the largest of all copies, into rows bounds."""
    n, begin, C = b.at.n, b.at.bounds, b.at.C
    scratch, out = b.rows[b.at.scratch:b.at.scratch + 3 * n], b.rows[begin + 2:begin + 4]
    peak, everyone = b.rows[b.at.scratch + 3 * n:b.at.scratch + 4 * n], (1 << b.x.shape[1]) - 1
    begin_peak(graph, b.law, b.G[:b.at.m], everyone, peak)       # what edges remember lies behind
    wipe(b.rows, begin, 2)
    for copy in range(C):
        for _ in range(ROUNDS):
            fastest(graph, b.law, b.G, b.x[2 * n * copy:2 * n * (copy + 1)], everyone, peak, scratch, out)
        for i in range(2):
            for lane in range(b.x.shape[1]):
                b.rows[begin + i, lane] = max(b.rows[begin + 2 + i, lane], b.rows[begin + i, lane])


@inner
def solve_all(b, s, clock):
    """Bounds on the step, the errors δ of all samples and their slopes, and the errors of those shown."""
    slow = quasistatic(clock, False)
    if quasistatic(clock, True):
        settle(b, s, slow, 0.0)
    set_rates(b, clock, 0.0)
    flows(b)
    wipe(b.rows, b.at.noise, b.at.m)
    slopes(b)
    measure(b, s, slow != 0 or count(clock.each, FRESH, CONTINUED) > 0)
    find_bounds(b, s.graph)
    note_misfits(b, 0.0)


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
    f = factor(b, lane, me.time)
    if show.varied:
        f = max(f, factor(b, lane, me.time + dt), factor(b, lane, me.time + show.span * dt))
    if not np.isfinite(me.fall):
        finer *= CLIP
    learning = np.sqrt(2 * me.rate * f * show.learning)
    dt = min(dt, me.caution * LEARN_MOST * min(finer, 2 * sharper) / max(learning, 1e-300))
    return no_longer_than_falling(me, dt)


@inner
def goal(me, p, lane):
    """The time at which a stretch ends at the latest: the limit, a crossing, the next record."""
    end = min(me.limit, me.aim)
    if me.recorded < p.times.shape[0] and p.times[me.recorded, lane] > me.time * (1 + 1e-12):
        end = min(end, p.times[me.recorded, lane])
    return end


@inner
def plan(b, clock, p, lane):
    """Step and stretch until the next look, so that steps end where samples change and at the goal."""
    me, show = clock.each[lane], clock.show[lane]
    if show.phase > 1 - 1e-9:                       # a record fell on the moment of a switch
        show.shown, show.phase, show.switches = show.shown + 1, 0.0, show.switches + 1
    rest, limit = (1.0 - show.phase) * show.length, goal(me, p, lane) - me.time
    end, dt = min(rest, limit), longest(b, clock, lane)
    if endless(me, dt):
        me.dt, me.status = dt, DIVERGED
        return
    dt = min(dt, end)
    steps = max(1, int(np.ceil(end / dt * (1 - 1e-12))))
    dt, show.left, me.stretch = end / steps, steps, min(show.span, steps)
    if limit <= rest * (1 + 1e-9):
        show.left = steps + 1
    elif show.phase == 0.0:
        show.per = steps
        if 2 * steps <= show.span:
            me.stretch = steps * min(show.span // steps, max(1, int(limit / show.length)))
    set_length(b, clock, lane, dt)
    if not np.isnan(me.fixed) and dt * show.relaxing > STABLE:
        me.status = DIVERGED
    present(b, clock, lane)
    clamp_again(b, lane)


@inner
def keep(b, clock, p, lane):
    """Start a new stretch from here."""
    remember(clock.each[lane], p, b.x, b.G, lane)
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
def go_on(b, clock, p, lane):
    """From a look of a lane to its next stretch."""
    me, show, o = clock.each[lane], clock.show[lane], b.at
    memory = fastest_memory(b, lane)
    show.relaxing = 0.0 if show.quasistatic else max(b.rows[o.bounds, lane], show.stiff, memory)
    fast = b.rows[o.bounds + 1, lane]
    if show.quasistatic:
        fast = max(max(b.rows[o.stiff, lane], SWIFT * swiftest(b, lane)) / me.dt, memory)
    show.learning = max(fast, FADING * show.learning)
    me.bound = show.relaxing
    plan(b, clock, p, lane)
    keep(b, clock, p, lane)


@inner
def take_delta(b, clock, p, lane):
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
def begin_again(b, clock, p, lane):
    """Bring the slopes of δ, the schedule and the step back to where the stretch of a lane began."""
    if clock.show[lane].switches > 0:
        for i in range(b.at.S * b.at.K):
            p.last_slope[i, lane] = b.rows[b.at.rate + i, lane]
    clock.show[lane] = clock.last[lane]
    plan(b, clock, p, lane)


@inner
def look(b, clock, p, lane):
    """Accept or reject the stretch since the last look of a lane, note what happened in it, plan the next one."""
    me, show = clock.each[lane], clock.show[lane]
    cost, h = take_delta(b, clock, p, lane), me.taken * me.dt
    h = me.limit - me.time if me.time + h >= me.limit * (1 - 1e-12) else h
    rough = 0.0 if show.switches > 0 else bend(me, lane, h, p)
    fast = b.rows[b.at.stiff, lane] if show.quasistatic else me.dt * b.rows[b.at.bounds, lane]
    found = judge(me, p, lane, h, cost, rough, fast, show.noise > 0)
    if found == HALVE:
        retreat(me, p, b.law.rows, b.x, b.G, lane)
    elif found == AGAIN:
        take_back(me, p, b.x, b.G, lane)
    elif me.status != DIVERGED:
        go_on_while_restless(me, p.last_G, b.G[:b.at.m], lane, h)
        me.caution = min(1.0, 1.1 * me.caution)
        go_on(b, clock, p, lane)
    if found != KEEP:
        begin_again(b, clock, p, lane)


@inner
def start(b, s, clock, p):
    """Bring fresh lanes to equilibrium and take the first look of fresh and continued ones."""
    fresh = 0
    for lane in range(clock.show.size):
        me = clock.each[lane]
        if me.status == FRESH or me.status == CONTINUED:
            set_length(b, clock, lane, 1.0)              # slopes per unit of time
            present(b, clock, lane)
            clamp_again(b, lane)
            if me.status == FRESH or clock.show[lane].quasistatic:
                fresh |= 1 << lane
    settle(b, s, np.uint64(fresh), 0.0)
    solve_all(b, s, clock)
    for lane in range(clock.show.size):
        me = clock.each[lane]
        if me.status == FRESH or me.status == CONTINUED:
            cost = take_delta(b, clock, p, lane)
            keep(b, clock, p, lane)
            over = begin(me, p, lane, cost)
            if clock.show[lane].varied or clock.show[lane].noise > 0:
                me.flat_until = np.inf                   # a standstill need not last
            go_on(b, clock, p, lane)
            if over:
                me.status = REACHED


@kernel
def run(b, s, clock, p, steps):
    """Follow a block for this many steps, or until a lane is done or pauses. Returns the steps taken."""
    b, s, clock, p = borrowed(b), borrowed(s), borrowed(clock), borrowed(p)
    for number in range(steps):
        if count(clock.each, FRESH, CONTINUED):
            start(b, s, clock, p)
            if paused(clock.each):
                return number
        step(b, s, clock)
        if note_step(b, clock, p):
            solve_all(b, s, clock)
            for lane in range(clock.show.size):
                if clock.each[lane].status == RUNNING and clock.each[lane].taken >= clock.each[lane].stretch:
                    look(b, clock, p, lane)
        if count(clock.each, REACHED, DIVERGED) or paused(clock.each):
            return number + 1
    return steps
