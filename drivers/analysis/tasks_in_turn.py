"""Continual learning: tasks that are trained one after the other, and what is forgotten of each meanwhile."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.checks.kinds import number, whole
from ohmlearn.drivers.training.train import train
from ohmlearn.edges.laws import Linear
from ohmlearn.network import Network
from ohmlearn.run import Record, Run
from ohmlearn.solvers.nonlinear.equilibrium import NonlinearEquilibrium
from ohmlearn.task import Task

Floats = NDArray[np.float64]
ROUNDING = 1e-24        # of the squared voltages: a cost below it is none


@dataclass(frozen=True, eq=False)
class TasksInTurn:
    """A network that was trained on tasks in turn. A phase is the training of one of them.

    task : (n_phases,) which was trained. runs : of the phases, None where a task was still known well enough.
    training_times : (n_phases,) until the task was at its threshold, in 1/γp (training steps at rate 0); 0 where it
        was still there, NaN where it was not reached.
    costs : (n_phases + 1, n_tasks) equilibrium cost of every task before the first and after every phase, over its
        cost before all training.
    phase : (n_times,) number of the phase. times : (n_times,) since it began, in 1/γp. traces : (n_times,
        n_tasks) costs along all phases, relative as `costs` are.

    >>> import ohmlearn as ol
    >>> net, a, b = ol.Network.grid(4, 4), ol.Task({0: 1.0, 15: 0.0}, {6: 0.7}), ol.Task({3: 1.0, 12: 0.0}, {9: 0.2})
    >>> found = ol.analysis.tasks_in_turn(net, [a, b], rate=1.0)
    >>> found.task.tolist(), found.costs.shape, bool(found.forgotten()[1, 0] > 1e-4)
    ([0, 1, 0, 1], (5, 2), True)
    """

    task: NDArray[np.int64]
    runs: list[Run | None]
    training_times: Floats
    costs: Floats
    phase: NDArray[np.int64]
    times: Floats
    traces: Floats

    def forgotten(self) -> Floats:
        """What every phase took from the tasks that it did not train.

        Returns (n_phases, n_tasks) relative costs after a phase, less those before it; NaN for the task that was
        trained, and for those that never were before.

        >>> import ohmlearn as ol
        >>> a, b = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7}), ol.Task({3: 1.0, 12: 0.0}, {9: 0.2})
        >>> ol.analysis.tasks_in_turn(ol.Network.grid(4, 4), [a, b], 1.0, cycles=1).forgotten().shape
        (2, 2)
        """
        found = np.diff(self.costs, axis=0)
        for k, trained in enumerate(self.task):
            found[k, np.setdiff1d(np.arange(found.shape[1]), self.task[:k])] = np.nan
            found[k, trained] = np.nan
        return found


def tasks_in_turn(network: Network, tasks: Sequence[Task], rate: float, *, cycles: int = 2, until: float = 1e-6,
                  conductances: ArrayLike | None = None, per_decade: int = 10, edges: Any = None,
                  **options: Any) -> TasksInTurn:
    """Train tasks one after the other, and the first again, and so on: what is forgotten of each, and whether it is
    learned faster again.

    tasks : two or more. rate : R = γl/γp. cycles : how often all of them have their turn.
    until : cost at which a task's turn ends, over its cost before all training: the same goal in every cycle.
    conductances : (n_edges,) what the edges have at the start, in G₀ or, of a law with gates, V; by default as for
        :func:`ohmlearn.train`. per_decade : of times at which all costs are kept.
    edges : law of the edges (`ohmlearn.edges`), by default resistors. options : of :func:`ohmlearn.train`.

    Returns :class:`TasksInTurn`.
    Raises NotImplementedError for outputs that are no nodes.

    >>> import ohmlearn as ol
    >>> net, a, b = ol.Network.grid(4, 4), ol.Task({0: 1.0, 15: 0.0}, {6: 0.7}), ol.Task({3: 1.0, 12: 0.0}, {9: 0.2})
    >>> found = ol.analysis.tasks_in_turn(net, [a, b], rate=1.0, cycles=3)
    >>> bool(found.training_times[2] < found.training_times[0])             # task a is learned faster again
    True
    """
    if isinstance(tasks, Task) or len(tasks) < 2:
        raise ValueError("give two tasks or more; one alone is trained by train")
    if whole("cycles", cycles) < 1:
        raise ValueError(f"cycles must be at least 1, not {cycles}")
    if not 0 < number("until", until) < 1:
        raise ValueError(f"until must lie between 0 and 1, not {until}")
    refused = {"grid", "checkpoint", "record", "go_on"} & set(options)
    if refused:
        raise TypeError(f"tasks_in_turn has no option {refused.pop()!r}")
    for task in tasks:
        task.require_nodal("tasks_in_turn")
        task.check(network)
    known = [_Known(network, task, edges) for task in tasks]
    state = known[0].circuit.values(conductances)
    first = np.array([each.costs(state)[0] for each in known])
    scale = np.array([np.max(task.source_voltages**2) for task in tasks])
    for k in np.flatnonzero(first <= ROUNDING * scale):
        raise ValueError(f"task {k} is met before any training; there is nothing to learn or forget in it")

    def relative(states: Floats) -> Floats:
        return np.stack([each.costs(states) for each in known], axis=1) / first

    runs: list[Run | None] = []
    order = np.tile(np.arange(len(tasks)), cycles)
    costs, traces, took = [relative(state)[0]], [], []
    for k in order.tolist():
        goal = until / costs[-1][k]
        if goal >= 1:
            runs.append(None)
            took.append(0.0)
            times, along = np.zeros(1), costs[-1][None]
        else:
            run = train(network, tasks[k], rate, until=goal, conductances=state, edges=edges,
                        record=Record(per_decade=per_decade, keep="conductances"), **options)
            runs.append(run)
            took.append(float(run.training_time))
            kept = run.times <= run.time
            times, along = run.times[kept], relative(run.recorded["conductances"][kept].T)
            state = run.conductances
        traces.append((times, along))
        costs.append(relative(state)[0])
    return TasksInTurn(order, runs, np.array(took), np.array(costs),
                       np.repeat(np.arange(order.size), [times.size for times, _ in traces]),
                       np.concatenate([times for times, _ in traces]), np.concatenate([along for _, along in traces]))


class _Known:
    """A task at equilibrium, for its cost with any conductances."""

    def __init__(self, network: Network, task: Task, edges: Any) -> None:
        self.task, self.circuit = task, NonlinearEquilibrium(network, task.sources, edges or Linear())

    def costs(self, states: Floats) -> Floats:
        """(k,) Σ (V_T - v_T)² for (n_edges, k) or (n_edges,) conductances."""
        v = self.circuit.solve(states, self.task.source_voltages)
        error = self.task.target_voltages[:, None] - v.reshape(len(v), -1)[self.task.targets]
        found: Floats = np.sum(error**2, axis=0)
        return found
