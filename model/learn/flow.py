"""Continuous learning from samples that are presented in turn, as data."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from ohmlearn.checks.kinds import Frozen, check_fields, check_sign, reals

from .update import checked_order


@dataclass(frozen=True, eq=False)
class Flow(Frozen):
    """Learning while voltages relax, at any rate, from samples that are presented in turn.

    A sample is presented for 1/σ. Meanwhile the free voltages v, the clamped difference w = (v' - v)/η and what the
    edges learn, u, all change at once (paper 1, Eq. 3, for edges of any law):

        dv/dt = -Σ I(v),   dw/dt = -Σ [I(v + η w) - I(v)]/η + clamp (error - w at the outputs),
        du/dt = -R Δw (2 Δv + η Δw)  within the bounds of the law.

    Then the next sample is presented, and v and w go on from where they are; at first v is at equilibrium and w is 0.
    For σ and R/σ -> 0 this is :class:`Update` with step R/σ. Times are in 1/γp, in which a node that is joined by G₀
    relaxes; one that has more edges relaxes faster.

    rate : R = γl/γp > 0, or (n_epochs,) numbers >= 0, one an epoch; in V⁻¹ of gates, else G₀/V².
    switching : σ, samples presented in a unit of time.
    nudge : η > 0, the fraction of its error by which an output is clamped.
    clamp : G₀ of the clamps. Stiff clamps take short steps.
    order : as of :class:`Update`, names or (n_epochs, n_samples) or (n_epochs, n_samples, n_chips) numbers of samples.
    tolerance : the steps are as long as one of 1e-3 on a training allows, and scale with its fourth root.
    discrete : whether edges learn at the end of every presentation only: u then changes at once by R/σ times what it
        would change by in a unit of time, with v and w that have relaxed for 1/σ at constant u, as in circuits whose
        updates pause for a finite time (:class:`ohmlearn.rules.Discrete`). For σ -> 0 this is :class:`Update` with
        step R/σ, whatever R is.

    >>> import ohmlearn as ol
    >>> ol.learn.Flow(rate=2.0, switching=10.0).clamp
    10.0
    """

    rate: ArrayLike = 1.0
    switching: float = 1.0
    nudge: float = 0.1
    clamp: float = 10.0
    order: Literal["cyclic", "shuffled", "sampled"] | ArrayLike = "shuffled"
    tolerance: float = 1e-3
    discrete: bool = False

    def __post_init__(self) -> None:
        check_fields(self)
        rate = reals(self.rate, "rate")
        if rate.ndim > 1:
            raise ValueError(f"rate must be a number, or one an epoch, not of shape {rate.shape}")
        check_sign("rate", rate, ">= 0" if rate.ndim else "> 0")
        for name in ("switching", "nudge", "clamp"):
            check_sign(name, getattr(self, name))
        if not 1e-8 <= self.tolerance <= 0.1:
            raise ValueError(f"tolerance={self.tolerance} must lie between 1e-8 and 0.1")
        rate.setflags(write=False)
        object.__setattr__(self, "rate", rate if rate.ndim else float(rate))
        object.__setattr__(self, "order", checked_order(self.order))

    @property
    def duration(self) -> float:
        """How long a sample is presented, 1/σ in 1/γp.

        >>> import ohmlearn as ol
        >>> ol.learn.Flow(switching=4.0).duration
        0.25
        """
        return float(1 / np.float64(self.switching))
