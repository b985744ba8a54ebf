"""Ensembles in lanes: the step, the look, a whole small sweep, memory a member. Per second: more is better."""
import sys
import time
from pathlib import Path

import numpy as np
import ohmlearn as ol
from ohmlearn.drivers.training.ensemble import PRECISIONS, Ensemble
from ohmlearn.drivers.training.lane_arrays import Prepared
from ohmlearn.drivers.training.lane_block import LaneBlock
from ohmlearn.kernels.ensemble import step_control
from ohmlearn.kernels.ensemble.network_physics import find_equilibria
from ohmlearn.kernels.ensemble.rk4 import rk4_step
from ohmlearn.kernels.linalg import block_ldlt
from ohmlearn.kernels.simd.jit import kernel
from ohmlearn.kernels.simd.vectors import n_lanes

LANES = 8
EVERYONE = 255    # a bit a lane


@kernel
def look_at(block, due):
    """A cost evaluation: equilibria, their drift and the bounds on the step."""
    find_equilibria(block, due)


def a_block(n_nodes=64, floor_mode="relax", rate=1.0, precision="double", follow=True):
    """A full block of members, that have learned a little if they are followed."""
    net = ol.Network.packing(n_nodes, seed=1) if n_nodes <= 128 else ol.Network.delaunay(n_nodes, seed=1)
    count = n_lanes(PRECISIONS[precision])
    tasks = [ol.Task.allosteric(net, 10 if n_nodes > 16 else 4, 3, seed=seed) for seed in range(count)]
    ensemble = Ensemble(net, tasks, np.arange(count), np.full(count, rate), ol.Rule(floor_mode=floor_mode), until=None,
                        t_max=1e3, method="rk4", precision=precision)
    block = LaneBlock(ensemble, Prepared(ensemble))
    for number in range(count):
        block.insert(number)
    if follow:
        block.follow()
    return block


def per_second(function, repeats):
    """Calls a second of a function that was called before, in the processor's time of this thread."""
    begin = time.thread_time()
    for _ in range(repeats):
        function()
    return repeats / (time.thread_time() - begin)


class Step:
    """RK4 steps of a block of 8 members, or 16 in single precision, called one by one."""

    params = (["relax", "clip"], [16, 64, 256, 1024], ["double", "single"])
    param_names = ("floor", "nodes", "precision")
    timeout = 120

    def setup(self, floor_mode, n_nodes, precision):
        block = a_block(n_nodes, floor_mode, precision=precision, follow=False)
        self.block, self.lanes = block.block, len(block.numbers)
        for lane in range(self.lanes):
            step_control.set_step(self.block.lanes.each[lane], self.block.law.rows, lane, 1e-4)
        self.repeats = 200_000 // n_nodes

    def step(self):
        b = self.block
        rk4_step(b.graph, b.law, b.x, b.y, b.q, b.G, b.Gq)

    def track_member_steps(self, floor_mode, n_nodes, precision):
        return self.lanes * per_second(self.step, self.repeats)

    track_member_steps.unit = "member-steps/s"


class Look:
    """Equilibrium voltages of 8 members, and all that a look solves for."""

    timeout = 120

    def setup(self):
        self.block = a_block().block

    def solve(self):
        b = self.block
        block_ldlt.assemble(b.graph, b.pattern, b.law.free_v, b.G, b.factor.matrix)
        block_ldlt.factorise(b.pattern, b.factor.matrix)
        block_ldlt.relax(b.graph, b.pattern, b.law.free_v, b.G, b.x, 0, b.slow.v, b.factor)

    def track_equilibria(self):
        return LANES * per_second(self.solve, 2000)

    def track_looks(self):
        return LANES * per_second(lambda: look_at(self.block, EVERYONE), 2000)

    track_equilibria.unit = track_looks.unit = "members/s"


class Sweep:
    """Ten tasks at one rate a decade from 1e-3 to 1e12, on one thread."""

    timeout = 300

    def setup(self):
        self.net = ol.Network.packing(64, seed=1)
        rates = np.logspace(-3, 12, 16)
        self.tasks = [ol.Task.allosteric(self.net, 10, 3, seed=seed) for seed in range(10) for _ in rates]
        self.rates = np.tile(rates, 10)
        ol.train(self.net, self.tasks[0], 1.0)

    def time_sweep(self):
        ol.train(self.net, self.tasks, self.rates, threads=1)

    def track_member_steps(self):
        begin = time.thread_time()
        runs = ol.train(self.net, self.tasks, self.rates, threads=1)
        return runs.n_steps.sum() / (time.thread_time() - begin)

    track_member_steps.unit = "member-steps/s"

    def track_bytes_a_member(self):
        block = a_block()
        return sum(column.nbytes for column in block.states()[0].values())

    track_bytes_a_member.unit = "bytes"

    def track_one_thread_over_two(self):
        times = []
        for threads in (1, 2):
            begin = time.perf_counter()
            ol.train(self.net, self.tasks, self.rates, threads=threads)
            times.append(time.perf_counter() - begin)
        return times[0] / times[1]

    def track_slow_over_fast(self):
        """Time of the ten tasks at R = 1e-3 over that at R = 0.1."""
        def seconds(rate):
            begin = time.thread_time()
            ol.train(self.net, self.tasks[::16], rate, threads=1)
            return time.thread_time() - begin
        return seconds(1e-3) / seconds(0.1)

    track_one_thread_over_two.unit = track_slow_over_fast.unit = "ratio"


def main():
    """Print what an equilibrium and a look cost in member-steps: medians of interleaved repeats, 10 % to 90 %."""
    look, step = Look(), Step()
    look.setup()
    step.setup("relax", 64)
    step.repeats = 2000
    for name, function in (("equilibrium", look.solve), ("look", lambda: look_at(look.block, EVERYONE))):
        ratios = [per_second(step.step, 2000) / per_second(function, 2000) for _ in range(15)]
        low, high = np.percentile(ratios, [10, 90])
        said = f"{np.median(ratios):.2f} member-steps ({low:.2f} to {high:.2f})"
        print(f"{name}: {said}")
        if "--record" in sys.argv:
            sys.path.insert(0, str(Path(__file__).parents[1] / "docs" / "_ext"))
            from measured import record

            record({"equilibrium": "equilibrium", "look": "cost_evaluation"}[name], said)


if __name__ == "__main__":
    main()
