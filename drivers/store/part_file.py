"""A part of a store: the SQLite file of one rank, with the members that it finished and checkpoints of others.

One process writes a part, held by a lock on a file beside it; anyone may read it meanwhile. What arrives while a
transaction is on its way to the disk goes into the next one, so a slow disk makes larger transactions, not a queue.
"""
from __future__ import annotations

import contextlib
import json
import os
import queue
import sqlite3
import struct
import threading
import zlib
from collections.abc import Iterator
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.parallel.timeline import WRITING, Timeline

from .record import FORMAT, Row

State = dict[str, NDArray[Any]]
GATHER = 0.05       # seconds between transactions; what a crash can lose of finished members
PATIENCE = 60.0     # seconds that a writer and a reader wait for one another
APPLICATION = 0x6F686D6C  # marks the files as ours

TABLES = """
CREATE TABLE IF NOT EXISTS member (task INTEGER NOT NULL, rate REAL NOT NULL, status TEXT NOT NULL,
    reason TEXT NOT NULL, data BLOB NOT NULL, checksum INTEGER NOT NULL, PRIMARY KEY (task, rate));
CREATE TABLE IF NOT EXISTS checkpoint (task INTEGER NOT NULL, rate REAL NOT NULL, progress INTEGER NOT NULL,
    data BLOB NOT NULL, PRIMARY KEY (task, rate));
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


class StoreError(ValueError):
    """A store that cannot be used as it is; the message says what to do.

    >>> import ohmlearn as ol
    >>> try:
    ...     ol.open_results("no-such-folder")
    ... except ol.stores.StoreError as error:
    ...     print("no-such-folder" in str(error))
    True
    """


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite says into what the user can do."""
    try:
        yield
    except sqlite3.Error as error:
        text = str(error)
        if "full" in text or "disk I/O" in text:
            advice = "the disk is full or failing; what was finished is kept: free space and run the same command again"
        elif "readonly" in text or "unable to open" in text:
            advice = "the store cannot be written; check its permissions"
        elif "locked" in text or "locking" in text:
            advice = "another program holds the file; end it, or move the store to a file system with working locks"
        else:
            advice = f"the file is damaged; `ohmlearn check {path.parent}` keeps what is sound"
        raise StoreError(f"{path}: {text}: {advice}") from error


def connect(path: Path, write: bool = False) -> sqlite3.Connection:
    """Open a part. Readers open it for writing too, as they may have to take back a torn transaction."""
    mode = "rwc" if write else "rw" if os.access(path, os.W_OK) else "ro"
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=PATIENCE,
                                 isolation_level=None, check_same_thread=False)
    if write:
        connection.execute("PRAGMA page_size=16384")  # members of 2 to 3 kB share a page
        connection.execute("PRAGMA journal_mode=TRUNCATE")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA application_id={APPLICATION}")
        connection.execute(f"PRAGMA user_version={FORMAT}")
    return connection


def prepare(path: Path, digest: str, version: str) -> None:
    """Make a part, or see that the one that is there is whole and belongs to the sweep of this digest."""
    with explained(path), contextlib.closing(connect(path, write=True)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        for statement in TABLES.split(";"):
            connection.execute(statement)
        connection.execute("INSERT OR IGNORE INTO about VALUES ('digest', ?)", (digest,))
        connection.execute("INSERT OR IGNORE INTO about VALUES (?, '')", (f"version {version}",))
        found = connection.execute("SELECT value FROM about WHERE name = 'digest'").fetchone()[0]
        connection.execute("COMMIT")
    if found != digest:
        raise StoreError(f"{path} belongs to another sweep; move it out of the store")


def read_members(path: Path, tasks: tuple[int, int] | None = None) -> Iterator[Row]:
    """The finished members of a part, ordered by task; `tasks` limits them to begin <= task < end."""
    begin, end = tasks or (0, 1 << 62)
    with explained(path), contextlib.closing(connect(path)) as connection:
        for record in connection.execute("SELECT task, rate, status, reason, data, checksum FROM member "
                                         "WHERE task >= ? AND task < ? ORDER BY task, rate", (begin, end)):
            yield Row(*record)


def read_keys(path: Path) -> list[tuple[int, float, str]]:
    """Task, rate and status of the finished members of a part."""
    with explained(path), contextlib.closing(connect(path)) as connection:
        return connection.execute("SELECT task, rate, status FROM member").fetchall()


def read_progress(path: Path) -> list[tuple[int, float, int]]:
    """Task, rate and progress of the checkpoints of a part."""
    with explained(path), contextlib.closing(connect(path)) as connection:
        return connection.execute("SELECT task, rate, progress FROM checkpoint").fetchall()


def read_versions(path: Path) -> list[str]:
    """Versions of the program that wrote a part."""
    with explained(path), contextlib.closing(connect(path)) as connection:
        names = connection.execute("SELECT name FROM about WHERE name LIKE 'version %'").fetchall()
    return sorted(name.removeprefix("version ") for (name,) in names)


def read_state(path: Path, task: int, rate: float, maker: str = "") -> State | None:
    """A checkpoint, or None when it is gone, damaged or another version's: the member then starts anew."""
    with explained(path), contextlib.closing(connect(path)) as connection:
        found = connection.execute("SELECT data FROM checkpoint WHERE task = ? AND rate = ?", (task, rate)).fetchone()
    if found is None:
        return None
    return decode(found[0], maker)


def encode(state: State, maker: str = "") -> bytes:
    """A state as bytes: CRC-32, a header with names, kinds and shapes, then the numbers (npy's headers cost more).

    maker : what made it; nothing else can resume from it.
    """
    head = json.dumps([maker, [(name, described(array.dtype), array.shape) for name, array in state.items()]]).encode()
    body = b"".join([struct.pack("<I", len(head)), head, *(array.tobytes() for array in state.values())])
    return struct.pack("<I", zlib.crc32(body)) + body


def decode(data: bytes, maker: str = "") -> State | None:
    """The state that was encoded, None when the bytes are damaged or another's."""
    if len(data) < 8 or struct.unpack_from("<I", data)[0] != zlib.crc32(memoryview(data)[4:]):
        return None
    place = 8 + struct.unpack_from("<I", data, 4)[0]
    try:
        made_by, arrays = json.loads(data[8:place])
    except ValueError:
        return None
    if made_by != maker:
        return None
    state: State = {}
    for name, said, shape in arrays:
        kind = np.dtype(said if isinstance(said, str) else [(n, k, *map(tuple, more)) for n, k, *more in said])
        state[name] = np.frombuffer(data, kind, prod(shape), place).reshape(shape).copy()
        place += state[name].nbytes
    return state


@cache
def described(kind: np.dtype[Any]) -> Any:
    """A dtype in JSON's words; fields with names, kinds and shapes."""
    return kind.str if kind.fields is None else kind.descr


def forget_failures(path: Path) -> None:
    """Take out the members that failed, so that they are tried again."""
    with explained(path), contextlib.closing(connect(path, write=True)) as connection:
        connection.execute("DELETE FROM member WHERE status IN ('diverged', 'failed')")


class PartWriter:
    """Writes a part from a thread of its own. `add` returns at once; it and `checkpoint` never raise."""

    def __init__(self, path: Path, timeline: Timeline) -> None:
        self.path, self._timeline = path, timeline
        self.error: StoreError | None = None  # why nothing more is written
        self.written = 0
        self._under_way: set[tuple[int, float]] = set()  # members whose checkpoint is not on the disk yet
        self._arrived = threading.Condition()
        self._inbox: queue.Queue[tuple[str, tuple[Any, ...]] | None] = queue.Queue(maxsize=20_000)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    def add(self, row: Row) -> None:
        """Store a finished member; its checkpoint goes."""
        self._put("member", tuple(row))

    def checkpoint(self, task: int, rate: float, progress: int, data: bytes) -> None:
        """Store the encoded state of a running member, in place of an earlier one.

        Waits until the earlier one is on the disk: a slow disk is asked less often, and nothing piles up.
        """
        with self._arrived:
            while (task, rate) in self._under_way and self.error is None:
                self._arrived.wait(0.2)
            self._under_way.add((task, rate))
        self._put("checkpoint", (task, rate, progress, data))

    def _put(self, kind: str, values: tuple[Any, ...]) -> None:
        while self.error is None:
            with contextlib.suppress(queue.Full):
                return self._inbox.put((kind, values), timeout=0.2)

    def close(self) -> None:
        """Write what is left. `error` tells whether all is on the disk."""
        self._closing.set()
        with contextlib.suppress(queue.Full):
            self._inbox.put(None, timeout=PATIENCE)
        self._thread.join()

    def _work(self) -> None:
        try:
            with explained(self.path), contextlib.closing(connect(self.path, write=True)) as connection:
                while (first := self._inbox.get()) is not None:
                    with self._timeline.span(WRITING):
                        last = self._transaction(connection, first)
                    if last:
                        return
                    self._closing.wait(GATHER)
        except StoreError as error:
            self.error = error

    def _transaction(self, connection: sqlite3.Connection, first: tuple[str, tuple[Any, ...]]) -> bool:
        """Write all that has arrived; True when the end was among it."""
        item: tuple[str, tuple[Any, ...]] | None = first
        written, states = 0, set()
        connection.execute("BEGIN IMMEDIATE")
        try:
            while item is not None:
                kind, values = item
                if kind == "member":
                    connection.execute("INSERT OR IGNORE INTO member VALUES (?, ?, ?, ?, ?, ?)", values)
                    connection.execute("DELETE FROM checkpoint WHERE task = ? AND rate = ?", values[:2])
                    written += 1
                else:
                    connection.execute("INSERT OR REPLACE INTO checkpoint VALUES (?, ?, ?, ?)", values)
                    states.add(values[:2])
                item = self._inbox.get_nowait()
            ended = True
        except queue.Empty:
            ended = False
        except sqlite3.Error:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
        self.written += written
        with self._arrived:
            self._under_way -= states
            self._arrived.notify_all()
        return ended
