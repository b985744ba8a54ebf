"""The Hessians along a run of coupled learning, at the times asked for."""
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.drivers.training.train import train
from ohmlearn.kernels.law.bounds import AT_ONCE
from ohmlearn.kernels.law.learning_rates import learning_rates
from ohmlearn.network import Network
from ohmlearn.rule import GradientFlow, Rule
from ohmlearn.run import Run, Runs
from ohmlearn.task import Task

if TYPE_CHECKING:
    from ohmlearn.solvers.hessian.hessian_trajectory import Course


def follow_training(network: Network, task: Task | tuple[Task, ...], rate: float, times: ArrayLike, *,
                    rule: Rule | GradientFlow | None = None, conductances: Any = None,
                    **options: Any) -> tuple[Runs, Course]:
    """Train to each of the times and look at both Hessians there.

    rate : R = γl/γp.
    times : (n_times,) increasing, in 1/γp, as those of `Record`.
    conductances : (n_edges,) at the start in G₀, or an earlier run; 1 by default.
    options : of :func:`ohmlearn.train`.

    Returns the runs, each going on from the one before, and the course of the Hessians at their equilibrium, whose
    speed ‖dH/dt‖ is that of the learning rule at the run's own voltages; NaN for variants of the rule, for schedules,
    for discrete updates and for several samples, whose slope is more than that of one pair of states.
    """
    from ohmlearn.solvers.hessian.hessian_trajectory import follow

    marks = np.atleast_1d(np.asarray(times, dtype=np.float64))
    if marks.ndim != 1 or marks[0] <= 0 or np.any(np.diff(marks) <= 0):
        raise ValueError("times must be > 0 and increase; the state before training is follow's own")
    runs: list[Run] = []
    for length in np.diff(marks, prepend=0.0):
        start = runs[-1] if runs else conductances
        runs.append(train(network, task, rate, rule=rule, until=None, t_max=float(length), conductances=start,
                          **options))
    states = [run.conductances for run in runs]
    if isinstance(rule, GradientFlow):          # whose speed is follow's own
        return Runs(runs), follow(network, task, states)
    flows = options.get("schedule") is None and options.get("updates") is None
    simple = isinstance(task, Task) and (rule is None or rule.plain) and flows
    rates = _rates(network, runs, rule or Rule()) if simple else np.full(network.n_edges, np.nan)
    return Runs(runs), follow(network, task, states, rates)


def _rates(network: Network, runs: Sequence[Run], rule: Rule) -> list[NDArray[np.float64]]:
    """dG/dt (n_edges,) of every run at its end, in units of γp, or per training step at rate 0 (paper 1, Eq. 3)."""
    a, b = network.edges.T
    factors = None if rule.frozen is None else np.where(rule.frozen, 0.0, 1.0)
    fall = rule.floor_rate if rule.floor_mode == "relax" else AT_ONCE
    ceiling = np.inf if rule.ceiling is None else rule.ceiling
    rates = []
    for run in runs:
        dv, dw = (x[a] - x[b] for x in (run.voltages, run.difference))
        rates.append(np.empty(network.n_edges))
        learning_rates(rates[-1], dv, dw, run.conductances, factors, -rule.prefactor * (run.rate or 1.0), rule.nudge,
                       fall, rule.floor, ceiling)
    return rates
