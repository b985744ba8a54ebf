"""The ranks that share a network: those of the launcher that started this process, or this process alone."""
from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from ohmlearn.drivers.jobs.exit_codes import BAD_INPUT
from ohmlearn.parallel.communicator import World
from ohmlearn.parallel.launch import join


@cache
def ranks() -> World:
    """The world of this process, joined once: parts of networks keep its communicator as long as they live."""
    return join()


@contextmanager
def told_once() -> Iterator[None]:
    """In this context bad input, which all ranks meet alike, ends the other ranks without a word: rank 0 tells it."""
    try:
        yield
    except (ValueError, TypeError, OSError):
        if ranks().rank > 0:
            sys.exit(BAD_INPUT)
        raise
