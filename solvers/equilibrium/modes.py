"""The softest modes of a network: eigenvectors of L(G) with the smallest eigenvalues above zero."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.kernels.linalg.laplacian import node_currents
from ohmlearn.network import Network

from .backend_table import WIDE
from .backends import installed, make
from .equilibrium import SMALL, NotConverged, bytes_needed
from .grounded_laplacian import Laplacian
from .memory import require
from .node_order import Layout
from .star_mesh import StarMesh

Floats = NDArray[np.float64]
TIGHT = 1e-7      # ‖L x - λ x‖ <= TIGHT λ ‖x‖, so that λ is off by some 1e-14 λ² / gap; and rounding, below
ROUNDING = 100.0  # that many rounding errors of the largest entry of L are allowed besides


@dataclass(frozen=True, eq=False)
class Modes:
    """Soft modes, softest first.

    eigenvalues : (k,) in units of conductance. modes : (n_nodes, k), of length 1, 0 at held nodes; on a part of the
    network without a held node the constant is left out. residuals : (k,) ‖L x - λ x‖ over the free nodes.
    method, reason : "shift-invert" or "lobpcg", and why. iterations : solves or LOBPCG steps. seconds : it took.
    """

    eigenvalues: Floats
    modes: Floats
    residuals: Floats
    method: str
    reason: str
    iterations: int
    seconds: float


def soft_modes(network: Network, conductances: ArrayLike | None = None, k: int = 6, held: ArrayLike = (),
               method: str = "auto") -> Modes:
    """The k softest modes of L(G) over the free nodes.

    conductances : (n_edges,) G > 0 in G₀, None for 1.
    k : how many.
    held : (n_held,) nodes that stay at 0; none lets the network float, and the constant of every part without a held
        node is deflated.
    method : "shift-invert" (Lanczos on the inverse, by a direct factor) or "lobpcg" (preconditioned by the sampled
        factor); "auto" takes the first for small networks and those whose edges reach no further than in two
        dimensions, where a direct factor fits.

    Raises NotConverged rather than return modes whose residual is large.

    Returns :class:`Modes`: eigenvalues in units of conductance, and the modes, of length 1.

    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(4, 4)
    >>> ol.modes(net, k=3, held=[0]).eigenvalues.round(4).tolist()
    [0.0792, 0.5858, 0.854]
    """
    begin = perf_counter()
    g = network.conductances(conductances)
    if not g.all():
        raise ValueError(f"conductance of edge {int(np.argmin(g))} is 0, which cuts the network; "
                         "take that edge out, or give it a small conductance")
    problem = _Problem(network, g, network.check_nodes(held, "held node"))
    if not 1 <= k < problem.size - 2:
        raise ValueError(f"k={k} modes of {problem.size} free nodes: k must be at least 1 and below {problem.size - 2}")
    name, reason = _choose(network, method)
    solve = _shift_invert if name == "shift-invert" else _lobpcg
    vectors, iterations = solve(problem, k)
    modes, values, residuals = problem.finish(vectors)
    allowed = TIGHT * values + ROUNDING * np.finfo(float).eps * 2 * problem.stiffest
    bad = np.flatnonzero(~(residuals <= allowed))
    if bad.size:
        raise NotConverged(f"mode {bad[0] + 1} of {k} stopped at residual {residuals[bad[0]]:.1e} with eigenvalue "
                           f"{values[bad[0]]:.3e} after {iterations} iterations of {name}; ask for a few more modes "
                           "than you need, or raise the floor of the conductances")
    return Modes(values, modes, residuals, name, reason, iterations, perf_counter() - begin)


modes = soft_modes       # as the face calls it


def _choose(network: Network, method: str) -> tuple[str, str]:
    if method in ("shift-invert", "lobpcg"):
        return method, "as asked"
    if method != "auto":
        raise ValueError(f"method must be 'auto', 'shift-invert' or 'lobpcg', not {method!r}")
    n = network.n_nodes
    if n <= WIDE:
        return "shift-invert", f"{n} nodes, no more than {WIDE}"
    layout = Layout.of(network)
    if layout.thin:
        return "shift-invert", f"edges reach {layout.bandwidth} of {n} nodes, so that a direct factor fits"
    return "lobpcg", f"edges reach {layout.bandwidth} of {n} nodes, so that a direct factor would fill up"


class _Problem:
    """L over the free nodes, with one node grounded, and the mean taken out, in every part that floats."""

    def __init__(self, network: Network, g: Floats, held: NDArray[np.int64]) -> None:
        self.network, self.g, self.held = network, g, np.unique(held)
        parts = network.components
        floating = np.setdiff1d(np.unique(parts), parts[self.held])
        grounds = np.array([np.argmax(parts == part) for part in floating], dtype=np.int64)
        self.grounded = Laplacian(network, np.append(self.held, grounds), _layout(network))
        self.free = np.append(self.grounded.free, grounds)         # the free nodes, in the order of vectors here
        self.size = self.free.size
        self._part = np.searchsorted(floating, parts[self.free])
        self._part[~np.isin(parts[self.free], floating)] = floating.size
        self._count = np.bincount(self._part, minlength=floating.size + 1)[:floating.size]
        degree = np.bincount(network.edges.ravel(), weights=np.repeat(g, 2), minlength=network.n_nodes)
        self.stiffest = float(degree[self.free].max())

    def deflate(self, x: Floats) -> Floats:
        """x (size,) without the mean over every floating part."""
        if self._count.size == 0:
            return x
        means = np.bincount(self._part, weights=x, minlength=self._count.size + 1)[:self._count.size] / self._count
        return x - np.append(means, 0.0)[self._part]

    def inverse(self, method: str) -> Callable[[Floats], Floats]:
        """The pseudo-inverse (or an approximation) on the free nodes, by a backend, with grounded parts."""
        n, mesh = self.grounded.n_rows, StarMesh(self.grounded, self.grounded.thin)
        apply = mesh.around(make(method).prepare(*mesh.reduce(self.g)))

        def pseudo(x: Floats) -> Floats:
            y = self.deflate(np.ascontiguousarray(x).ravel())
            return self.deflate(np.append(apply(np.ascontiguousarray(y[:n])), np.zeros(self.size - n)))
        return pseudo

    def times(self, x: Floats) -> Floats:
        """L x over the free nodes, from the edge list."""
        voltages = np.zeros(self.network.n_nodes)
        voltages[self.free] = np.ravel(x)
        currents = np.empty_like(voltages)
        node_currents(currents, self.network.edges, self.g, voltages)
        return currents[self.free]

    def finish(self, vectors: Floats) -> tuple[Floats, Floats, Floats]:
        """Modes (n_nodes, k), softest first, with eigenvalues λ = Σ G (Δx)² and residuals."""
        modes = np.zeros((self.network.n_nodes, vectors.shape[1]))
        modes[self.free] = np.column_stack([self.deflate(x) for x in vectors.T])
        modes /= np.linalg.norm(modes, axis=0)
        modes *= np.sign(modes[np.abs(modes).argmax(axis=0), np.arange(modes.shape[1])])
        a, b = self.network.edges.T
        values = np.array([np.sum(self.g * (x[a] - x[b]) ** 2) for x in modes.T])
        order = np.argsort(values)
        modes, values = modes[:, order], values[order]
        residuals = np.array([np.linalg.norm(self.times(x[self.free]) - value * x[self.free])
                              for x, value in zip(modes.T, values, strict=True)])
        return modes, values, residuals


def _layout(network: Network) -> Layout | None:
    return Layout.of(network) if network.n_nodes > SMALL else None


def _shift_invert(problem: _Problem, k: int) -> tuple[Floats, int]:
    """Lanczos on the pseudo-inverse; returns vectors (size, k) and the solves taken."""
    from scipy.sparse.linalg import LinearOperator, eigsh

    method = "cholmod" if installed("cholmod") else "superlu"
    network = problem.network
    require(bytes_needed(network.n_nodes, network.n_edges, method) + 8.0 * problem.size * (2 * k + 22),
            f"a direct factor of {network!r}", "take method='lobpcg'")
    pseudo = problem.inverse(method)
    solves = 0

    def count(x: Floats) -> Floats:
        nonlocal solves
        solves += 1
        return pseudo(x)

    operator = LinearOperator((problem.size, problem.size), matvec=count, dtype=np.float64)
    start = problem.deflate(np.random.default_rng(0).standard_normal(problem.size))
    _, vectors = eigsh(operator, k, which="LM", v0=start, tol=1e-13)
    return vectors, solves


def _lobpcg(problem: _Problem, k: int) -> tuple[Floats, int]:
    """LOBPCG with the sampled factor, a few guard vectors beside those asked for; returns vectors and steps."""
    import warnings

    from scipy.sparse.linalg import LinearOperator, lobpcg

    pseudo = problem.inverse("approximate-cholesky")

    def columns(f: Callable[[Floats], Floats]) -> Callable[[Floats], Floats]:
        return lambda x: np.column_stack([f(column) for column in x.T])

    size = problem.size
    laplacian = LinearOperator((size, size), matvec=problem.times, matmat=columns(problem.times), dtype=np.float64)
    start = np.random.default_rng(0).standard_normal((size, min(k + 2, size // 5)))
    start = columns(pseudo)(columns(problem.deflate)(start))
    steps, values, vectors = 0, np.empty(0), start
    tolerance: float | None = None
    for _ in range(3):      # the goal of the residual follows from the eigenvalues, which are known only then
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")         # what it did not reach is said below, by the true residual
            values, vectors, history = lobpcg(laplacian, vectors, M=columns(pseudo), largest=False, maxiter=300,
                                              tol=tolerance, retResidualNormsHistory=True)
        steps += len(history)
        goal = 0.3 * TIGHT * float(np.sort(values)[0])
        if tolerance is not None and tolerance <= goal:
            break
        tolerance = goal
    return vectors[:, np.argsort(values)[:k]], steps
