"""The first time at which C* falls below the threshold: found wherever it is within a stretch, and then stepped to.
Recorded costs are stepped to likewise, where the cubic between two evaluations would not give them.

Between two evaluations of C* the error at every target is a cubic (Hermite), which misses the true one by at most
about MARGIN times its bend, most of it half way; where G stops at once at its bounds, the slope jumps, and the cubic
misses by as much as JUMP times the change of the slope besides. So a stretch in which C* cannot have crossed is kept;
one in which it crosses, or in which a dip comes so near to the threshold that it may have crossed unseen, is taken
again up to that time. What is evaluated there is exact: a run that ends at the threshold ends in the state that it has
there.
"""
import numpy as np
from ohmlearn.kernels.simd.jit import inline, inner

PARTS = 16          # of a stretch, between which minima of C* are sought
MARGIN = 0.25       # error of the cubic over its bend δ1 - δ0 - h (m0 + m1)/2
SURE = 1e-3         # of √threshold: dips need not be known better
JUMP = 0.125        # error of the cubic where the slope jumps half way, over h times the jump
WINDS = 0.8         # bend over δ above which δ may oscillate within a stretch
RESOLVED = 1e-24    # of C*(0): thresholds below it are lost in the rounding of voltages, and not stepped to
TRIES = 10          # times that a stretch is taken again for the sake of a crossing
CLOSE = 1e-3        # of the threshold: how far below it a run may end, at most


@inline
def hermite(s, y0, y1, m0, m1):
    """Cubic at s in [0, 1] with values y0, y1 and slopes m0, m1 (per unit of s) at the ends, and its slope."""
    a, b = m0 - (y1 - y0), (y1 - y0) - m1
    value = y0 + s * (y1 - y0) + s * (1 - s) * ((1 - s) * a + s * b)
    return value, (y1 - y0) + (1 - 2 * s) * ((1 - s) * a + s * b) + s * (1 - s) * (b - a)


@inner
def cost_between(s, lane, h, p):
    """C* (V²) and its slope at a fraction s of the stretch h since the last evaluation."""
    cost, change = 0.0, 0.0
    for i in range(p.target.shape[0]):
        y, m = hermite(s, p.last_delta[i, lane], p.delta[i, lane], h * p.last_slope[i, lane], h * p.slope[i, lane])
        cost += y * y
        change += 2 * y * m
    return cost, change


@inline
def bend_at(i, lane, h, p):
    """How far δ of a target is from a parabola over the stretch h: δ1 - δ0 - h (m0 + m1)/2 (V)."""
    turned = p.last_slope[i, lane] + p.slope[i, lane]
    return abs(p.delta[i, lane] - p.last_delta[i, lane] - 0.5 * h * turned)


@inline
def error_at(me, i, lane, h, p):
    """How far the cubic of a target may be off in the stretch h, at most (V)."""
    off = MARGIN * bend_at(i, lane, h, p)
    return off if np.isfinite(me.fall) else off + JUMP * h * abs(p.slope[i, lane] - p.last_slope[i, lane])


@inner
def error(me, lane, h, p):
    """How far the cubics of all targets together may be off in the stretch h, at most (V)."""
    total = 0.0
    for i in range(p.target.shape[0]):
        total += error_at(me, i, lane, h, p) ** 2
    return np.sqrt(total)


@inner
def within_reach(me, level, lane, h, p):
    """Whether C* may have been below `level` (V²) in the stretch h: a bound from the hull of every target's cubic."""
    least = 0.0
    for i in range(p.target.shape[0]):
        y0, y1 = p.last_delta[i, lane], p.delta[i, lane]
        z0, z1 = y0 + h * p.last_slope[i, lane] / 3, y1 - h * p.slope[i, lane] / 3
        off = error_at(me, i, lane, h, p)
        low, high = min(min(y0, y1), min(z0, z1)) - off, max(max(y0, y1), max(z0, z1)) + off
        least += max(0.0, max(low, -high)) ** 2
    return not least >= level


@inner
def where_it_turns(left, right, lane, h, p):
    """Fraction of the stretch between two where C* has a minimum, given that it falls at the first and grows at the
    second."""
    for _ in range(40):
        middle = 0.5 * (left + right)
        if cost_between(middle, lane, h, p)[1] < 0:
            left = middle
        else:
            right = middle
    return right


@inner
def where_it_falls_below(level, left, right, lane, h, p):
    """Fraction of the stretch between two where C* crosses `level` (V²), given that it is above at the first and below
    at the second."""
    for _ in range(50):
        middle = 0.5 * (left + right)
        if cost_between(middle, lane, h, p)[0] >= level:
            left = middle
        else:
            right = middle
    return right


@inner
def search(me, level, lane, h, p):
    """Fractions of the stretch h at which C* falls below `level` (V²) for the first and for the last time, and of the
    first minimum before that which may have done so unseen; NaN where there is none."""
    first, last, doubt = np.nan, np.nan, np.nan
    off, edge = error(me, lane, h, p), np.sqrt(level)
    left = 0.0
    before, falling = cost_between(left, lane, h, p)
    for part in range(PARTS):
        right = (part + 1) / PARTS
        after, rising = cost_between(right, lane, h, p)
        if falling < 0 and rising > 0 and before >= level:
            low = where_it_turns(left, right, lane, h, p)
            cost = cost_between(low, lane, h, p)[0]
            if cost < level:
                last = where_it_falls_below(level, left, low, lane, h, p)
                first = last if np.isnan(first) else first
                before = cost
            elif np.isnan(first) and np.isnan(doubt):
                unsure = off * 4 * low * (1 - low)
                if unsure > SURE * edge and np.sqrt(cost) - unsure < edge:
                    doubt = low
        if before >= level and after < level:
            last = where_it_falls_below(level, left, right, lane, h, p)
            first = last if np.isnan(first) else first
        left, before, falling = right, after, rising
    return first, last, doubt


@inner
def winds(me, lane, h, p):
    """Whether δ may oscillate within the stretch h and cross the threshold there first, unseen by the cubic,
    since its bend is large beside δ at both ends, however far the slopes alone would carry it."""
    if me.until < RESOLVED or not np.isnan(me.first):
        return False
    off, size = 0.0, 0.0
    for i in range(p.target.shape[0]):
        off += bend_at(i, lane, h, p) ** 2
        size += max(p.last_delta[i, lane] ** 2, p.delta[i, lane] ** 2)
    if off <= WINDS ** 2 * size or off <= 1e-22 * me.initial:          # the latter is rounding
        return False
    return within_reach(me, me.until * me.initial, lane, h, p)


@inner
def crosses_at(me, lane, h, p):
    """Fraction of the stretch h up to which it is to be taken again, since C* crosses the threshold there for the first
    time or may do so unseen; NaN if it does not, or if the stretch ends just below the threshold."""
    level = me.until * me.initial
    if me.until < RESOLVED or not np.isnan(me.first) or not within_reach(me, level, lane, h, p):
        return np.nan
    close = min(CLOSE, me.tolerance) * level
    first, last, doubt = search(me, level - 0.5 * close, lane, h, p)
    end = cost_between(1.0, lane, h, p)[0]
    if np.isnan(doubt) and level - close <= end < level and (np.isnan(first) or first == last):
        return np.nan
    return first if np.isnan(doubt) else doubt


@inner
def records_at(me, lane, h, p):
    """Fraction of the stretch h at which a cost is to be recorded that the cubic does not give, or the state with it;
    NaN if none is."""
    off = -1.0
    k = me.recorded
    while k < p.times.shape[0] and p.times[k, lane] < me.time + h * (1 - 1e-9):
        if me.keeps:
            return (p.times[k, lane] - me.time) / h
        if off < 0:
            off = max(0.0, error(me, lane, h, p) - 1e-12 * np.sqrt(me.initial))
        s = (p.times[k, lane] - me.time) / h
        if off > 0 and off * 4 * s * (1 - s) > 0.5 * me.tolerance * np.sqrt(cost_between(s, lane, h, p)[0]):
            return s
        k += 1
    return np.nan


@inner
def stands(me, lane, h, p):
    """Whether the stretch h of a lane may be kept. If not, me.aim is the time up to which it is to be taken again:
    where C* crosses the threshold, or a cost is to be recorded."""
    s = records_at(me, lane, h, p) if me.keeps else np.nan
    if np.isnan(s) and me.tries < TRIES:
        s = crosses_at(me, lane, h, p)
        if np.isnan(s):
            s = records_at(me, lane, h, p)
    me.aim = np.inf
    if np.isnan(s) or me.time + s * h <= me.time:
        # After as many in vain the next stretch is kept whole, or rounding of C* near the threshold would never let go;
        # at once where steps were so short that no conductance in single precision moved.
        stuck = 0 < me.tries < TRIES and cost_between(0.0, lane, h, p)[0] == cost_between(1.0, lane, h, p)[0]
        me.tries = TRIES if stuck else TRIES + 1 if me.tries == TRIES else 0
        return True
    me.tries += 1
    me.aim = me.time + s * h
    return False


@inner
def note_thresholds(me, lane, begin, h, p):
    """When C* crossed the threshold in the stretch h that began at `begin`: the first time, and since when it has
    stayed below."""
    level = me.until * me.initial
    if level == 0:
        return
    end = cost_between(1.0, lane, h, p)[0]
    if within_reach(me, level, lane, h, p):
        first, last, _ = search(me, level, lane, h, p)
        if not np.isnan(first):
            landed = end < level and end >= level * (1 - min(CLOSE, me.tolerance)) and first == last
            if np.isnan(me.first):
                me.first = begin + h if landed else begin + first * h
            me.sustained = begin + h if landed else begin + last * h
    if end >= level:
        me.sustained = np.nan
