"""Writing a part from a thread of its own.

What arrives while a transaction is on its way to the disk goes into the next one, so a slow disk makes larger
transactions, not a queue. A reader that holds the file for long holds up the writer, but does not end the sweep.
"""
from __future__ import annotations

import contextlib
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
MOST = 20_000       # members and checkpoints that wait to be written

Batch = dict[str, list[tuple[Any, ...]]]
STATEMENTS = {"checkpoint": "INSERT OR REPLACE INTO checkpoint VALUES (?, ?, ?, ?)",
              "member": "INSERT OR IGNORE INTO member VALUES (?, ?, ?, ?, ?, ?)"}


class PartWriter:
    """Writes a part from a thread of its own. `add` returns at once; it and `checkpoint` never raise."""

    def __init__(self, path: Path, timeline: Timeline) -> None:
        self.path, self._timeline = path, timeline
        self.error: StoreError | None = None  # why nothing more is written
        self.written = 0
        self._under_way: set[tuple[int, float]] = set()  # members whose checkpoint is not on the disk yet
        self._stored: set[tuple[int, float]] = set()     # members whose checkpoint is in the part
        self._changed = threading.Condition()            # of the inbox, of what is under way, of the end
        self._inbox: Batch = {kind: [] for kind in STATEMENTS}
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
        with self._changed:
            while (task, rate) in self._under_way and self.error is None:
                self._changed.wait()
            self._under_way.add((task, rate))
        self._put("checkpoint", (task, rate, progress, data))

    def _put(self, kind: str, values: tuple[Any, ...]) -> None:
        with self._changed:
            while (waiting := sum(map(len, self._inbox.values()))) >= MOST and self.error is None:
                self._changed.wait()
            if self.error is None:
                self._inbox[kind].append(values)
                if not waiting:
                    self._changed.notify_all()

    def close(self) -> None:
        """Write what is left. `error` tells whether all is on the disk."""
        self._closing.set()
        with self._changed:
            self._changed.notify_all()
        self._thread.join()

    def _work(self) -> None:
        try:
            with explained(self.path), contextlib.closing(connect(self.path, write=True)) as connection:
                self._stored.update(connection.execute("SELECT task, rate FROM checkpoint"))
                while batch := self._take():
                    with self._timeline.span(WRITING):
                        self._transaction(connection, batch)
                    self._closing.wait(GATHER)
        except StoreError as error:
            with self._changed:
                self.error = error
                self._changed.notify_all()

    def _take(self) -> Batch | None:
        """All that has arrived, when there is something; None at the end."""
        with self._changed:
            while not any(self._inbox.values()):
                if self._closing.is_set():
                    return None
                self._changed.wait()
            batch, self._inbox = self._inbox, {kind: [] for kind in STATEMENTS}
            self._changed.notify_all()
        return batch

    def _transaction(self, connection: sqlite3.Connection, batch: Batch) -> None:
        """Write all of a batch or nothing, checkpoints first: some of their members may have ended since."""
        states = {values[:2] for values in batch["checkpoint"]}
        self._stored |= states
        ended = self._stored.intersection(values[:2] for values in batch["member"])
        self._patiently(connection, "BEGIN IMMEDIATE")
        try:
            for kind, statement in STATEMENTS.items():
                connection.executemany(statement, batch[kind])
            connection.executemany("DELETE FROM checkpoint WHERE task = ? AND rate = ?", ended)
        except sqlite3.Error:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
        self._patiently(connection, "COMMIT")
        self.written += len(batch["member"])
        self._stored -= ended
        with self._changed:
            self._under_way -= states
            self._changed.notify_all()

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
