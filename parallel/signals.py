"""Ending in good order when a signal says so."""
from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, ClassVar

# a batch system's warning, its end, and Ctrl-C
SIGNALS = (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT)
STOPPED = 75        # exit code of what a signal ended before it was done: the system's "try again"


def told_to_end(number: int) -> SystemExit:
    """What a handler raises to end the process; a callback of LLVM that loses it finds the signal in it."""
    error = SystemExit(STOPPED)
    error.signal = number   # type: ignore[attr-defined]
    return error


@contextmanager
def handled(numbers: Sequence[signal.Signals], handler: Any) -> Iterator[None]:
    """In this context signals have a handler, or are ignored (signal.SIG_IGN)."""
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


@contextmanager
def ended_by_signals(remedy: str) -> Iterator[None]:
    """In this context the signals of a batch system end the process with SystemExit(75) and a line of words."""

    def end(number: int, frame: FrameType | None) -> None:
        raise told_to_end(number)

    try:
        with handled((signal.SIGUSR1, signal.SIGTERM), end):
            yield
    except SystemExit as error:
        if hasattr(error, "signal"):
            print(f"stopped by {signal.Signals(error.signal).name}; {remedy}", file=sys.stderr)
        raise


@contextmanager
def ignored_when_done() -> Iterator[None]:
    """In this context signals end the process as they would without it until a :class:`Stopping` is open, and are
    ignored once that is left: the work is done then, and a late signal changes nothing."""
    opened = Stopping.opened

    def late(number: int, frame: FrameType | None) -> None:
        if Stopping.opened == opened:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    with handled(SIGNALS, late):
        yield


class Stopping:
    """While this context is open a signal only sets `asked`; a second Ctrl-C interrupts at once.

    Until `ready` is set there is nothing to end in good order, and a signal ends the process with SystemExit(75).
    A signal that came too late to end anything, as `heeded` was not set, comes once more when the context is left.
    opened : how many of them this process has entered.
    """

    opened: ClassVar[int] = 0

    def __init__(self) -> None:
        self.asked: str | None = None
        self.ready = self.heeded = False
        self._before: dict[int, object] = {}
        self._parent = os.getppid()

    def orphaned(self) -> bool:
        """Whether the process that started this one, a launcher say, is gone."""
        return os.getppid() != self._parent

    def __enter__(self) -> Stopping:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._ask) for number in SIGNALS}
        Stopping.opened += 1
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)  # type: ignore[arg-type]
        if self.asked is not None and kind is None and not self.heeded:
            os.kill(os.getpid(), signal.Signals[self.asked])

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and (not self.ready or self.asked == "SIGINT"):
            raise KeyboardInterrupt
        if not self.ready:
            raise told_to_end(number)
        self.asked = signal.Signals(number).name
