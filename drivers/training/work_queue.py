"""The queue of members that feeds the blocks: bands of rates, in them tasks longest first, learning as runs finish."""
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
    steps: means over 100 tasks on the published packing. Below R = 0.1 steps on the slow manifold are few but dear."""
    decades, steps = [-1.5, -1.0, 0.0, 0.75, 6.0, 12.0], [4000.0, 5000.0, 1600.0, 900.0, 1700.0, 2800.0]
    return np.interp(np.log10(np.maximum(np.asarray(rates, dtype=float), 1e-9)), decades, np.log(steps))


BAND = 8    # rates of a band: as many as lanes of a block


def bands(rates: NDArray[np.float64]) -> NDArray[np.int64]:
    """(n,) when rates (n,) have their turn, 0 first: eight neighbours together, those that take longest first.

    Members of one task at neighbouring rates go side by side in a block: their costs are evaluated in the same steps,
    which costs a block the same for one lane as for all. Below R = 0.1 come first whatever is expected: of 450 tasks on
    the published packing one takes a thousand times as long there as the others, and all wait if it begins late."""
    distinct, which = np.unique(-np.asarray(rates, dtype=float), return_inverse=True)
    expected = np.where(distinct > -0.1, np.inf, expected_log_steps(-distinct))
    longest = np.maximum.reduceat(expected, np.arange(0, distinct.size, BAND))
    turn = np.empty(longest.size, dtype=np.int64)
    turn[np.argsort(-longest, kind="stable")] = np.arange(longest.size)
    return turn[which // BAND]


class LongestFirst:
    """Members of one process: band after band, and in a band the tasks that take longest first, as the mean excess of
    their finished runs over the expectation tells. The members of a task in a band go to one thread, while there are
    others. The order never changes a result."""

    def __init__(self, numbers: NDArray[np.int64], task_of: NDArray[np.int64], rates: NDArray[np.float64]) -> None:
        self._lock = threading.Lock()
        self._expected = dict(zip(numbers.tolist(), expected_log_steps(rates[numbers]).tolist(), strict=True))
        self._task = dict(zip(numbers.tolist(), task_of[numbers].tolist(), strict=True))
        self._excess: dict[int, tuple[float, int]] = dict.fromkeys(self._task.values(), (0.0, 0))
        self._bands: list[dict[int, list[int]]] = []        # members by task, the last ones first
        before = -1
        band = bands(rates[numbers])
        for k in np.lexsort((rates[numbers], -band)).tolist():
            if band[k] != before:
                before = band[k]
                self._bands.append({})
            number = int(numbers[k])
            self._bands[-1].setdefault(self._task[number], []).append(number)
        self._heap: list[tuple[float, int]] = []            # of the last band
        self._begun: dict[int, list[int]] = {}              # what a thread takes next

    def _length(self, task: int) -> float:
        total, count = self._excess[task]
        return total / (count + 0.5)

    def take(self) -> int | None:
        with self._lock:
            mine = self._begun.setdefault(threading.get_ident(), [])
            if not mine:
                mine = self._begun[threading.get_ident()] = self._next_task()
            if not mine:
                mine = max(self._begun.values(), key=len)
            return mine.pop() if mine else None

    def _next_task(self) -> list[int]:
        """The members of the next task of the band, none when all are given out."""
        while self._bands:
            if not self._heap:
                self._heap = [(-self._length(task), task) for task in self._bands[-1]]
                heapq.heapify(self._heap)
            while self._heap:
                length, task = heapq.heappop(self._heap)
                if task in self._bands[-1] and length == -self._length(task):      # else an outdated entry
                    return self._bands[-1].pop(task)
            self._bands.pop()
        return []

    def finished(self, number: int, steps: int) -> None:
        with self._lock:
            task = self._task[number]
            total, count = self._excess[task]
            self._excess[task] = total + math.log(max(steps, 1)) - self._expected[number], count + 1
            if self._bands and task in self._bands[-1] and self._heap:
                heapq.heappush(self._heap, (-self._length(task), task))
