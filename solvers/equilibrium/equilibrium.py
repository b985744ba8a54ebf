"""Equilibrium voltages of one network, for as many conductances and held voltages as asked."""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.kernels.linalg.laplacian import node_currents
from ohmlearn.network import Network, connected_components

from .backend_table import DIRECT
from .backends import installed
from .conjugate_gradient import norm
from .grounded_laplacian import Laplacian
from .memory import require
from .node_order import Layout
from .preconditioner_reuse import Stats, Upkeep
from .star_mesh import StarMesh

Floats = NDArray[np.float64]
OVERSHOOT = 1e-6  # how far voltages may lie outside those held where no current is injected, relative to the largest
SMALL = 2000  # nodes up to which a network is taken in the order given


class NotConverged(RuntimeError):
    """A solve whose true residual stayed above the tolerance."""


class Equilibrium:
    """Solver for L(G) v = I with held nodes: set up once for a network, solve for many G, voltages, currents.

    network : the graph. Every component of it needs a held node, else its voltages are undefined.
    held : (n_held,) nodes whose voltages are given.
    method : "auto" takes what the table in `solvers/equilibrium/backend_table.py` says is fastest; or
        "approximate-cholesky" (conjugate gradients with a sampled factor), "amg" (with a smoothed-aggregation
        hierarchy, PyAMG), "superlu" (a direct factor), and with their extras "cholmod" and "apxchol".
    rtol : ‖L v - b‖ <= rtol ‖b‖ over the free nodes, where b holds the currents injected there and those
        that the held voltages drive. Checked on every solve against the edge list itself.
    keep : while conductances drift, go on with the factor or hierarchy of older ones as long as that pays.
    """

    def __init__(self, network: Network, held: ArrayLike, method: str = "auto", rtol: float = 1e-10, *,
                 keep: bool = True) -> None:
        if not 0 < rtol < 1:
            raise ValueError(f"rtol must lie between 0 and 1, not {rtol}; 1e-10 is usual")
        self.network, self.rtol = network, rtol
        self.held = network.check_nodes(held, "held node")
        unique, counts = np.unique(self.held, return_counts=True)
        if (counts > 1).any():
            raise ValueError(f"node {unique[counts > 1][0]} is listed twice among the held nodes")
        require(bytes_needed(network.n_nodes, network.n_edges, method), f"solving {network!r}", "take a smaller network"
                if method not in DIRECT else "take method='approximate-cholesky'")
        self._check_floating(network.components)
        layout = Layout.of(network) if network.n_nodes > SMALL else None
        self.laplacian = Laplacian(network, self.held, layout)
        self.stats = Stats()
        self._solver = Upkeep(method, self.laplacian.thin, not keep, self.stats)
        self._mesh: StarMesh | None = None
        self._conductances: Floats | None = None
        self._last: Floats | None = None

    def solve(self, conductances: ArrayLike | None = None, held_voltages: ArrayLike | None = None,
              currents: ArrayLike | None = None, *, start: ArrayLike | None = None) -> Floats:
        """Voltages (n_nodes,), or (n_nodes, k) for k right-hand sides at once.

        conductances : (n_edges,) G >= 0 in S, or any unit if currents have it too, by default the network's initial
            ones, else 1; where edges are cut by G = 0, every remaining part needs a held node.
        held_voltages : (n_held,) or (n_held, k) in V; None holds all at 0.
        currents : (n_nodes,) or (n_nodes, k) in A, injected at the nodes; at held nodes they change nothing.
        start : (n_nodes,) or (n_nodes, k) guess, by default the last solution; used where it is nearer than zero.

        Raises NotConverged rather than return voltages whose residual is above rtol.
        """
        g = self.network.conductances(conductances)
        held = _columns(held_voltages, self.held.size, "held_voltages")
        injected = _columns(currents, self.network.n_nodes, "currents")
        k = max(held.shape[1], injected.shape[1])
        single = (held_voltages is None or np.ndim(held_voltages) == 1) and (currents is None or np.ndim(currents) == 1)
        held, injected = np.broadcast_to(held, (len(held), k)), np.broadcast_to(injected, (len(injected), k))
        rows = np.empty((k, 0))
        if self.laplacian.n_rows:
            rows = self._solve_rows(g, held, injected, start)
        voltages = self.laplacian.scatter(rows.T, held)
        return voltages[:, 0] if single else voltages

    def forget(self) -> None:
        """Drop what was kept of earlier solves: from here on, the bits depend on what is asked from here on."""
        self._conductances = self._last = None
        self._solver.forget()

    def _solve_rows(self, g: Floats, held: Floats, injected: Floats, start: ArrayLike | None) -> Floats:
        """(k, n_rows) voltages of the free nodes, checked."""
        lap = self.laplacian
        if self._conductances is None or not np.array_equal(g, self._conductances):
            if not g.all():
                self._check_floating(connected_components(self.network.edges[g > 0], self.network.n_nodes))
            positive = g[g > 0]
            contrast = float(np.log10(positive.max() / positive.min())) if positive.size else 0.0
            self._mesh = self._mesh or StarMesh(lap, lap.thin)
            self._solver.update(*self._mesh.reduce(g), contrast, _moved(self._conductances, g))
            self._conductances = g
        rhs = np.stack([lap.gather(i) + lap.held_currents(g, v) for i, v in zip(injected.T, held.T, strict=True)])
        # half the tolerance leaves room for rounding between this residual and the one from the edge list
        guess = self._last
        if start is not None:
            guess = np.ascontiguousarray(lap.gather(_columns(start, self.network.n_nodes, "start")).T)
        rows = self._solve_core(rhs, guess)
        self._check_residual(g, lap.scatter(rows.T, held), injected, rhs)
        self._last = rows
        return rows

    def _solve_core(self, rhs: Floats, guess: Floats | None) -> Floats:
        """(k, n_rows) voltages, of which only those of the core take iterations. Its residual is that of all rows."""
        assert self._mesh is not None
        core, handed = (np.stack(part) for part in zip(*map(self._mesh.restrict, rhs), strict=True))
        goals = [0.5 * self.rtol * norm(b) for b in rhs]
        found = self._solver.solve(core, None if guess is None else guess[:, self._mesh.kept], goals)
        return np.stack([self._mesh.extend(*pair) for pair in zip(found, handed, strict=True)])

    def _check_residual(self, g: Floats, voltages: Floats, injected: Floats, rhs: Floats) -> None:
        """Form L v - I from the edge list in the user's numbering, and raise where it is too large."""
        stats, n = self.stats, self.network.n_nodes
        currents, rounding, stats.residual = np.empty(n), 0.0, 0.0
        for v, i, b in zip(voltages.T, injected.T, rhs, strict=True):
            v = np.ascontiguousarray(v)
            node_currents(currents, self.network.edges, g, v)
            size = norm(b) or 1.0
            error = norm(self.laplacian.gather(currents - i)) / size
            stats.residual = max(stats.residual, error) if error == error else error
        held = voltages[self.held]
        outside = 0.0
        if not injected.any():
            outside = float(max((voltages.max(0) - held.max(0)).max(), (held.min(0) - voltages.min(0)).max()))
        allowed = OVERSHOOT * float(abs(held).max())
        if stats.residual <= self.rtol and outside <= allowed:
            return
        flow = np.bincount(self.network.edges.ravel(), np.repeat(g, 2), n) * abs(voltages).max(axis=1)
        rounding = float(np.finfo(float).eps * np.linalg.norm(flow)) / size
        what = (f"stopped at residual {stats.residual:.2e}, above rtol={self.rtol:g}" if outside <= allowed else
                f"gave voltages {outside:.1e} V outside those held, which the maximum principle forbids")
        raise NotConverged(
            f"the solve with {stats.method!r} {what}, after {max(stats.iterations)} iterations; conductances span "
            f"{g[g > 0].min():.1e} to {g.max():.1e}, where rounding alone leaves a residual up to {rounding:.0e}; "
            "raise rtol above that, or the floor of the conductances")

    def _check_floating(self, components: NDArray[np.int32]) -> None:
        floating = np.flatnonzero(~np.isin(components, np.unique(components[self.held])))
        if floating.size:
            name = self.network.label(int(floating[0]))
            raise ValueError(f"node {name} floats: no held node in its part of the network "
                             f"({floating.size} such nodes), so its voltage is undefined; hold a node there")


def _moved(before: Floats | None, g: Floats) -> float:
    """Mean change of conductances relative to themselves; infinite where there were none before."""
    if before is None:
        return np.inf
    change, size = abs(g - before), g + before
    return 2 * float(np.mean(np.divide(change, size, out=change, where=size > 0)))


def bytes_needed(n_nodes: int, n_edges: int, method: str = "auto") -> float:
    """Memory that an Equilibrium takes at its peak, in bytes; "auto" counts as the largest of what it may take.

    Peaks at 1e5 and 1e6 nodes were 5 to 25 % lower; factors of networks that are not planar-like grow beyond it.
    """
    if method == "auto":
        method = "cholmod" if installed("cholmod") else "superlu"
    entries = n_nodes + 2 * n_edges
    pattern = 40 * n_nodes + 28 * n_edges + 12 * entries                 # layout, ends, plan, core's CSR
    direct = n_nodes * np.log2(n_nodes + 2)
    # of a direct factor: as it is made, copied out, and laid out anew to be kept
    fill = {"superlu": 51 * direct, "cholmod": 33 * direct, "amg": 40 * entries}
    return 1.25 * float(pattern + fill.get(method, 40 * n_edges + 60 * n_nodes) + 8 * 8 * n_nodes)


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
