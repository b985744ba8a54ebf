"""Blocks of chips that learn continuously from samples presented in turn."""
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.ensemble import nonlinear_step, sample_flow
from ohmlearn.kernels.ensemble.rk4 import NUDGE, ROWS, Law
from ohmlearn.kernels.ensemble.sample_flow import SampleFlow
from ohmlearn.kernels.nonlinear.chips import Settings
from ohmlearn.kernels.nonlinear.edges import Nonlinear, Pull
from ohmlearn.kernels.simd.vectors import aligned
from ohmlearn.learn.flow import Flow
from ohmlearn.solvers.nonlinear.equilibrium import LANES

from .chip_block import ChipBlock
from .chip_design import ChipDesign
from .imperfections import Imperfections, has_gain

Floats = NDArray[np.float64]


class FlowBlock(ChipBlock):
    """Eight chips that learn by a flow; arguments as of :class:`ChipBlock`."""

    def __init__(self, design: ChipDesign, chips: NDArray[np.int64], values: Floats, flow: Flow,
                 settings: Settings) -> None:
        super().__init__(design, chips, values, 1, settings)
        n, m = design.network.n_nodes, design.network.n_edges
        pull = Pull(*(aligned(rows, LANES) for rows in (n, n, 1, n, n)))
        pull.share[:] = 1.0
        learning = self.chips.factor
        edges = Nonlinear(
            self.circuit.law, self.chips.leak, aligned(n, LANES), pull, design.low,
            design.high if np.isfinite(design.high).any() else None, None if learning.all() else learning, self.work,
            aligned(n, LANES), aligned(n, LANES), aligned(2 * m, LANES), aligned(1, LANES),
            np.zeros(nonlinear_step.ENTRIES, dtype=np.int64))
        law = Law(self.circuit.free, self.circuit.free, np.zeros(n, dtype=np.uint16), aligned(ROWS, LANES), None, None)
        law.rows[NUDGE] = flow.nudge
        x, y, q, last_x, last_u, Uq, peak, scratch, bounds = (
            aligned(rows, LANES) for rows in (2 * n, 2 * n, 2 * n, 2 * n, m, m, n, 3 * n, 2))
        self.flow = SampleFlow(
            edges, law, x, y, q, last_x, last_u, Uq, peak, scratch, bounds, np.zeros(LANES), np.ones(LANES),
            np.zeros(LANES, dtype=np.int64), np.array([flow.duration]), np.array([(flow.tolerance / 1e-3) ** 0.25]),
            np.zeros(1, dtype=bool), np.array([flow.discrete]))

    def _train(self, numbers: NDArray[np.int64], rates: Floats) -> None:
        sample_flow.train(self.circuit, self.chips, self.flow, numbers, rates, self.settings, self.work, self.outputs)

    def _changing(self) -> dict[str, NDArray[Any]]:
        return super()._changing() | {"x": self.flow.x, "begun": self.flow.begun}


def check_flow(design: ChipDesign) -> None:
    """Raise unless the kernels can follow these chips continuously."""
    flaws = design.flaws or Imperfections()
    ideal = Imperfections(threshold=flaws.threshold, gain=flaws.gain)
    gains = has_gain(design.edges, design.network.n_edges).all() or not (flaws.gain or design.lost is not None)
    if flaws != ideal or not gains:
        raise NotImplementedError("of imperfections, learning by a flow knows the mismatch of thresholds, and of gains "
                                  "and lost edges where laws have gains; take updates (ohmlearn.learn.Update) for "
                                  "others")
