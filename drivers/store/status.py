"""A look at a store: how far its sweep is, who writes it, what it takes on the disk."""
from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from ohmlearn.drivers.display.progress import NOTE, clock, read_note
from ohmlearn.drivers.sweeps.member_status import ALL_STATUSES, MISSING

from .locks import running
from .store import Store


def overview(path: str | Path) -> list[str]:
    """Lines that tell how far a sweep is. Reads only, and may be called while jobs write.

    path : folder of the store.

    Returns a list of lines.

    >>> import ohmlearn as ol
    >>> from tempfile import TemporaryDirectory
    >>> tables = {"network": {"grid": {"shape": [4, 4]}}, "sweep": {"rates": [0, 1], "until": 1e-3},
    ...           "tasks": {"tables": [{"sources": {"0": 1.0, "15": 0.0}, "targets": {"6": 0.7}}]}}
    >>> sweep = ol.Sweep.from_tables(tables)
    >>> with TemporaryDirectory() as folder:
    ...     report = sweep.run(folder, progress=False)
    ...     lines = ol.stores.overview(folder)
    >>> lines[1]
    '2 of 2 members done, 0 to do'
    """
    store = Store.open(path)
    codes = store.status()
    done = int((codes != MISSING).sum())
    told = [f"{store.sweep!r}", f"{done} of {codes.size} members done, {codes.size - done} to do"]
    counts = [(int(np.sum(codes == code)), name) for code, name in enumerate(ALL_STATUSES)]
    if done:
        told.append(", ".join(f"{count} {name}" for count, name in counts if count))
    states = store.checkpoints()
    aside = sum(bool(codes[number] == MISSING) for number in states)
    if aside:
        told.append(f"{aside} members have a checkpoint to resume from")
    jobs = running(store.path)
    told += [f"shard {name.replace('of', '/')} is at work: {who}" for name, who in jobs.items()]
    if jobs and (note := read_note(store.path / NOTE)) is not None:  # a killed job leaves a note too
        told.append(f"{clock(max(0.0, time.time() - note.written))} ago: {note.line()}")
    files = [file for file in store.path.rglob("*") if file.is_file()]
    size = sum(file.stat().st_size for file in files)
    per = f", {size / done:.0f} bytes a member" if done else ""
    return [*told, f"{size / 1e6:.3g} MB in {len(files)} files{per}"]
