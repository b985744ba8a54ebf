"""Joining stores of one sweep that were computed in different places."""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ohmlearn.drivers.checks.earlier_runs import same_task
from ohmlearn.drivers.sweeps.member_status import MISSING
from ohmlearn.drivers.sweeps.sweep import Sweep, rebuilt
from ohmlearn.task import as_tasks

from . import consolidate, part_file
from .errors import StoreError
from .locks import alone, running
from .record import Row
from .store import Store


def merge(into: str | Path, *others: str | Path) -> int:
    """Put the members of other stores of the same sweep into one, those that it does not have.

    The stores may differ in the number of tasks and in the rates; the one that grows then has all of them. The others
    stay as they are. Every member is verified on its way.

    into : folder of the store that grows. others : folders of the stores that are read.

    Returns the number of members that were new.

    Raises StoreError where a store is damaged, belongs to another sweep, or is being written.

    >>> import ohmlearn as ol
    >>> from tempfile import TemporaryDirectory
    >>> tables = {"network": {"grid": {"shape": [4, 4]}}, "sweep": {"rates": [1], "until": 1e-3},
    ...           "tasks": {"tables": [{"sources": {"0": 1.0, "15": 0.0}, "targets": {"6": 0.7}}]}}
    >>> more = tables | {"sweep": {"rates": [0, 2], "until": 1e-3}}
    >>> with TemporaryDirectory() as folder:
    ...     for name, said in (("one", tables), ("two", more)):
    ...         report = ol.Sweep.from_tables(said).run(f"{folder}/{name}", progress=False)
    ...     new = ol.stores.merge(f"{folder}/one", f"{folder}/two")
    ...     rates = ol.open_results(f"{folder}/one")["rate"].values.tolist()
    >>> new, rates
    (2, [1.0, 0.0, 2.0])
    """
    store, read = Store.open(into), [Store.open(path) for path in others]
    for other in read:
        if other.path.resolve() == store.path.resolve():
            raise StoreError(f"{store.path} is named twice; name the store that grows, then the others")
        other.must_go_on()
        refuse_another(store, other)
    with alone(store.path):
        if busy := running(store.path):
            raise StoreError(f"{store.path} is being written by {', '.join(busy.values())}; merge when that has ended")
        store = Store.prepare(store.path, joined([store, *read]))
        done = (store.status() != MISSING).reshape(len(store.sweep.tasks), -1)
        column = {rate: j for j, rate in enumerate(store.sweep.rates.tolist())}
        new = 0

        def rows() -> Iterator[Row]:
            nonlocal new
            for other in read:
                for row in members(other):
                    place = row.task, column[row.rate]
                    if not done[place]:
                        done[place] = True
                        new += 1
                        yield store.layout.sealed(row)

        consolidate.write_rows(store, rows())
        if done.all():
            consolidate.fold(Store.open(store.path))
    return new


def members(store: Store) -> Iterator[Row]:
    """All members of a store, each verified."""
    if (folded := store.folded()) is not None:
        yield from (row for _, _, row in consolidate.folded_rows(store, 0, len(folded[1])))
    for part in store.parts():
        yield from part_file.read_members(part, store.layout)


def refuse_another(store: Store, other: Store) -> None:
    """Raise StoreError unless both are of one sweep."""
    if other.sweep.digest != store.sweep.digest:
        raise StoreError(f"{other.path} belongs to another sweep than {store.path} ({store.difference(other.sweep)})")
    pairs = zip(store.sweep.tasks, other.sweep.tasks, strict=False)
    if any(not same_task(a, as_tasks(b)) for a, b in pairs):
        raise StoreError(f"{other.path} was made with other tasks than {store.path}")


def joined(stores: list[Store]) -> Sweep:
    """The sweep that has all tasks and rates."""
    first = max((store.sweep for store in stores), key=lambda sweep: len(sweep.tasks))
    rates = list(dict.fromkeys(rate for store in stores for rate in store.sweep.rates.tolist()))
    said = first.said()
    return rebuilt({**said, "sweep": {**said["sweep"], "rates": rates}}, first.network, first.tasks)
