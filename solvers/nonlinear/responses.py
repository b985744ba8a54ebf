"""How outputs respond to what nonlinear edges learn, and what a network with a co-content is to small signals."""
from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.network import Network
from ohmlearn.task import Task

from .edge_arrays import laws_of, learning
from .equilibrium import NonlinearEquilibrium

Floats = NDArray[np.float64]


class OutputResponses(NamedTuple):
    """Outputs of a task at equilibrium, and their derivatives by what the edges learn.

    outputs : (n_targets,) in V. jacobian : (n_targets, n_edges) ∂v_T/∂θ, 0 where an edge does not learn.

    >>> import ohmlearn as ol
    >>> net, law = ol.Network.grid(3, 3), ol.edges.NMOS(gain=0.5, leak=1e-3)
    >>> found = ol.edges.output_responses(net, ol.Task({0: 1.0, 8: 0.0}, {4: 0.3, 5: 0.2}), edges=law)
    >>> found.outputs.shape, found.jacobian.shape
    ((2,), (2, 12))
    """

    outputs: Floats
    jacobian: Floats

    def satisfied_modes(self, k: int = 1) -> tuple[Floats, Floats]:
        """Largest eigenvalues of the satisfied cost Hessian, that of C = ½ Σ (V_T - v_T)² where every output is as it
        should be: Σ g gᵀ over outputs, g = ∂v_T/∂θ (paper 2, Eq. 9). Its rank is the number of outputs.

        k : how many, up to the number of outputs.

        Returns (k,) eigenvalues, largest first, and (n_edges, k) eigenvectors of length 1.

        >>> import ohmlearn as ol
        >>> net, law = ol.Network.grid(3, 3), ol.edges.NMOS(gain=0.5, leak=1e-3)
        >>> found = ol.edges.output_responses(net, ol.Task({0: 1.0, 8: 0.0}, {4: 0.3, 5: 0.2}), edges=law)
        >>> values, vectors = found.satisfied_modes(2)
        >>> bool(values[0] > values[1]), vectors.shape
        (True, (12, 2))
        """
        if not 1 <= k <= len(self.outputs):
            raise ValueError(f"k must lie between 1 and the number of outputs, {len(self.outputs)}, not {k}")
        _, sizes, right = np.linalg.svd(self.jacobian, full_matrices=False)
        return sizes[:k] ** 2, right[:k].T


def output_responses(network: Network, task: Task, values: ArrayLike | None = None, *, edges: Any) -> OutputResponses:
    """Outputs of a task at equilibrium and their derivatives by what the edges learn, by the adjoint method: one
    factorisation, and a transposed solve for each output. Holds for every law, with a co-content or without.

    values : (n_edges,) what the edges have learned, or a run; by default the start of the law. edges : law of the edges
    (`ohmlearn.edges`).

    Returns :class:`OutputResponses`. Raises NotImplementedError for outputs that are no nodes.

    >>> import ohmlearn as ol
    >>> net, law = ol.Network.grid(3, 3), ol.edges.Cubic(0.5)
    >>> found = ol.edges.output_responses(net, ol.Task({0: 1.0, 8: 0.0}, {4: 0.3}), edges=law)
    >>> round(float(found.outputs[0]), 6)
    0.5
    """
    task.require_nodal("output_responses")
    task.check(network)
    circuit = NonlinearEquilibrium(network, task.sources, edges)
    given = circuit.values(values)
    v = circuit.solve(given, task.source_voltages)
    parts, (a, b) = circuit.derivatives(given, v), network.edges.T
    at = np.zeros((network.n_nodes, task.n_targets))
    at[task.targets, np.arange(task.n_targets)] = 1.0
    adjoint = circuit.adjoint(parts, at)
    by_learned = parts.by_learned * learning(circuit.edges, network.n_edges)
    return OutputResponses(v[task.targets], -by_learned * (adjoint[a] - adjoint[b]).T)


def differential_conductances(network: Network, task: Task, values: ArrayLike | None = None, *,
                              edges: Any) -> Floats:
    """What every edge conducts for small signals at the equilibrium of a task, ∂I/∂Δv.

    With these as conductances everything that is known of linear networks holds for small changes: `ohmlearn.modes`
    gives the soft modes, `Equilibrium` the responses. They are defined where the current of an edge depends on its drop
    alone; then equilibria minimise a co-content, whose Hessian is the Laplacian of these conductances.

    values : (n_edges,) what the edges have learned, or a run; by default the start of the law. edges : law of the edges
    (`ohmlearn.edges`).

    Returns (n_edges,) conductances >= 0 in G₀.
    Raises ValueError for transistors: their current depends on both voltages, ∂I/∂v₁ is not -∂I/∂v₂, the Jacobian is
    not symmetric, and there is neither a co-content nor modes of one. `NonlinearEquilibrium.jacobian` gives it.

    >>> import ohmlearn as ol
    >>> net, law = ol.Network.grid(3, 3), ol.edges.Cubic(0.5)
    >>> g = ol.edges.differential_conductances(net, ol.Task({0: 1.0, 8: 0.0}, {4: 0.3}), edges=law)
    >>> ol.modes(net, g, 2).eigenvalues.shape
    (2,)
    """
    task.check(network)
    circuit = NonlinearEquilibrium(network, task.sources, edges)
    directed = [type(law).__name__ for law in laws_of(circuit.edges) if not law.symmetric]
    if directed:
        raise ValueError(f"the current of {directed[0]} depends on both voltages of an edge, not on their difference "
                         "alone: it has no co-content and no differential conductance; take "
                         "NonlinearEquilibrium.jacobian")
    given = circuit.values(values)
    v = circuit.solve(given, task.source_voltages, task.injected(network.n_nodes))
    return circuit.derivatives(given, v).by_first
