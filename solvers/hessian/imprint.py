"""What learning does to the physics of a network: the response to its drive, and that to anything else.

M. Stern, A. J. Liu and V. Balasubramanian, *Physical effects of learning*, Phys. Rev. E 109, 024311 (2024): compared
with a generic network, one that learned responds in fewer effective dimensions, random perturbations move it more, and
its soft modes align with the task. All of that is told by the spectrum of the physical Hessian H = Δᵀ diag(G) Δ
of the floating network, H v_a = λ_a v_a, and the voltages V that the task's drive brings about.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from ohmlearn.network import Network
from ohmlearn.task import Task, as_tasks

from .circuit import DENSE_NODES, dense_laplacian, voltages
from .contraction import Array


@dataclass(frozen=True)
class Imprint:
    """The physical side of a state of learning; means over the samples of a task.

    power : VᵀHV in V² G₀, dissipated under the drive.
    dimension : effective dimension of the response, (Σ x²)² / Σ x⁴ over its components x_a = v_a·V: from 1, one mode
        moves alone, to n_nodes - 1.
    susceptibility : Tr H⁻¹ above the zero mode, in 1/G₀: the power that independent random currents of mean square 1
        into the nodes dissipate on average.
    alignment : fraction x₁² / Σ x² of the softest mode in the response.
    """

    power: float
    dimension: float
    susceptibility: float
    alignment: float


def imprint(network: Network, task: Task | Sequence[Task], conductances: ArrayLike) -> Imprint:
    """The imprint of a task (or samples) on a connected network at (n_edges,) conductances.

    Raises ValueError for a network in pieces, whose response to currents across them has no bound, and for one of more
    nodes than a dense spectrum is good for.

    >>> import numpy as np, ohmlearn as ol
    >>> from ohmlearn.solvers.hessian.imprint import imprint
    >>> network = ol.Network.from_edges([(0, 1), (1, 2)])
    >>> imprint(network, ol.Task([0, 2], [1.0, -1.0], [1], [0.0]), 1.0).power
    2.0
    """
    g = network.conductances(conductances)
    if network.components.max() > 0:
        raise ValueError(f"the network is in {network.components.max() + 1} pieces; take one piece")
    if network.n_nodes > DENSE_NODES:
        raise ValueError(f"the whole spectrum of {network.n_nodes} nodes is not computed (more than {DENSE_NODES}); "
                         "take a smaller network, or only its soft modes: ohmlearn.modes")
    values, modes = np.linalg.eigh(dense_laplacian(network, g))
    values, modes = values[1:], modes[:, 1:]
    found = []
    for one in as_tasks(task):
        weights: Array = (modes.T @ voltages(network, one, g)) ** 2
        total = float(weights.sum())
        if total == 0:
            raise ValueError("the drive brings about no voltage differences, so there is no response to look at")
        found.append((float(values @ weights), total**2 / float(weights @ weights), float(weights[0]) / total))
    power, dimension, alignment = np.mean(found, axis=0).tolist()
    return Imprint(power, dimension, float(np.sum(1 / values)), alignment)
