"""Numbers that an update takes, checked."""
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.kernels.nonlinear import losses, updates
from ohmlearn.kernels.nonlinear.chips import Settings

RULES = {"contrast": updates.CONTRAST, "centred": updates.CENTRED, "gradient": updates.GRADIENT}
LOSSES = {"squared": losses.SQUARED, "hinge": losses.HINGE, "cross entropy": losses.CROSS_ENTROPY}


def whole(name: str, value: Any, least: int) -> int:
    """A checked whole number."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{name} must be a whole number, >= {least}, not {value!r}")
    return int(value)


def positive(name: str, value: Any, least: float | None = None) -> float:
    """A checked number > 0, or >= least; it may be infinite."""
    number = not isinstance(value, bool) and isinstance(value, int | float | np.number)
    if not number or not (value > 0 if least is None else value >= least):
        raise ValueError(f"{name} must be a number {'> 0' if least is None else f'>= {least:g}'}, not {value!r}")
    return float(value)


def settings(*, nudge: Any, clamp: Any, rule: Any, limit: Any, loss: Any = "squared", margin: Any = 1.0,
             over: Any = 0.0, power: Any = 0.0) -> Settings:
    """Settings of the kernels, from what a user says."""
    if rule not in RULES:
        raise ValueError(f"rule must be 'contrast', 'centred' or 'gradient', not {rule!r}")
    if loss not in LOSSES:
        raise ValueError(f"loss must be 'squared', 'hinge' or 'cross entropy', not {loss!r}")
    eta = nudge if isinstance(nudge, int | float) and nudge < 0 else finite("nudge", nudge)
    if eta == -np.inf or (eta < 0 and rule != "contrast"):
        raise ValueError(f"nudge must be a finite number, > 0 where rule={rule!r}, not {nudge!r}")
    # The kernel divides by the nudge what it adds up, and by both nudges of the centred rule.
    spent = finite("power", power, 0.0) * {"contrast": eta, "centred": 2 * eta, "gradient": 1.0}[rule]
    return Settings(float(eta), finite("clamp", clamp), RULES[rule], positive("limit", limit), LOSSES[loss],
                    finite("margin", margin), float(np.copysign(finite("over", over, 0.0), eta)), spent)


def finite(name: str, value: Any, least: float | None = None) -> float:
    """A checked finite number > 0, or >= least."""
    if value == np.inf:
        raise ValueError(f"{name} must be a number {'> 0' if least is None else f'>= {least:g}'}, not {value!r}")
    return positive(name, value, least)


def steps(step: ArrayLike, epochs: int) -> NDArray[np.float64]:
    """(n_epochs,) checked steps."""
    if np.ndim(step) == 0:
        return np.full(epochs, finite("step", step))
    found = np.asarray(step, dtype=np.float64)
    if found.shape != (epochs,) or not np.all((found >= 0) & (found < np.inf)):
        raise ValueError(f"step must be a number > 0, or ({epochs},) of them, one an epoch, not {step!r}")
    return found
