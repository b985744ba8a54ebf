"""What is checked of a call to train before anything else: the kinds of its arguments, and how tasks and rates pair."""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.checks.kinds import reals
from ohmlearn.discrete import Discrete
from ohmlearn.network import Network
from ohmlearn.rule import GradientFlow, Rule
from ohmlearn.schedule import Schedule
from ohmlearn.task import Task

NOUNS: dict[str, tuple[tuple[type, ...], str]] = {
    "network": ((Network,), "an ohmlearn.Network, such as Network.grid(4, 4)"),
    "rule": ((Rule, GradientFlow), "an ohmlearn.Rule, such as Rule(floor_mode='clip'), or a GradientFlow, or None"),
    "schedule": ((Schedule,), "an ohmlearn.Schedule, such as Schedule(switching=0.1), or None"),
    "updates": ((Discrete,), "an ohmlearn.rules.Discrete, such as Discrete(step=1.0), or None"),
}


def check_nouns(**given: Any) -> None:
    """Raise TypeError where an argument is of another kind than its name says. None stands for leaving it out."""
    for name, value in given.items():
        kinds, wanted = NOUNS[name]
        if not isinstance(value, kinds) and (value is not None or name == "network"):
            raise TypeError(f"{name} must be {wanted}, not {value!r}")


@dataclass(frozen=True)
class Members:
    """Tasks and rates of the members of a call: member k trains tasks[which[k]] at rates[k].

    single : whether one run was asked for. shape, dims, labels : how the runs lie, see :class:`ohmlearn.Runs`.
    """

    tasks: list[Any]
    which: NDArray[np.int64]
    rates: NDArray[np.float64]
    single: bool
    shape: tuple[int, ...]
    dims: tuple[str, ...]
    labels: Mapping[str, Sequence[Any]]


def members_of(task: Any, rate: ArrayLike, grid: bool) -> Members:
    """The members of a call. `task` is one Task (a tuple of its samples), several, or {label: task}."""
    one = isinstance(task, Task | tuple)
    if not one and (not isinstance(task, Iterable) or isinstance(task, str)):
        raise TypeError(f"task must be an ohmlearn.Task or several, not {task!r}; Task.allosteric(network) draws one")
    labels = {"task": list(map(str, task))} if isinstance(task, Mapping) else {}
    tasks: list[Any] = [task] if one else list(task.values() if isinstance(task, Mapping) else task)
    try:
        rates = np.atleast_1d(reals(rate, "rate"))
    except (TypeError, ValueError):
        raise TypeError(f"rate must be a number R = γl/γp >= 0 or several, not {rate!r}") from None
    if not tasks or not rates.size:
        raise ValueError("train needs one task and one rate at least")
    if grid:
        if rates.ndim > 1:
            raise ValueError(f"the rates of a grid are one list, not of shape {rates.shape}")
        shape = len(tasks), rates.size
        return Members(tasks, np.repeat(np.arange(shape[0]), shape[1]), np.tile(rates, shape[0]), False, shape,
                       ("task", "rate"), labels)
    try:
        which, rates = np.broadcast_arrays(np.arange(len(tasks)), rates)
    except ValueError:
        raise ValueError(f"{len(tasks)} tasks and {rates.size} rates do not go together: give one of either or as many "
                         "of both, or grid=True to train every task at every rate") from None
    dims = ("task",) if labels and len(tasks) == which.size else ("run",)
    return Members(tasks, which.ravel(), np.array(rates).ravel(), one and np.ndim(rate) == 0, (which.size,), dims,
                   labels if dims == ("task",) else {})
