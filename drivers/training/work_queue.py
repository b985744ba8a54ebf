"""The queue of members that feeds the blocks: longest expected first, learning as runs finish."""
from __future__ import annotations

import heapq
import math
import threading
import time
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

SPARING = 50.0      # storing running members takes no more than one part in so many of the time


def next_due(begun: float, checkpoint: float) -> float:
    """When running members are stored again after storing them, begun at a time of the monotonic clock, has ended."""
    now = time.monotonic()
    return now + max(checkpoint, SPARING * (now - begun))


EVALUATION = 12     # steps that an evaluation of the cost is worth to its block, for the order of the queue only


class Queue(Protocol):
    """What a block asks for work. Safe to call from several threads."""

    def take(self) -> int | None:
        """Number of the next member, None when there is none left."""

    def finished(self, number: int, steps: int) -> None:
        """Tell that a member took this many steps, evaluations counted as EVALUATION steps each."""


def expected_log_steps(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """ln of the steps expected at rates R (n,) before anything is known of the tasks, evaluations counted as EVALUATION
    steps:
    means over 100 tasks on the published packing. Below R = 0.1 steps on the slow manifold are few but dear."""
    decades, steps = [-1.5, -1.0, 0.0, 0.75, 6.0, 12.0], [4000.0, 5000.0, 1600.0, 900.0, 1700.0, 2800.0]
    return np.interp(np.log10(np.maximum(np.asarray(rates, dtype=float), 1e-9)), decades, np.log(steps))


class LongestFirst:
    """Members of one process, longest expected first. A task's finished runs predict its others: their mean excess
    over the expectation in R counts for all that are still to come. The order never changes a result."""

    def __init__(self, numbers: NDArray[np.int64], task_of: NDArray[np.int64], rates: NDArray[np.float64]) -> None:
        self._lock = threading.Lock()
        self._expected = dict(zip(numbers.tolist(), expected_log_steps(rates[numbers]).tolist(), strict=True))
        self._task = dict(zip(numbers.tolist(), task_of[numbers].tolist(), strict=True))
        self._waiting: dict[int, list[int]] = {}
        for number in sorted(numbers.tolist(), key=lambda k: (self._expected[k], -k)):
            self._waiting.setdefault(self._task[number], []).append(number)     # longest last
        self._excess = dict.fromkeys(self._waiting, 0.0)         # of all finished runs of a task together
        self._finished = dict.fromkeys(self._waiting, 0)
        self._heap: list[tuple[float, int]] = []
        for task in self._waiting:
            self._push(task)

    def _length(self, task: int) -> float:
        return self._expected[self._waiting[task][-1]] + self._excess[task] / (self._finished[task] + 0.5)

    def _push(self, task: int) -> None:
        if self._waiting[task]:
            heapq.heappush(self._heap, (-self._length(task), task))

    def take(self) -> int | None:
        with self._lock:
            while self._heap:
                length, task = heapq.heappop(self._heap)
                if self._waiting[task] and length == -self._length(task):      # else an outdated entry
                    number = self._waiting[task].pop()
                    self._push(task)
                    return number
            return None

    def finished(self, number: int, steps: int) -> None:
        with self._lock:
            task = self._task[number]
            self._excess[task] += math.log(max(steps, 1)) - self._expected[number]
            self._finished[task] += 1
            self._push(task)
