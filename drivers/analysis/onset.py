"""The onset of oscillations as it is measured: the first R at which C(t) rises above its running minimum."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.drivers.training.train import train
from ohmlearn.network import Network
from ohmlearn.rule import Rule
from ohmlearn.run import Record
from ohmlearn.solvers.theory.linear_theory import RISE, UNTIL, rise
from ohmlearn.task import Task

POINTS = 300        # times a decade at which C is recorded
LIMIT = 500.0       # of the time: over R up to R = 1, over √R beyond


@dataclass(frozen=True, eq=False)
class OnsetScan:
    """C of tasks over rates. rate : (n_rates,) R, increasing. rises : (n_tasks, n_rates) how far C rose above its
    running minimum before it fell below 1e-6 C(0), relative to it."""

    rate: NDArray[np.float64]
    rises: NDArray[np.float64]

    @property
    def onset(self) -> NDArray[np.float64]:
        """(n_tasks,) first R at which C rose by more than 10 %; NaN where it never did."""
        oscillates = self.rises > RISE
        return np.where(oscillates.any(axis=1), self.rate[oscillates.argmax(axis=1)], np.nan)

    @property
    def never_smooth(self) -> NDArray[np.bool_]:
        """(n_tasks,) tasks whose C rises at the smallest R too: coupled learning is no gradient descent on C, so this
        is no oscillation, and such a task has no onset."""
        found: NDArray[np.bool_] = self.rises[:, 0] > RISE
        return found


def scan_onsets(network: Network, tasks: Sequence[Task], rates: ArrayLike, *, rule: Rule | None = None,
                threads: int | None = None) -> OnsetScan:
    """Train every task at every R with C recorded closely. The onset is known to a step of the rates.

    Runs go on when C* crosses its threshold: what overshoots has its C* at zero while C is still large.
    """
    ordered, n = np.sort(np.asarray(rates, dtype=np.float64)), len(tasks)
    rises = np.empty((n, ordered.size))
    for k, rate in enumerate(ordered):      # one rate at a time: the traces of all would take gigabytes
        runs = train(network, list(tasks), rate=np.full(n, rate), rule=rule, until=UNTIL, go_on=True,
                     t_max=LIMIT / min(rate, rate**0.5), record=Record(per_decade=POINTS), threads=threads)
        rises[:, k] = [rise(falling(run.cost)) for run in runs]
    return OnsetScan(ordered, rises)


def falling(cost: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n_times,) costs up to the first below the threshold."""
    below = np.flatnonzero(cost < UNTIL)
    return cost[:below[0] + 1] if below.size else cost[np.isfinite(cost)]
