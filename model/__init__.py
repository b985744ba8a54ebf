"""Resistor networks that learn: coupled learning at any rate, compiled and in parallel.

The nouns are :class:`Network`, :class:`Task`, :class:`Rule`, :class:`Record` and :class:`Run`;
:func:`train` makes them act. What is needed less often is in submodules: `analysis`, `distributed`, `edges`, `figures`,
`generators`, `lab`, `learn`, `rules`, `soft`, `stores` and `tasks`. Everything heavier than NumPy is imported on first
use.
"""
from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# public name -> module that defines it
_FACE = {
    "Equilibrium": "ohmlearn.solvers.equilibrium.equilibrium",
    "Network": "ohmlearn.network",
    "Record": "ohmlearn.run",
    "Rule": "ohmlearn.rule",
    "Run": "ohmlearn.run",
    "Runs": "ohmlearn.run",
    "Schedule": "ohmlearn.schedule",
    "Sweep": "ohmlearn.drivers.sweeps.sweep",
    "Task": "ohmlearn.task",
    "Units": "ohmlearn.results.units",
    "descend": "ohmlearn.drivers.descent.descend",
    "hessian": "ohmlearn.solvers.hessian.hessian",
    "load": "ohmlearn.results.run_file",
    "modes": "ohmlearn.solvers.equilibrium.modes",
    "open_results": "ohmlearn.drivers.store.open_results",
    "read_spice": "ohmlearn.io.netlist",
    "theory": "ohmlearn.solvers.theory.linear_theory",
    "train": "ohmlearn.drivers.training.train",
    "voltages": "ohmlearn.solvers.hessian.circuit",
}

_SUBMODULES = ("analysis", "distributed", "edges", "figures", "generators", "lab", "learn", "rules", "soft", "stores",
               "tasks")

# name of version 0.1 -> where it is now; handed on with a warning for one version
_MOVED = {
    "Constraint": "tasks.Constraint", "CoupledClassifier": "learn.CoupledClassifier",
    "CoupledRegressor": "learn.CoupledRegressor", "Discrete": "rules.Discrete", "GradientFlow": "rules.GradientFlow",
    "LabCircuit": "lab.LabCircuit", "LabRun": "lab.LabRun", "LabRuns": "lab.LabRuns", "Netlist": "io.netlist.Netlist",
    "Responses": "analysis.Responses", "allosteric_samples": "tasks.allosteric_samples",
    "directed_aging": "rules.directed_aging", "equilibrium_propagation": "rules.equilibrium_propagation",
    "follow": "analysis.hessian_trajectory", "follow_training": "analysis.hessians_along_training",
    "lab_network": "lab.lab_network", "lab_task": "lab.lab_task",
    "measure_responses": "analysis.measure_responses", "soft_approximation": "soft.soft_approximation",
    "soft_mode": "soft.soft_mode", "soft_modes": "soft.soft_modes",
}

__all__ = ["__version__", *sorted(_FACE)]

if TYPE_CHECKING:
    from . import analysis as analysis
    from . import distributed as distributed
    from . import edges as edges
    from . import figures as figures
    from . import generators as generators
    from . import lab as lab
    from . import learn as learn
    from . import rules as rules
    from . import soft as soft
    from . import stores as stores
    from . import tasks as tasks
    from .drivers.descent.descend import descend as descend
    from .drivers.store.open_results import open_results as open_results
    from .drivers.sweeps.sweep import Sweep as Sweep
    from .drivers.training.train import train as train
    from .io.netlist import read_spice as read_spice
    from .network import Network as Network
    from .results.run_file import load as load
    from .results.units import Units as Units
    from .rule import Rule as Rule
    from .run import Record as Record
    from .run import Run as Run
    from .run import Runs as Runs
    from .schedule import Schedule as Schedule
    from .solvers.equilibrium.equilibrium import Equilibrium as Equilibrium
    from .solvers.equilibrium.modes import modes as modes
    from .solvers.hessian.circuit import voltages as voltages
    from .solvers.hessian.hessian import hessian as hessian
    from .solvers.theory.linear_theory import theory as theory
    from .task import Task as Task


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return import_module(f"ohmlearn.{name}")
    if name in _FACE:
        value = getattr(import_module(_FACE[name]), name)
        globals()[name] = value
        return value
    if name in _MOVED:
        from warnings import warn

        warn(f"ohmlearn.{name} is now ohmlearn.{_MOVED[name]}; the old name will be removed in the next version",
             DeprecationWarning, stacklevel=2)
        module, _, new = f"ohmlearn.{_MOVED[name]}".rpartition(".")
        return getattr(import_module(module), new)
    raise AttributeError(f"module 'ohmlearn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*(name for name in globals() if name.startswith("_")), *__all__, *_SUBMODULES})
