"""Equilibrium voltages as a function that can be differentiated backwards, for gradients of anything made of them."""
from __future__ import annotations

from collections.abc import Callable
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
        parts = circuit.derivatives(given, v)
        adjoint = circuit.adjoint(parts, outward)
        a, b = network.edges.T
        through = circuit.jacobian(parts)
        by_values = -parts.by_learned * learning(circuit.edges, network.n_edges) * (adjoint[a] - adjoint[b])
        return Pulled(by_values, (outward - through.T @ adjoint)[circuit.held], adjoint)

    return v, pull
