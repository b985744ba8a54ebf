"""One run that takes long: what it shows, and its state in a file, from which the same call goes on."""
from __future__ import annotations

import dataclasses
import hashlib
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from ohmlearn import Network, __version__
from ohmlearn.checks.file_text import brief, read_arrays
from ohmlearn.drivers.display.progress import RunProgress, RunState
from ohmlearn.drivers.recording.recorded_states import State
from ohmlearn.io.replacing import replacing
from ohmlearn.parallel.file_locks import Lock, holder
from ohmlearn.parallel.signals import STOPPED, Stopping
from ohmlearn.run import Run

from .ensemble import Ensemble
from .work_queue import LongestFirst

EVERY = 30.0        # seconds from one writing of the state to the next
OWNER = "owner"     # the entry of the file that says whose state it is, and what else there is in the file


class Kept:
    """The state of one run in an .npz file, written anew from time to time and gone when the run has ended."""

    def __init__(self, path: Path, ensemble: Ensemble) -> None:
        self.path, self._owner = path, owner(ensemble)

    def resume(self, number: int) -> State | None:
        """The state in the file, None where there is no file. Raises ValueError where it is another run's."""
        if not self.path.exists():
            return None
        try:
            state = read_arrays(self.path.read_bytes())
        except (OSError, ValueError) as error:
            raise self.spoilt(error) from None
        said, *names = np.atleast_1d(state.pop(OWNER, np.array(""))).ravel().astype(str).tolist() or [""]
        if said != self._owner:
            raise ValueError(f"{self.path} belongs to another run: network, task, rate, rule, limits and version must "
                             "be the same; delete it or name another file")
        if names != sorted(state):
            raise self.spoilt(ValueError("parts of it are missing"))
        return state

    def spoilt(self, error: BaseException) -> ValueError:
        """That the file cannot be used."""
        return ValueError(f"{self.path} holds no state of a run ({brief(error)}); delete it or name another file")

    def suspend(self, number: int, state: State) -> None:
        """Write a state, whole or not at all."""
        with replacing(self.path, "wb") as file:
            arrays: dict[str, Any] = {OWNER: np.array([self._owner, *sorted(state)]), **state}
            np.savez(file, **arrays)

    def done(self) -> None:
        """The run has ended: its state goes."""
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


def owner(ensemble: Ensemble) -> str:
    """A digest of all that decides the bits of a run."""
    from ohmlearn.kernels.simd.compile_cache import digest

    said = hashlib.sha256(f"{__version__} {digest()}".encode())

    def add(thing: Any) -> None:
        if isinstance(thing, Network):
            thing = (thing.n_nodes, thing.edges)
        elif dataclasses.is_dataclass(thing):
            thing = [getattr(thing, field.name) for field in dataclasses.fields(thing)]
        if isinstance(thing, np.ndarray):
            said.update(f"{thing.dtype} {thing.shape}".encode() + np.ascontiguousarray(thing).tobytes())
        elif isinstance(thing, list | tuple):
            for part in thing:
                add(part)
        else:
            said.update(f"{thing!r};".encode())

    add(ensemble)
    return said.hexdigest()


def train_one(ensemble: Ensemble, threads: int | None, checkpoint: Path | None, progress: bool) -> Run:
    """Carry out an ensemble of one run; arguments as for :func:`ohmlearn.train`.

    With a checkpoint, Ctrl-C and the signals of a batch system first write the state; then KeyboardInterrupt is
    raised, or SystemExit(75).
    """
    from .thread_pool import run_members

    ended: list[Run] = []
    shown = RunProgress(quiet=not progress)
    begin, until = time.monotonic(), ensemble.until

    def tell(cost: float, reached: float, steps: int, last: bool = False) -> None:
        shown.show(RunState(cost, until, reached, ensemble.limit(0), steps, time.monotonic() - begin), last)

    queue = LongestFirst(np.arange(1), ensemble.task_of, ensemble.rates)
    deliver = lambda number, run: ended.append(run)  # noqa: E731
    try:
        if checkpoint is None:
            run_members(ensemble, queue, deliver, threads=threads, tell=tell)
            return ended[0]
        kept = Kept(checkpoint, ensemble)
        with alone(checkpoint), Stopping() as stopping:
            kept.resume(0)      # what is wrong with the file is said before the work starts
            stopping.ready = True
            run_members(ensemble, queue, deliver, threads=threads, tell=tell, resume=kept.resume,
                        suspend=kept.suspend, stop=lambda: stopping.asked is not None, checkpoint=EVERY)
            stopping.heeded = not ended
    finally:
        for run in ended:
            tell(run.final_cost, run.time, run.n_steps, last=True)
        shown.close()
    if ended:
        kept.done()
        return ended[0]
    print(f"stopped by {stopping.asked}; the same call goes on from {checkpoint}", file=sys.stderr)
    if stopping.asked == "SIGINT":
        raise KeyboardInterrupt
    raise SystemExit(STOPPED)
