"""A circuit on the bench: what all its chips have in common, and blocks of chips that learn side by side in lanes."""
from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.drivers.display.compile_cache import prepare as prepare_cache
from ohmlearn.kernels.linalg.graph import prepare_held
from ohmlearn.kernels.nonlinear import updates
from ohmlearn.kernels.nonlinear.chips import Chips, Circuit, Settings
from ohmlearn.kernels.simd.vectors import aligned
from ohmlearn.network import Network
from ohmlearn.parallel.threads import available_threads
from ohmlearn.solvers.nonlinear import edge_arrays
from ohmlearn.solvers.nonlinear.equilibrium import LANES, NonlinearEquilibrium, work_space

from .imperfections import Imperfections, drawn, has_gain, kernel_flaws, laws_in_lanes, shifted_law
from .orders import BlockOrders, in_lanes
from .samples import Samples

Floats = NDArray[np.float64]
MOST_KEPT = 1 << 22     # numbers a chip that are kept of edges from one presentation of a sample to the next
KEEPING = ("series_level1",)      # laws with inner unknowns, whose kernels keep something of every edge
PIECE = 1000            # samples a chip between two looks at signals and progress, about


class Done(NamedTuple):
    """After some epochs. outputs : (n_chips, n_samples, n_outputs) before every update of the last epoch. loss :
    (n_chips,) mean over samples. pulled : (n_chips,) fraction of the samples with an error."""

    outputs: Floats
    loss: Floats
    pulled: Floats


def in_blocks(work: Callable[[NDArray[np.int64]], tuple[NDArray[Any], ...]], chips: int, width: int,
              threads: int | None, axes: tuple[int, ...]) -> list[NDArray[Any]]:
    """What `work` finds of blocks of `width` chips each, on threads, joined along the axes of the chips."""
    blocks = [np.arange(first, min(first + width, chips)) for first in range(0, chips, width)]
    prepare_cache()
    if len(blocks) == 1:
        done = [work(blocks[0])]
    else:
        with ThreadPoolExecutor(available_threads(threads)) as pool:
            done = list(pool.map(work, blocks))
    return [np.concatenate(parts, axis) for parts, axis in zip(zip(*done, strict=True), axes, strict=True)]


class Bench:
    """The circuit that all chips have in common."""

    def __init__(self, network: Network, samples: Samples, edges: Any, flaws: Imperfections | None = None,
                 seed: int = 0) -> None:
        self.network, self.edges = network, edge_arrays.as_edges(edges, network)
        self.samples, self.flaws, self.seed = samples, flaws, seed
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

    def free_circuit(self, chip: int, values: Floats) -> tuple[NonlinearEquilibrium, Floats]:
        """The free network of a chip as one that is solved alone, and what learns as it sees it."""
        if self.flaws is None:
            return NonlinearEquilibrium(self.network, self.samples.sources, self.edges), values
        device = drawn(self.flaws, values.size, self.seed, chip)
        law = shifted_law(self.edges, device.thresholds[0], device.gains[0])
        factors = np.where(has_gain(self.edges, values.size), 1.0, device.gains[0])
        return NonlinearEquilibrium(self.network, self.samples.sources, law), values * factors


class Block:
    """Chips that learn side by side, up to 8 in the lanes of a register, or fewer with several lanes each.

    chips : their numbers, which decide what they draw. values : (n_chips, n_edges) at the start. group : lanes of a
    chip. settings : of the updates.
    """

    def __init__(self, bench: Bench, chips: NDArray[np.int64], values: Floats, group: int,
                 settings: Settings) -> None:
        n, m, self.width = bench.network.n_nodes, bench.network.n_edges, len(values)
        self.bench, self.group, self.settings = bench, group, settings
        # Lanes that are left over repeat the last chip.
        self.chip_of_lane = np.minimum(np.arange(LANES) // group, self.width - 1)
        rows = [aligned(size, LANES) for size in (m, n, n, n, n, n, n, n, n, m)]
        u, leak, toward, inject, pulled_leak, pulled_toward, v, read, clamped, seen = rows
        u[:], leak[:] = values[self.chip_of_lane].T, bench.leak[bench.order, None]
        every = [drawn(bench.flaws, m, bench.seed, int(chip)) for chip in chips] if bench.flaws else []
        devices = [every[k] for k in self.chip_of_lane] if every else []
        keys = np.array([np.random.SeedSequence([bench.seed, int(chips[self.chip_of_lane[lane]]), 2, lane % group])
                         .generate_state(1, np.uint64)[0] for lane in range(LANES)], dtype=np.uint64)
        flaws = kernel_flaws(bench.flaws, bench.edges, u, devices, keys)
        law = edge_arrays.kernel_law(bench.edges, m, LANES, bench.turned)
        laws = [laws_in_lanes(bench.edges, m, bench.turned, devices, twin) if devices else law for twin in (0, 1)]
        free = np.full(n, (1 << LANES) - 1, dtype=np.uint16)
        free[bench.position[bench.samples.sources]] = 0
        self.circuit = Circuit(bench.graph, bench.pattern, free, *laws)
        self.work = work_space(n, m, bench.pattern.row.size)
        second = bench.samples.second
        learning = edge_arrays.learning(bench.edges, m)
        of_samples = self._of_samples(bench.samples)
        self.chips = Chips(
            u=u, low=bench.low, high=bench.high, factor=learning, leak=leak, toward=toward, inject=inject,
            pulled_leak=pulled_leak, pulled_toward=pulled_toward, v=v, read=read, clamped=clamped, seen=seen,
            contrast=aligned(m, LANES), error=aligned(second.size, LANES), weight=aligned(2, LANES),
            held=bench.position[bench.samples.sources], first=bench.position[bench.samples.first],
            second=np.where(second >= 0, bench.position[second], -1), group=group, eta=aligned(1, LANES),
            failed=np.zeros(LANES, dtype=np.int64), loss=np.zeros(LANES // group),
            pulled=np.zeros(LANES // group, dtype=np.int64), flaws=flaws, **of_samples)
        self.outputs = np.zeros((*bench.samples.wanted.shape, LANES // group))

    def _of_samples(self, samples: Samples) -> dict[str, Any]:
        s, n, m, chips = len(samples), self.bench.network.n_nodes, self.bench.network.n_edges, LANES // self.group
        keeps = any(law.kernel in KEEPING for law in edge_arrays.laws_of(self.bench.edges))
        kept = s if keeps and s * m <= MOST_KEPT else 0
        return {"found": np.zeros((s, chips, n)), "kept": np.zeros((kept, chips, m)),
                "held_voltages": samples.held_voltages, "wanted": samples.wanted, "labels": samples.labels,
                "weights": samples.weights}

    @property
    def values(self) -> Floats:
        """(n_chips, n_edges) what the chips have learned."""
        return np.ascontiguousarray(self.chips.u[:, ::self.group].T[:self.width])

    @property
    def failures(self) -> NDArray[np.int64]:
        """(n_chips,) equilibria that were not found."""
        return self.chips.failed.reshape(-1, self.group).sum(axis=1)[:self.width]

    def train(self, orders: BlockOrders, steps: Floats) -> Done:
        """Train for as many epochs as there are steps."""
        first = 0
        while first < len(steps):
            count = max(1, min(len(steps) - first, PIECE // len(self.bench.samples)))
            some = orders.take(count)
            updates.train(self.circuit, self.chips, some, steps[first:first + count], self.settings, self.work,
                          self.outputs)
            first += count
        return self._done(self.chips, self.outputs, int((some[-1, ..., :self.group] >= 0).sum()))

    def evaluate(self, samples: Samples | None = None) -> Done:
        """Outputs of other samples, or of those that are learned, without an update."""
        return self._evaluated(self.bench.samples if samples is None else samples, samples is None)[0]

    def voltages(self, samples: Samples) -> Floats:
        """(n_chips, n_samples, n_nodes) voltages that samples make."""
        found = self._evaluated(samples, False)[1].found
        return found[:, :self.width].transpose(1, 0, 2)[..., self.bench.position]

    def _evaluated(self, samples: Samples, learned: bool) -> tuple[Done, Chips]:
        chips, count = self.chips if learned else self.chips._replace(**self._of_samples(samples)), len(samples)
        every = np.broadcast_to(np.arange(count), (self.width, 1, count))
        orders = in_lanes(every, self.group, self.group)[0, :, 0]
        outputs = np.zeros((count, len(self.chips.first), LANES // self.group))
        updates.evaluate(self.circuit, chips, orders, self.settings, self.work, outputs)
        return self._done(chips, outputs, count), chips

    def _done(self, chips: Chips, outputs: Floats, shown: int) -> Done:
        return Done(outputs.transpose(2, 0, 1)[:self.width].copy(), chips.loss[:self.width] / shown,
                    chips.pulled[:self.width] / shown)
