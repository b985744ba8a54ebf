"""Lanes on the slow manifold: when they are there, and how far their steps go."""
import numpy as np
from ohmlearn.kernels.simd.jit import inner

from .block_state import AUTO, CONTINUED, DIVERGED, RUNNING, SLOW, count_work
from .cost_evaluation import go_on_while_restless, note
from .ros2 import linearise, propose
from .slow_manifold import lagging, quasistatic
from .step_control import LONGEST, SHORTEST, clamp, note_errors, remember, set_step, take_back
from .threshold_crossing import stands

# Lag below which the manifold is followed, above which it is left, at tolerance 1e-3: dG/dt on it is off by about the
# square of the lag.
ENTER, LEAVE = 0.01, 0.03
SETTLED = 0.5                  # of the tolerance: what a recorded V_T - v_T may be off when a lane gets there
WANTED = 0.01                  # |error| / |move| of a step of G, at tolerance 1e-3
LOST = 0.1                     # lag at the end of a step that is not taken
SPARSE = 4                     # evaluations from one test of the lag to the next
PATIENT = 1.25                 # times the evaluations so far, those before the next test once one has failed
FIRST = 0.1                    # the first step, over the sum of the rates of learning


@inner
def slow_enough(me, lag, most):
    """Whether a lag is at most `most`, a bound for tolerance 1e-3."""
    return lag <= most * min(1.0, np.sqrt(me.tolerance / 1e-3))


@inner
def close(me, errors, delta, lane):
    """Whether V_T - v_T lags behind V_T - v*_T by little, and w with it. errors (.., n_targets, lanes)."""
    off, size = 0.0, 1e-300
    for i in range(delta.shape[0]):
        off += (errors[0, i, lane] - delta[i, lane]) ** 2
        size += delta[i, lane] ** 2
    return slow_enough(me, np.sqrt(off / size), ENTER)


@inner
def settled(me, p, v_lag, lane):
    """Whether v at the targets is where the manifold has it (v_lag), within what a cost to be recorded may be off."""
    if not (me.recorded < p.times.shape[0] and p.times[me.recorded, lane] < me.limit):
        return True
    off, size = 0.0, 1e-300
    for i in range(p.target.shape[0]):
        if p.target[i, lane] >= 0:
            off += (p.errors[0, i, lane] - (p.desired[i, lane] - v_lag[p.target[i, lane], lane])) ** 2
            size += p.delta[i, lane] ** 2
    return off <= (SETTLED * me.tolerance) ** 2 * size


@inner
def able(me, p, lane):
    """Whether a lane that RK4 has brought to an evaluation should try the manifold: R below 1, C* smooth, small lag."""
    smooth = me.span == LONGEST and me.evaluations % SPARSE == 0 and me.evaluations >= me.reach
    return (me.method == AUTO and me.rate <= 1.0 and np.isnan(me.fixed) and smooth and me.status == RUNNING
            and close(me, p.errors, p.delta, lane))


@inner
def measure_lag(me, rate, still, lane):
    """|dG/dt - dG/dt*| / |dG/dt*| of a lane: G (n_edges, lanes) followed with and without the lag."""
    off, size = 0.0, 1e-300
    for j in range(rate.shape[0]):
        off += (rate[j, lane] - still[j, lane]) ** 2
        size += still[j, lane] ** 2
    me.lag = np.sqrt(off / size)


@inner
def settle(p, slow, x, lane):
    """Put v and w on the manifold."""
    for a in range(slow.v.shape[0]):
        x[2 * a, lane], x[2 * a + 1, lane] = slow.v_lag[a, lane], slow.w_lag[a, lane]
    clamp(p, x, lane, None)


@inner
def take_again(me, p, x, G, lane):
    """Take the step again up to me.aim."""
    take_back(me, p, x, G, lane)
    me.reach = me.aim - me.time


GONE, HERE, BACK = range(3)    # where a lane is: off the manifold, on it, or where its step began, to be solved for


@inner
def arrive(me, p, slow, x, G, lane):
    """Note the step that led here, or take it back if the manifold was lost on the way or a crossing is to be stepped
    to. Returns where the lane is: it stays if its lag has not grown too much."""
    if me.method != SLOW and not me.lag <= LOST:
        take_back(me, p, x, G, lane)
        me.span = SHORTEST
        return GONE
    if not stands(me, lane, me.dt, p):
        take_again(me, p, x, G, lane)
        return BACK
    settle(p, slow, x, lane)
    note_errors(me.taken, p.target, p.errors, x, lane, None)
    note(me, lane, me.dt, p)
    go_on_while_restless(me, p.last_G, G, lane, me.dt)
    remember(me, p, x, G, lane, None)
    if slow_enough(me, me.lag, LEAVE) or me.method == SLOW:
        return HERE
    me.span = SHORTEST
    return GONE


@inner
def enter(me, p, slow, x, G, lane):
    """Bring a lane that has just come to the manifold, if it is there already and its lag is small, or its method asks
    for it. Returns where it is."""
    if me.method != SLOW and not (slow_enough(me, me.lag, ENTER) and settled(me, p, slow.v_lag, lane)):
        return GONE
    settle(p, slow, x, lane)
    remember(me, p, x, G, lane, None)
    return HERE


@inner
def leave(me, rows, lane):
    """Hand a lane over to RK4, which begins when its block does. rows : (ROWS, lanes) of the law."""
    me.gliding, me.clock, me.reach = 0, 0, PATIENT * me.evaluations
    set_step(me, rows, lane, 0.0)
    if me.status == RUNNING:
        me.status = CONTINUED


@inner
def set_lengths(each, stages, moving):
    """The steps that the gliding lanes try, into stages.h: the first one from the trace of QᵀU."""
    size = stages.along.shape[0]
    for lane in range(each.size):
        stages.h[0, lane] = 0.0
        if moving & (1 << lane):
            trace = 0.0
            for k in range(size):
                trace += abs(stages.matrix[k * size + k, lane])
            me = each[lane]
            h = me.reach if me.reach > 0 else FIRST / max(trace, 1e-300)
            stages.h[0, lane] = min(h, me.limit - me.time)


@inner
def too_short(reach, time):
    """Whether a step is so short that time hardly goes on."""
    return reach < 1e-13 * time or reach < 1e-290


@inner
def decide(me, stages, G, lane):
    """Accept the step of a gliding lane, to be noted once its end is known, or take it back."""
    h = stages.h[0, lane]
    error = np.sqrt(stages.error[0, lane] / max(stages.moved[0, lane], 1e-300))
    wanted = WANTED * np.sqrt(me.tolerance / 1e-3)
    me.steps += 1
    me.evaluations += 1
    if error <= wanted:
        me.dt, me.taken = h, 1
        me.reach = h * min(2.0, 0.9 * np.sqrt(wanted / max(error, 1e-300)))
        return
    for j in range(G.shape[0]):
        G[j, lane] = stages.begin[j, lane]
    me.reach = h * (max(0.2, 0.9 * np.sqrt(wanted / error)) if np.isfinite(error) else 0.2)
    if too_short(me.reach, me.time):
        me.status = DIVERGED


@inner
def glide(block):
    """One step of all lanes of a block on the manifold; those that do not belong there (any more) leave."""
    p, slow, stages, x, G, law = block.lanes, block.slow, block.stages, block.x, block.G, block.law
    quasistatic(block.graph, block.pattern, law, p, G, x, slow, block.factor)
    lagging(block.graph, block.pattern, law, p, G, slow, block.factor)
    moving = 0
    for lane in range(p.each.size):
        me = p.each[lane]
        if me.gliding and me.status == RUNNING:
            measure_lag(me, slow.rate, slow.still, lane)
            place = HERE
            if me.taken == 1:
                place = arrive(me, p, slow, x, G, lane)
            elif me.reach == 0:
                place = enter(me, p, slow, x, G, lane)
            if place == GONE:
                leave(me, law.rows, lane)
            elif place == HERE and me.status == RUNNING:
                moving |= 1 << lane
    if moving == 0:
        return
    running = 0
    for lane in range(p.each.size):
        running += (moving >> lane) & 1
    count_work(block.tally, 1, running)
    linearise(block.graph, law, p.target, G, slow, stages, moving)
    set_lengths(p.each, stages, moving)
    propose(block.graph, block.pattern, law, p, G, x, slow, stages, block.factor, moving)
    for lane in range(p.each.size):
        if moving & (1 << lane):
            decide(p.each[lane], stages, G, lane)
