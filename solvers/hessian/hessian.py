"""The Hessian of the cost in the space of conductances, exact at any drive and size.

Cost C = ½ Σ c², over the outputs of all samples, c = output - desired. With Γ of the circuit, R = ΔV,
μ = Γ ∂c/∂V and L = Δμ of each output (H V = I throughout; paper 2 with its factors 2 dropped):

    g = ∂c/∂G = -L ∘ R                                                                  (Eq. 8)
    H = Σ g gᵀ + Σ c [X + Xᵀ + (R Rᵀ) ∘ (Δ Γ c″ Γ Δᵀ)],  X_ij = L_i (Δ Γ Δᵀ)_ij R_j     (Eq. 16)

The first sum is the satisfied part, the second the dynamic one.
"""
from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from ohmlearn.network import Network
from ohmlearn.outputs import Constraint, output_matrix
from ohmlearn.task import Task, as_tasks
from scipy.sparse.linalg import LinearOperator

from .circuit import circuits
from .contraction import Array

DENSE_EDGES = 4000       # dense Hessians up to here: 128 MB each


def hessian(network: Network, task: Task | Sequence[Task], conductances: ArrayLike | None = None,
            method: str = "auto", rtol: float = 1e-10) -> Hessian:
    """The cost Hessian of a task, or of several samples (Tasks), at given (n_edges,) conductances.

    conductances : (n_edges,) in G₀, by default the network's initial ones, else 1.

    The cost is ½ Σ c² over all outputs of all samples, c = output - desired.

    method : "auto" (dense up to 1500 nodes), "dense", or how to solve, see :class:`Equilibrium`.
    rtol : tolerance of the solves.

    Returns a :class:`Hessian`, in V² per unit of conductance squared, with errors in V and their gradients.

    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(4, 4)
    >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
    >>> h = ol.hessian(net, task)
    >>> round(h.cost, 6), h.gradient.shape, (h @ h.gradient[0]).shape
    (0.02, (1, 24), (24,))
    """
    return Hessian(network, as_tasks(task), network.conductances(conductances), method, rtol)


class Hessian(LinearOperator):
    """∂²C/∂G∂G as a linear operator: `h @ x` for x (n_edges,) or (n_edges, k), two solves per sample and column.

    voltages : (n_samples, n_nodes) equilibrium voltages in V.
    errors : (n_outputs,) c in V, sample after sample.
    gradient : (n_outputs, n_edges) ∂c/∂G.
    responses : (n_outputs, n_nodes) Γ ∂c/∂V.
    sample : (n_outputs,) the sample that each output belongs to.
    conductances : (n_edges,) in G₀.
    method, rtol : as in :func:`hessian`.

    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(4, 4)
    >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
    >>> h = ol.hessian(net, task, 1.0)
    >>> h.shape, h.gradient.shape, (h @ h.cost_gradient).shape
    ((24, 24), (1, 24), (24,))
    """

    def __init__(self, network: Network, tasks: Sequence[Task], conductances: Array, method: str = "auto",
                 rtol: float = 1e-10) -> None:
        super().__init__(np.dtype(np.float64), (network.n_edges, network.n_edges))
        self.network, self.tasks, self.conductances = network, list(tasks), conductances
        self._circuits = circuits(network, self.tasks, conductances, method, rtol)
        self.voltages = np.array([c.voltages(t) for c, t in zip(self._circuits, self.tasks, strict=True)])
        self._drops = self._across(self.voltages.T)                                      # R (n_edges, n_samples)
        slopes = [_outputs(task, v) for task, v in zip(self.tasks, self.voltages, strict=True)]
        self.errors = np.concatenate([c for c, _ in slopes])
        self.responses = np.concatenate([circuit.green(o) for circuit, (_, o) in
                                         zip(self._circuits, slopes, strict=True)], axis=1).T
        self.sample = np.repeat(np.arange(len(self.tasks)), [t.n_targets for t in self.tasks])
        across = self._across(self.responses.T)                                          # L (n_edges, n_outputs)
        self.gradient = np.ascontiguousarray(-(across * self._drops[:, self.sample]).T)
        weight = np.zeros((len(self.errors), len(self.tasks)))
        weight[np.arange(len(self.errors)), self.sample] = self.errors
        self._pull = across @ weight                                                     # Σ_q c_q L_q of every sample

    @cached_property
    def _curvatures(self) -> list[Any]:
        """What nonlinear outputs add to second derivatives; cost and gradient do without."""
        return [_curvature(task, v, self.errors[self.sample == s])
                for s, (task, v) in enumerate(zip(self.tasks, self.voltages, strict=True))]

    @property
    def cost(self) -> float:
        """C = ½ Σ c² in V²."""
        return 0.5 * float(self.errors @ self.errors)

    @cached_property
    def cost_gradient(self) -> Array:
        """(n_edges,) ∂C/∂G = Σ c g."""
        return self.errors @ self.gradient

    def _across(self, nodes: Array) -> Array:
        a, b = self.network.edges.T
        return nodes[a] - nodes[b]

    def _into(self, edges: Array) -> Array:
        """Δᵀ times (n_edges, k): what currents along the edges leave and bring at the nodes."""
        return self.network.incidence.T @ edges

    def _dynamic_times(self, x: Array) -> Array:
        """H_dyn times x (n_edges, k)."""
        out = np.zeros_like(x)
        for s, circuit in enumerate(self._circuits):
            drop, pull = self._drops[:, s, None], self._pull[:, s, None]
            moved = circuit.green(self._into(drop * x))
            source = self._into(pull * x)
            if self._curvatures[s] is not None:
                source += self._curvatures[s] @ moved
            out += pull * self._across(moved) + drop * self._across(circuit.green(source))
        return out

    def _matmat(self, x: Array) -> Array:
        return self.gradient.T @ (self.gradient @ x) + self._dynamic_times(x)

    def _matvec(self, x: Array) -> Array:
        return self._matmat(np.reshape(x, (-1, 1)))

    def _adjoint(self) -> Hessian:
        return self

    def satisfied(self) -> Array:
        """(n_edges, n_edges) Σ g gᵀ, of rank n_outputs at most.

        >>> import ohmlearn as ol
        >>> net = ol.Network.grid(4, 4)
        >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
        >>> h = ol.hessian(net, task, 1.0)
        >>> h.satisfied().shape
        (24, 24)
        """
        self._check_dense("gradient.T @ (gradient @ x)")
        return self.gradient.T @ self.gradient

    def dynamic(self) -> Array:
        """(n_edges, n_edges) the part proportional to the errors; zero where they are.

        >>> import ohmlearn as ol
        >>> net = ol.Network.grid(4, 4)
        >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
        >>> h = ol.hessian(net, task, 1.0)
        >>> bool(abs(h.satisfied() + h.dynamic() - h.total()).max() < 1e-12)
        True
        """
        self._check_dense("h @ x")
        total = np.zeros(self.shape)
        for s, circuit in enumerate(self._circuits):
            drop, pull = self._drops[:, s], self._pull[:, s]
            half = self._across(circuit.matrix)                                          # Δ Γ
            x = pull[:, None] * self._across(half.T) * drop                              # X_ij = L_i M_ij R_j
            total += x + x.T
            if self._curvatures[s] is not None:
                total += np.outer(drop, drop) * (half @ (self._curvatures[s] @ half.T))
        return total

    def total(self) -> Array:
        """(n_edges, n_edges) the whole Hessian.

        >>> import ohmlearn as ol
        >>> net = ol.Network.grid(4, 4)
        >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
        >>> h = ol.hessian(net, task, 1.0)
        >>> h.total().shape
        (24, 24)
        """
        self._check_dense("h @ x")
        return self.satisfied() + self.dynamic()

    def _check_dense(self, instead: str) -> None:
        if self.shape[0] > DENSE_EDGES:
            raise ValueError(f"a dense Hessian of {self.shape[0]} edges would be too large "
                             f"(more than {DENSE_EDGES} edges); use {instead}, or stiff_modes(k)")

    def stiff_modes(self, k: int = 1, which: str = "LA") -> tuple[Array, Array]:
        """The k stiffest modes: eigenvalues (k,), falling, and modes (n_edges, k) of length 1.

        which : "LA", largest eigenvalues; "LM", largest by size, which far from a solution may be negative.
        Where all errors are zero, the Hessian has no more modes than outputs.

        Returns (k,) eigenvalues in V²/G₀² and (n_edges, k) modes.

        >>> import ohmlearn as ol
        >>> net = ol.Network.grid(4, 4)
        >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
        >>> h = ol.hessian(net, task, 1.0)
        >>> values, modes = h.stiff_modes(2)
        >>> modes.shape, bool(values[0] > values[1])
        ((24, 2), True)
        """
        if which not in ("LA", "LM"):
            raise ValueError(f"which must be 'LA' (largest) or 'LM' (largest by size), not {which!r}")
        rank = self.shape[0] if self.errors.any() else min(self.gradient.shape)
        if not 1 <= k <= rank:
            raise ValueError(f"k={k} modes asked for, but there are {rank}"
                             + ("" if self.errors.any() else ": all errors are zero, so only the outputs count"))
        if not self.errors.any():
            return self.satisfied_modes(k)
        if self.shape[0] <= DENSE_EDGES // 2:
            values, modes = np.linalg.eigh(self.total())
        else:
            values, modes = self._lanczos(k, which)
        order = np.argsort(-(np.abs(values) if which == "LM" else values), kind="stable")[:k]
        return values[order], modes[:, order]

    def _lanczos(self, k: int, which: str) -> tuple[Array, Array]:
        from scipy.sparse.linalg import eigsh

        # the gradients span the stiff modes near a solution; the noise keeps the start out of a subspace
        noise = np.random.default_rng(0).standard_normal(self.shape[0])
        sizes = np.linalg.norm(self.gradient, axis=1, keepdims=True)
        start = np.sum(self.gradient / np.where(sizes > 0, sizes, 1.0), axis=0) + 1e-3 * noise / len(noise)**0.5
        return eigsh(self, k=k, which=which, v0=start, tol=1e-12)

    def satisfied_modes(self, k: int) -> tuple[Array, Array]:
        """The k stiffest modes of the satisfied part, at most one per output: values (k,), modes (n_edges, k).

        The largest component of a mode is positive.

        Returns (k,) eigenvalues in V²/G₀² and (n_edges, k) modes.

        >>> import ohmlearn as ol
        >>> net = ol.Network.grid(4, 4)
        >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
        >>> h = ol.hessian(net, task, 1.0)
        >>> h.satisfied_modes(1)[1].shape
        (24, 1)
        """
        _, sizes, modes = np.linalg.svd(self.gradient, full_matrices=False)
        modes = modes[:k] * np.sign(np.take_along_axis(modes[:k], np.abs(modes[:k]).argmax(axis=1)[:, None], 1))
        return sizes[:k]**2, modes.T

    @cached_property
    def _traces(self) -> tuple[float, float, float]:
        """Tr(sat²), Tr(sat dyn), Tr(dyn²); the last by random probes where dense matrices are too large."""
        gram = self.gradient @ self.gradient.T
        mixed = float(np.sum(self.gradient * self._dynamic_times(self.gradient.T).T)) if self.errors.any() else 0.0
        if not self.errors.any():
            squared = 0.0
        elif self.shape[0] <= DENSE_EDGES:
            squared = float(np.sum(self.dynamic()**2))
        else:
            squared = self._probe_dynamic()
        return float(np.sum(gram**2)), mixed, squared

    def _probe_dynamic(self, probes: int = 16) -> float:
        """Tr(dyn²) from its largest modes exactly and random probes of the rest (the Hutch++ estimate)."""
        rng = np.random.default_rng(0)
        sketch = np.concatenate([self.gradient.T, rng.standard_normal((self.shape[0], probes))], axis=1)
        base, _ = np.linalg.qr(self._dynamic_times(sketch))
        rest = rng.choice([-1.0, 1.0], size=(self.shape[0], probes))
        rest -= base @ (base.T @ rest)
        return float(np.sum(self._dynamic_times(base)**2) + np.sum(self._dynamic_times(rest)**2) / probes)

    @property
    def ratio(self) -> float:
        """√(Tr[dyn²] / Tr[sat²]), the size of the dynamic part against the satisfied one (paper 2, Fig. 2a)."""
        self._check_gradient()
        satisfied, _, dynamic = self._traces
        return float(np.sqrt(dynamic / satisfied))

    @property
    def alignment(self) -> float:
        """Tr[sat H] / √(Tr[sat²] Tr[H²]): 1 where the satisfied part is all there is (paper 2, Fig. 2a)."""
        self._check_gradient()
        satisfied, mixed, dynamic = self._traces
        return float((satisfied + mixed) / np.sqrt(satisfied * (satisfied + 2 * mixed + dynamic)))

    def _check_gradient(self) -> None:
        reach = float(np.abs(self.responses).max() * np.abs(self.voltages).max())
        if np.abs(self.gradient).max() <= 1e-14 * reach:
            raise ValueError("no conductance changes any output here (the gradient is zero), so there is no "
                             "satisfied part to compare with; choose outputs that the drive reaches")


def _outputs(task: Task, v: Array) -> tuple[Array, Array]:
    """Errors c (n_targets,) and ∂c/∂V (n_nodes, n_targets) of a task at voltages v."""
    values, slopes = np.empty(task.n_targets), np.empty((len(v), task.n_targets))
    for q, output in enumerate(task.targets):
        if isinstance(output, Constraint):
            values[q], slope = output.value(v), np.asarray(output.gradient(v), dtype=np.float64)
            if slope.shape != v.shape:
                raise ValueError(f"the gradient of a constraint has shape {slope.shape}, not {v.shape}, "
                                 "one entry per node")
            slopes[:, q] = slope
        else:
            slopes[:, q] = output_matrix([output], len(v)).toarray()[0]
            values[q] = slopes[:, q] @ v
    return values - task.target_voltages, slopes


def _curvature(task: Task, v: Array, errors: Array) -> Any:
    """Σ c ∂²c/∂V∂V of a task's nonlinear outputs (n_nodes, n_nodes), or None."""
    total = None
    for output, error in zip(task.targets, errors, strict=True):
        if not isinstance(output, Constraint):
            continue
        if output.second is None:
            here, there = (np.asarray(output.gradient(u), dtype=np.float64) for u in (v, 2 * v + 1))
            if not np.allclose(here, there, rtol=1e-9, atol=1e-12 * abs(here).max(initial=0.0)):
                raise ValueError("the gradient of a constraint changes with the voltages, so its second derivatives "
                                 "are needed: give `second` to the Constraint")
        elif error != 0:
            part = error * output.second(v)
            total = part if total is None else total + part
    return total
