"""The state of a run over ranks in a checkpoint that any number of ranks can take up.

What all ranks have stands in the .npz file of a checkpoint on one machine; values of nodes and edges stand beside it,
in a folder by blocks of nodes, and the file names the folder. The file is replaced when a new folder is complete.
"""
from __future__ import annotations

import shutil
import uuid
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.drivers.recording.checkpoint_file import CheckpointFile
from ohmlearn.drivers.recording.recorded_states import State
from ohmlearn.parallel.communicator import World
from ohmlearn.solvers.distributed.stored_part import StoredPart
from ohmlearn.stored.block_arrays import BlockArrays

KIND = "ohmlearn state of a run"
FOLDER, COLUMNS = "blocks", "columns"       # entries of the file: the folder, and columns of nodes and edges
NODES, EDGES = "nodes", "edges"             # entries of a state: (k, a) and (e, b) values of those of the part


class RankCheckpoint:
    """A checkpoint of this run; all ranks call every method together.

    file : of what all ranks have, read and written by rank 0. here : the part of this rank.
    """

    def __init__(self, world: World, file: CheckpointFile, here: StoredPart) -> None:
        self.world, self.file, self.here = world, file, here

    def suspend(self, state: State) -> None:
        """Write a state, whole or not at all."""
        world, here = self.world, self.here
        mine = {NODES: here.nodes_out(state[NODES]), EDGES: here.edges_out(state[EDGES])}
        names = [f"{name}-{k}" for name, values in mine.items() for k in range(values.shape[1])]
        arrays = world.first(lambda: BlockArrays.create(
            self.file.path.with_name(f"{self.file.path.name}.{uuid.uuid4().hex[:12]}"), names, {"kind": KIND}))

        def write() -> None:
            for name, values in mine.items():
                for k in range(values.shape[1]):
                    here.write(arrays, f"{name}-{k}", values[:, k], name == EDGES)

        world.together(write)
        rest = {name: array for name, array in state.items() if name not in mine}
        rest |= {FOLDER: np.array(arrays.path.name), COLUMNS: np.array([v.shape[1] for v in mine.values()])}

        def replace() -> None:
            before = self._folders()
            self.file.suspend(rest)
            for old in before:
                if old != arrays.path:
                    shutil.rmtree(old, ignore_errors=True)

        world.first(replace)

    def resume(self) -> State | None:
        """The state in the checkpoint, None where there is none. Raises ValueError where it is another call's."""
        def read() -> tuple[State, BlockArrays, list[int]] | None:
            state = self.file.resume()
            if state is None:
                return None
            name, columns = str(state.pop(FOLDER, "")), state.pop(COLUMNS, np.zeros(0)).tolist()
            if not name.startswith(f"{self.file.path.name}.") or "/" in name or len(columns) != 2:
                raise self.file.spoilt(ValueError("it names no folder of blocks"))
            return state, BlockArrays.open(self.file.path.with_name(name), KIND), columns

        found = self.world.first(read)
        if found is None:
            return None
        state, arrays, columns = found
        for name, count, take in ((NODES, columns[0], self.here.nodes_in), (EDGES, columns[1], self.here.edges_in)):
            state[name] = take(self.world.together(partial(self._read, arrays, name, count)))
        return state

    def _read(self, arrays: BlockArrays, name: str, count: int) -> NDArray[Any]:
        """(n, count) values of the nodes or edges of this rank's range of blocks."""
        read = [self.here.read(arrays, f"{name}-{k}", name == EDGES) for k in range(count)]
        size = self.here.range_size(name == EDGES)
        return np.column_stack(read) if count else np.empty((size, 0))

    def done(self) -> None:
        """The run has ended: its state goes."""
        def remove() -> None:
            before = self._folders()
            self.file.done()
            for folder in before:
                shutil.rmtree(folder, ignore_errors=True)

        self.world.first(remove)

    def _folders(self) -> list[Path]:
        """Folders of blocks beside the file, and nothing else of a similar name."""
        found = []
        for path in self.file.path.parent.glob(f"{self.file.path.name}.*"):
            with suppress(ValueError, OSError):
                found.append(BlockArrays.open(path, KIND).path)
        return found
