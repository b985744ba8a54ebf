"""A sweep: tasks times rates on one network, described by a file and run into a store."""
from __future__ import annotations

import copy
import hashlib
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn import generators
from ohmlearn.checks.file_text import reading
from ohmlearn.discrete import Discrete
from ohmlearn.drivers.training.ensemble import Ensemble
from ohmlearn.io.task_toml import numbered, read_tables, tasks_of
from ohmlearn.network import Network
from ohmlearn.rule import Rule
from ohmlearn.run import Record
from ohmlearn.schedule import Schedule
from ohmlearn.task import Task

if TYPE_CHECKING:
    from .report import Report
    from .sweep_file import Checked


@dataclass(frozen=True, eq=False, repr=False)
class Sweep:
    """Every task at every rate. Made by :meth:`read` or :meth:`from_tables`.

    tables : what the file says, checked. network, tasks : what it describes. Tasks are drawn at random ([tasks]
    allosteric), read from task files ([tasks] files) or written down ([[tasks.tables]]).
    Member number k trains task k // n_rates at rate k % n_rates.

    >>> import ohmlearn as ol
    >>> from tempfile import TemporaryDirectory
    >>> tables = {"network": {"grid": {"shape": [4, 4]}}, "sweep": {"rates": [0, 1], "until": 1e-3},
    ...           "tasks": {"tables": [{"sources": {"0": 1.0, "15": 0.0}, "targets": {"6": 0.7}}]}}
    >>> sweep = ol.Sweep.from_tables(tables)
    >>> with TemporaryDirectory() as folder:
    ...     report = sweep.run(folder, progress=False)
    ...     results = ol.open_results(folder).load()
    >>> report.computed, results["training_time"].round(2).values.tolist()
    (2, [[26.11, 13.07]])
    """

    tables: Checked
    network: Network
    tasks: Sequence[Task | tuple[Task, ...]]

    @classmethod
    def read(cls, path: str | Path) -> Sweep:
        """The sweep of a TOML file; `ohmlearn sweep --example` prints one with comments.

        Returns a :class:`Sweep`. Raises ValueError, which names the key, for what a sweep does not take.

        >>> import ohmlearn as ol
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "sweep.toml")
        ...     _ = path.write_text("[network]\\ngrid = { shape = [4, 4] }\\n[tasks]\\nallosteric = { count = 2 }\\n"
        ...         "[sweep]\\nrates = [0.1, 1.0]\\n")
        ...     sweep = ol.Sweep.read(path)
        >>> sweep.rates.tolist()
        [0.1, 1.0]
        """
        from .sweep_file import read

        with reading(path):
            return cls._of(read(Path(path)), Path(path).parent, str(path))

    @classmethod
    def from_tables(cls, tables: Mapping[str, Any], folder: str | Path = ".", *, edges: Any = None) -> Sweep:
        """The sweep of tables, a mapping as the TOML file has it; `folder` is where a network's file is looked for.

        edges : law of the edges (`ohmlearn.edges`), or a PerEdge of several, in place of a table [edges].

        Returns a :class:`Sweep`.

        >>> import ohmlearn as ol
        >>> tables = {"network": {"grid": {"shape": [4, 4]}},
        ...           "tasks": {"allosteric": {"sources": 2, "targets": 1, "count": 2}},
        ...           "sweep": {"rates": [0.1, 1.0], "until": 1e-2}}
        >>> ol.Sweep.from_tables(tables).rates.tolist()
        [0.1, 1.0]
        """
        from ohmlearn.edges.as_table import table_of

        from .sweep_file import parse

        if edges is not None:
            try:
                tables = {**tables, "edges": table_of(edges)}
            except TypeError as error:
                raise TypeError(f"a sweep writes down the laws of its edges, and {error}; train others by "
                                "ohmlearn.train") from None
        return cls._of(parse(tables), Path(folder), "sweep")

    @classmethod
    def _of(cls, tables: Checked, folder: Path, name: str) -> Sweep:
        try:
            network = make_network(tables.network, folder)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{name}: [network]: {error}") from None
        try:
            tables = tables.model_copy(update={"tasks": written_down(tables.tasks, folder, network)})
            sweep = cls(tables, network, make_tasks(tables.tasks, network))
            sweep.ensemble.initial_conductances(0)
            turn = sweep.schedule is not None and sweep.schedule.switching is not None
            turn = turn or (sweep.updates is not None and sweep.updates.batch == 1)
            several = any(isinstance(task, tuple) for task in sweep.tasks)
            if several and not turn and tables.sweep.keep_state:
                raise ValueError("samples side by side have voltages each of their own, which a store does not keep: "
                                 "say keep_state = false in [sweep], or give [schedule] switching or [updates] "
                                 "batch = 1")
        except (ValueError, TypeError) as error:
            raise ValueError(f"{name}: {error}") from None
        return sweep

    @cached_property
    def rates(self) -> NDArray[np.float64]:
        """(n_rates,) R = γl/γp."""
        return np.array(self.tables.sweep.rate_values())

    @cached_property
    def rule(self) -> Rule:
        """The rule of the [rule] table."""
        return make_rule(self.tables.rule, self.network)

    @cached_property
    def schedule(self) -> Schedule | None:
        """What changes in time, None if nothing does."""
        return None if self.tables.schedule is None else Schedule(**self.tables.schedule.model_dump())

    @cached_property
    def updates(self) -> Discrete | None:
        """The discrete updates of the [updates] table, None for a flow."""
        return None if self.tables.updates is None else Discrete(**self.tables.updates.model_dump())

    @cached_property
    def edges(self) -> Any:
        """The laws of the edges by the [edges] table, None for linear resistors."""
        if self.tables.edges is None:
            return None
        from .edges_table import make_edges

        return make_edges(self.tables.edges, self.network)

    @cached_property
    def ensemble(self) -> Ensemble:
        """The members, in their numbers' order."""
        said, n_rates = self.tables.sweep, self.rates.size
        return Ensemble(
            self.network, self.tasks, np.repeat(np.arange(len(self.tasks)), n_rates),
            np.tile(self.rates, len(self.tasks)), self.rule, None if said.until == "none" else said.until, said.t_max,
            None if said.dt == "auto" else said.dt,
            None if self.tables.record is None else Record(**self.tables.record.model_dump()),
            _initial(said.conductances, self.network, self.edges),
            tolerance=said.tolerance, go_on=said.go_on, method=said.method, precision=said.precision,
            schedule=self.schedule, updates=self.updates, solver=said.solver, edges=self.edges)

    def __len__(self) -> int:
        return len(self.tasks) * self.rates.size

    @cached_property
    def times(self) -> list[NDArray[np.float64]]:
        """Times at which costs are recorded, for each rate; 1/γp."""
        return [self.ensemble.times(j) for j in range(self.rates.size)]

    @property
    def n_samples(self) -> int:
        """Longest of the traces."""
        return max(times.size for times in self.times)

    def said(self) -> dict[str, Any]:
        """What the file says.

        Returns plain tables, {name: {key: value}}.

        >>> sweep.said()["sweep"]["rates"]
        [0.0, 1.0]
        """
        return self.tables.model_dump(mode="json", by_alias=True, exclude_none=True)

    @cached_property
    def digest(self) -> str:
        """Of all that a member depends on; not of how many tasks and rates there are, which may grow."""
        return digest_of_tables(self.said(), self.network)

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuilt, (self.said(), self.network, self.tasks)

    def run(self, store: str | Path, *, threads: int | None = None, **options: Any) -> Report:
        """Compute what the store does not have yet; under an MPI launcher all ranks share the work.

        The same call resumes a sweep that ended early. `options` are those of :func:`ohmlearn.stores.run_sweep`: mpi,
        shard, retry_failed, checkpoint_every, timeline, progress.

        Returns a :class:`Report`.

        >>> with TemporaryDirectory() as folder:
        ...     report = sweep.run(folder, progress=False)
        ...     print(report.computed, sweep.run(folder, progress=False).computed)
        2 0
        """
        from ohmlearn.drivers.jobs.run_sweep import run_sweep

        return run_sweep(lambda: self, Path(store), threads=threads, **options)

    def members(self, store: str | Path, parts: int, **options: Any) -> list[Callable[[], Report]]:
        """The members in equal parts, as work items for process pools: Dask, Ray, Parsl, concurrent.futures.

        store : folder that every process sees. parts : number of items. options : as for :meth:`run`; by default one
        thread each, and nothing shown.

        Returns functions that can be pickled. Each trains its part into the store, wherever it is called, and returns a
        :class:`Report`; in which order, and which of them once more, does not matter. The last one folds the store.

        >>> len(sweep.members("store", 2))
        2
        """
        given = {"threads": 1, "progress": False, "mpi": False} | options
        return [partial(self.run, store, shard=(i, parts), **given) for i in range(1, parts + 1)]

    def __repr__(self) -> str:
        rates = self.rates
        return (f"<Sweep of {len(self)} members: {len(self.tasks)} tasks at {rates.size} rates "
                f"from {rates.min():g} to {rates.max():g}, {self.network!r}>")


def _initial(said: Any, network: Network, edges: Any) -> Any:
    """(n_edges,) what learns at the start, None for what the network or the law says."""
    if said is None:
        return None
    return network.conductances(said) if edges is None else np.array(said, dtype=np.float64)


def digest_of_tables(tables: Mapping[str, Any], network: Network) -> str:
    """Digest of a sweep by its plain tables and its network."""
    said: dict[str, Any] = copy.deepcopy(dict(tables))
    said["sweep"].pop("rates", None)
    said["tasks"].get("allosteric", {}).pop("count", None)
    said["tasks"].pop("tables", None)       # tasks that are written down are compared one by one with the store's
    for key, default in (("method", "auto"), ("precision", "double"), ("solver", "auto")):    # new since 0.1
        if said["sweep"].get(key) == default:
            del said["sweep"][key]
    said["network"] = [network.n_nodes, hashlib.sha256(network.edges.tobytes()).hexdigest()]
    if network.initial_conductances is not None:
        said["network"].append(hashlib.sha256(network.initial_conductances.tobytes()).hexdigest())
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def rebuilt(said: Mapping[str, Any], network: Network, tasks: Sequence[Task | tuple[Task, ...]]) -> Sweep:
    """A sweep that was pickled."""
    from .sweep_file import parse

    return Sweep(parse(said), network, tasks)


def make_network(table: Any, folder: Path) -> Network:
    """The network that a [network] table describes."""
    if table.file is not None:
        return Network.read(folder / table.file)
    name = next(name for name in type(table).model_fields if getattr(table, name) is not None)
    given, generator = getattr(table, name).model_dump(), getattr(generators, name)
    listed = [key for key, parameter in inspect.signature(generator).parameters.items()
              if parameter.kind is inspect.Parameter.VAR_POSITIONAL]
    values = [value for key in listed for value in given.pop(key)]
    network: Network = generator(*values, **given)
    return network


def make_rule(table: Any, network: Network) -> Rule:
    """The rule of a [rule] table, in which `frozen` are the numbers of edges."""
    given = table.model_dump()
    if given["frozen"] is not None:
        frozen = np.zeros(network.n_edges, dtype=bool)
        edges = np.array(given["frozen"], dtype=np.int64)
        wrong = edges[(edges < 0) | (edges >= frozen.size)]
        if wrong.size:
            raise ValueError(f"[rule] frozen: edge {wrong[0]}, but edges run from 0 to {frozen.size - 1}")
        frozen[edges] = True
        given["frozen"] = frozen
    return Rule(**given)


def written_down(table: Any, folder: Path, network: Network) -> Any:
    """A [tasks] table with what its files say, in numbers of nodes, so that the store does not depend on them."""
    tables = table.tables
    if table.files is not None:
        tables = [read_tables(folder / name) for name in table.files]
    if tables is None:
        return table
    return table.model_copy(update={"files": None, "tables": [numbered(one, network) for one in tables]})


def written_task(tables: Mapping[str, Any], number: int) -> Task | tuple[Task, ...]:
    """A task that is written down, or the samples of one."""
    try:
        samples = tasks_of(tables)
    except (ValueError, TypeError) as error:
        raise ValueError(f"[tasks] task {number}: {error}") from error
    return samples[0] if len(samples) == 1 else tuple(samples)


def make_tasks(table: Any, network: Network) -> list[Task | tuple[Task, ...]]:
    """The tasks of a [tasks] table. Task number i of a sampler is drawn with seed `seed + i`, so that more tasks leave
    the earlier ones as they are."""
    if table.tables is not None:
        return [written_task(tables, number) for number, tables in enumerate(table.tables)]
    given = table.allosteric.model_dump()
    count, seed, samples = given.pop("count"), given.pop("seed"), given.pop("samples")
    given["ground"] = None if given["ground"] == "none" else given["ground"]
    if samples > 1:
        from ohmlearn.tasks.samples import allosteric_samples

        return [allosteric_samples(network, samples, seed=seed + i, **given) for i in range(count)]
    return [Task.allosteric(network, seed=seed + i, **given) for i in range(count)]
