"""What a lab circuit leaves behind, and the circuits of an ensemble."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from .circuit import LabCircuit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LATE = 3            # the error floor is read over the last of so many parts of a run


@dataclass(frozen=True, eq=False, repr=False)
class LabRun:
    """One circuit, trained. Voltages are those of the free network as the supervisor measures them.

    rate : R = R0 c γl. capacitance : c in F. seed : of noise and bias.
    n_steps : training steps. initial_cost : C(0) in V².
    cost : (n_steps + 1,) C/C(0) before each training step and at the end; None if it was not kept.
    steps : τ in training steps, the first from which C < until C(0) was held; NaN if never.
    floor, floor_quartiles : mean and (3,) quartiles of C/C(0) over the last third of the run.
    equilibrium_cost : C*/C(0) at the end.
    taps : (n_edges,) of the potentiometers at the end. circuit : its hardware and rule.

    >>> import ohmlearn as ol
    >>> board = ol.lab.lab_network()
    >>> run = ol.lab.train(board, ol.lab.lab_task(board), 0.1, steps=300)
    >>> run.cost.shape, run.taps.shape, bool(run.floor < 0.1)
    ((301,), (16,), True)
    """

    rate: float
    capacitance: float
    seed: int
    n_steps: int
    initial_cost: float
    cost: NDArray[np.float64] | None
    steps: float
    floor: float
    floor_quartiles: NDArray[np.float64]
    equilibrium_cost: float
    taps: NDArray[np.float64]
    circuit: LabCircuit

    @property
    def late(self) -> NDArray[np.float64]:
        """C/C(0) over the last third of the run."""
        if self.cost is None:
            raise ValueError("this run kept no trace; train it with traces=True")
        return self.cost[-max(self.n_steps // LATE, 1):]

    @property
    def learning_rate(self) -> float:
        """γl in 1/s."""
        return self.rate / (self.circuit.reference * self.capacitance)

    @property
    def step_time(self) -> float:
        """A training step in 1/γp."""
        return self.circuit.pauses / self.rate

    @property
    def training_time(self) -> float:
        """τ in 1/γp; NaN if never."""
        return self.steps * self.step_time

    @property
    def times(self) -> NDArray[np.float64]:
        """(n_steps + 1,) times of `cost` in 1/γp."""
        return np.arange(self.n_steps + 1, dtype=np.float64) * self.step_time

    @property
    def seconds(self) -> NDArray[np.float64]:
        """(n_steps + 1,) times of `cost` in s."""
        return np.arange(self.n_steps + 1, dtype=np.float64) * (self.circuit.pauses / self.learning_rate)

    @property
    def resistances(self) -> NDArray[np.float64]:
        """(n_edges,) Ω at the end."""
        return self.taps * self.circuit.tap

    @property
    def conductances(self) -> NDArray[np.float64]:
        """(n_edges,) in 1/R0 at the end."""
        return self.circuit.unit / self.taps

    def plot(self, ax: Axes | None = None, *, against: Literal["steps", "time", "seconds"] = "steps") -> Axes:
        """C/C(0) against training "steps", "time" in 1/γp or "seconds"; returns the matplotlib axes.

        >>> import ohmlearn as ol
        >>> board = ol.lab.lab_network()
        >>> run = ol.lab.train(board, ol.lab.lab_task(board), 0.1, steps=50)
        >>> run.plot().get_ylabel()
        'cost $C/C(0)$'
        """
        from ohmlearn.drivers.display.plots import plot_lab_runs

        return plot_lab_runs([self], ax, against)

    def __repr__(self) -> str:
        reached = f"τ={self.steps:g} steps" if np.isfinite(self.steps) else "threshold not reached"
        return f"<LabRun at R={self.rate:g}: {reached}, floor {self.floor:.3g} after {self.n_steps} steps>"


class LabRuns(Sequence[LabRun]):
    """The circuits of an ensemble, in the order asked for; their numbers as arrays: runs.training_time.

    >>> import ohmlearn as ol
    >>> board = ol.lab.lab_network()
    >>> runs = ol.lab.train(board, ol.lab.lab_task(board), [0.1, 1.0], steps=100)
    >>> len(runs), runs.floor.shape
    (2, (2,))
    """

    def __init__(self, runs: Sequence[LabRun]) -> None:
        self._runs = tuple(runs)

    @overload
    def __getitem__(self, index: int) -> LabRun: ...
    @overload
    def __getitem__(self, index: slice) -> LabRuns: ...
    def __getitem__(self, index: int | slice) -> LabRun | LabRuns:
        return LabRuns(self._runs[index]) if isinstance(index, slice) else self._runs[index]

    def __len__(self) -> int:
        return len(self._runs)

    def __iter__(self) -> Iterator[LabRun]:
        return iter(self._runs)

    def _gather(self, name: str) -> NDArray[Any]:
        return np.array([getattr(run, name) for run in self._runs])

    rate = property(lambda self: self._gather("rate"), doc="(n_runs,) R = R0 c γl.")
    capacitance = property(lambda self: self._gather("capacitance"), doc="(n_runs,) c in F.")
    learning_rate = property(lambda self: self._gather("learning_rate"), doc="(n_runs,) γl in 1/s.")
    initial_cost = property(lambda self: self._gather("initial_cost"), doc="(n_runs,) C(0) in V².")
    steps = property(lambda self: self._gather("steps"), doc="(n_runs,) τ in training steps, NaN if never.")
    training_time = property(lambda self: self._gather("training_time"), doc="(n_runs,) τ in 1/γp, NaN if never.")
    floor = property(lambda self: self._gather("floor"), doc="(n_runs,) mean of C/C(0) over the last third.")
    equilibrium_cost = property(lambda self: self._gather("equilibrium_cost"), doc="(n_runs,) C*/C(0) at the end.")
    taps = property(lambda self: self._gather("taps"), doc="(n_runs, n_edges) at the end.")

    def plot(self, ax: Axes | None = None, *, against: Literal["steps", "time", "seconds"] = "steps") -> Axes:
        """C/C(0) against training "steps", "time" in 1/γp or "seconds"; returns the matplotlib axes.

        >>> import ohmlearn as ol
        >>> board = ol.lab.lab_network()
        >>> runs = ol.lab.train(board, ol.lab.lab_task(board), [0.1, 1.0], steps=50)
        >>> len(runs.plot(against="seconds").lines)
        2
        """
        from ohmlearn.drivers.display.plots import plot_lab_runs

        return plot_lab_runs(self, ax, against)

    def __repr__(self) -> str:
        reached = int(np.isfinite(self.steps).sum())
        return f"<{len(self)} lab circuits: {reached} reached the threshold>"
