"""Small calls that compile the kernels which most tests use, so that the tests' processes find them compiled.

    python tests/warm.py [NAME ...]

Without names, all of them, each in a process of its own, as many at a time as there are cores.
"""
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import ohmlearn as ol

NET = ol.Network.grid(4, 4)
TASK = ol.Task([0, 15], [1.0, 0.0], [6], [0.7])


def plain():
    ol.train(NET, TASK, 1.0, method="rk4", t_max=1.0)


def slow_manifold():
    ol.train(NET, TASK, 0.0, t_max=1.0)


def ceiling():
    ol.train(NET, TASK, 1.0, method="rk4", t_max=1.0, rule=ol.Rule(ceiling=2.0))


def general():
    ol.train(NET, TASK, 1.0, t_max=1.0, rule=ol.rules.equilibrium_propagation())
    ol.train(NET, TASK, 1.0, t_max=1.0, updates=ol.rules.Discrete())


def large():
    net = ol.Network.grid(70, 70)
    for rate in (0.0, 1.0):
        ol.train(net, TASK, rate, t_max=0.1)


def descent():
    run = ol.descend(NET, TASK)
    ol.hessian(NET, TASK, run.conductances)


CALLS = {call.__name__: call for call in (slow_manifold, general, plain, ceiling, large, descent)}


def warm_all(processes: int) -> None:
    """Run all calls, the longest first. Raises CalledProcessError where one fails."""
    def in_a_process(name):
        subprocess.run([sys.executable, __file__, name], check=True, stderr=subprocess.DEVNULL)

    with ThreadPoolExecutor(processes) as pool:
        list(pool.map(in_a_process, CALLS))


def once(processes: int) -> None:
    """Run all calls unless that was done with these kernels."""
    from ohmlearn.kernels.simd.compile_cache import cache_folder

    folder = cache_folder()
    if folder is None:
        return
    done = Path(folder) / "warm"
    if not done.exists():
        warm_all(processes)
        done.touch()


if __name__ == "__main__":
    for name in sys.argv[1:]:
        CALLS[name]()
    if not sys.argv[1:]:
        warm_all(os.cpu_count() or 1)
