"""Writing a part from a thread of its own.

What arrives while a transaction is on its way to the disk goes into the next one, so a slow disk makes larger
transactions, not a queue. A reader that holds the file for long holds up the writer, but does not end the sweep.
"""
from __future__ import annotations

import contextlib
import queue
import sqlite3
import sys
import threading
import time
from pathlib import Path
from typing import Any

from ohmlearn.parallel.timeline import WRITING, Timeline

from .errors import StoreError, explained
from .part_file import PATIENCE, connect
from .record import Row

GATHER = 0.05       # seconds between transactions; what a crash can lose of finished members
ENOUGH = 3600.0     # seconds that a writer waits for a reader at most

Item = tuple[str, tuple[Any, ...]]
STATEMENTS = {"member": "INSERT OR IGNORE INTO member VALUES (?, ?, ?, ?, ?, ?)",
              "checkpoint": "INSERT OR REPLACE INTO checkpoint VALUES (?, ?, ?, ?)"}


class PartWriter:
    """Writes a part from a thread of its own. `add` returns at once; it and `checkpoint` never raise."""

    def __init__(self, path: Path, timeline: Timeline) -> None:
        self.path, self._timeline = path, timeline
        self.error: StoreError | None = None  # why nothing more is written
        self.written = 0
        self._under_way: set[tuple[int, float]] = set()  # members whose checkpoint is not on the disk yet
        self._arrived = threading.Condition()
        self._inbox: queue.Queue[Item | None] = queue.Queue(maxsize=20_000)
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
        while self._thread.is_alive() and self.error is None:
            with contextlib.suppress(queue.Full):
                self._inbox.put(None, timeout=0.2)
                break
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

    def _transaction(self, connection: sqlite3.Connection, first: Item) -> bool:
        """Write all that has arrived; True when the end was among it."""
        item: Item | None = first
        written, states = 0, set()
        self._patiently(connection, "BEGIN IMMEDIATE")
        try:
            while item is not None:
                kind, values = item
                connection.execute(STATEMENTS[kind], values)
                if kind == "member":
                    connection.execute("DELETE FROM checkpoint WHERE task = ? AND rate = ?", values[:2])
                    written += 1
                else:
                    states.add(values[:2])
                item = self._inbox.get_nowait()
            ended = True
        except queue.Empty:
            ended = False
        except sqlite3.Error:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
        self._patiently(connection, "COMMIT")
        self.written += written
        with self._arrived:
            self._under_way -= states
            self._arrived.notify_all()
        return ended

    def _patiently(self, connection: sqlite3.Connection, statement: str) -> None:
        """Do it, after a reader has gone who holds the file; say so each time that it takes a minute."""
        end = time.monotonic() + ENOUGH
        while True:
            try:
                connection.execute(statement)
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > end:
                    raise
            print(f"ohmlearn: {self.path} has been held by a reader for {PATIENCE:g} s; waiting until it is let go",
                  file=sys.stderr, flush=True)
