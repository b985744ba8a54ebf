"""The state of a block: what its lanes are, and all arrays that its kernels work on."""
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.linalg.block_ldlt import Elimination, Factor
from ohmlearn.kernels.linalg.graph import Graph
from ohmlearn.kernels.nonlinear.edges import Nonlinear
from ohmlearn.kernels.simd.jit import inline

from .rk4 import Law
from .ros2 import Stages
from .slow_manifold import Slow

IDLE, FRESH, CONTINUED, RUNNING, REACHED, OUT_OF_TIME, STALLED, DIVERGED = range(8)

# Block.tally: steps of the block (RK4, or on the manifold), those of its lanes, evaluations, lanes evaluated.
STEPS, LANE_STEPS, EVALUATIONS, EVALUATED, TALLIES = range(5)

AUTO, RK4, SLOW = range(3)     # method: RK4, or the slow manifold where it holds; only the one; only the other


# What a lane is besides its arrays, one record a lane; times in 1/γp, costs relative to C*(0):
#   status, method : constants above. gliding : whether it is on the slow manifold.
#   rate : a R (a at R = 0). fall : how fast G may fall to its floor (inf: at once). until, stop, limit : threshold on
#   C*, whether it ends the run, and the time limit. fixed : the step if given, else NaN. tolerance : on τ, relative.
#   time, steps, evaluations : so far. initial : C*(0) in V². cost : C* at the last evaluation.
#   first, sustained, instant : first time with C* < until, the one since which it has stayed so, first with C < until.
#   dt, span : the step, and RK4 steps between evaluations of C*. clock : strides since the beginning. stretch, taken :
#   steps from the last evaluation to the next, which falls on a multiple of span of the clock, and those taken.
#   caution : factor on the step after rejected stretches. bound : of λ_max at the last evaluation.
#   lag : |dG/dt - dG/dt*| / |dG/dt*|, how far the manifold was from the quasistatic one. reach : next step on it; off
#   it, evaluations before which it is not tried again.
#   aim, tries : where a stretch that is taken again for the sake of a crossing is to end, and how often it was.
#   patience : time in which a cost that has not moved counts as stalled.
#   flat_until, lowest, highest : end of the present stall window, and the range of ln C* within it.
#   recorded : records made so far. keeps : whether a step has to end at every time to record, since the state there is
#   written down; pause : whether the block waits for that, as it has got to such a time; the state is last_x, last_G.
_WHOLE = ("status", "method", "gliding", "stop", "steps", "evaluations", "span", "stretch", "taken", "clock",
          "recorded", "keeps", "pause", "tries")
_REAL = ("rate", "fall", "until", "limit", "fixed", "tolerance", "time", "initial", "cost", "first", "sustained",
         "instant", "aim", "dt", "caution", "bound", "lag", "reach", "patience", "flat_until", "lowest", "highest")
MEMBER = np.dtype([(name, np.int64) for name in _WHOLE] + [(name, np.float64) for name in _REAL])


class Lanes(NamedTuple):
    """The lanes of a block, one column each. Together with x, G and peak this is all that a run is: copied elsewhere,
    it goes on with the same bits.

    each : (lanes,) records MEMBER. target, desired : (n_targets, lanes) nodes (-1: none) and V_T.
    delta, slope : (n_targets, lanes) δ = V_T - v*_T and dδ/dt now; last_delta, last_slope : at the last evaluation.
    errors : (LONGEST + 1, n_targets, lanes) V_T - v_T at every step since the last evaluation.
    times, equilibrium, nonequilibrium : (n_times, lanes) when to record C* and C, and what was recorded.
    last_x, last_G : (2 n_nodes, lanes), (n_edges, lanes) x and G at the last evaluation.
    """

    each: NDArray[np.void]
    target: NDArray[np.int64]
    desired: NDArray[np.float64]
    delta: NDArray[np.float64]
    slope: NDArray[np.float64]
    last_delta: NDArray[np.float64]
    last_slope: NDArray[np.float64]
    errors: NDArray[np.float64]
    times: NDArray[np.float64]
    equilibrium: NDArray[np.float64]
    nonequilibrium: NDArray[np.float64]
    last_x: NDArray[np.float64]
    last_G: NDArray[np.float64]


class Block(NamedTuple):
    """All arrays of a block. x, y, q : (2 n_nodes, lanes), v and w interleaved and scratch. G, Gq : (n_edges, lanes).
    bounds : (2, lanes) on the rates of relaxation and of learning. peak : (n_nodes, lanes) estimate of the eigenvector
    of λ_max. scratch : (3 n_nodes, lanes). clock : (1,) strides since the block stood still. tally : (TALLIES,) what it
    has done so far, see above. edges : nonlinear ones, or None."""

    graph: Graph
    pattern: Elimination
    law: Law
    lanes: Lanes
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    q: NDArray[np.float64]
    G: NDArray[np.float64]
    Gq: NDArray[np.float64]
    bounds: NDArray[np.float64]
    peak: NDArray[np.float64]
    scratch: NDArray[np.float64]
    clock: NDArray[np.int64]
    tally: NDArray[np.int64]
    factor: Factor
    slow: Slow
    stages: Stages
    edges: Nonlinear | None


@inline
def count_work(tally, steps, lane_steps):
    """Add to the tally of a block."""
    tally[STEPS] += steps
    tally[LANE_STEPS] += lane_steps
