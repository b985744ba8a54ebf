"""The Hessian of the contrastive function in the space of conductances (paper 1, Fig. 3b).

With the targets held at the desired voltages, the clamped network dissipates P^C, the free one P^F, and
𝒞 = P^C - P^F = ½ δᵀ K δ: δ the errors of the targets, K the conductance between them with everything else free. A
nudge η makes it η 𝒞 (paper 1, below Eq. 1). Each power is a minimum over voltages, so that ∂P/∂G_j = ½ (Δv_j)² and
∂²P/∂G_i∂G_j = -Δv_i (Δ Γ Δᵀ)_ij Δv_j, with the Γ of its own boundary.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from ohmlearn.network import Network
from ohmlearn.task import Task

from .circuit import Circuit
from .contraction import Array


def contrastive_hessian(network: Network, task: Task, conductances: ArrayLike) -> Array:
    """(n_edges, n_edges) ∂²𝒞/∂G∂G at given (n_edges,) conductances, exact, for targets that are nodes or drops.

    At a solution (δ = 0) it is Jᵀ K J with J = ∂v*_T/∂G, where the Hessian of C* is 2 Jᵀ J. With a + b the drops of
    the clamped network, a those of the free one, M = Δ Γ Δᵀ and A = Δ Γ O of the outputs O:
    ((a + b)(a + b)ᵀ) ∘ (A K Aᵀ) - (a bᵀ + b aᵀ + b bᵀ) ∘ M, in which nothing cancels near a solution.
    """
    g = network.conductances(conductances)
    circuit = Circuit(network, task, g, "dense")
    outputs = task.output_matrix(network.n_nodes)
    voltages = circuit.voltages(task)
    responses = circuit.green(outputs.T.toarray())                   # Γ O
    stiffness = np.linalg.inv(outputs @ responses)                   # K
    missing = task.target_voltages - outputs @ voltages              # δ

    def across(nodes: Array) -> Array:
        return nodes[network.edges[:, 0]] - nodes[network.edges[:, 1]]

    free, more = across(voltages), across(responses @ (stiffness @ missing))
    clamped, reach = free + more, across(responses)
    between = across(across(circuit.matrix).T)                       # M, symmetric
    mixed = np.outer(free, more)
    return (np.outer(clamped, clamped) * (reach @ stiffness @ reach.T)
            - (mixed + mixed.T + np.outer(more, more)) * between)
