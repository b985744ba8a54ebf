"""The ensembles of paper 2: networks, tasks, double optimisation, and what the two Hessians say at the end."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.drivers.descent.descend import Descent, descend
from ohmlearn.io.replacing import save_figure, write_table, write_text
from ohmlearn.network import Network
from ohmlearn.parallel.threads import available_threads, in_threads
from ohmlearn.rule import GradientFlow
from ohmlearn.solvers.hessian.circuit import Circuit
from ohmlearn.solvers.hessian.soft_mode import SoftApproximation, soft_approximation
from ohmlearn.task import Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Found = TypeVar("Found")
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
        return Task(currents={a: 1.0, b: -1.0}, targets=[outputs], target_voltages=np.array([target]))
    return Task(drops={(a, b): 1.0}, targets=[outputs], target_voltages=np.array([target]))


def optimise(problems: Sequence[Problem], rule: GradientFlow, threads: int | None = None, **stops: Any
             ) -> list[Descent]:
    """Double optimisation of every problem, see :func:`ohmlearn.descend`."""
    return list(descend([p.network for p in problems], [p.task for p in problems], rule=rule,
                        conductances=[p.conductances for p in problems], threads=threads, **stops))


def each(function: Callable[[Problem, Descent], Found], problems: Sequence[Problem], descents: Sequence[Descent],
         threads: int | None = None) -> list[Found]:
    """What a function finds at every trained network, over threads."""
    pairs = zip(problems, descents, strict=True)
    return in_threads(lambda pair: function(*pair), pairs, available_threads(threads))


def trained(function: Callable[[Problem, Descent], Found], problems: Sequence[Problem], rule: GradientFlow,
            threads: int | None = None, **stops: Any) -> list[Found]:
    """The same of networks that are first trained, one after the other in every thread: while the one learns, which
    needs no interpreter, the other is analysed."""
    def one(given: Problem) -> Found:
        return function(given, descend(given.network, given.task, rule=rule, conductances=given.conductances, **stops))

    return in_threads(one, problems, available_threads(threads))


def account(given: Problem, descent: Descent) -> SoftApproximation:
    """The soft mode's account of a trained network."""
    return soft_approximation(given.network, given.task, descent.conductances)


def slope(x: Array, y: Array) -> tuple[float, float]:
    """Slope of log y against log x, and its standard error."""
    fit, cover = np.polyfit(np.log(x), np.log(y), 1, cov=True)
    return float(fit[0]), float(np.sqrt(cover[0, 0]))


def save(folder: Path, name: str, figure: Figure, lines: Sequence[str], columns: Mapping[str, ArrayLike]) -> list[Path]:
    """Write picture, table of verdicts and data of a figure; returns what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    picture, text, data = (folder / f"{name}.{kind}" for kind in ("png", "txt", "csv"))
    save_figure(figure, picture, dpi=250)
    write_text(text, "\n".join(lines) + "\n")
    table = np.column_stack([np.asarray(column, dtype=np.float64) for column in columns.values()])
    write_table(data, table, "%.9g", ",", header=",".join(columns), comments="")
    return [picture, text, data]
