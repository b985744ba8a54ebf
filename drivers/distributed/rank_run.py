"""A run of a network over ranks: what each rank has of its end, and the end in a store."""
from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.drivers.recording.recorded_states import ROWS, State
from ohmlearn.run import Run
from ohmlearn.solvers.distributed.reductions import exact_sum, replicated
from ohmlearn.solvers.distributed.stored_part import StoredPart
from ohmlearn.stored.block_arrays import BlockArrays, DamagedStore
from ohmlearn.task import Task

from .new_store import write_new
from .ranks import ranks

Floats = NDArray[np.float64]
KIND = "ohmlearn run of a large network"
VERSION = 1     # of its layout
TRACES = ("times", "equilibrium_cost", "cost")
NUMBERS = ("rate", "training_time", "sustained_time", "nonequilibrium_time", "time", "initial_cost", "final_cost",
           "n_steps", "n_looks")
KEPT = ("outputs", "power", "squared_norm")     # of Record.keep, what all ranks have


@dataclass(frozen=True, eq=False, repr=False)
class RankRun(Run):
    """A :class:`Run` of a network over MPI ranks. All ranks have its numbers, words and traces; of the state at its
    end each rank has what it owns.

    nodes, edge_numbers : (n_own,) numbers in the whole of the nodes and edges that this rank owns.
    voltages, difference : (n_own,) v and w of these nodes at the end in V.
    conductances : (n_own,) G of these edges at the end in G₀.
    here : the part of this rank.
    rate : R = γl/γp. status, reason : how the run ended, as of :class:`Run`, and why in words.
    training_time, sustained_time, nonequilibrium_time, time : as of :class:`Run`, in 1/γp (training steps at rate 0).
    times : (n_times,) of the record in 1/γp. equilibrium_cost, cost : (n_times,) C*/C*(0) and C/C*(0) at `times`.
    initial_cost : C*(0) in V². final_cost : C*/C*(0) at the end.
    n_steps, n_looks : steps taken, and times that C* was solved for.
    network, task, rule : what was trained, and how. edges : None, resistors.
    recorded : {name: (n_times, ...)} what `Record(keep=...)` asked for.

    >>> import ohmlearn as ol
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     stored = ol.distributed.store_grid(f"{folder}/grid.zarr", 4, 4)
    ...     run = ol.train(stored, ol.Task({0: 1.0, 15: 0.0}, {6: 0.7}), 1.0)
    >>> run.status, run.voltages.shape == run.nodes.shape
    ('reached', True)
    """

    nodes: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    edge_numbers: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    here: Any = field(default=None, repr=False)

    @classmethod
    def _of(cls, run: Run, here: StoredPart) -> RankRun:
        """The run of all nodes and edges that a part holds, cut to those that it owns."""
        part = here.part
        given = {name: getattr(run, name) for name in Run.__dataclass_fields__}
        given |= {"voltages": run.voltages[part.own], "difference": run.difference[part.own],
                  "conductances": run.conductances[part.own_edges]}
        return cls(**given, nodes=part.nodes[part.own], edge_numbers=part.edge_numbers[part.own_edges], here=here)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the run into a store by blocks of nodes, a folder by custom named NAME.zarr; all ranks call it.

        The arrays `voltages`, `difference` and `conductances` stand there by blocks as the edges do in the network's
        store, the traces as `times`, `equilibrium_cost` and `cost`; see :func:`ohmlearn.distributed.open_run`. Raises
        FileExistsError where the store exists.

        >>> import ohmlearn as ol
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     stored = ol.distributed.store_grid(f"{folder}/grid.zarr", 4, 4)
        ...     ol.train(stored, ol.Task({0: 1.0, 15: 0.0}, {6: 0.7}), 1.0).save(f"{folder}/run.zarr")
        ...     ol.distributed.open_run(f"{folder}/run.zarr").conductances(0).shape
        (24,)
        """
        here = self.here
        said = {"kind": KIND, "version": VERSION, "status": self.status, "reason": self.reason,
                "block": here.stored.block, "n_nodes": here.stored.n_nodes, "n_times": self.times.size,
                "first_edge": here.stored.first_edge.tolist()}
        said |= {name: getattr(self, name) for name in NUMBERS}
        world, part = ranks(), here.part
        x, g = np.zeros((part.nodes.size, 2)), np.zeros(part.edge_numbers.size)
        x[part.own], g[part.own_edges] = np.column_stack([self.voltages, self.difference]), self.conductances
        x, g = here.nodes_out(x), here.edges_out(g)

        def write_share(arrays: BlockArrays) -> None:
            for name, values, of_edges in (("voltages", x[:, 0], False), ("difference", x[:, 1], False),
                                           ("conductances", g, True)):
                here.write(arrays, name, values, of_edges)
            for name in TRACES if world.rank == 0 else ():
                arrays.write(name, 0, getattr(self, name))

        def write(arrays: BlockArrays) -> dict[str, Any]:
            world.together(lambda: write_share(arrays))
            return _json(said)

        write_new(world, path, ("voltages", "difference", "conductances", *TRACES), write)


@dataclass(frozen=True, eq=False)
class StoredRun:
    """A run of a large network in a store, of which only what is asked for is read.

    arrays : the group on disk. attributes : status, reason and numbers of the run, named as in :class:`Run`.
    times, equilibrium_cost, cost : (n_times,) its traces, times in 1/γp and costs relative to C*(0).

    >>> import ohmlearn as ol
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     stored = ol.distributed.store_grid(f"{folder}/grid.zarr", 4, 4)
    ...     ol.train(stored, ol.Task({0: 1.0, 15: 0.0}, {6: 0.7}), 1.0).save(f"{folder}/run.zarr")
    ...     ol.distributed.open_run(f"{folder}/run.zarr").attributes["status"]
    'reached'
    """

    arrays: BlockArrays
    attributes: dict[str, Any]
    times: Floats
    equilibrium_cost: Floats
    cost: Floats

    def _read(self, name: str, number: int) -> Floats:
        n, block, first = (self.attributes[key] for key in ("n_nodes", "block", "first_edge"))
        edges = name == "conductances"
        if not 0 <= number < len(first) - 1:
            raise IndexError(f"block {number} does not exist; blocks run from 0 to {len(first) - 2}")
        size = first[number + 1] - first[number] if edges else min((number + 1) * block, n) - number * block
        return self.arrays.read(name, number, (size,))

    def voltages(self, number: int) -> Floats:
        """(n,) v of the nodes of block `number` in V. Raises DamagedStore.

        Returns (n,) floats.

        >>> import ohmlearn as ol
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     stored = ol.distributed.store_grid(f"{folder}/grid.zarr", 4, 4)
        ...     ol.train(stored, ol.Task({0: 1.0, 15: 0.0}, {6: 0.7}), 1.0).save(f"{folder}/run.zarr")
        ...     float(ol.distributed.open_run(f"{folder}/run.zarr").voltages(0)[0])
        1.0
        """
        return self._read("voltages", number)

    def difference(self, number: int) -> Floats:
        """(n,) w of the nodes of block `number` in V. Raises DamagedStore.

        Returns (n,) floats.

        >>> import ohmlearn as ol
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     stored = ol.distributed.store_grid(f"{folder}/grid.zarr", 4, 4)
        ...     ol.train(stored, ol.Task({0: 1.0, 15: 0.0}, {6: 0.7}), 1.0).save(f"{folder}/run.zarr")
        ...     float(ol.distributed.open_run(f"{folder}/run.zarr").difference(0)[0])
        0.0
        """
        return self._read("difference", number)

    def conductances(self, number: int) -> Floats:
        """(e,) G in G₀ of the edges of block `number` of the network's store. Raises DamagedStore.

        Returns (e,) floats.

        >>> import ohmlearn as ol
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     stored = ol.distributed.store_grid(f"{folder}/grid.zarr", 4, 4)
        ...     ol.train(stored, ol.Task({0: 1.0, 15: 0.0}, {6: 0.7}), 1.0).save(f"{folder}/run.zarr")
        ...     ol.distributed.open_run(f"{folder}/run.zarr").conductances(0).shape
        (24,)
        """
        return self._read("conductances", number)


def open_run(path: str | os.PathLike[str]) -> StoredRun:
    """A run in a store, as :meth:`RankRun.save` and `ohmlearn train --distributed -o` write it. Raises DamagedStore.

    Returns a :class:`StoredRun`.

    >>> import ohmlearn as ol
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     stored = ol.distributed.store_grid(f"{folder}/grid.zarr", 4, 4)
    ...     ol.train(stored, ol.Task({0: 1.0, 15: 0.0}, {6: 0.7}), 1.0).save(f"{folder}/run.zarr")
    ...     ol.distributed.open_run(f"{folder}/run.zarr").attributes["status"]
    'reached'
    """
    arrays = BlockArrays.open(path, KIND)
    arrays.check_version(VERSION)
    try:
        said = {name: float(value) if name in NUMBERS and isinstance(value, str) else value
                for name, value in arrays.attributes.items()}
        size, n, block = (int(said[name]) for name in ("n_times", "n_nodes", "block"))
        first = np.array(said["first_edge"], dtype=np.int64)
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedStore(f"{path} does not say what it holds ({type(error).__name__}: {error}); write it "
                           "anew") from None
    if n < 1 or block < 1 or size < 0 or first.shape != (-(-n // block) + 1,) or np.any(np.diff(first) < 0):
        raise DamagedStore(f"{path} says that it holds {n} nodes in blocks of {block} with edges from {first[:3]} on; "
                           "write it anew")
    return StoredRun(arrays, said, *(arrays.read(name, 0, (size,)) for name in TRACES))


class RankRecording:
    """What is written down at the times to record, of which every rank has all; as `Recording` of one machine.

    Sums over the edges have the same bits for any number of ranks.
    """

    def __init__(self, here: StoredPart, task: Task, keep: Sequence[str]) -> None:
        wrong = [name for name in keep if name not in KEPT]
        if wrong:
            raise ValueError(f"over ranks a record keeps {', '.join(KEPT)}, not {wrong[0]!r}; the state at the end is "
                             "in the run")
        self.keep, self._part = tuple(keep), here.part
        self._owned = here.part.owned_places(task.targets)
        self._rows: list[Floats] = []

    def add(self, count: int, voltages: Floats, conductances: Floats) -> None:
        """Write down a state for all times up to number `count` that have none yet."""
        row = np.concatenate([self._measure(name, voltages, conductances) for name in self.keep])
        self._rows += [row] * (count - len(self._rows))

    def _measure(self, name: str, v: Floats, g: Floats) -> Floats:
        part = self._part
        if name == "outputs":
            return replicated(part.comm, self._owned, v)
        g, ends = g[part.own_edges], part.ends[part.own_edges]
        terms = g**2 if name == "squared_norm" else g * (v[ends[:, 0]] - v[ends[:, 1]]) ** 2
        return np.array([exact_sum(part.comm, terms)])

    def saved(self) -> State:
        return {ROWS: np.array(self._rows)} if self.keep else {}

    def restore(self, saved: State) -> None:
        self._rows = list(saved[ROWS]) if self.keep else []

    def result(self) -> dict[str, Floats]:
        """{name: (n_times, ...)} of what was kept."""
        rows, found, begin = np.array(self._rows), {}, 0
        for name in self.keep:
            size = self._owned.size if name == "outputs" else 1
            part = rows.reshape(len(self._rows), -1)[:, begin:begin + size] if self._rows else np.empty((0, size))
            found[name] = part if name == "outputs" else part[:, 0]
            begin += size
        return found


def _json(said: dict[str, Any]) -> dict[str, Any]:
    """Numbers that JSON has no word for, as words."""
    return {name: str(value) if isinstance(value, float) and not np.isfinite(value) else value
            for name, value in said.items()}

