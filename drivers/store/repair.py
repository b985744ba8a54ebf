"""Verifying a store, and taking out what is damaged so that it is computed again."""
from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ohmlearn.drivers.sweeps.member_status import ALL_STATUSES, MISSING

from . import consolidate, part_file
from .locks import alone, running
from .part_file import StoreError
from .record import FORMAT, Row, sound
from .store import RESULTS, Store, remove

SALVAGED = "part-0of0-rank{:04d}.sqlite"    # members saved from damaged files


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
    """Look at all that is in a store. `repair` takes out what is damaged; the sweep's command then computes it again.

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
    with alone(store.path):
        if store.sweep.digest != store.header["digest"]:
            raise StoreError(f"{path}: the network or the parameters are not those that the members were computed "
                             "with (inputs.npz or sweep.json was changed); restore them, or start a new store")
        busy = running(store.path)
        seen: set[tuple[int, float]] = set()
        work = [*check_group(store, found, seen), *check_parts(store, found, seen), *check_leftovers(store, found)]
        found.members = len(seen)
        if work and repair:
            if busy:
                raise StoreError(f"{path} is being written by {', '.join(busy.values())}; what is damaged can be "
                                 f"repaired when it has ended: {'; '.join(found.lines)}")
            for step in work:
                step()
            found.repaired = True
    return found


def check_parts(store: Store, found: Findings, seen: set[tuple[int, float]]) -> Iterator[Any]:
    """Look at the ranks' files; gives what would repair them."""
    known = set(store.sweep.rates.tolist())
    for part in store.parts():
        trouble, bad = part_trouble(part, store.header["digest"]), []
        if trouble is None:
            for row in part_file.read_members(part):
                key = row.task, row.rate
                if not sound(row) or row.status not in ALL_STATUSES:
                    found.damaged += 1
                    bad.append(key)
                elif key in seen or row.task >= len(store.sweep.tasks) or row.rate not in known:
                    bad.append(key)  # stored twice with the same bits, or of no member of this sweep
                else:
                    seen.add(key)
            if bad:
                found.note(f"{part.name}: {len(bad)} members are damaged, stored twice or of no use")
                yield lambda part=part, bad=bad: drop(part, bad)
        else:
            found.note(f"{part.name}: {trouble}")
            rows = [row for row in salvage(part) if sound(row) and (row.task, row.rate) not in seen]
            seen.update((row.task, row.rate) for row in rows)
            found.note(f"{part.name}: {len(rows)} members can be saved from it")
            yield lambda part=part, rows=rows: replace_part(store, part, rows)


def part_trouble(part: Path, digest: str) -> str | None:
    """What is wrong with a file as a whole."""
    try:
        with part_file.explained(part), contextlib.closing(part_file.connect(part)) as connection:
            told = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if told != "ok":
                return f"damaged ({told.splitlines()[-1]})"
            form = connection.execute("PRAGMA user_version").fetchone()[0]
            owner = connection.execute("SELECT value FROM about WHERE name = 'digest'").fetchone()
    except StoreError as error:
        return f"damaged ({str(error).split(': ')[1]})"
    if form != FORMAT or owner is None or owner[0] != digest:
        return "belongs to another sweep or format"
    return None


def salvage(part: Path) -> Iterator[Row]:
    """The members of a damaged file that can still be read, one by one."""
    try:
        connection = part_file.connect(part)
        last = connection.execute("SELECT max(rowid) FROM member").fetchone()[0] or 0
    except sqlite3.Error:
        return
    for number in range(1, last + 1):
        with contextlib.suppress(sqlite3.Error, ValueError):
            found = connection.execute("SELECT task, rate, status, reason, data, checksum FROM member WHERE rowid = ?",
                                       (number,)).fetchone()
            if found is not None:
                yield Row(*found)
    connection.close()


def drop(part: Path, keys: list[tuple[int, float]]) -> None:
    """Take members out of a file."""
    with part_file.explained(part), contextlib.closing(part_file.connect(part, write=True)) as connection:
        connection.execute("BEGIN")
        connection.executemany("DELETE FROM member WHERE task = ? AND rate = ?", keys)
        connection.execute("COMMIT")


def replace_part(store: Store, part: Path, rows: list[Row]) -> None:
    """Put a damaged file aside, with what could be read of it in a new one."""
    write_rows(store, rows)
    part.rename(part.with_name(f"damaged-{part.name}"))
    remove(part.with_name(f"{part.name}-journal"))


def write_rows(store: Store, rows: list[Row]) -> None:
    """Members into a new file of the store."""
    number = sum(part.name.startswith("part-0of0-") for part in store.parts())
    path = store.path / SALVAGED.format(number)
    part_file.prepare(path, store.header["digest"], store.header["version"])
    with part_file.explained(path), contextlib.closing(part_file.connect(path, write=True)) as connection:
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO member VALUES (?, ?, ?, ?, ?, ?)", rows)
        connection.execute("COMMIT")


def check_group(store: Store, found: Findings, seen: set[tuple[int, float]]) -> Iterator[Any]:
    """Look at the folded results; gives what would repair them."""
    if not (store.path / RESULTS).exists():
        return
    rows: list[Row] = []
    try:
        folded = store.folded()
        assert folded is not None
        expected = int((folded[1] != MISSING).sum())
        for task in range(len(folded[1])):
            with contextlib.suppress(Exception):  # an unreadable chunk: its members are gone
                rows += [row for _, _, row in consolidate.folded_rows(store, task, task + 1) if sound(row)]
    except StoreError as error:
        expected = -1
        found.note(str(error))
    seen.update((row.task, row.rate) for row in rows)
    if len(rows) != expected:
        found.damaged += max(expected - len(rows), 0)
        found.note(f"{RESULTS}: {len(rows)} of {expected if expected >= 0 else 'its'} members are sound")
        yield lambda: unfold(store, rows)


def unfold(store: Store, rows: list[Row]) -> None:
    """Put what is sound of the folded results back into a file; the sweep's command folds them again."""
    write_rows(store, rows)
    remove(store.path / RESULTS)


def check_leftovers(store: Store, found: Findings) -> Iterator[Any]:
    """Files that a killed job left half-written; they hold nothing that is needed."""
    left = [*store.path.glob("*.tmp[0-9]*"), *store.path.glob(f"{RESULTS}.new"), *store.path.glob(f"{RESULTS}.old")]
    for path in left:
        found.note(f"{path.name}: left by a job that was cut off")
        yield lambda path=path: remove(path)
