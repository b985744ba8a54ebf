"""The ranks that share a network: those of the launcher that started this process, or this process alone."""
from __future__ import annotations

from functools import cache

from ohmlearn.parallel.communicator import World
from ohmlearn.parallel.launch import join


@cache
def ranks() -> World:
    """The world of this process, joined once: parts of networks keep its communicator as long as they live."""
    return join()
