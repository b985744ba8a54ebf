"""Gradient flow behind the face of `train`: the same runs, with the double optimisation of paper 2 as their rule."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.drivers.checks.earlier_runs import check_starts, same_task
from ohmlearn.drivers.checks.input_ranges import check_drive
from ohmlearn.drivers.recording.recorded_states import Recording
from ohmlearn.network import Network
from ohmlearn.parallel.threads import available_threads, in_threads
from ohmlearn.rule import GradientFlow
from ohmlearn.run import Record, Run, Runs
from ohmlearn.task import Task, as_tasks

from .descend import Descent, descend


@dataclass(frozen=True, eq=False)
class Wanted:
    """What a training by gradient flow is told, see :func:`ohmlearn.train`."""

    rule: GradientFlow
    until: float | None = 1e-6
    t_max: float | None = None
    record: Record | None = None
    go_on: bool = False

    def __post_init__(self) -> None:
        if self.until is None and self.t_max is None:
            raise ValueError("until=None runs for t_max: give t_max")
        if self.until is not None and not 0 < self.until < 1:
            raise ValueError(f"until={self.until} must lie between 0 and 1, or be None to run for t_max")
        if self.t_max is not None and not self.t_max > 0:
            raise ValueError(f"t_max={self.t_max} must be positive")
        if self.go_on and self.t_max is None:
            raise ValueError("go_on=True runs for t_max: give t_max")
        if self.record is not None and self.record.per_decade is not None and self.t_max is None:
            raise ValueError("Record(per_decade=...) spaces its times below t_max: give t_max, as gradient flow has no "
                             "time limit of its own, or give Record(times=...)")


def train_by_flow(network: Network, task: Any, rate: ArrayLike, wanted: Wanted, *, conductances: Any = None,
                  threads: int | None = None) -> Run | Runs:
    """The runs of gradient flow dG/dt = -∂C/∂G, C = ½ Σ c², of one task or several; a tuple is one of several samples.

    Voltages are at equilibrium, so rate must be 0; times are those of the flow. A threshold counts as reached at the
    end of the step that reaches it. What coupled learning alone has (C, w, sustained times) is C*, and NaN.
    """
    if np.any(np.asarray(rate, dtype=np.float64) != 0):
        raise ValueError("gradient flow follows equilibrium voltages, the limit R = 0; give rate=0")
    one = isinstance(task, Task | tuple)
    tasks = [task] if one else list(task)
    if not tasks or not np.size(rate):
        raise ValueError("train needs one task and one rate at least")
    count = np.broadcast_shapes((len(tasks),), np.shape(np.atleast_1d(rate)))[0]
    tasks = tasks * (count // len(tasks))
    starts = _starts(conductances, count)
    check_starts(network, [start for start in starts if isinstance(start, Run)])
    check_drive(tasks)

    def follow(member: tuple[Any, Any]) -> Run:
        return _follow(network, member[0], member[1], wanted)

    runs = in_threads(follow, zip(tasks, starts, strict=True), min(available_threads(threads), count))
    return runs[0] if one and np.ndim(rate) == 0 else Runs(runs)


def _starts(conductances: Any, count: int) -> Sequence[Any]:
    """Conductances or an earlier run for every member."""
    if conductances is None or isinstance(conductances, Run):
        return [conductances] * count
    if isinstance(conductances, Runs):
        conductances = conductances.flat
    given = list(conductances) if not np.isscalar(conductances) else [conductances]
    if isinstance(given[0], Run) or np.ndim(given[0]) == 1:
        if len(given) != count:
            raise ValueError(f"{len(given)} starts, but {count} to train")
        return given
    return [conductances] * count


def _follow(network: Network, task: Any, start: Any, wanted: Wanted) -> Run:
    """One run; after an earlier one, whose time and C*(0) go on."""
    from ohmlearn.solvers.hessian.hessian import hessian

    tasks, began, first = as_tasks(task), 0.0, np.nan
    g = network.conductances(start)
    if isinstance(start, Run) and same_task(start.task, tasks):
        began, first = start.time, start.initial_cost * len(tasks) / 2
    now = hessian(network, tasks, g).cost
    first = now if np.isnan(first) else first
    goal = 0.0 if wanted.until is None else wanted.until * first
    rest = np.inf if wanted.t_max is None else wanted.t_max
    marks = np.empty(0) if wanted.record is None else wanted.record.times_until(began + rest)
    marks = marks[marks >= began] - began
    stops: dict[str, Any] = {"t_max": rest, "times": marks, "costs": [goal] if goal else [], "until": 0.0}
    if not (wanted.go_on or wanted.until is None):
        stops |= {"error": np.inf} if now <= goal else {"until": goal / now}
    descent = descend(network, tuple(tasks), rule=wanted.rule, conductances=g, **stops)
    return _run(descent, began, first, goal, marks, () if wanted.record is None else wanted.record.keep)


def _run(descent: Descent, began: float, first: float, goal: float, marks: Any, keep: Sequence[str]) -> Run:
    """A descent as a run: what was kept at a time belongs to the record, the first state below the goal is τ."""
    below = np.flatnonzero(descent.costs <= goal) if goal else np.empty(0, dtype=np.int64)
    kept = np.isin(descent.times, marks)
    ratio = 1.0 / first if first else 0.0
    costs, final = descent.costs[kept] * ratio, descent.cost * ratio
    status, words, reached = descent.status, descent.reason, np.nan
    if below.size or status == "reached":
        status, reached = "reached", began + float(descent.times[below[0]] if below.size else descent.time)
        words = f"C* fell to {final:.3g} C*(0), and below the threshold at t = {reached:.6g}"
    holds = descent.status == "reached" or descent.cost <= goal
    return Run(
        rate=0.0, status=status, reason=words, training_time=reached, sustained_time=reached if holds else np.nan,
        nonequilibrium_time=np.nan, time=began + descent.time, conductances=descent.conductances,
        voltages=descent.hessian().voltages[0], difference=np.full(descent.network.n_nodes, np.nan),
        times=began + descent.times[kept], equilibrium_cost=costs, cost=costs,
        initial_cost=2 * first / len(descent.tasks), final_cost=final, n_steps=descent.n_steps,
        n_looks=descent.n_steps, network=descent.network,
        task=descent.tasks[0] if len(descent.tasks) == 1 else tuple(descent.tasks), rule=descent.rule,
        recorded=_recorded(descent, descent.history[kept], keep))


def _recorded(descent: Descent, states: NDArray[np.float64], keep: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """What is kept of the states (n_times, n_edges) of a flow, with voltages and outputs at their equilibrium."""
    from ohmlearn.solvers.hessian.hessian import hessian

    if not keep:
        return {}
    tasks, network = descent.tasks, descent.network
    if "outputs" in keep and len({task.n_targets for task in tasks}) > 1:
        raise ValueError("keep='outputs' makes one array of all samples, but these have unlike numbers of targets; "
                         "leave it out")
    several = (len(tasks),) if len(tasks) > 1 else ()
    recording = Recording(network, tasks, keep, (*several, network.n_nodes))
    desired = np.concatenate([task.target_voltages for task in tasks])
    for count, g in enumerate(states, 1):
        h = hessian(network, tasks, g)
        recording.add(count, h.voltages.reshape(*several, -1), g, (h.errors + desired).reshape(*several, -1))
    return recording.result()
