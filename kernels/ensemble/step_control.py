"""A lane advanced by RK4: how long its steps are, when its cost is evaluated, and what an evaluation decides."""
import numpy as np
from ohmlearn.kernels.law.bounds import AT_ONCE
from ohmlearn.kernels.simd.jit import inline, inner
from ohmlearn.kernels.simd.vectors import at, put

from .block_state import DIVERGED, OUT_OF_TIME, REACHED, RUNNING
from .cost_evaluation import note
from .rk4 import DT, FALL
from .rk4 import LEARN as LEARN_ROW
from .threshold_crossing import stands, winds

SHORTEST, LONGEST = 3, 48      # RK4 steps between two evaluations
TOGETHER = 12                  # steps in which lanes of different spans mostly are evaluated together
STABLE = 2.785                 # RK4 is stable for dt λ_max below this
# dt times the bounds of λ_max and of the learning frequency: at tolerance 1e-3, and at most, at the longest span
RELAX, RELAX_MOST = 1.5, 2.4
LEARN, LEARN_MOST = 1.0, 2.0
CLIP = 0.15                    # times the latter, where G stops at once at its bounds
ROUGH = 0.05                   # bend above which evaluations get more frequent, at tolerance 1e-3
SMOOTHER = 10.0                # times less bend, evaluations get rarer
TOO_ROUGH = 0.4                # bend at which a stretch is taken again with half the step
JUMPS = 1e-6                   # caution below which a bend is a jump: an edge that leaves a floor far below the others
MOST_STEPS = 1e12              # that a run may have before it: more would take days


@inner
def set_step(me, rows, lane, dt):
    """Give a lane the step dt; 0 keeps it where it is. rows : (ROWS, lanes) of the law."""
    me.dt = dt
    rows[DT, lane] = dt
    rows[LEARN_ROW, lane] = -me.rate * dt
    rows[FALL, lane] = dt * me.fall if np.isfinite(me.fall) else AT_ONCE


@inner
def sharpness(me):
    """Factors on the step for the tolerance asked for, over those at 1e-3: where all is smooth the step is of fourth
    order in dt ω, and of second where an edge meets a bound or leaves it."""
    return (me.tolerance / 1e-3) ** 0.25, min(1.0, (me.tolerance / 1e-3) ** 0.7)


@inner
def no_longer_than_falling(me, dt):
    """The step dt, and no longer than a conductance takes to fall to its floor."""
    return min(dt, 1.0 / me.fall) if np.isfinite(me.fall) else dt


@inner
def endless(me, dt):
    """Whether a run is so stiff that steps dt would not bring it to its end within days."""
    return not dt * MOST_STEPS > me.caution * (me.limit - me.time)


@inner
def choose_step(me, rows, bounds, lane):
    """The step until the next evaluation: as far as relaxation and learning allow, and no further than the limit."""
    me.bound = bounds[0, lane]
    learning = np.sqrt(2 * me.rate * bounds[1, lane])
    finer, sharper = sharpness(me)
    dt = me.fixed
    if np.isnan(dt):
        smooth = me.span == LONGEST
        relax_reach = RELAX_MOST * min(1.0, finer) if smooth else min(RELAX * finer, RELAX_MOST)
        learn_reach = LEARN_MOST * sharper if smooth else min(LEARN * finer, LEARN_MOST, 2 * LEARN * sharper)
        if not np.isfinite(me.fall):
            learn_reach *= CLIP
        dt = me.caution * min(relax_reach / me.bound, learn_reach / max(learning, 1e-300))
        dt = no_longer_than_falling(me, dt)
    elif dt * me.bound > STABLE:
        me.status = DIVERGED
    if endless(me, dt) and not me.gliding:
        me.status = DIVERGED
    me.stretch = me.span - (SHORTEST * me.clock) % me.span
    set_step(me, rows, lane, min(dt, (me.limit - me.time) / me.stretch))


@inner
def clamp(p, x, lane, pulled):
    """w_T = V_T - v_T, exactly; not where targets are pulled."""
    if pulled is None:
        for i in range(p.target.shape[0]):
            a = p.target[i, lane]
            if a >= 0:
                x[2 * a + 1, lane] = p.desired[i, lane] - x[2 * a, lane]


@inline
def note_errors(taken, target, errors, x, lane, pulled):
    """V_T - v_T of a lane after so many steps since the last evaluation: w_T where targets are held, for which pulled
    is None, else by pulled[0], the desired voltages. It is called every step: with indices that are checked for their
    sign it takes twice as long. Arrays one by one: handing on a tuple of them costs more than the work."""
    size, lanes = target.shape
    for i in range(size):
        a = at(target, i * lanes + lane)
        v = 2 * max(a, 0) * lanes + lane
        error = at(x, v + lanes) if pulled is None else at(pulled[0], i * lanes + lane) - at(x, v)
        put(errors, (taken * size + i) * lanes + lane, error if a >= 0 else 0.0)


@inline
def note_step(each, target, errors, x, pulled):
    """Count an RK4 step of the running lanes and note their errors. Returns a bit for every lane to be evaluated."""
    due = 0
    for lane in range(each.size):
        me = each[lane]
        if me.status == RUNNING:
            taken = me.taken + 1
            me.taken = taken
            note_errors(taken, target, errors, x, lane, pulled)
            due |= (taken >= me.stretch) << lane
    return due


@inner
def measure(me, p, v, drifted, lane):
    """C* (V²) of a lane, and its δ and dδ/dt, from v* and its drift in a step (n_nodes, lanes)."""
    cost = 0.0
    for i in range(p.target.shape[0]):
        a = p.target[i, lane]
        p.delta[i, lane] = p.desired[i, lane] - v[a, lane] if a >= 0 else 0.0
        p.slope[i, lane] = -drifted[a, lane] / me.dt if a >= 0 else 0.0
        cost += p.delta[i, lane] ** 2
    return cost


@inner
def remember(me, p, x, G, lane, pulled):
    """Start a new stretch from here."""
    me.taken = 0
    note_errors(0, p.target, p.errors, x, lane, pulled)
    for i in range(p.target.shape[0]):
        p.last_delta[i, lane], p.last_slope[i, lane] = p.delta[i, lane], p.slope[i, lane]
    for i in range(x.shape[0]):
        p.last_x[i, lane] = x[i, lane]
    for j in range(G.shape[0]):
        p.last_G[j, lane] = G[j, lane]


@inner
def take_back(me, p, x, G, lane):
    """Bring a lane back to where its stretch began."""
    me.taken = 0
    for i in range(x.shape[0]):
        x[i, lane] = p.last_x[i, lane]
    for j in range(G.shape[0]):
        G[j, lane] = p.last_G[j, lane]


@inner
def retreat(me, p, rows, x, G, lane):
    """Take the stretch again with half the step."""
    take_back(me, p, x, G, lane)
    me.caution *= 0.5
    me.span = me.stretch = SHORTEST
    set_step(me, rows, lane, 0.5 * me.dt)
    if me.caution < 1e-9:
        me.status = DIVERGED


@inner
def take_stretch_again(me, p, rows, x, G, lane):
    """Take the stretch again up to me.aim, in no longer steps, and so that other lanes are evaluated then too: that
    costs the block the same for one lane as for all."""
    take_back(me, p, x, G, lane)
    least = (me.aim - me.time) / me.dt
    unit = TOGETHER
    while unit < least and unit < LONGEST:
        unit *= 2
    me.stretch = unit - (SHORTEST * me.clock) % unit
    if me.stretch < least and me.stretch + unit <= LONGEST:
        me.stretch += unit
    set_step(me, rows, lane, min(me.dt, (me.aim - me.time) / me.stretch))


@inner
def count_threshold_with_noise(me):
    """With noise the threshold counts as reached at the first evaluation that finds C* below it."""
    if me.stop and not np.isnan(me.first):
        if me.cost < me.until:
            me.first = me.sustained = me.time
        else:
            me.first = me.sustained = np.nan
            if me.status == REACHED:
                me.status = OUT_OF_TIME if me.time >= me.limit * (1 - 1e-12) else RUNNING


KEEP, AGAIN, HALVE = range(3)       # what becomes of a stretch: noted; taken again up to me.aim; with half the step


@inner
def judge(me, p, lane, h, cost, rough, fast, noise):
    """Note the stretch h since the last evaluation of a lane, or say how it must be taken again.

    cost : C* now. rough : its `bend`. fast : the step over the shortest time, stable below STABLE. noise : whether
    there is any: then no stretch is taken again to end where C* crosses the threshold.
    """
    sound = np.isfinite(cost) and np.isfinite(rough) and fast < STABLE
    me.steps += me.taken
    me.evaluations += 1
    bent = rough > TOO_ROUGH * (me.tolerance / 1e-3) ** 0.75 or winds(me, lane, h, p)
    if np.isnan(me.fixed) and (not sound or (bent and me.caution > JUMPS)):
        return HALVE
    if not sound:
        me.status = DIVERGED
        return KEEP
    if not noise and not stands(me, lane, h, p):
        return AGAIN
    note(me, lane, h, p)
    if noise:
        count_threshold_with_noise(me)
    return KEEP


@inner
def adapt_span(me, rough):
    """How often to evaluate C* and how cautiously to step after a stretch of this bend that was kept."""
    finer = (me.tolerance / 1e-3) ** 0.75
    smooth = SMOOTHER * rough < ROUGH * finer
    if smooth and me.caution == 1.0 and me.span < LONGEST:         # longer steps before rarer evaluations
        me.span *= 2
    elif rough > ROUGH * finer and me.span > SHORTEST:
        me.span //= 2
    me.caution = min(1.0, me.caution * (2.0 if smooth else 1.1))
