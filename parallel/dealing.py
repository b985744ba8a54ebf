"""Dealing work out: a list of items, longest first, cut into tickets that ranks draw from one shared counter.

The first tickets are large and the last ones a single item, so that few draws are needed and no rank ends long
after the others. Only the counter is shared: which items a ticket stands for, every rank works out by itself.
"""
from __future__ import annotations

import threading
from collections import deque

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .world import Counters

SHARE = 4      # a ticket holds at most one part in SHARE × workers of the work that is left


def tickets(costs: ArrayLike, workers: int, share: float = SHARE) -> NDArray[np.int64]:
    """(n_tickets + 1,) ends of the tickets over items of these expected costs, longest first.

    workers : how many items are worked on at once, over all ranks.
    """
    work = np.concatenate([[0.0], np.cumsum(np.asarray(costs, dtype=np.float64))])
    ends = [0]
    while ends[-1] < work.size - 1:
        begin = ends[-1]
        wanted = work[begin] + (work[-1] - work[begin]) / (share * workers)
        ends.append(max(begin + 1, int(np.searchsorted(work, wanted, side="right")) - 1))
    return np.array(ends)


class Dealer:
    """Gives one rank its items; safe to call from several threads."""

    def __init__(self, items: ArrayLike, ends: NDArray[np.int64], counters: Counters, slot: int) -> None:
        self._items = np.asarray(items, dtype=np.int64)
        self._ends, self._counters, self._slot = ends, counters, slot
        self._mine: deque[int] = deque()
        self._lock = threading.Lock()
        self._empty = False

    def take(self) -> int | None:
        """The next item, None when all are dealt."""
        with self._lock:
            if not self._mine and not self._empty:
                ticket = self._counters.add(self._slot)
                if ticket + 1 >= self._ends.size:
                    self._empty = True
                else:
                    self._mine.extend(self._items[self._ends[ticket]:self._ends[ticket + 1]].tolist())
            return self._mine.popleft() if self._mine else None

    def finished(self, item: int, steps: int) -> None:
        """Items do not change the order of others: it is settled before the start, on every rank alike."""
