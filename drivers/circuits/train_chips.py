"""Circuits that learn samples by discrete updates at equilibrium, an ensemble of chips in one call."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.checks.kinds import whole
from ohmlearn.learn.flow import Flow
from ohmlearn.learn.losses import Squared
from ohmlearn.learn.update import Update
from ohmlearn.network import Network
from ohmlearn.solvers.nonlinear.equilibrium import LANES
from ohmlearn.task import Task

from .chip_block import in_blocks
from .chip_design import ChipDesign
from .dynamics import Dynamics
from .samples import of_tasks

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Chips:
    """An ensemble of circuits that have learned samples.

    values : (n_chips, n_edges) what the edges have learned. epochs : (n_records,) epochs done at the records.
    outputs : (n_records, n_chips, n_samples, n_outputs) outputs in the epoch before, each before its own update, in V.
    final : (n_chips, n_samples, n_outputs) outputs at the end. wanted : (n_samples, n_outputs).
    failures : (n_chips,) equilibria that were not found; such a chip is not to be trusted.

    >>> import ohmlearn as ol
    >>> net, law = ol.Network.grid(3, 3), ol.edges.NMOS(gain=0.5, leak=1e-3)
    >>> samples = [ol.Task({0: 0.0, 8: 0.4}, {4: 0.15})]
    >>> learned = ol.edges.train_chips(net, samples, edges=law, epochs=20, chips=3, every=10,
    ...                                dynamics=ol.learn.Update(step=2.0, nudge=0.5))
    >>> learned.values.shape, learned.outputs.shape, learned.epochs.tolist()
    ((3, 12), (2, 3, 1, 1), [10, 20])
    """

    values: Floats
    epochs: NDArray[np.int64]
    outputs: Floats
    final: Floats
    wanted: Floats
    failures: NDArray[np.int64]

    @property
    def mean_squared_error(self) -> Floats:
        """(n_chips,) mean over samples and outputs of the squared error at the end, in V²."""
        return np.mean((self.final - self.wanted) ** 2, axis=(1, 2))

    def __repr__(self) -> str:
        return (f"<{len(self.values)} chips after {self.epochs[-1] if self.epochs.size else 0} epochs: mean squared "
                f"error {np.median(self.mean_squared_error):.3g} V² in the median>")


def train_chips(network: Network, samples: Sequence[Task], *, edges: Any, epochs: int, dynamics: Update | Flow,
                values: ArrayLike | None = None, chips: int | None = None, seed: int = 0, every: int = 100,
                threads: int | None = None) -> Chips:
    """Train circuits of nonlinear edges on samples by discrete updates, as the laboratory circuits learn, or by a flow.

    Outputs are clamped by their errors, wanted - output (the squared error); for other losses and tables of data see
    :func:`ohmlearn.learn.train_on_data`.

    samples : tasks that hold the same nodes and read the same outputs, nodes or pairs of nodes.
    edges : law of the edges (`ohmlearn.edges`), or one for every edge. epochs : presentations of all samples, >= 0.
    dynamics : how edges change what they learn, and in which order samples are presented
        (:class:`ohmlearn.learn.Update`, or :class:`ohmlearn.learn.Flow` for learning at a finite rate).
    values : (n_edges,) or (n_chips, n_edges) at the start, by default that of the law. chips : their number where
        values are alike. seed : of orders that are drawn.
    every : epochs from one record of the outputs to the next. threads : by default as many as the process may use.

    Returns :class:`Chips`. Bits depend on the chip alone, not on others or threads.
    Raises ValueError where samples do not fit together, or values lie beyond the bounds of the law.

    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(3, 3)
    >>> samples = [ol.Task({0: 0.0, 8: 0.4, 2: x}, {4: 0.1 + 0.5 * x}) for x in (0.0, 0.2, 0.4)]
    >>> law, update = ol.edges.NMOS(gain=0.5, leak=1e-3), ol.learn.Update(step=2.0, nudge=0.5)
    >>> learned = ol.edges.train_chips(net, samples, edges=law, epochs=400, dynamics=update, chips=2)
    >>> bool(learned.mean_squared_error.max() < 1e-3)
    True
    """
    design = ChipDesign(network, of_tasks(samples, network), edges, seed=seed)
    begin = design.start(values, chips)
    epochs, every = whole("epochs", epochs, 0), whole("every", every, 1)
    learning = Dynamics(dynamics, design, Squared(), epochs, len(begin))

    def of_block(numbers: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
        block, outputs = learning.block(numbers, begin[numbers]), []
        order = learning.orders.of_block(numbers)
        for done in range(0, epochs, every):
            some = learning.steps[done:done + every]
            now = block.train(order, some).outputs
            outputs += [now] if len(some) == every else []
        records = np.array(outputs).reshape(len(outputs), len(numbers), *design.samples.wanted.shape)
        return block.values, records, block.evaluate().outputs, block.failures

    learned, outputs, final, failures = in_blocks(of_block, len(begin), LANES // learning.orders.group, threads,
                                                  axes=(0, 1, 0, 0))
    return Chips(learned, np.arange(every, epochs + 1, every), outputs, final, design.samples.wanted, failures)
