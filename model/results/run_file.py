"""Runs in a file: one .npz archive that describes itself and holds no code.

Numbers are arrays under the names of the attributes of :class:`ohmlearn.Run`, with an axis for the runs in front;
arrays whose length differs from run to run are filled up with NaN, and `length/NAME` says how long each is.
`network/NAME` and `recorded/NAME` are what the names say. The entry `header` is a JSON text: format, version, shape and
labels of the runs, tasks and rule. `numpy.load(path)` opens the file without this package.
"""
from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from ohmlearn.checks.file_text import read_arrays
from ohmlearn.edges.as_table import edges_of_table, table_of
from ohmlearn.io.replacing import replacing
from ohmlearn.network import Network
from ohmlearn.outputs import Constraint
from ohmlearn.rule import GradientFlow, Rule
from ohmlearn.run import Run, Runs
from ohmlearn.task import Task, as_tasks

FORMAT, VERSION = "ohmlearn runs", 2
NOUNS = ("network", "task", "rule", "recorded", "edges")     # fields of a Run that are no numbers
RULES = {"Rule": Rule, "GradientFlow": GradientFlow}
Arrays = dict[str, Any]


def save(runs: Run | Runs, path: str | os.PathLike[str]) -> None:
    """Write a run, or runs of one network and one rule, to a file, whole or not at all.

    path : name of the file; it gets the suffix .npz if it has none.

    Raises ValueError where tasks have nonlinear constraints, which are functions and fit into no file, or where the
    runs belong to several networks or rules.
    """
    several = runs.flat if isinstance(runs, Runs) else (runs,)
    if not several:
        raise ValueError("there are no runs to save")
    header: dict[str, Any] = {"format": FORMAT, "version": VERSION, "single": isinstance(runs, Run)}
    if isinstance(runs, Runs):
        header |= {"shape": runs.shape, "dims": runs.dims, "labels": {k: list(v) for k, v in runs.labels.items()}}
    tasks = {id(run.task): run.task for run in several}
    header["tasks"] = [None if task is None else [_task(sample) for sample in as_tasks(task)]
                       for task in tasks.values()]
    header["task_of"] = [list(tasks).index(id(run.task)) for run in several]
    arrays: Arrays = {}
    network, rule = (_only(name, [getattr(run, name) for run in several]) for name in ("network", "rule"))
    header["network"] = None if network is None else _noun(network, arrays, "network/")
    edges = _only("law of edges", [run.edges for run in several])
    header["edges"] = None if edges is None else _law(edges)
    header["rule"] = None if rule is None else {"kind": type(rule).__name__} | _noun(rule, arrays, "rule/")
    for field in fields(Run):
        if field.name not in NOUNS:
            _stack(field.name, [getattr(run, field.name) for run in several], arrays)
    for name in several[0].recorded:
        _stack(f"recorded/{name}", [run.recorded[name] for run in several], arrays)
    with replacing(_with_suffix(Path(path)), "wb") as file:
        np.savez_compressed(file, header=np.array(json.dumps(header)), **arrays)


def load(path: str | os.PathLike[str]) -> Any:
    """The :class:`Run` or :class:`Runs` of a file that `run.save(path)` or `runs.save(path)` wrote.

    path : the file; .npz is added where it has no suffix, as `save` does. It holds arrays and text and no code, so that
        a file of unknown origin can do no harm.

    Returns what was saved, with network, task and rule: it can be plotted, and `train(..., conductances=run)` goes on
    from it with the same bits. Raises OSError where the file cannot be read and ValueError where it is damaged, of
    another kind, or written by a later version.

    >>> import ohmlearn as ol
    >>> from tempfile import TemporaryDirectory
    >>> net = ol.Network.grid(4, 4)
    >>> run = ol.train(net, ol.Task({0: 1.0, 15: 0.0}, {6: 0.7}), 0.0, until=1e-3)
    >>> with TemporaryDirectory() as folder:
    ...     run.save(f"{folder}/run.npz")
    ...     again = ol.load(f"{folder}/run.npz")
    >>> again.training_time == run.training_time, again.task.targets.tolist(), again.network
    (True, [6], <Network '4×4 grid': 16 nodes, 24 edges>)
    """
    path = Path(path)
    data = (path if path.exists() else _with_suffix(path)).read_bytes()
    try:
        arrays = read_arrays(data)
        header = json.loads(str(arrays.pop("header")))
    except (ValueError, KeyError, RecursionError) as error:
        raise ValueError(f"{path} holds no runs, or is damaged ({error}); run.save(path) writes such files") from None
    if header.get("format") != FORMAT:
        raise ValueError(f"{path} holds {header.get('format')!r}, not {FORMAT!r}")
    if header["version"] > VERSION:
        raise ValueError(f"{path} has version {header['version']} of its format and this ohmlearn reads up to "
                         f"{VERSION}; read it with a later ohmlearn")
    try:
        return _runs(header, arrays)
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError(f"{path} is damaged: {error!r} is missing or not as it should be") from error


def _with_suffix(path: Path) -> Path:
    """The path, with .npz where it has no suffix."""
    return path if path.suffix else path.with_suffix(".npz")


def _runs(header: Mapping[str, Any], arrays: Arrays) -> Run | Runs:
    tasks = [None if samples is None else _task_of(samples) for samples in header["tasks"]]
    network = None if header["network"] is None else _made(Network, header["network"], arrays, "network/")
    rule = None
    if header["rule"] is not None:
        kind, given = RULES[header["rule"]["kind"]], {k: v for k, v in header["rule"].items() if k != "kind"}
        rule = _made(kind, given, arrays, "rule/")
    edges = None if header.get("edges") is None else edges_of_table(header["edges"])
    names = {field.name for field in fields(Run)} & set(arrays)
    recorded = [name.removeprefix("recorded/") for name in arrays if name.startswith("recorded/")]
    runs = [Run(**{name: _row(arrays, name, k) for name in names}, network=network, task=tasks[number], rule=rule,
                edges=edges, recorded={name: _row(arrays, f"recorded/{name}", k) for name in recorded})
            for k, number in enumerate(header["task_of"])]
    if header["single"]:
        return runs[0]
    return Runs(runs, tuple(header["shape"]), tuple(header["dims"]), header["labels"])


def _only(name: str, given: Sequence[Any]) -> Any:
    """The one network or rule of all runs."""
    if any(not _alike(thing, given[0]) for thing in given):
        raise ValueError(f"the runs have more than one {name}; save those of each {name} into a file of their own")
    return given[0]


def _alike(one: Any, other: Any) -> bool:
    """Whether two networks or rules have the same content."""
    return one is other or (type(one) is type(other) and all(
        np.array_equal(getattr(one, field.name), getattr(other, field.name)) for field in fields(one)))


def _stack(name: str, values: Sequence[Any], arrays: Arrays) -> None:
    """Values of all runs as one array, filled up with NaN where their lengths differ."""
    given = [np.asarray(value) for value in values]
    if len({array.shape[:1] for array in given}) > 1 and all(array.ndim for array in given):
        arrays[f"length/{name}"] = np.array([len(array) for array in given])
        longest = max(len(array) for array in given)
        given = [np.concatenate([array, np.full((longest - len(array), *array.shape[1:]), np.nan)]) for array in given]
    arrays[name] = np.array(given)


def _row(arrays: Arrays, name: str, k: int) -> Any:
    """The value of one run: an array, or a plain number or text."""
    value = arrays[name][k]
    if f"length/{name}" in arrays:
        value = value[:int(arrays[f"length/{name}"][k])]
    return value.copy() if np.ndim(value) else value.item()


def _noun(noun: Any, arrays: Arrays, prefix: str) -> dict[str, Any]:
    """The fields of a network or rule: arrays go to the archive, the rest is for the header."""
    given = {field.name: getattr(noun, field.name) for field in fields(noun)}
    arrays |= {prefix + name: value for name, value in given.items() if isinstance(value, np.ndarray)}
    return {name: value for name, value in given.items() if not isinstance(value, np.ndarray) and value is not None}


def _made(kind: Any, given: Mapping[str, Any], arrays: Arrays, prefix: str) -> Any:
    stored = {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}, **stored)


def _law(edges: Any) -> dict[str, Any]:
    try:
        return table_of(edges)
    except TypeError as error:
        raise ValueError(f"{error}; keep what it has learned with numpy.save(path, run.conductances)") from None


def _task(task: Task) -> dict[str, Any]:
    """A task as JSON has it."""
    if not task.is_linear:
        raise ValueError("a nonlinear constraint is a function, which no file can hold; leave the task out with "
                         "dataclasses.replace(run, task=None).save(path)")
    return {"sources": task.sources.tolist(), "source_voltages": task.source_voltages.tolist(),
            "targets": [_output(output) for output in task.targets], "target_voltages": task.target_voltages.tolist(),
            "rejected": task.rejected, "currents": list(task.currents.items()),
            "drops": [[a, b, drop] for (a, b), drop in task.drops.items()], "ground": task.ground}


def _output(output: Any) -> Any:
    assert not isinstance(output, Constraint)
    if isinstance(output, Mapping):
        return {"weights": list(output.items())}
    return int(output) if np.ndim(output) == 0 else [int(node) for node in output]


def _task_of(samples: Iterable[Mapping[str, Any]]) -> Task | tuple[Task, ...]:
    made = []
    for given in samples:
        targets = [dict(t["weights"]) if isinstance(t, dict) else tuple(t) if isinstance(t, list) else t
                   for t in given["targets"]]
        made.append(Task(np.array(given["sources"], dtype=np.int64), given["source_voltages"], targets,
                         given["target_voltages"], given["rejected"], dict(given["currents"]),
                         {(a, b): drop for a, b, drop in given["drops"]}, given["ground"]))
    return made[0] if len(made) == 1 else tuple(made)
