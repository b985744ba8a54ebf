"""What is noted of a lane each time its equilibrium cost C* is solved for: a look.

Between two looks the error at every target, δ_T = V_T - v*_T, is the cubic that has its values and slopes
(Hermite), so that costs at any time, and the moment when C* = Σ δ_T² crosses a threshold, need no look there.
"""
import numpy as np

from .compiled import inline, kernel
from .state import OUT_OF_TIME, REACHED, STALLED

FLAT = 0.02         # ln C* that moves less than this in a tenth of the time limit is stalled


@inline
def hermite(s, y0, y1, m0, m1):
    """Cubic at s in [0, 1] with values y0, y1 and slopes m0, m1 (per unit of s) at the ends, and its slope."""
    a, b = m0 - (y1 - y0), (y1 - y0) - m1
    value = y0 + s * (y1 - y0) + s * (1 - s) * ((1 - s) * a + s * b)
    return value, (y1 - y0) + (1 - 2 * s) * ((1 - s) * a + s * b) + s * (1 - s) * (b - a)


@kernel
def cost_between(s, lane, h, delta, slope, p):
    """C* (V²) and its slope at a fraction s of the stretch h since the last look; delta, slope (n_targets, lanes) now."""
    cost, change = 0.0, 0.0
    for i in range(p.target.shape[0]):
        y, m = hermite(s, p.delta[i, lane], delta[i, lane], h * p.slope[i, lane], h * slope[i, lane])
        cost += y * y
        change += 2 * y * m
    return cost, change


@kernel
def crossing(level, lane, h, delta, slope, p):
    """Fraction of the stretch at which C* first falls below `level` (V²), or NaN."""
    begin, falling = cost_between(0.0, lane, h, delta, slope, p)
    end, rising = cost_between(1.0, lane, h, delta, slope, p)
    if begin < level:
        return np.nan
    right = 1.0
    if end >= level:
        if not (falling < 0 and rising > 0):
            return np.nan
        left = 0.0
        for _ in range(40):                            # the minimum within
            middle = 0.5 * (left + right)
            if cost_between(middle, lane, h, delta, slope, p)[1] < 0:
                left = middle
            else:
                right = middle
        if cost_between(right, lane, h, delta, slope, p)[0] >= level:
            return np.nan
    left = 0.0
    for _ in range(40):
        middle = 0.5 * (left + right)
        if cost_between(middle, lane, h, delta, slope, p)[0] >= level:
            left = middle
        else:
            right = middle
    return right


@kernel
def cost_at_steps(position, lane, h, delta, slope, p):
    """Nonequilibrium C (V²) at a step number since the last look, not whole: cubic through the nearest steps,
    or, of a stretch of one step, the Hermite cubic of δ and the difference of the errors to δ linearly."""
    if p.taken[lane] == 1:
        return cost_of_stretch(position, lane, h, delta, slope, p)
    points = min(4, p.taken[lane] + 1)
    start = min(max(int(position) - 1, 0), p.taken[lane] + 1 - points)
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


@kernel
def cost_of_stretch(s, lane, h, delta, slope, p):
    """Nonequilibrium C (V²) at a fraction s of a stretch of one step."""
    cost = 0.0
    for i in range(p.target.shape[0]):
        d0, d1 = p.delta[i, lane], delta[i, lane]
        error = hermite(s, d0, d1, h * p.slope[i, lane], h * slope[i, lane])[0]
        error += (1 - s) * (p.errors[0, i, lane] - d0) + s * (p.errors[1, i, lane] - d1)
        cost += error * error
    return cost


@kernel
def note_thresholds(lane, begin, h, delta, slope, p):
    """Crossings of the threshold within the stretch h that began at `begin`, by C* and by C."""
    level = p.until[lane] * p.initial[lane]
    s = crossing(level, lane, h, delta, slope, p)
    below = cost_between(1.0, lane, h, delta, slope, p)[0] < level
    if not np.isnan(s):
        if np.isnan(p.first[lane]):
            p.first[lane] = begin + s * h
        if np.isnan(p.sustained[lane]):
            p.sustained[lane] = begin + s * h
    if not below:
        p.sustained[lane] = np.nan
    before = cost_at_steps(0.0, lane, h, delta, slope, p)
    for k in range(1, p.taken[lane] + 1):
        cost = cost_at_steps(float(k), lane, h, delta, slope, p)
        if np.isnan(p.instant[lane]) and cost < level:
            s = np.log(before / level) / np.log(before / cost) if before > level and cost > 0 else 1.0
            p.instant[lane] = begin + (k - 1 + s) * p.dt[lane]
        before = cost


@kernel
def note_records(lane, begin, h, delta, slope, p):
    """Costs at the times to record within the stretch h that began at `begin`, relative to C*(0)."""
    while p.recorded[lane] < p.times.shape[0] and p.times[p.recorded[lane], lane] <= begin + h:
        k = p.recorded[lane]
        t = p.times[k, lane] - begin
        p.equilibrium[k, lane] = cost_between(t / h, lane, h, delta, slope, p)[0] / p.initial[lane]
        p.nonequilibrium[k, lane] = cost_at_steps(t / p.dt[lane], lane, h, delta, slope, p) / p.initial[lane]
        p.recorded[lane] += 1


@kernel
def flat(lane, p):
    """Whether ln C* has not moved for a tenth of the time limit, too far from the threshold to get there."""
    cost = np.log(max(p.cost[lane], 1e-300))
    p.lowest[lane] = min(p.lowest[lane], cost)
    p.highest[lane] = max(p.highest[lane], cost)
    if p.time[lane] < p.flat_until[lane]:
        return False
    still = p.highest[lane] - p.lowest[lane] < FLAT
    p.lowest[lane], p.highest[lane] = cost, cost
    p.flat_until[lane] = p.time[lane] + 0.1 * p.limit[lane]
    return still and p.until[lane] > 0 and cost > np.log(p.until[lane]) + 1


@kernel
def bend(lane, h, delta, slope, p):
    """How far δ is from a parabola over the stretch h: |δ1 - δ0 - h (m0 + m1)/2| over |δ| + h |m|, about (ω h)³/12."""
    off, size, move = 0.0, 0.0, 0.0
    for i in range(p.target.shape[0]):
        d0, m0 = p.delta[i, lane], p.slope[i, lane]
        off += (delta[i, lane] - d0 - 0.5 * h * (m0 + slope[i, lane])) ** 2
        size += max(d0 * d0, delta[i, lane] ** 2)
        move += h * h * max(m0 * m0, slope[i, lane] ** 2)
    return np.sqrt(off) / (np.sqrt(size) + np.sqrt(move) + 1e-11 * np.sqrt(p.initial[lane]) + 1e-300)


@kernel
def note(lane, h, delta, slope, p):
    """Take a stretch of length h as done: its costs, crossings and records, and whether the run ends here.
    delta, slope : (n_targets, lanes) δ and dδ/dt now."""
    begin, cost = p.time[lane], 0.0
    for i in range(p.target.shape[0]):
        cost += delta[i, lane] ** 2
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
