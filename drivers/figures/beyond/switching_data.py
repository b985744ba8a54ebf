"""What the figure of tasks in turn shows."""
from __future__ import annotations

from dataclasses import dataclass

from ohmlearn.drivers.figures.paper2.landscape import Array


@dataclass(frozen=True, eq=False)
class Switched:
    """Training of pairs. rate : (n_rates,) R. switching : (n_sigmas,) σ/γp, after them both at once (NaN).
    reached, cost, time : (n_rates, n_sigmas + 1, n_pairs) whether C* fell below 1e-3 C*(0), C*/C*(0) at the end, and
    τ in 1/γp (NaN: never)."""

    rate: Array
    switching: Array
    reached: Array
    cost: Array
    time: Array

    @property
    def fraction(self) -> Array:
        """(n_rates, n_sigmas + 1) fraction of the pairs that were learned."""
        found: Array = self.reached.mean(axis=2)
        return found
