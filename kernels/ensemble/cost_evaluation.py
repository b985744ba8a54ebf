"""What is noted of a lane each time its equilibrium cost C* is solved for: an evaluation of the cost.

Between two evaluations the error at every target, δ_T = V_T - v*_T, is the cubic that has its values and slopes
(Hermite), so that costs at any time, and the moment when C* = Σ δ_T² crosses a threshold, need no evaluation there.
"""
import numpy as np
from ohmlearn.kernels.simd.jit import inner

from .block_state import DIVERGED, OUT_OF_TIME, REACHED, RUNNING, STALLED
from .threshold_crossing import bend_at, cost_between, hermite, note_thresholds

FLAT = 0.002        # ln C* that moves less than this in a tenth of the time limit is stalled,
RESTLESS = 0.3      # unless some ln G would move more than this in that time


@inner
def cost_at_steps(position, me, lane, h, p):
    """Nonequilibrium C (V²) at a step number since the last evaluation, not whole: cubic through the nearest steps,
    or, of a stretch of one step, the Hermite cubic of δ and the difference of the errors to δ linearly."""
    if me.taken == 1:
        return cost_of_stretch(position, lane, h, p)
    points = min(4, me.taken + 1)
    start = min(max(int(position) - 1, 0), me.taken + 1 - points)
    cost = 0.0
    for i in range(p.target.shape[0]):
        error = 0.0
        for k in range(start, start + points):
            weight = 1.0
            for n in range(start, start + points):
                if n != k:
                    weight *= (position - n) / (k - n)
            error += weight * p.errors[k, i, lane]
        cost += error * error
    return cost


@inner
def cost_of_stretch(s, lane, h, p):
    """Nonequilibrium C (V²) at a fraction s of a stretch of one step."""
    cost = 0.0
    for i in range(p.target.shape[0]):
        d0, d1 = p.last_delta[i, lane], p.delta[i, lane]
        error = hermite(s, d0, d1, h * p.last_slope[i, lane], h * p.slope[i, lane])[0]
        error += (1 - s) * (p.errors[0, i, lane] - d0) + s * (p.errors[1, i, lane] - d1)
        cost += error * error
    return cost


@inner
def note_instant(me, lane, begin, level, p):
    """First time in the stretch that began at `begin` with C below `level` (V²), between two steps log-linearly."""
    before = np.inf
    for k in range(me.taken + 1):
        cost = 0.0
        for i in range(p.target.shape[0]):
            cost += p.errors[k, i, lane] ** 2
        if cost < level:
            s = np.log(before / level) / np.log(before / cost) if k > 0 and cost > 0 else 1.0
            me.instant = begin + max(k - 1 + s, 0.0) * me.dt
            return
        before = cost


@inner
def note_records(me, lane, begin, h, p):
    """Costs at the times to record within the stretch h that began at `begin`, relative to C*(0)."""
    while me.recorded < p.times.shape[0] and p.times[me.recorded, lane] <= (begin + h) * (1 + 1e-14):
        k = me.recorded
        t = p.times[k, lane] - begin
        p.equilibrium[k, lane] = cost_between(t / h, lane, h, p)[0] / me.initial
        p.nonequilibrium[k, lane] = cost_at_steps(t / me.dt, me, lane, h, p) / me.initial
        me.recorded += 1
        me.pause = me.keeps


@inner
def flat(me):
    """Whether ln C* has not moved for a tenth of the time limit, too far from the threshold to get there."""
    cost = np.log(max(me.cost, 1e-300))
    me.lowest = min(me.lowest, cost)
    me.highest = max(me.highest, cost)
    if me.time < me.flat_until:
        return False
    still = me.highest - me.lowest < FLAT
    me.lowest, me.highest = cost, cost
    me.flat_until = me.time + me.patience
    return still and me.until > 0 and cost > np.log(me.until) + 1


@inner
def go_on_while_restless(me, last_G, G, lane, h):
    """Let a lane whose cost stands still go on if a conductance moved in its last stretch h: edges that leave a
    floor far below the others are not felt in C* for long."""
    if me.status != STALLED:
        return
    for j in range(G.shape[0]):
        if abs(G[j, lane] - last_G[j, lane]) * me.patience > RESTLESS * G[j, lane] * h:
            me.status = RUNNING
            return


@inner
def bend(me, lane, h, p):
    """How far δ is from a parabola over the stretch h: |δ1 - δ0 - h (m0 + m1)/2| over |δ| + h |m|, about (ω h)³/12."""
    off, size, move = 0.0, 0.0, 0.0
    for i in range(p.target.shape[0]):
        d0, m0 = p.last_delta[i, lane], p.last_slope[i, lane]
        off += bend_at(i, lane, h, p) ** 2
        size += max(d0 * d0, p.delta[i, lane] ** 2)
        move += h * h * max(m0 * m0, p.slope[i, lane] ** 2)
    return np.sqrt(off) / (np.sqrt(size) + np.sqrt(move) + 1e-11 * np.sqrt(me.initial) + 1e-300)


@inner
def note(me, lane, h, p):
    """Take a stretch of length h as done: its costs, crossings and records, and whether the run ends here."""
    begin, cost = me.time, 0.0
    for i in range(p.target.shape[0]):
        cost += p.delta[i, lane] ** 2
    me.time = begin + h
    me.cost = cost / me.initial
    note_thresholds(me, lane, begin, h, p)
    if np.isnan(me.instant):
        note_instant(me, lane, begin, me.until * me.initial, p)
    note_records(me, lane, begin, h, p)
    if not np.isfinite(me.cost):
        me.status = DIVERGED
    elif me.stop and not np.isnan(me.first):
        me.status = REACHED
    elif me.time >= me.limit * (1 - 1e-12):
        me.status = OUT_OF_TIME if np.isnan(me.sustained) else REACHED
    elif flat(me):
        me.status = STALLED
