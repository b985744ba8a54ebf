"""The steps and evaluations of lanes under any task, rule and schedule: what `ensemble.block_kinds` asks of a block."""
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.ensemble.block_kinds import (
    adapt,
    advance,
    begin_stretch,
    bring_to_start,
    judge_stretch,
    plan_stretch,
    stride_length,
    take_again,
    take_errors,
)
from ohmlearn.kernels.ensemble.block_state import CONTINUED, FRESH, RUNNING, Lanes, count_work
from ohmlearn.kernels.ensemble.network_physics import find_equilibria
from ohmlearn.kernels.ensemble.nonlinear_step import ROUNDS
from ohmlearn.kernels.ensemble.step_bounds import begin_peak, fastest
from ohmlearn.kernels.simd.jit import chosen, inner

from . import step_control
from .equilibria import Solves, measure, note_misfits, settle
from .schedule import Clock, clamp_again, draw_noise, present, set_length, set_rates, tick_show
from .stages import General, flows, learn, move, slopes, wipe
from .step_control import note_errors


class GeneralBlock(NamedTuple):
    """All arrays of a block of lanes under any task, rule and schedule; lanes, x, G, clock and tally as in
    `ensemble.block_state.Block`. G : (n_edges, lanes) of general.G, without what edges remember."""

    lanes: Lanes
    x: NDArray[np.float64]
    G: NDArray[np.float64]
    clock: NDArray[np.int64]
    tally: NDArray[np.int64]
    general: General
    solves: Solves
    schedule: Clock


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
    """Count a step of the lanes that run, note errors, go on in their schedules. Returns a bit for every lane that is
    due."""
    due = 0
    note_misfits(b, 1.0)
    for lane in range(clock.show.size):
        me = clock.each[lane]
        if me.status == RUNNING:
            me.taken += 1
            me.clock += 1
            note_errors(b, p, lane, me.taken)
            tick_show(b, clock, lane)
            due |= (me.taken >= me.stretch) << lane
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
        fastest(ROUNDS, graph, b.law, b.G, b.x[2 * n * copy:2 * n * (copy + 1)], everyone, peak, scratch, out)
        for i in range(2):
            for lane in range(b.x.shape[1]):
                b.rows[begin + i, lane] = max(b.rows[begin + 2 + i, lane], b.rows[begin + i, lane])


@inner
def beginning(each):
    """A bit for every lane that is fresh or continued."""
    new = 0
    for lane in range(each.size):
        new |= (FRESH <= each[lane].status <= CONTINUED) << lane
    return new


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
    measure(b, s, slow != 0 or beginning(clock.each) != 0)
    find_bounds(b, s.graph)
    note_misfits(b, 0.0)


@inner
def bring_general_to_start(b, s, clock):
    """What fresh lanes are shown, and v and w at equilibrium with it; those of continued lanes at rate 0 too."""
    new, settled = beginning(clock.each), 0
    for lane in range(clock.show.size):
        if new >> lane & 1:
            set_length(b, clock, lane, 1.0)              # slopes per unit of time
            present(b, clock, lane)
            clamp_again(b, lane)
            settled |= (clock.each[lane].status == FRESH or clock.show[lane].quasistatic) << lane
    settle(b, s, np.uint64(settled), 0.0)
    return new


@inner
def advance_general(block):
    """One step of all lanes."""
    p, running = block.lanes, 0
    for lane in range(p.each.size):
        running += p.each[lane].status == RUNNING
    step(block.general, block.solves, block.schedule)
    count_work(block.tally, 1, running)
    return note_step(block.general, block.schedule, p)


def _general(block):
    return "general" in block.fields


@chosen(stride_length)
def _stride_length(block):
    return (lambda block: 1) if _general(block) else None


@chosen(bring_to_start)
def _bring_to_start(block):
    if _general(block):
        return lambda block: bring_general_to_start(block.general, block.solves, block.schedule)
    return None


@chosen(advance)
def _advance(block):
    return (lambda block: advance_general(block)) if _general(block) else None


@chosen(find_equilibria)
def _find_equilibria(block, due):
    return (lambda block, due: solve_all(block.general, block.solves, block.schedule)) if _general(block) else None


@chosen(take_errors)
def _take_errors(block, lane):
    if _general(block):
        return lambda block, lane: step_control.take_errors(block.general, block.schedule, block.lanes, lane)
    return None


@chosen(judge_stretch)
def _judge_stretch(block, lane, cost):
    if _general(block):
        return lambda block, lane, cost: step_control.judge_stretch(block.general, block.schedule, block.lanes, lane,
                                                                    cost)
    return None


@chosen(adapt)
def _adapt(block, lane, rough):
    if _general(block):
        return lambda block, lane, rough: step_control.adapt(block.general, block.schedule, lane, rough)
    return None


@chosen(begin_stretch)
def _begin_stretch(block, lane):
    if _general(block):
        return lambda block, lane: step_control.begin_stretch(block.general, block.schedule, block.lanes, lane)
    return None


@chosen(plan_stretch)
def _plan_stretch(block, lane):
    if _general(block):
        return lambda block, lane: step_control.plan_stretch(block.general, block.schedule, block.lanes, lane)
    return None


@chosen(take_again)
def _take_again(block, lane, found):
    if _general(block):
        return lambda block, lane, found: step_control.take_again(block.general, block.schedule, block.lanes, lane,
                                                                  found)
    return None
