"""A block of lanes, followed from one evaluation of the cost to the next until a member is done: the loop of all kinds
of blocks, see `block_kinds`."""
import numpy as np
from ohmlearn.kernels.simd.jit import borrowed, inner, kernel

from .block_kinds import (
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
from .block_state import CONTINUED, DIVERGED, EVALUATED, EVALUATIONS, FRESH, REACHED, RUNNING
from .cost_evaluation import go_on_while_restless
from .manifold_control import able, glide
from .network_physics import find_equilibria
from .step_control import KEEP, LONGEST

ROUNDING = 4e-15        # of the largest voltage: errors at the targets below it are none


@inner
def count(each, lowest, highest):
    """Lanes with a status from `lowest` to `highest`."""
    n = 0
    for lane in range(each.size):
        n += lowest <= each[lane].status <= highest
    return n


@inner
def rounding(p, lane):
    """C* (V²) below which it is rounding of the voltages at which a stretch begins."""
    largest, targets = 0.0, 0
    for i in range(p.target.shape[0]):
        if p.target[i, lane] >= 0:
            largest, targets = max(largest, abs(p.desired[i, lane])), targets + 1
    for i in range(p.last_x.shape[0]):
        largest = max(largest, abs(p.last_x[i, lane]))
    return max(1, targets) * (ROUNDING * largest) ** 2


@inner
def begin(me, p, lane, cost):
    """C*(0), and what is known and recorded at the start of a run that has this C* (V²). Returns whether it is over."""
    if me.initial == 0:                                     # else it goes on from an earlier run
        me.initial = cost
    learned = me.initial <= rounding(p, lane)
    if learned:
        me.initial, me.first, me.sustained, me.instant = 1.0, 0.0, 0.0, 0.0
    me.cost = cost / me.initial
    if me.flat_until == 0:
        me.lowest = me.highest = np.log(max(me.cost, 1e-300))
        me.flat_until = me.time + me.patience
    level = me.until * me.initial
    if cost < level:                                        # it goes on from a run that was below already
        me.first = me.time if np.isnan(me.first) else me.first
        me.sustained = me.time if np.isnan(me.sustained) else me.sustained
    me.status = RUNNING if np.isfinite(cost) else DIVERGED
    while me.recorded < p.times.shape[0] and p.times[me.recorded, lane] <= me.time:
        instant = 0.0
        for i in range(p.target.shape[0]):
            instant += p.errors[0, i, lane] ** 2
        p.equilibrium[me.recorded, lane] = me.cost
        p.nonequilibrium[me.recorded, lane] = instant / me.initial
        me.recorded += 1
        me.pause = me.keeps
    return me.stop and (learned or cost < level)


@inner
def start(block, manifold):
    """Bring fresh lanes to equilibrium and evaluate fresh and continued ones. manifold : as in `run`."""
    p, new = block.lanes, bring_to_start(block)
    find_equilibria(block, new)
    for lane in range(p.each.size):
        if new >> lane & 1:
            me, cost = p.each[lane], take_errors(block, lane)
            begin_stretch(block, lane)
            over = begin(me, p, lane, cost)
            me.gliding = 0 if manifold is None else 1
            plan_stretch(block, lane)
            if over:
                me.status = REACHED


@inner
def evaluate(block, lane):
    """Accept or reject the stretch since the last evaluation of a lane, note what happened in it, plan the next one."""
    p = block.lanes
    me, cost = p.each[lane], take_errors(block, lane)
    found, h, rough = judge_stretch(block, lane, cost)
    if found == KEEP:
        go_on_while_restless(me, p.last_G, block.G, lane, h)
        adapt(block, lane, rough)
        begin_stretch(block, lane)
        plan_stretch(block, lane)
    else:
        take_again(block, lane, found)


@inner
def go_on(block):
    """The RK4 steps of a stride of all lanes, and an evaluation of those that are due."""
    due = advance(block)
    if not due:
        return
    find_equilibria(block, due)
    evaluated = 0
    for lane in range(block.lanes.each.size):
        if due >> lane & 1:
            me = block.lanes.each[lane]
            evaluate(block, lane)
            evaluated += 1
            if able(me, block.lanes, lane):
                me.gliding, me.reach = 1, 0.0
    block.tally[EVALUATIONS] += 1
    block.tally[EVALUATED] += evaluated


@inner
def paused(each):
    """Whether the state of any lane is to be written down before its block goes on."""
    for lane in range(each.size):
        if each[lane].pause:
            return True
    return False


@inner
def strayed(each, manifold):
    """Whether any lane belongs to the other way of going on."""
    here = 0 if manifold is None else 1
    for lane in range(each.size):
        if each[lane].gliding != here and RUNNING >= each[lane].status > FRESH:
            return True
    return False


@kernel
def run(block, manifold, strides):
    """Follow a block by RK4 (manifold None) or on the slow manifold (True), for this many strides or until a lane is
    done, pauses or belongs to the other way. A stride is as many steps of RK4 as `advance` takes, or one on the
    manifold. Returns those taken. None and not False, so that each way is compiled without the other.

    New lanes wait for a multiple of the longest span, so that the lanes are evaluated at the same strides: that costs
    the block the same for one lane as for all.
    """
    block = borrowed(block)
    each = block.lanes.each
    for stride in range(strides):
        in_step = manifold is not None or block.clock[0] % (LONGEST // stride_length(block)) == 0
        if in_step and count(each, FRESH, CONTINUED):
            start(block, manifold)
            if paused(each):
                return stride
        block.clock[0] = block.clock[0] + 1 if count(each, RUNNING, RUNNING) else 0
        if manifold is None:
            go_on(block)
        else:
            glide(block)
        if count(each, REACHED, DIVERGED) or paused(each) or strayed(each, manifold):
            return stride + 1
    return strides
