"""How strong the oscillations of fast learning are (paper 1, Fig. 2a and the text on Fig. 3).

The paper says that the oscillations of the error strengthen and then weaken as R grows, and that their amplitude grows
as √R. Three amplitudes are measured. Errors: the largest swing of C*, its rise above the least value so far, over the
whole run; and the same once C* has fallen below a hundredth of its start, which leaves out the first overshoot.
Conductances: how far they have moved when the oscillations are over.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from ohmlearn.drivers.training.train import train
from ohmlearn.network import Network
from ohmlearn.run import Record
from ohmlearn.task import Task

Array = NDArray[np.float64]
LONG = 1500.0       # runs last so long, in 1/√R
FINE = 0.5          # C* is recorded at these steps of 1/√R
BELOW = 1e-2        # of C*(0): from the first time on that C* is below, swings are those about the solution
LEAST = 1e-12       # swings below are rounding, or none


@dataclass(frozen=True, eq=False)
class Swings:
    """Amplitudes over tasks and rates. rate : (n_rates,) R. whole, late : (n_tasks, n_rates) largest swing of C* in
    C*(0), over the run and once C* has been below 1e-2 C*(0), NaN where it never was; at least 1e-12.
    moved : (n_tasks, n_rates) root mean square of G - G(0) over the edges at the end, in G₀."""

    rate: Array
    whole: Array
    late: Array
    moved: Array


def largest_swing(cost: Array) -> float:
    """Largest rise of a sampled cost above its least value so far; at least 1e-12."""
    return float(max(np.max(cost - np.minimum.accumulate(cost), initial=0.0), LEAST))


def late_swing(cost: Array) -> float:
    """The same from the first sample below 1e-2 on; NaN if there is none."""
    below = np.flatnonzero(cost < BELOW)
    return largest_swing(cost[below[0]:]) if below.size else np.nan


def measure(network: Network, tasks: Sequence[Task], rates: Sequence[float], threads: int | None = None) -> Swings:
    """Train all tasks at all rates for 1500/√R and measure."""
    columns = []
    for rate in rates:
        times = np.arange(0.0, LONG, FINE) / np.sqrt(rate)
        runs = train(network, tasks, rate, until=None, t_max=LONG / np.sqrt(rate), record=Record(times=times),
                     threads=threads)
        columns.append([(largest_swing(run.equilibrium_cost), late_swing(run.equilibrium_cost),
                         np.sqrt(np.mean((run.conductances - 1.0) ** 2))) for run in runs])
    whole, late, moved = np.array(columns).transpose(2, 1, 0)
    return Swings(np.array(rates), whole, late, moved)
