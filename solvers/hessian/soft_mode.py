"""The stiff mode of the cost seen through the softest physical mode alone (paper 2, Eq. 13 to 15).

With H = Δᵀ diag(G) Δ of the floating network, λ₁ its first eigenvalue above zero and v₁ its mode, every drive has

    g_j ≈ -(i₁ o₁ / λ₁²) (Δv₁)_j²,   λ^L = Σ g² ≈ (i₁ o₁)² / λ₁⁴ Σ (Δv₁)⁴

where i₁ = λ₁ v₁·V and o₁ = λ₁ v₁·Γ∂c/∂V: the currents that enter and the output, seen by the mode, with
those of the held voltages counted in. (The factors 2 and 4 of the paper go with H = 2 Δᵀ diag(G) Δ; its
Eq. 15 is misprinted.)
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.network import Network
from ohmlearn.task import Task

from .circuit import DENSE_NODES, dense_laplacian
from .contraction import Array
from .hessian import Hessian, hessian

SAME = 1e-9        # eigenvalues closer than this, relatively, have no modes of their own


@dataclass(frozen=True, eq=False)
class SoftMode:
    """The softest mode of a floating network, λ₁ and v₁, and what it says about where the network is weak.

    network, conductances : what it is the mode of; (n_edges,) in G₀.
    eigenvalues : (2,) λ₁ and λ₂, the first two above zero, in units of conductance.
    mode : (n_nodes,) v₁, of length 1 and mean 0; its largest component is positive.

    >>> import ohmlearn as ol
    >>> net = ol.Network.packing(64, seed=1)
    >>> mode = ol.soft.soft_mode(net, 1.0)
    >>> mode.gap > 1, mode.sectors.shape
    (True, (64,))
    """

    network: Network
    conductances: Array
    eigenvalues: Array
    mode: Array

    @property
    def gap(self) -> float:
        """λ₂ / λ₁."""
        return float(self.eigenvalues[1] / self.eigenvalues[0])

    @cached_property
    def pattern(self) -> Array:
        """(n_edges,) (Δv₁)², where the stiff mode of a task learned by this soft mode should be."""
        a, b = self.network.edges.T
        return (self.mode[a] - self.mode[b])**2

    @property
    def sectors(self) -> NDArray[np.bool_]:
        """(n_nodes,) the sign of v₁: the two sectors of the network."""
        return self.mode > 0

    @property
    def crack(self) -> NDArray[np.bool_]:
        """(n_edges,) edges that join the two sectors."""
        a, b = self.network.edges.T
        return self.sectors[a] != self.sectors[b]

    @property
    def crack_conductance(self) -> float:
        """Median conductance in the crack relative to the median of all other edges."""
        return float(np.median(self.conductances[self.crack]) / np.median(self.conductances[~self.crack]))

    def overlap(self, edges: ArrayLike) -> float:
        """|cosine| between (Δv₁)² and a vector over the edges (n_edges,), such as a stiff mode.

        Returns 0 to 1.

        >>> import ohmlearn as ol
        >>> net = ol.Network.packing(64, seed=1)
        >>> mode = ol.soft.soft_mode(net, 1.0)
        >>> round(mode.overlap(mode.pattern), 6)
        1.0
        """
        x = np.asarray(edges, dtype=np.float64)
        size = float(np.linalg.norm(x) * np.linalg.norm(self.pattern))
        return abs(float(x @ self.pattern)) / size if size else 0.0

    def fraction(self, edges: ArrayLike) -> float:
        """Share of the squares of a vector over the edges (n_edges,) that lies in the crack.

        Returns 0 to 1.

        >>> import ohmlearn as ol
        >>> net = ol.Network.packing(64, seed=1)
        >>> mode = ol.soft.soft_mode(net, 1.0)
        >>> mode.fraction(mode.crack.astype(float))
        1.0
        """
        x = np.asarray(edges, dtype=np.float64)**2
        return float(x[self.crack].sum() / x.sum())


@dataclass(frozen=True, eq=False)
class SoftApproximation:
    """Eq. 13 to 15 beside what they approximate.

    soft : the soft mode; hessian : the exact cost Hessian.
    inputs : (n_samples,) i₁; outputs : (n_outputs,) o₁, sample after sample.

    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(4, 4)
    >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
    >>> end = ol.descend(net, task)
    >>> account = ol.soft.soft_approximation(net, task, end.conductances)
    >>> 0 < account.overlap <= 1
    True
    """

    soft: SoftMode
    hessian: Hessian
    inputs: Array
    outputs: Array

    @cached_property
    def gradient(self) -> Array:
        """(n_outputs, n_edges) ∂c/∂G by Eq. 13."""
        reach = self.inputs[self.hessian.sample] * self.outputs / self.soft.eigenvalues[0]**2
        return -np.outer(reach, self.soft.pattern)

    @property
    def eigenvalue(self) -> float:
        """λ^L, the stiff eigenvalue of the satisfied Hessian, by Eq. 15."""
        return float(np.sum(self.gradient**2))

    @cached_property
    def stiff(self) -> tuple[float, Array]:
        """Exact stiff eigenvalue of the satisfied Hessian and its mode (n_edges,)."""
        values, modes = self.hessian.satisfied_modes(1)
        return float(values[0]), modes[:, 0]

    @property
    def overlap(self) -> float:
        """|cosine| between the stiff mode of the satisfied Hessian and (Δv₁)²."""
        return self.soft.overlap(self.stiff[1])

    @property
    def crack_fraction(self) -> float:
        """Share of the squared stiff mode that lies in the crack between the sectors."""
        return self.soft.fraction(self.stiff[1])


def soft_mode(network: Network, conductances: ArrayLike) -> SoftMode:
    """The softest mode of a connected network, floating, at given (n_edges,) conductances.

    Raises ValueError where it is not one mode: a network in pieces, or λ₁ = λ₂ to rounding.

    Returns a :class:`SoftMode`, eigenvalues in units of conductance.

    >>> import ohmlearn as ol
    >>> net = ol.Network.packing(32, seed=1)
    >>> soft = ol.soft.soft_mode(net, 1.0)
    >>> soft.eigenvalues.round(4).tolist(), int(soft.sectors.sum())
    ([0.889, 1.1201], 15)
    """
    g = network.conductances(conductances)
    if network.components.max() > 0:
        raise ValueError(f"the network is in {network.components.max() + 1} pieces, so its softest modes cost nothing; "
                         "take one piece")
    if network.n_nodes < 3:
        raise ValueError("a network of two nodes has a single mode; a soft one needs a second to compare with")
    values, modes = _softest(network, g)
    if values[1] - values[0] <= SAME * values[1]:
        raise ValueError(f"the softest mode is degenerate: λ₁ = λ₂ = {values[0]:.6g} within {SAME:g}, so any mixture "
                         "of the two modes is as soft; break the symmetry of network or conductances")
    mode = modes[:, 0] * np.sign(modes[np.argmax(np.abs(modes[:, 0])), 0])
    return SoftMode(network, g, values, mode)


def _softest(network: Network, g: Array) -> tuple[Array, Array]:
    """λ₁, λ₂ and their modes (n_nodes, 2)."""
    if network.n_nodes <= DENSE_NODES:
        from scipy.linalg import eigh

        return eigh(dense_laplacian(network, g), subset_by_index=(1, 2))
    from ohmlearn.solvers.equilibrium.modes import soft_modes

    found = soft_modes(network, g, 2)
    return found.eigenvalues, found.modes


def soft_approximation(network: Network, task: Task | Sequence[Task] | None, conductances: ArrayLike, *,
                       hessian_at: Hessian | None = None) -> SoftApproximation:
    """The soft mode's account of the cost Hessian of a task (or samples) at given (n_edges,) conductances.

    hessian_at : the Hessian there, when it is at hand already; `task` is then not used.

    Returns a :class:`SoftApproximation`.

    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(4, 4)
    >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
    >>> trained = ol.descend(net, task)
    >>> account = ol.soft.soft_approximation(net, task, trained)
    >>> 0 < account.overlap <= 1
    True
    """
    if hessian_at is None:
        if task is None:
            raise ValueError("give a task, or the Hessian itself as hessian_at")
        hessian_at = hessian(network, task, conductances)
    soft = soft_mode(network, conductances)
    seen = soft.eigenvalues[0] * soft.mode
    return SoftApproximation(soft, hessian_at, hessian_at.voltages @ seen, hessian_at.responses @ seen)
