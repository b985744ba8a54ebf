"""Compiles the kernels which most tests use, so that the tests' processes find them compiled."""
from ohmlearn.drivers.jobs.warm import warm
from ohmlearn.kernels.simd.compile_cache import cache_folder


def once(processes: int) -> None:
    """Make the calls of `ohmlearn warm` unless that was done with these kernels."""
    folder = cache_folder()
    if folder is None:
        return
    done = folder / "warm"
    if not done.exists():
        warm(processes)
        done.touch()
