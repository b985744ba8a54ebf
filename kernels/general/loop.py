"""A block of lanes under any task, rule and schedule, advanced until a member is done (see `stages`)."""
import numpy as np
from ohmlearn.kernels.ensemble.block_loop import begin, count, paused
from ohmlearn.kernels.ensemble.block_state import CONTINUED, DIVERGED, FRESH, REACHED, RUNNING
from ohmlearn.kernels.ensemble.nonlinear_step import ROUNDS
from ohmlearn.kernels.ensemble.step_bounds import begin_peak, fastest
from ohmlearn.kernels.ensemble.step_control import LONGEST
from ohmlearn.kernels.simd.jit import borrowed, inner, kernel

from .equilibria import measure, note_misfits, settle
from .schedule import clamp_again, draw_noise, present, set_length, set_rates, tick_show
from .stages import flows, learn, move, slopes, wipe
from .step_control import evaluate, go_on, keep, note_errors, take_delta


@inner
def quasistatic(clock, switched):
    """Lanes that run at rate 0, a bit each; or those alone whose samples have changed since the last evaluation."""
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
        learn(stage, b)
        move(stage, b, fraction)
        if slow:
            settle(b, s, slow, 0.5 if stage == 0 or stage == 1 else 1.0)


@inner
def note_step(b, clock, p):
    """Count a step of the lanes that run, note errors, go on in their schedules. Returns whether a lane is due."""
    due = False
    note_misfits(b, 1.0)
    for lane in range(clock.show.size):
        me = clock.each[lane]
        if me.status == RUNNING:
            me.taken += 1
            me.clock += 1
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
def start(b, s, clock, p):
    """Bring fresh lanes to equilibrium and take the first evaluation of fresh and continued ones."""
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
    """Follow a block for this many steps, or until a lane is done or pauses. Returns the steps taken.

    New lanes wait for a multiple of the longest span, as those of `ensemble.block_loop.run` do."""
    b, s, clock, p = borrowed(b), borrowed(s), borrowed(clock), borrowed(p)
    for number in range(steps):
        if clock.steps[0] % LONGEST == 0 and count(clock.each, FRESH, CONTINUED):
            start(b, s, clock, p)
            if paused(clock.each):
                return number
        clock.steps[0] = clock.steps[0] + 1 if count(clock.each, RUNNING, RUNNING) else 0
        step(b, s, clock)
        if note_step(b, clock, p):
            solve_all(b, s, clock)
            for lane in range(clock.show.size):
                if clock.each[lane].status == RUNNING and clock.each[lane].taken >= clock.each[lane].stretch:
                    evaluate(b, clock, p, lane)
        if count(clock.each, REACHED, DIVERGED) or paused(clock.each):
            return number + 1
    return steps
