"""The lab circuit of paper 1: one circuit trained, or an ensemble of them in one call."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.checks.kinds import check_kinds, check_sign, reals
from ohmlearn.lab.circuit import LabCircuit
from ohmlearn.lab.run import LATE, LabRun, LabRuns
from ohmlearn.network import Network
from ohmlearn.parallel.threads import available_threads, in_threads
from ohmlearn.task import Task, as_tasks

if TYPE_CHECKING:
    from .block import Member

CAPACITANCE = 22e-6     # F, where R alone is given: it only sets the seconds


@overload
def train(network: Network, tasks: Task, rate: float | None = None, *,     # type: ignore[overload-overlap]
          capacitance: float | None = None, learning_rate: float | None = None, circuit: LabCircuit | None = None,
          steps: int = 3000, until: float = 1e-3, hold: int = 10, taps: ArrayLike | None = None, seed: int = 0,
          traces: bool = True, threads: int | None = None) -> LabRun: ...
@overload
def train(network: Network, tasks: Task | Sequence[Task], rate: ArrayLike | None = None, *,
          capacitance: ArrayLike | None = None, learning_rate: ArrayLike | None = None,
          circuit: LabCircuit | None = None, steps: int = 3000, until: float = 1e-3, hold: int = 10,
          taps: ArrayLike | None = None, seed: ArrayLike = 0, traces: bool = True, threads: int | None = None
          ) -> LabRuns: ...
@check_kinds
def train(network: Network, tasks: Task | Sequence[Task], rate: ArrayLike | None = None, *,
        capacitance: ArrayLike | None = None, learning_rate: ArrayLike | None = None,
        circuit: LabCircuit | None = None, steps: int = 3000, until: float = 1e-3, hold: int = 10,
        taps: ArrayLike | None = None, seed: ArrayLike = 0, traces: bool = True, threads: int | None = None
          ) -> LabRun | LabRuns:
    """Train twin networks of potentiometers and capacitors by the sign rule (paper 1, Fig. 1 and Methods).

    One of each gives a :class:`LabRun`; several of tasks, rates, capacitances, learning rates or seeds, taken together
    like NumPy arrays, give :class:`LabRuns` in their order.

    rate, capacitance, learning_rate : (n_runs,) or numbers: R = R0 c γl, c in F and γl in 1/s; two of the three, or R
        alone. A circuit depends on R only, the others set its seconds.
    circuit : hardware and rule, by default the paper's.
    steps : training steps: measure, clamp, pause, compare, turn. The last third of them tells the error floor.
    until, hold : τ is the first step from which C < until C(0) at `hold` measurements in a row.
    taps : of the potentiometers at the start: (n_edges,) or (n_runs, n_edges); by default those of `circuit.start`.
    seed : (n_runs,) or a number, of comparator noise and bias, which depend on it alone, not on the other circuits nor
        on threads.
    traces : keep C of every training step.

    A task that is met from the start has C in V² in place of C/C(0).

    Returns a :class:`LabRun` or :class:`LabRuns`: resistances in taps, times in training steps and in 1/γp.

    >>> import ohmlearn as ol
    >>> board = ol.lab.lab_network()
    >>> run = ol.lab.train(board, ol.lab.lab_task(board), rate=0.1, steps=300)
    >>> run.n_steps, run.rate
    (300, 0.1)
    """
    from ohmlearn.drivers.display.compile_cache import prepare

    circuit = circuit or LabCircuit()
    if steps < 1 or hold < 1 or not until > 0:
        raise ValueError(f"steps and hold must be at least 1 and until > 0; got {steps}, {hold} and {until}")
    given = as_tasks(tasks)
    if not given:
        raise ValueError("give at least one task to train")
    options = (x for x in (rate, capacitance, learning_rate, seed) if x is not None)
    single = isinstance(tasks, Task) and not any(np.ndim(x) for x in options)
    rates, farads = rates_of(rate, capacitance, learning_rate, circuit)
    which, rates, farads, seeds = together(np.arange(len(given)), rates, farads, checked_seeds(seed))
    starts = starting_taps(taps, circuit, (which.size, network.n_edges))
    ensemble = Ensemble(network, given, circuit, which, rates, seeds, starts)
    runs: list[LabRun | None] = [None] * which.size
    prepare()

    def follow(block: list[Member]) -> None:
        from .block import LabBlock

        costs, ends = LabBlock(block[0].task.shape, circuit).train(block, steps)
        initial = np.where(costs[0] > 0, costs[0], 1.0)
        relative = costs / initial
        late = relative[-max(steps // LATE, 1):]
        floors, quartiles = late.mean(axis=0), np.quantile(late, [0.25, 0.5, 0.75], axis=0)
        reached = held_from(relative < until, hold)
        for lane, member in enumerate(block):
            settled = member.task.equilibrium_cost(circuit.unit / ends[lane])
            runs[member.number] = LabRun(
                member.rate, float(farads[member.number]), member.seed, steps, float(initial[lane]),
                relative[:, lane].copy() if traces else None, float(reached[lane]),
                float(floors[lane]), quartiles[:, lane], settled / float(initial[lane]), ends[lane], circuit)

    in_threads(follow, ensemble.blocks(), available_threads(threads))
    done = [run for run in runs if run is not None]
    return done[0] if single else LabRuns(done)


def rates_of(rate: ArrayLike | None, capacitance: ArrayLike | None, learning_rate: ArrayLike | None,
             circuit: LabCircuit) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """R and c from two of R, c and γl, or from R alone."""
    known = {"rate": rate, "capacitance": capacitance, "learning_rate": learning_rate}
    values = {name: reals(value, name) for name, value in known.items() if value is not None}
    for name, value in values.items():
        check_sign(name, value)
    if len(values) == 3 or ("rate" not in values and len(values) < 2):
        raise ValueError("give rate, or two of rate, capacitance in F and learning_rate in 1/s: rate = R0 c γl")
    r0 = circuit.reference
    if "rate" not in values:
        return r0 * values["capacitance"] * values["learning_rate"], values["capacitance"]
    if "learning_rate" in values:
        return values["rate"], values["rate"] / (r0 * values["learning_rate"])
    return values["rate"], values.get("capacitance", np.asarray(CAPACITANCE))


def checked_seeds(seed: ArrayLike) -> NDArray[np.int64]:
    """Seeds as integers >= 0."""
    seeds = np.asarray(seed)
    if seeds.dtype.kind not in "iu" or np.any(seeds < 0):
        raise ValueError(f"seed must be integers >= 0, not {seed!r}")
    return seeds.astype(np.int64)


def together(tasks: NDArray[Any], *arrays: NDArray[Any]) -> list[NDArray[Any]]:
    """All arrays flat and equally long, one entry a circuit."""
    try:
        return [array.ravel() for array in np.broadcast_arrays(tasks, *arrays)]
    except ValueError as error:
        shapes = " and ".join(str(array.shape) for array in arrays if array.ndim)
        raise ValueError(f"{tasks.size} tasks do not go together with rates, capacitances, learning rates or seeds "
                         f"of shape {shapes}; give one of each, or as many") from error


def starting_taps(taps: ArrayLike | None, circuit: LabCircuit, shape: tuple[int, int]) -> NDArray[np.float64]:
    """(n_runs, n_edges) taps at the start."""
    found = circuit.turns(taps)
    if found.shape not in ((), shape[1:], shape):
        raise ValueError(f"taps must have shape {shape[1:]} or {shape}, not {found.shape}")
    return np.broadcast_to(found, shape)


def held_from(below: NDArray[np.bool_], hold: int) -> NDArray[np.float64]:
    """First row from which a column of (rows, columns) is true `hold` times in a row; NaN if never."""
    counts = np.cumsum(below, axis=0)
    counts = np.concatenate([np.zeros_like(counts[:1]), counts])
    held: NDArray[np.bool_] = counts[hold:] - counts[:-hold] == hold
    if not len(held):
        return np.full(below.shape[1], np.nan)
    return np.where(held.any(axis=0), held.argmax(axis=0), np.nan)


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Circuits to train; arrays have one entry a circuit. which : its task. taps : (n_runs, n_edges)."""

    network: Network
    tasks: Sequence[Task]
    circuit: LabCircuit
    which: NDArray[np.int64]
    rates: NDArray[np.float64]
    seeds: NDArray[np.int64]
    taps: NDArray[np.float64]

    def __post_init__(self) -> None:
        bias = np.asarray(self.circuit.bias)
        if bias.ndim and bias.shape != (2, self.network.n_edges):
            raise ValueError(f"bias must have shape (2, {self.network.n_edges}), two comparators per edge, "
                             f"not {bias.shape}")

    def blocks(self) -> Iterator[list[Member]]:
        """Circuits that go side by side: tasks of one shape, and rates alike, as their pauses take equal work."""
        from .block import LANES, Member, Whitened

        tasks = [Whitened.of(self.network, task, self.circuit.capacitors) for task in self.tasks]
        members = [Member(k, tasks[i], float(rate), int(seed), self.taps[k])
                   for k, (i, rate, seed) in enumerate(zip(self.which, self.rates, self.seeds, strict=True))]
        members.sort(key=lambda member: (member.task.shape, member.rate))
        for _, group in groupby(members, key=lambda member: member.task.shape):
            alike = list(group)
            yield from (alike[k:k + LANES] for k in range(0, len(alike), LANES))
