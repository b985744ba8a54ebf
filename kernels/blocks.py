"""A block of lanes, followed from look to look until a member is done."""
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .compiled import kernel
from .dynamics import DT, FALL, LEARN, Graph, Law, rk4_step
from .equilibrium import Elimination, Factor, assemble, drift, factorise, relax
from .looks import (
    CONTINUED,
    DIVERGED,
    FRESH,
    OUT_OF_TIME,
    REACHED,
    RUNNING,
    STALLED,
    Lanes,
    bend,
    flat,
    note_records,
    note_thresholds,
)
from .stepsize import fastest

SHORTEST, LONGEST = 3, 48      # RK4 steps between two looks
STABLE = 2.785                 # RK4 is stable for dt λ_max below this
SMOOTH, ROUGH = 0.005, 0.05    # bend below which looks get rarer, above which more frequent, at tolerance 1e-3
TOO_ROUGH = 0.4                # bend at which a stretch is taken again with half the step
AT_ONCE = 2.0 ** 1000          # a power of two: dt times it is exact


class Block(NamedTuple):
    """All arrays of a block. x, y, q : (2 n_nodes, lanes), v and w interleaved and scratch. G, Gq : (n_edges, lanes).
    fall : (lanes,) rate at which G may fall to its floor, in γp. last_x, last_G : x and G at the last look.
    voltages : (n_nodes, lanes) v*. bounds : (2, lanes). scratch : (3 n_nodes, lanes)."""

    graph: Graph
    pattern: Elimination
    law: Law
    lanes: Lanes
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    q: NDArray[np.float64]
    G: NDArray[np.float64]
    Gq: NDArray[np.float64]
    fall: NDArray[np.float64]
    last_x: NDArray[np.float64]
    last_G: NDArray[np.float64]
    voltages: NDArray[np.float64]
    bounds: NDArray[np.float64]
    scratch: NDArray[np.float64]
    factor: Factor


@kernel
def set_step(block, lane, dt):
    """Give a lane the step dt."""
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
        slow = 2.4 if p.span[lane] == LONGEST else min(1.5 * finer, 2.4)
        dt = p.caution[lane] * min(slow / relaxation, 1.0 * finer / learning if learning > 0 else np.inf)
        if np.isfinite(block.fall[lane]):
            dt = min(dt, 1.0 / block.fall[lane])
    elif dt * relaxation > STABLE:
        p.status[lane] = DIVERGED
    set_step(block, lane, min(dt, (p.limit[lane] - p.time[lane]) / p.span[lane]))


@kernel
def equilibrate(block):
    """Voltages v of all lanes at the equilibrium of their G, and the clamped difference w of the fresh lanes."""
    n, law = block.graph.lower.size, block.law
    assemble(block.graph, block.pattern, law.free_v, block.G, block.factor.matrix)
    factorise(block.pattern, block.factor.matrix)
    relax(block.graph, block.pattern, law.free_v, block.G, block.x, 0, block.voltages, block.factor)
    p = block.lanes
    for lane in range(p.status.size):
        if p.status[lane] == FRESH:
            for a in range(n):
                block.x[2 * a, lane] = block.voltages[a, lane]
            clamp(block, lane)
    assemble(block.graph, block.pattern, law.free_w, block.G, block.factor.matrix)
    factorise(block.pattern, block.factor.matrix)
    relax(block.graph, block.pattern, law.free_w, block.G, block.x, 1, block.voltages, block.factor)
    for lane in range(p.status.size):
        if p.status[lane] == FRESH:
            for a in range(n):
                block.x[2 * a + 1, lane] = block.voltages[a, lane]


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
def measure(block, lane, delta, slope):
    """δ and dδ/dt at the targets of a lane, from v* and its drift."""
    p = block.lanes
    cost = 0.0
    for i in range(p.target.shape[0]):
        a = p.target[i, lane]
        delta[i] = p.desired[i, lane] - block.voltages[a, lane] if a >= 0 else 0.0
        slope[i] = -block.factor.solution[a, lane] / p.dt[lane] if a >= 0 else 0.0
        cost += delta[i] ** 2
    return cost


@kernel
def keep(block, lane, delta, slope):
    """Start a new stretch from here."""
    p = block.lanes
    p.delta[:, lane], p.slope[:, lane] = delta, slope
    p.taken[lane] = 0
    clamp(block, lane)
    note_errors(block, lane)
    block.last_x[:, lane], block.last_G[:, lane] = block.x[:, lane], block.G[:, lane]
    choose_step(block, lane)


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
def look(block, lane, delta, slope):
    """Accept or reject the stretch since the last look of a lane, note what happened in it, plan the next one."""
    p = block.lanes
    cost = measure(block, lane, delta, slope)
    h = p.taken[lane] * p.dt[lane]
    rough = bend(lane, h, delta, slope, p)
    sound = np.isfinite(cost) and np.isfinite(rough) and block.bounds[0, lane] * p.dt[lane] < STABLE
    finer = (p.tolerance[lane] / 1e-3) ** 0.75
    p.steps[lane] += p.taken[lane]
    p.looks[lane] += 1
    if not sound and not np.isnan(p.fixed[lane]):
        p.status[lane] = DIVERGED
        return
    if np.isnan(p.fixed[lane]) and (not sound or rough > TOO_ROUGH * finer):
        retreat(block, lane)
        return
    begin = p.time[lane]
    p.time[lane] = begin + h
    p.cost[lane] = cost / p.initial[lane]
    note_thresholds(lane, begin, h, delta, slope, p)
    note_records(lane, begin, h, delta, slope, p)
    if p.stop[lane] and not np.isnan(p.first[lane]):
        p.status[lane] = REACHED
    elif p.time[lane] >= p.limit[lane] * (1 - 1e-12):
        p.status[lane] = OUT_OF_TIME if np.isnan(p.sustained[lane]) else REACHED
    elif flat(lane, p):
        p.status[lane] = STALLED
    if rough < SMOOTH * finer and p.span[lane] < LONGEST:
        p.span[lane] *= 2
    elif rough > ROUGH * finer and p.span[lane] > SHORTEST:
        p.span[lane] //= 2
    p.caution[lane] = min(1.0, 1.1 * p.caution[lane])
    keep(block, lane, delta, slope)


@kernel
def first_look(block, lane, delta, slope):
    """Where a run begins: C*(0), the first step, and what is recorded at the start."""
    p = block.lanes
    cost = measure(block, lane, delta, slope)
    if p.status[lane] == FRESH:
        p.initial[lane] = cost
    if p.initial[lane] == 0:                   # nothing to learn
        p.initial[lane], p.first[lane], p.sustained[lane], p.instant[lane] = 1.0, 0.0, 0.0, 0.0
    p.cost[lane] = cost / p.initial[lane]
    p.lowest[lane] = p.highest[lane] = np.log(max(p.cost[lane], 1e-300))
    p.flat_until[lane] = p.time[lane] + 0.1 * p.limit[lane]
    p.status[lane] = RUNNING if np.isfinite(cost) else DIVERGED
    keep(block, lane, delta, slope)
    if p.stop[lane] and p.first[lane] == 0.0:
        p.status[lane] = REACHED
    while p.recorded[lane] < p.times.shape[0] and p.times[p.recorded[lane], lane] <= p.time[lane]:
        k = p.recorded[lane]
        p.equilibrium[k, lane] = p.cost[lane]
        p.nonequilibrium[k, lane] = np.sum(p.errors[0, :, lane] ** 2) / p.initial[lane]
        p.recorded[lane] += 1


@kernel
def solve_all(block):
    """v* of all lanes, its drift as G learns, and the bounds on the step."""
    graph, pattern, law = block.graph, block.pattern, block.law
    assemble(graph, pattern, law.free_v, block.G, block.factor.matrix)
    factorise(pattern, block.factor.matrix)
    relax(graph, pattern, law.free_v, block.G, block.x, 0, block.voltages, block.factor)
    drift(graph, pattern, law, block.G, block.x, block.voltages, block.factor)
    fastest(graph, law, block.G, block.x, block.scratch, block.bounds)


@kernel
def start(block):
    """Bring fresh lanes to equilibrium and take the first look of fresh and continued ones."""
    p = block.lanes
    delta, slope = np.zeros(p.target.shape[0]), np.zeros(p.target.shape[0])
    if np.any(p.status == FRESH):
        equilibrate(block)
    for lane in range(p.status.size):
        if p.status[lane] == FRESH or p.status[lane] == CONTINUED:
            set_step(block, lane, 1.0)         # slopes per unit of time
            p.span[lane] = SHORTEST
    solve_all(block)
    for lane in range(p.status.size):
        if p.status[lane] == FRESH or p.status[lane] == CONTINUED:
            first_look(block, lane, delta, slope)


@kernel
def run(block, strides):
    """Follow a block for this many times SHORTEST steps, or until a lane is done. Returns the strides taken."""
    p = block.lanes
    delta, slope = np.zeros(p.target.shape[0]), np.zeros(p.target.shape[0])
    if np.any((p.status == FRESH) | (p.status == CONTINUED)):
        start(block)
    for stride in range(strides):
        if np.any(p.status > RUNNING):
            return stride
        for _ in range(SHORTEST):
            rk4_step(block.graph, block.law, block.x, block.y, block.q, block.G, block.Gq)
            for lane in range(p.status.size):
                if p.status[lane] == RUNNING:
                    p.taken[lane] += 1
                    note_errors(block, lane)
        if np.any((p.status == RUNNING) & (p.taken >= p.span)):
            solve_all(block)
            for lane in range(p.status.size):
                if p.status[lane] == RUNNING and p.taken[lane] >= p.span[lane]:
                    look(block, lane, delta, slope)
    return strides
