"""Ours against peers, and what lanes and ranks make of it: the rows of docs/performance.md that are ratios.

Processor time of a peer over ours, or an efficiency: more is better. What is not installed is left out.
"""
import importlib.util
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import ohmlearn as ol
from threadpoolctl import threadpool_limits

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent / "peers")]


def one_thread():
    """Have linear algebra use one thread: processor time counts those that wait. Called last, as it
    limits what is loaded."""
    threadpool_limits(1, user_api="blas")


def seconds(function):
    """Processor time of a call."""
    begin = time.process_time()
    function()
    return time.process_time() - begin


class SameWork:
    """Members of one packing to one time at one accuracy, see peers/same_work.py: processor time over ours."""

    params = (["C", "plain Numba", "jax", "diffrax", "torchdiffeq", "numbalsoda", "sksundae", "SciPy"],)
    param_names = ("peer",)
    timeout = 300

    def setup(self, peer):
        if peer not in ("C", "plain Numba", "SciPy") and importlib.util.find_spec(peer) is None:
            raise NotImplementedError(f"{peer} is not installed")
        import same_work as work

        given = work.problem(ol.Network.packing(64, seed=1))
        made = {"C": work.in_c, "plain Numba": work.numba_peer, "torchdiffeq": work.torch_peer,
                "sksundae": work.sundials_peer, "SciPy": work.scipy_peer,
                "jax": lambda given: work.jax_peers(given)["JAX, jit and vmap of RK4"],
                "diffrax": lambda given: work.jax_peers(given)["diffrax, jit and vmap of Tsit5"],
                "numbalsoda": lambda given: work.numbalsoda_peers(given)["numbalsoda, DOP853"]}
        self.theirs, self.ours, self.seconds = made[peer](given), work.ours(given), work.seconds
        if self.theirs is None:
            raise NotImplementedError("the hand-written C or a compiler is not there")
        self.setting = int(work.END / 0.25) if peer in ("C", "plain Numba", "jax") else 1e-4
        self.ours(1e-3)
        if peer != "SciPy":     # which compiles nothing
            self.theirs(self.setting)
        one_thread()

    def track_over_ours(self, peer):
        return self.seconds(self.theirs, self.setting) / self.seconds(self.ours, 1e-3)

    track_over_ours.unit = "ratio"


class PlainSweep:
    """One task at three rates by `solve_ivp`, over the same members among 16 tasks by us."""

    timeout = 300

    def setup(self):
        from plain_sweep import plain

        self.net, self.plain, self.rates = ol.Network.packing(64, seed=1), plain, [1.0, 1e3, 1e6]
        self.tasks = [ol.Task.allosteric(self.net, 10, 3, seed=seed) for seed in range(16)]
        self.train()
        one_thread()

    def train(self):
        ol.train(self.net, self.tasks, self.rates, threads=1, grid=True)

    def track_over_ours(self):
        theirs = sum(self.plain(self.net, self.tasks[0], rate)[0] for rate in self.rates)
        return theirs / (seconds(self.train) / len(self.tasks))

    track_over_ours.unit = "ratio"


class PlainLab:
    """A training step of the lab circuit in plain NumPy and SciPy over ours, at R = 1."""

    timeout = 300

    def setup(self):
        from lab_circuit import plain_version
        from ohmlearn.drivers.lab.train import train
        from ohmlearn.lab.circuit import LabCircuit, lab_network, lab_task

        board, circuit, rng = lab_network(), LabCircuit(), np.random.default_rng(0)
        tasks, plain = [lab_task(board, seed) for seed in range(64)], plain_version()

        def noise(_step):
            return circuit.noise * rng.normal(size=(2, board.n_edges))

        self.ours = lambda: train(board, tasks, 1.0, steps=1000, seed=np.arange(64), traces=False, threads=1)
        self.theirs = lambda: plain(board, tasks[0], 1.0, circuit, 200, noise)
        self.ours()
        one_thread()

    def track_over_ours(self):
        return (seconds(self.theirs) / 200) / (seconds(self.ours) / 64 / 1000)

    track_over_ours.unit = "ratio"


class Lanes:
    """Useful lane-steps of a small sweep on one thread, and lanes that are evaluated together."""

    def setup_cache(self):
        from lane_work import tallies, useful
        from ohmlearn.kernels.ensemble.block_state import EVALUATED, EVALUATIONS

        net, rates = ol.Network.packing(64, seed=1), np.logspace(-3, 12, 16)
        tasks = [ol.Task.allosteric(net, 10, 3, seed=seed) for seed in range(10) for _ in rates]
        rk4, manifold = tallies(net, tasks, np.tile(rates, 10), 1).values()
        return useful(rk4), useful(manifold), float(rk4[EVALUATED] / rk4[EVALUATIONS])

    def track_useful_of_rk4(self, found):
        return found[0]

    def track_useful_on_the_manifold(self, found):
        return found[1]

    def track_lanes_an_evaluation(self, found):
        return found[2]

    track_useful_of_rk4.unit = track_useful_on_the_manifold.unit = "part"
    track_lanes_an_evaluation.unit = "lanes"


class Ranks:
    """Efficiency of two ranks against one process on a sweep of a second, see ranks.py."""

    timeout = 300

    def setup_cache(self):
        if not Path(sys.executable).with_name("mpiexec").exists():
            return None
        import ranks

        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "sweep.toml"
            for tasks in (1, 40):
                file.write_text(ranks.SWEEP.format(network=ranks.PACKING, tasks=tasks, per_decade=2))
                found = [ranks.run(file, number) for number in (1, 2)]
        return found

    def setup(self, found):
        if found is None:
            raise NotImplementedError("there is no mpiexec beside Python")

    def track_sweep(self, found):
        return found[0]["sweep"] / (2 * found[1]["sweep"])

    def track_command(self, found):
        return found[0]["command"] / (2 * found[1]["command"])

    track_sweep.unit = track_command.unit = "efficiency"
