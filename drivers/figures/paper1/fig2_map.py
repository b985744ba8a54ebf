"""The quasistatic line of Fig. 2a: a map of unit step in the published figure, beside the limit of slow learning."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from ohmlearn.discrete import Discrete
from ohmlearn.drivers.analysis.published import SOURCE, published_traces
from ohmlearn.drivers.figures.verdicts import judge
from ohmlearn.drivers.training.train import train
from ohmlearn.network import Network
from ohmlearn.run import Record, Run
from ohmlearn.task import Task

STEPS = np.array([1.0, 2.0, 3.0, 100.0])     # training steps at which map and limit are compared
OTHERS = 50                                  # tasks of the same kind
LAST = 3000                                  # training steps after which a run of the map ends at the latest


@dataclass(frozen=True, eq=False)
class QuasistaticMap:
    """The map of unit step. run : of the task of panel a. map, limit : (n_tasks, len(STEPS)) log10 C*/C*(0) of the map
    and of the continuous limit, the task of panel a first, then others of its kind."""

    run: Run
    map: NDArray[np.float64]
    limit: NDArray[np.float64]


def quasistatic_map(network: Network, task: Task, sources: int, targets: int, until: float,
                    threads: int | None = None) -> QuasistaticMap:
    """The map of a task up to the threshold, and how map and limit differ in tasks of so many sources and targets."""
    run = train(network, task, 0.0, updates=Discrete(), until=until, t_max=LAST, threads=threads,
                record=Record(times=np.arange(LAST + 1.0)))
    tasks = [task, *(Task.allosteric(network, sources, targets, seed=seed, feasible=True) for seed in range(OTHERS))]
    found = [train(network, tasks, 0.0, updates=updates, until=None, t_max=STEPS[-1], record=Record(times=STEPS),
                   threads=threads) for updates in (Discrete(), None)]
    steps, flow = (np.log10([padded(run) for run in runs]) for runs in found)
    return QuasistaticMap(run, steps, flow)


def padded(run: Run) -> NDArray[np.float64]:
    """(len(STEPS),) recorded C*/C*(0); of a run that was ended earlier, as it had stalled, that at its end."""
    return np.append(run.equilibrium_cost, np.full(len(STEPS) - len(run.times), run.final_cost))


def published_lines() -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """(len(STEPS),) log10 C*/C*(0) of the published quasistatic line and of its slowest run, where they are at hand."""
    data = published_traces()
    return None if data is None else (read_map(data), read_slowest(data))


def read_map(data: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """(len(STEPS),) the published quasistatic line, an entry per training step."""
    line = data["quasistatic"]
    return np.asarray(np.log10(line[STEPS.astype(int)] / line[0]))


def read_slowest(data: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """(len(STEPS),) the published run of the lowest R against training steps."""
    k = int(data["R"].argmin())
    cost = data[f"cost_{k}"]
    return np.asarray(np.interp(STEPS, data["R"][k] * data[f"t_{k}"], np.log10(cost / cost[0])))


def tell(found: QuasistaticMap, limit: Run) -> list[str]:
    """Map and limit in numbers; `limit` is the run of the same task in the continuous limit."""
    lines = [f"      panel a, log10 C*/C*(0) at steps {words(STEPS, '{:g}')}: map of unit step {words(found.map[0])}, "
             f"continuous limit {words(found.limit[0])}",
             f"      panel a, training steps to the threshold: map {found.run.training_time:g}, continuous limit "
             f"{limit.training_time:.4g}",
             f"      the published dotted line of panel a is a map of unit step ({SOURCE})"]
    published = published_lines()
    if published is not None:
        lines[-1] += (f": at these steps {words(published[0])}, its run of the lowest R {words(published[1])}; of "
                      "another task, which is not published")
    ahead = found.map[1:] - found.limit[1:]
    below = np.mean(ahead < 0, axis=0)
    error = float(np.sqrt(max(below[0] * (1 - below[0]), 1 / len(ahead)) / len(ahead)))
    lines.append(judge(0.5 - below[0], error,
                       f"panel a, {len(ahead)} tasks of this kind: the map is below the continuous limit at steps "
                       f"{words(STEPS, '{:g}')} in {words(100 * below, '{:.0f}')} % of them, by "
                       f"{words(-np.median(ahead, axis=0), '{:.3f}')} decades in the median; expected in more than "
                       "half at step 1"))
    return lines


def words(values: NDArray[np.float64], form: str = "{:.2f}") -> str:
    """Numbers with commas."""
    return ", ".join(form.format(value) for value in values)
