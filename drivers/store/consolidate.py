"""Folding the parts of a complete store into one zarr group, once."""
from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from ohmlearn import __version__
from ohmlearn.drivers.sweeps.member_status import ALL_STATUSES, FAILURES, MISSING
from ohmlearn.io.replacing import sync

from . import part_file, results_group
from .errors import StoreError, explained
from .record import FORMAT, Arrays, Row
from .store import RESULTS, Store, inputs, remove

SAVED = "part-0of0"         # parts that no rank of a job writes: members saved from damaged files, or from elsewhere
SHARD, CHUNK = 1 << 28, 1 << 20     # bytes of a file of the group, and of what is read at once
PER_TASK = {"sources": "source", "source_voltages": "source", "targets": "target", "target_voltages": "target"}


def collect(store: Store, begin: int, end: int) -> Arrays:
    """The results of tasks begin to end as arrays (tasks, rates, ...), from what is folded and from the parts."""
    layout, rates = store.layout, store.sweep.rates.tolist()
    arrays = layout.blank(end - begin, len(rates))
    column = {rate: j for j, rate in enumerate(rates)}
    before = () if store.folded() is None else (row for _, _, row in folded_rows(store, begin, end))
    for found in (before, *(part_file.read_members(part, layout, (begin, end)) for part in store.parts())):
        known = (row for row in found if row.rate in column)
        while rows := list(islice(known, part_file.AT_ONCE)):
            layout.place(arrays, [row.task - begin for row in rows], [column[row.rate] for row in rows], rows)
    return arrays


def folded_rows(store: Store, begin: int, end: int) -> Iterator[tuple[int, float, Row]]:
    """The members among tasks begin to end that are folded already, each verified. Raises StoreError."""
    for task, rate, row in lifted(store, results_group.open_group(store.results), begin, end):
        if row is None:
            raise StoreError(f"{store.results}: the member of task {task} at R = {rate:g} is damaged; `ohmlearn check "
                             f"{store.path}` takes it out, and the sweep's command computes it again")
        yield task, rate, row


def lifted(store: Store, group: Any, begin: int, end: int) -> Iterator[tuple[int, float, Row | None]]:
    """Task, rate and row of the folded members among tasks begin to end; None in place of one that is damaged.

    Raises StoreError where a chunk cannot be read.
    """
    try:
        form = int(group.attrs.get("results_format", 1))
        arrays: Arrays = {name: group[name][begin:end] for name in store.layout.quantities}
        rates = group["rate"][:].tolist()
    except Exception as error:
        raise StoreError(f"{store.results} is damaged ({error}); `ohmlearn check {store.path}` keeps what is "
                         "sound") from error
    for i, j in zip(*np.nonzero(arrays["status_code"] != MISSING), strict=True):
        task = begin + int(i)
        try:
            row = store.layout.verified(store.layout.lift(arrays, (i, j), task, rates[j]), form)
        except (IndexError, ValueError):        # a status or a length that cannot be
            row = None
        yield task, rates[j], row


def find(store: Store, task: int, rate: int) -> Row | None:
    """One member's row, by the numbers of its task and rate."""
    value = float(store.sweep.rates[rate])
    for part in store.parts():
        for row in part_file.read_members(part, store.layout, (task, task + 1)):
            if row.rate == value:
                return row
    if store.folded() is None:
        return None
    return next((row for _, r, row in folded_rows(store, task, task + 1) if r == value), None)


def forget_failures(store: Store) -> None:
    """Take out the members that failed, so that they are tried again: those that are folded go back into a part."""
    for part in store.parts():
        part_file.forget_failures(part, store.layout.digest)
    folded = store.folded()
    if folded is None:
        return
    failed = np.isin(folded[1], [ALL_STATUSES.index(name) for name in FAILURES])
    if failed.any():
        unfold(store, (row for _, _, row in folded_rows(store, 0, len(failed)) if row.status not in FAILURES))


def unfold(store: Store, rows: Iterable[Row]) -> None:
    """Put folded members back into a part; the sweep's command folds them again."""
    write_rows(store, rows)
    remove(store.results)


def write_rows(store: Store, rows: Iterable[Row]) -> None:
    """Members into a new part of the store, all or none."""
    number = 1 + max((int(part.stem[-4:]) for part in store.parts() if part.name.startswith(SAVED)), default=-1)
    path = store.path / f"{SAVED}-rank{number:04d}.sqlite"
    part_file.prepare(path, store.layout, __version__)
    with explained(path), contextlib.closing(part_file.connect(path, write=True)) as connection:
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO member VALUES (?, ?, ?, ?, ?, ?)", rows)
        connection.execute("COMMIT")


def is_folded(store: Store) -> bool:
    """Whether the group alone has all members."""
    folded = store.folded()
    sweep = store.sweep
    return folded is not None and folded[1].shape == (len(sweep.tasks), sweep.rates.size) and \
        np.array_equal(folded[0], sweep.rates) and not (folded[1] == MISSING).any()


def fold(store: Store) -> None:
    """Write the group, put it in place at once, and remove the parts. Cut off anywhere, it can be repeated."""
    put_in_place(store.path / RESULTS, is_folded(store), lambda new: write_group(store, new), store.parts())


def put_in_place(place: Path, done: bool, write: Callable[[Path], None], parts: Iterable[Path]) -> None:
    """Write a group, unless it is done, put it in its place at once, and remove the parts that it was made of."""
    new, old = (place.with_name(f"{place.name}{suffix}") for suffix in (".new", ".old"))
    if not done:
        remove(new)
        write(new)
        results_group.seal(new)
        sync_tree(new)
        if place.exists():
            remove(old)
            place.rename(old)
        new.rename(place)
        sync(place.parent)
    elif not place.exists():        # cut off between the two names
        old.rename(place)
    remove(old)
    remove(new)
    for part in parts:
        remove(part)
        remove(part_file.journal(part))


def write_group(store: Store, path: Path) -> None:
    """All results and what they belong to as one zarr 3 group."""
    import zarr

    sweep, layout = store.sweep, store.layout
    n_tasks, n_rates = len(sweep.tasks), sweep.rates.size
    quantities = layout.quantities
    widths = {name: n_rates * int(np.prod([layout.sizes[dim] for dim in q.dims])) * np.dtype(q.kind).itemsize
              for name, q in quantities.items()}
    slab = min(n_tasks, max(1, SHARD // max(widths.values())))
    group = zarr.create_group(path, zarr_format=3)
    # chunks of nothing but fill values are written as well: a file that is not there is then one that went
    how: dict[str, Any] = {"compressors": results_group.codecs(), "config": {"write_empty_chunks": True}}
    targets = {}
    for name, q in quantities.items():
        shape = (n_tasks, n_rates, *(layout.sizes[dim] for dim in q.dims))
        chunk = divisor(slab, max(1, CHUNK // widths[name]))
        targets[name] = group.create_array(
            name, shape=shape, dtype=q.kind, chunks=(chunk, *shape[1:]), shards=(slab, *shape[1:]),
            fill_value=np.nan if q.kind == "<f8" else 0, dimension_names=("task", "rate", *q.dims),
            attributes={"units": q.unit, "long_name": q.meaning} | flags(name), **how)
    for begin in range(0, n_tasks, slab):
        end = min(begin + slab, n_tasks)
        arrays = collect(store, begin, end)
        if (arrays["status_code"] == MISSING).any():
            raise StoreError(f"{store.path}: members in its files cannot be read; `ohmlearn check {store.path}` takes "
                             "out what is damaged, and the sweep's command computes it again")
        for name, values in arrays.items():
            targets[name][begin:end] = values
    for name, (dims, values, attributes) in surroundings(store).items():
        group.create_array(name, data=values, chunks=tuple(max(n, 1) for n in values.shape) or "auto",
                           dimension_names=dims, attributes=attributes, **how)
    group.attrs.update(provenance(store))


def divisor(n: int, most: int) -> int:
    """Largest divisor of n that is not above `most`."""
    return next(k for k in range(min(n, most), 0, -1) if n % k == 0)


def flags(name: str) -> dict[str, Any]:
    """What the codes of a variable mean."""
    if name != "status_code":
        return {}
    names = " ".join(name.replace(" ", "_") for name in ("to do", *ALL_STATUSES))
    return {"flag_values": [MISSING, *range(len(ALL_STATUSES))], "flag_meanings": names}     # as the CF conventions say


def surroundings(store: Store) -> dict[str, tuple[tuple[str, ...], np.ndarray, dict[str, Any]]]:
    """Coordinates, network and tasks: dimensions, values and attributes by name."""
    sweep = store.sweep
    given = inputs(sweep)
    made: dict[str, tuple[tuple[str, ...], np.ndarray, dict[str, Any]]] = {
        "task": (("task",), np.arange(len(sweep.tasks)), {"long_name": "number of the task"}),
        "rate": (("rate",), sweep.rates, {"units": "1", "long_name": "R = γl/γp"}),
        "edges": (("edge", "end"), given["edges"], {"long_name": "the two nodes of each edge"}),
    }
    if "positions" in given:
        made["positions"] = (("node", "axis"), given["positions"], {"long_name": "places of the nodes"})
    for name, dim in PER_TASK.items():
        if name not in given:
            continue
        unit = {"units": "V"} if "voltages" in name else {}
        dims = ("task", dim) if given[name].ndim == 2 else ("task", "example", dim)       # several samples of a task
        made[name] = (dims, given[name], {"long_name": name.replace("_", " ")} | unit)
    if sweep.n_samples:
        times = np.full((sweep.rates.size, sweep.n_samples), np.nan)
        for row, values in zip(times, sweep.times, strict=True):
            row[:values.size] = values
        steps = times * np.where(sweep.rates == 0, 1.0, sweep.rates)[:, None]
        made["sample_time"] = (("rate", "sample"), times, {
            "units": "1/γp (training steps at rate 0)", "long_name": "time of a recorded sample"})
        made["training_steps"] = (("rate", "sample"), steps, {"units": "1", "long_name": "training steps, R t"})
    return made


def provenance(store: Store) -> dict[str, Any]:
    """What made the results. No clock times: the same sweep gives the same file."""
    tables = store.header["tables"]
    versions = {version for part in store.parts() for version in part_file.read_versions(part, store.layout.digest)}
    if store.results.exists():
        versions.update(results_group.verify(store.results).get("ohmlearn_versions", []))
    return {"ohmlearn_versions": sorted(versions) or [__version__], "results_format": FORMAT,
            "sweep_digest": store.header["digest"], "sweep": json.dumps(tables),
            "n_nodes": store.sweep.network.n_nodes} | (
                {"seed": tables["tasks"]["allosteric"]["seed"]} if "allosteric" in tables["tasks"] else {})


def sync_tree(path: Path) -> None:
    """Bring a folder and all in it to the disk; side by side, as each file waits for it."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(sync, [Path(folder, name) for folder, _, files in os.walk(path) for name in (*files, ".")]))
