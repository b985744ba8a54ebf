"""The quasistatic limit of coupled learning in a network over ranks: G alone moves, v and w follow at once."""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from ohmlearn.rule import Rule
from ohmlearn.solvers.large.quasistatic import FlowSteps
from ohmlearn.task import Task

from .equilibrium import DistributedEquilibrium
from .part import Part
from .reductions import RankSums, replicated

Floats = NDArray[np.float64]


class DistributedFlow(FlowSteps):
    """:class:`ohmlearn.solvers.large.quasistatic.QuasistaticFlow` over ranks: each moves G of the edges that it owns.

    Sums over edges are added in the order of the ranks, so that a run repeats bit for bit at the same ranks and parts.
    All ranks call every method together.
    """

    def __init__(self, part: Part, task: Task, rule: Rule, method: str = "auto", rtol: float = 1e-10) -> None:
        task.require_nodal("quasistatic training of a network over ranks")
        self.part = part
        self.circuit = DistributedEquilibrium(part, task.sources, method, rtol)
        numbers = part.edge_numbers[part.own_edges]
        learning = None if rule.frozen is None else np.where(rule.frozen[numbers], 0.0, 1.0)
        super().__init__(np.ascontiguousarray(part.ends[part.own_edges]), task, rule, learning)
        self._sums, self._owned = RankSums(part.comm), part.owned_places(task.targets)
        self._currents = np.zeros((part.nodes.size, 1 + task.targets.size))
        here = np.flatnonzero(self._owned >= 0)
        self._currents[self._owned[here], 1 + here] = 1.0

    def begin(self, conductances: Floats) -> None:
        """Start at conductances (edges of the part,)."""
        self.start(conductances[self.part.own_edges])

    def solve(self, guess: Floats | None) -> Floats:
        return self.circuit.solve(self.conductances, self._held, self._currents, start=guess)

    def forget(self) -> None:
        self.circuit.forget()

    def of_targets(self, values: Floats) -> Floats:
        return replicated(self.part.comm, self._owned, values)

    def added_up(self, sums: Floats) -> Floats:
        return self._sums.sum(*sums)

    @property
    def conductances(self) -> Floats:
        """G (edges of the part,), a copy."""
        g = np.empty(self.part.edge_numbers.size)
        g[self.part.own_edges] = self.g
        self.part.halo.exchange(edges=[g])
        return g
