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
    "CoupledClassifier": "ohmlearn.drivers.estimators.estimators",
    "CoupledRegressor": "ohmlearn.drivers.estimators.estimators",
    "Discrete": "ohmlearn.discrete",
    "Equilibrium": "ohmlearn.solvers.equilibrium.equilibrium",
    "LabCircuit": "ohmlearn.lab_circuit",
    "LabRun": "ohmlearn.lab_run",
    "LabRuns": "ohmlearn.lab_run",
    "Netlist": "ohmlearn.io.netlist",
    "Network": "ohmlearn.network",
    "Record": "ohmlearn.run",
    "Responses": "ohmlearn.solvers.hessian.responses",
    "Rule": "ohmlearn.rule",
    "Run": "ohmlearn.run",
    "Runs": "ohmlearn.run",
    "Schedule": "ohmlearn.schedule",
    "Sweep": "ohmlearn.drivers.sweeps.sweep",
    "Task": "ohmlearn.task",
    "lab": "ohmlearn.drivers.lab.train",
    "lab_network": "ohmlearn.lab_circuit",
    "lab_task": "ohmlearn.lab_circuit",
    "open_results": "ohmlearn.drivers.store.open_results",
    "read_spice": "ohmlearn.io.netlist",
    "GradientFlow": "ohmlearn.rule",
    "allosteric_samples": "ohmlearn.training_samples",
    "descend": "ohmlearn.drivers.descent.descend",
    "follow": "ohmlearn.solvers.hessian.hessian_trajectory",
    "follow_training": "ohmlearn.drivers.analysis.hessians_along_training",
    "directed_aging": "ohmlearn.rule_variants",
    "equilibrium_propagation": "ohmlearn.rule_variants",
    "hessian": "ohmlearn.solvers.hessian.hessian",
    "measure_responses": "ohmlearn.solvers.hessian.responses",
    "modes": "ohmlearn.solvers.equilibrium.modes",
    "soft_approximation": "ohmlearn.solvers.hessian.soft_mode",
    "soft_mode": "ohmlearn.solvers.hessian.soft_mode",
    "soft_modes": "ohmlearn.solvers.equilibrium.modes",
    "theory": "ohmlearn.solvers.theory.linear_theory",
    "train": "ohmlearn.drivers.training.train",
    "voltages": "ohmlearn.solvers.hessian.circuit",
}

# What is left out where its extra is not installed; to ask for it by name says which.
_EXTRA = {"CoupledClassifier": "sklearn", "CoupledRegressor": "sklearn"}

__all__ = ["__version__", *sorted(name for name in _FACE if name not in _EXTRA or find_spec(_EXTRA[name]))]

if TYPE_CHECKING:
    from .discrete import Discrete as Discrete
    from .drivers.analysis.hessians_along_training import follow_training as follow_training
    from .drivers.descent.descend import descend as descend
    from .drivers.estimators.estimators import CoupledClassifier as CoupledClassifier
    from .drivers.estimators.estimators import CoupledRegressor as CoupledRegressor
    from .drivers.lab.train import lab as lab
    from .drivers.store.open_results import open_results as open_results
    from .drivers.sweeps.sweep import Sweep as Sweep
    from .drivers.training.train import train as train
    from .io.netlist import Netlist as Netlist
    from .io.netlist import read_spice as read_spice
    from .lab_circuit import LabCircuit as LabCircuit
    from .lab_circuit import lab_network as lab_network
    from .lab_circuit import lab_task as lab_task
    from .lab_run import LabRun as LabRun
    from .lab_run import LabRuns as LabRuns
    from .network import Network as Network
    from .outputs import Constraint as Constraint
    from .rule import GradientFlow as GradientFlow
    from .rule import Rule as Rule
    from .rule_variants import directed_aging as directed_aging
    from .rule_variants import equilibrium_propagation as equilibrium_propagation
    from .run import Record as Record
    from .run import Run as Run
    from .run import Runs as Runs
    from .schedule import Schedule as Schedule
    from .solvers.equilibrium.equilibrium import Equilibrium as Equilibrium
    from .solvers.equilibrium.modes import modes as modes
    from .solvers.equilibrium.modes import soft_modes as soft_modes
    from .solvers.hessian.circuit import voltages as voltages
    from .solvers.hessian.hessian import hessian as hessian
    from .solvers.hessian.hessian_trajectory import follow as follow
    from .solvers.hessian.responses import Responses as Responses
    from .solvers.hessian.responses import measure_responses as measure_responses
    from .solvers.hessian.soft_mode import soft_approximation as soft_approximation
    from .solvers.hessian.soft_mode import soft_mode as soft_mode
    from .solvers.theory.linear_theory import theory as theory
    from .task import Task as Task
    from .training_samples import allosteric_samples as allosteric_samples


def __getattr__(name: str) -> Any:
    if name not in _FACE:
        raise AttributeError(f"module 'ohmlearn' has no attribute {name!r}")
    value = getattr(import_module(_FACE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
