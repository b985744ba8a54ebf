"""The processes that share a job: one alone, or the ranks of an MPI launcher.

A rank finds the others with :func:`join`. What goes between them is little: a few shared counters on rank 0,
values that rank 0 hands to all, and values gathered there at the end.
"""
from __future__ import annotations

import os
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")

# set by a launcher in each process that it starts: Hydra and PMI, PMIx, Open MPI, MVAPICH, PALS
LAUNCHED = ("PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK", "PALS_RANKID")
SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS")
PAUSE = 0.002  # seconds between looks of a rank that waits for the others; a busy wait would steal their cores


class RankError(RuntimeError):
    """Something that went wrong on one rank, told to all; the text says what and where."""


class Counters:
    """Integers that all ranks add to. These are for one process alone."""

    def __init__(self, count: int) -> None:
        self._values = [0] * count
        self._lock = threading.Lock()

    def add(self, slot: int, amount: int = 1) -> int:
        """Add to a counter; returns its value before."""
        with self._lock:
            before = self._values[slot]
            self._values[slot] += amount
            return before

    def read(self) -> list[int]:
        """All values now."""
        with self._lock:
            return list(self._values)

    def close(self) -> None:
        """Give them up; every rank has to."""


class World:
    """One process alone; :class:`ohmlearn.parallel.mpi.MpiWorld` is the same for many."""

    rank = 0
    size = 1

    def counters(self, count: int) -> Counters:
        """Counters shared by all ranks, all 0; every rank has to ask for them."""
        return Counters(count)

    def share_of_cores(self, cores: int) -> int:
        """The cores that are this rank's own, of those that it may run on."""
        return cores

    def wait(self) -> None:
        """Go on when all ranks are here."""

    def in_turn(self, job: Callable[[], object]) -> None:
        """Do the job here: once, then on one rank of every other node, then on the other ranks."""
        job()

    def first(self, job: Callable[[], T]) -> T:
        """What `job` gives on rank 0, on every rank; an exception there is raised on every rank."""
        return job()

    def gather(self, value: T) -> list[T]:
        """The values of all ranks, on rank 0; elsewhere an empty list."""
        return [value]

    def abort(self, code: int) -> None:
        """End all other ranks at once, when this one cannot go on."""

    def close(self) -> None:
        """Leave the others."""


def launched(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether an MPI launcher started this process, by the environment that it leaves.

    A Slurm batch script without srun does not count, nor does a step of one task.
    """
    if any(name in environment for name in LAUNCHED):
        return True
    return "SLURM_STEP_ID" in environment and expected_size(environment) > 1


def expected_size(environment: Mapping[str, str] = os.environ) -> int:
    """How many processes the launcher says it started, 1 when it says nothing."""
    return max([int(environment[name]) for name in SIZES if environment.get(name, "").isdigit()], default=1)


def join(mpi: bool | None = None) -> World:
    """The world that this process belongs to. `mpi` forces MPI or forbids it; None asks the launcher's environment."""
    if not (launched() if mpi is None else mpi):
        return World()
    from .mpi import MpiWorld

    world = MpiWorld()
    if world.size == 1 and expected_size() > 1:
        raise RuntimeError(
            f"the launcher started {expected_size()} processes, but the MPI library ({world.library}) sees only one: "
            "they do not belong together. Use the mpiexec that comes with the library, or name the launcher's "
            "library in MPI4PY_LIBMPI; --no-mpi runs without MPI")
    return world


def attempt(job: Callable[[], T]) -> tuple[T | None, BaseException | None, str]:
    """What a job gives, or the exception that it raised and its traceback."""
    try:
        return job(), None, ""
    except Exception as error:
        return None, error, traceback.format_exc()


def wait_for(request: Any) -> None:
    """Wait for an MPI request without keeping a core busy."""
    while not request.Test():
        time.sleep(PAUSE)
