"""Tasks into TOML files, in the form that :mod:`ohmlearn.io.task_toml` reads."""
from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from ohmlearn.outputs import Constraint
from ohmlearn.task import Task, as_tasks

from .replacing import replacing


def write_tasks(tasks: Task | Sequence[Task], path: str | os.PathLike[str]) -> None:
    """Write a task, or the samples of one, to a TOML file that :func:`ohmlearn.tasks.read_tasks` reads.

    tasks : one Task, or several samples, each with all that it holds and reads.
    path : the file; it is written whole or not at all.

    Raises ValueError for weighted outputs and nonlinear constraints, which have no form in a file.

    >>> import ohmlearn as ol
    >>> from tempfile import TemporaryDirectory
    >>> samples = (ol.Task({0: 1.0, 8: 0.0}, {4: 0.4}), ol.Task({0: 0.0, 8: 1.0}, {4: 0.6}))
    >>> with TemporaryDirectory() as folder:
    ...     ol.tasks.write_tasks(samples, f"{folder}/task.toml")
    ...     len(ol.tasks.read_tasks(f"{folder}/task.toml"))
    2
    """
    several = as_tasks(tasks)
    lines = [line for task in several for line in (*["[[samples]]"] * (len(several) > 1), *lines_of(task))]
    with replacing(path) as file:
        file.write("\n".join(lines) + "\n")


def lines_of(task: Task) -> Iterator[str]:
    """One sample, a line for each table that is not empty."""
    yield from _table("sources", zip(task.sources.tolist(), task.source_voltages.tolist(), strict=True))
    yield from _table("currents", task.currents.items())
    yield from _table("drops", task.drops.items())
    yield from _table("targets", zip(task.targets, task.target_voltages.tolist(), strict=True))


def _table(key: str, values: Iterable[tuple[Any, float]]) -> list[str]:
    entries = [f"{_key(place)} = {float(value)!r}" for place, value in values]
    return [f"{key} = {{ {', '.join(entries)} }}"] if entries else []


def _key(place: Any) -> str:
    """A node, or a pair of nodes, as a key of a table."""
    if isinstance(place, Mapping | Constraint):
        raise ValueError(f"a task file names nodes and pairs of nodes, not {place!r}; build such a task in Python")
    return str(int(place)) if np.ndim(place) == 0 else f'"{int(place[0])}-{int(place[1])}"'
