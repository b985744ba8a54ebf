"""What Fig. 1 of paper 1 shows."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from ohmlearn.drivers.analysis.training_times import TrainingTimes
from ohmlearn.lab.circuit import LabCircuit
from ohmlearn.lab.run import LabRuns
from ohmlearn.network import Network
from ohmlearn.task import Task

AS_BUILT = LabCircuit()


@dataclass(frozen=True, eq=False)
class LabSweep:
    """Circuits over settings and tasks. rate, capacitance : (n_settings,) R and c in F.
    steps : (n_tasks, n_settings) τ in training steps, NaN where the threshold was not held.
    floors : (n_tasks, n_settings) mean of C/C(0) over the last third of a run; quartiles : (3, n_settings) over tasks
    and steps of it. widths : (n_tasks, n_settings) log10 of the third over the first quartile of every circuit's own.
    settled : (n_tasks, n_settings) C*/C(0) at the end.
    """

    rate: NDArray[np.float64]
    capacitance: NDArray[np.float64]
    steps: NDArray[np.float64]
    floors: NDArray[np.float64]
    quartiles: NDArray[np.float64]
    widths: NDArray[np.float64]
    settled: NDArray[np.float64]

    @property
    def times(self) -> TrainingTimes:
        """τ in 1/γp."""
        return TrainingTimes(self.rate, self.steps / self.rate)

    @property
    def learning_rate(self) -> NDArray[np.float64]:
        """(n_settings,) γl in 1/s."""
        return self.rate / (AS_BUILT.reference * self.capacitance)


@dataclass(frozen=True, eq=False)
class Fig1:
    """What Fig. 1 shows. network, task : board and task of b, c and d. traces : its circuits. sweep : of e and f.
    variants : the circuit with one difference each, at VARIANT_RATES."""

    network: Network
    task: Task
    traces: LabRuns
    sweep: LabSweep
    variants: dict[str, LabSweep]
