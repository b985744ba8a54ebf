"""Where compiled code is kept, a word while it is being made, and a word where it cannot be kept."""
from __future__ import annotations

import functools
import os
import sys
import warnings
from time import perf_counter
from typing import Any

REMEDY = "set OHMLEARN_CACHE to a folder of your own that can be written, or to off to have no such warning"
PATIENCE = 1.0          # seconds of compiling before a word is said


def place() -> str:
    """The folder of compiled code, or why there is none."""
    from ohmlearn.kernels.simd.compile_cache import cache_folder, refusal

    folder = cache_folder()
    if folder is not None:
        return str(folder) if os.access(folder, os.W_OK) else f"{folder}, which is only read"
    return "not kept, as asked" if wanted_off() else f"not kept: {refusal()}; {REMEDY}"


def wanted_off() -> bool:
    """Whether the user turned the cache off."""
    return os.environ.get("OHMLEARN_CACHE", "").lower() == "off"


@functools.cache
def prepare() -> None:
    """Say, once in a process, that compiled code is not kept although nobody asked for that; and watch for the first
    compiling, which takes some 20 seconds in which nothing else is to be seen."""
    from numba.core import event
    from ohmlearn.kernels.simd.compile_cache import cache_folder, refusal

    if cache_folder() is None and not wanted_off():
        warnings.warn(f"compiled code is not kept, so every start compiles for a minute: {refusal()}; {REMEDY}",
                      RuntimeWarning, stacklevel=4)

    class Listener(event.Listener):
        def on_start(self, event: Any) -> None:
            WATCH.begins(event.data["dispatcher"].py_func.__module__ or "")

        def on_end(self, event: Any) -> None:
            WATCH.ends(event.data["dispatcher"].py_func.__module__ or "")

    event.register("numba:compile", Listener())


class Watch:
    """Says which kernels are being compiled, a line for each file of them, when that has taken a moment. One compiles
    at a time: Numba's lock."""

    def __init__(self) -> None:
        self.depth, self.began, self.spent, self.quiet, self.name = 0, 0.0, 0.0, False, ""
        self.told: set[str] = set()

    def begins(self, module: str) -> None:
        """A function of this module is about to be compiled, perhaps within another."""
        if module.startswith("ohmlearn."):
            if self.depth == 0:
                self.began, self.name = perf_counter(), module.removeprefix("ohmlearn.").removeprefix("kernels.")
            self.depth += 1
            self.tell()

    def ends(self, module: str) -> None:
        """It is compiled."""
        if module.startswith("ohmlearn.") and self.depth:
            self.depth -= 1
            if self.depth:
                self.tell()
            else:
                self.spent += perf_counter() - self.began

    def tell(self) -> None:
        """Say it, if it is time to."""
        if not (self.quiet or self.name in self.told) and self.spent + perf_counter() - self.began > PATIENCE:
            self.told.add(self.name)
            once = "at every start" if wanted_off() else "once"
            print(f"ohmlearn: compiling {self.name} for this processor, {once} ...", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Say how long it took, where it was said that it goes on."""
        if self.told and self.spent > PATIENCE:
            print(f"ohmlearn: compiled in {self.spent:.0f} s; compiled code is kept in {place()}"
                  if not wanted_off() else f"ohmlearn: compiled in {self.spent:.0f} s", file=sys.stderr, flush=True)
            self.told, self.spent = set(), 0.0


WATCH = Watch()


def compiled() -> None:
    """Say how long compiling took, if a word of it was said."""
    WATCH.close()


def hush() -> None:
    """Say nothing of compiling in this process: progress is not wanted."""
    WATCH.quiet = True
