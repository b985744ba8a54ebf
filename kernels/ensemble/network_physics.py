"""What a block does that depends on the law of its edges: linear ones where block.edges is None, else nonlinear ones.
Which is known when a kernel is compiled."""
from numba import types
from numba.extending import overload
from ohmlearn.kernels.linalg.block_ldlt import assemble, copy, factorise, relax

from . import nonlinear_step
from .rk4 import drift, rk4_step
from .step_bounds import begin_peak, fastest

ROUNDS = 2                     # of the power iteration at a look


def _linear(block):
    return isinstance(block.types[block.fields.index("edges")], types.NoneType)


def step(block):
    """One RK4 step of all lanes, in kernels."""
    raise NotImplementedError


@overload(step, inline="always")
def _step(block):
    if _linear(block):
        return lambda block: rk4_step(block.graph, block.law, block.x, block.y, block.q, block.G, block.Gq)
    return lambda block: nonlinear_step.rk4_step(block.graph, block.edges, block.law, block.x, block.y, block.q, block.G,
                                                 block.Gq)


def equilibrium(block, part, lanes):
    """Equilibrium of v (part 0) or w (part 1) of the lanes with a bit into block.slow.v, in kernels."""
    raise NotImplementedError


@overload(equilibrium, inline="always")
def _equilibrium(block, part, lanes):
    if _linear(block):
        def linear(block, part, lanes):
            free = block.law.free_v if part == 0 else block.law.free_w
            assemble(block.graph, block.pattern, free, block.G, block.factor.matrix)
            factorise(block.pattern, block.factor.matrix)
            relax(block.graph, block.pattern, free, block.G, block.x, part, block.slow.v, block.factor)
        return linear

    def nonlinear(block, part, lanes):
        edges = block.edges
        if part == 0:
            nonlinear_step.find_equilibrium(block.graph, block.pattern, edges, block.law, block.x, block.G, lanes)
            copy(block.slow.v, edges.v)
        else:
            nonlinear_step.find_difference(block.graph, block.pattern, edges, block.law, block.x, block.G, lanes)
            copy(block.slow.v, edges.w)
    return nonlinear


def follow_equilibrium(block):
    """The drift of v* in a step, after `equilibrium` of part 0, into block.factor.solution, in kernels."""
    raise NotImplementedError


@overload(follow_equilibrium, inline="always")
def _follow_equilibrium(block):
    if _linear(block):
        return lambda block: drift(block.graph, block.pattern, block.law, block.G, block.x, block.slow.v, block.factor)
    return lambda block: nonlinear_step.drift(block.graph, block.pattern, block.edges, block.law, block.x, block.G,
                                              block.factor.solution)


def find_bounds(block, due):
    """Bounds on the step of the lanes with a `due` bit, in kernels."""
    raise NotImplementedError


@overload(find_bounds, inline="always")
def _find_bounds(block, due):
    if _linear(block):
        def linear(block, due):
            for _ in range(ROUNDS):
                fastest(block.graph, block.law, block.G, block.x, due, block.peak, block.scratch, block.bounds)
        return linear

    def nonlinear(block, due):
        for _ in range(ROUNDS):
            nonlinear_step.fastest(block.graph, block.edges, block.law, block.x, block.G, due, block.peak,
                                   block.scratch, block.bounds)
    return nonlinear


def begin_bounds(block, due):
    """Forget what is known of the fastest mode of the lanes with a `due` bit, in kernels."""
    raise NotImplementedError


@overload(begin_bounds, inline="always")
def _begin_bounds(block, due):
    if _linear(block):
        return lambda block, due: begin_peak(block.graph, block.law, block.G, due, block.peak)
    return lambda block, due: nonlinear_step.begin_peak(block.law, due, block.peak)
