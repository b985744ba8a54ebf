"""What the figure of the conservation law shows."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from ohmlearn.run import Runs

Array = NDArray[np.float64]
FAST = 1e4              # from this R on the sum grows as R


@dataclass(frozen=True, eq=False)
class Conserved:
    """ΣG²/ΣG₀² where C* = 1e-6 C*(0), NaN where that was not reached.

    rate : (n_rates,) R. squares, stiffness : (n_tasks, n_rates) that ratio, and the largest eigenvalue of 2JᵀJ in V².
    nudge : (n_nudges,) η. drift : (n_tasks, n_nudges) ΣG²/ΣG₀² - 1 at R = 0 and at τ, or before a conductance meets
    the floor.
    traces : runs of one task, with the sum along the way.
    """

    rate: Array
    squares: Array
    stiffness: Array
    nudge: Array
    drift: Array
    traces: Runs

    def relative(self, scaled: bool = False) -> Array:
        """(n_tasks, n_rates) stiffness over that of the same task at the first rate; scaled: times ΣG²/ΣG₀²."""
        values = self.stiffness * self.squares if scaled else self.stiffness
        return values / values[:, :1]


def middle(values: Array) -> Array:
    """Medians of columns over the tasks that have a value; NaN where none has."""
    columns = (column[np.isfinite(column)] for column in values.T)
    return np.array([np.median(column) if column.size else np.nan for column in columns])
