"""The RK4 step of a member with nonlinear edges over that of linear ones, in lanes, taken in turn in one run.

    python benchmarks/nonlinear_step.py [ROUNDS]

The packing of 64 nodes and 143 edges, one thread; processor time of a member's step, and the ratio of pairs that follow
each other: median, and quartiles of the rounds.
"""
import sys
from time import process_time

import numpy as np
import ohmlearn as ol
from ohmlearn.drivers.figures.nonlinear.nonlinear import LAWS, SOURCES, TARGETS, upward
from ohmlearn.drivers.training.ensemble import Ensemble
from ohmlearn.drivers.training.lane_arrays import Prepared, _nonlinear
from ohmlearn.drivers.training.lane_block import LaneBlock
from ohmlearn.kernels.ensemble import nonlinear_step, rk4
from ohmlearn.kernels.simd.jit import kernel

STEPS = 400


@kernel
def linear_steps(count, graph, law, x, y, q, G, Gq):
    for _ in range(count):
        rk4.rk4_step(graph, law, x, y, q, G, Gq)


@kernel
def nonlinear_steps(count, graph, pattern, edges, law, x, y, q, G, Gq):
    for _ in range(count):
        nonlinear_step.rk4_step(graph, pattern, edges, law, x, y, q, G, Gq)


def stepper(name):
    """A function that takes STEPS steps of a block that is full, from the state in which it was made."""
    network = ol.Network.packing(64, seed=1)
    tasks = [upward(ol.Task.allosteric(network, SOURCES, TARGETS, seed=seed, feasible=True))[0] for seed in range(8)]
    edges = None if name == "linear" else LAWS[name]
    ensemble = Ensemble(network, tasks, np.arange(8), np.ones(8), ol.Rule(), edges=edges, method="rk4", t_max=1.0)
    prepared = Prepared(ensemble)
    lanes = LaneBlock(ensemble, prepared)
    for number in range(8):
        lanes.insert(number)
    b = lanes.block
    b.law.rows[rk4.DT], b.law.rows[rk4.LEARN], b.law.rows[rk4.FALL] = 0.05, -0.05, 0.05
    state = b.x.copy(), b.G.copy()
    given = b.law, b.x, b.y, b.q, b.G, b.Gq

    def steps():
        b.x[:], b.G[:] = state
        if edges is None:
            linear_steps(STEPS, b.graph, *given)
        else:
            nonlinear_steps(STEPS, b.graph, b.pattern, described, *given)
    if edges is not None:
        described = _nonlinear(ensemble, prepared, 8)
    return steps


def main(rounds):
    steppers = {name: stepper(name) for name in LAWS}
    for steps in steppers.values():
        steps()
    times = {name: [] for name in steppers}
    for _ in range(rounds):
        for name, steps in steppers.items():
            begin = process_time()
            steps()
            times[name].append((process_time() - begin) / (8 * STEPS))
    base = np.array(times["linear"])
    for name, found in times.items():
        low, middle, high = np.quantile(np.array(found) / base, [0.25, 0.5, 0.75])
        print(f"{name:8} {1e9 * np.median(found):8.0f} ns a member-step; over linear {middle:.2f} "
              f"({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
