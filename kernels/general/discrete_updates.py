"""Discrete updates of the conductances of a block of lanes, under any task and rule (see `stages`).

An update is ΔG = -a step c within the bounds, c from the voltages of the samples shown. In lanes at rate 0 these are
at equilibrium; in the others v and w relax between two updates by RK4 at constant G.
"""
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.ensemble.block_loop import begin, count
from ohmlearn.kernels.ensemble.block_state import CONTINUED, DIVERGED, FRESH, OUT_OF_TIME, REACHED, RUNNING
from ohmlearn.kernels.ensemble.rk4 import FLOOR, LEARN, constants
from ohmlearn.kernels.law.bounds import top, within
from ohmlearn.kernels.simd.jit import borrowed, inner, kernel
from ohmlearn.kernels.simd.random_normal import normal, uniform
from ohmlearn.kernels.simd.vectors import fma, load, maximum, store

from .equilibria import note_misfits, place, respond, rest
from .lane_steps import find_bounds, quasistatic
from .schedule import clamp_again, factor, set_rates
from .stages import FADE, KAPPA, MOVE, PULL, flows, move, read, slopes

REACH, LONGEST = 0.7, 1.5       # dt times λ_max while voltages relax: at tolerance 1e-3, and at most
ALIKE = 16                      # RK4 steps after which it is seen whether voltages still move
REST = 4e-16                    # of the largest voltage: what moves less in a step is at rest
ROUNDED = 1e-12                 # times that differ by less are the same

# What a lane is told of its updates, one record a lane:
#   batch : samples of an update. random : whether they are shown in random order. count : updates since time 0.
#   probability : that an edge takes part. origin : time less count times the time between updates.
#   left : RK4 steps to the next update. cost : C at the last update, relative to C*(0).
UPDATE = np.dtype([(name, np.int64) for name in ("batch", "random", "count")]
                  + [(name, np.float64) for name in ("probability", "origin", "left", "cost")])


class Updates(NamedTuple):
    """each : (lanes,) records UPDATE. key : (n_edges, lanes) of the random numbers that say which edges take part.
    order : (n_samples, lanes) samples in the order in which they are shown; order_key : (lanes,) of random ones."""

    each: NDArray[np.void]
    key: NDArray[np.uint64]
    order: NDArray[np.int64]
    order_key: NDArray[np.uint64]


@inner
def set_order(u, lane, samples, epoch):
    """The order of the samples of a lane the `epoch`-th time that all are shown (Fisher and Yates)."""
    for i in range(samples):
        u.order[i, lane] = i
    if u.each[lane].random:
        for i in range(samples - 1, 0, -1):
            drawn = int(uniform(u.order_key[lane], np.uint64(epoch * samples + i)) * (i + 1))
            k = u.order[i, lane]
            u.order[i, lane] = u.order[drawn, lane]
            u.order[drawn, lane] = k


@inner
def present(b, u, clock, lane):
    """Show a lane the samples of its next update."""
    o, me, samples = b.at, u.each[lane], clock.show[lane].samples
    for copy in range(o.C):
        number = me.count * me.batch + min(copy, me.batch - 1)
        if copy == 0 or (copy < me.batch and number % samples == 0):
            set_order(u, lane, samples, number // samples)
        s = u.order[number % samples, lane]
        for size, given, now in ((o.n, o.drive, o.now), (o.K + o.D, o.desired, o.aim)):
            for a in range(size):
                b.rows[now + copy * size + a, lane] = b.rows[given + s * size + a, lane]
    clamp_again(b, lane)


@inner
def at_rest(b, lane):
    """Whether the last RK4 step of a lane has changed its voltages by rounding only."""
    moved, most = 0.0, 0.0
    for i in range(2 * b.at.n * b.at.C):
        moved, most = max(moved, abs(b.rows[b.at.k + i, lane])), max(most, abs(b.x[i, lane]))
    return moved <= REST * most


@inner
def set_relaxation(b, lane, dt):
    """Let v and w of a lane relax in steps dt; at 0 they stay where they are."""
    b.rows[b.at.rule + PULL, lane] = b.rows[b.at.rule + KAPPA, lane] * dt
    b.rows[b.at.rule + MOVE, lane] = dt


@inner
def relax(b, s, u, clock):
    """Let the lanes that are not at rate 0 relax until their next update. Returns the RK4 steps of the longest."""
    find_bounds(b, s.graph)
    longest = 0
    for lane in range(clock.show.size):
        me, mine, show = clock.each[lane], u.each[lane], clock.show[lane]
        mine.left = 0.0
        if me.status == RUNNING and not show.quasistatic:
            fastest = max(b.rows[b.at.bounds, lane], show.stiff)
            reach = min(REACH * (me.tolerance / 1e-3) ** 0.25, LONGEST)
            mine.left = max(1.0, np.ceil(me.dt * fastest / reach))
        set_relaxation(b, lane, me.dt / mine.left if mine.left > 0 else 0.0)
    running = True
    while running:
        running = False
        for lane in range(clock.show.size):
            running |= u.each[lane].left > 0
        if running:
            for stage in range(4):
                flows(b)
                move(stage, b, 0.0)
            longest += 1
        for lane in range(clock.show.size):
            mine = u.each[lane]
            if mine.left > 0:
                mine.left -= 1.0
                if mine.left <= 0 or (longest % ALIKE == 0 and at_rest(b, lane)):
                    mine.left = 0.0
                    set_relaxation(b, lane, 0.0)
    return longest


@inner
def draw(b, u, clock, lane):
    """Which edges of a lane take part in its next update, 1 or 0 in rows r, and their noise."""
    o, me, mine, show = b.at, clock.each[lane], u.each[lane], clock.show[lane]
    number, runs = np.uint64(mine.count), me.status == RUNNING
    size = show.noise * np.sqrt(me.rate * factor(b, lane, me.time) * me.dt) if show.noise > 0 and runs else 0.0
    for j in range(o.m):
        takes_part = runs and (mine.probability >= 1.0 or uniform(u.key[j, lane], number) < mine.probability)
        b.rows[o.r + j, lane] = 1.0 if takes_part else 0.0
        if size > 0:
            b.rows[o.noise + j, lane] = size * b.law.learning[j, lane] * normal(clock.key[j, lane], number)


@inner
def update(b, u, clock):
    """ΔG from v and w as they are, and what edges remember."""
    o, rows, row = b.at, b.rows, constants(b.law)
    set_rates(b, clock, 0.0)
    flows(b)
    for lane in range(clock.show.size):
        draw(b, u, clock, lane)
    rate = -load(b.law.rows, LEARN)
    kept = maximum(0.0, fma(-rate, load(rows, o.rule + FADE), 1.0))
    for j in range(o.m):
        c, memory = load(rows, o.contrast + j), load(b.G, o.m + j)
        grown = fma(rate, c * c, kept * memory) - memory
        store(b.G, o.m + j, fma(load(rows, o.r + j), grown, memory))
    slopes(b)
    for j in range(o.m):
        g = fma(load(rows, o.r + j), load(rows, o.slope + j), load(b.G, j))
        store(b.G, j, within(row[FLOOR], top(b.law.ceiling), g))


@inner
def measure(b, s):
    """δ of all samples into rows delta, times 1/√samples, and the errors of those shown. Needs `respond`."""
    o, rows, n, Q = b.at, b.rows, b.at.n, b.at.K + b.at.D
    for k in range(o.S):
        rest(b, s, o.drive + k * n, o.desired + k * Q)
        for q in range(o.K):
            error = load(rows, o.desired + k * Q + q) - read(b, q, rows, o.v, 1)
            store(rows, o.delta + k * o.K + q, load(rows, o.share + k) * error)
    note_misfits(b, 0.0)


@inner
def squares(b, first, size, lane):
    """Sum of the squares of so many rows of a lane."""
    total = 0.0
    for i in range(first, first + size):
        total += b.rows[i, lane] ** 2
    return total


@inner
def costs(b, clock, lane):
    """C* and C of a lane in V²; at rate 0 they are the same."""
    equilibrium = squares(b, b.at.delta, b.at.S * b.at.K, lane)
    if clock.show[lane].quasistatic:
        return equilibrium, equilibrium
    return equilibrium, squares(b, b.at.error, b.at.C * b.at.K, lane)


@inner
def record(me, mine, p, lane, until):
    """Write down the costs for the times up to `until`."""
    while me.recorded < p.times.shape[0] and p.times[me.recorded, lane] <= until:
        p.equilibrium[me.recorded, lane] = me.cost
        p.nonequilibrium[me.recorded, lane] = mine.cost
        me.recorded += 1


@inner
def end_in_time(me, mine, p, lane):
    """End a run whose next update would come after its time limit."""
    if me.time + me.dt > me.limit * (1 + ROUNDED):
        record(me, mine, p, lane, me.limit * (1 + ROUNDED))
        me.status = OUT_OF_TIME if np.isnan(me.sustained) else REACHED


@inner
def note(b, u, clock, p, lane):
    """Note an update of a lane: its time, costs, thresholds and records, and whether the run ends here."""
    me, mine = clock.each[lane], u.each[lane]
    equilibrium, instant = costs(b, clock, lane)
    mine.count += 1
    time = mine.origin + mine.count * me.dt
    record(me, mine, p, lane, time * (1 - ROUNDED))         # until now the costs were those of the last update
    me.time, me.cost, mine.cost = time, equilibrium / me.initial, instant / me.initial
    me.steps += 1
    me.evaluations += 1
    record(me, mine, p, lane, time * (1 + ROUNDED))
    if me.cost < me.until:
        me.first = time if np.isnan(me.first) else me.first
        me.sustained = time if np.isnan(me.sustained) else me.sustained
    else:
        me.sustained = np.nan
    if np.isnan(me.instant) and mine.cost < me.until:
        me.instant = time
    if not np.isfinite(equilibrium):
        me.status = DIVERGED
    elif me.stop and not np.isnan(me.first):
        me.status = REACHED
    else:
        end_in_time(me, mine, p, lane)


@inner
def start(b, s, u, clock, p):
    """Bring fresh lanes to equilibrium, and note where fresh and continued ones begin. Factors L(G) of all lanes."""
    fresh = 0
    for lane in range(clock.show.size):
        me = clock.each[lane]
        if me.status == FRESH or me.status == CONTINUED:
            present(b, u, clock, lane)
            if me.status == FRESH or clock.show[lane].quasistatic:
                fresh |= 1 << lane
    respond(b, s)
    place(b, s, np.uint64(fresh), 0.0)
    measure(b, s)
    for lane in range(clock.show.size):
        me, o = clock.each[lane], b.at
        if me.status == FRESH or me.status == CONTINUED:
            first, size = (o.delta, o.S * o.K) if clock.show[lane].quasistatic else (o.error, o.C * o.K)
            for i in range(size):
                p.errors[0, i, lane] = b.rows[first + i, lane]
            for i in range(b.x.shape[0]):
                p.last_x[i, lane] = b.x[i, lane]
            equilibrium, instant = costs(b, clock, lane)
            over = begin(me, p, lane, equilibrium)
            u.each[lane].cost = instant / me.initial
            if over:
                me.status = REACHED
            elif me.status == RUNNING:
                end_in_time(me, u.each[lane], p, lane)


@inner
def ended(clock):
    """Lanes at rate 0 that are done, a bit each."""
    found = 0
    for lane in range(clock.show.size):
        if clock.show[lane].quasistatic and clock.each[lane].status > RUNNING:
            found |= 1 << lane
    return np.uint64(found)


@kernel
def run(b, s, u, clock, p, steps):
    """Update a block until so many updates and RK4 steps are done, or a lane is done. Returns the updates."""
    b, s, u, clock, p = borrowed(b), borrowed(s), borrowed(u), borrowed(clock), borrowed(p)
    number, work = 0, 0
    if count(clock.each, FRESH, CONTINUED):
        start(b, s, u, clock, p)
    else:
        respond(b, s)
    while work < steps and not count(clock.each, REACHED, DIVERGED):
        for lane in range(clock.show.size):
            if clock.each[lane].status == RUNNING:
                present(b, u, clock, lane)
        still = quasistatic(clock, False)
        if still:
            place(b, s, still, 0.0)
        work += 1 + relax(b, s, u, clock)
        update(b, u, clock)
        respond(b, s)
        measure(b, s)
        number += 1
        for lane in range(clock.show.size):
            if clock.each[lane].status == RUNNING:
                note(b, u, clock, p, lane)
    if ended(clock):
        place(b, s, ended(clock), 0.0)
    return number
