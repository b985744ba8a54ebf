"""What the figure of several, soft and nonlinear outputs shows."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ohmlearn.drivers.figures.paper2 import landscape
from ohmlearn.drivers.figures.paper2.landscape import Array

FITTED = 1e-11, 1e-5            # range of C/C(0) in which the rest of the spectrum follows √C


@dataclass(frozen=True, eq=False)
class Spectrum:
    """One network along its training. cost : (n_states,) C/C(0). values : (n_states, SHOWN) eigenvalues of the cost
    Hessian by size, falling."""

    family: str
    outputs: int
    cost: Array
    values: Array

    @property
    def stiff(self) -> int:
        """Number of stiff modes at the end: above the largest drop from one eigenvalue to the next."""
        last = self.values[-1]
        return int(np.argmax(last[:-1] / last[1:])) + 1

    @property
    def rest(self) -> Array:
        """(n_states,) the largest eigenvalue beyond the outputs, over the smallest of those of the outputs."""
        found: Array = self.values[:, self.outputs] / self.values[:, self.outputs - 1]
        return found

    @property
    def remainder(self) -> float:
        """The same at the end."""
        return float(self.rest[-1])

    @property
    def slope(self) -> float:
        """Exponent in C of the first eigenvalue beyond the outputs."""
        used = (self.cost > FITTED[0]) & (self.cost < FITTED[1])
        return landscape.slope(self.cost[used], self.values[used, self.outputs])[0]


@dataclass(frozen=True, eq=False)
class Bent:
    """A network with a nonlinear output along its training. cost : (n_states,) C/C(0); ratio : ‖H_dyn‖/‖H_sat‖."""

    curve: str
    cost: Array
    ratio: Array

    @property
    def slope(self) -> float:
        """Exponent of the ratio in C."""
        used = (self.cost > FITTED[0]) & (self.cost < FITTED[1])
        return landscape.slope(self.cost[used], self.ratio[used])[0]
