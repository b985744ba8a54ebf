"""Holds on files, so that no two processes do the same work."""
from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import sys
import time
from pathlib import Path
from typing import IO

TRIES, PAUSE = 5, 0.05  # somebody may be looking who holds a file, which takes a moment
SILENT = 3.0            # seconds until a word is said


class Lock:
    """Exclusive hold on a file, given back when the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    def take(self, patience: float = TRIES * PAUSE) -> bool:
        """Whether the hold was got within `patience` seconds; says who has it when that takes a while."""
        begun, told = time.monotonic(), False
        while (file := self._attempt()) is None:
            waited = time.monotonic() - begun
            if waited >= patience:
                return False
            if waited > SILENT and not told:
                told = True
                print(f"ohmlearn: waiting for {holder(self.path) or 'another process'}, which holds {self.path}",
                      file=sys.stderr, flush=True)
            time.sleep(PAUSE)
        with contextlib.suppress(OSError):  # who holds it is good to know, on a full disk too
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()}")
            file.flush()
        self._file = file
        return True

    def _attempt(self) -> IO[str] | None:
        """The file with the hold on it, None where another has it."""
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o666)
        file = os.fdopen(handle, "a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(handle), os.stat(self.path)):
                return file
        except (BlockingIOError, FileNotFoundError):      # held, or removed by who held it
            pass
        except OSError as error:
            file.close()
            raise OSError(error.errno, f"{error.strerror}: this file system has no file locks; use one that has (on "
                          "Lustre: mounted with flock, or localflock where all ranks are on one node)",
                          str(self.path)) from error
        file.close()
        return None

    def give_back(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def holder(path: Path) -> str | None:
    """Who holds a file, None when nobody does."""
    try:
        with open(path) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return None
            except BlockingIOError:
                said = file.read(200)
                return said if said.isprintable() and said else "another process"
    except OSError:
        return None
