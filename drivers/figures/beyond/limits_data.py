"""What the figure of limits shows."""
from __future__ import annotations

from dataclasses import dataclass

from ohmlearn.drivers.figures.paper2.landscape import Array


@dataclass(frozen=True, eq=False)
class Crowding:
    """Success against the number of targets. count : (n_counts,). rate : (n_rates,) R. reached, cost : kind of task ->
    (n_counts, n_rates, n_tasks) whether C* was below the threshold at the end of the time, and C*/C*(0) there: at high
    R errors fly through zero, so that a first passage says little."""

    count: Array
    rate: Array
    reached: dict[str, Array]
    cost: dict[str, Array]


@dataclass(frozen=True, eq=False)
class Disturbed:
    """Circuits under noise or bias. volts : (n_volts,). rate : (n_rates,) R. reached, floor : (n_volts, n_rates,
    n_tasks) whether C < 1e-3 C(0) was held for ten steps, and mean C/C(0) over the last third of the training."""

    volts: Array
    rate: Array
    reached: Array
    floor: Array
