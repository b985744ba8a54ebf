"""The physical Hessian from measured responses alone, with no knowledge of any task (paper 2, below Eq. 13).

A floating network answers currents I (n_nodes, K), each column adding up to 0, with voltages V = X I, X = H⁺ the
pseudo-inverse of H = Δᵀ diag(G) Δ. Of all symmetric X the least-squares one is taken on the span of the currents,
where it solves X S + S X = B + Bᵀ, S = I Iᵀ, B = I Vᵀ; beyond it, where fewer than n_nodes - 1 currents have nothing to
say, X is completed with the lowest rank that fits (Nyström's rule). Soft modes are the large modes of X, so few
responses show them.
"""
from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.network import Network
from ohmlearn.task import Task

from .circuit import Circuit
from .contraction import Array
from .soft_mode import SoftMode

SPANNED = 1e-10        # currents count as independent down to this singular value, relative to the largest


@dataclass(frozen=True, eq=False)
class Responses:
    """Known currents and the voltages that they caused.

    currents : (n_nodes, K) injected in K measurements, in G₀ V. voltages : (n_nodes, K) measured, in V.

    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(4, 4)
    >>> measured = ol.analysis.measure_responses(net, 1.0, 20)
    >>> measured.soft_modes(1)[0].round(4).tolist(), ol.modes(net, k=1).eigenvalues.round(4).tolist()
    ([0.5858], [0.5858])
    """

    currents: Array
    voltages: Array

    def __post_init__(self) -> None:
        currents, voltages = (np.array(x, dtype=np.float64) for x in (self.currents, self.voltages))
        if currents.ndim != 2 or currents.shape != voltages.shape or not currents.size:
            raise ValueError(f"currents and voltages must be (n_nodes, K) alike, not {currents.shape} and "
                             f"{voltages.shape}")
        if not (np.all(np.isfinite(currents)) and np.all(np.isfinite(voltages))):
            raise ValueError("currents and voltages must be finite")
        sums = np.abs(currents.sum(axis=0))
        if np.any(sums > 1e-9 * np.abs(currents).sum(axis=0)):
            k = int(np.argmax(sums))
            raise ValueError(f"the currents of measurement {k} add up to {currents[:, k].sum():g}, not to 0; "
                             "a floating network has no answer to them")
        object.__setattr__(self, "currents", currents)
        object.__setattr__(self, "voltages", voltages - voltages.mean(axis=0))

    @cached_property
    def compliance(self) -> Array:
        """(n_nodes, n_nodes) estimate of X = H⁺, symmetric."""
        basis, sizes, _ = np.linalg.svd(self.currents, full_matrices=True)
        r = int(np.sum(sizes > SPANNED * sizes[0]))
        known, rest = basis[:, :r], basis[:, r:]
        squares = sizes[:r]**2
        b = known.T @ self.currents @ self.voltages.T @ basis                       # U₁ᵀ I Vᵀ [U₁ U₂]
        inside = (b[:, :r] + b[:, :r].T) / (squares[:, None] + squares)
        outside = b[:, r:] / squares[:, None]                                       # U₁ᵀ X U₂
        x = known @ inside @ known.T
        across = known @ outside @ rest.T
        values, modes = np.linalg.eigh(inside)
        seen = _above_noise(values)
        half = (rest @ outside.T @ modes[:, seen]) / np.sqrt(values[seen])
        return x + across + across.T + half @ half.T

    @cached_property
    def _modes(self) -> tuple[Array, Array]:
        values, modes = np.linalg.eigh(self.compliance)
        return values[::-1], modes[:, ::-1]

    def soft_modes(self, k: int = 1) -> tuple[Array, Array]:
        """The k softest modes as estimated: eigenvalues λ (k,), rising, and modes (n_nodes, k).

        Returns (k,) eigenvalues in G₀ and (n_nodes, k) modes.
        Raises ValueError where the measurements show fewer than k modes above their noise.

        >>> import ohmlearn as ol
        >>> net = ol.Network.grid(4, 4)
        >>> responses = ol.analysis.measure_responses(net, 1.0, count=15, seed=1)
        >>> responses.soft_modes(2)[1].shape
        (16, 2)
        """
        values, modes = self._modes
        seen = int(np.sum(_above_noise(values)))
        if not 1 <= k <= seen:
            raise ValueError(f"{k} soft modes asked for, but {self.currents.shape[1]} measurements show {seen}; "
                             "measure more, or with less noise")
        return 1.0 / values[:k], modes[:, :k]

    def hessian(self) -> Array:
        """(n_nodes, n_nodes) estimate of H: the inverse of the modes of X that stand above their noise.

        >>> import ohmlearn as ol
        >>> net = ol.Network.grid(4, 4)
        >>> responses = ol.analysis.measure_responses(net, 1.0, count=15, seed=1)
        >>> responses.hessian().shape
        (16, 16)
        """
        values, modes = self._modes
        seen = _above_noise(values)
        return (modes[:, seen] / values[seen]) @ modes[:, seen].T

    def soft_mode(self, network: Network, conductances: ArrayLike | None = None) -> SoftMode:
        """The estimated soft mode as a :class:`SoftMode` of a network, for its sectors and its crack.

        conductances : (n_edges,) in G₀, only for what compares them; 1 by default.

        Returns a :class:`SoftMode`.

        >>> import ohmlearn as ol
        >>> net = ol.Network.grid(4, 4)
        >>> responses = ol.analysis.measure_responses(net, 1.0, count=15, seed=1)
        >>> responses.soft_mode(net).sectors.shape
        (16,)
        """
        values, modes = self.soft_modes(2)
        mode = modes[:, 0] * np.sign(modes[np.argmax(np.abs(modes[:, 0])), 0])
        return SoftMode(network, network.conductances(conductances), values, mode)


def _above_noise(values: Array) -> NDArray[np.bool_]:
    """Eigenvalues of a positive matrix that stand above its noise, which makes some of either sign."""
    return values > max(1e-12 * float(values.max()), -float(values.min()))


def measure_responses(network: Network, conductances: ArrayLike, count: int, noise: float = 0.0,
                      seed: int = 0) -> Responses:
    """Simulated responses of a floating network to `count` random currents, N(0, 1) at every node less their mean.

    conductances : (n_edges,) in G₀.
    noise : standard deviation of an error of every voltage, relative to the root mean square of all voltages.
    seed : of currents and noise.

    Returns :class:`Responses`, currents in G₀ V and voltages in V.

    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(4, 4)
    >>> ol.analysis.measure_responses(net, 1.0, 20, noise=0.01).voltages.shape
    (16, 20)
    """
    if count < 1 or noise < 0:
        raise ValueError(f"count={count} must be at least 1 and noise={noise} be >= 0")
    rng = np.random.default_rng(seed)
    currents = rng.standard_normal((network.n_nodes, count))
    currents -= currents.mean(axis=0)
    floating = Task(currents={0: 0.0}, targets=[(0, 1)], target_voltages=np.zeros(1))
    voltages = Circuit(network, floating, network.conductances(conductances)).green(currents)
    voltages += noise * np.sqrt(np.mean(voltages**2)) * rng.standard_normal(voltages.shape)
    return Responses(currents, voltages)
