"""What the ranks of a job tell one another while it runs: how far they are, and that all should stop."""
from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from ohmlearn.parallel.stopping import Stopping
from ohmlearn.parallel.world import World

from .progress import Counts, Progress

TICKET, STOP, DONE, FAILED, STEPS, WORK, RUNNING, SLOTS = range(8)
LOOKS_A_SECOND = 2000.0     # most looks at the shared counters, over all ranks
UNIT = 1e-3                 # of expected work, as counters hold integers


@dataclass
class Board:
    """One rank's side of the shared counters. Its methods may be called from any thread.

    before : members and work that were done when the job started; total : what there is in all. progress : on rank 0.
    """

    world: World
    stopping: Stopping
    total: tuple[int, float]
    before: tuple[int, int, float]
    progress: Progress | None = None
    stopped: bool = False

    def __post_init__(self) -> None:
        self.counters = self.world.counters(SLOTS)
        self._lock = threading.Lock()
        self._news = [0.0] * SLOTS
        self._told_running = 0
        self._pause = max(0.1, self.world.size / LOOKS_A_SECOND)
        self._begin = self._looked = time.monotonic()

    def member(self, failed: bool, work: float) -> None:
        """A member has ended."""
        with self._lock:
            self._news[DONE] += 1
            self._news[FAILED] += failed
            self._news[WORK] += work / UNIT

    def slice(self, running: int, steps: int) -> None:
        """A block has gone on for a slice: how many members run here, and the steps that it took."""
        with self._lock:
            self._news[STEPS] += steps
            self._news[RUNNING] = running - self._told_running

    def stop(self) -> None:
        """Ask all ranks to stop."""
        self.stopped = True
        self.counters.add(STOP)

    def adrift(self) -> bool:
        """Whether the launcher of this rank is gone: the others are not to be waited for, and nobody listens."""
        return self.world.size > 1 and self.stopping.orphaned()

    def poll(self) -> bool:
        """Tell the news and hear the others', not too often. True when all should stop."""
        if self.adrift():
            self.stopped = True
        elif self.stopping.asked and not self.stopped:
            self.stop()
        if self.stopped or time.monotonic() - self._looked < self._pause:
            return self.stopped
        if self._lock.acquire(blocking=False):  # another thread is at it otherwise
            try:
                self._looked = time.monotonic()
                self._exchange()
            finally:
                self._lock.release()
        return self.stopped

    def _exchange(self) -> None:
        for slot, amount in enumerate(self._news):
            if int(amount):
                self.counters.add(slot, int(amount))
                self._news[slot] -= int(amount)
                if slot == RUNNING:
                    self._told_running += int(amount)
        if self.progress is not None:
            values = self.counters.read()
            self.stopped = self.stopped or values[STOP] > 0
            self.progress.show(self.counts(values))
        else:
            self.stopped = self.stopped or self.counters.add(STOP, 0) > 0

    def counts(self, values: list[int]) -> Counts:
        """What the counters say, in words' order."""
        elapsed = time.monotonic() - self._begin
        work = values[WORK] * UNIT
        left = elapsed * max(self.total[1] - self.before[2] - work, 0.0) / work if work > 0 else None
        return Counts(self.total[0], self.before[0] + values[DONE], self.before[1] + values[FAILED], values[RUNNING],
                      values[STEPS], elapsed, left)

    def finish(self) -> Counts:
        """Tell the last news; every rank has to. The counts are whole on rank 0."""
        with self._lock:
            self._news[RUNNING] = -self._told_running
            self._exchange()
        self.world.wait()
        counts = self.counts(self.counters.read())
        if self.progress is not None:
            self.progress.show(counts, last=True)
            self.progress.close()
        self.world.wait()
        self.counters.close()
        return counts


