"""Ending in good order when a signal says so."""
from __future__ import annotations

import os
import signal
import threading
from types import FrameType, TracebackType

# a batch system's warning, its end, and Ctrl-C
SIGNALS = (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT)


class Stopping:
    """While this context is open a signal only sets `asked`; a second Ctrl-C interrupts at once.

    Until `ready` is set there is nothing to end in good order, and a signal ends the process with SystemExit(`code`).
    """

    def __init__(self, code: int) -> None:
        self.asked: str | None = None
        self.ready = False
        self._code = code
        self._before: dict[int, object] = {}
        self._parent = os.getppid()

    def orphaned(self) -> bool:
        """Whether the process that started this one, a launcher say, is gone."""
        return os.getppid() != self._parent

    def __enter__(self) -> Stopping:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._ask) for number in SIGNALS}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)  # type: ignore[arg-type]

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and (not self.ready or self.asked == "SIGINT"):
            raise KeyboardInterrupt
        if not self.ready:
            error = SystemExit(self._code)
            error.signal = number   # type: ignore[attr-defined]  # where a callback loses it, it comes once more
            raise error
        self.asked = signal.Signals(number).name
