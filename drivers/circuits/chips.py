"""Circuits that learn samples by discrete updates at equilibrium, an ensemble of chips in one call."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.network import Network
from ohmlearn.solvers.nonlinear.equilibrium import LANES
from ohmlearn.task import Task

from .bench import Bench, Block, in_blocks
from .orders import Orders
from .samples import of_tasks
from .settings import finite, settings, whole

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
    >>> learned = ol.edges.train_chips(net, samples, edges=law, epochs=20, step=2.0, chips=3, every=10)
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


def train_chips(network: Network, samples: Sequence[Task], *, edges: Any, epochs: int, step: float, nudge: float = 0.5,
                clamp: float = 100.0, rule: Literal["contrast", "centred", "gradient"] = "contrast",
                values: ArrayLike | None = None, chips: int | None = None,
                limit: float = np.inf, order: Literal["cyclic", "shuffled"] | ArrayLike = "cyclic", seed: int = 0,
                every: int = 100, threads: int | None = None) -> Chips:
    """Train circuits of nonlinear edges on samples by discrete updates, as the laboratory circuits learn.

    For one sample after another the free voltages v are found, then v' with the outputs pulled towards what is wanted,
    and every edge changes what it learns by -step (Δv'² - Δv²)/nudge within the bounds of its law. With step = γ η this
    is ΔU = -γ (Δv'² - Δv²) as published (Dillavou et al., PNAS 121, e2319718121 (2024), with η the nudge).

    samples : tasks that hold the same nodes and read the same outputs, nodes or pairs of nodes.
    edges : law of the edges (`ohmlearn.edges`), or one for every edge. epochs : presentations of all samples, >= 0.
    nudge : η, below 0 to hold outputs farther from what is wanted. They are held at v + η (wanted - v), through a
        conductance `clamp` (G₀); those of two nodes at ± half of it each. With clamp = β, nudge 1 and step γ/β
        a current β (wanted - v') enters: equilibrium propagation.
    rule : "contrast" as above; "centred", (Δv'₊² - Δv'₋²)/2η of nudges ±η, where the error of the finite nudge is of
        second order; "gradient", the exact gradient of C = ½ Σ (wanted - output)², to compare with.
    limit : largest change in an update, as where the current is cut off that charges the capacitor of a gate; in V, or
        G₀.
    values : (n_edges,) or (n_chips, n_edges) at the start, by default that of the law. chips : their number where
        values are alike.
    order : (n_epochs, n_samples) or (n_epochs, n_samples, n_chips) numbers of samples; or "cyclic"; or "shuffled", anew
        for every epoch and chip, by seed and number of the chip.
    every : epochs from one record of the outputs to the next. threads : by default as many as the process may use.

    Returns :class:`Chips`. Bits depend on the chip alone, not on others or threads.
    Raises ValueError where samples do not fit together, or values lie beyond the bounds of the law.

    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(3, 3)
    >>> samples = [ol.Task({0: 0.0, 8: 0.4, 2: x}, {4: 0.1 + 0.5 * x}) for x in (0.0, 0.2, 0.4)]
    >>> law = ol.edges.NMOS(gain=0.5, leak=1e-3)
    >>> learned = ol.edges.train_chips(net, samples, edges=law, epochs=400, step=2.0, chips=2)
    >>> bool(learned.mean_squared_error.max() < 1e-3)
    True
    """
    bench = Bench(network, of_tasks(samples, network), edges)
    begin = bench.start(values, chips)
    whole("epochs", epochs, 0)
    whole("every", every, 1)
    size, given = finite("step", step), settings(nudge=nudge, clamp=clamp, rule=rule, limit=limit)
    orders = Orders(order, epochs, len(samples), len(begin), seed)

    def of_block(numbers: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
        block, shown, outputs = Block(bench, numbers, begin[numbers], 1, given), orders.of_block(numbers), []
        for done in range(0, epochs, every):
            count = min(every, epochs - done)
            now = block.train(shown, np.full(count, size)).outputs
            outputs += [now] if count == every else []
        records = np.array(outputs).reshape(len(outputs), len(numbers), *bench.samples.wanted.shape)
        return block.values, records, block.evaluate().outputs, block.failures

    learned, outputs, final, failures = in_blocks(of_block, len(begin), LANES, threads, axes=(0, 1, 0, 0))
    return Chips(learned, np.arange(every, epochs + 1, every), outputs, final, bench.samples.wanted, failures)
