"""Dealing work out: items, longest first in each stage, cut into tickets that ranks draw from one shared counter.

The first tickets are large and the last ones a single item, so that few draws are needed and no rank ends long
after the others. Items that have ended tell how long others will take; when some have, rank 0 puts what is left
into a new order and deals anew. All of it happens in integers that the ranks share: no rank waits for another.
"""
from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .communicator import Shared

SHARE = 8               # a ticket holds at most one part in SHARE × workers of the work that is left
ANEW = (0.02, 0.05, 0.1, 0.2, 0.4, 0.7)   # parts of the items that have ended when what is left is dealt anew
RISK = 2.0              # standard deviations by which an item may take longer than expected
CLOSED = 1 << 40        # added to the counter of a deal that is over
LOOK = 0.1              # seconds between looks of rank 0 whether enough has been learned
WAIT = 1e-3             # seconds between looks for a new deal while rank 0 sorts


def tickets(costs: ArrayLike, workers: int, share: float = SHARE) -> NDArray[np.int64]:
    """(n_tickets + 1,) ends of the tickets over items of these expected costs, longest first.

    workers : threads of all ranks.
    """
    work = np.concatenate([[0.0], np.cumsum(np.asarray(costs, dtype=np.float64))])
    ends = [0]
    while ends[-1] < work.size - 1:
        begin = ends[-1]
        wanted = work[begin] + (work[-1] - work[begin]) / (share * workers)
        ends.append(max(begin + 1, int(np.searchsorted(work, wanted, side="right")) - 1))
    return np.array(ends)


def predict(prior: NDArray[np.float64], seconds: NDArray[np.float64],
            factors: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
    """(n_items,) expected ln of the time that items take: `prior`, and what finished ones of each kind exceed it by.

    seconds : (n_items,) times of finished items, 0 for others. factors : for each way to sort the items into kinds,
    (n_items,) the kind of each; the excess is additive over them.
    """
    done = seconds > 0
    expected = prior.copy()
    if not done.any():
        return expected
    excess = np.log(seconds[done]) - prior[done]
    expected += excess.mean()
    effects = [np.zeros(int(kind.max()) + 1) for kind in factors]
    for _ in range(3):
        for effect, kind in zip(effects, factors, strict=True):
            others = sum(e[k[done]] for e, k in zip(effects, factors, strict=True) if e is not effect)
            left = excess - excess.mean() - others
            count = np.bincount(kind[done], minlength=effect.size)
            effect[:] = np.bincount(kind[done], left, minlength=effect.size) / (count + 0.5)
    for effect, kind in zip(effects, factors, strict=True):
        expected += effect[kind]
    return expected


def weights(prior: NDArray[np.float64], seconds: NDArray[np.float64],
            factors: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
    """(n_items,) by which items are ordered: ln of the time that each may well take, arguments as for `predict`.

    That is RISK standard deviations above what is expected, by the coarsest way to sort into kinds: an item that turns
    out long is a small matter at the beginning and holds all others up at the end.
    """
    expected, done = predict(prior, seconds, factors), seconds > 0
    if not done.any() or not factors:
        return expected
    kind = min(factors, key=lambda kinds: int(kinds.max()))
    off = (np.log(seconds[done]) - expected[done]) ** 2
    n_kinds = int(kind.max()) + 1
    spread = np.bincount(kind[done], off, minlength=n_kinds) / (np.bincount(kind[done], minlength=n_kinds) + 0.5)
    return expected + RISK * np.sqrt(spread)[kind]


@dataclass(frozen=True)
class WorkList:
    """The items of a job, the same on all ranks.

    items : (n_items,) their numbers. prior : (n_items,) ln of the time expected of each, up to a constant.
    factors : kinds of items that take alike, see :func:`predict`. workers : threads of all ranks.
    stages : (n_items,) when items have their turn, or None. batches : (n_items,) items of one batch in one stage go
    together, in their order, or None.
    """

    items: NDArray[np.int64]
    prior: NDArray[np.float64]
    factors: Sequence[NDArray[np.int64]]
    workers: int
    stages: NDArray[np.int64] | None = None
    batches: NDArray[np.int64] | None = None

    @cached_property
    def _batches(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Places of the items batch after batch, where each batch begins among them, and its stage."""
        n = self.items.size
        stages = np.zeros(n, dtype=np.int64) if self.stages is None else self.stages
        batches = np.arange(n) if self.batches is None else self.batches
        batches = batches + stages * (int(batches.max(initial=0)) + 1)
        places = np.argsort(batches, kind="stable")
        begins = np.flatnonzero(np.diff(batches[places], prepend=-1))
        return places, begins, stages[places[begins]]

    def order(self, lengths: NDArray[np.float64]) -> NDArray[np.int64]:
        """(n_items,) places of the items in the order in which they go: stage after stage, and in a stage the batch
        first in which one of these lengths (n_items,) is largest."""
        places, begins, stages = self._batches
        if not places.size:
            return places
        turn = np.lexsort((-np.maximum.reduceat(lengths[places], begins), stages))
        sizes = np.diff(begins, append=places.size)[turn]
        return places[np.repeat(begins[turn] - (np.cumsum(sizes) - sizes), sizes) + np.arange(places.size)]

    @property
    def size(self) -> int:
        """Shared integers that dealing needs."""
        return 1 + self.items.size + (len(ANEW) + 1) * (3 + 2 * self.items.size)


class Dealer:
    """One rank's side of the dealing; safe to call from several threads. Every rank makes one.

    The shared integers from `base` on: the number of the deal that counts; microseconds that each item took; and for
    every deal its counter, its number of tickets, their ends, and the places of the items in order.
    """

    def __init__(self, work_list: WorkList, shared: Shared, base: int, first: bool) -> None:
        self._work_list, self._shared, self._base = work_list, shared, base
        self._lock = threading.Lock()
        self._mine: dict[int, deque[int]] = {}  # places of items that were drawn, by thread
        self._out: dict[int, tuple[int, float]] = {}    # items at work: their place, and when they were taken
        self._deal, self._count, self._empty = -1, 0, False
        self._looked, self._dealing = 0.0, threading.Lock()
        if first:
            self._publish(0, work_list.order(work_list.prior), work_list.prior)

    def take(self) -> int | None:
        """The next item, None when all are dealt."""
        with self._lock:
            mine = self._mine.setdefault(threading.get_ident(), deque())
            while not mine and not self._empty:
                self._draw(mine)
            mine = mine or max(self._mine.values(), key=len)
            if not mine:
                return None
            place = mine.popleft()
            number = int(self._work_list.items[place])
            self._out[number] = place, time.monotonic()
            return number

    def finished(self, item: int, steps: int) -> None:
        """Tell that an item has ended."""
        with self._lock:
            place, begun = self._out.pop(item)
        took = max(1, round(1e6 * (time.monotonic() - begun)))
        self._shared.put(self._base + 1 + place, np.array([took]))

    def _place(self, deal: int) -> int:
        return self._base + 1 + self._work_list.items.size + deal * (3 + 2 * self._work_list.items.size)

    def _draw(self, mine: deque[int]) -> None:
        """Draw a ticket, from a newer deal when there is one."""
        if self._deal < 0 or (ticket := self._shared.add(self._place(self._deal))) >= CLOSED:
            while (deal := int(self._shared.get(self._base, 1)[0]) - 1) <= self._deal:
                time.sleep(WAIT)
            self._deal, self._count = deal, int(self._shared.get(self._place(deal) + 1, 1)[0])
        elif ticket >= self._count:
            self._empty = True
        else:
            ends = self._place(self._deal) + 2
            begin, end = self._shared.get(ends + ticket, 2).tolist()
            order = ends + self._work_list.items.size + 1
            mine.extend(self._shared.get(order + begin, end - begin).tolist())

    def _publish(self, deal: int, order: NDArray[np.int64], expected: NDArray[np.float64]) -> None:
        """Make a deal and let it count."""
        ends = tickets(np.exp(expected[order]), self._work_list.workers)
        place = self._place(deal)
        self._shared.put(place + 1, np.array([ends.size - 1]))
        self._shared.put(place + 2, ends)
        self._shared.put(place + 2 + self._work_list.items.size + 1, order)
        self._shared.add(self._base)

    def deal_anew(self) -> bool:
        """On rank 0, now and then: put what is left into a better order when enough has been learned."""
        if time.monotonic() - self._looked < LOOK or not self._dealing.acquire(blocking=False):
            return False
        try:
            self._looked = time.monotonic()
            return self._deal_anew()
        finally:
            self._dealing.release()

    def _deal_anew(self) -> bool:
        n, deal = self._work_list.items.size, int(self._shared.get(self._base, 1)[0]) - 1
        if deal >= len(ANEW):
            return False
        took = self._shared.get(self._base + 1, n)
        if np.count_nonzero(took) < ANEW[deal] * n:
            return False
        expected = weights(self._work_list.prior, took / 1e6, self._work_list.factors)
        order = self._work_list.order(expected)
        place = self._place(deal)
        count = int(self._shared.get(place + 1, 1)[0])
        ends = self._shared.get(place + 2, count + 1)
        before = self._shared.get(place + 2 + n + 1, int(ends[-1]))
        taken = min(self._shared.add(place, CLOSED), count)
        left = np.zeros(n, dtype=bool)
        left[before[ends[taken]:]] = True   # none, if all are dealt: who waits for a new deal has to hear it
        self._publish(deal + 1, order[left[order]], expected)
        return True
