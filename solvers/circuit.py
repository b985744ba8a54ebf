"""How a driven network responds: Γ, the answer of the voltages to currents while the held voltages stay.

Γ is the top-left block of the inverse of [[L, Aᵀ], [A, 0]], one row of A per held voltage and per gauge
(physics.md of the project: one formula for every drive). The bordered matrix is never formed: nodes tied
together by held drops move as one, so Γ = S (Sᵀ L S)⁻¹ Sᵀ with S the map from the movable nodes, whose
inverse is that of a grounded Laplacian; floating parts are grounded at one node and centred afterwards,
which is the pseudo-inverse.
"""
from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..network import Network
from ..outputs import Held
from ..task import Task
from .equilibrium import Equilibrium

DENSE_NODES = 1500      # up to here Γ is held as a dense matrix

Array = NDArray[np.float64]


class Circuit:
    """A network at given conductances, with the voltages of `task` held; other tasks with the same places may use it.

    network, conductances : (n_edges,) G > 0 where the network must hang together.
    method : "auto", "dense" (Γ as a matrix), or a method of :class:`Equilibrium`.
    rtol : tolerance of the solves, see :class:`Equilibrium`.
    """

    def __init__(self, network: Network, task: Task, conductances: Array, method: str = "auto",
                 rtol: float = 1e-10) -> None:
        task.check(network)
        self.network, self.conductances, self.places = network, conductances, places(task)
        cluster = Held(dict.fromkeys(task.sources.tolist(), 0.0), dict.fromkeys(task.drops, 0.0)).cluster
        tied = np.arange(network.n_nodes)
        first: dict[int, int] = {}
        for node, number in cluster.items():
            if number != 0:
                tied[node] = first.setdefault(number, node)
        names, self._variable = np.unique(tied, return_inverse=True)
        ends = self._variable[network.edges]
        self._kept = ends[:, 0] != ends[:, 1]
        contracted = len(names) < network.n_nodes
        self._reduced = Network(ends[self._kept], len(names)) if contracted else network
        held = np.unique(self._variable[[node for node, number in cluster.items() if number == 0]])
        self._ground(held.astype(np.int64))
        dense = method == "dense" or (method == "auto" and network.n_nodes <= DENSE_NODES)
        self._solver = None if dense else Equilibrium(self._reduced, self._held, method, rtol)

    def _ground(self, held: NDArray[np.int64]) -> None:
        """Ground every floating part at its first node, and remember the part to centre it."""
        part = self._reduced.components
        numbers, pins = np.unique(part, return_index=True)
        floats = ~np.isin(numbers, part[held])
        self._held = np.append(held, pins[floats])
        where = np.full(numbers.size, -1)
        where[floats] = np.arange(floats.sum())
        self._part = where[part][self._variable]                      # -1 where the part is held
        self._part_size = np.bincount(self._part + 1, minlength=floats.sum() + 1)[1:]

    def centre(self, x: Array) -> Array:
        """x (n_nodes, k) with its mean over every floating part removed."""
        if not self._part_size.size:
            return x
        x = x.copy()
        for number, size in enumerate(self._part_size):
            nodes = self._part == number
            x[nodes] -= x[nodes].sum(axis=0) / size
        return x

    def green(self, currents: Array) -> Array:
        """Γ times currents (n_nodes,) or (n_nodes, k): voltages relative to what is held, same shape."""
        x = self.centre(currents.reshape(len(currents), -1))
        if self._solver is None:
            return (self.matrix @ x).reshape(currents.shape)
        reduced = np.zeros((self._reduced.n_nodes, x.shape[1]))
        np.add.at(reduced, self._variable, x)
        solved = self._solver.solve(self.conductances[self._kept], currents=reduced)
        return self.centre(solved[self._variable]).reshape(currents.shape)

    @cached_property
    def matrix(self) -> Array:
        """Γ (n_nodes, n_nodes), dense."""
        from scipy.linalg import LinAlgError, cho_factor, cho_solve

        n = self._reduced.n_nodes
        free = np.setdiff1d(np.arange(n), self._held)
        inverse = np.zeros((n, n))
        try:
            factor = cho_factor(dense_laplacian(self._reduced, self.conductances[self._kept])[np.ix_(free, free)])
        except LinAlgError:
            raise ValueError("the conductances leave a part of the network without a path to a held node "
                             "(or with one too weak for rounding); raise the smallest conductances") from None
        inverse[np.ix_(free, free)] = cho_solve(factor, np.eye(free.size))
        gamma = inverse[np.ix_(self._variable, self._variable)]
        return self.centre(self.centre(gamma).T)

    def voltages(self, task: Task) -> Array:
        """(n_nodes,) equilibrium voltages of a task that holds the same places."""
        held = Held(dict(zip(task.sources.tolist(), task.source_voltages.tolist(), strict=True)), task.drops)
        rest = np.zeros(self.network.n_nodes)
        rest[list(held.potential)] = list(held.potential.values())
        incidence = self.network.incidence
        inflow = task.injected(self.network.n_nodes) - incidence.T @ (self.conductances * (incidence @ rest))
        return self.centre((rest + self.green(inflow))[:, None])[:, 0]


def places(task: Task) -> tuple[object, ...]:
    """What two tasks must have in common to share a circuit: held nodes and pairs."""
    return tuple(sorted(task.sources.tolist())), tuple(sorted(task.drops))


def circuits(network: Network, tasks: Sequence[Task], conductances: Array, method: str, rtol: float) -> list[Circuit]:
    """The circuit of every task; tasks that hold the same places share one."""
    made: dict[tuple[object, ...], Circuit] = {}
    for task in tasks:
        if places(task) in made:
            task.check(network)
        else:
            made[places(task)] = Circuit(network, task, conductances, method, rtol)
    return [made[places(task)] for task in tasks]


def dense_laplacian(network: Network, conductances: Array) -> Array:
    """(n_nodes, n_nodes) L = Δᵀ diag(G) Δ."""
    a, b = network.edges.T
    laplacian = np.zeros((network.n_nodes, network.n_nodes))
    for i, j, sign in ((a, a, 1.0), (b, b, 1.0), (a, b, -1.0), (b, a, -1.0)):
        np.add.at(laplacian, (i, j), sign * conductances)
    return laplacian
