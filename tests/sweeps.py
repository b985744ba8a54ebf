"""Small sweeps for the tests, and ways to start the program as a user or a batch system would."""
import copy
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
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


def command(*arguments, ranks=None):
    """Words that start `ohmlearn` with these arguments, on some ranks."""
    words = [sys.executable, "-m", "ohmlearn", *map(str, arguments)]
    return words if ranks is None else [str(mpiexec()), "-n", str(ranks), *words]


def run(*arguments, ranks=None, timeout=120, **options):
    """Run the program; returns the finished process with its output as text."""
    environment = os.environ | options.pop("env", {})
    return subprocess.run(command(*arguments, ranks=ranks), capture_output=True, text=True, timeout=timeout,
                          env=environment, stdin=subprocess.DEVNULL, **options)
