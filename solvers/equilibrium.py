"""Equilibrium voltages of one network, for as many conductances and held voltages as asked."""
from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..kernels.laplacian import node_currents
from ..network import Network
from .backends import Apply, choose
from .cg import conjugate_gradient
from .laplacian import Laplacian

if TYPE_CHECKING:
    from scipy.sparse import csr_array

ITERATION_LIMIT = 300


class NotConverged(RuntimeError):
    """A solve whose true residual stayed above the tolerance."""


@dataclass
class Stats:
    """What the solves of an :class:`Equilibrium` took.

    method, reason : the backend, and why that one.
    n_solves : right-hand sides solved; iterations : of each one in the last call.
    n_setups : factors or hierarchies made; setup_seconds, solve_seconds : time spent so far.
    residual : largest ‖L v - b‖/‖b‖ of the last call, formed anew from the edge list.
    """

    method: str
    reason: str
    n_setups: int = 0
    n_solves: int = 0
    iterations: list[int] = field(default_factory=list)
    residual: float = np.nan
    setup_seconds: float = 0.0
    solve_seconds: float = 0.0


class Equilibrium:
    """Solver for L(G) v = I with held nodes: set up once for a network, solve for many G, voltages, currents.

    network : the graph. Every component of it needs a held node, else its voltages are undefined.
    held : (n_held,) nodes whose voltages are given.
    method : "auto", "superlu" (a direct factor) or "amg" (conjugate gradients with smoothed aggregation).
    rtol : ‖L v - b‖ <= rtol ‖b‖ over the free nodes, where b holds the currents injected there and those
        that the held voltages drive. Checked on every solve against the edge list itself.
    """

    def __init__(self, network: Network, held: ArrayLike, method: str = "auto", rtol: float = 1e-10) -> None:
        if not 0 < rtol < 1:
            raise ValueError(f"rtol must lie between 0 and 1, not {rtol}; 1e-10 is usual")
        self.network = network
        self.held = network.check_nodes(held, "held node")
        unique, counts = np.unique(self.held, return_counts=True)
        if (counts > 1).any():
            raise ValueError(f"node {unique[counts > 1][0]} is listed twice among the held nodes")
        self._check_floating(network.components)
        self.rtol = rtol
        self.laplacian = Laplacian(network, self.held)
        self._backend, reason = choose(method, self.laplacian.n_rows)
        self.stats = Stats(self._backend.name, reason)
        self._conductances: NDArray[np.float64] | None = None
        self._apply: Apply | None = None

    def solve(self, conductances: ArrayLike, held_voltages: ArrayLike | None = None,
              currents: ArrayLike | None = None) -> NDArray[np.float64]:
        """Voltages (n_nodes,), or (n_nodes, k) for k right-hand sides at once.

        conductances : (n_edges,) G >= 0; where edges are cut by G = 0, every remaining part needs a held node.
        held_voltages : (n_held,) or (n_held, k) in V; None holds all at 0.
        currents : (n_nodes,) or (n_nodes, k) in A, injected at the nodes; at held nodes they change nothing.

        Raises NotConverged rather than return voltages whose residual is above rtol.
        """
        g = self.network.conductances(conductances)
        held = _columns(held_voltages, self.held.size, "held_voltages")
        injected = _columns(currents, self.network.n_nodes, "currents")
        k = max(held.shape[1], injected.shape[1])
        single = (held_voltages is None or np.ndim(held_voltages) == 1) and (currents is None or np.ndim(currents) == 1)
        held, injected = np.broadcast_to(held, (len(held), k)), np.broadcast_to(injected, (len(injected), k))
        if self.laplacian.n_rows == 0:
            voltages = self.laplacian.scatter(np.empty((0, k)), held)
            return voltages[:, 0] if single else voltages
        matrix = self._set_up(g)
        begin = perf_counter()
        rhs = np.stack([self.laplacian.gather(injected[:, q]) + self.laplacian.held_currents(g, held[:, q])
                        for q in range(k)])
        assert self._apply is not None
        # half the tolerance for the recursive residual leaves room for rounding in the true one
        x, iterations = conjugate_gradient(matrix, rhs, self._apply, None, 0.5 * self.rtol, ITERATION_LIMIT)
        voltages = self.laplacian.scatter(x.T, held)
        self.stats.iterations = iterations.tolist()
        self.stats.n_solves += k
        self._check_residual(g, voltages, injected, rhs)
        self.stats.solve_seconds += perf_counter() - begin
        return voltages[:, 0] if single else voltages

    def _set_up(self, g: NDArray[np.float64]) -> csr_array:
        """The matrix at G, and a factor or hierarchy for it, kept while G stays the same."""
        begin = perf_counter()
        if self._conductances is None or not np.array_equal(g, self._conductances):
            if not g.all():
                self._check_floating(_components(self.network, g > 0))
            self._matrix = self.laplacian.matrix(g)
            self._apply = self._backend.prepare(self._matrix)
            self._conductances = g
            self.stats.n_setups += 1
        self.stats.setup_seconds += perf_counter() - begin
        return self._matrix

    def _check_residual(self, g: NDArray[np.float64], voltages: NDArray[np.float64],
                        injected: NDArray[np.float64], rhs: NDArray[np.float64]) -> None:
        """Form L v - I from the edge list in the user's numbering, and raise where it is too large."""
        currents = np.empty(self.network.n_nodes)
        self.stats.residual = 0.0
        for q, b in enumerate(rhs):
            node_currents(currents, self.network.edges, g, np.ascontiguousarray(voltages[:, q]))
            missing = self.laplacian.gather(currents - injected[:, q])
            size = float(np.linalg.norm(b))
            error = float(np.linalg.norm(missing)) / (size or 1.0)
            self.stats.residual = max(self.stats.residual, error)
        if not self.stats.residual <= self.rtol:
            raise NotConverged(
                f"the solve with {self.stats.method!r} stopped at residual {self.stats.residual:.2e} after "
                f"{max(self.stats.iterations)} iterations, above rtol={self.rtol:g}; conductances span "
                f"{g[g > 0].min():.1e} to {g.max():.1e}; a larger rtol, a higher floor or another method may help")

    def _check_floating(self, components: NDArray[np.int32]) -> None:
        floating = np.flatnonzero(~np.isin(components, np.unique(components[self.held])))
        if floating.size:
            raise ValueError(f"node {floating[0]} floats: no held node in its part of the network "
                             f"({floating.size} such nodes), so its voltage is undefined; hold a node there")


def _components(network: Network, conducting: NDArray[np.bool_]) -> NDArray[np.int32]:
    """(n_nodes,) number of the connected component of every node, over the conducting edges."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    a, b = network.edges[conducting].T
    graph = coo_array((np.ones(a.size), (a, b)), shape=(network.n_nodes, network.n_nodes))
    return connected_components(graph.tocsr(), directed=False)[1]


def _columns(values: ArrayLike | None, length: int, what: str) -> NDArray[np.float64]:
    """Checked (length, k) columns of given values; None is a column of zeros."""
    if values is None:
        return np.zeros((length, 1))
    columns = np.asarray(values, dtype=np.float64)
    if columns.ndim not in (1, 2) or columns.shape[0] != length:
        raise ValueError(f"{what} must have shape ({length},) or ({length}, k), not {columns.shape}")
    bad = np.argwhere(~np.isfinite(columns))
    if bad.size:
        raise ValueError(f"{what}[{bad[0][0]}] is {columns[tuple(bad[0])]}; it must be finite")
    return columns if columns.ndim == 2 else columns[:, None]
