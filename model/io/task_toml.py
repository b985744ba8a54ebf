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
import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
from ohmlearn.task import Task

from .text import read_text, reading

KEYS = ("ground", "sources", "currents", "drops", "targets")


def read_tasks(path: str | Path) -> list[Task]:
    """The task of a file, or its samples. Raises ValueError that names the file and what is wrong with it."""
    with reading(path):
        tables = tomllib.loads(read_text(path))
        samples = tables.pop("samples", [{}])
        if not isinstance(samples, list) or not samples or not all(isinstance(sample, dict) for sample in samples):
            raise ValueError("write samples as tables [[samples]]")
        return [_task(tables | sample) for sample in samples]


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
            raise ValueError(f"{key}: {text} = {value!r} is not NODE = NUMBER or \"NODE-NODE\" = NUMBER")
        place = tuple(int(node) for node in match.groups() if node is not None)
        if place in found:
            raise ValueError(f"{key}: {text} is there twice, as {'-'.join(map(str, place))}")
        if not math.isfinite(value):
            raise ValueError(f"{key}: {text} = {value} is not finite")
        found[place] = float(value)
    return found
