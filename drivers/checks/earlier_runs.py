"""Going on from earlier runs: which of them belong to the same task, and what is taken over."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from ohmlearn.network import Network
from ohmlearn.run import Run
from ohmlearn.task import Task, as_tasks


def same_task(one: Any, samples: Sequence[Task]) -> bool:
    """Whether a run's task has the content of these samples. A run that does not know its task any more counts so."""
    if one is None:
        return True
    others = as_tasks(one)
    return len(others) == len(samples) and all(map(_alike, others, samples))


def _alike(one: Task, other: Task) -> bool:
    if one is other:
        return True
    return (all(np.array_equal(getattr(one, key), getattr(other, key))
                for key in ("sources", "source_voltages", "target_voltages"))
            and _outputs(one) == _outputs(other) and one.currents == other.currents and one.drops == other.drops)


def _outputs(task: Task) -> list[Any]:
    return [output.tolist() if isinstance(output, np.ndarray | np.generic) else output for output in task.targets]


def check_starts(network: Network, starts: Iterable[Run]) -> None:
    """Raise ValueError where a run that is to be continued has another network."""
    for number, run in enumerate(starts):
        here, there = (network.n_nodes, network.n_edges), (run.voltages.shape[-1], run.conductances.size)
        if here != there:
            raise ValueError(f"run {number} to go on from has {there[0]} nodes and {there[1]} edges, but the network "
                             f"{here[0]} and {here[1]}; go on with runs of the same network")
        if run.network is not None and not np.array_equal(run.network.edges, network.edges):
            raise ValueError(f"run {number} to go on from is one of another network, with other edges; for its "
                             "conductances alone, give run.conductances")


def fits(run: Run, shape: tuple[int, ...]) -> bool:
    """Whether v and w of a run can be taken over into arrays of a shape: numbers, of as many copies of the network."""
    return all(values.shape == shape and bool(np.all(np.isfinite(values))) for values in (run.voltages, run.difference))
