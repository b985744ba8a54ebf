"""A short form of fuzz_files.py."""
import pytest
from fuzz_files import MAKERS, fuzz


@pytest.mark.parametrize("seed", [0, 1])
def test_damaged_files_are_read_or_refused(seed):
    assert {kind.split()[0] for kind in fuzz(300, seed)} == set(MAKERS)
