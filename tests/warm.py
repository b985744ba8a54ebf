"""Compiles the kernels which most tests use, so that the tests' processes find them compiled."""
from ohmlearn import Network
from ohmlearn.drivers.jobs.warm import warm
from ohmlearn.kernels.linalg.graph import prepare
from ohmlearn.kernels.simd.compile_cache import cache_folder

LONGEST_FIRST = ["large", "general", "slow_manifold", "ceiling", "plain", "descent"]


def once(processes: int) -> None:
    """Make the calls of `ohmlearn warm` unless that was done with these kernels."""
    folder = cache_folder()
    if folder is None:
        return
    done = folder / "warm"
    if not done.exists():
        net = Network.grid(4, 4)
        prepare(net.edges, net.n_nodes, lambda size: None)      # which all calls need
        warm(processes, LONGEST_FIRST)
        done.touch()
