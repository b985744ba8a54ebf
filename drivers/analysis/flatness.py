"""How flat the cost is where a network ends up: top eigenvalues of its Hessians, exact (paper 1, Fig. 3b).

Three Hessians over conductances at the trained state: 2 Jᵀ J with J = ∂v*_T/∂G, which is all there is of C* at a
solution; the whole Hessian of C*; and that of the contrastive function. Each is taken relative to the same task trained
in the quasistatic range.
"""
from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from ohmlearn.drivers.analysis.training_times import MARGIN, TrainingTimes, fit_slope, line_slope
from ohmlearn.drivers.training.train import train
from ohmlearn.network import Network
from ohmlearn.parallel.threads import available_threads
from ohmlearn.run import Run
from ohmlearn.task import Task

Array = NDArray[np.float64]
UNTIL = 1e-6
MODES = 3
KINDS = {"2JᵀJ": "satisfied part of the Hessian of C*", "C*": "whole Hessian of C*",
         "contrastive": "Hessian of the contrastive function"}


@dataclass(frozen=True, eq=False)
class Flatness:
    """rate : (n_rates,) R, the first one what the others are relative to.
    eigenvalues : (n_kinds, n_tasks, n_rates, 3), falling, NaN where the threshold was not reached.
    times : (n_tasks, n_rates) τ in 1/γp. growth : (n_tasks, n_rates) mean conductance at the end.
    """

    rate: Array
    eigenvalues: Array
    times: Array
    growth: Array

    def ratios(self, kind: str, mode: int, fastest: float = 1.0) -> TrainingTimes:
        """λ over that of the same task at the first rate: mean, error and median over tasks, per rate.

        fastest : this fraction of the tasks only, those that took the shortest τ at each rate.
        """
        values = self.eigenvalues[list(KINDS).index(kind), :, :, mode]
        slow = self.times > np.nanquantile(self.times, fastest, axis=0)
        return TrainingTimes(self.rate, np.where(slow, np.nan, values / values[:, :1]))

    def slope(self, kind: str, mode: int, within: tuple[float, float], what: str = "mean") -> tuple[float, float]:
        """Exponent of λ in R over a range, and its error."""
        found = fit_slope(self.ratios(kind, mode), within, what)
        return (np.nan, np.nan) if found is None else (found.value, found.error)


    def own_slopes(self, kind: str, mode: int, within: tuple[float, float]) -> tuple[float, float]:
        """Mean over tasks of the exponent that λ of each one follows, and its standard error."""
        columns = (self.rate >= within[0] / MARGIN) & (self.rate <= within[1] * MARGIN)
        logs = np.log(self.eigenvalues[list(KINDS).index(kind), :, columns, mode])      # (n_columns, n_tasks)
        logs = logs[:, np.isfinite(logs).all(axis=0)]
        slopes = [line_slope(np.log(self.rate[columns]), task)[0] for task in logs.T]
        return float(np.mean(slopes)), float(np.std(slopes) / np.sqrt(len(slopes)))


def top_eigenvalues(run: Run) -> Array:
    """(n_kinds, 3) of a run that reached its threshold, falling; NaN of another."""
    from ohmlearn.solvers.hessian.contrastive import contrastive_hessian
    from ohmlearn.solvers.hessian.hessian import hessian

    if run.status != "reached" or run.network is None or not isinstance(run.task, Task):
        return np.full((len(KINDS), MODES), np.nan)
    h = hessian(run.network, run.task, run.conductances)
    contrastive = contrastive_hessian(run.network, run.task, run.conductances)
    return np.array([2 * h.satisfied_modes(MODES)[0],                      # the cost of `hessian` is C*/2
                     2 * np.linalg.eigvalsh(h.total())[:-MODES - 1:-1],
                     np.linalg.eigvalsh(contrastive)[:-MODES - 1:-1]])


def measure(network: Network, tasks: Sequence[Task], rates: Sequence[float], threads: int | None = None) -> Flatness:
    """Train every task at every rate to the threshold, and look at the Hessians there."""
    eigenvalues, times, growth = [], [], []
    for rate in rates:
        runs = train(network, tasks, rate, until=UNTIL, threads=threads)
        with ThreadPoolExecutor(available_threads(threads)) as pool:
            eigenvalues.append(np.array(list(pool.map(top_eigenvalues, runs))))
        times.append(runs.training_time)
        growth.append(runs.conductances.mean(axis=1))
    return Flatness(np.array(rates), np.stack(eigenvalues, axis=2).transpose(1, 0, 2, 3), np.column_stack(times),
                    np.column_stack(growth))
