"""Both Hessians along a trajectory of conductances (paper 2, Fig. 2)."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from ohmlearn.network import Network
from ohmlearn.task import Task

from .contraction import Array
from .hessian import hessian
from .soft_mode import soft_approximation


@dataclass(frozen=True, eq=False)
class HessianTrajectory:
    """What the Hessians did, state by state.

    cost : (n_states,) C = ½ Σ c² in V².
    alignment, ratio : (n_states,) of the satisfied and the dynamic cost Hessian.
    soft, gap : (n_states,) λ₁ in G₀, and λ₂/λ₁.
    crack : (n_states,) median conductance in the crack relative to the rest.
    overlap, stiff : (n_states,) of the stiff cost mode with (Δv₁)², and its eigenvalue λ^L in the satisfied part.
    speed : (n_states,) ‖dH/dt‖, Frobenius norm of the change of the physical Hessian.

    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(4, 4)
    >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
    >>> states = ol.descend(net, task, costs=[1e-6, 1e-9]).history
    >>> ol.analysis.hessian_trajectory(net, task, states).cost.shape
    (2,)
    """

    cost: Array
    alignment: Array
    ratio: Array
    soft: Array
    gap: Array
    crack: Array
    overlap: Array
    stiff: Array
    speed: Array


def hessian_trajectory(network: Network, task: Task | Sequence[Task], conductances: ArrayLike,
           rates: ArrayLike | None = None) -> HessianTrajectory:
    """Both Hessians at every row of conductances (n_states, n_edges), a task (or samples) being learned.

    rates : (n_states, n_edges) dG/dt for the speed; that of gradient flow, -∂C/∂G, by default.

    Returns a :class:`HessianTrajectory`, one entry for each state; costs in V².

    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(4, 4)
    >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
    >>> descent = ol.descend(net, task, costs=[1e-4, 1e-6])
    >>> ol.analysis.hessian_trajectory(net, task, descent.history).alignment.round(2).tolist()
    [1.0, 1.0]
    """
    states = np.atleast_2d(np.asarray(conductances, dtype=np.float64))
    speeds = None if rates is None else np.broadcast_to(np.asarray(rates, dtype=np.float64), states.shape)
    rows = [_look(network, task, g, None if speeds is None else speeds[k]) for k, g in enumerate(states)]
    return HessianTrajectory(*np.array(rows).reshape(len(states), -1).T)


def _look(network: Network, task: Task | Sequence[Task], g: Array, rate: Array | None) -> tuple[float, ...]:
    h = hessian(network, task, g)
    account = soft_approximation(network, task, g, hessian_at=h)
    soft = account.soft
    return (h.cost, h.alignment, h.ratio, float(soft.eigenvalues[0]), soft.gap, soft.crack_conductance, account.overlap,
            account.stiff[0], physical_change(network, h.cost_gradient if rate is None else rate))


def physical_change(network: Network, rate: Array) -> float:
    """‖dH/dt‖ = ‖Δᵀ diag(dG/dt) Δ‖, Frobenius norm, for dG/dt (n_edges,)."""
    incidence = network.incidence
    change = incidence.T @ incidence.multiply(rate[:, None])
    return float(np.sqrt(np.sum(change.data**2)))
