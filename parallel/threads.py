"""How many threads this process may use."""
from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from numbers import Integral
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

# variables with which a user or a launcher sets the threads of one process, the most particular first
VARIABLES = ("OHMLEARN_THREADS", "SLURM_CPUS_PER_TASK", "OMP_NUM_THREADS")


def cores() -> int:
    """Cores that this process may run on: its affinity, cut by the control group's processor quota."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(allowed, quota()))


def quota(path: str = "/sys/fs/cgroup/cpu.max") -> int:
    """Whole cores that the control group (a container, a batch job) grants; a large number when it sets no limit."""
    try:
        with open(path) as file:
            limit, period = file.read().split()
        return 1 << 20 if limit == "max" else max(1, int(limit) // int(period))
    except (OSError, ValueError):
        return 1 << 20


def available_threads(asked: int | None = None, own_cores: int | None = None,
                  environment: Mapping[str, str] = os.environ) -> int:
    """Threads that one process may use: `asked`, else what the environment says, else all cores that are its own.

    own_cores : cores of this process, when several ranks live on one node; by default all of `cores()`. The result is
        never larger, so that ranks times threads do not exceed the cores given.

    Raises ValueError where `asked` is below 1, TypeError where it is no whole number.
    """
    own = cores() if own_cores is None else own_cores
    if asked is not None:
        if isinstance(asked, bool) or not isinstance(asked, Integral):
            raise TypeError(f"threads must be a whole number of at least 1, not {asked!r}")
        if asked < 1:
            raise ValueError(f"threads must be at least 1, not {asked}")
        return min(int(asked), own)
    for name in VARIABLES:
        said = environment.get(name, "").split(",")[0].strip()
        if said.isdigit() and int(said) > 0:
            return min(int(said), own)
    return own


def in_shares(function: Callable[[int, int], object], count: int, threads: int) -> None:
    """function(begin, end) for numbers from 0 to `count` in about equal shares, one a thread, the first one here.

    What one raises is raised here.
    """
    ends = [count * (k + 1) // min(threads, count) for k in range(min(threads, count))]
    failures: list[BaseException] = []

    def work(begin: int, end: int) -> None:
        try:
            function(begin, end)
        except BaseException as error:
            failures.append(error)

    others = [threading.Thread(target=work, args=share, daemon=True) for share in pairwise(ends)]
    for other in others:
        other.start()
    try:
        function(0, ends[0])
    finally:
        for other in others:
            other.join()
    if failures:
        raise failures[0]


def in_threads(function: Callable[[T], R], items: Iterable[T], threads: int) -> list[R]:
    """[function(item) for item in items], on several threads.

    What one raises is raised here, and no further items are begun. So it is when a signal interrupts: the call ends at
    once, and what threads are at, compiling perhaps, goes on unseen until it is done or the process ends.
    """
    numbered, lock, ended = enumerate(list(items)), threading.Lock(), threading.Event()
    results: dict[int, R] = {}
    failures: list[BaseException] = []

    def work() -> None:
        while not ended.is_set():
            with lock:
                number, item = next(numbered, (-1, None))
            if number < 0:
                return
            try:
                results[number] = function(item)  # type: ignore[arg-type]
            except BaseException as error:
                failures.append(error)
                ended.set()

    workers = [threading.Thread(target=work, daemon=True) for _ in range(threads)]
    for worker in workers:
        worker.start()
    try:
        for worker in workers:
            worker.join()
    finally:
        ended.set()
    if failures:
        raise failures[0]
    return [results[number] for number in sorted(results)]
