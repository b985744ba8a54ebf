"""The state of work that takes long in a file, from which the same call goes on, and to whom such a file belongs."""
from __future__ import annotations

import dataclasses
import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from ohmlearn import Network, __version__
from ohmlearn.checks.file_text import brief, read_arrays
from ohmlearn.edges.laws import EdgeLaw
from ohmlearn.io.replacing import replacing
from ohmlearn.parallel.file_locks import Lock, holder
from ohmlearn.parallel.signals import STOPPED, Stopping

from .recorded_states import State

EVERY = 30.0        # seconds from one writing of the state to the next
OWNER = "owner"     # the entry of the file that says whose state it is, and what else there is in the file


class CheckpointFile:
    """A state in an .npz file, written anew from time to time and gone when the work has ended.

    owner : digest of the call that it belongs to. what : the work, in messages.
    """

    def __init__(self, path: Path, owner: str, what: str) -> None:
        self.path, self.owner, self.what = path, owner, what

    def resume(self) -> State | None:
        """The state in the file, None where there is no file. Raises ValueError where it is another call's."""
        if not self.path.exists():
            return None
        try:
            state = read_arrays(self.path.read_bytes())
        except (OSError, ValueError) as error:
            raise self.spoilt(error) from None
        said, *names = np.atleast_1d(state.pop(OWNER, np.array(""))).ravel().astype(str).tolist() or [""]
        if said != self.owner:
            raise ValueError(f"{self.path} belongs to another {self.what}: arguments, data and version must be the "
                             "same; delete it or name another file")
        if names != sorted(state):
            raise self.spoilt(ValueError("parts of it are missing"))
        return state

    def spoilt(self, error: BaseException) -> ValueError:
        """That the file cannot be used."""
        return ValueError(f"{self.path} holds no state of a {self.what} ({brief(error)}); delete it or name another "
                          "file")

    def suspend(self, state: State) -> None:
        """Write a state, whole or not at all."""
        with replacing(self.path, "wb") as file:
            arrays: dict[str, Any] = {OWNER: np.array([self.owner, *sorted(state)]), **state}
            np.savez(file, **arrays)

    def done(self) -> None:
        """The work has ended: its state goes."""
        self.path.unlink(missing_ok=True)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold a checkpoint, so that no other process goes on from it and overwrites it. Raises ValueError where one does.
    """
    lock = Lock(path.with_name(f"{path.name}.lock"))
    try:
        free = lock.take()
    except OSError as error:
        raise type(error)(error.errno, f"cannot keep a checkpoint there ({error.strerror}); choose a folder that "
                          "exists and is writable", str(path)) from error
    if not free:
        raise ValueError(f"{path} is the checkpoint of a run that is going on ({holder(lock.path)}); wait until it "
                         "ends, or name another file")
    try:
        yield
    finally:
        lock.path.unlink(missing_ok=True)       # while it is held: who waits for it looks whether it is still there
        lock.give_back()


def stopped(stopping: Stopping, path: Path) -> NoReturn:
    """End a call whose state was written because a signal asked for it."""
    print(f"stopped by {stopping.asked}; the same call goes on from {path}", file=sys.stderr)
    if stopping.asked == "SIGINT":
        raise KeyboardInterrupt
    raise SystemExit(STOPPED)


def digest_of(*things: Any) -> str:
    """A digest of all that decides the bits of a call, and of the kernels."""
    from ohmlearn.kernels.simd.compile_cache import digest

    said = hashlib.sha256(f"{__version__} {digest()}".encode())

    def add(thing: Any) -> None:
        if isinstance(thing, np.ndarray) and thing.dtype != object:
            said.update(f"{thing.dtype} {thing.shape}".encode() + np.ascontiguousarray(thing).tobytes())
        elif isinstance(thing, list | tuple):
            said.update(f"{len(thing)}:".encode())
            for part in thing:
                add(part)
        elif isinstance(thing, Network):
            add((thing.n_nodes, thing.edges))
        elif isinstance(thing, EdgeLaw):
            add((thing.kernel, thing.parameters, thing.bounds, thing.start, thing.leaks))
        elif dataclasses.is_dataclass(thing) and not isinstance(thing, type):
            add((type(thing).__name__, *(getattr(thing, field.name) for field in dataclasses.fields(thing))))
        else:
            said.update(f"{thing!r};".encode())

    add(things)
    return said.hexdigest()
