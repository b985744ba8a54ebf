"""In which order samples are presented to chips."""
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.solvers.nonlinear.equilibrium import LANES

Numbers = NDArray[np.int64]
AT_ONCE = 100       # epochs whose orders are held in memory while they are left out


def lanes_of_a_chip(batch: int) -> int:
    """How many lanes side by side a chip has: as many samples of a batch are presented at once."""
    return min(LANES, 1 << (batch - 1).bit_length())


class Orders:
    """Batches of samples for every chip, epoch after epoch. order : checked."""

    def __init__(self, order: Any, batch: int, epochs: int, samples: int, chips: int, seed: int) -> None:
        self.order, self.batch, self.epochs, self.samples, self.seed = order, batch, epochs, samples, seed
        self.group = lanes_of_a_chip(batch)
        if isinstance(self.order, str):
            return
        numbers = np.asarray(self.order)
        if numbers.shape not in ((epochs, samples), (epochs, samples, chips)):
            raise ValueError(f"order must be ({epochs}, {samples}) or ({epochs}, {samples}, {chips}) numbers of "
                             f"samples, not of shape {numbers.shape}")
        if numbers.size and not numbers.max() < samples:
            raise ValueError(f"order must name samples from 0 to {samples - 1}")
        self.order = np.broadcast_to(numbers if numbers.ndim == 3 else numbers[..., None], (epochs, samples, chips))

    def of_block(self, block: Numbers) -> BlockOrders:
        """Those of the chips of a block, to be taken a number of epochs at a time."""
        return BlockOrders(self, block)


class BlockOrders:
    """The orders of the chips of a block; a block that is not full repeats its last chip."""

    def __init__(self, orders: Orders, block: Numbers) -> None:
        self.orders, self.block, self.done = orders, block, 0
        self.draws = [np.random.default_rng([orders.seed, int(chip)]) for chip in block]

    def take(self, epochs: int) -> Numbers:
        """(n_epochs, n_batches, passes, lanes) numbers of samples in the next epochs; -1 where a lane has none."""
        every = [self._of_chip(int(chip), draw, epochs) for chip, draw in zip(self.block, self.draws, strict=True)]
        self.done += epochs
        return in_lanes(np.stack(every), self.orders.batch, self.orders.group)

    def skip(self, epochs: int) -> None:
        """Draw what the next epochs would be, and leave them out."""
        for first in range(0, epochs, AT_ONCE):
            for chip, draw in zip(self.block, self.draws, strict=True):
                self._of_chip(int(chip), draw, min(AT_ONCE, epochs - first))
            self.done += min(AT_ONCE, epochs - first)

    def _of_chip(self, chip: int, draw: np.random.Generator, epochs: int) -> Numbers:
        order, samples = self.orders.order, self.orders.samples
        if not isinstance(order, str):
            return np.asarray(order)[self.done:self.done + epochs, :, chip].astype(np.int64)
        if order == "shuffled":
            return np.stack([draw.permutation(samples) for _ in range(epochs)])
        if order == "sampled":
            return draw.integers(samples, size=(epochs, samples))
        return np.broadcast_to(np.arange(samples), (epochs, samples))


def in_lanes(orders: Numbers, batch: int, group: int) -> Numbers:
    """(n_epochs, n_batches, passes, lanes) from orders (n_chips, n_epochs, n_samples) of the chips of a block; -1 where
    a lane has no sample."""
    chips, epochs, samples = orders.shape
    count, passes = -(-samples // batch), -(-batch // group)
    padded = np.full((chips, epochs, count * batch), -1)
    padded[..., :samples] = orders
    wide = np.full((chips, epochs, count, passes * group), -1)
    wide[..., :batch] = padded.reshape(chips, epochs, count, batch)
    lanes = wide.reshape(chips, epochs, count, passes, group).transpose(1, 2, 3, 0, 4)
    every = lanes[..., np.minimum(np.arange(LANES // group), chips - 1), :]
    return np.ascontiguousarray(every).reshape(epochs, count, passes, LANES)
