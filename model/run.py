"""What a training run leaves behind, and what of it to record."""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from .network import Network
    from .rule import GradientFlow, Rule
    from .task import Task

STATUSES = ("reached", "out of time", "stalled", "diverged")
KEPT = ("outputs", "voltages", "conductances", "power", "squared_norm")     # what may be recorded besides the costs


MOST_TIMES = 100_000        # that a Record may space by decades: there is memory for each in every run


@dataclass(frozen=True, eq=False)
class Record:
    """When to write down the costs along a run, and what else. Give exactly one of `per_decade` and `times`.

    per_decade : this many times per decade, evenly in log t, from `start` training times to the end.
    times : (n_times,) increasing times in 1/γp.
    start : first time of `per_decade`, as a fraction of the time limit.
    keep : names of further quantities, which `Run.recorded` then holds at `Run.times`. Steps end at every such time, so
        that the states are those of the run itself and not interpolated. v is the free network as it is at that
        moment, which is at equilibrium at rate 0 only.

        "outputs" : (n_times, n_targets) what the targets read from v, in V.
        "voltages" : (n_times, n_nodes) v in V.
        "conductances" : (n_times, n_edges) G in G₀.
        "power" : (n_times,) Σ G (Δv)² = vᵀ L(G) v, dissipated in all edges of the free network, in V² G₀ (twice the
        power P of paper 1, below Eq. 1; the VᵀHV of paper 2).
        "squared_norm" : (n_times,) Σ G² in G₀².

        The first two and the power have an axis n_samples behind the first where samples are learned side by side.

    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(3, 3)
    >>> task = ol.Task([0, 8], [1.0, 0.0], [4], [0.4])
    >>> run = ol.train(net, task, 1.0, record=ol.Record(times=[0.0, 1.0], keep=("outputs", "power")))
    >>> run.recorded["outputs"].shape, run.recorded["power"].round(3).tolist()
    ((2, 1), [0.667, 0.666])
    """

    per_decade: int | None = None
    times: ArrayLike | None = None
    start: float = 1e-6
    keep: Sequence[str] = ()

    def __post_init__(self) -> None:
        if (self.per_decade is None) == (self.times is None):
            raise ValueError("Record takes either per_decade or times")
        if self.per_decade is not None and self.per_decade < 1:
            raise ValueError(f"per_decade must be at least 1, not {self.per_decade}")
        if self.per_decade is not None and not -np.log10(max(self.start, 1e-300)) * self.per_decade < MOST_TIMES:
            raise ValueError(f"per_decade={self.per_decade} from start={self.start} on would record more than "
                             f"{MOST_TIMES} times; 10 to 100 per decade show a run")
        if not 0 < self.start < 1:
            raise ValueError(f"start must lie between 0 and 1, not {self.start}")
        object.__setattr__(self, "keep", (self.keep,) if isinstance(self.keep, str) else tuple(self.keep))
        for number, name in enumerate(self.keep):
            if name not in KEPT:
                raise ValueError(f"keep={name!r} is not known; give names out of {', '.join(KEPT)}")
            if name in self.keep[:number]:
                raise ValueError(f"keep names {name!r} twice; leave one out")
        if self.times is not None:
            times = np.array(self.times, dtype=np.float64)
            if times.ndim != 1 or times.size == 0 or not np.all(np.isfinite(times)):
                raise ValueError("times must be a 1-d array of finite numbers")
            if times[0] < 0 or np.any(np.diff(times) <= 0):
                raise ValueError("times must be >= 0 and increase")
            times.setflags(write=False)
            object.__setattr__(self, "times", times)

    def times_until(self, t_max: float) -> NDArray[np.float64]:
        """(n_times,) the times to record within a limit t_max (1/γp), 0 first when they are spaced by decades."""
        if self.times is not None:
            times = np.asarray(self.times, dtype=np.float64)
            return times[times <= t_max]
        assert self.per_decade is not None
        count = int(np.ceil(-np.log10(self.start) * self.per_decade))
        return np.append(0.0, t_max * 10.0 ** (np.arange(-count, 1) / self.per_decade))


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
    equilibrium_cost, cost : (n_times,) C*/C*(0) and C/C*(0) at `times`.
    initial_cost : C*(0) in V².
    final_cost : C*/C*(0) at the end.
    n_steps, n_looks : RK4 steps taken, or discrete updates, and times that C* was solved for.
    recorded : {name: (n_times, ...)} what `Record(keep=...)` asked for, at `times`; shapes and units are said there.
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

    @property
    def training_steps(self) -> NDArray[np.float64]:
        """(n_times,) R t, the time in training steps (paper 1, Simulation results)."""
        return self.times * (self.rate or 1.0)

    def plot(self, ax: Any = None, *, against: str = "steps") -> Any:
        """C* and C against training steps (or `against="time"`); returns the matplotlib axes."""
        from ohmlearn.drivers.display.plots import plot_runs

        return plot_runs([self], ax, against=against)

    def show(self, path: Any = None) -> Any:
        """Interactive page of the trained network, written to `path` or opened in the browser; returns where it is."""
        from ohmlearn.drivers.display.network_page import show

        if self.network is None or self.task is None:
            raise ValueError("this run does not know its network and task any more; "
                             "see ohmlearn.drivers.display.network_page.show")
        return show(self.network, self.conductances, self.task, path, f"trained at R = {self.rate:g}")

    def to_xarray(self) -> Any:
        """xarray Dataset: traces over time, conductances by edge, voltages by node, with names where there are any.

        >>> import ohmlearn as ol
        >>> net = ol.Network.from_edges([(0, 1), (1, 2)], node_names=["in", "out", "ground"])
        >>> run = ol.train(net, ol.Task([0, 2], [1.0, 0.0], [1], [0.6]), 1.0)
        >>> round(float(run.to_xarray()["voltages"].sel(node="in")), 3)
        1.0
        """
        from ohmlearn.io.run_tables import to_xarray

        return to_xarray(self)

    def __repr__(self) -> str:
        return (f"<Run at R={self.rate:g}: {self.status}, τ={self.training_time:.6g}, "
                f"C*/C*(0)={self.final_cost:.3g} after {self.n_steps} steps>")


class Runs(Sequence[Run]):
    """The runs of an ensemble, in the order asked for. Scalars of all runs are arrays: runs.training_time."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self._runs = tuple(runs)

    @overload
    def __getitem__(self, index: int) -> Run: ...
    @overload
    def __getitem__(self, index: slice) -> Runs: ...
    def __getitem__(self, index: int | slice) -> Run | Runs:
        return Runs(self._runs[index]) if isinstance(index, slice) else self._runs[index]

    def __len__(self) -> int:
        return len(self._runs)

    def __iter__(self) -> Iterator[Run]:
        return iter(self._runs)

    def _gather(self, name: str) -> NDArray[Any]:
        return np.array([getattr(run, name) for run in self._runs])

    rate = property(lambda self: self._gather("rate"), doc="(n_runs,) R = γl/γp.")
    status = property(lambda self: self._gather("status"), doc="(n_runs,) how each run ended.")
    training_time = property(lambda self: self._gather("training_time"), doc="(n_runs,) τ in 1/γp, NaN if never.")
    sustained_time = property(lambda self: self._gather("sustained_time"), doc="(n_runs,) in 1/γp.")
    nonequilibrium_time = property(lambda self: self._gather("nonequilibrium_time"), doc="(n_runs,) in 1/γp.")
    time = property(lambda self: self._gather("time"), doc="(n_runs,) end of each run in 1/γp.")
    initial_cost = property(lambda self: self._gather("initial_cost"), doc="(n_runs,) C*(0) in V².")
    final_cost = property(lambda self: self._gather("final_cost"), doc="(n_runs,) C*/C*(0) at the end.")
    n_steps = property(lambda self: self._gather("n_steps"), doc="(n_runs,) RK4 steps taken, or discrete updates.")
    conductances = property(lambda self: self._gather("conductances"), doc="(n_runs, n_edges) G at the end in G₀.")

    def plot(self, ax: Any = None, *, against: str = "steps") -> Any:
        """C* of every run, coloured by R, against training steps or against="time"; returns the matplotlib axes."""
        from ohmlearn.drivers.display.plots import plot_runs

        return plot_runs(self, ax, against=against)

    def to_dataframe(self) -> Any:
        """pandas DataFrame with a row per run: rate, status, times in 1/γp, costs and steps."""
        from ohmlearn.io.run_tables import to_dataframe

        return to_dataframe(self)

    def __repr__(self) -> str:
        counts = ", ".join(f"{np.sum(self.status == s)} {s}" for s in STATUSES if np.any(self.status == s))
        return f"<{len(self)} runs: {counts}>"
