"""What the figure of the theory shows."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from ohmlearn.drivers.figures.paper1.fig2 import decades
from ohmlearn.drivers.figures.paper2.landscape import Array
from ohmlearn.run import Run
from ohmlearn.solvers.theory.learning_modes import Modes
from ohmlearn.solvers.theory.linear_theory import Theory

SHOWN = decades(1e-2, 1e3, 24)      # rates of the spectrum
FACTOR, FRACTION = 2.0, 0.85           # R_c within a factor, for this fraction of the tasks


@dataclass(frozen=True, eq=False)
class Compared:
    """Predicted and observed onsets in R, one entry a task. slowest, start : of the two states; observed : NaN where C
    never rose. learned : trained at R = 0.3. used : tasks that count."""

    slowest: Array
    start: Array
    observed: Array
    learned: NDArray[np.bool_]
    smooth: NDArray[np.bool_]

    @property
    def predicted(self) -> Array:
        """R_c, the earlier of the two."""
        return np.fmin(self.slowest, self.start)

    @property
    def used(self) -> NDArray[np.bool_]:
        """Tasks that were learned at R = 0.3 and whose C falls smoothly at the smallest R."""
        return self.learned & self.smooth

    def ratios(self, predicted: Array) -> Array:
        """Observed over predicted onset of the tasks that count; 0 where nothing is predicted, inf where nothing is
        observed."""
        seen = np.where(np.isnan(self.observed), np.inf, self.observed)
        with np.errstate(invalid="ignore"):
            found = seen / np.where(np.isnan(predicted), np.inf, predicted)
        return np.nan_to_num(found, nan=1.0, posinf=np.inf)[self.used]

    def fraction(self, predicted: Array) -> float:
        """Share of the tasks that count whose onset is within the factor."""
        ratios = self.ratios(predicted)
        return float(np.mean((ratios <= FACTOR) & (ratios >= 1 / FACTOR)))


@dataclass(frozen=True, eq=False)
class Shown:
    """One task. spectra : of its trained state at the rates SHOWN. traces : its runs at `AROUND` R_c."""

    theory: Theory
    critical: float
    observed: float
    spectra: list[Modes]
    traces: list[Run]
