"""By which dynamics circuits learn samples: discrete updates at equilibrium, or a flow; and blocks that follow them."""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.nonlinear import losses, updates
from ohmlearn.kernels.nonlinear.chips import Settings
from ohmlearn.learn.flow import Flow
from ohmlearn.learn.losses import CrossEntropy, Hinge, Loss
from ohmlearn.learn.update import Update

from .chip_block import ChipBlock
from .chip_design import ChipDesign
from .flow_block import FlowBlock, check_flow
from .orders import Orders

Floats = NDArray[np.float64]
RULES = {"contrast": updates.CONTRAST, "centred": updates.CENTRED, "gradient": updates.GRADIENT}


class Dynamics:
    """Blocks of chips of a design that learn by an update or a flow."""

    def __init__(self, dynamics: Update | Flow, design: ChipDesign, loss: Loss, epochs: int, chips: int) -> None:
        if not isinstance(dynamics, Update | Flow):
            raise TypeError(f"dynamics must be an ohmlearn.learn.Update or Flow, not {dynamics!r}")
        if isinstance(dynamics, Flow):
            check_flow(design)
        self.dynamics, self.design, self.settings = dynamics, design, kernel_settings(dynamics, loss)
        self.steps = steps_of(dynamics, epochs)
        batch = dynamics.batch if isinstance(dynamics, Update) else 1
        self.orders = Orders(dynamics.order, batch, epochs, len(design.samples), chips, design.seed)

    def block(self, chips: NDArray[np.int64], values: Floats) -> ChipBlock:
        """A block of chips. values : (n_chips, n_edges) at the start."""
        if isinstance(self.dynamics, Flow):
            return FlowBlock(self.design, chips, values, self.dynamics, self.settings)
        return ChipBlock(self.design, chips, values, self.orders.group, self.settings)


def steps_of(dynamics: Update | Flow, epochs: int) -> Floats:
    """(epochs,) step or rate of every epoch. Raises ValueError where there are others."""
    name = "step" if isinstance(dynamics, Update) else "rate"
    value = getattr(dynamics, name)
    if np.ndim(value) and np.shape(value) != (epochs,):
        raise ValueError(f"{name} must be a number > 0, or ({epochs},) of them, one an epoch, not of shape "
                         f"{np.shape(value)}")
    return np.broadcast_to(np.asarray(value, dtype=np.float64), (epochs,)).copy()


def kernel_settings(dynamics: Update | Flow, loss: Loss) -> Settings:
    """Dynamics and a loss as the kernels take them."""
    kind, margin = kernel_loss(loss)
    over = float(np.copysign(loss.over, dynamics.nudge))
    if isinstance(dynamics, Flow):
        return Settings(dynamics.nudge, dynamics.clamp, updates.CONTRAST, np.inf, kind, margin, over, 0.0)
    # The kernel divides by the nudge what it adds up, and by both nudges of the centred rule.
    power = dynamics.power * {"contrast": dynamics.nudge, "centred": 2 * dynamics.nudge, "gradient": 1.0}[dynamics.rule]
    return Settings(dynamics.nudge, dynamics.clamp, RULES[dynamics.rule], dynamics.limit, kind, margin, over, power)


def kernel_loss(loss: Loss) -> tuple[int, float]:
    """Number of the loss in the kernels, and its margin there."""
    if isinstance(loss, Hinge):
        return losses.HINGE, loss.margin
    if isinstance(loss, CrossEntropy):
        return losses.CROSS_ENTROPY, loss.temperature
    return losses.SQUARED, 1.0
