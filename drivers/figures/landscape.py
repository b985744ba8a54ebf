"""The ensembles of paper 2: networks, tasks, double optimisation, and what the two Hessians say at the end."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from ohmlearn.drivers.descent import Descent, descend
from ohmlearn.network import Network
from ohmlearn.rule import GradientFlow
from ohmlearn.solvers.circuit import Circuit
from ohmlearn.solvers.soft import SoftApproximation, soft_approximation
from ohmlearn.task import Task

APART = 0.35      # smallest distance of the two nodes of a pair, in sides of the square
Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Problem:
    """A network, its conductances (n_edges,) at the start, and a task of two input and two output nodes."""

    network: Network
    conductances: Array
    task: Task

    @property
    def target(self) -> float:
        """b, the voltage drop that the outputs should have."""
        return float(self.task.target_voltages[0])


def problem(seed: int, n_nodes: int, drive: Literal["current", "voltage"], target: float | tuple[float, float],
            log: bool = False) -> Problem:
    """The problem of a seed: Delaunay network of spaced points, G ~ U(0.5, 1.5), pairs further apart than 0.35.

    drive : unit current in at one input and out at the other, or unit voltage across them.
    target : b, or the two ends that b is drawn between; evenly in log b where `log`.
    The outputs are ordered so that their drop is positive at the start.
    """
    network = Network.delaunay(n_nodes, seed=seed, mean_degree=None, spacing=0.7, longest=2.2)
    assert network.positions is not None
    rng = np.random.default_rng([seed, 2])
    conductances = rng.uniform(0.5, 1.5, network.n_edges)
    if isinstance(target, tuple):
        target = float(10 ** rng.uniform(*np.log10(target)) if log else rng.uniform(*target))
    while True:
        a, b, c, d = rng.choice(n_nodes, 4, replace=False).tolist()
        apart = np.linalg.norm(network.positions[[a, c]] - network.positions[[b, d]], axis=1)
        if np.all(apart > APART):
            break
    task = pair_task((a, b), (c, d), drive, target)
    circuit = Circuit(network, task, conductances)
    if (task.output_matrix(n_nodes) @ circuit.voltages(task))[0] < 0:
        task = pair_task((a, b), (d, c), drive, target)
    return Problem(network, conductances, task)


def pair_task(inputs: tuple[int, int], outputs: tuple[int, int], drive: str, target: float) -> Task:
    """Unit current through the inputs, or unit voltage across them; a voltage drop across the outputs."""
    a, b = inputs
    if drive == "current":
        return Task(currents={a: 1.0, b: -1.0}, targets=[outputs], target_voltages=[target])
    return Task(drops={(a, b): 1.0}, targets=[outputs], target_voltages=[target])


def solve(problems: Sequence[Problem], rule: GradientFlow, threads: int | None = None, **stops: object
          ) -> list[Descent]:
    """Double optimisation of every problem."""
    descents: list[Descent] = descend([p.network for p in problems], [p.task for p in problems], rule=rule,
                                      conductances=[p.conductances for p in problems], threads=threads, **stops)
    return descents


def accounts(problems: Sequence[Problem], descents: Sequence[Descent]) -> list[SoftApproximation]:
    """The soft mode's account of every trained network."""
    return [soft_approximation(p.network, p.task, d.conductances) for p, d in zip(problems, descents, strict=True)]
