"""A part of a store: the SQLite file of one rank, with the members that it finished and checkpoints of others.

One process writes a part, held by a lock of its job; anyone may read it meanwhile. A part may come from a stranger:
it is read only when it has our tables and nothing else, belongs to the sweep, and every member in it is as written.
"""
from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ohmlearn.io.replacing import sync

from .errors import StoreError, explained
from .record import FORMAT, READABLE, Layout, Row
from .states import State, decode

PATIENCE = 60.0     # seconds that a writer and a reader wait for one another
AT_ONCE = 1000      # members that are read at a time: a reader that takes long must not hold up the writer
APPLICATION = 0x6F686D6C  # marks the files as ours

TABLES = {
    "member": "CREATE TABLE member (task INTEGER NOT NULL, rate REAL NOT NULL, status TEXT NOT NULL, "
              "reason TEXT NOT NULL, data BLOB NOT NULL, checksum INTEGER NOT NULL, PRIMARY KEY (task, rate))",
    "checkpoint": "CREATE TABLE checkpoint (task INTEGER NOT NULL, rate REAL NOT NULL, progress INTEGER NOT NULL, "
                  "data BLOB NOT NULL, PRIMARY KEY (task, rate))",
    "about": "CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
}
COLUMNS = "task, rate, status, reason, data, checksum"


def connect(path: Path, write: bool = False) -> sqlite3.Connection:
    """Open a part that exists. Readers open it for writing only to take back a transaction that was cut off."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise StoreError(f"{path} is not a plain file: parts of a store are not followed elsewhere; copy the file "
                         "itself into the store")
    torn = write or (os.access(path, os.W_OK) and size(journal(path)) > 0)
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode={'rw' if torn else 'ro'}", uri=True,
                                 timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA trusted_schema=OFF")
        if write:
            connection.execute("PRAGMA journal_mode=TRUNCATE")
            connection.execute("PRAGMA synchronous=FULL")
        else:
            connection.execute("PRAGMA query_only=ON")
    except BaseException:
        connection.close()
        raise
    return connection


def journal(path: Path) -> Path:
    """What SQLite needs beside a part to take back a transaction."""
    return path.with_name(f"{path.name}-journal")


def size(path: Path) -> int:
    """Bytes of a file, 0 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def is_empty(path: Path) -> bool:
    """Whether a part holds nothing: the job that made it was killed before its tables were on the disk."""
    if size(path) == 0:
        return True
    with explained(path), contextlib.closing(connect(path)) as connection:
        return connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0


def verify(connection: sqlite3.Connection, path: Path, digest: str) -> int:
    """The format of a part. Raises StoreError unless it has our tables alone and belongs to the sweep."""
    for kind, name, table, sql in connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master"):
        ours = kind == "table" and name in TABLES and " ".join(str(sql).split()) == TABLES[name]
        if not ours and not (kind == "index" and sql is None and table in TABLES):
            raise StoreError(f"{path} has a {kind} {str(name)[:40]!r} that no part of a store has, so that it is not "
                             f"read; `ohmlearn check {path.parent}` puts it aside")
    form = connection.execute("PRAGMA user_version").fetchone()[0]
    if form > 1 and connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
        raise StoreError(f"{path} is not marked as a part of a store, so that it is not read; `ohmlearn check "
                         f"{path.parent}` puts it aside")
    owner = connection.execute("SELECT value FROM about WHERE name = 'digest'").fetchone()
    if form not in READABLE:
        raise StoreError(f"{path} has format {form}, and this version of ohmlearn reads {READABLE}; use the version "
                         "that wrote it")
    if owner is None or owner[0] != digest:
        raise StoreError(f"{path} belongs to another sweep; move it out of the store (`ohmlearn merge` joins stores of "
                         "the same sweep)")
    return int(form)


@contextlib.contextmanager
def reading(path: Path, digest: str) -> Iterator[tuple[sqlite3.Connection | None, int]]:
    """A verified part and its format; None for a part that is empty."""
    if is_empty(path):
        yield None, FORMAT
        return
    with explained(path), contextlib.closing(connect(path)) as connection:
        yield connection, verify(connection, path, digest)


def prepare(path: Path, layout: Layout, version: str) -> None:
    """Make a part, or see that the one that is there is whole and belongs to the sweep; bring it to this format."""
    for left in path.parent.glob(f"{path.name}.tmp*"):
        left.unlink(missing_ok=True)
    if not os.path.lexists(path) or is_empty(path):
        make(path, layout.digest)
    with explained(path), contextlib.closing(connect(path, write=True)) as connection:
        form = verify(connection, path, layout.digest)
        connection.execute("BEGIN IMMEDIATE")
        if form != FORMAT:
            for given in connection.execute(f"SELECT {COLUMNS} FROM member").fetchall():
                if (row := layout.verified(given, form)) is not None:
                    connection.execute("UPDATE member SET checksum = ? WHERE task = ? AND rate = ?",
                                       (row.checksum, row.task, row.rate))
            connection.execute(f"PRAGMA user_version={FORMAT}")
        connection.execute("INSERT OR IGNORE INTO about VALUES (?, '')", (f"version {version}",))
        connection.execute("COMMIT")


def make(path: Path, digest: str) -> None:
    """A new part, whole or not at all: made under another name, brought to the disk, then renamed."""
    temporary = path.with_name(f"{path.name}.tmp{os.getpid()}")
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666))     # the umask decides who may read it
    try:
        with explained(path), contextlib.closing(sqlite3.connect(temporary, isolation_level=None)) as connection:
            connection.execute("PRAGMA page_size=16384")  # members of 2 to 3 kB share a page
            connection.execute("PRAGMA journal_mode=OFF")
            connection.execute("BEGIN")
            for statement in TABLES.values():
                connection.execute(statement)
            connection.execute("INSERT INTO about VALUES ('digest', ?)", (digest,))
            connection.execute(f"PRAGMA application_id={APPLICATION}")
            connection.execute(f"PRAGMA user_version={FORMAT}")
            connection.execute("COMMIT")
        sync(temporary)
        journal(path).unlink(missing_ok=True)       # of an empty file that this one replaces
        os.replace(temporary, path)
        sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def rows(path: Path, layout: Layout, tasks: tuple[int, int] | None = None) -> Iterator[tuple[Any, Row | None]]:
    """Key (task, rate) and row of every member of a part, in their order; None in place of one that is damaged.

    tasks : begin and end of those that are wanted.
    """
    begin, end = tasks or (-1 << 62, b"\xff")       # SQLite sorts bytes behind all else
    after: tuple[Any, Any] = begin, float("-inf")
    with reading(path, layout.digest) as (connection, form):
        while connection is not None:
            found = connection.execute(f"SELECT {COLUMNS} FROM member WHERE (task, rate) > (?, ?) AND task < ? "
                                       f"ORDER BY task, rate LIMIT {AT_ONCE}", (*after, end)).fetchall()
            for given in found:
                yield given[:2], layout.verified(given, form)
            if len(found) < AT_ONCE:
                return
            after = found[-1][:2]


def read_members(path: Path, layout: Layout, tasks: tuple[int, int] | None = None) -> Iterator[Row]:
    """The finished members of a part, ordered by task, each verified. Raises StoreError at one that is damaged."""
    for (task, rate), row in rows(path, layout, tasks):
        if row is None:
            raise StoreError(f"{path}: the member of task {task} at R = {rate} is damaged; `ohmlearn check "
                             f"{path.parent}` takes it out, and the sweep's command computes it again")
        yield row


def read_keys(path: Path, digest: str) -> list[tuple[int, float, str]]:
    """Task, rate and status of the finished members of a part."""
    return query(path, digest, "SELECT task, rate, status FROM member", (int, float, str))


def read_progress(path: Path, digest: str) -> list[tuple[int, float, int]]:
    """Task, rate and progress of the checkpoints of a part."""
    return query(path, digest, "SELECT task, rate, progress FROM checkpoint", (int, float, int))


def read_versions(path: Path, digest: str) -> list[str]:
    """Versions of the program that wrote a part."""
    names = query(path, digest, "SELECT name FROM about WHERE name LIKE 'version %'", (str,))
    return sorted(name.removeprefix("version ") for (name,) in names)


def query(path: Path, digest: str, text: str, kinds: tuple[type, ...]) -> list[Any]:
    """What a part answers, the kinds of values checked."""
    with reading(path, digest) as (connection, _):
        found = [] if connection is None else connection.execute(text).fetchall()
    for values in found:
        if tuple(map(type, values)) != kinds:
            raise StoreError(f"{path} is damaged; `ohmlearn check {path.parent}` keeps what is sound")
    return found


def read_state(path: Path, digest: str, task: int, rate: float, maker: str = "") -> State | None:
    """A checkpoint, or None when it is gone, damaged or another's: the member then starts anew."""
    with reading(path, digest) as (connection, _):
        found = None if connection is None else connection.execute(
            "SELECT data FROM checkpoint WHERE task = ? AND rate = ?", (task, rate)).fetchone()
    return None if found is None else decode(found[0], maker)


def forget_failures(path: Path, digest: str) -> None:
    """Take out the members that failed, so that they are tried again."""
    if is_empty(path):
        return
    with explained(path), contextlib.closing(connect(path, write=True)) as connection:
        verify(connection, path, digest)
        connection.execute("DELETE FROM member WHERE status IN ('diverged', 'failed')")
