"""What all tests share."""
import os
import sys
from pathlib import Path

import pytest
from order import compiling_first

# No test needs a screen. One thread in BLAS: the matrices are small and the machine may be shared.
# (Not by OMP_NUM_THREADS, which says how many threads of our own there are.)
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Ranks that wait hand their core on: with more ranks than cores a job takes half as long. MPICH's name for it.
os.environ.setdefault("MPIR_CVAR_POLLS_BEFORE_YIELD", "1")

ROOT = Path(__file__).parents[1]


@pytest.hookimpl(trylast=True)      # of those that are not deselected
def pytest_collection_modifyitems(items):
    """Begin with what compiles most, each process with other kernels."""
    items[:] = compiling_first(items)


def pytest_sessionfinish():
    """End the MPI jobs that tests used in common."""
    if jobs := sys.modules.get("rank_jobs"):
        jobs.end_jobs()


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def reference() -> Path:
    """Folder of the published data, which is not part of the repository; skips where it is absent."""
    folder = Path(os.environ.get("OHMLEARN_REFERENCE") or ROOT.parent / "shared" / "reference")
    if not folder.is_dir():
        pytest.skip("needs the published data: set OHMLEARN_REFERENCE to their folder")
    return folder
