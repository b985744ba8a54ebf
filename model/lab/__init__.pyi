"""The laboratory circuit of paper 1: its hardware, its tasks, and its training."""
from ohmlearn.drivers.lab.train import train as train

from .circuit import LabCircuit as LabCircuit
from .circuit import lab_network as lab_network
from .circuit import lab_task as lab_task
from .run import LabRun as LabRun
from .run import LabRuns as LabRuns
from .transistors import published_gates as published_gates
from .transistors import regression_samples as regression_samples
from .transistors import transistor_network as transistor_network
from .transistors import xor_samples as xor_samples

__all__: list[str]
