"""Small sweeps for the tests, and ways to start the program as a user or a batch system would."""
import contextlib
import copy
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from ohmlearn import Sweep

TABLES = {
    "network": {"delaunay": {"n_nodes": 16, "seed": 2}},
    "tasks": {"allosteric": {"sources": 4, "targets": 1, "count": 5, "seed": 0}},
    "sweep": {"rates": [0.3, 1.0, 10.0], "until": 1e-4},
    "record": {"per_decade": 3},
}
TOML = """
[network]
delaunay = { n_nodes = 16, seed = 2 }
[tasks]
allosteric = { sources = 4, targets = 1, count = 5, seed = 0 }
[sweep]
rates = [0.3, 1.0, 10.0]
until = 1e-4
[record]
per_decade = 3
"""
BITS = ("training_time", "time", "final_cost", "n_steps", "conductances", "voltages", "difference",
        "equilibrium_cost", "cost", "status", "checksum")


def changed(**values):
    """The small sweep's tables with some values changed: `sweep__until=1e-3`; None takes a key away."""
    tables = copy.deepcopy(TABLES)
    for path, value in values.items():
        *folders, key = path.split("__")
        table = tables
        for folder in folders:
            table = table.setdefault(folder, {})
        if value is None:
            del table[key]
        else:
            table[key] = value
    return tables


def small(**values):
    return Sweep.from_tables(changed(**values))


def same_bits(one, two):
    """Two datasets hold the same results, bit for bit."""
    for name in BITS:
        if name not in one and name not in two:     # no traces were recorded
            continue
        a, b = one[name].values, two[name].values
        assert a.shape == b.shape, name
        if a.dtype.kind == "U":
            assert (a == b).all(), name
        else:
            assert np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes(), name


def mpiexec():
    """The launcher beside this Python, or None."""
    path = Path(sys.executable).with_name("mpiexec")
    return path if path.exists() else None


needs_mpi = pytest.mark.skipif(mpiexec() is None, reason="needs an mpiexec beside this Python: the extra [mpich]")


def command(*arguments, ranks=None):
    """Words that start `ohmlearn` with these arguments, on some ranks."""
    words = [sys.executable, "-m", "ohmlearn", *map(str, arguments)]
    return words if ranks is None else [str(mpiexec()), "-n", str(ranks), *words]


def run(*arguments, ranks=None, timeout=120, **options):
    """Run the program; returns the finished process with its output as text."""
    environment = os.environ | options.pop("env", {})
    words = [*options.pop("prefix", []), *command(*arguments, ranks=ranks)]
    return subprocess.run(words, capture_output=True, text=True, timeout=timeout,
                          env=environment, stdin=subprocess.DEVNULL, **options)


SLOW = changed(tasks__allosteric__count=12, sweep__rates=[1.0, 3.0], sweep__until=1e-6, sweep__t_max=60.0,
               sweep__dt=2e-4, record=None)      # no member ends within a moment, and not all at once


def toml(tables):
    """A sweep file of these tables."""
    def words(value):
        if isinstance(value, dict):
            return "{ " + ", ".join(f"{key} = {words(item)}" for key, item in value.items()) + " }"
        return str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')

    return "\n".join(f"[{name}]\n" + "\n".join(f"{key} = {words(value)}" for key, value in table.items())
                     for name, table in tables.items()) + "\n"


def wait_until(condition, timeout=60):
    """Wait for something to become true."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def stored(path, table="member"):
    """How many rows the parts of a store have, also while they are written."""
    count = 0
    for part in Path(path).glob("part-*.sqlite"):
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(part, timeout=5)) as connection:
            count += connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    return count


def children(pid):
    """Processes below a process that run this program's command."""
    found, todo = [], [pid]
    while todo:
        for task in Path(f"/proc/{todo.pop()}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                below = [int(word) for word in task.read_text().split()]
                todo += below
                found += below
    return [pid for pid in found if b"ohmlearn" in command_line(pid)]


def command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
