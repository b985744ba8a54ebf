"""What the figure of the two floors shows."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from ohmlearn.drivers.analysis.training_times import TrainingTimes

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ends:
    """Runs under one rule over something that varies; all arrays (n_tasks, n_values), NaN where τ was not reached.

    values : (n_values,) what varies: R, or the rate of relaxation.
    times : τ in 1/γp. mean : mean conductance at the end. cut : fraction of the edges that are cut.
    highest : largest C*/C*(0) on the way. stiffness : largest eigenvalue of 2JᵀJ at the end, in V².
    """

    values: Array
    times: Array
    mean: Array
    cut: Array
    highest: Array
    stiffness: Array

    @property
    def tau(self) -> TrainingTimes:
        return TrainingTimes(self.values, self.times)

    def middle(self, name: str) -> Array:
        """(n_values,) median over the tasks that reached the threshold; NaN where there is none."""
        columns = (column[np.isfinite(column)] for column in getattr(self, name).T)
        return np.array([np.median(column) if column.size else np.nan for column in columns])


@dataclass(frozen=True, eq=False)
class Floors:
    """over : name of the floor -> ends over R. between : ends at R = 1e4 over the rate of relaxation."""

    over: dict[str, Ends]
    between: Ends
