"""A block of lanes, followed from look to look until a member is done."""
import numpy as np

from .compiled import borrowed, kernel
from .dynamics import rk4_step
from .equilibrium import assemble, factorise, relax
from .gliding import any_candidate, glide, gliding_bits
from .state import CONTINUED, DIVERGED, FRESH, REACHED, RUNNING
from .stepping import LONGEST, SHORTEST, choose_step, clamp, look, measure, note_step, remember, set_step, solve_all

RARE = 6        # strides of RK4 that cost what a stride on the manifold does: so often it is taken when both go on


@kernel
def count(each, lowest, highest):
    """Lanes with a status from `lowest` to `highest`."""
    n = 0
    for lane in range(each.size):
        n += lowest <= each[lane].status <= highest
    return n


@kernel
def equilibrate(block):
    """Bring fresh lanes to equilibrium: v with the sources held, then w with the targets clamped too."""
    law, p, x, v = block.law, block.lanes, block.x, block.slow.v
    for part, free in ((0, law.free_v), (1, law.free_w)):
        assemble(block.graph, block.pattern, free, block.G, block.factor.matrix)
        factorise(block.pattern, block.factor.matrix)
        relax(block.graph, block.pattern, free, block.G, x, part, v, block.factor)
        for lane in range(p.each.size):
            if p.each[lane].status == FRESH:
                for a in range(free.size):
                    x[2 * a + part, lane] = v[a, lane]
                clamp(p, x, lane)


@kernel
def begin(me, p, lane, cost):
    """C*(0), and what is known and recorded at the start of a run that has this C* (V²). Returns whether it is over."""
    if me.status == FRESH:
        me.initial = cost
    learned = me.initial == 0
    if learned:
        me.initial, me.first, me.sustained, me.instant = 1.0, 0.0, 0.0, 0.0
    me.cost = cost / me.initial
    me.lowest = me.highest = np.log(max(me.cost, 1e-300))
    me.flat_until = me.time + 0.1 * me.limit
    me.status = RUNNING if np.isfinite(cost) else DIVERGED
    while me.recorded < p.times.shape[0] and p.times[me.recorded, lane] <= me.time:
        instant = 0.0
        for i in range(p.target.shape[0]):
            instant += p.errors[0, i, lane] ** 2
        p.equilibrium[me.recorded, lane] = me.cost
        p.nonequilibrium[me.recorded, lane] = instant / me.initial
        me.recorded += 1
    return learned and me.stop


@kernel
def start(block):
    """Bring fresh lanes to equilibrium and take the first look of fresh and continued ones."""
    p, rows = block.lanes, block.law.rows
    equilibrate(block)
    for lane in range(p.each.size):
        me = p.each[lane]
        if me.status == FRESH or me.status == CONTINUED:
            set_step(me, rows, lane, 1.0)         # slopes per unit of time
            me.span = SHORTEST
    solve_all(block)
    for lane in range(p.each.size):
        me = p.each[lane]
        if me.status == FRESH or me.status == CONTINUED:
            cost = measure(me, p, block.slow.v, block.factor.solution, lane)
            remember(me, p, block.x, block.G, lane)
            over = begin(me, p, lane, cost)
            choose_step(me, rows, block.bounds, lane)
            if over:
                me.status = REACHED


@kernel
def step_all(block):
    """SHORTEST RK4 steps of the lanes that RK4 follows, and a look at those that are due."""
    p, due = block.lanes, False
    for _ in range(SHORTEST):
        rk4_step(block.graph, block.law, block.x, block.y, block.q, block.G, block.Gq)
        due |= note_step(p.each, p.target, p.errors, block.x)
    if due:
        solve_all(block)
        for lane in range(p.each.size):
            me = p.each[lane]
            if me.status == RUNNING and not me.gliding and me.taken >= me.stretch:
                look(block, lane)


@kernel
def tick(block):
    """Count a stride: of the block, and of the lanes that run. A block that stands still starts anew."""
    each, running = block.lanes.each, False
    for lane in range(each.size):
        if each[lane].status == RUNNING:
            each[lane].clock += 1
            running = True
    block.clock[0] = block.clock[0] + 1 if running else 0


@kernel
def any_stepping(each):
    """Whether RK4 follows any lane."""
    for lane in range(each.size):
        if each[lane].status == RUNNING and not each[lane].gliding:
            return True
    return False


@kernel
def run(block, strides):
    """Follow a block for this many strides, or until a lane is done. Returns the strides taken.

    New lanes wait for a multiple of the longest span, so that the lanes look at the same strides: a look costs
    the block the same for one lane as for all.
    """
    block = borrowed(block)
    each = block.lanes.each
    for stride in range(strides):
        if block.clock[0] % (LONGEST // SHORTEST) == 0 and count(each, FRESH, CONTINUED):
            start(block)
        tick(block)
        rest = any_stepping(each) and block.clock[0] % RARE != 0
        if any_candidate(each) or (gliding_bits(each) and not rest):
            glide(block)
        if any_stepping(each):             # those that just left the manifold too
            step_all(block)
        if count(each, REACHED, DIVERGED):
            return stride + 1
    return strides
