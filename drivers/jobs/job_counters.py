"""What the ranks of a job tell one another while it runs: how far they are, and that all should stop."""
from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from ohmlearn.drivers.display.progress import Counts, Progress
from ohmlearn.parallel.communicator import World
from ohmlearn.parallel.signals import Stopping

STOP, DONE, FAILED, STEPS, RUNNING, SLOTS = range(6)
LOOKS_A_SECOND = 2000.0     # most looks at the shared counters, over all ranks


@dataclass
class JobCounters:
    """One rank's side of the shared counters. Its methods may be called from any thread.

    total : members of the job. before : how many were done, and failed, when it started. progress : on rank 0.
    room : shared integers for others, from SLOTS on.
    """

    world: World
    stopping: Stopping
    total: int
    before: tuple[int, int]
    progress: Progress | None = None
    room: int = 0
    stopped: bool = False

    def __post_init__(self) -> None:
        self.shared = self.world.share(SLOTS + self.room)
        self._lock = threading.Lock()
        self._news = [0] * SLOTS
        self._told_running = 0
        self._pause = max(0.1, self.world.size / LOOKS_A_SECOND)
        self._begin = self._looked = time.monotonic()
        self._started = False

    def member(self, failed: bool) -> None:
        """A member has ended."""
        with self._lock:
            self._news[DONE] += 1
            self._news[FAILED] += failed

    def slice(self, running: int, steps: int) -> None:
        """A block has gone on for a slice: how many members run here, and the steps that it took."""
        with self._lock:
            if not self._started:  # what compiling took says nothing of the time left
                self._started, self._begin = True, time.monotonic()
            self._news[STEPS] += steps
            self._news[RUNNING] = running - self._told_running

    def stop(self) -> None:
        """Ask all ranks to stop."""
        self.stopped = True
        self.shared.add(STOP)

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
            if amount:
                self.shared.add(slot, amount)
                self._news[slot] = 0
                if slot == RUNNING:
                    self._told_running += amount
        if self.progress is not None:
            values = self.shared.get(0, SLOTS).tolist()
            self.stopped = self.stopped or values[STOP] > 0
            self.progress.show(self.counts(values))
        else:
            self.stopped = self.stopped or self.shared.add(STOP, 0) > 0

    def counts(self, values: list[int]) -> Counts:
        """What the counters say, in words' order."""
        elapsed, done = time.monotonic() - self._begin, values[DONE]
        missing = self.total - self.before[0] - done
        return Counts(self.total, self.before[0] + done, self.before[1] + values[FAILED], values[RUNNING],
                      values[STEPS], elapsed, elapsed * missing / done if done else None)

    def finish(self) -> Counts:
        """Tell the last news; every rank has to. The counts are whole on rank 0."""
        with self._lock:
            self._news[RUNNING] = -self._told_running
            self._exchange()
        self.world.wait()
        counts = self.counts(self.shared.get(0, SLOTS).tolist())
        if self.progress is not None:
            self.progress.show(counts, last=True)
            self.progress.close()
        self.world.wait()
        self.shared.close()
        return counts


