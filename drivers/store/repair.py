"""Verifying a store, and taking out what is damaged so that it is computed again."""
from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ohmlearn.drivers.sweeps.member_status import MISSING
from ohmlearn.io.replacing import sync

from . import consolidate, part_file, results_group
from .errors import StoreError, explained
from .locks import alone, running
from .open_results import compare
from .record import FORMAT, Row
from .states import intact
from .store import RESULTS, Store, remove

AT_ONCE = 256       # tasks of the folded results that are looked at together
Repair = Callable[[], object]


@dataclass
class Findings:
    """What is wrong with a store: `lines` for people. members : sound ones; damaged : those that are not."""

    store: Path
    lines: list[str] = field(default_factory=list)
    members: int = 0
    damaged: int = 0
    repaired: bool = False

    def note(self, line: str) -> None:
        self.lines.append(line)


def check(path: str | Path, repair: bool = True) -> Findings:
    """Look at all that is in a store: inputs, members, checkpoints, and the network, tasks and times of the results.

    `repair` takes out what is damaged; the sweep's command then computes it again. A store that cannot be written, an
    archive for example, is only looked at.

    Raises StoreError when a job is at work on it and something has to be repaired, or when what describes the sweep
    is itself damaged.

    path : folder of the store.

    Returns findings: `lines` in words, the numbers `members` and `damaged`, and `repaired`.

    >>> import ohmlearn as ol
    >>> from tempfile import TemporaryDirectory
    >>> tables = {"network": {"grid": {"shape": [4, 4]}}, "sweep": {"rates": [0, 1], "until": 1e-3},
    ...           "tasks": {"tables": [{"sources": {"0": 1.0, "15": 0.0}, "targets": {"6": 0.7}}]}}
    >>> sweep = ol.Sweep.from_tables(tables)
    >>> with TemporaryDirectory() as folder:
    ...     report = sweep.run(folder, progress=False)
    ...     found = ol.stores.check(folder)
    >>> found.members, found.lines
    (2, [])
    """
    store = Store.open(path)
    found = Findings(store.path)
    writable = os.access(store.path, os.W_OK)
    with alone(store.path) if writable else contextlib.nullcontext():
        if not store.is_as_written():
            raise StoreError(f"{path}: the network or the parameters are not those that the members were computed "
                             "with (inputs.npz or sweep.json was changed); restore them, or start a new store")
        busy = running(store.path)
        seen: set[tuple[int, float]] = set()
        work = [*check_group(store, found, seen), *check_parts(store, found, seen), *check_leftovers(store, found)]
        found.members = len(seen)
        if work and repair and writable:
            if busy:
                raise StoreError(f"{path} is being written by {', '.join(busy.values())}; what is damaged can be "
                                 f"repaired when it has ended: {'; '.join(found.lines)}")
            for step in work:
                step()
            found.repaired = True
    return found


def check_parts(store: Store, found: Findings, seen: set[tuple[int, float]]) -> Iterator[Repair]:
    """Look at the ranks' files; gives what would repair them."""
    known = set(store.sweep.rates.tolist())
    for part in store.parts():
        bad = []
        try:
            whole(part, store.layout.digest)
            for key, row in part_file.rows(part, store.layout):
                if row is None:
                    found.damaged += 1
                    bad.append(key)
                elif key in seen or row.task >= len(store.sweep.tasks) or row.rate not in known:
                    bad.append(key)  # stored twice with the same bits, or of no member of this sweep
                else:
                    seen.add(key)
            spoilt = spoilt_states(part, store.layout.digest)
        except StoreError as error:
            found.note(f"{part.name}: {str(error).removeprefix(f'{part}: ').removeprefix(f'{part} ')}")
            rows = [row for row in salvage(store, part) if (row.task, row.rate) not in seen]
            seen.update((row.task, row.rate) for row in rows)
            found.note(f"{part.name}: {len(rows)} members can be saved from it")
            yield partial(replace_part, store, part, rows)
            continue
        if bad:
            found.note(f"{part.name}: {len(bad)} members are damaged, stored twice or of no use")
            yield partial(drop, part, "member", bad)
        if spoilt:
            found.note(f"{part.name}: {len(spoilt)} checkpoints are damaged; their members start anew")
            yield partial(drop, part, "checkpoint", spoilt)


def whole(part: Path, digest: str) -> None:
    """Raise StoreError where a part is damaged as a file, or not of this sweep."""
    with part_file.reading(part, digest) as (connection, _):
        told = "ok" if connection is None else str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
    if told != "ok":
        raise StoreError(f"{part}: damaged ({told.splitlines()[-1]})")


def spoilt_states(part: Path, digest: str) -> list[tuple[int, float]]:
    """Keys of the checkpoints that cannot be read."""
    with part_file.reading(part, digest) as (connection, _):
        stored = [] if connection is None else connection.execute("SELECT task, rate, data FROM checkpoint")
        return [(task, rate) for task, rate, data in stored if not intact(data)]


def salvage(store: Store, part: Path) -> Iterator[Row]:
    """The members of a damaged file that can still be read, one by one, each verified to be of this sweep."""
    known = set(store.sweep.rates.tolist())
    with contextlib.suppress(sqlite3.Error, StoreError), contextlib.closing(part_file.connect(part)) as connection:
        form = connection.execute("PRAGMA user_version").fetchone()[0]
        if connection.execute("SELECT type FROM sqlite_master WHERE name = 'member'").fetchall() != [("table",)]:
            return
        last = connection.execute("SELECT max(rowid) FROM member").fetchone()[0] or 0
        for number in range(1, min(last, 1 << 24) + 1):
            with contextlib.suppress(sqlite3.Error, ValueError):
                given = connection.execute(f"SELECT {part_file.COLUMNS} FROM member NOT INDEXED WHERE rowid = ?",
                                           (number,)).fetchone()
                row = None if given is None else store.layout.verified(given, min(form, FORMAT))
                if row is not None and row.task < len(store.sweep.tasks) and row.rate in known:
                    yield row


def drop(part: Path, table: str, keys: list[tuple[int, float]]) -> None:
    """Take members or checkpoints out of a file."""
    with explained(part), contextlib.closing(part_file.connect(part, write=True)) as connection:
        connection.execute("BEGIN")
        connection.executemany(f"DELETE FROM {table} WHERE task = ? AND rate = ?", keys)
        connection.execute("COMMIT")


def replace_part(store: Store, part: Path, rows: list[Row]) -> None:
    """Put a damaged file aside, with what could be read of it in a new one."""
    if rows:
        consolidate.write_rows(store, rows)
    part.rename(part.with_name(f"damaged-{part.name}"))
    remove(part_file.journal(part))


def check_group(store: Store, found: Findings, seen: set[tuple[int, float]]) -> Iterator[Repair]:
    """Look at the folded results; gives what would repair them."""
    if not store.results.exists():
        return
    try:
        folded = store.folded()
        assert folded is not None
        expected = int((folded[1] != MISSING).sum())
        if consolidate.is_folded(store) and not store.parts():
            compare_all(store)
    except StoreError as error:
        expected = -1
        found.note(" ".join(str(error).removeprefix(f"{store.results}: ").split()))
    rows = left_of_group(store)
    seen.update((row.task, row.rate) for row in rows)
    if len(rows) != expected:
        found.damaged += max(expected - len(rows), 0)
        found.note(f"{RESULTS}: {len(rows)} of {expected if expected >= 0 else 'its'} members are sound")
        yield lambda: consolidate.unfold(store, rows)


def left_of_group(store: Store) -> list[Row]:
    """The sound members of the folded results, also where some of its files are damaged."""
    rows: list[Row] = []
    try:
        group = results_group.open_group(store.results, whole=False)
    except StoreError:
        return rows

    def take(begin: int, end: int) -> None:
        try:
            found = [row for _, _, row in consolidate.lifted(store, group, begin, end) if row is not None]
        except StoreError:  # an unreadable chunk: its members are gone, those of other tasks may be there
            if end - begin > 1:
                take(begin, (begin + end) // 2)
                take((begin + end) // 2, end)
            return
        rows.extend(found)

    for begin in range(0, len(store.sweep.tasks), AT_ONCE):
        take(begin, min(begin + AT_ONCE, len(store.sweep.tasks)))
    known = set(store.sweep.rates.tolist())
    return [row for row in rows if row.rate in known]


def compare_all(store: Store) -> None:
    """Raise StoreError where network, tasks, rates or times of the folded results are not those of the sweep, or
    cannot be read."""
    import xarray

    try:
        with xarray.open_zarr(store.results, chunks=None, consolidated=False, zarr_format=3,
                              mask_and_scale=False) as data:
            compare(store, data)
    except StoreError:
        raise
    except Exception as error:
        raise StoreError(f"{store.results}: {error}") from error


def check_leftovers(store: Store, found: Findings) -> Iterator[Repair]:
    """Files that a killed job left half-written; they hold nothing that is needed."""
    left = [path for path in store.path.iterdir() if re.search(r"\.tmp[0-9a-f]+$", path.name)]
    left += store.path.glob(f"{RESULTS}.new")
    left += store.path.glob(f"{RESULTS}.old") if (store.path / RESULTS).exists() else []
    for path in left:
        found.note(f"{path.name}: left by a job that was cut off")
        yield partial(remove, path)
    for part in store.parts():
        if part_file.size(part) == 0:
            found.note(f"{part.name}: empty, left by a job that was cut off")
            yield partial(remove, part)
    if left:
        yield lambda: sync(store.path)
