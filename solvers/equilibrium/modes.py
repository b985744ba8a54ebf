"""The softest modes of a network: eigenvectors of L(G) with the smallest eigenvalues above zero."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from time import perf_counter

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.kernels.linalg.laplacian import node_currents
from ohmlearn.network import Network

from .backend_table import WIDE
from .backends import Apply, installed, make
from .block_lanczos import block_lanczos, orthonormal, rows_needed, width_of
from .conjugate_gradient import conjugate_gradient_block, parts, side_by_side
from .equilibrium import SMALL, Equilibrium, NotConverged, bytes_needed
from .grounded_laplacian import Laplacian
from .memory import require
from .node_order import Layout
from .star_mesh import StarMesh

Floats = NDArray[np.float64]
CLOSE = 1e-8      # ‖L⁻¹ x - x / λ‖ <= CLOSE ‖x‖ / λ where Lanczos stops
LOST = 1e-3       # ‖L L⁻¹ x - x‖ over ‖x‖ by a direct factor that lost nothing, at most (and in the largest entry)
TIGHT = 1e-7      # ‖L x - λ x‖ <= TIGHT λ ‖x‖, so that λ is off by some 1e-14 λ² / gap; and rounding, below
DENSE = 600       # free nodes up to which all eigenvectors are worked out at once
SHARE = 5         # and one in so many modes, from which they are in larger networks
DIGITS = 1e-10    # relative accuracy of eigenvalues that dense eigenvectors have
ROUNDING = 100.0  # that many rounding errors of the largest entry of L are allowed besides


@dataclass(frozen=True, eq=False)
class Modes:
    """Soft modes, softest first.

    eigenvalues : (k,) in units of conductance. modes : (n_nodes, k), of length 1, 0 at held nodes; on a part of the
    network without a held node the constant is left out. residuals : (k,) ‖L x - λ x‖ over the free nodes.
    method, reason : "dense", "shift-invert" or "lobpcg", and why. iterations : blocks of solves or LOBPCG steps.
    seconds : it took.

    >>> import ohmlearn as ol
    >>> modes = ol.modes(ol.Network.grid(4, 4), k=3)
    >>> modes.eigenvalues.shape
    (3,)
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
    k : how many, up to the number of free nodes less the floating parts. Eigenvalues come with all their copies.
    held : (n_held,) nodes that stay at 0; none lets the network float, and the constant of every part without a held
        node is deflated.
    method : "dense" (all eigenvectors of the matrix, up to some thousand nodes), "shift-invert" (Lanczos on the inverse
        in blocks of vectors, by a direct factor) or "lobpcg" (preconditioned by the sampled factor); "auto" takes the
        first for small networks and for many modes, the second for networks whose edges reach no further than in two
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
    if not 1 <= k <= problem.count:
        raise ValueError(f"k={k} modes of {problem.size} free nodes: k must be at least 1 and at most {problem.count}, "
                         "the free nodes less one for every part without a held node")
    name, reason = _choose(network, problem, k, method)
    ways = {"dense": (_dense,), "shift-invert": (_shift_invert, _shift_invert_by_iterations), "lobpcg": (_lobpcg,)}
    for way in ways[name]:
        found = way(problem, k)
        if found is None:
            continue
        vectors, iterations = found
        modes, values, residuals = problem.finish(vectors, rotate=name != "dense")
        allowed = TIGHT * values + ROUNDING * np.finfo(float).eps * 2 * problem.stiffest
        bad = np.flatnonzero(~(residuals <= allowed))
        if not bad.size:
            break
    else:
        raise NotConverged(f"mode {bad[0] + 1} of {k} stopped at residual {residuals[bad[0]]:.1e} with eigenvalue "
                           f"{values[bad[0]]:.3e} after {iterations} iterations of {name}; ask for a few more modes "
                           "than you need, or raise the floor of the conductances")
    return Modes(values, modes, residuals, name, reason, iterations, perf_counter() - begin)


modes = soft_modes       # as the face calls it


def _choose(network: Network, problem: _Problem, k: int, method: str) -> tuple[str, str]:
    if method in ("dense", "shift-invert", "lobpcg"):
        name, reason = method, "as asked"
    elif method != "auto":
        raise ValueError(f"method must be 'auto', 'dense', 'shift-invert' or 'lobpcg', not {method!r}")
    elif problem.size <= DENSE:
        name, reason = "dense", f"{problem.size} free nodes, no more than {DENSE}"
    elif k * SHARE > problem.size:
        name, reason = "dense", f"{k} of {problem.count} modes, more than one in {SHARE}"
    elif network.n_nodes <= WIDE:
        name, reason = "shift-invert", f"{network.n_nodes} nodes, no more than {WIDE}"
    else:
        layout = Layout.of(network)
        reach = f"edges reach {layout.bandwidth} of {network.n_nodes} nodes, so that a direct factor"
        name, reason = ("shift-invert", f"{reach} fits") if layout.thin else ("lobpcg", f"{reach} would fill up")
        if not layout.thin and problem.mesh.n_rows <= WIDE:
            name, reason = "shift-invert", f"star–mesh transformations leave {problem.mesh.n_rows} rows"
    if name == "shift-invert" and problem.size < rows_needed(k):
        return "dense", f"{problem.size} free nodes, too few for blocks of {width_of(k)} vectors"
    return name, reason


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
        self.count = self.size - floating.size      # modes that there are
        self._count = np.bincount(self._part, minlength=floating.size + 1)[:floating.size]
        degree = np.bincount(network.edges.ravel(), weights=np.repeat(g, 2), minlength=network.n_nodes)
        self.stiffest = float(degree[self.free].max())

    def deflate(self, x: Floats) -> Floats:
        """x (size,) or (size, b) without the mean over every floating part."""
        if self._count.size == 0:
            return x
        if self._count.size == 1 and self._count[0] == self.size:
            return x - np.ones(self.size) @ x / self.size
        if x.ndim == 2:
            return np.column_stack([self.deflate(column) for column in x.T])
        means = np.bincount(self._part, weights=x, minlength=self._count.size + 1)[:self._count.size] / self._count
        return x - np.append(means, 0.0)[self._part]

    @cached_property
    def mesh(self) -> StarMesh:
        """What is left when nodes of few neighbours are eliminated."""
        return StarMesh(self.grounded, self.grounded.thin)

    def inverse(self, method: str, iterate: bool = False) -> Callable[[Floats], Floats]:
        """The pseudo-inverse (or an approximation) on the free nodes, by a backend, with grounded parts.

        It takes (size,) or (size, b). iterate : use it as the preconditioner of conjugate gradients, to 1e-13.
        """
        n, mesh = self.grounded.n_rows, self.mesh
        backend, (matrix, excess) = make(method), mesh.reduce(self.g)
        apply = backend.prepare(matrix, excess)
        if iterate:
            once = apply

            def many(b: Floats) -> Floats:
                goals = 1e-13 * abs(once.block(b)).max(axis=0)
                return conjugate_gradient_block(matrix, excess, b, once.block, None, goals, 400)[0]
            apply = Apply(lambda r: many(side_by_side(r[None]))[:, 0], many)
        whole = mesh.around(apply)

        def pseudo(x: Floats) -> Floats:
            y, out = self.deflate(x), np.zeros_like(x)
            if x.ndim == 1:
                out[:n] = whole(np.ascontiguousarray(y[:n]))
            else:
                for part in parts(x.shape[1]):
                    rows = y[:n, part].T
                    out[:n, part] = whole.block(side_by_side(rows))[:, :len(rows)]
            return self.deflate(out)
        return pseudo

    def times(self, x: Floats) -> Floats:
        """L x over the free nodes, from the edge list."""
        voltages = np.zeros(self.network.n_nodes)
        voltages[self.free] = np.ravel(x)
        currents = np.empty_like(voltages)
        node_currents(currents, self.network.edges, self.g, voltages)
        return currents[self.free]

    def finish(self, vectors: Floats, rotate: bool) -> tuple[Floats, Floats, Floats]:
        """Modes (n_nodes, k), softest first, with eigenvalues λ = Σ G (Δx)² and residuals.

        rotate : take the eigenvectors of L within what the vectors span.
        """
        modes = np.zeros((self.network.n_nodes, vectors.shape[1]))
        modes[self.free] = self.deflate(vectors)
        a, b = self.network.edges.T
        if rotate:
            modes[self.free] = orthonormal(modes[self.free])[0]
            drops = np.sqrt(self.g)[:, None] * (modes[a] - modes[b])
            modes = modes @ np.linalg.svd(orthonormal(drops)[1])[2].T
        modes /= np.linalg.norm(modes, axis=0)
        modes *= np.sign(modes[np.abs(modes).argmax(axis=0), np.arange(modes.shape[1])])
        values = np.array([np.sum(self.g * (x[a] - x[b]) ** 2) for x in modes.T])
        order = np.argsort(values)
        modes, values = modes[:, order], values[order]
        residuals = np.array([np.linalg.norm(self.times(x[self.free]) - value * x[self.free])
                              for x, value in zip(modes.T, values, strict=True)])
        return modes, values, residuals


def _layout(network: Network) -> Layout | None:
    return Layout.of(network) if network.n_nodes > SMALL else None


def _dense(problem: _Problem, k: int) -> tuple[Floats, int]:
    """All eigenvectors at once. Where rounding of L reaches the soft ones, these are taken from the inverse."""
    from scipy.linalg import eigh

    n = problem.size
    require(4 * 8.0 * n**2, f"all eigenvectors of {problem.network!r}", "ask for fewer modes")
    matrix = np.column_stack([problem.times(e) for e in np.eye(n)])
    values, vectors = eigh(matrix, overwrite_a=True)
    values, vectors = values[n - problem.count:], vectors[:, n - problem.count:]
    if np.finfo(float).eps * np.sqrt(n) * values[-1] <= DIGITS * max(values[0], 0.0):
        return vectors[:, :k], 1
    network, grounds = problem.network, np.setdiff1d(np.arange(problem.network.n_nodes), problem.grounded.free)
    responses = Equilibrium(network, grounds, "approximate-cholesky", 1e-12).solve(problem.g, currents=_unit(problem))
    green = problem.deflate(problem.deflate(responses[problem.free]).T)
    inverse, soft = eigh((green + green.T) / 2, overwrite_a=True)
    inverse, soft = inverse[::-1], soft[:, ::-1]
    middle = np.sqrt(values[-1] * inverse[0])           # of the spectrum, by ratios: √(λ_max / λ_min), times λ_min
    count = int(np.count_nonzero(inverse * middle > inverse[0]))
    return np.concatenate([soft[:, :count], vectors[:, count:]], axis=1)[:, :k], 1


def _unit(problem: _Problem) -> Floats:
    """(n_nodes, size) one unit current into every free node in turn."""
    currents = np.zeros((problem.network.n_nodes, problem.size))
    currents[problem.free, np.arange(problem.size)] = 1.0
    return currents


def _shift_invert(problem: _Problem, k: int) -> tuple[Floats, int] | None:
    """Lanczos on the pseudo-inverse, in blocks; returns vectors (size, k) and the blocks of LANES solves taken.

    None where the direct factor has lost weak connections to rounding, and with them perhaps the softest modes.
    """
    method = "cholmod" if installed("cholmod") else "superlu"
    network = problem.network
    require(bytes_needed(network.n_nodes, network.n_edges, method) + 8.0 * problem.size * 10 * width_of(k),
            f"a direct factor of {network!r}", "take method='lobpcg'")
    inverse, x = problem.inverse(method), problem.deflate(np.random.default_rng(1).standard_normal(problem.size))
    if not abs(problem.deflate(problem.times(inverse(x))) - x).max() <= LOST * abs(x).max():
        return None
    return block_lanczos(inverse, problem.deflate, problem.size, k, CLOSE)


def _shift_invert_by_iterations(problem: _Problem, k: int) -> tuple[Floats, int]:
    """The same by conjugate gradients with the sampled factor, which loses nothing."""
    return block_lanczos(problem.inverse("approximate-cholesky", True), problem.deflate, problem.size, k, CLOSE)


def _lobpcg(problem: _Problem, k: int) -> tuple[Floats, int]:
    """LOBPCG with the sampled factor, a few guard vectors beside those asked for; returns vectors and steps."""
    import warnings

    from scipy.sparse.linalg import LinearOperator, lobpcg

    pseudo = problem.inverse("approximate-cholesky")

    def columns(f: Callable[[Floats], Floats]) -> Callable[[Floats], Floats]:
        return lambda x: np.column_stack([f(np.ascontiguousarray(column)) for column in x.T])

    size = problem.size
    laplacian = LinearOperator((size, size), matvec=problem.times, matmat=columns(problem.times), dtype=np.float64)
    start = np.random.default_rng(0).standard_normal((size, min(k + 2, size // 5)))
    start = pseudo(start)
    steps, values, vectors = 0, np.empty(0), start
    tolerance: float | None = None
    for _ in range(3):      # the goal of the residual follows from the eigenvalues, which are known only then
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")         # what it did not reach is said below, by the true residual
            values, vectors, history = lobpcg(laplacian, vectors, M=pseudo, largest=False, maxiter=300,
                                              tol=tolerance, retResidualNormsHistory=True)
        steps += len(history)
        goal = 0.3 * TIGHT * float(np.sort(values)[0])
        if tolerance is not None and tolerance <= goal:
            break
        tolerance = goal
    return vectors[:, np.argsort(values)[:k]], steps
