"""A cache of compiled code that cannot be written is told, once, with what to do."""
import subprocess
import sys
import warnings

import pytest
from ohmlearn.drivers import cache
from ohmlearn.kernels import compiled


def test_a_lost_cache_is_told_once(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("OHMLEARN_CACHE", str(tmp_path / "file" / "below"))      # no folder can be there, root or not
    cache.warn_if_lost.cache_clear()
    with pytest.warns(RuntimeWarning, match="set OHMLEARN_CACHE"):
        cache.warn_if_lost()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cache.warn_if_lost()
        assert "cannot be written; set OHMLEARN_CACHE" in cache.place()
        cache.warn_if_lost.cache_clear()
        monkeypatch.setenv("OHMLEARN_CACHE", "off")
        cache.warn_if_lost()
        assert cache.place() == "not kept, as asked"
        monkeypatch.setenv("OHMLEARN_CACHE", str(tmp_path))
        assert cache.place() == str(compiled.cache_folder())


def test_info_names_the_folder(tmp_path):
    done = subprocess.run([sys.executable, "-m", "ohmlearn", "info"], capture_output=True, text=True, timeout=60,
                          check=True)
    assert str(compiled.cache_folder()) in done.stdout
