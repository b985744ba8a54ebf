"""What the loop of a block asks of it, and what the plain lanes answer: those whose targets are nodes, under the plain
rule. Blocks of general tasks and rules answer in `general.lane_steps`. Which it is is known when a kernel is compiled.
"""
from typing import Any

from ohmlearn.kernels.simd.jit import chosen, inner

from .block_state import CONTINUED, FRESH, RUNNING, count_work
from .cost_evaluation import bend
from .network_physics import begin_bounds, equilibrium, pulled_to, step
from .step_control import (
    AGAIN,
    SHORTEST,
    adapt_span,
    choose_step,
    clamp,
    judge,
    measure,
    note_step,
    remember,
    retreat,
    set_step,
    take_stretch_again,
)


def stride_length(block: Any) -> Any:
    """RK4 steps of a stride, in kernels."""
    raise NotImplementedError


def bring_to_start(block: Any) -> Any:
    """Bring fresh lanes to equilibrium; a bit for every lane that is fresh or continued, in kernels."""
    raise NotImplementedError


def advance(block: Any) -> Any:
    """The steps of a stride; a bit for every lane to be evaluated, in kernels."""
    raise NotImplementedError


def take_errors(block: Any, lane: Any) -> Any:
    """δ and dδ/dt of a lane as `find_equilibria` has found them; returns C* (V²), in kernels."""
    raise NotImplementedError


def judge_stretch(block: Any, lane: Any, cost: Any) -> Any:
    """What `judge` finds of the stretch of a lane since its last evaluation, its length and its bend, in kernels."""
    raise NotImplementedError


def adapt(block: Any, lane: Any, rough: Any) -> Any:
    """How often to evaluate and how cautiously to step after a stretch of this bend that was kept, in kernels."""
    raise NotImplementedError


def begin_stretch(block: Any, lane: Any) -> Any:
    """Clamp a lane exactly, and start a new stretch from here, in kernels."""
    raise NotImplementedError


def plan_stretch(block: Any, lane: Any) -> Any:
    """The steps until the next evaluation of a lane, in kernels."""
    raise NotImplementedError


def take_again(block: Any, lane: Any, found: Any) -> Any:
    """Bring a lane back to where its stretch began, to take it again as `judge` has found, in kernels."""
    raise NotImplementedError


def _plain(block: Any) -> bool:
    return "stages" in block.fields


@chosen(stride_length)
def _stride_length(block):
    return (lambda block: SHORTEST) if _plain(block) else None


@inner
def bring_plain_to_start(block):
    """Of fresh lanes v with the sources held, then w with the targets clamped too."""
    p, x, v, fresh, new = block.lanes, block.x, block.slow.v, 0, 0
    for lane in range(p.each.size):
        fresh |= (p.each[lane].status == FRESH) << lane
        new |= (FRESH <= p.each[lane].status <= CONTINUED) << lane
    if fresh:
        for part in range(2):
            equilibrium(block, part, fresh)
            for lane in range(p.each.size):
                if fresh >> lane & 1:
                    for a in range(v.shape[0]):
                        x[2 * a + part, lane] = v[a, lane]
                    clamp(p, x, lane, pulled_to(block))
    for lane in range(p.each.size):
        if new >> lane & 1:
            set_step(p.each[lane], block.law.rows, lane, 1.0)       # slopes per unit of time
    begin_bounds(block, new)
    return new


@chosen(bring_to_start)
def _bring_to_start(block):
    return (lambda block: bring_plain_to_start(block)) if _plain(block) else None


@inner
def advance_plain(block):
    """SHORTEST steps of all lanes."""
    p, due, running = block.lanes, 0, 0
    for lane in range(p.each.size):
        if p.each[lane].status == RUNNING:
            p.each[lane].clock += 1
            running += 1
    for _ in range(SHORTEST):
        step(block)
        due |= note_step(p.each, p.target, p.errors, block.x, pulled_to(block))
    count_work(block.tally, SHORTEST, SHORTEST * running)
    return due


@chosen(advance)
def _advance(block):
    return (lambda block: advance_plain(block)) if _plain(block) else None


@chosen(take_errors)
def _take_errors(block, lane):
    return (lambda block, lane: measure(block.lanes.each[lane], block.lanes, block.slow.v, block.factor.solution,
                                        lane)) if _plain(block) else None


@inner
def judge_plain(block, lane, cost):
    """See `judge_stretch`."""
    me, p = block.lanes.each[lane], block.lanes
    h = me.taken * me.dt
    rough = bend(me, lane, h, p)
    return judge(me, p, lane, h, cost, rough, me.dt * block.bounds[0, lane], False), h, rough


@chosen(judge_stretch)
def _judge_stretch(block, lane, cost):
    return (lambda block, lane, cost: judge_plain(block, lane, cost)) if _plain(block) else None


@chosen(adapt)
def _adapt(block, lane, rough):
    return (lambda block, lane, rough: adapt_span(block.lanes.each[lane], rough)) if _plain(block) else None


@inner
def begin_plain_stretch(block, lane):
    """See `begin_stretch`."""
    p = block.lanes
    clamp(p, block.x, lane, pulled_to(block))
    remember(p.each[lane], p, block.x, block.G, lane, pulled_to(block))


@chosen(begin_stretch)
def _begin_stretch(block, lane):
    return (lambda block, lane: begin_plain_stretch(block, lane)) if _plain(block) else None


@chosen(plan_stretch)
def _plan_stretch(block, lane):
    return (lambda block, lane: choose_step(block.lanes.each[lane], block.law.rows, block.bounds,
                                            lane)) if _plain(block) else None


@inner
def take_plain_again(block, lane, found):
    """See `take_again`."""
    p, rows = block.lanes, block.law.rows
    if found == AGAIN:
        take_stretch_again(p.each[lane], p, rows, block.x, block.G, lane)
    else:
        retreat(p.each[lane], p, rows, block.x, block.G, lane)
    begin_bounds(block, 1 << lane)                      # what it was of is not where the lane is


@chosen(take_again)
def _take_again(block, lane, found):
    return (lambda block, lane, found: take_plain_again(block, lane, found)) if _plain(block) else None
