"""How the cost of a task changes with what nonlinear edges learn: exactly, and as the two networks of contrastive
learning see it."""
from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.network import Network
from ohmlearn.task import Task

from .edge_arrays import learning
from .equilibrium import NonlinearEquilibrium

Floats = NDArray[np.float64]


class CostGradient(NamedTuple):
    """A cost and its gradient.

    cost : C = ½ Σ (V_T - v_T)² in V².
    gradient : (n_edges,) ∂C/∂θ by what the edges learn, 0 where they do not.

    >>> import ohmlearn as ol
    >>> net, law = ol.Network.grid(3, 3), ol.edges.NMOS(gain=0.5, leak=1e-3)
    >>> found = ol.edges.cost_gradient(net, ol.Task({0: 1.0, 8: 0.0}, {4: 0.3}), edges=law)
    >>> found.cost > 0, found.gradient.shape
    (True, (12,))
    """

    cost: float
    gradient: Floats


def cost_gradient(network: Network, task: Task, values: ArrayLike | None = None, *, edges: Any,
                  method: Literal["exact", "contrast"] = "exact", nudge: float = 1e-3) -> CostGradient:
    """Cost of a task at equilibrium, and its gradient by what nonlinear edges learn.

    values : (n_edges,), by default the start of the law. edges : law of the edges (`ohmlearn.edges`).
    method : "exact", by one solve with the transposed Jacobian (the adjoint method); "contrast", what coupled learning
        follows in its place, (Δv'² - Δv²)/(2 nudge) with the targets held at v + nudge (V_T - v). They agree for linear
        edges up to the nudge and a positive matrix K, C being ½ δᵀ K δ there; a transistor network has no co-content,
        and none of both follows from the other.

    Returns :class:`CostGradient`. Raises NotImplementedError for outputs that are no nodes.

    >>> import ohmlearn as ol
    >>> net, law = ol.Network.grid(3, 3), ol.edges.NMOS(gain=0.5, leak=1e-3)
    >>> task = ol.Task({0: 1.0, 8: 0.0}, {4: 0.3})
    >>> found = ol.edges.cost_gradient(net, task, edges=law)
    >>> round(found.cost, 4), found.gradient.shape
    (0.0071, (12,))
    """
    task.require_nodal("cost_gradient")
    task.check(network)
    circuit = NonlinearEquilibrium(network, task.sources, edges)
    given = circuit.values(values)
    v = circuit.solve(given, task.source_voltages)
    error = task.target_voltages - v[task.targets]
    cost, learns = 0.5 * float(error @ error), learning(circuit.edges, network.n_edges) > 0
    a, b = network.edges.T
    if method == "contrast":
        both = NonlinearEquilibrium(network, np.concatenate([task.sources, task.targets]), edges)
        held = np.concatenate([task.source_voltages, v[task.targets] + nudge * error])
        clamped = both.solve(given, held, start=v)
        drop, other = v[a] - v[b], clamped[a] - clamped[b]
        return CostGradient(cost, np.where(learns, (other - drop) * (other + drop) / (2 * nudge), 0.0))
    if method != "exact":
        raise ValueError(f"method must be 'exact' or 'contrast', not {method!r}")
    parts, outward = circuit.derivatives(given, v), np.zeros(network.n_nodes)
    np.add.at(outward, task.targets, -error)
    adjoint = circuit.adjoint(parts, outward)
    return CostGradient(cost, np.where(learns, -parts.by_learned * (adjoint[a] - adjoint[b]), 0.0))
