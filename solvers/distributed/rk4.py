"""RK4 steps of a network over many ranks: the steps of one machine on every part, and one exchange after each."""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.large import edge_passes
from ohmlearn.rule import Rule
from ohmlearn.solvers.large.rk4 import EdgeSteps
from ohmlearn.task import Task

from .part import Part
from .reductions import RankSums, replicated

Floats = NDArray[np.float64]


class DistributedStepper(EdgeSteps):
    """The state (v, w, G) of a part of a network and its time steps; all ranks call every method together.

    Arrays are those of the nodes and edges that this rank holds, in the order of the part. An RK4 step has four
    stages, and each makes the values of one more layer of neighbours wrong; after the fourth the own nodes are right,
    and an exchange restores the layers. So every node and edge has the bits that one machine gives them.

    threads : for the steps of a rank that has no neighbours; others take one step at a time, on one thread.
    """

    def __init__(self, part: Part, task: Task, rule: Rule, rate: float, threads: int = 1) -> None:
        task.require_nodal("stepping a network over ranks")
        self.part = part
        learning = None if rule.frozen is None else np.where(rule.frozen[part.edge_numbers], 0.0, 1.0)
        super().__init__(part.ends, part.nodes.size, part.places(np.append(task.sources, task.targets)),
                         task.targets.size, rule, rate, learning=learning, threads=threads, layer=part.layer)
        self._owned = part.owned_places(task.targets)
        self._pairs = self.state.x.reshape(-1, 2)

    def put(self, voltages: Floats, difference: Floats, conductances: Floats) -> None:
        """Set v, w (k,) and G (e,); those of own nodes and edges count, the others are fetched."""
        self._pairs[:, 0], self._pairs[:, 1], self.state.g[:] = voltages, difference, conductances
        self.exchange()

    def exchange(self) -> None:
        """Fetch v, w and G of what this rank holds and does not own."""
        self.part.halo.exchange([self._pairs], [self.state.g])

    @property
    def voltages(self) -> Floats:
        """(k,) v, a copy."""
        return self._pairs[:, 0].copy()

    @property
    def difference(self) -> Floats:
        """(k,) w, a copy."""
        return self._pairs[:, 1].copy()

    @property
    def conductances(self) -> Floats:
        """(e,) G, a copy."""
        return self.state.g.copy()

    def steps(self, count: int, dt: float) -> Floats:
        """Take RK4 steps of dt (1/γp); returns the target voltages after each, (count, n_targets), on every rank."""
        trace = np.zeros((count, self.n_targets))
        if self.part.halo.links:
            for step in range(count):
                self.march(trace[step:step + 1], dt)
                self.exchange()
        else:
            self.march(trace, dt)
        return replicated(self.part.comm, np.where(self._owned >= 0, np.arange(self.n_targets), -1), trace.T).T

    def bounds(self) -> tuple[float, float]:
        """Upper bounds of λ_max(L_FF) and of the square of the learning frequency over 2 a R, of the whole network."""
        relaxation, learning = RankSums(self.part.comm).largest(*super().bounds())
        return float(relaxation), float(learning)

    def drift(self, voltages: Floats) -> Floats:
        """(k,) currents -L(dG/dt) V that learning adds per unit of time at fixed voltages (k,), right at own nodes."""
        currents = np.empty_like(voltages)
        edge_passes.drift(currents, voltages, self.graph, self.state, self.pace(1.0))
        return currents

    def at_targets(self) -> Floats:
        """(2 n_targets,) v and w of the targets in turns, on every rank."""
        return self.of_targets(self._pairs).ravel()

    def of_targets(self, values: Floats) -> Floats:
        """(n_targets, ...) those of the targets among values of the nodes held, (k, ...), on every rank."""
        return replicated(self.part.comm, self._owned, values)
