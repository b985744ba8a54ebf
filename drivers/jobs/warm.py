"""Compiling ahead: small calls that together need all kernels which training and sweeps use."""
from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from ohmlearn.network import Network
from ohmlearn.task import Task

NET = Network.grid(4, 4)
TASK = Task([0, 15], [1.0, 0.0], [6], [0.7])


def slow_manifold() -> None:
    """Small R and rate 0."""
    from ohmlearn.drivers.training.train import train

    train(NET, TASK, 0.0, t_max=1.0)


def general() -> None:
    """Variants of the rule, samples in turn, discrete updates."""
    from ohmlearn.drivers.training.train import train
    from ohmlearn.rules import Discrete, equilibrium_propagation

    train(NET, TASK, 1.0, t_max=1.0, rule=equilibrium_propagation())
    train(NET, TASK, 1.0, t_max=1.0, updates=Discrete())


def plain() -> None:
    """RK4 of the plain rule."""
    from ohmlearn.drivers.training.train import train

    train(NET, TASK, 1.0, method="rk4", t_max=1.0)


def ceiling() -> None:
    """The same with an upper bound."""
    from ohmlearn.drivers.training.train import train
    from ohmlearn.rule import Rule

    train(NET, TASK, 1.0, method="rk4", t_max=1.0, rule=Rule(ceiling=2.0))


def large() -> None:
    """One network of thousands of nodes."""
    from ohmlearn.drivers.training.train import train

    net = Network.grid(70, 70)
    for rate in (0.0, 1.0):
        train(net, TASK, rate, t_max=0.1)


def descent() -> None:
    """Gradient flow and Hessians."""
    from ohmlearn.drivers.descent.descend import descend
    from ohmlearn.solvers.hessian.hessian import hessian

    hessian(NET, TASK, descend(NET, TASK).conductances)


CALLS: dict[str, Callable[[], None]] = {
    call.__name__: call for call in (slow_manifold, general, plain, ceiling, large, descent)}


def warm(processes: int, names: list[str] | None = None) -> None:
    """Make the calls, the longest first, each in a process of its own. Raises CalledProcessError where one fails."""
    def in_a_process(name: str) -> None:
        program = f"from ohmlearn.drivers.jobs.warm import CALLS\nCALLS[{name!r}]()"
        subprocess.run([sys.executable, "-c", program], check=True, stderr=subprocess.DEVNULL)

    with ThreadPoolExecutor(processes) as pool:
        list(pool.map(in_a_process, names or CALLS))
