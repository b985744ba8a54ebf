"""What all tests share."""
import os
from pathlib import Path

import pytest

# No test needs a screen. One thread in BLAS: the matrices are small and the machine may be shared.
os.environ.setdefault("MPLBACKEND", "Agg")
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

ROOT = Path(__file__).parents[1]


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
