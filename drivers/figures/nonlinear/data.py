"""What the figure of nonlinear edges shows."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from ohmlearn.drivers.analysis.training_times import TrainingTimes

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ends:
    """Runs of one law over R. times : τ in 1/γp, NaN where the threshold was not reached. largest : (n_tasks, n_rates)
    largest overdrive (of resistors, conductance) of an edge at the end, over that at the start."""

    times: TrainingTimes
    largest: Array

    @property
    def relative_overdrive(self) -> Array:
        """(n_rates,) median of the largest overdrive over √R, of the tasks that reached the threshold."""
        reached = np.where(np.isfinite(self.times.times), self.largest, np.nan) / np.sqrt(self.times.rate)
        columns = (column[np.isfinite(column)] for column in reached.T)
        return np.array([np.median(column) if column.size else np.nan for column in columns])


@dataclass(frozen=True, eq=False)
class Xor:
    """XOR learned by the transistor circuit. epochs : (n_records,). errors : (n_records, n_seeds) root of the mean
    squared error of the four outputs in V. solved : (n_seeds,) whether every output is on its side of the threshold.
    """

    seeds: tuple[int, ...]
    epochs: Array
    errors: Array
    solved: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Quality:
    """Cosine of coupled learning's direction with the exact gradient, law -> (n_tasks, n_nudges). nudges : η."""

    nudges: tuple[float, ...]
    cosines: dict[str, Array]


@dataclass(frozen=True, eq=False)
class Nonlinear:
    """laws : name of a law -> runs without a ceiling. ceilings : (name, c) -> runs whose overdrive, or conductance,
    may be c times that at the start."""

    laws: dict[str, Ends]
    ceilings: dict[tuple[str, float], Ends]
    xor: Xor
    quality: Quality
