"""The training of a block of chips on data, record after record."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.drivers.recording.recorded_states import State

from .chip_block import ChipBlock, Evaluated
from .learned import score_of
from .orders import BlockOrders
from .samples import Samples

Floats = NDArray[np.float64]
OWN = "done", "curves", "values", "best", "stopped", "going"        # what a training changes beside its block


class BlockTraining:
    """Chips of a block, trained epoch after epoch, with a record every so many.

    steps : (n_epochs,) of the updates. check : validation samples. patience : epochs without a better validation score
    after which a chip stops. classes : whether samples have them.
    """

    def __init__(self, block: ChipBlock, orders: BlockOrders, steps: Floats, every: int, check: Samples | None,
                 patience: int | None, classes: bool) -> None:
        self.block, self.orders, self.steps, self.every = block, orders, steps, every
        self.check, self.patience, self.classes = check, patience, classes
        self.done = 0
        self.curves = np.full((5, len(steps) // every, block.width), np.nan)
        self.values, self.best = block.values, np.full(block.width, -np.inf)
        self.stopped, self.going = np.zeros(block.width, dtype=np.int64), np.ones(block.width, dtype=bool)

    @property
    def ended(self) -> bool:
        """Whether there is nothing left to do."""
        return self.done == len(self.steps) or not self.going.any()

    def run(self, tell: Callable[[int, Floats], None], pause: Callable[[], bool] | None = None) -> None:
        """All epochs, or those until every chip has stopped. tell(epochs done, record) is called after each record;
        pause() before every call of a kernel and at the end, and where it is true this call ends."""
        while not (pause is not None and pause()) and not self.ended:
            record = self.advance()
            if record is not None:
                tell(self.done, record)

    def advance(self) -> Floats | None:
        """As many epochs as one call of a kernel does, or until the next record. Returns the record (5, n_chips)."""
        record_at = min(self.done + self.every - self.done % self.every, len(self.steps))
        some = self.steps[self.done:min(record_at, self.done + self.block.at_once)]
        now = self.block.train(self.orders, some)
        self.done += len(some)
        if self.done < record_at:
            return None
        record = self._record(now)
        if self.done % self.every == 0:
            self.curves[:, self.done // self.every - 1] = record
        self._keep(record[4])
        return record

    def _record(self, now: Evaluated) -> Floats:
        """(5, n_chips) loss, score and clamped fraction of the samples that are learned, loss and score of others."""
        record = np.full((5, self.block.width), np.nan)
        record[:3] = now.loss, self._score(now, self.block.design.samples), now.clamped
        if self.check is not None:
            after = self.block.evaluate(self.check)
            record[3:] = after.loss, self._score(after, self.check)
        record[:, ~self.going] = np.nan
        return record

    def _score(self, evaluated: Evaluated, samples: Samples) -> Floats:
        return score_of(evaluated.outputs, samples.wanted, samples.labels if self.classes else None)

    def _keep(self, score: Floats) -> None:
        """Keep what chips have learned that go on: always, or where they are better than before."""
        better = self.going & (True if self.patience is None else score > self.best)
        self.values[better], self.stopped[better] = self.block.values[better], self.done
        self.best[better] = score[better]
        if self.patience is not None:
            self.going &= self.done - self.stopped < self.patience

    def state(self) -> State:
        """Copies of all that training changes."""
        own = {name: np.array(getattr(self, name)) for name in OWN}
        return own | self.block.state()

    def restore(self, state: State) -> None:
        """Go on from a state. The training must be at its beginning."""
        for name in OWN:
            setattr(self, name, state[name].copy())
        self.done = int(self.done)
        self.block.restore(state)
        self.orders.skip(self.done)

    def found(self) -> tuple[NDArray[Any], ...]:
        """Values, curves (5, n_records, n_chips), epochs of the values, failures."""
        return self.values, self.curves, self.stopped, self.block.failures
