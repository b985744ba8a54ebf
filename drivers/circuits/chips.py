"""Circuits that learn samples by discrete updates at equilibrium, an ensemble of chips in one call."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.drivers.display.compile_cache import prepare as prepare_cache
from ohmlearn.kernels.linalg.graph import prepare
from ohmlearn.kernels.nonlinear import updates
from ohmlearn.kernels.simd.vectors import aligned
from ohmlearn.network import Network
from ohmlearn.parallel.threads import available_threads
from ohmlearn.solvers.nonlinear import edge_arrays
from ohmlearn.solvers.nonlinear.equilibrium import LANES, work_space
from ohmlearn.task import Task

Floats = NDArray[np.float64]
RULES = ("contrast", "centred", "gradient")
SLICE = 50          # epochs between two looks at signals and progress, at most


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
    nudge : η. Outputs are held at v + η (wanted - v), through a conductance `clamp` (G₀); those of two nodes at
        ± half of it each. With clamp = β, nudge 1 and step γ/β a current β (wanted - v') enters: equilibrium
        propagation.
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
    bench = Bench(network, samples, edges)
    begin = bench.start(values, chips)
    whole: dict[str, Any] = {"epochs": epochs, "every": every}
    for name, number in whole.items():
        if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < (name == "every"):
            raise ValueError(f"{name} must be a whole number, >= {int(name == 'every')}, not {number!r}")
    sizes: dict[str, Any] = {"step": step, "nudge": nudge, "clamp": clamp}
    for name, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, int | float | np.number) or not 0 < size < np.inf:
            raise ValueError(f"{name} must be a number > 0, not {size!r}")
    most: Any = limit
    if isinstance(most, bool) or not isinstance(most, int | float | np.number) or not most > 0:
        raise ValueError(f"limit must be a number > 0, not {limit!r}")
    if rule not in RULES:
        raise ValueError(f"rule must be 'contrast', 'centred' or 'gradient', not {rule!r}")
    orders = _orders(order, epochs, len(samples), len(begin), seed)
    numbers = float(step), float(nudge), float(clamp), RULES.index(rule), float(limit)
    blocks = [np.arange(first, min(first + LANES, len(begin))) for first in range(0, len(begin), LANES)]

    def of_block(block: NDArray[np.int64]) -> tuple[Floats, ...]:
        return bench.train(begin[block], orders(block), epochs, every, numbers)

    prepare_cache()
    if len(blocks) == 1:
        done = [of_block(blocks[0])]
    else:
        with ThreadPoolExecutor(available_threads(threads)) as pool:
            done = list(pool.map(of_block, blocks))
    learned, outputs, final, failures = (np.concatenate(parts, axis) for parts, axis in
                                         zip(zip(*done, strict=True), (0, 1, 0, 0), strict=True))
    recorded = np.arange(every, epochs + 1, every)
    return Chips(learned, recorded, outputs, final, bench.wanted, failures.astype(np.int64))


class Bench:
    """The circuit that all chips have in common, and the samples that they learn."""

    def __init__(self, network: Network, samples: Sequence[Task], edges: Any) -> None:
        self.network, self.edges = network, edge_arrays.as_edges(edges, network)
        if not samples or not all(isinstance(sample, Task) for sample in samples):
            raise TypeError("samples must be a list of ohmlearn.Task, one at least")
        first = samples[0]
        for number, sample in enumerate(samples):
            sample.check(network)
            if sample.currents or sample.drops:
                raise NotImplementedError(f"sample {number} injects currents or holds drops; chips hold nodes only")
            if not np.array_equal(sample.sources, first.sources) or repr(sample.targets) != repr(first.targets):
                raise ValueError(f"sample {number} holds other nodes or reads other outputs than sample 0")
        self.sources, self.held_voltages = first.sources, np.stack([sample.source_voltages for sample in samples])
        self.wanted = np.stack([sample.target_voltages for sample in samples])
        targets = np.asarray(first.targets)
        if targets.dtype.kind not in "iu" or targets.ndim > 2:
            raise NotImplementedError("outputs of chips are nodes or pairs of nodes")
        self.first = targets if targets.ndim == 1 else targets[:, 0]
        self.second = np.full(len(targets), -1) if targets.ndim == 1 else targets[:, 1]
        self.order, graph, self.pattern = prepare(network.edges, network.n_nodes, lambda needed: None)
        self.graph, self.turned = edge_arrays.upwards(graph)
        self.position = np.empty(network.n_nodes, dtype=np.int64)
        self.position[self.order] = np.arange(network.n_nodes)
        self.low, self.high = edge_arrays.bounds(self.edges, network.n_edges, 1e-6, None)
        self.leak = edge_arrays.leaks(self.edges, network)

    def start(self, values: ArrayLike | None, chips: int | None) -> Floats:
        """(n_chips, n_edges) checked values at the start."""
        m = self.network.n_edges
        given = edge_arrays.start(self.edges, m) if values is None else np.asarray(values, dtype=np.float64)
        if given.ndim == 0 or given.ndim > 2 or given.shape[-1] != m or not np.all(np.isfinite(given)):
            raise ValueError(f"values must be ({m},) or (n_chips, {m}) finite numbers, not of shape {given.shape}")
        if given.ndim == 2 and chips not in (None, len(given)):
            raise ValueError(f"values are of {len(given)} chips, but chips={chips}")
        given = given if given.ndim == 2 else np.repeat(given[None], chips or 1, axis=0)
        outside = np.argwhere((given < self.low) | (given > self.high))
        if outside.size:
            chip, edge = outside[0]
            raise ValueError(f"edge {edge} of chip {chip} begins at {given[chip, edge]:g}, outside of its bounds "
                             f"{self.low[edge]:g} and {self.high[edge]:g}")
        return np.ascontiguousarray(given)

    def train(self, values: Floats, orders: Iterator[NDArray[np.int64]], epochs: int, every: int,
              numbers: tuple[float, float, float, int, float]) -> tuple[Floats, ...]:
        """Train up to 8 chips: what they learned, (n_records, n_chips, n_samples, n_outputs) outputs, those at the end,
        and failures."""
        n, m, width = self.network.n_nodes, self.network.n_edges, len(values)
        lanes = np.minimum(np.arange(LANES), width - 1)             # what is left over repeats the last chip
        rows = [aligned(size, LANES) for size in (m, n, n, n, n, n, n, n, m)]
        u, leak, toward, inject, pulled_leak, pulled_toward, v, clamped, contrast = rows
        u[:], leak[:] = values[lanes].T, self.leak[self.order, None]
        second = np.where(self.second >= 0, self.position[self.second], -1)
        chips = updates.Chips(u, self.low, self.high, edge_arrays.learning(self.edges, m), leak, toward, inject,
                              pulled_leak, pulled_toward, v, clamped, aligned(len(self.wanted), n, LANES),
                              aligned(len(self.wanted), m, LANES), contrast, self.position[self.sources],
                              self.held_voltages, self.position[self.first], second, self.wanted, aligned(1, LANES),
                              np.zeros(LANES, dtype=np.int64))
        free = np.full(n, (1 << LANES) - 1, dtype=np.uint16)
        free[chips.held] = 0
        law = edge_arrays.kernel_law(self.edges, m, LANES, self.turned)
        work = work_space(n, m, self.pattern.row.size)
        common = self.graph, self.pattern, law, free, chips
        found, now = [], np.zeros((*self.wanted.shape, LANES))
        done = 0
        while done < epochs:
            count = min(SLICE, epochs - done, every - done % every)
            order = np.stack([next(orders) for _ in range(count)])[..., lanes]
            updates.train(*common, np.ascontiguousarray(order), *numbers, work, now)
            done += count
            if done % every == 0:
                found.append(now.transpose(2, 0, 1)[:width].copy())
        final = np.empty((width, *self.wanted.shape))
        for sample in range(len(self.wanted)):
            updates.free_state(*common, np.full(LANES, sample), work)
            read = v[chips.first] - np.where(second[:, None] >= 0, v[second], 0.0)
            final[:, sample] = read.T[:width]
        outputs = np.array(found).reshape(len(found), width, *self.wanted.shape)
        return u.T[:width].copy(), outputs, final, chips.failed[:width].astype(np.float64)


def _orders(order: Any, epochs: int, samples: int, chips: int, seed: int) -> Any:
    """What gives, for numbers of chips, an iterator over their (n_samples, n_chips) orders of epoch after epoch."""
    if isinstance(order, str):
        if order not in ("cyclic", "shuffled"):
            raise ValueError(f"order must be 'cyclic', 'shuffled' or numbers of samples, not {order!r}")

        def drawn(block: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
            every = [np.random.default_rng([seed, int(chip)]) for chip in block]
            for _ in range(epochs):
                if order == "cyclic":
                    yield np.repeat(np.arange(samples)[:, None], len(block), axis=1)
                else:
                    yield np.stack([draw.permutation(samples) for draw in every], axis=1)
        return drawn
    given = np.asarray(order)
    if given.dtype.kind not in "iu" or given.shape not in ((epochs, samples), (epochs, samples, chips)):
        raise ValueError(f"order must be ({epochs}, {samples}) or ({epochs}, {samples}, {chips}) numbers of samples, "
                         f"not of shape {given.shape}")
    if given.size and not 0 <= given.min() <= given.max() < samples:
        raise ValueError(f"order must name samples from 0 to {samples - 1}")
    whole = np.broadcast_to(given if given.ndim == 3 else given[..., None], (epochs, samples, chips))
    return lambda block: iter(whole[..., block].astype(np.int64))
