"""The modes of learning about a state: what paper 1 writes as a damped oscillator (Eqs. 4 and 12-14), not in one
number but for the whole network.

With r = dv/dt, learning dG/dt = -2 a R Δv ∘ Δw at v, w and G close to a state where w = 0, v in equilibrium, closes on
r and w alone; the conductances enter through M = Δᵀ diag(Δv²) Δ over the edges that learn:

    dr/dt = -L r + 2 a R M w            at free nodes: d²v/dt² + L dv/dt - 2 a R M w = 0, Eq. 12 with D² = 2 a M
    dw/dt = -L w                        at free nodes that are no targets
    dw_T/dt = -r_T                      since w_T = V_T - v_T

Eq. 12 puts V - v at every node, as if all were nudged; here w is what the clamp at the targets makes of it. Modes are
e^(-ωt) as in Eq. 14: Re ω is the rate of decay, Im ω the frequency. With several targets J is not that of a damped
oscillator with symmetric H and D², so that at large R a mode may grow (Re ω < 0).
"""
from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.network import Network
from ohmlearn.rule import Rule
from ohmlearn.solvers.hessian.circuit import Circuit, dense_laplacian
from ohmlearn.solvers.hessian.contraction import Array
from ohmlearn.task import Task

Modes = NDArray[np.complex128]
AT_FLOOR = 1e-3         # an edge this close to a bound, relative to it, does not take part
COMPLEX = 1e-6          # Im ω over |ω| from which a mode oscillates; rounding at a double root stays well below
MOST_GROWTH = 50.0      # ln of what an unstable mode may grow by, where it is followed
MOST_NODES = 1500       # dense eigenvalue problems of twice this size take a minute


@dataclass(frozen=True, eq=False)
class LearningModes:
    """Modes of learning of a task about a state, under a rule.

    network, task, rule : what learns, and how. conductances : (n_edges,) of the state in G₀.

    Edges at the floor or ceiling are left out, as frozen ones are: there learning goes one way only, which no linear
    theory holds. The nudge is of second order and does not appear.

    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(4, 4)
    >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
    >>> modes = ol.theory(net, task, ol.train(net, task, 0.0)).before
    >>> modes.errors.round(3).tolist()
    [0.2]
    """

    network: Network
    task: Task
    conductances: Array
    rule: Rule

    def __post_init__(self) -> None:
        self.task.require_nodal("the linear theory of learning")
        self.task.check(self.network)
        self.rule.check(self.network)
        if self.network.n_nodes > MOST_NODES:
            raise ValueError(f"the modes of {self.network.n_nodes} nodes would take too long: dense eigenvalues, "
                             f"up to {MOST_NODES} nodes")

    @cached_property
    def free(self) -> NDArray[np.int64]:
        """(n_free,) nodes that are not held."""
        return np.setdiff1d(np.arange(self.network.n_nodes), self.task.sources)

    @cached_property
    def targets(self) -> NDArray[np.int64]:
        """(n_targets,) places of the targets among the free nodes."""
        return np.searchsorted(self.free, self.task.targets)

    @cached_property
    def learning(self) -> NDArray[np.bool_]:
        """(n_edges,) the edges that take part."""
        g, rule = self.conductances, self.rule
        moves = g > rule.floor * (1 + AT_FLOOR)
        if rule.ceiling is not None:
            moves &= g < rule.ceiling * (1 - AT_FLOOR)
        return moves if rule.frozen is None else moves & ~rule.frozen

    @cached_property
    def voltages(self) -> Array:
        """(n_nodes,) v in equilibrium."""
        return Circuit(self.network, self.task, self.conductances).voltages(self.task)

    @property
    def errors(self) -> Array:
        """(n_targets,) δ = V_T - v*_T."""
        return self.task.target_voltages - self.voltages[self.task.targets]

    @cached_property
    def relaxation(self) -> Array:
        """(n_free, n_free) L, the physical Hessian H^F of Eq. 4."""
        return dense_laplacian(self.network, self.conductances)[np.ix_(self.free, self.free)]

    @cached_property
    def restoring(self) -> Array:
        """(n_free, n_free) 2 a M, what Eq. 4 calls (D^F)²."""
        a, b = self.network.edges.T
        drops = self.voltages[a] - self.voltages[b]
        weights = 2 * self.rule.prefactor * np.where(self.learning, drops**2, 0.0)
        return dense_laplacian(self.network, weights)[np.ix_(self.free, self.free)]

    def matrix(self, rate: float) -> Array:
        """(2 n_free, 2 n_free) J of d(r, w)/dt = J (r, w) at R.

        >>> modes.matrix(1.0).shape
        (28, 28)
        """
        n, inner = self.free.size, np.setdiff1d(np.arange(self.free.size), self.targets)
        J = np.zeros((2 * n, 2 * n))
        J[:n, :n], J[:n, n:] = -self.relaxation, rate * self.restoring
        J[n + inner, n:] = -self.relaxation[inner]
        J[n + self.targets, self.targets] = -1.0
        return J

    def spectrum(self, rate: float) -> Modes:
        """(2 n_free,) ω of all modes at R, in γp, the slowest to decay first; pairs with Im ω > 0 first.

        >>> modes.spectrum(1.0).shape
        (28,)
        """
        modes = -np.linalg.eigvals(self.matrix(_checked(rate))).astype(complex)
        return modes[np.lexsort((-modes.imag, modes.real.round(12)))]

    def decay_times(self, rate: float) -> Array:
        """(2 n_free,) 1/Re ω of all modes at R in 1/γp, the slowest first, negative where one grows; the cost decays
        twice as fast.

        >>> modes.decay_times(1.0).shape
        (28,)
        """
        return 1 / self.spectrum(rate).real

    def frequencies(self, rate: float) -> Array:
        """(2 n_free,) |Im ω| of all modes at R in γp, in the order of `decay_times`; 0 for those that only decay.

        >>> modes.frequencies(1.0).shape
        (28,)
        """
        modes = self.spectrum(rate)
        return np.where(np.abs(modes.imag) > COMPLEX * np.abs(modes), np.abs(modes.imag), 0.0)

    def oscillates(self, rate: float) -> bool:
        """Whether the slowest mode is complex at R.

        Returns True or False.

        >>> modes.oscillates(1e-3)
        False
        """
        return bool(self.frequencies(rate)[0] > 0)

    def start(self, errors: ArrayLike) -> Array:
        """(2 n_free, ...) r and w in equilibrium with target errors (n_targets, ...), before learning starts.

        >>> modes.start(modes.errors).shape
        (28,)
        """
        delta = np.asarray(errors, dtype=np.float64)
        n, L = self.free.size, self.relaxation
        inner = np.setdiff1d(np.arange(n), self.targets)
        y = np.zeros((2 * n, *delta.shape[1:]))
        y[n + self.targets] = delta
        y[n + inner] = -np.linalg.solve(L[np.ix_(inner, inner)], L[np.ix_(inner, self.targets)] @ delta)
        return y

    def evolve(self, rate: float, times: ArrayLike, errors: ArrayLike | None = None) -> Array:
        """(n_times, n_targets) V_T - v_T at rate R and times in 1/γp, from equilibrium with errors (n_targets,), by
        default those here.

        >>> modes.evolve(1.0, [0.0, 1.0, 2.0]).shape
        (3, 1)
        """
        modes, shapes = np.linalg.eig(self.matrix(_checked(rate)))
        start = self.start(self.errors if errors is None else errors)
        parts = shapes[self.free.size + self.targets] * np.linalg.solve(shapes, start.astype(complex))
        t = np.asarray(times, dtype=np.float64)
        growth = np.exp(np.minimum(np.outer(modes.real, t), MOST_GROWTH))
        return (parts @ (growth * np.exp(1j * np.outer(modes.imag, t)))).real.T


def _checked(rate: float) -> float:
    if not (np.isfinite(rate) and rate > 0):
        raise ValueError(f"rate {rate} is no rate of learning out of equilibrium; R must be finite and > 0")
    return float(rate)
