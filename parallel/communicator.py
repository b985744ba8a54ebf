"""The processes that share a job: one alone, or the ranks of an MPI launcher.

What goes between them is little: some shared integers on rank 0,
values that rank 0 hands to all, and values gathered there at the end.
"""
from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")

PAUSE = 0.002  # seconds between looks of a rank that waits for the others; a busy wait would steal their cores


class RankError(RuntimeError):
    """What went wrong on some rank, raised on all of them. `cause` is the error itself where it can travel.

    `plain` : it is a matter of the user's input or machine, for which the message is enough.
    """

    def __init__(self, text: str, plain: bool = False) -> None:
        super().__init__(text, plain)
        self.plain = plain

    def __str__(self) -> str:
        return str(self.args[0])

    @property
    def brief(self) -> str:
        """The error on one line: where it was met, and what it says."""
        lines = str(self).strip().splitlines()
        return f"{lines[0]} {lines[-1]}" if len(lines) > 1 else lines[0]

    @classmethod
    def told(cls, error: BaseException, rank: int) -> RankError:
        """The error in words, with its traceback unless the words are enough."""
        if isinstance(error, cls):
            return error
        if isinstance(error, PLAIN):
            return cls(" ".join(str(error).split()) or type(error).__name__, plain=True)
        return cls(f"on rank {rank}:\n{''.join(traceback.format_exception(error))}")


PLAIN = (ValueError, TypeError, OSError)


class Shared:
    """Integers that all ranks read and write, all 0 at first. These are for one process alone."""

    def __init__(self, count: int) -> None:
        self._values = np.zeros(count, dtype=np.int64)
        self._lock = threading.Lock()

    def add(self, place: int, amount: int = 1) -> int:
        """Add to one of them; returns its value before. No other rank comes between."""
        with self._lock:
            before = int(self._values[place])
            self._values[place] += amount
            return before

    def get(self, begin: int, count: int) -> NDArray[np.int64]:
        """Some of them as they are now."""
        with self._lock:
            return self._values[begin:begin + count].copy()

    def put(self, begin: int, values: NDArray[np.int64]) -> None:
        """Write some of them."""
        with self._lock:
            self._values[begin:begin + len(values)] = values

    def close(self) -> None:
        """Give them up; every rank has to."""


class World:
    """One process alone; :class:`ohmlearn.parallel.mpi.MpiWorld` is the same for many."""

    rank = 0
    size = 1

    @cached_property
    def comm(self) -> Any:
        """The mpi4py communicator of the ranks; asked of one process alone, it starts MPI."""
        try:
            from mpi4py import MPI
        except (ImportError, RuntimeError) as error:
            raise no_library(error) from error
        return MPI.COMM_SELF

    def share(self, count: int) -> Shared:
        """Integers shared by all ranks; every rank has to ask for them."""
        return Shared(count)

    def share_of_cores(self, cores: int) -> int:
        """The cores that are this rank's own, of those that it may run on."""
        return cores

    def wait(self) -> None:
        """Go on when all ranks are here."""

    def once_a_node(self, job: Callable[[], object]) -> None:
        """Do the job on rank 0, then on one rank of every other node; all wait for it."""
        job()

    def first(self, job: Callable[[], T]) -> T:
        """What `job` gives on rank 0, on every rank; an exception there is raised on every rank."""
        return job()

    def together(self, job: Callable[[], T]) -> T:
        """What `job` gives here; if it raises on any rank, all raise one error that tells each trouble once."""
        return job()

    def gather(self, value: T) -> list[T]:
        """The values of all ranks, on rank 0; elsewhere an empty list."""
        return [value]

    def everywhere(self, value: T) -> list[T]:
        """The values of all ranks, on every rank."""
        return [value]

    def abort(self, code: int) -> None:
        """End all other ranks at once, when this one cannot go on."""

    def close(self) -> None:
        """Leave the others."""


def no_library(error: Exception) -> OSError:
    """What to say where mpi4py finds no library, which is a RuntimeError of many lines."""
    return OSError(f"no MPI library was found ({str(error).splitlines()[0]}): pip install 'ohmlearn[mpich]' brings one "
                   "with its mpiexec, a cluster's own comes by its module; --no-mpi runs without MPI")


def wait_for(request: Any) -> None:
    """Wait for an MPI request without keeping a core busy."""
    while not request.Test():
        time.sleep(PAUSE)
