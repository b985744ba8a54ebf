"""Discrete updates of the conductances, as data."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from .checks.kinds import Frozen, check_fields, whole


@dataclass(frozen=True, eq=False)
class Discrete(Frozen):
    """Conductances that are updated at discrete times, in place of a flow: ΔG = -a step c, c as in :class:`Rule`.

    An update stands for `step` training steps, so there is one every step/R in 1/γp. Between two updates the voltages
    relax at constant conductances; at rate 0 they are at equilibrium at every update. For step -> 0 both become the
    flow that `train` follows otherwise (paper 1, Eqs. 3 and 1); the quasistatic curve that paper 1 published (Fig. 2a)
    is the map of unit step.

    After an update conductances are put back within their bounds. With floor_mode "relax" a conductance falls in an
    update no further than it would relax in the time between two of them, G - G_min to (G - G_min) exp(-floor_rate
    step/R): at rate 0 to the floor, as with "clip". A ceiling acts in the same way.

    step : training steps from one update to the next, > 0. With step=1 the pause is 1/γl, as in the lab circuit, and
        the prefactor a of the rule sets how large an update is.
    batch : number of samples that an update learns from, which are presented in turn; None for all of them, each in
        its own pair of networks. An update follows the mean over its batch.
    order : "cyclic", samples are presented in the order of the task; "random", in an order drawn anew every time that
        all have been presented.
    probability : with which an edge takes part in an update, every edge and every update by itself, as in
        desynchronous learning (Wycoff, Dillavou, Stern, Liu and Durian, J. Chem. Phys. 156, 144903 (2022)).
    seed : of the order and of the edges that take part.

    A schedule may change the rate with time (ramp_times, ramp_factors): an update is multiplied by the factor at its
    beginning, and comes no earlier or later for it. The noise of a rule is white here too: an update has that of `step`
    training steps.

    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(4, 4)
    >>> task = ol.Task([0, 15], [1.0, 0.0], [6], [0.6])
    >>> run = ol.train(net, task, rate=0, updates=ol.rules.Discrete())
    >>> run.status, run.time == run.n_steps
    ('reached', True)
    """

    step: float = 1.0
    batch: int | None = None
    order: Literal["cyclic", "random"] = "cyclic"
    probability: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        check_fields(self)
        if not (np.isfinite(self.step) and self.step > 0):
            raise ValueError(f"step={self.step} must be a positive number of training steps; 1 is usual")
        if not 0 < self.probability <= 1:
            raise ValueError(f"probability={self.probability} must be > 0 and <= 1; at 1 all edges are updated")
        if self.batch is not None:
            whole("batch", self.batch, 1)
        if self.order not in ("cyclic", "random"):
            raise ValueError(f"order must be 'cyclic' or 'random', not {self.order!r}")
        if self.order == "random" and self.batch is None:
            raise ValueError("order counts where a batch is smaller than the task: give batch, such as batch=1")
