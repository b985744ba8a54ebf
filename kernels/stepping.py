"""A lane followed by RK4: how long its steps are, when it is looked at, and what a look decides."""
import numpy as np

from .compiled import kernel
from .dynamics import DT, FALL, LEARN
from .equilibrium import assemble, drift, factorise, relax
from .looks import bend, note
from .state import DIVERGED
from .stepsize import fastest

SHORTEST, LONGEST = 3, 48      # RK4 steps between two looks
STABLE = 2.785                 # RK4 is stable for dt λ_max below this
RELAX, RELAX_SMOOTH = 1.5, 2.4 # dt times the bound of λ_max, at tolerance 1e-3; and where looks are rarest
LEARN_STEP = 1.0               # dt times the bound of the learning frequency, at tolerance 1e-3
SMOOTH, ROUGH = 0.005, 0.05    # bend below which looks get rarer, above which more frequent, at tolerance 1e-3
TOO_ROUGH = 0.4                # bend at which a stretch is taken again with half the step
AT_ONCE = 2.0 ** 1000          # a power of two: dt times it is exact


@kernel
def set_step(block, lane, dt):
    """Give a lane the step dt; 0 keeps it where it is."""
    rows, p = block.law.rows, block.lanes
    p.dt[lane] = dt
    rows[DT, lane] = dt
    rows[LEARN, lane] = -p.rate[lane] * dt
    rows[FALL, lane] = dt * block.fall[lane] if np.isfinite(block.fall[lane]) else AT_ONCE


@kernel
def choose_step(block, lane):
    """The step until the next look: as far as relaxation and learning allow, and no further than the limit."""
    p = block.lanes
    relaxation = p.bound[lane] = block.bounds[0, lane]
    learning = np.sqrt(2 * p.rate[lane] * block.bounds[1, lane])
    finer = (p.tolerance[lane] / 1e-3) ** 0.25
    dt = p.fixed[lane]
    if np.isnan(dt):
        reach = RELAX_SMOOTH if p.span[lane] == LONGEST else min(RELAX * finer, RELAX_SMOOTH)
        dt = p.caution[lane] * min(reach / relaxation, LEARN_STEP * finer / learning if learning > 0 else np.inf)
        if np.isfinite(block.fall[lane]):
            dt = min(dt, 1.0 / block.fall[lane])
    elif dt * relaxation > STABLE:
        p.status[lane] = DIVERGED
    set_step(block, lane, min(dt, (p.limit[lane] - p.time[lane]) / p.span[lane]))


@kernel
def clamp(block, lane):
    """w_T = V_T - v_T, exactly."""
    p = block.lanes
    for i in range(p.target.shape[0]):
        a = p.target[i, lane]
        if a >= 0:
            block.x[2 * a + 1, lane] = p.desired[i, lane] - block.x[2 * a, lane]


@kernel
def note_errors(block, lane):
    """V_T - v_T of a lane after the steps taken since the last look."""
    p = block.lanes
    for i in range(p.target.shape[0]):
        a = p.target[i, lane]
        p.errors[p.taken[lane], i, lane] = block.x[2 * a + 1, lane] if a >= 0 else 0.0


@kernel
def solve_all(block):
    """v* of all lanes, its drift in a step as G learns, and the bounds on the step."""
    graph, pattern, law = block.graph, block.pattern, block.law
    assemble(graph, pattern, law.free_v, block.G, block.factor.matrix)
    factorise(pattern, block.factor.matrix)
    relax(graph, pattern, law.free_v, block.G, block.x, 0, block.slow.v, block.factor)
    drift(graph, pattern, law, block.G, block.x, block.slow.v, block.factor)
    fastest(graph, law, block.G, block.x, block.scratch, block.bounds)


@kernel
def measure(block, lane):
    """C* (V²) of a lane, and its δ and dδ/dt, from v* and its drift."""
    p, slow = block.lanes, block.slow
    cost = 0.0
    for i in range(p.target.shape[0]):
        a = p.target[i, lane]
        slow.delta[i, lane] = p.desired[i, lane] - slow.v[a, lane] if a >= 0 else 0.0
        slow.slope[i, lane] = -block.factor.solution[a, lane] / p.dt[lane] if a >= 0 else 0.0
        cost += slow.delta[i, lane] ** 2
    return cost


@kernel
def remember(block, lane):
    """Start a new stretch from here."""
    p = block.lanes
    p.delta[:, lane], p.slope[:, lane] = block.slow.delta[:, lane], block.slow.slope[:, lane]
    p.taken[lane] = 0
    note_errors(block, lane)
    block.last_x[:, lane], block.last_G[:, lane] = block.x[:, lane], block.G[:, lane]


@kernel
def retreat(block, lane):
    """Take the stretch again with half the step."""
    p = block.lanes
    p.caution[lane] *= 0.5
    p.span[lane] = SHORTEST
    p.taken[lane] = 0
    block.x[:, lane], block.G[:, lane] = block.last_x[:, lane], block.last_G[:, lane]
    set_step(block, lane, 0.5 * p.dt[lane])
    if p.caution[lane] < 1e-9:
        p.status[lane] = DIVERGED


@kernel
def look(block, lane):
    """Accept or reject the stretch since the last look of a lane, note what happened in it, plan the next one."""
    p, slow = block.lanes, block.slow
    cost = measure(block, lane)
    h = p.taken[lane] * p.dt[lane]
    rough = bend(lane, h, slow.delta, slow.slope, p)
    sound = np.isfinite(cost) and np.isfinite(rough) and block.bounds[0, lane] * p.dt[lane] < STABLE
    finer = (p.tolerance[lane] / 1e-3) ** 0.75
    p.steps[lane] += p.taken[lane]
    p.looks[lane] += 1
    if np.isnan(p.fixed[lane]) and (not sound or rough > TOO_ROUGH * finer):
        retreat(block, lane)
        return
    if not sound:
        p.status[lane] = DIVERGED
        return
    note(lane, h, slow.delta, slow.slope, p)
    if rough < SMOOTH * finer and p.span[lane] < LONGEST:
        p.span[lane] *= 2
    elif rough > ROUGH * finer and p.span[lane] > SHORTEST:
        p.span[lane] //= 2
    p.caution[lane] = min(1.0, 1.1 * p.caution[lane])
    clamp(block, lane)
    remember(block, lane)
    choose_step(block, lane)
