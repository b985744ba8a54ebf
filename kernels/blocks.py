"""A block of lanes, followed from look to look until a member is done."""
import numpy as np

from .compiled import kernel
from .dynamics import rk4_step
from .equilibrium import assemble, factorise, relax
from .gliding import any_gliding, glide
from .state import CONTINUED, DIVERGED, FRESH, REACHED, RUNNING
from .stepping import SHORTEST, choose_step, clamp, look, measure, note_errors, remember, set_step, solve_all


@kernel
def equilibrate(block):
    """Bring fresh lanes to equilibrium: v with the sources held, then w with the targets clamped too."""
    law, p = block.law, block.lanes
    for part, free in ((0, law.free_v), (1, law.free_w)):
        assemble(block.graph, block.pattern, free, block.G, block.factor.matrix)
        factorise(block.pattern, block.factor.matrix)
        relax(block.graph, block.pattern, free, block.G, block.x, part, block.slow.v, block.factor)
        for lane in range(p.status.size):
            if p.status[lane] == FRESH:
                for a in range(free.size):
                    block.x[2 * a + part, lane] = block.slow.v[a, lane]
                clamp(block, lane)


@kernel
def first_look(block, lane):
    """Where a run begins: C*(0), what is recorded at the start, and the first step."""
    p = block.lanes
    cost = measure(block, lane)
    if p.status[lane] == FRESH:
        p.initial[lane] = cost
    learned = p.initial[lane] == 0
    if learned:
        p.initial[lane], p.first[lane], p.sustained[lane], p.instant[lane] = 1.0, 0.0, 0.0, 0.0
    p.cost[lane] = cost / p.initial[lane]
    p.lowest[lane] = p.highest[lane] = np.log(max(p.cost[lane], 1e-300))
    p.flat_until[lane] = p.time[lane] + 0.1 * p.limit[lane]
    p.status[lane] = RUNNING if np.isfinite(cost) else DIVERGED
    remember(block, lane)
    while p.recorded[lane] < p.times.shape[0] and p.times[p.recorded[lane], lane] <= p.time[lane]:
        k = p.recorded[lane]
        p.equilibrium[k, lane] = p.cost[lane]
        p.nonequilibrium[k, lane] = np.sum(p.errors[0, :, lane] ** 2) / p.initial[lane]
        p.recorded[lane] += 1
    choose_step(block, lane)
    if learned and p.stop[lane]:
        p.status[lane] = REACHED


@kernel
def start(block):
    """Bring fresh lanes to equilibrium and take the first look of fresh and continued ones."""
    p = block.lanes
    equilibrate(block)
    for lane in range(p.status.size):
        if p.status[lane] == FRESH or p.status[lane] == CONTINUED:
            set_step(block, lane, 1.0)         # slopes per unit of time
            p.span[lane] = SHORTEST
    solve_all(block)
    for lane in range(p.status.size):
        if p.status[lane] == FRESH or p.status[lane] == CONTINUED:
            first_look(block, lane)


@kernel
def step_all(block):
    """SHORTEST RK4 steps of the lanes that RK4 follows, and a look at those that are due."""
    p, due = block.lanes, False
    for _ in range(SHORTEST):
        rk4_step(block.graph, block.law, block.x, block.y, block.q, block.G, block.Gq)
        for lane in range(p.status.size):
            if p.status[lane] == RUNNING and not p.gliding[lane]:
                p.taken[lane] += 1
                note_errors(block, lane)
                due |= p.taken[lane] >= p.span[lane]
    if due:
        solve_all(block)
        for lane in range(p.status.size):
            if p.status[lane] == RUNNING and not p.gliding[lane] and p.taken[lane] >= p.span[lane]:
                look(block, lane)


@kernel
def run(block, strides):
    """Follow a block for this many strides, or until a lane is done. Returns the strides taken."""
    p = block.lanes
    if np.any((p.status == FRESH) | (p.status == CONTINUED)):
        start(block)
    for stride in range(strides):
        if any_gliding(p):
            glide(block)
        if np.any(p.status > RUNNING):
            return stride
        if np.any((p.status == RUNNING) & ~p.gliding):
            step_all(block)
        if np.any(p.status > RUNNING):
            return stride
    return strides
