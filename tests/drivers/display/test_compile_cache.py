"""Compiled code: a cache that cannot be written is told, once, with what to do; and so is compiling that takes long."""
import os
import subprocess
import sys
import warnings

import pytest
from ohmlearn.drivers.display import compile_cache
from ohmlearn.kernels.simd.compile_cache import cache_folder


def test_a_lost_cache_is_told_once(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("OHMLEARN_CACHE", str(tmp_path / "file" / "below"))      # no folder can be there, root or not
    compile_cache.prepare.cache_clear()
    with pytest.warns(RuntimeWarning, match="set OHMLEARN_CACHE"):
        compile_cache.prepare()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compile_cache.prepare()
        assert "cannot be written; set OHMLEARN_CACHE" in compile_cache.place()
        compile_cache.prepare.cache_clear()
        monkeypatch.setenv("OHMLEARN_CACHE", "off")
        compile_cache.prepare()
        assert compile_cache.place() == "not kept, as asked"
        monkeypatch.setenv("OHMLEARN_CACHE", str(tmp_path))
        assert compile_cache.place() == str(cache_folder())


def test_info_names_the_folder(tmp_path):
    done = subprocess.run([sys.executable, "-m", "ohmlearn", "info"], capture_output=True, text=True, timeout=60,
                          check=True)
    assert str(cache_folder()) in done.stdout


def test_compiling_is_told_once_when_it_takes_long(monkeypatch, capsys):
    clock = iter([0.0, 0.2, 0.4, 10.0, 10.7, 11.0, 12.0])
    monkeypatch.setattr(compile_cache, "perf_counter", lambda: next(clock))
    watch = compile_cache.Watch()
    watch.begins("numpy.core")                      # not ours
    watch.begins("ohmlearn.kernels.one")            # from 0.0 ...
    watch.ends("ohmlearn.kernels.one")              # ... to 0.4
    assert capsys.readouterr().err == ""
    watch.begins("ohmlearn.kernels.two")            # from 10.0
    watch.begins("ohmlearn.kernels.three")          # at 11.0: more than a second in all
    assert "a minute or two" in capsys.readouterr().err
    watch.begins("ohmlearn.kernels.four")
    for name in ("four", "three", "two"):
        watch.ends(f"ohmlearn.kernels.{name}")
    assert capsys.readouterr().err == ""
    assert watch.depth == 0


def test_the_word_comes_from_the_compiler(tmp_path):
    """A kernel that takes long enough, in a process of its own whose cache is off."""
    code = """
import numba
from ohmlearn.drivers.display import compile_cache as cache

def kernel(x):
    return x + 1

kernel.__module__ = "ohmlearn.kernels.new"
cache.PATIENCE = 0.0
cache.prepare()
assert numba.njit(kernel)(1) == 2
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True,
                          env=os.environ | {"OHMLEARN_CACHE": "off"})
    assert done.stderr == "ohmlearn: compiling for this processor, at every start; a minute or two ...\n"
