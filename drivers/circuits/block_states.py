"""The states of the blocks of a training in one file, from which the same call goes on."""
from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ohmlearn.drivers.recording import checkpoint_file
from ohmlearn.drivers.recording.checkpoint_file import CheckpointFile, alone, stopped
from ohmlearn.drivers.recording.recorded_states import State
from ohmlearn.drivers.training.work_queue import next_due
from ohmlearn.parallel.signals import Stopping

from .block_training import BlockTraining


class BlockStates:
    """States of blocks by the number of their first chip, which blocks on threads set aside and go on from."""

    def __init__(self, file: CheckpointFile, stopping: Stopping) -> None:
        self.file, self.stopping, self.lock = file, stopping, threading.Lock()
        self.states: State = file.resume() or {}
        self.due: dict[int, float] = {}
        self.unfinished = False

    def resume(self, block: int, training: BlockTraining) -> Callable[[], bool]:
        """Let a training go on from its state, if there is one. Returns what it is to call while it runs."""
        mine = f"{block}."
        state = {name.removeprefix(mine): array for name, array in self.states.items() if name.startswith(mine)}
        if state:
            training.restore(state)
        self.due[block] = time.monotonic() + checkpoint_file.EVERY
        return lambda: self.pause(block, training)

    def pause(self, block: int, training: BlockTraining) -> bool:
        """Set the state of a block aside if it is time to, or has ended. Returns whether a signal asks it to end."""
        begun, asked = time.monotonic(), self.stopping.asked is not None
        if not (asked or training.ended or begun >= self.due[block]):
            return False
        with self.lock:
            self.states |= {f"{block}.{name}": array for name, array in training.state().items()}
            self.unfinished |= asked and not training.ended
            if begun >= self.due[block]:
                self.file.suspend(self.states)
                self.due[block] = next_due(begun, checkpoint_file.EVERY)
        return asked


@contextmanager
def block_states(path: Path | None, owner: Callable[[], str]) -> Iterator[BlockStates | None]:
    """States of the blocks of a training, None without a path. Signals write them, and then raise KeyboardInterrupt or
    SystemExit(75)."""
    if path is None:
        yield None
        return
    file = CheckpointFile(path, owner(), "training")
    with alone(path), Stopping() as stopping:
        states = BlockStates(file, stopping)        # what is wrong with the file is said before the work starts
        stopping.ready = True
        yield states
        if states.unfinished:
            file.suspend(states.states)
        stopping.heeded = states.unfinished
    if states.unfinished:
        stopped(stopping, path)
    file.done()
