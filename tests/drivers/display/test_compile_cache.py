"""Compiled code: a cache that cannot be written is told, once, with what to do; and so is compiling that takes long."""
import os
import platform
import re
import subprocess
import sys
import warnings

import pytest
from ohmlearn.drivers.display import compile_cache
from ohmlearn.kernels.simd.compile_cache import cache_folder
from rank_jobs import run_here


def test_a_lost_cache_is_told_once(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("OHMLEARN_CACHE", str(tmp_path / "file" / "below"))      # no folder can be there, root or not
    compile_cache.prepare.cache_clear()
    with pytest.warns(RuntimeWarning, match="set OHMLEARN_CACHE"):
        compile_cache.prepare()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compile_cache.prepare()
        assert "cannot be made (Not a directory); set OHMLEARN_CACHE" in compile_cache.place()
        compile_cache.prepare.cache_clear()
        monkeypatch.setenv("OHMLEARN_CACHE", "off")
        compile_cache.prepare()
        assert compile_cache.place() == "not kept, as asked"
        monkeypatch.setenv("OHMLEARN_CACHE", str(tmp_path))
        assert compile_cache.place() == str(cache_folder())


def test_info_names_the_folder():
    assert str(cache_folder()) in run_here("info").stdout


def test_compiling_is_told_once_when_it_takes_long(monkeypatch, capsys):
    clock = iter([0.0, 0.2, 0.4, 10.0, 10.7, 11.0, 12.0, 20.0, 20.1, 20.2])
    monkeypatch.setattr(compile_cache, "perf_counter", lambda: next(clock))
    watch = compile_cache.Watch()
    watch.begins("numpy.core")                      # not ours
    watch.begins("ohmlearn.kernels.one")            # from 0.0 ...
    watch.ends("ohmlearn.kernels.one")              # ... to 0.4
    assert capsys.readouterr().err == ""
    watch.begins("ohmlearn.kernels.two")            # from 10.0
    watch.begins("ohmlearn.kernels.three")          # at 11.0: more than a second in all
    assert capsys.readouterr().err.startswith("ohmlearn: compiling two for this processor, ")
    watch.begins("ohmlearn.kernels.four")
    for name in ("four", "three", "two"):
        watch.ends(f"ohmlearn.kernels.{name}")
    assert capsys.readouterr().err == ""
    assert watch.depth == 0
    watch.begins("ohmlearn.kernels.five.six")       # from 20.0: another file of kernels, another line
    watch.ends("ohmlearn.kernels.five.six")
    assert capsys.readouterr().err.startswith("ohmlearn: compiling five.six for this processor, ")


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
cache.compiled()
cache.compiled()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True,
                          env=os.environ | {"OHMLEARN_CACHE": "off"})
    assert re.fullmatch(r"ohmlearn: compiling new for this processor, at every start \.\.\.\n"
                        r"ohmlearn: compiled in \d+ s\n", done.stderr)


CALL = """
from ohmlearn.kernels.simd import compile_cache
compile_cache.KERNELS = compile_cache.Path({folder!r})
import sys
sys.path.insert(0, {folder!r})
for harm in ("", *{harms!r}, ""):
    for file in compile_cache.FOLDER.rglob(f"*.{{harm}}") if harm else ():
        file.write_bytes(file.read_bytes()[:20])
    from small import small as found
    assert found(2.0) == 3.0
    print(found.stats.cache_hits.total(), found.stats.cache_misses.total())
    del sys.modules["small"]
"""


def write_small(folder):
    folder.mkdir(exist_ok=True)
    (folder / "small.py").write_text("from ohmlearn.kernels.simd.jit import kernel\n\n@kernel\ndef small(x):\n    "
                                     "return x + 1.0\n")


def small_kernel(folder, cache, *harms, **options):
    """Call a kernel in a file of its own twice in a process, and between these once after each of the harms: a kind of
    files in the cache that are cut short. Returns how often it was found in the cache each time and how often not."""
    write_small(folder)
    program = CALL.format(folder=str(folder), harms=harms)
    done = subprocess.run([*options.pop("prefix", []), sys.executable, "-c", program], check=False, timeout=120,
                          capture_output=True, text=True, env=os.environ | {"OHMLEARN_CACHE": str(cache)}, **options)
    assert done.returncode == 0, done.stderr
    return [tuple(map(int, line.split())) for line in done.stdout.splitlines()]


def test_what_is_compiled_is_found_again_also_by_a_copy_elsewhere(tmp_path):
    cache = tmp_path / "cache"
    assert small_kernel(tmp_path / "one", cache) == [(0, 1), (1, 0)]
    assert small_kernel(tmp_path / "two", cache) == [(1, 0), (1, 0)]        # an environment copied to a node
    assert {oct(path.stat().st_mode & 0o777) for path in (cache, *cache.glob("*"))
            if path.is_dir()} == {"0o700"}
    assert oct((cache / "sources").stat().st_mode & 0o777) == "0o600"


def test_of_two_processes_one_compiles_and_the_other_waits(tmp_path):
    write_small(tmp_path / "one")
    late = """
import time
from ohmlearn.kernels.simd.compile_cache import KernelCache
kept = KernelCache.save_overload
KernelCache.save_overload = lambda *given: (time.sleep(1.5), kept(*given))
"""
    words = [sys.executable, "-c", late + CALL.format(folder=str(tmp_path / "one"), harms=())]
    both = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True,
                             env=os.environ | {"OHMLEARN_CACHE": str(tmp_path / "cache")}) for _ in range(2)]
    assert sorted(process.communicate(timeout=60)[0].splitlines()[0] for process in both) == ["0 1", "1 0"]


@pytest.mark.skipif(platform.machine() != "x86_64", reason="names of processors of x86-64")
def test_processors_share_a_folder(tmp_path, monkeypatch):
    """A home folder of mixed nodes: each kind compiles once, for itself, and finds it however often the other came."""
    kinds = ("x86-64-v2", "x86-64")
    monkeypatch.setenv("NUMBA_CPU_FEATURES", "")
    for name, found in zip([*kinds, kinds[0]], (0, 0, 1), strict=True):
        monkeypatch.setenv("NUMBA_CPU_NAME", name)
        assert small_kernel(tmp_path / "one", tmp_path / "cache") == [(found, 1 - found), (1, 0)]


def test_files_that_were_cut_short_or_a_full_disk_mean_compiling(tmp_path):
    cache = tmp_path / "cache"
    assert small_kernel(tmp_path / "one", cache, "nbi", "", "nbc") == [(0, 1), (0, 1), (1, 0), (0, 1), (1, 0)]
    full = 'mount -t tmpfs -o size=4k none "$0" && exec "$@"'
    prefix = ["unshare", "--map-root-user", "--mount", "sh", "-c", full, str(cache)]
    if subprocess.run([*prefix, "true"], check=False).returncode == 0:
        assert small_kernel(tmp_path / "one", cache, prefix=prefix)[0] == (0, 1)


def test_a_cache_that_is_only_read_is_used(tmp_path):
    cache = tmp_path / "cache"
    small_kernel(tmp_path / "one", cache)
    prefix = ["unshare", "--map-root-user", "--mount", "sh", "-c",
              'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"', str(cache)]
    if subprocess.run([*prefix, "true"], check=False).returncode:
        pytest.skip("needs unshare and the right to mount")
    assert small_kernel(tmp_path / "one", cache, prefix=prefix) == [(1, 0), (1, 0)]


@pytest.mark.parametrize(("harm", "words"), [("open", "can be written by others, whose code would run"),
                                             ("owned", "belongs to another user, whose code would run")])
def test_a_folder_that_others_may_fill_is_refused(tmp_path, monkeypatch, harm, words):
    monkeypatch.setenv("OHMLEARN_CACHE", str(tmp_path / "cache"))
    folder = cache_folder()
    assert folder.stat().st_mode & 0o777 == 0o700
    if harm == "open":
        folder.chmod(0o777)
    elif os.geteuid() == 0:
        os.chown(folder, 12345, 12345)
    else:
        monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert cache_folder() is None
    assert words in compile_cache.place()


def test_no_home_is_told(monkeypatch):
    from ohmlearn.kernels.simd import compile_cache as kept

    monkeypatch.setattr(kept.platformdirs, "user_cache_dir", lambda name: f"~/.cache/{name}")
    assert kept.chosen("") == (None, "this user has no home folder")

    def none(name):
        raise RuntimeError("could not determine the home directory")

    monkeypatch.setattr(kept.platformdirs, "user_cache_dir", none)
    assert kept.chosen("") == (None, "this user has no home folder")


def test_a_signal_while_kernels_are_compiled_is_not_lost(tmp_path):
    """LLVM calls back into Python, where what the handler raises is lost; it comes once more."""
    code = """
import ctypes, os, signal, sys, time
from ohmlearn.kernels.simd import jit
call = ctypes.CFUNCTYPE(None)(lambda: (os.kill(os.getpid(), signal.{name}), time.sleep(0.01)))
if {exits}:
    from ohmlearn.parallel.signals import Stopping
    Stopping().__enter__()
try:
    call()
    time.sleep(20)
except KeyboardInterrupt:
    sys.exit(11)
"""
    for name, exits, expected in (("SIGINT", False, 11), ("SIGTERM", True, 75), ("SIGINT", True, 11)):
        done = subprocess.run([sys.executable, "-c", code.format(name=name, exits=exits)], timeout=60, check=False)
        assert done.returncode == expected, name


def test_sources_are_read_once_and_again_when_one_changed(tmp_path, monkeypatch):
    from ohmlearn.kernels.simd import compile_cache as kept

    source, base = tmp_path / "kernels" / "one.py", tmp_path / "cache"
    source.parent.mkdir()
    base.mkdir(mode=0o700)
    source.write_text("a = 1\n")
    monkeypatch.setattr(kept, "KERNELS", source.parent)
    monkeypatch.setenv("OHMLEARN_CACHE", str(base))
    read = []

    def read_bytes(path):
        read.append(path.name)
        with path.open("rb") as file:
            return file.read()

    monkeypatch.setattr(kept.Path, "read_bytes", read_bytes)
    fresh = kept.digest.__wrapped__
    first = fresh()
    assert fresh() == first
    assert read == ["one.py"]
    for harm in ("", "x" * 50, (base / "sources").read_text()[:-3]):        # cut short by a rank that writes it
        (base / "sources").write_text(harm)
        assert fresh() == first
    assert len(read) == 4
    times = source.stat()
    source.write_text("a = 2\n")        # as long, and as old by its time of change
    os.utime(source, ns=(times.st_atime_ns, times.st_mtime_ns))
    second = fresh()
    assert second != first
    assert fresh() == second
    assert len(read) == 5
    base.chmod(0o777)       # others may write there: the note is not believed
    (base / "sources").write_text((base / "sources").read_text().replace(second, first))
    assert fresh() == second


def test_a_sweep_imports_numba_without_linear_algebra_which_still_works_later():
    code = """
import sys
from ohmlearn.drivers.commands.sweep import import_numba_alone
import_numba_alone()
assert "numba.np.arraymath" in sys.modules and "scipy.linalg" not in sys.modules and "cffi" not in sys.modules
import numpy, numba, scipy.linalg.cython_blas
assert numba.njit(lambda a: numpy.dot(a, a))(numpy.eye(2)).tolist() == [[1, 0], [0, 1]]
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
