"""The state of a block: what its lanes are, and all arrays that its kernels work on."""
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .dynamics import Graph, Law
from .equilibrium import Elimination, Factor
from .slow import Slow
from .wmethod import Stages

IDLE, FRESH, CONTINUED, RUNNING, REACHED, OUT_OF_TIME, STALLED, DIVERGED = range(8)

AUTO, RK4, SLOW = range(3)     # method: RK4, or the slow manifold where it holds; only the one; only the other


class Lanes(NamedTuple):
    """The state of every lane, one column a lane; times in 1/γp, costs relative to C*(0). What a lane is is
    here, in x and G, and in its column of the law: copied elsewhere, a run goes on with the same bits.

    status, method : constants above. gliding : whether on the slow manifold. rate : a R (a at R = 0). until, stop, limit : threshold on C*, whether it ends the
    run, and the time limit. fixed : the step if given, else NaN. tolerance : relative error of τ aimed at.
    time, steps, looks : so far. initial : C*(0) in V². cost : C* at the last look.
    first, sustained, instant : first time with C* < until, the one since which it has stayed so, first with
    C < until; NaN until then.
    dt, span, taken : the step, RK4 steps between looks, and those taken since the last look.
    caution : factor on the step after rejected stretches. bound : of λ_max at the last look. lag : how far the slow
    manifold was from the quasistatic one when last seen, |dG/dt - dG/dt*| / |dG/dt*|. reach : the next step there, 0 for the first.
    flat_until, lowest, highest : end of the present stall window and the range of ln C* within it.
    target, desired : (n_targets, lanes) nodes (-1: none) and V_T. delta, slope : alike, δ = V_T - v*_T
    and dδ/dt at the last look.
    errors : (LONGEST + 1, n_targets, lanes) V_T - v_T at every step since the last look.
    times, equilibrium, nonequilibrium : (n_times, lanes) when to record C* and C, and what was recorded.
    recorded : records made so far.
    """

    status: NDArray[np.int64]
    method: NDArray[np.int64]
    gliding: NDArray[np.bool_]
    rate: NDArray[np.float64]
    until: NDArray[np.float64]
    stop: NDArray[np.bool_]
    limit: NDArray[np.float64]
    fixed: NDArray[np.float64]
    tolerance: NDArray[np.float64]
    time: NDArray[np.float64]
    steps: NDArray[np.int64]
    looks: NDArray[np.int64]
    initial: NDArray[np.float64]
    cost: NDArray[np.float64]
    first: NDArray[np.float64]
    sustained: NDArray[np.float64]
    instant: NDArray[np.float64]
    dt: NDArray[np.float64]
    span: NDArray[np.int64]
    taken: NDArray[np.int64]
    caution: NDArray[np.float64]
    bound: NDArray[np.float64]
    lag: NDArray[np.float64]
    reach: NDArray[np.float64]
    flat_until: NDArray[np.float64]
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]
    recorded: NDArray[np.int64]
    target: NDArray[np.int64]
    desired: NDArray[np.float64]
    delta: NDArray[np.float64]
    slope: NDArray[np.float64]
    errors: NDArray[np.float64]
    times: NDArray[np.float64]
    equilibrium: NDArray[np.float64]
    nonequilibrium: NDArray[np.float64]


class Block(NamedTuple):
    """All arrays of a block. x, y, q : (2 n_nodes, lanes), v and w interleaved and scratch. G, Gq : (n_edges, lanes).
    fall : (lanes,) rate at which G may fall to its floor, in γp. last_x, last_G : x and G at the last look.
    bounds : (2, lanes). scratch : (3 n_nodes, lanes). slow.v, slow.delta, slow.slope hold v*, δ and dδ/dt of now."""

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
    bounds: NDArray[np.float64]
    scratch: NDArray[np.float64]
    factor: Factor
    slow: Slow
    stages: Stages
