"""What is wrong with a store, in words that say what to do."""
from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path


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
