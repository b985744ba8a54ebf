"""Equilibrium voltages as a function that can be differentiated backwards, for gradients of anything made of them."""
from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.network import Network

from .edge_arrays import learning
from .equilibrium import NonlinearEquilibrium

Floats = NDArray[np.float64]


class Pulled(NamedTuple):
    """Derivatives of a number by what voltages follow from.

    values : (n_edges,) by what edges learn, in 1/G₀ or 1/V times the unit of the number, 0 where they do not learn.
    held_voltages : (n_held,) likewise in 1/V. currents : (n_nodes,) by currents that enter, in 1/(G₀ V), 0 at held
    nodes.

    >>> import numpy as np, ohmlearn as ol
    >>> _, pull = ol.edges.voltages_vjp(ol.Network.grid(3, 3), [0, 8], np.ones(12), [1.0, 0.0])
    >>> pull(np.ones(9)).values.shape
    (12,)
    """

    values: Floats
    held_voltages: Floats
    currents: Floats


def voltages_vjp(network: Network, held: ArrayLike, values: ArrayLike | None = None,
                 held_voltages: ArrayLike | None = None, currents: ArrayLike | None = None, *,
                 edges: Any = None) -> tuple[Floats, Callable[[ArrayLike], Pulled]]:
    """Equilibrium voltages, and the product of their derivatives with a vector from the left (a vector-Jacobian
    product), as libraries for automatic differentiation ask for it.

    held : (n_held,) nodes. values : (n_edges,) conductances or gate voltages, by default the start of the law.
    held_voltages : (n_held,) in V. currents : (n_nodes,) that enter, in G₀ V. edges : law of the edges, by default
        that of a run that is given for the values, else resistors.

    Returns (n_nodes,) voltages in V, and a function: given (n_nodes,) derivatives of a number by the voltages, it
    returns those by values, held voltages and currents, by one solve with the transposed Jacobian.
    Raises NotConverged where no equilibrium is found.

    >>> import numpy as np, ohmlearn as ol
    >>> v, pull = ol.edges.voltages_vjp(ol.Network.grid(3, 3), [0, 8], np.ones(12), [1.0, 0.0])
    >>> back = pull(np.eye(9)[4])                   # of the voltage in the middle
    >>> round(float(v[4]), 6), back.held_voltages.round(6).tolist()
    (0.5, [0.5, 0.5])
    """
    edges = getattr(values, "edges", None) if edges is None else edges
    if edges is None:
        from ohmlearn.edges.laws import Linear

        edges = Linear()
    circuit = NonlinearEquilibrium(network, held, edges)
    given = circuit.values(values)
    if given.ndim != 1:
        raise ValueError(f"values must be ({network.n_edges},), not of shape {given.shape}")
    v = circuit.solve(given, held_voltages, currents)
    if v.ndim != 1:
        raise ValueError("held_voltages and currents must have one dimension each; call again for others")

    def pull(weights: ArrayLike) -> Pulled:
        """Derivatives of a number by values, held voltages and currents, from (n_nodes,) those by the voltages."""
        outward = np.asarray(weights, dtype=np.float64)
        if outward.shape != v.shape:
            raise ValueError(f"derivatives by voltages must be of shape {v.shape}, not {outward.shape}")
        return _pulled(circuit, given, v, outward)

    return v, pull


def _pulled(circuit: NonlinearEquilibrium, given: Floats, v: Floats, outward: Floats) -> Pulled:
    parts = circuit.derivatives(given, v)
    adjoint = circuit.adjoint(parts, outward)
    a, b = circuit.network.edges.T
    by_values = -parts.by_learned * learning(circuit.edges, a.size) * (adjoint[a] - adjoint[b])
    return Pulled(by_values, (outward - circuit.jacobian(parts).T @ adjoint)[circuit.held], adjoint)


class Rows:
    """Equilibria of a circuit for arrays with axes in front, (..., n_edges) values, (..., n_held) held voltages and
    (..., n_nodes) currents, as libraries for automatic differentiation have them; the axes in front are the same of
    all. Several threads may call."""

    def __init__(self, network: Network, held: ArrayLike, edges: Any) -> None:
        if edges is None:
            from ohmlearn.edges.laws import Linear

            edges = Linear()
        self.circuit = NonlinearEquilibrium(network, held, edges)
        self.sizes = network.n_edges, self.circuit.held.size, network.n_nodes
        self.start = self.circuit.values(None)
        self._one_at_a_time = Lock()

    def check(self, *given: Any) -> None:
        """Refuse values, held voltages and currents whose last axis is not as long as it must be."""
        for name, part, size in zip(("values", "held_voltages", "currents"), given, self.sizes, strict=True):
            if part.ndim == 0 or part.shape[-1] != size:
                raise ValueError(f"{name} must be (..., {size}), not of shape {tuple(part.shape)}")

    def solve(self, *given: Any) -> Floats:
        """(..., n_nodes) voltages."""
        front = np.shape(given[0])[:-1]
        columns = [np.asarray(part, dtype=np.float64).reshape(-1, size).T for part, size in
                   zip(given, self.sizes, strict=True)]
        if columns[0].shape[1] == 0:
            return np.empty((*front, self.sizes[2]))
        with self._one_at_a_time:
            return self.circuit.solve(*columns).T.reshape(*front, self.sizes[2])

    def pull(self, values: Any, voltages: Any, weights: Any) -> Pulled:
        """Derivatives of a number by values, held voltages and currents, all with the axes in front, from (...,
        n_nodes) those by the voltages."""
        front, (m, _, n) = np.shape(values)[:-1], self.sizes
        rows = zip(*(np.asarray(part, dtype=np.float64).reshape(-1, size) for part, size in
                     ((values, m), (voltages, n), (weights, n))), strict=True)
        found = [_pulled(self.circuit, *row) for row in rows]
        return Pulled(*(np.array([each[k] for each in found]).reshape(*front, size)
                        for k, size in enumerate(self.sizes)))
