"""Holds on the files of a store, so that no two jobs do the same work."""
from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ohmlearn.io.replacing import replacing

from .errors import StoreError

TRIES, PAUSE = 5, 0.05  # somebody may be looking who holds a file, which takes a moment
SILENT, PATIENCE = 3.0, 1800.0      # seconds until a word is said, and until it is given up: folding takes its time
SEEN = 20.0             # seconds until all nodes must see what one wrote


class Lock:
    """Exclusive hold on a file, given back when the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    def take(self, patience: float = TRIES * PAUSE) -> bool:
        """Whether the hold was got within `patience` seconds; says who has it when that takes a while."""
        begun, told = time.monotonic(), False
        while (file := self._attempt()) is None:
            waited = time.monotonic() - begun
            if waited >= patience:
                return False
            if waited > SILENT and not told:
                told = True
                print(f"ohmlearn: waiting for {holder(self.path) or 'another process'}, which holds {self.path}",
                      file=sys.stderr, flush=True)
            time.sleep(PAUSE)
        with contextlib.suppress(OSError):  # who holds it is good to know, on a full disk too
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()}")
            file.flush()
        self._file = file
        return True

    def _attempt(self) -> IO[str] | None:
        """The file with the hold on it, None where another has it."""
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o666)
        file = os.fdopen(handle, "a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(handle), os.stat(self.path)):
                return file
        except (BlockingIOError, FileNotFoundError):      # held, or removed by who held it
            pass
        except OSError as error:
            file.close()
            raise StoreError(f"{self.path}: {error.strerror}: this file system has no file locks; "
                             "put the store on one that has (on Lustre: mounted with flock, or localflock where all "
                             "ranks are on one node)") from error
        file.close()
        return None

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
                said = file.read(200)
                return said if said.isprintable() and said else "another process"
    except OSError:
        return None


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the store while its make-up changes; others wait."""
    lock = Lock(folder / "lock")
    if not lock.take(PATIENCE):
        raise StoreError(f"{folder} has been held by {holder(folder / 'lock')} for {PATIENCE / 60:g} minutes, which may "
                         "be frozen; end it, and repeat the command")
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


def leave_token(folder: Path, shard: tuple[int, int]) -> str:
    """Write a random word into the store; ranks that see it see the same folder. Call it on rank 0."""
    word = uuid.uuid4().hex
    with replacing(token_place(folder, shard)) as file:
        file.write(word)
    return word


def find_token(folder: Path, shard: tuple[int, int], word: str) -> None:
    """Raise StoreError where the word is not in the folder of this name on this node."""
    end = time.monotonic() + SEEN
    while True:
        with contextlib.suppress(OSError):
            if token_place(folder, shard).read_text() == word:
                return
        if time.monotonic() > end:
            raise StoreError(f"{folder.absolute()} on {socket.gethostname()} is not the folder that rank 0 writes; put "
                             "the store where all nodes see the same files, and name it by its whole path")
        time.sleep(PAUSE)


def token_place(folder: Path, shard: tuple[int, int]) -> Path:
    """Where the word of a job is."""
    return folder / f"job-{shard[0]}of{shard[1]}.token"
