"""How a driven network responds: Γ, the answer of the voltages to currents while the held voltages stay.

Γ is the top-left block of the inverse of [[L, Aᵀ], [A, 0]], one row of A per held voltage and per gauge (the one
formula for every drive). The bordered matrix is never formed: with the map S of a :class:`Contraction`,
Γ = P S (Sᵀ L S)⁻¹ Sᵀ P, a grounded Laplacian's inverse; on a floating part it is the pseudo-inverse.
"""
from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from ohmlearn.network import Network
from ohmlearn.solvers.equilibrium.equilibrium import Equilibrium
from ohmlearn.task import Task

from .contraction import Array, Contraction, places

DENSE_NODES = 1500      # up to here Γ is held as a dense matrix


class Circuit:
    """A network at given conductances with the voltages of `task` held; tasks that hold the same places may share it.

    network, conductances : (n_edges,) G > 0 where the network must hang together.
    method : "auto", "dense" (Γ as a matrix), or a method of :class:`Equilibrium`.
    rtol : tolerance of the solves, see :class:`Equilibrium`.
    """

    def __init__(self, network: Network, task: Task, conductances: Array, method: str = "auto",
                 rtol: float = 1e-10) -> None:
        self.network, self.conductances = network, conductances
        self.contraction = Contraction(network, task)
        dense = method == "dense" or (method == "auto" and network.n_nodes <= DENSE_NODES)
        self._solver = None if dense else Equilibrium(self.contraction.reduced, self.contraction.held, method, rtol)

    def green(self, currents: Array) -> Array:
        """Γ times currents (n_nodes,) or (n_nodes, k): voltages relative to what is held, same shape."""
        reduced = self.contraction.reduce(currents.reshape(len(currents), -1))
        return self.contraction.expand(self._solve(reduced)).reshape(currents.shape)

    def _solve(self, currents: Array) -> Array:
        """Grounded voltages (n_reduced, k) for currents into the contracted nodes."""
        if self._solver is not None:
            return self._solver.solve(self.conductances[self.contraction.kept], currents=currents)
        from scipy.linalg import cho_solve

        free, factor = self._factor
        voltages = np.zeros_like(currents)
        voltages[free] = cho_solve(factor, currents[free], check_finite=False)
        return voltages

    @cached_property
    def _factor(self) -> tuple[Any, Any]:
        """Free contracted nodes, and the Cholesky factor of their Laplacian."""
        from scipy.linalg import LinAlgError, cho_factor

        part = self.contraction
        free = np.setdiff1d(np.arange(part.reduced.n_nodes), part.held, assume_unique=True)
        laplacian = dense_laplacian(part.reduced, self.conductances[part.kept])
        try:
            return free, cho_factor(laplacian[np.ix_(free, free)], overwrite_a=True)
        except LinAlgError:
            raise ValueError("the conductances leave a part of the network without a path to a held node "
                             "(or with one too weak for rounding); raise the smallest conductances") from None

    @cached_property
    def matrix(self) -> Array:
        """Γ (n_nodes, n_nodes), dense."""
        return self.green(np.eye(self.network.n_nodes))

    def voltages(self, task: Task) -> Array:
        """(n_nodes,) equilibrium voltages of a task that holds the same places."""
        rest, incidence = self.contraction.rest(task), self.network.incidence
        inflow = task.injected(self.network.n_nodes) - incidence.T @ (self.conductances * (incidence @ rest))
        return rest + self.green(inflow)


def voltages(network: Network, task: Task, conductances: ArrayLike | None = None, method: str = "auto",
             rtol: float = 1e-10, *, edges: Any = None) -> Array:
    """Equilibrium voltages (n_nodes,) of a task at given (n_edges,) conductances, whatever drives it.

    conductances : (n_edges,) in G₀, by default the network's initial ones, else 1.

    edges : law of the edges (`ohmlearn.edges`), None for linear resistors; what learns then stands in the place of
        conductances, by default the start of the law. Of a run, by default, its own.

    Where no node is held they are relative to their mean. method, rtol : how to solve, see :class:`Circuit`.

    Returns (n_nodes,) voltages in V.

    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(4, 4)
    >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
    >>> ol.voltages(net, task).round(3).tolist()[:4]
    [1.0, 0.731, 0.577, 0.5]
    """
    edges = getattr(conductances, "edges", None) if edges is None else edges
    if edges is not None:
        if task.drops:
            raise NotImplementedError("networks of nonlinear edges take held nodes and currents; this task holds drops")
        task.check(network)
        circuit = Equilibrium(network, task.sources, edges=edges)
        return circuit.solve(conductances, task.source_voltages, task.injected(network.n_nodes))
    return Circuit(network, task, network.conductances(conductances), method, rtol).voltages(task)


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
