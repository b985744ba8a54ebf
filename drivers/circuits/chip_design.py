"""The circuit that all chips of a training have in common."""
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.kernels.linalg.graph import prepare_held
from ohmlearn.network import Network
from ohmlearn.solvers.nonlinear import edge_arrays
from ohmlearn.solvers.nonlinear.equilibrium import NonlinearEquilibrium

from .imperfections import Device, Imperfections, drawn, has_gain, shifted_law
from .samples import Samples

Floats = NDArray[np.float64]


class ChipDesign:
    """The circuit that all chips have in common: network, law of the edges, the samples that they learn, and of what
    imperfections every chip is a draw. lost : (n_chips, n_edges) edges that chips have lost, or None."""

    def __init__(self, network: Network, samples: Samples, edges: Any, flaws: Imperfections | None = None,
                 seed: int = 0, lost: NDArray[np.bool_] | None = None) -> None:
        self.network, self.edges = network, edge_arrays.as_edges(edges, network)
        self.samples, self.flaws, self.seed, self.lost = samples, flaws, seed, lost
        self.order, graph, self.pattern = prepare_held(network.edges, network.n_nodes, samples.sources,
                                                       lambda needed: None)
        self.graph, self.turned = edge_arrays.upwards(graph)
        self.position = np.empty(network.n_nodes, dtype=np.int64)
        self.position[self.order] = np.arange(network.n_nodes)
        self.low, self.high = edge_arrays.bounds(self.edges, network.n_edges, 1e-6, None)
        self.leak = edge_arrays.leaks(self.edges, network)

    def start(self, values: ArrayLike | None, chips: int | None) -> Floats:
        """(n_chips, n_edges) checked values at the start."""
        m = self.network.n_edges
        begin = edge_arrays.start(self.edges, m) if values is None else np.asarray(values, dtype=np.float64)
        if begin.ndim == 0 or begin.ndim > 2 or begin.shape[-1] != m or not np.all(np.isfinite(begin)):
            raise ValueError(f"values must be ({m},) or (n_chips, {m}) finite numbers, not of shape {begin.shape}")
        if begin.ndim == 2 and chips not in (None, len(begin)):
            raise ValueError(f"values are of {len(begin)} chips, but chips={chips}")
        begin = begin if begin.ndim == 2 else np.repeat(begin[None], chips or 1, axis=0)
        outside = np.argwhere((begin < self.low) | (begin > self.high))
        if outside.size:
            chip, edge = outside[0]
            raise ValueError(f"edge {edge} of chip {chip} begins at {begin[chip, edge]:g}, outside of its bounds "
                             f"{self.low[edge]:g} and {self.high[edge]:g}")
        return np.ascontiguousarray(begin)

    @property
    def ideal(self) -> bool:
        """Whether all chips are as designed."""
        return self.flaws is None and self.lost is None

    def device(self, chip: int) -> Device:
        """What a chip has drawn, and lost."""
        lost = None if self.lost is None else self.lost[chip]
        return drawn(self.flaws, self.network.n_edges, self.seed, chip, lost)

    def damaged(self, lost: NDArray[np.bool_]) -> ChipDesign:
        """The same with chips that have lost edges, (n_chips, n_edges), beside those that they had lost before."""
        before = False if self.lost is None else self.lost
        return ChipDesign(self.network, self.samples, self.edges, self.flaws, self.seed, lost | before)

    def free_circuit(self, chip: int, values: Floats) -> tuple[NonlinearEquilibrium, Floats]:
        """The free network of a chip as one that is solved alone, and its values as that network has them."""
        if self.ideal:
            return NonlinearEquilibrium(self.network, self.samples.sources, self.edges), values
        device = self.device(chip)
        law = shifted_law(self.edges, device.thresholds[0], device.gains[0])
        factors = np.where(has_gain(self.edges, values.size), 1.0, device.gains[0])
        return NonlinearEquilibrium(self.network, self.samples.sources, law), values * factors
