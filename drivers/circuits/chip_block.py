"""Blocks of chips that learn side by side in the lanes of a register."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.drivers.display.compile_cache import prepare as prepare_cache
from ohmlearn.kernels.nonlinear import updates
from ohmlearn.kernels.nonlinear.chips import Chips, Circuit, Settings
from ohmlearn.kernels.simd.vectors import aligned
from ohmlearn.parallel.threads import available_threads, in_threads
from ohmlearn.solvers.nonlinear import edge_arrays
from ohmlearn.solvers.nonlinear.equilibrium import LANES, work_space

from .chip_design import ChipDesign
from .imperfections import kernel_flaws, laws_in_lanes
from .orders import BlockOrders, in_lanes
from .samples import Samples

Floats = NDArray[np.float64]
MOST_KEPT = 1 << 22     # numbers a chip that are kept of edges from one presentation of a sample to the next
KEEPING = ("series_level1",)      # laws with inner unknowns, whose kernels keep something of every edge
PIECE = 1000            # samples a chip in one call of a kernel, about


class Evaluated(NamedTuple):
    """How chips answer samples. outputs : (n_chips, n_samples, n_outputs), in a training those before every update of
    its last epoch. loss : (n_chips,) mean over samples. clamped : (n_chips,) fraction of the samples with an error."""

    outputs: Floats
    loss: Floats
    clamped: Floats


def in_blocks(work: Callable[[NDArray[np.int64]], tuple[NDArray[Any], ...]], chips: int, width: int,
              threads: int | None, axes: tuple[int, ...]) -> list[NDArray[Any]]:
    """What `work` finds of blocks of `width` chips each, on threads, joined along the axes of the chips."""
    blocks = [np.arange(first, min(first + width, chips)) for first in range(0, chips, width)]
    prepare_cache()
    done = in_threads(work, blocks, min(available_threads(threads), len(blocks)))
    return [np.concatenate(parts, axis) for parts, axis in zip(zip(*done, strict=True), axes, strict=True)]


class ChipBlock:
    """Chips that learn side by side, up to 8 in the lanes of a register, or fewer with several lanes each.

    chips : their numbers, which decide what they draw. values : (n_chips, n_edges) at the start. group : lanes of a
    chip. settings : of the updates.
    """

    def __init__(self, design: ChipDesign, chips: NDArray[np.int64], values: Floats, group: int,
                 settings: Settings) -> None:
        n, m, self.width = design.network.n_nodes, design.network.n_edges, len(values)
        self.design, self.group, self.settings = design, group, settings
        # Lanes that are left over repeat the last chip.
        self.chip_of_lane = np.minimum(np.arange(LANES) // group, self.width - 1)
        rows = [aligned(size, LANES) for size in (m, n, n, n, n, n, n, n, n, m)]
        u, leak, toward, inject, clamped_leak, clamped_toward, v, read, clamped, seen = rows
        u[:], leak[:] = values[self.chip_of_lane].T, design.leak[design.order, None]
        every = [] if design.ideal else [design.device(int(chip)) for chip in chips]
        devices = [every[k] for k in self.chip_of_lane] if every else []
        keys = np.array([np.random.SeedSequence([design.seed, int(chips[self.chip_of_lane[lane]]), 2, lane % group])
                         .generate_state(1, np.uint64)[0] for lane in range(LANES)], dtype=np.uint64)
        flaws = kernel_flaws(design.flaws, design.edges, u, devices, keys)
        law = edge_arrays.kernel_law(design.edges, m, LANES, design.turned)
        laws = [laws_in_lanes(design.edges, m, design.turned, devices, twin) if devices else law for twin in (0, 1)]
        free = np.full(n, (1 << LANES) - 1, dtype=np.uint16)
        free[design.position[design.samples.sources]] = 0
        self.circuit = Circuit(design.graph, design.pattern, free, *laws)
        self.work = work_space(n, m, design.pattern.row.size)
        second = design.samples.second
        learning = edge_arrays.learning(design.edges, m)
        of_samples = self._of_samples(design.samples)
        self.chips = Chips(
            u=u, low=design.low, high=design.high, factor=learning, leak=leak, toward=toward, inject=inject,
            clamped_leak=clamped_leak, clamped_toward=clamped_toward, v=v, read=read, clamped=clamped, seen=seen,
            contrast=aligned(m, LANES), error=aligned(second.size, LANES), weight=aligned(2, LANES),
            held=design.position[design.samples.sources], first=design.position[design.samples.first],
            second=np.where(second >= 0, design.position[second], -1), group=group, eta=aligned(1, LANES),
            failed=np.zeros(LANES, dtype=np.int64), loss=np.zeros(LANES // group),
            n_clamped=np.zeros(LANES // group, dtype=np.int64), flaws=flaws, **of_samples)
        self.outputs = np.zeros((*design.samples.wanted.shape, LANES // group))

    def _of_samples(self, samples: Samples) -> dict[str, Any]:
        s, n, m, chips = len(samples), self.design.network.n_nodes, self.design.network.n_edges, LANES // self.group
        keeps = any(law.kernel in KEEPING for law in edge_arrays.laws_of(self.design.edges))
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

    @property
    def at_once(self) -> int:
        """Epochs in one call of a kernel."""
        return max(1, PIECE // len(self.design.samples))

    def state(self) -> dict[str, NDArray[Any]]:
        """Copies of all that training changes."""
        return {name: array.copy() for name, array in self._changing().items()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state."""
        for name, array in self._changing().items():
            array[...] = state[name]

    def _changing(self) -> dict[str, NDArray[Any]]:
        chips = self.chips
        return {"u": chips.u, "found": chips.found, "kept": chips.kept, "failed": chips.failed,
                "drawn": chips.flaws.drawn, "outputs": self.outputs}

    def train(self, orders: BlockOrders, steps: Floats) -> Evaluated:
        """Train for as many epochs as there are steps, one at least."""
        for first in range(0, len(steps), self.at_once):
            some = steps[first:first + self.at_once]
            numbers = orders.take(len(some))
            self._train(numbers, some)
        return self._done(self.chips, self.outputs, int((numbers[-1, ..., :self.group] >= 0).sum()))

    def _train(self, numbers: NDArray[np.int64], steps: Floats) -> None:
        """One call of the kernel. numbers : (n_epochs, n_batches, passes, lanes) of samples."""
        updates.train(self.circuit, self.chips, numbers, steps, self.settings, self.work, self.outputs)

    def evaluate(self, samples: Samples | None = None) -> Evaluated:
        """Outputs of other samples, or of those that are learned, without an update."""
        return self._evaluated(self.design.samples if samples is None else samples, samples is None)[0]

    def voltages(self, samples: Samples) -> Floats:
        """(n_chips, n_samples, n_nodes) voltages that samples make."""
        found = self._evaluated(samples, False)[1].found
        return found[:, :self.width].transpose(1, 0, 2)[..., self.design.position]

    def _evaluated(self, samples: Samples, learned: bool) -> tuple[Evaluated, Chips]:
        chips, count = self.chips if learned else self.chips._replace(**self._of_samples(samples)), len(samples)
        every = np.broadcast_to(np.arange(count), (self.width, 1, count))
        orders = in_lanes(every, self.group, self.group)[0, :, 0]
        outputs = np.zeros((count, len(self.chips.first), LANES // self.group))
        updates.evaluate(self.circuit, chips, orders, self.settings, self.work, outputs)
        return self._done(chips, outputs, count), chips

    def _done(self, chips: Chips, outputs: Floats, presented: int) -> Evaluated:
        return Evaluated(outputs.transpose(2, 0, 1)[:self.width].copy(), chips.loss[:self.width] / presented,
                    chips.n_clamped[:self.width] / presented)
