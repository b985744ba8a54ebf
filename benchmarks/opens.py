"""Files that a rank of a sweep opens, and how many of them the libraries below open anyway.

    python benchmarks/opens.py

Needs strace. On a cluster a thousand ranks start at once, and what they open comes from one file server. A small sweep
runs on two ranks, its kernels compiled before; then two ranks only import NumPy, Numba and mpi4py and load one compiled
function. Files in /proc, /sys and /dev, which the system makes up, are told apart.
"""
from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from kills import QUICK

LIBRARIES = """
import numpy
from mpi4py import MPI
import numba
from numba.core import entrypoints
entrypoints._already_initialized = True
from one import total
total(numpy.ones(3))
MPI.COMM_WORLD.Dup().barrier()
"""
ONE = "import numba\n\n@numba.njit(cache=True)\ndef total(a):\n    return a.sum()\n"
MADE_UP = ("/proc", "/sys", "/dev")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "sweep.toml").write_text(QUICK)
        (folder / "libraries.py").write_text(LIBRARIES)
        (folder / "one.py").write_text(ONE)
        sweep = ["-m", "ohmlearn", "sweep", "sweep.toml", "--no-progress", "--threads", "1", "--output"]
        for what, words in (("a sweep", sweep), ("its libraries alone", ["libraries.py"])):
            extra = words is sweep
            start(folder, [*words, *(["first"] if extra else [])])      # compiles
            for opened in start(folder, [*words, *(["second"] if extra else [])], traced=True):
                tell(what, opened)


def start(folder: Path, words: list[str], traced: bool = False) -> list[list[str]]:
    """Run Python on two ranks; with `traced`, the files that each opened, rank 1 first: rank 0 folds the store."""
    launcher = [str(Path(sys.executable).with_name("mpiexec")), "-n", "2"]
    tracer = ["strace", "-f", "-ff", "-e", "trace=openat", "-o", "trace"] if traced else []
    environment = os.environ | {"NUMBA_CACHE_DIR": str(folder), "PYTHONDONTWRITEBYTECODE": ""}    # as once installed
    subprocess.run([*launcher, *tracer, sys.executable, *words], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                   env=environment)
    found = [re.findall(r'openat\(\w+, "([^"]*)"', path.read_text()) for path in folder.glob("trace.*")]
    for path in folder.glob("trace.*"):
        path.unlink()
    return sorted((opened for opened in found if len(opened) > 500), key=len)


def tell(what: str, opened: list[str]) -> None:
    """A line of counts."""
    on_disk = [path for path in opened if not path.startswith(MADE_UP)]
    kinds = Counter(re.split(r"site-packages/", path)[1].split("/")[0] if "site-packages/" in path else "elsewhere"
                    for path in on_disk)
    most = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common(8))
    print(f"a rank of {what}: {len(opened)} opens, {len(on_disk)} on disk ({most})")


if __name__ == "__main__":
    main()
