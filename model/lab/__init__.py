"""The laboratory circuit of paper 1: its hardware, its tasks, and its training."""
import sys
from types import ModuleType
from typing import Any

from .circuit import LabCircuit, lab_network, lab_task
from .run import LabRun, LabRuns
from .transistors import published_gates, regression_samples, transistor_network, xor_samples

__all__ = ["LabCircuit", "LabRun", "LabRuns", "lab_network", "lab_task", "published_gates",
           "regression_samples", "train", "transistor_network", "xor_samples"]


class _Lab(ModuleType):
    """In version 0.1 `ohmlearn.lab` was a function, so the module can be called for one version more."""

    def __getattr__(self, name: str) -> Any:
        if name != "train":
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return import_module("ohmlearn.drivers.lab.train").train

    def __call__(self, *given: Any, **options: Any) -> Any:
        from warnings import warn

        warn("ohmlearn.lab(...) is now ohmlearn.lab.train(...); the old form will be removed in the next version",
             DeprecationWarning, stacklevel=2)
        return self.train(*given, **options)


sys.modules[__name__].__class__ = _Lab
