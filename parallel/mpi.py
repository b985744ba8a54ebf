"""The ranks of an MPI job. Importing this module starts MPI."""
from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from .communicator import RankError, Shared, World, wait_for

T = TypeVar("T")
MOST_TOLD = 3   # different troubles that one message tells
LISTEN = 1e-3   # seconds between two looks of rank 0 for the others' draws


class MpiWorld(World):
    """COMM_WORLD of the launcher that started this process."""

    def __init__(self) -> None:
        if MPI.Query_thread() < MPI.THREAD_SERIALIZED:
            raise RuntimeError("this MPI library gives no thread support (MPI_THREAD_SERIALIZED is needed); "
                               "use a build that has it")
        self._comm = self.comm = MPI.COMM_WORLD.Dup()
        self._node = self._comm.Split_type(MPI.COMM_TYPE_SHARED)
        self.rank, self.size = self._comm.rank, self._comm.size
        self.library = MPI.Get_library_version().splitlines()[0].strip()

    def share(self, count: int) -> Shared:
        return MpiShared(self._comm, count, far=self._node.size < self.size)

    def share_of_cores(self, cores: int) -> int:
        # ranks that are bound to cores of their own keep them; ranks with the same cores divide them
        mine = frozenset(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else frozenset(range(cores))
        alike = self._node.allgather(mine).count(mine)
        return max(1, cores // alike)

    def wait(self) -> None:
        wait_for(self._comm.Ibarrier())

    def once_a_node(self, job: Callable[[], object]) -> None:
        trouble = None
        for turn in (self.rank == 0, self._node.rank == 0 and self.rank != 0):
            if turn:
                trouble = self._attempt(job)[1]
            self._raise_all(trouble)

    def first(self, job: Callable[[], T]) -> T:
        outcome = self._attempt(job) if self.rank == 0 else None
        self.wait()  # the others sleep here rather than spin in the broadcast
        value, trouble = self._comm.bcast(outcome)
        if trouble is not None:
            raise trouble
        return value

    def together(self, job: Callable[[], T]) -> T:
        value, trouble = self._attempt(job)
        self._raise_all(trouble)
        return value  # type: ignore[return-value]

    def _attempt(self, job: Callable[[], T]) -> tuple[T | None, RankError | None]:
        try:
            return job(), None
        except Exception as error:
            return None, RankError.told(error, self.rank)

    def _raise_all(self, trouble: RankError | None) -> None:
        """Raise on every rank what went wrong on any, each trouble told once."""
        self.wait()
        told = {str(error): error for error in self._comm.allgather(trouble) if error is not None}
        if len(told) == 1:
            raise told.popitem()[1]
        if told:
            more = f"; and {len(told) - MOST_TOLD} others" if len(told) > MOST_TOLD else ""
            raise RankError("; ".join(list(told)[:MOST_TOLD]) + more, all(error.plain for error in told.values()))

    def gather(self, value: T) -> list[T]:
        self.wait()
        return self._comm.gather(value) or []

    def everywhere(self, value: T) -> list[T]:
        self.wait()
        return self._comm.allgather(value)

    def abort(self, code: int) -> None:
        self._comm.Abort(code)

    def close(self) -> None:
        self.wait()
        self._node.Free()
        self._comm.Free()


def shared_memory_left() -> int:
    """Bytes that ranks of a node may share; containers often grant 64 MB, and writing beyond ends the process."""
    try:
        found = os.statvfs("/dev/shm")
    except OSError:
        return 1 << 62      # MPI keeps what is shared elsewhere
    return found.f_bavail * found.f_frsize


class MpiShared(Shared):
    """Integers in a window on rank 0, reached one-sidedly.

    Within a node no rank has to listen, as long as there is room in the memory that its ranks share. Networks without
    remote access in hardware need rank 0 to enter MPI now and then, so while ranks are on other nodes a thread there
    does: else a draw would last as long as a kernel of rank 0.
    """

    def __init__(self, comm: Any, count: int, far: bool) -> None:
        size = MPI.INT64_T.Get_size()
        mine = count * size if comm.rank == 0 else 0
        roomy = comm.bcast(2 * count * size < shared_memory_left())
        if roomy:
            self._window: Any = MPI.Win.Allocate(mine, size, comm=comm)
        else:       # memory of rank 0's own, which it has to be awake for
            self._memory = np.zeros(mine // size, dtype=np.int64)
            self._window = MPI.Win.Create(self._memory, size, comm=comm)
        far = far or not roomy
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._listener: threading.Thread | None = None
        if comm.rank == 0:
            if roomy:
                np.asarray(self._window.tomemory()).view(np.int64)[:] = 0
            if far and MPI.Query_thread() == MPI.THREAD_MULTIPLE:
                self._listener = threading.Thread(target=self._listen, args=(comm,), name="listener", daemon=True)
                self._listener.start()
        wait_for(comm.Ibarrier())
        self._window.Lock_all()

    def _listen(self, comm: Any) -> None:
        while not self._closed.wait(LISTEN):
            comm.Iprobe()

    def add(self, place: int, amount: int = 1) -> int:
        before = np.zeros(1, dtype=np.int64)
        with self._lock:
            self._window.Fetch_and_op(np.array([amount], dtype=np.int64), before, 0, place, MPI.SUM)
            self._window.Flush(0)
        return int(before[0])

    def get(self, begin: int, count: int) -> NDArray[np.int64]:
        values = np.zeros(count, dtype=np.int64)
        with self._lock:
            self._window.Get(values, 0, (begin, count, MPI.INT64_T))
            self._window.Flush(0)
        return values

    def put(self, begin: int, values: NDArray[np.int64]) -> None:
        values = np.ascontiguousarray(values, dtype=np.int64)
        with self._lock:
            self._window.Put(values, 0, (begin, values.size, MPI.INT64_T))
            self._window.Flush(0)

    def close(self) -> None:
        self._window.Unlock_all()
        self._window.Free()  # waits for all ranks
        self._closed.set()
        if self._listener is not None:
            self._listener.join()
