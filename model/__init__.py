"""Resistor networks that learn: coupled learning at any rate, compiled and in parallel.

The nouns are :class:`Network`, :class:`Task`, :class:`Rule`, :class:`Record` and :class:`Run`;
:func:`train` makes them act. Everything heavier than NumPy is imported on first use.
"""
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# public name -> module that defines it
_FACE = {
    "Constraint": "ohmlearn.outputs",
    "CoupledClassifier": "ohmlearn.drivers.learning",
    "CoupledRegressor": "ohmlearn.drivers.learning",
    "Discrete": "ohmlearn.discrete",
    "Equilibrium": "ohmlearn.solvers.equilibrium",
    "LabCircuit": "ohmlearn.lab_circuit",
    "LabRun": "ohmlearn.lab_run",
    "LabRuns": "ohmlearn.lab_run",
    "Netlist": "ohmlearn.netlist",
    "Network": "ohmlearn.network",
    "Record": "ohmlearn.run",
    "Responses": "ohmlearn.solvers.responses",
    "Rule": "ohmlearn.rule",
    "Run": "ohmlearn.run",
    "Runs": "ohmlearn.run",
    "Schedule": "ohmlearn.schedule",
    "Sweep": "ohmlearn.drivers.sweep",
    "Task": "ohmlearn.task",
    "lab": "ohmlearn.drivers.lab",
    "lab_network": "ohmlearn.lab_circuit",
    "lab_task": "ohmlearn.lab_circuit",
    "open_results": "ohmlearn.drivers.results",
    "read_spice": "ohmlearn.netlist",
    "GradientFlow": "ohmlearn.rule",
    "allosteric_samples": "ohmlearn.samples",
    "descend": "ohmlearn.drivers.descent",
    "follow": "ohmlearn.solvers.course",
    "follow_training": "ohmlearn.drivers.follow",
    "directed_aging": "ohmlearn.other_rules",
    "equilibrium_propagation": "ohmlearn.other_rules",
    "hessian": "ohmlearn.solvers.hessian",
    "measure_responses": "ohmlearn.solvers.responses",
    "modes": "ohmlearn.solvers.modes",
    "soft_approximation": "ohmlearn.solvers.soft",
    "soft_mode": "ohmlearn.solvers.soft",
    "soft_modes": "ohmlearn.solvers.modes",
    "theory": "ohmlearn.solvers.theory",
    "train": "ohmlearn.drivers.train",
    "voltages": "ohmlearn.solvers.circuit",
}

# What is left out where its extra is not installed; to ask for it by name says which.
_EXTRA = {"CoupledClassifier": "sklearn", "CoupledRegressor": "sklearn"}

__all__ = ["__version__", *sorted(name for name in _FACE if name not in _EXTRA or find_spec(_EXTRA[name]))]

if TYPE_CHECKING:
    from .discrete import Discrete as Discrete
    from .drivers.descent import descend as descend
    from .drivers.follow import follow_training as follow_training
    from .drivers.lab import lab as lab
    from .drivers.learning import CoupledClassifier as CoupledClassifier
    from .drivers.learning import CoupledRegressor as CoupledRegressor
    from .drivers.results import open_results as open_results
    from .drivers.sweep import Sweep as Sweep
    from .drivers.train import train as train
    from .lab_circuit import LabCircuit as LabCircuit
    from .lab_circuit import lab_network as lab_network
    from .lab_circuit import lab_task as lab_task
    from .lab_run import LabRun as LabRun
    from .lab_run import LabRuns as LabRuns
    from .netlist import Netlist as Netlist
    from .netlist import read_spice as read_spice
    from .network import Network as Network
    from .other_rules import directed_aging as directed_aging
    from .other_rules import equilibrium_propagation as equilibrium_propagation
    from .outputs import Constraint as Constraint
    from .rule import GradientFlow as GradientFlow
    from .rule import Rule as Rule
    from .run import Record as Record
    from .run import Run as Run
    from .run import Runs as Runs
    from .samples import allosteric_samples as allosteric_samples
    from .schedule import Schedule as Schedule
    from .solvers.circuit import voltages as voltages
    from .solvers.course import follow as follow
    from .solvers.equilibrium import Equilibrium as Equilibrium
    from .solvers.hessian import hessian as hessian
    from .solvers.modes import modes as modes
    from .solvers.modes import soft_modes as soft_modes
    from .solvers.responses import Responses as Responses
    from .solvers.responses import measure_responses as measure_responses
    from .solvers.soft import soft_approximation as soft_approximation
    from .solvers.soft import soft_mode as soft_mode
    from .solvers.theory import theory as theory
    from .task import Task as Task


def __getattr__(name: str) -> Any:
    if name not in _FACE:
        raise AttributeError(f"module 'ohmlearn' has no attribute {name!r}")
    value = getattr(import_module(_FACE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
