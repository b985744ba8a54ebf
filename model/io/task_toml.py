"""Tasks in TOML files.

    ground = 0                            # held at 0 V
    sources = { 4 = 1.0, 7 = -0.5 }       # node = volt
    currents = { 3 = 1.0, 17 = -1.0 }     # node = current in
    drops = { "3-17" = 1.0 }              # drop held from the first node to the second
    targets = { 9 = 0.2, "5-8" = 0.4 }    # node or pair = voltage or drop desired

Several samples are tables [[samples]] that take from the top what they do not say themselves.
"""
from __future__ import annotations

import math
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ohmlearn.checks.file_text import read_text, reading
from ohmlearn.outputs import Constraint
from ohmlearn.task import Task, as_tasks

from .replacing import replacing

if TYPE_CHECKING:
    from ohmlearn.network import Network

KEYS = ("ground", "sources", "currents", "drops", "targets")


def read_tasks(path: str | Path, network: Network | None = None) -> list[Task]:
    """The task of a file, or its samples. Raises ValueError that names the file and what is wrong with it.

    network : whose names of nodes the file may use in place of numbers.

    Returns a list of Tasks, one for each sample; voltages in V.

    >>> import ohmlearn as ol
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "task.toml")
    ...     _ = file.write_text('ground = 15\\nsources = { 0 = 1.0 }\\ntargets = { 6 = 0.7, "5-9" = 0.1 }\\n')
    ...     task, = ol.tasks.read_tasks(file)
    >>> task.sources.tolist(), task.targets
    ([0, 15], (6, (5, 9)))
    """
    with reading(path):
        tables = read_tables(path)
        return tasks_of(tables if network is None else numbered(tables, network))


def read_tables(path: str | Path) -> dict[str, Any]:
    """What a file of tasks or of a sweep says, as tables. Raises ValueError that names it where it is no TOML."""
    with reading(path):
        try:
            return tomllib.loads(read_text(path))
        except tomllib.TOMLDecodeError as error:
            raise ValueError(f"{path} is no TOML: {error}") from None


def numbered(tables: Mapping[str, Any], network: Network) -> dict[str, Any]:
    """The tables of a task with numbers of nodes in place of their names."""
    found = {key: _numbered(value, key, network) for key, value in tables.items()}
    if isinstance(found.get("samples"), list):
        found["samples"] = [{key: _numbered(value, key, network) for key, value in sample.items()}
                            if isinstance(sample, dict) else sample for sample in found["samples"]]
    return found


def _numbered(value: Any, key: str, network: Network) -> Any:
    if network.node_names is None or key not in KEYS:
        return value
    if key == "ground":
        return network.node(value, "ground") if isinstance(value, str) else value
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for text, number in value.items():
        place = _place(text, key, network)
        if place in found:
            raise ValueError(f"{key}: {text} is there twice, as {place}")
        found[place] = number
    return found


def _place(text: str, key: str, network: Network) -> str:
    """A node or a pair of nodes in numbers; names may have hyphens in them."""
    for dash in (len(text), *(k for k, letter in enumerate(text) if letter == "-")):
        with suppress(ValueError):
            return "-".join(str(network.node(name)) for name in (text[:dash], text[dash + 1:])[:1 + (dash < len(text))])
    network.node(text, f"{key}: the node")
    return text


def tasks_of(tables: Mapping[str, Any]) -> list[Task]:
    """The task, or its samples, of tables as a file holds them."""
    shared = dict(tables)
    samples = shared.pop("samples", [{}])
    if not isinstance(samples, list) or not samples or not all(isinstance(sample, dict) for sample in samples):
        raise ValueError("write samples as tables [[samples]]")
    return [_task(shared | sample) for sample in samples]


def _task(table: dict[str, Any]) -> Task:
    unknown = sorted(set(table) - set(KEYS))
    if unknown:
        raise ValueError(f"unknown key {unknown[0]!r}; a task has {', '.join(KEYS)}")
    sources, currents, drops, targets = (_places(table.get(key, {}), key) for key in KEYS[1:])
    for key, found, size, form in (("sources", sources, 1, "NODE"), ("currents", currents, 1, "NODE"),
                                   ("drops", drops, 2, '"NODE-NODE"')):
        wrong = ["-".join(map(str, place)) for place in found if len(place) != size]
        if wrong:
            raise ValueError(f"{key} are {form} = NUMBER each, not {wrong[0]} = ...")
    return Task(np.array([place[0] for place in sources], dtype=np.int64), np.array(list(sources.values())),
                [place[0] if len(place) == 1 else place for place in targets], np.array(list(targets.values())),
                currents={place[0]: value for place, value in currents.items()},
                drops={(a, b): value for (a, b), value in drops.items()}, ground=table.get("ground"))


def _places(table: Any, key: str) -> dict[tuple[int, ...], float]:
    """{(node,) or (a, b): value} of a table."""
    if not isinstance(table, dict):
        raise ValueError(f"{key} must be a table such as {{ 3 = 1.0 }}, not {table!r}")
    found: dict[tuple[int, ...], float] = {}
    for text, value in table.items():
        match = re.fullmatch(r"([0-9]{1,18})(?:-([0-9]{1,18}))?", text)
        if not match or isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{key}: {text} = {value!r} is not NODE = NUMBER or \"NODE-NODE\" = NUMBER; nodes are "
                             "numbers, or names where a network with names is given")
        place = tuple(int(node) for node in match.groups() if node is not None)
        if place in found:
            raise ValueError(f"{key}: {text} is there twice, as {'-'.join(map(str, place))}")
        if not math.isfinite(value):
            raise ValueError(f"{key}: {text} = {value} is not finite")
        found[place] = float(value)
    return found


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
