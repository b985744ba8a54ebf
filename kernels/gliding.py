"""Lanes on the slow manifold: when they are there, and how far their steps go."""
import numpy as np

from .compiled import kernel
from .looks import note
from .slow import lagging, quasistatic
from .state import AUTO, DIVERGED, RUNNING, SLOW
from .stepping import LONGEST, SHORTEST, choose_step, clamp, remember, set_step
from .stepsize import fastest
from .wmethod import linearise, propose

ENTER, LEAVE = 0.01, 0.03      # lag below which the manifold is followed, above which it is left
WANTED = 0.02                  # |error| / |move| of a step of G, at tolerance 1e-3
FIRST = 0.1                    # the first step, over the sum of the rates of learning


@kernel
def candidate(p, lane):
    """Whether a lane that RK4 has just brought to a look may go over to the manifold: below R = 1, where C* is smooth."""
    able = p.method[lane] == AUTO and p.rate[lane] <= 1.0 and np.isnan(p.fixed[lane])
    smooth = p.looks[lane] == 0 or p.span[lane] == LONGEST
    here = p.status[lane] == RUNNING and not p.gliding[lane] and p.taken[lane] == 0
    return here and (p.method[lane] == SLOW or (able and smooth))


@kernel
def any_gliding(p):
    """Whether any lane is on the manifold or may go there."""
    for lane in range(p.status.size):
        if (p.gliding[lane] and p.status[lane] == RUNNING) or candidate(p, lane):
            return True
    return False


@kernel
def measure_lag(block, lane):
    """|dG/dt - dG/dt*| / |dG/dt*| of a lane: G followed on the manifold with and without the lag."""
    slow = block.slow
    off, size = 0.0, 1e-300
    for j in range(block.G.shape[0]):
        off += (slow.rate[j, lane] - slow.still[j, lane]) ** 2
        size += slow.still[j, lane] ** 2
    block.lanes.lag[lane] = np.sqrt(off / size)


@kernel
def settle(block, lane):
    """Put v and w on the manifold and begin a new stretch there."""
    for a in range(block.slow.v.shape[0]):
        block.x[2 * a, lane], block.x[2 * a + 1, lane] = block.slow.v_lag[a, lane], block.slow.w_lag[a, lane]
    clamp(block, lane)


@kernel
def arrive(block, lane):
    """Note the stretch that led here, and stay on the manifold or hand the lane back to RK4."""
    p, slow = block.lanes, block.slow
    settle(block, lane)
    for i in range(p.target.shape[0]):
        a = p.target[i, lane]
        p.errors[1, i, lane] = block.x[2 * a + 1, lane] if a >= 0 else 0.0
    note(lane, p.dt[lane], slow.delta, slow.slope, p)
    remember(block, lane)
    measure_lag(block, lane)
    if p.lag[lane] > LEAVE and p.method[lane] == AUTO and p.status[lane] == RUNNING:
        p.gliding[lane] = False
        p.span[lane] = SHORTEST
        fastest(block.graph, block.law, block.G, block.x, block.scratch, block.bounds)
        choose_step(block, lane)


@kernel
def enter(block, lane):
    """Send a lane to the manifold if its lag is small, or if its method asks for it."""
    p = block.lanes
    measure_lag(block, lane)
    if p.lag[lane] < ENTER or p.method[lane] == SLOW:
        p.gliding[lane] = True
        p.reach[lane] = 0.0
        set_step(block, lane, 0.0)
        settle(block, lane)
        remember(block, lane)


@kernel
def gliding_bits(p):
    """A bit for every lane that goes on on the manifold."""
    moving = 0
    for lane in range(p.status.size):
        if p.gliding[lane] and p.status[lane] == RUNNING:
            moving |= 1 << lane
    return moving


@kernel
def set_lengths(block, moving):
    """The steps that the gliding lanes try, into stages.h: the first one from the trace of QᵀU."""
    p, size = block.lanes, block.lanes.target.shape[0]
    for lane in range(p.status.size):
        block.stages.h[0, lane] = 0.0
        if moving & (1 << lane):
            trace = 0.0
            for k in range(size):
                trace += abs(block.stages.matrix[k * size + k, lane])
            h = p.reach[lane] if p.reach[lane] > 0 else FIRST / max(trace, 1e-300)
            block.stages.h[0, lane] = min(h, p.limit[lane] - p.time[lane])


@kernel
def decide(block, lane):
    """Accept the step of a gliding lane, to be noted once its end is known, or take it back."""
    p, stages = block.lanes, block.stages
    h = stages.h[0, lane]
    error = np.sqrt(stages.error[0, lane] / max(stages.moved[0, lane], 1e-300))
    wanted = WANTED * np.sqrt(p.tolerance[lane] / 1e-3)
    p.steps[lane] += 1
    p.looks[lane] += 1
    if error <= wanted:
        p.dt[lane] = h
        p.taken[lane] = 1
        p.reach[lane] = h * min(2.0, 0.9 * np.sqrt(wanted / max(error, 1e-300)))
        return
    block.G[:, lane] = stages.begin[:, lane]
    p.reach[lane] = h * (max(0.2, 0.9 * np.sqrt(wanted / error)) if np.isfinite(error) else 0.2)
    if p.reach[lane] < 1e-12 * p.limit[lane]:
        p.status[lane] = DIVERGED


@kernel
def glide(block):
    """One step of all lanes on the manifold, and the first one of those that enter it."""
    p, slow, stages = block.lanes, block.slow, block.stages
    graph, pattern, law, target = block.graph, block.pattern, block.law, block.lanes.target
    quasistatic(graph, pattern, law, target, p.desired, block.G, block.x, slow, block.factor)
    lagging(graph, pattern, law, target, block.G, slow, block.factor)
    for lane in range(p.status.size):
        if p.gliding[lane] and p.taken[lane] == 1:
            arrive(block, lane)
        elif candidate(p, lane):
            enter(block, lane)
    moving = gliding_bits(p)
    if moving == 0:
        return
    linearise(graph, law, target, block.G, slow, stages, moving)
    set_lengths(block, moving)
    propose(graph, pattern, law, target, p.desired, block.G, block.x, slow, stages, block.factor, moving)
    for lane in range(p.status.size):
        if moving & (1 << lane):
            decide(block, lane)
