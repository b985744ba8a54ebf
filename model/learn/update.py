"""The discrete update of circuits that learn samples, as data."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from ohmlearn.checks.kinds import Frozen, check_fields, check_sign, reals, whole

RULES, ORDERS = ("contrast", "centred", "gradient"), ("cyclic", "shuffled", "sampled")


@dataclass(frozen=True, eq=False)
class Update(Frozen):
    """How edges change what they learn after every batch of samples, in circuits at equilibrium.

    For the samples of a batch the free voltages v are found, then v' with the outputs clamped nearer to what is wanted,
    and every edge changes what it learns by -step times the mean over the batch of (Δv'² - Δv²)/nudge + power Δv²,
    within the bounds of its law. With step = γ η this is ΔU = -γ (Δv'² - Δv²) as published (Dillavou et al., PNAS 121,
    e2319718121 (2024), with η the nudge).

    step : a number > 0, or (n_epochs,) numbers >= 0, one an epoch; in V⁻¹ of gates, else G₀/V².
    nudge : η, the fraction of its error by which an output is clamped, below 0 to hold it farther from what is wanted.
        It is held at v + η error through a conductance `clamp`; the two nodes of an output that is a difference at ±
        half of it each.
    clamp : G₀ of the clamps. With clamp = β, nudge 1 and step γ/β a current β (wanted - v') enters: equilibrium
        propagation.
    rule : "contrast" as above; "centred", (Δv'₊² - Δv'₋²)/2η of nudges ±η, where the error of the finite nudge is of
        second order; "gradient", the exact gradient of the loss, to compare with.
    power : weight λ >= 0 of the dissipated power beside the loss (power-efficient learning).
    limit : largest change in an update, as where the current is cut off that charges the capacitor of a gate; in V, or
        G₀.
    batch : samples of an update.
    order : "shuffled", anew for every epoch and chip; "cyclic"; "sampled", drawn with replacement; or
        (n_epochs, n_samples) or (n_epochs, n_samples, n_chips) numbers of samples.

    >>> import ohmlearn as ol
    >>> ol.learn.Update(step=[1.0, 0.5, 0.25], batch=8).step
    array([1.  , 0.5 , 0.25])
    """

    step: ArrayLike = 1.0
    nudge: float = 0.1
    clamp: float = 100.0
    rule: Literal["contrast", "centred", "gradient"] = "contrast"
    power: float = 0.0
    limit: float = np.inf
    batch: int = 1
    order: Literal["cyclic", "shuffled", "sampled"] | ArrayLike = "shuffled"

    def __post_init__(self) -> None:
        check_fields(self)
        step = reals(self.step, "step")
        if step.ndim > 1:
            raise ValueError(f"step must be a number, or one an epoch, not of shape {step.shape}")
        check_sign("step", step, ">= 0" if step.ndim else "> 0")
        check_sign("clamp", self.clamp, unit=" G₀")
        check_sign("power", self.power, ">= 0")
        if not self.limit > 0:
            raise ValueError(f"limit must be > 0, not {self.limit}")
        whole("batch", self.batch, 1)
        if self.rule not in RULES:
            raise ValueError(f"rule must be 'contrast', 'centred' or 'gradient', not {self.rule!r}")
        if not np.isfinite(self.nudge) or self.nudge == 0 or (self.nudge < 0 and self.rule != "contrast"):
            raise ValueError(f"nudge must be a finite number, and > 0 where rule={self.rule!r}, not {self.nudge}")
        step.setflags(write=False)
        object.__setattr__(self, "step", step if step.ndim else float(step))
        object.__setattr__(self, "order", checked_order(self.order))


def checked_order(order: Any) -> Any:
    """The name of an order, or a copy of numbers of samples."""
    if isinstance(order, str):
        if order not in ORDERS:
            raise ValueError(f"order must be 'cyclic', 'shuffled', 'sampled' or numbers of samples, not {order!r}")
        return order
    numbers = np.array(order)
    if numbers.dtype.kind not in "iu" or numbers.ndim not in (2, 3) or (numbers.size and numbers.min() < 0):
        raise ValueError("order must be (n_epochs, n_samples) or (n_epochs, n_samples, n_chips) numbers of samples, "
                         f"not {numbers.dtype} of shape {numbers.shape}")
    numbers.setflags(write=False)
    return numbers
