"""What a block does that depends on the law of its edges: linear ones where block.edges is None, else nonlinear ones,
whose kernels are called through addresses. Which is known when a kernel is compiled."""
from numba import types
from ohmlearn.kernels.linalg.block_ldlt import assemble, copy, factorise, relax
from ohmlearn.kernels.nonlinear.edges import has
from ohmlearn.kernels.simd.indirect import call
from ohmlearn.kernels.simd.jit import chosen

from .nonlinear_step import EQUILIBRATE, EVALUATE, ROUNDS, STEP
from .nonlinear_step import begin_peak as begin_peak_of_jacobian
from .rk4 import drift, rk4_step
from .step_bounds import begin_peak, fastest


def _linear(block):
    return isinstance(block.types[block.fields.index("edges")], types.NoneType)


def step(block):
    """One RK4 step of all lanes, in kernels."""
    raise NotImplementedError


@chosen(step)
def _step(block):
    if _linear(block):
        return lambda block: rk4_step(block.graph, block.law, block.x, block.y, block.q, block.G, block.Gq)
    return lambda block: call(block.edges.entries[STEP], (block.graph, block.pattern, block.edges, block.law, block.x,
                                                          block.y, block.q, block.G, block.Gq))


def equilibrium(block, part, lanes):
    """Equilibrium of v (part 0) or w (part 1) of the lanes with a bit into block.slow.v, in kernels."""
    raise NotImplementedError


@chosen(equilibrium)
def _equilibrium(block, part, lanes):
    if _linear(block):
        def linear(block, part, lanes):
            free = block.law.free_v if part == 0 else block.law.free_w
            assemble(block.graph, block.pattern, free, block.G, block.factor.matrix)
            factorise(block.pattern, block.factor.matrix)
            relax(block.graph, block.pattern, free, block.G, block.x, part, block.slow.v, block.factor)
        return linear

    def nonlinear(block, part, lanes):
        call(block.edges.entries[EQUILIBRATE], (block.graph, block.pattern, block.edges, block.law, block.x, block.G,
                                                part, lanes))
        copy(block.slow.v, block.edges.v if part == 0 else block.edges.w)
    return nonlinear


def find_equilibria(block, due):
    """v* of all lanes, its drift in a step as G learns, and the bounds on the step of lanes with a `due` bit, in
    kernels. Of nonlinear edges v* and its drift are those of the lanes with such a bit."""
    raise NotImplementedError


@chosen(find_equilibria)
def _find_equilibria(block, due):
    if "edges" not in block.fields:
        return None                     # of general tasks, see `general.lane_steps`
    if _linear(block):
        def linear(block, due):
            graph, pattern, law, factor = block.graph, block.pattern, block.law, block.factor
            assemble(graph, pattern, law.free_v, block.G, factor.matrix)
            factorise(pattern, factor.matrix)
            relax(graph, pattern, law.free_v, block.G, block.x, 0, block.slow.v, factor)
            drift(graph, pattern, law, block.G, block.x, block.slow.v, factor)
            fastest(ROUNDS, graph, law, block.G, block.x, due, block.peak, block.scratch, block.bounds)
        return linear

    def nonlinear(block, due):
        call(block.edges.entries[EVALUATE], (block.graph, block.pattern, block.edges, block.law, block.x, block.G, due,
                                             block.factor.solution, block.lanes.target, block.peak, block.scratch,
                                             block.bounds))
        copy(block.slow.v, block.edges.v)
    return nonlinear


def begin_bounds(block, due):
    """Forget what is known of the fastest mode of the lanes with a `due` bit, in kernels."""
    raise NotImplementedError


@chosen(begin_bounds)
def _begin_bounds(block, due):
    if _linear(block):
        return lambda block, due: begin_peak(block.graph, block.law, block.G, due, block.peak)
    return lambda block, due: begin_peak_of_jacobian(block.law, due, block.peak)


def pulled_to(block):
    """(desired voltages,) where a clamp pulls the targets, None where it holds them, in kernels. A tuple, since an
    array would have its references counted."""
    raise NotImplementedError


@chosen(pulled_to)
def _pulled_to(block):
    if _linear(block) or not has(block.types[block.fields.index("edges")], "pull"):
        return lambda block: None
    return lambda block: (block.lanes.desired,)
