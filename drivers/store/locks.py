"""Holds on the files of a store, so that no two jobs do the same work."""
from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from .part_file import StoreError

TRIES, PAUSE = 5, 0.05  # somebody may be looking who holds a file, which takes a moment


class Lock:
    """Exclusive hold on a file, given back when the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    def take(self, wait: bool = False) -> bool:
        """Whether the hold was got; `wait` waits for it."""
        file = open(self.path, "a+")  # noqa: SIM115
        for _ in range(TRIES):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
                break
            except BlockingIOError:
                time.sleep(PAUSE)
            except OSError as error:
                file.close()
                raise StoreError(f"{self.path}: {error.strerror}: this file system has no file locks; "
                                 "put the store on one that has (on Lustre: mounted with flock)") from error
        else:
            file.close()
            return False
        with contextlib.suppress(OSError):  # who holds it is good to know, on a full disk too
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()}")
            file.flush()
        self._file = file
        return True

    def give_back(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def holder(path: Path) -> str | None:
    """Who holds a file, None when nobody does."""
    try:
        with open(path) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return None
            except BlockingIOError:
                return file.read() or "another process"
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the store while its make-up changes; others wait."""
    lock = Lock(folder / "lock")
    lock.take(wait=True)
    try:
        yield
    finally:
        lock.give_back()


def running(folder: Path) -> dict[str, str]:
    """The jobs that are at work on a store: name of the shard ("1of1"), who holds it."""
    found = {path.stem.removeprefix("job-"): holder(path) for path in sorted(folder.glob("job-*.lock"))}
    return {name: who for name, who in found.items() if who is not None}


def claim(folder: Path, shard: tuple[int, int]) -> Lock:
    """The hold of one job on its shard (i, n). Call it alone. Raises StoreError when the work is another job's."""
    name = f"{shard[0]}of{shard[1]}"
    for other, who in running(folder).items():
        if other == name or not other.endswith(f"of{shard[1]}"):
            raise StoreError(f"{folder} is being written by {who} (shard {other.replace('of', '/')}); wait until it "
                             "ends, or give both jobs different shards of the same number, --shard i/n")
    lock = Lock(folder / f"job-{name}.lock")
    if not lock.take():
        raise StoreError(f"{folder} is being written by another job (shard {name.replace('of', '/')})")
    return lock
