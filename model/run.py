"""What a training run leaves behind, one or an ensemble."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from .record import Record as Record

if TYPE_CHECKING:
    import os
    from pathlib import Path

    import pandas
    import xarray
    from matplotlib.axes import Axes

    from .network import Network
    from .rule import GradientFlow, Rule
    from .task import Task

STATUSES = ("reached", "out of time", "stalled", "diverged")


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """One training run. Times are in 1/γp (in training steps at rate 0), costs relative to C*(0).

    rate : R = γl/γp.
    status, reason : "reached", "out of time", "stalled" or "diverged", and why in words.
    training_time : τ, first time with C* < until; NaN if never.
    sustained_time : first time after which C* stays below `until` up to the end; NaN if never.
        A run that ends at the threshold (the default) has both alike.
    nonequilibrium_time : first time with C < until; NaN if never, as in most runs that end at τ: C lags behind C*.
    time : end of the run; τ where the run ended at the threshold, whose state is then that at τ.
    conductances : (n_edges,) G at the end in G₀.
    voltages, difference : (n_nodes,) v and w = (v^C - v^F)/η at the end in V; (n_samples, n_nodes) of samples side by
        side.
    times : (n_times,) of the record in 1/γp, training steps at rate 0.
    equilibrium_cost, cost : (n_times,) C*/C*(0) and C/C*(0) at `times`.
    initial_cost : C*(0) in V².
    final_cost : C*/C*(0) at the end.
    n_steps, n_looks : RK4 steps taken, or discrete updates, and times that C* was solved for.
    network, task, rule : what was trained, and how; None in a run that was made without them.
    edges : law of the edges where it is not that of resistors; `conductances` are then what edges have learned, gate
        voltages in V where they are transistors.
    recorded : {name: (n_times, ...)} what `Record(keep=...)` asked for, at `times`; shapes and units are said there.

    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(4, 4)
    >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
    >>> run = ol.train(net, task, 1.0, until=1e-3, record=ol.Record(per_decade=2))
    >>> run.status, run.conductances.shape, run.times.size == run.cost.size
    ('reached', (24,), True)
    """

    rate: float
    status: str
    reason: str
    training_time: float
    sustained_time: float
    nonequilibrium_time: float
    time: float
    conductances: NDArray[np.float64]
    voltages: NDArray[np.float64]
    difference: NDArray[np.float64]
    times: NDArray[np.float64]
    equilibrium_cost: NDArray[np.float64]
    cost: NDArray[np.float64]
    initial_cost: float
    final_cost: float
    n_steps: int
    n_looks: int
    network: Network | None = field(default=None, repr=False)
    task: Task | tuple[Task, ...] | None = field(default=None, repr=False)
    rule: Rule | GradientFlow | None = field(default=None, repr=False)
    recorded: Mapping[str, NDArray[np.float64]] = field(default_factory=dict, repr=False)
    edges: Any = field(default=None, repr=False)

    @property
    def training_steps(self) -> NDArray[np.float64]:
        """(n_times,) R t, the time in training steps (paper 1, Simulation results)."""
        return self.times * (self.rate or 1.0)

    def plot(self, ax: Axes | None = None, *, against: Literal["steps", "time"] = "steps") -> Axes:
        """C* and C against training steps (or `against="time"`); returns the matplotlib axes.

        >>> import ohmlearn as ol
        >>> net = ol.Network.grid(4, 4)
        >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
        >>> run = ol.train(net, task, 1.0, until=1e-2, record=ol.Record(per_decade=5))
        >>> run.plot().get_xscale()
        'log'
        """
        from ohmlearn.drivers.display.plots import plot_runs

        return plot_runs([self], ax, against=against)

    def show(self, path: str | os.PathLike[str] | None = None) -> Path:
        """Interactive page of the trained network, written to `path` or opened in the browser; returns where it is.

        >>> import ohmlearn as ol
        >>> net = ol.Network.grid(4, 4)
        >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
        >>> run = ol.train(net, task, 1.0, until=1e-2, record=ol.Record(per_decade=5))
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     page = run.show(f"{folder}/net.html")
        ...     print(page.name, page.stat().st_size > 10_000)
        net.html True
        """
        from ohmlearn.drivers.display.network_page import show

        if self.network is None or self.task is None:
            raise ValueError("this run does not know its network and task any more; "
                             "see ohmlearn.drivers.display.network_page.show")
        return show(self.network, self.conductances, self.task, path, f"trained at R = {self.rate:g}",
                    edges=self.edges)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the run to one file (.npz), which :func:`ohmlearn.load` reads; see there.

        >>> import ohmlearn as ol
        >>> net = ol.Network.grid(4, 4)
        >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
        >>> run = ol.train(net, task, 1.0, until=1e-2, record=ol.Record(per_decade=5))
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     run.save(f"{folder}/run.npz")
        ...     print(ol.load(f"{folder}/run.npz").status)
        reached
        """
        from ohmlearn.results.run_file import save

        save(self, path)

    def to_spice(self, **options: Any) -> str:
        """The trained network as a deck for SPICE; options as for :func:`ohmlearn.io.spice.to_spice`.

        Returns the text of the deck. Raises ValueError where the run has several samples, or no network and task.

        >>> import ohmlearn as ol
        >>> net = ol.Network.grid(4, 4)
        >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
        >>> run = ol.train(net, task, 1.0, until=1e-2, record=ol.Record(per_decade=5))
        >>> print(run.to_spice().splitlines()[0])
        * 4×4 grid: 16 nodes, 24 edges
        """
        from ohmlearn.io.spice import to_spice

        if self.network is None or self.task is None or isinstance(self.task, tuple):
            raise ValueError("a deck has one network and one task; this run has several samples, or was made without "
                             "its network: call network.to_spice(task, run) with the task that you mean")
        return to_spice(self.network, self.task, self, **options)

    def to_xarray(self) -> xarray.Dataset:
        """All of the run as an xarray.Dataset: traces over time, conductances by edge, voltages by node, with names.

        >>> import ohmlearn as ol
        >>> net = ol.Network.from_edges([(0, 1), (1, 2)], node_names=["in", "out", "ground"])
        >>> run = ol.train(net, ol.Task({0: 1.0, 2: 0.0}, {1: 0.6}), 1.0)
        >>> round(float(run.to_xarray()["voltages"].sel(node="in")), 3)
        1.0

        Returns an xarray.Dataset.
        """
        from ohmlearn.results.run_tables import to_xarray

        return to_xarray(self)

    def _repr_html_(self) -> str:
        from ohmlearn.results.run_tables import run_html

        return run_html(self)

    def __repr__(self) -> str:
        return (f"<Run at R={self.rate:g}: {self.status}, τ={self.training_time:.6g}, "
                f"C*/C*(0)={self.final_cost:.3g} after {self.n_steps} steps>")


class Runs(Sequence[Run]):
    """The runs of an ensemble, in the order asked for, or on a grid of tasks times rates.

    shape : (n_runs,), or (n_tasks, n_rates) of a grid. dims : names of these axes, ("run",) or ("task", "rate").
    labels : {dim: labels along it}, such as the names of tasks that were given as a mapping.

    What a run has as a number or as an array of a fixed shape is an array over all runs here: `runs.training_time`.
    An index is a number, a slice, a mask or a list of numbers as in NumPy, or a label. `runs[2]` is one run of a list;
    of a grid it is the runs of the third task. `runs.flat` are all runs, one after the other.

    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(4, 4)
    >>> tasks = {"up": ol.Task({0: 1.0, 15: 0.0}, {6: 0.7}), "down": ol.Task({0: 1.0, 15: 0.0}, {6: 0.4})}
    >>> runs = ol.train(net, tasks, [0.0, 0.1, 1.0], until=1e-3, grid=True)
    >>> runs.shape, runs.training_time.shape, runs["up"].shape, runs["up", 0].status
    ((2, 3), (2, 3), (3,), 'reached')
    >>> runs.median("task").shape, len(runs[runs.rate > 0])
    ((3,), 4)
    """

    def __init__(self, runs: Iterable[Run], shape: tuple[int, ...] | None = None, dims: tuple[str, ...] = ("run",),
                 labels: Mapping[str, Sequence[Any]] | None = None) -> None:
        self.flat = tuple(runs)
        self.shape = (len(self.flat),) if shape is None else tuple(shape)
        self.dims, self.labels = dims, dict(labels or {})
        if len(self.shape) != len(dims) or np.prod(self.shape, dtype=int) != len(self.flat):
            raise ValueError(f"{len(self.flat)} runs do not fill the axes {dims} of shape {self.shape}")

    @overload
    def __getitem__(self, index: int) -> Run: ...
    @overload
    def __getitem__(self, index: slice) -> Runs: ...
    @overload
    def __getitem__(self, index: Any) -> Any: ...
    def __getitem__(self, index: Any) -> Any:
        keys = index if isinstance(index, tuple) else (index,)
        if len(keys) > len(self.dims):
            raise IndexError(f"{len(keys)} indices for runs along {' and '.join(self.dims)}")
        keys = tuple(self._number(key, dim) for key, dim in zip(keys, self.dims, strict=False))
        found = np.arange(len(self.flat)).reshape(self.shape)[keys]
        if np.ndim(found) == 0:
            return self.flat[int(found)]
        chosen = [self.flat[k] for k in found.ravel().tolist()]
        plain = all(isinstance(key, int | np.integer | slice) for key in keys)
        rest = (slice(None),) * (len(self.dims) - len(keys))
        left = [(dim, key) for dim, key in zip(self.dims, keys + rest, strict=True)
                if plain and isinstance(key, slice)]
        if len(left) != found.ndim:
            return Runs(chosen)
        labels = {dim: list(self.labels[dim])[key] for dim, key in left if dim in self.labels}
        return Runs(chosen, found.shape, tuple(dim for dim, _ in left), labels)

    def _number(self, key: Any, dim: str) -> Any:
        """The number of a label along an axis; anything else as it is."""
        if not isinstance(key, str):
            return key
        names = list(self.labels.get(dim, ()))
        if key not in names:
            raise KeyError(f"no {dim} is called {key!r}; " + (f"there are {', '.join(map(repr, names))}" if names else
                           "labels come from tasks that are given to train as {label: task}"))
        return names.index(key)

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[k] for k in range(len(self)))

    def _gather(self, name: str) -> NDArray[Any]:
        values = [getattr(run, name) for run in self.flat]
        shapes = {np.shape(value) for value in values}
        if len(shapes) > 1:
            raise ValueError(f"{name} has unlike shapes in these runs ({', '.join(map(str, sorted(shapes)))}); take it "
                             "from each run, or from runs.to_xarray(), which fills up with NaN")
        return np.array(values).reshape(self.shape + (shapes.pop() if shapes else ()))

    rate = property(lambda self: self._gather("rate"), doc="(n_runs,) R = γl/γp.")
    status = property(lambda self: self._gather("status"), doc="(n_runs,) how each run ended.")
    reason = property(lambda self: self._gather("reason"), doc="(n_runs,) why it ended so, in words.")
    training_time = property(lambda self: self._gather("training_time"), doc="(n_runs,) τ in 1/γp, NaN if never.")
    sustained_time = property(lambda self: self._gather("sustained_time"), doc="(n_runs,) in 1/γp.")
    nonequilibrium_time = property(lambda self: self._gather("nonequilibrium_time"), doc="(n_runs,) in 1/γp.")
    time = property(lambda self: self._gather("time"), doc="(n_runs,) end of each run in 1/γp.")
    initial_cost = property(lambda self: self._gather("initial_cost"), doc="(n_runs,) C*(0) in V².")
    final_cost = property(lambda self: self._gather("final_cost"), doc="(n_runs,) C*/C*(0) at the end.")
    n_steps = property(lambda self: self._gather("n_steps"), doc="(n_runs,) RK4 steps taken, or discrete updates.")
    conductances = property(lambda self: self._gather("conductances"), doc="(n_runs, n_edges) G at the end in G₀.")
    voltages = property(lambda self: self._gather("voltages"), doc="(n_runs, n_nodes) v at the end in V.")
    times = property(lambda self: self._gather("times"), doc="(n_runs, n_times) times in 1/γp, if alike in number.")
    equilibrium_cost = property(lambda self: self._gather("equilibrium_cost"), doc="(n_runs, n_times) C*/C*(0).")
    cost = property(lambda self: self._gather("cost"), doc="(n_runs, n_times) C/C*(0).")

    def median(self, over: str = "run", of: str = "training_time") -> NDArray[np.float64]:
        """Median along an axis: (n_rates,) over the tasks of a grid, (n_tasks,) over its rates, a number of a list.

        over : the axis, "run", "task" or "rate". of : name of what is taken; times that were never reached count as
        longer than all others, so that the median is NaN where half of the runs or more did not get there.

        Returns (n_rates,), (n_tasks,) or a number, in the units of what is taken.

        >>> import ohmlearn as ol
        >>> net = ol.Network.grid(4, 4)
        >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
        >>> runs = ol.train(net, [task, ol.Task({0: 1.0, 15: 0.0}, {6: 0.6})], [0.1, 1.0], until=1e-2, grid=True)
        >>> runs.median("task").shape
        (2,)
        """
        return self.quantile(0.5, over, of)

    def quantile(self, q: float, over: str = "run", of: str = "training_time") -> NDArray[np.float64]:
        """Quantile 0 <= q <= 1 along an axis, (n_rates,) or (n_tasks,); over, of : as for :meth:`median`.

        Returns (n_rates,), (n_tasks,) or a number, in the units of what is taken.

        >>> import ohmlearn as ol
        >>> net = ol.Network.grid(4, 4)
        >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
        >>> runs = ol.train(net, [task, ol.Task({0: 1.0, 15: 0.0}, {6: 0.6})], [0.1, 1.0], until=1e-2, grid=True)
        >>> bool((runs.quantile(0.25, "task") <= runs.median("task")).all())
        True
        """
        if not 0 <= q <= 1:
            raise ValueError(f"q={q} must lie between 0 and 1")
        values = np.asarray(self._gather(of), dtype=np.float64)
        values = np.sort(np.where(np.isnan(values), np.inf, values), axis=self._axis(over))
        place = q * (values.shape[self._axis(over)] - 1)
        low, high = (np.take(values, int(k), self._axis(over)) for k in (np.floor(place), np.ceil(place)))
        with np.errstate(invalid="ignore"):
            between = np.where(low == high, low, low + (place % 1.0) * (high - low))
        found: NDArray[np.float64] = np.where(np.isfinite(between), between, np.nan)
        return found

    def mean(self, over: str = "run", of: str = "training_time") -> NDArray[np.float64]:
        """Mean along an axis, (n_rates,) or (n_tasks,), NaN where a run has none; over, of : as for :meth:`median`.

        Returns (n_rates,), (n_tasks,) or a number, in the units of what is taken.

        >>> import ohmlearn as ol
        >>> net = ol.Network.grid(4, 4)
        >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
        >>> runs = ol.train(net, [task, ol.Task({0: 1.0, 15: 0.0}, {6: 0.6})], [0.1, 1.0], until=1e-2, grid=True)
        >>> runs.mean("rate", of="n_steps").shape
        (2,)
        """
        found: NDArray[np.float64] = np.mean(np.asarray(self._gather(of), dtype=np.float64), axis=self._axis(over))
        return found

    def fraction(self, status: str = "reached", over: str = "run") -> NDArray[np.float64]:
        """Fraction of the runs that ended with a status, (n_rates,) or (n_tasks,); over : as for :meth:`median`.

        Returns (n_rates,), (n_tasks,) or a number, 0 to 1.

        >>> import ohmlearn as ol
        >>> net = ol.Network.grid(4, 4)
        >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
        >>> runs = ol.train(net, [task, ol.Task({0: 1.0, 15: 0.0}, {6: 0.6})], [0.1, 1.0], until=1e-2, grid=True)
        >>> runs.fraction(over="task").tolist()
        [1.0, 1.0]
        """
        if status not in STATUSES:
            raise ValueError(f"status must be one of {', '.join(STATUSES)}, not {status!r}")
        found: NDArray[np.float64] = np.mean(self.status == status, axis=self._axis(over))
        return found

    def _axis(self, over: str) -> int:
        if over not in self.dims:
            raise ValueError(f"these runs have no axis {over!r}; they lie along {' and '.join(self.dims)}")
        return self.dims.index(over)

    def plot(self, ax: Axes | None = None, *, against: Literal["steps", "time"] = "steps") -> Axes:
        """C* of every run, coloured by R, against training steps or against="time"; returns the matplotlib axes.

        >>> import ohmlearn as ol
        >>> net = ol.Network.grid(4, 4)
        >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
        >>> runs = ol.train(net, task, [0.1, 1.0], until=1e-2, record=ol.Record(per_decade=5))
        >>> len(runs.plot().lines)
        2
        """
        from ohmlearn.drivers.display.plots import plot_runs

        return plot_runs(self.flat, ax, against=against)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the runs to one file (.npz), which :func:`ohmlearn.load` reads; see there.

        >>> import ohmlearn as ol
        >>> net = ol.Network.grid(4, 4)
        >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
        >>> runs = ol.train(net, [task, ol.Task({0: 1.0, 15: 0.0}, {6: 0.6})], [0.1, 1.0], until=1e-2, grid=True)
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     runs.save(f"{folder}/runs.npz")
        ...     print(ol.load(f"{folder}/runs.npz").shape)
        (2, 2)
        """
        from ohmlearn.results.run_file import save

        save(self, path)

    def to_xarray(self) -> xarray.Dataset:
        """All of the runs as an xarray.Dataset, with names and units; records of unlike lengths are filled with NaN.

        Returns an xarray.Dataset.

        >>> import ohmlearn as ol
        >>> net = ol.Network.grid(4, 4)
        >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
        >>> runs = ol.train(net, [task, ol.Task({0: 1.0, 15: 0.0}, {6: 0.6})], [0.1, 1.0], until=1e-2, grid=True)
        >>> dict(runs.to_xarray()["training_time"].sizes)
        {'task': 2, 'rate': 2}
        """
        from ohmlearn.results.run_tables import to_xarray

        return to_xarray(self)

    def to_dataframe(self) -> pandas.DataFrame:
        """The numbers of the runs as a pandas.DataFrame, a row for each run.

        Returns a pandas.DataFrame.

        >>> import ohmlearn as ol
        >>> net = ol.Network.grid(4, 4)
        >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
        >>> runs = ol.train(net, [task, ol.Task({0: 1.0, 15: 0.0}, {6: 0.6})], [0.1, 1.0], until=1e-2, grid=True)
        >>> runs.to_dataframe()["status"].tolist()
        ['reached', 'reached', 'reached', 'reached']
        """
        from ohmlearn.results.run_tables import to_dataframe

        return to_dataframe(self)

    def _repr_html_(self) -> str:
        from ohmlearn.results.run_tables import runs_html

        return runs_html(self)

    def __repr__(self) -> str:
        counts = ", ".join(f"{np.sum(self.status == s)} {s}" for s in STATUSES if np.any(self.status == s))
        size = "×".join(map(str, self.shape)) if len(self.shape) > 1 else str(len(self.flat))
        return f"<{size} runs: {counts}>"
