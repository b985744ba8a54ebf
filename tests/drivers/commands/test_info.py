"""What `ohmlearn info` says of the processor."""
import platform

import pytest
from ohmlearn.drivers.commands.info import compiled_facts, fuses


@pytest.mark.parametrize(("triple", "cpu", "features", "fused"), [
    ("x86_64-unknown-linux-gnu", "x86-64", "", False), ("x86_64-unknown-linux-gnu", "x86-64-v2", "", False),
    ("x86_64-unknown-linux-gnu", "x86-64-v2", "+fma", True), ("x86_64-unknown-linux-gnu", "x86-64-v3", "", True),
    ("x86_64-unknown-linux-gnu", "znver4", "-fma,-avx512f", False), ("aarch64-unknown-linux-gnu", "generic", "", True)])
def test_processors_that_fuse_multiply_and_add(triple, cpu, features, fused):
    assert fuses(cpu, features, triple) is fused


@pytest.mark.skipif(platform.machine() != "x86_64", reason="names of processors of x86-64")
def test_a_processor_that_calls_a_function_for_it_is_told(monkeypatch):
    monkeypatch.setenv("NUMBA_CPU_NAME", "x86-64-v2")
    monkeypatch.setenv("NUMBA_CPU_FEATURES", "")
    told = dict(compiled_facts())
    assert told["compiled for"] == "x86-64-v2, as NUMBA_CPU_NAME says"
    assert "many times as long" in told["multiply-add"]
    monkeypatch.setenv("NUMBA_CPU_NAME", "x86-64-v3")
    assert "multiply-add" not in dict(compiled_facts())
