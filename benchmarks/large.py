"""One large network: the RK4 step, one solve, soft modes."""
from __future__ import annotations

import numpy as np
import ohmlearn as ol


def a_network(n_nodes: int) -> ol.Network:
    """Thinned Delaunay network of mean degree 4.5."""
    return ol.Network.delaunay(n_nodes, seed=3)


class Step:
    """RK4 steps of a whole network, at random voltages."""

    params = ([10_000, 100_000], [1, 2])
    param_names = ("n_nodes", "threads")
    timeout = 300

    def setup(self, n_nodes: int, threads: int) -> None:
        from ohmlearn.solvers.large.rk4 import Stepper

        network = a_network(n_nodes)
        rng = np.random.default_rng(0)
        self.stepper = Stepper(network, ol.Task.allosteric(network), ol.Rule(), 0.01, threads)
        self.stepper.put(rng.normal(size=n_nodes), rng.normal(size=n_nodes), np.ones(network.n_edges))
        self.stepper.steps(2, 0.01)

    def time_ten_steps(self, n_nodes: int, threads: int) -> None:
        self.stepper.steps(10, 0.01)


class Solve:
    """A solve with a factor of its own, two nodes held."""

    params = ([10_000, 100_000], ["approximate-cholesky", "superlu"], [0, 4])
    param_names = ("n_nodes", "method", "decades")
    timeout = 300

    def setup(self, n_nodes: int, method: str, decades: int) -> None:
        self.network = a_network(n_nodes)
        rng = np.random.default_rng(0)
        self.conductances = 10 ** rng.uniform(-decades / 2, decades / 2, (2, self.network.n_edges))
        self.circuit = ol.Equilibrium(self.network, [0, n_nodes - 1], method, keep=False)
        self.circuit.solve(self.conductances[0], [1.0, 0.0])
        self.count = 0

    def time_solve(self, n_nodes: int, method: str, decades: int) -> None:
        self.count += 1
        self.circuit.solve(self.conductances[self.count % 2], [1.0, 0.0])


class Modes:
    """The six softest modes of a floating network."""

    params = ([10_000, 30_000], ["shift-invert", "lobpcg"])
    param_names = ("n_nodes", "method")
    timeout = 300

    def setup(self, n_nodes: int, method: str) -> None:
        from ohmlearn.solvers.equilibrium.modes import soft_modes

        self.network, self.modes = a_network(n_nodes), soft_modes
        soft_modes(ol.Network.grid(20, 20), k=6, method=method)

    def time_six(self, n_nodes: int, method: str) -> None:
        self.modes(self.network, k=6, method=method)
