"""The step on ARM, from here: vector code, and no call of a function for a fused multiply-add."""
import re
import subprocess
import sys

import pytest


@pytest.mark.slow       # compiles in a process of its own
def test_the_step_is_vector_code(root):
    words = [sys.executable, root / "benchmarks" / "aarch64.py", "--step"]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=300)
    fused, other, single, calls = map(int, re.findall(r"\d+", done.stdout.partition(":")[2]))
    # 66 rows of 8 numbers, four pairs each, in the loops as they are written; more where LLVM repeats them
    assert fused >= 4 * 60
    assert other > 0
    assert single == calls == 0
