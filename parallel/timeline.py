"""What the threads of a rank did when: working, waiting for work, writing, waiting for the other ranks."""
from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

SHORT = 1e-3    # seconds; shorter spans are left out
MOST, LEAST = 1_000_000, 500    # spans of all ranks, and of one; when a rank has more, the shorter half goes
WORKING, WAITING, WRITING = "working", "waiting for work", "writing"
STARTING, OTHERS = "starting", "waiting for others"


class Span(NamedTuple):
    """Something that a thread did. begin, end : seconds of the machine's clock."""

    thread: str
    what: str
    begin: float
    end: float


class Timeline:
    """Spans of one rank, from any thread.

    wanted : False keeps none of them, only how long threads work. ranks : how many there are, as rank 0 gets all spans.
    """

    def __init__(self, wanted: bool = True, ranks: int = 1) -> None:
        self._most = max(MOST // ranks, LEAST)
        self.spans: list[Span] = []
        self._working: dict[str, tuple[float, float]] = {}
        self._short = SHORT if wanted else float("inf")
        self._lock = threading.Lock()

    def add(self, what: str, begin: float, end: float) -> None:
        """Note a span of this thread that has ended; times of `time.time()`."""
        if end - begin >= self._short:
            with self._lock:
                self.spans.append(Span(threading.current_thread().name, what, begin, end))
                if len(self.spans) > self._most:
                    self.spans = sorted(self.spans, key=lambda span: span.end - span.begin)[-self._most // 2:]
                    self._short = self.spans[0].end - self.spans[0].begin

    def touch(self) -> None:
        """This thread works: it has begun to, or still does."""
        now, name = time.time(), threading.current_thread().name
        self._working[name] = self._working.get(name, (now, now))[0], now

    def finish(self) -> list[Span]:
        """All spans, the threads' work among them, in order of their begin."""
        work = [Span(name, WORKING, begin, end) for name, (begin, end) in self._working.items()]
        return sorted(self.spans + work, key=lambda span: span.begin)

    @contextmanager
    def span(self, what: str) -> Iterator[None]:
        """Note how long the block takes."""
        begin = time.time()
        try:
            yield
        finally:
            self.add(what, begin, time.time())


def seconds(spans: list[Span]) -> dict[str, float]:
    """Seconds by kind, over all threads; a working thread's waits for work do not count as work."""
    total: dict[str, float] = {}
    for span in spans:
        total[span.what] = total.get(span.what, 0.0) + span.end - span.begin
    if WORKING in total:
        total[WORKING] -= total.get(WAITING, 0.0)
    return total
