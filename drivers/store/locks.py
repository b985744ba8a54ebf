"""Holds on the files of a store, so that no two jobs do the same work."""
from __future__ import annotations

import contextlib
import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from ohmlearn.io.replacing import replacing
from ohmlearn.parallel.file_locks import PAUSE, Lock, holder

from .errors import StoreError

PATIENCE = 1800.0       # seconds until a hold is given up: folding takes its time
SEEN = 20.0             # seconds until all nodes must see what one wrote


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the store while its make-up changes; others wait."""
    lock = Lock(folder / "lock")
    if not lock.take(PATIENCE):
        raise StoreError(f"{folder} has been held by {holder(folder / 'lock')} for {PATIENCE / 60:g} minutes, which "
                         "may be frozen; end it, and repeat the command")
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
