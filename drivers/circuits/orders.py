"""In which order chips are shown their samples."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.solvers.nonlinear.equilibrium import LANES

KINDS = ("cyclic", "shuffled", "sampled")
Numbers = NDArray[np.int64]


def lanes_of_a_chip(batch: int) -> int:
    """How many lanes side by side a chip has: as many samples of a batch are presented at once."""
    return min(LANES, 1 << (batch - 1).bit_length())


class Orders:
    """Batches of samples for every chip, epoch after epoch.

    order : "cyclic", "shuffled" (anew for every epoch and chip), "sampled" (drawn with replacement), or
    (n_epochs, n_samples) or (n_epochs, n_samples, n_chips) numbers of samples.
    """

    def __init__(self, order: Any, epochs: int, samples: int, chips: int, seed: int, batch: int = 1) -> None:
        self.order, self.epochs, self.samples, self.seed, self.batch = order, epochs, samples, seed, batch
        self.group = lanes_of_a_chip(batch)
        if isinstance(order, str):
            if order not in KINDS:
                raise ValueError(f"order must be 'cyclic', 'shuffled', 'sampled' or numbers of samples, not {order!r}")
            return
        given = np.asarray(order)
        if given.dtype.kind not in "iu" or given.shape not in ((epochs, samples), (epochs, samples, chips)):
            raise ValueError(f"order must be ({epochs}, {samples}) or ({epochs}, {samples}, {chips}) numbers of "
                             f"samples, not of shape {given.shape}")
        if given.size and not 0 <= given.min() <= given.max() < samples:
            raise ValueError(f"order must name samples from 0 to {samples - 1}")
        self.order = np.broadcast_to(given if given.ndim == 3 else given[..., None], (epochs, samples, chips))

    def of_block(self, block: Numbers) -> Iterator[Numbers]:
        """(n_batches, passes, lanes) numbers of samples of epoch after epoch, for the chips of a block; a block that is
        not full repeats its last chip."""
        draws = [np.random.default_rng([self.seed, int(chip)]) for chip in block]
        for epoch in range(self.epochs):
            yield self._in_lanes([self._of_chip(epoch, int(chip), draw)
                                  for chip, draw in zip(block, draws, strict=True)])

    def _of_chip(self, epoch: int, chip: int, draw: np.random.Generator) -> Numbers:
        if not isinstance(self.order, str):
            return self.order[epoch, :, chip].astype(np.int64)
        if self.order == "shuffled":
            return draw.permutation(self.samples)
        return draw.integers(self.samples, size=self.samples) if self.order == "sampled" else np.arange(self.samples)

    def _in_lanes(self, orders: list[Numbers]) -> Numbers:
        return in_lanes(orders, self.batch, self.group)


def in_lanes(orders: list[Numbers], batch: int, group: int) -> Numbers:
    """(n_batches, passes, lanes) from the orders of the chips of a block; -1 where a lane has no sample."""
    orders = orders + orders[-1:] * (LANES // group - len(orders))
    count, passes = -(-orders[0].size // batch), -(-batch // group)
    found = np.full((count, passes, len(orders), group), -1)
    for k, order in enumerate(orders):
        padded = np.full(count * batch, -1)
        padded[:order.size] = order
        wide = np.full((count, passes * group), -1)
        wide[:, :batch] = padded.reshape(count, batch)
        found[:, :, k] = wide.reshape(count, passes, group)
    return np.ascontiguousarray(found.reshape(count, passes, LANES))
