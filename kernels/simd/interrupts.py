"""Signals while kernels are compiled.

LLVM calls back into Python, and what a signal's handler raises there, KeyboardInterrupt say, is printed and lost: the
compiling goes on as if nobody had pressed Ctrl-C. Here it is raised once more, a moment later.
"""
from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any

AGAIN = 0.05        # seconds until the signal comes once more


def keep_interrupts() -> None:
    """Have the exceptions of signals that a callback of LLVM lost raised again. A handler says which signal it was by
    an attribute `signal` of its exception; KeyboardInterrupt is SIGINT."""
    before = sys.unraisablehook

    def hook(lost: Any) -> None:
        number = getattr(lost.exc_value, "signal", None)
        if isinstance(lost.exc_value, KeyboardInterrupt):
            number = signal.SIGINT
        if number is None or threading.current_thread() is not threading.main_thread():
            return before(lost)
        timer = threading.Timer(AGAIN, os.kill, (os.getpid(), number))
        timer.daemon = True
        timer.start()

    sys.unraisablehook = hook
