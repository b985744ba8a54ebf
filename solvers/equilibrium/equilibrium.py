"""Equilibrium voltages of one network, for as many conductances and held voltages as asked."""
from __future__ import annotations

from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.kernels.linalg.laplacian import node_currents, node_currents_compensated, total_conductances
from ohmlearn.network import Network, connected_components, real

from .backend_table import DIRECT
from .backends import installed
from .grounded_laplacian import Laplacian
from .memory import require
from .node_order import Layout
from .preconditioner_reuse import Stats, Upkeep
from .star_mesh import StarMesh

Floats = NDArray[np.float64]
OVERSHOOT = 1e-6  # how far voltages may lie outside those held where no current is injected, relative to the largest
ROUNDS = 4      # of refinement, at most
NEARLY = 0.8    # of the tolerance is where iterations stop, which leaves room for rounding and for the last check
SPREAD = 4.0    # decades of conductances beyond which sums over the edges of a node are compensated; and a degree
HUB = 256       # from which they are
ATTAINED = 1e-8     # errors that rounding leaves may be as large as this, relative to the voltages, whatever rtol
SMALL = 2000  # nodes up to which a network is taken in the order given


class NotConverged(RuntimeError):
    """A solve whose voltages, by estimate, are further off than the tolerance."""


class Equilibrium:
    """Solver for L(G) v = I with held nodes: set up once for a network, solve for many G, voltages, currents.

    network : the graph. Every component of it needs a held node, else its voltages are undefined.
    held : (n_held,) nodes whose voltages are given.
    method : "auto" takes what the table in `solvers/equilibrium/backend_table.py` says is fastest; or
        "approximate-cholesky" (conjugate gradients with a sampled factor), "amg" (with a smoothed-aggregation
        hierarchy, PyAMG), "superlu" (a direct factor), and with their extras "cholmod" and "apxchol".
    rtol : largest error of a voltage, by estimate, relative to the largest voltage difference. The estimate is
        M⁻¹ (b - L v), the correction that the factor or hierarchy M asks for, where b - L v is formed from the voltage
        differences along the edges themselves; it sees weak parts of the network beside strong ones. Checked on every
        solve; `stats.error` gives it in volts.
    keep : while conductances drift, go on with the factor or hierarchy of older ones as long as that pays.
    """

    def __init__(self, network: Network, held: ArrayLike, method: str = "auto", rtol: float = 1e-10, *,
                 keep: bool = True) -> None:
        if not isinstance(network, Network):
            raise TypeError(f"network must be a Network, not {type(network).__name__}; Network.from_edges takes edges")
        if isinstance(rtol, bool) or not isinstance(rtol, (int, float, np.number)) or not 0 < rtol < 1:
            raise ValueError(f"rtol must lie between 0 and 1, not {rtol!r}; 1e-10 is usual")
        self.network, self.rtol = network, rtol
        self.held = network.check_nodes(held, "held node")
        self._made_of = (method, keep)
        self._lock = RLock()
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
        self._unit, self._contrast = 0, 0.0
        self._hub = bool(network.degree.max() > HUB)

    def solve(self, conductances: ArrayLike, held_voltages: ArrayLike | None = None,
              currents: ArrayLike | None = None, *, start: ArrayLike | None = None) -> Floats:
        """Voltages (n_nodes,), or (n_nodes, k) for k right-hand sides at once.

        conductances : (n_edges,) G >= 0 in S, or any unit if currents have it too; where edges are cut by G = 0, every
            remaining part needs a held node.
        held_voltages : (n_held,) or (n_held, k) in V; None holds all at 0.
        currents : (n_nodes,) or (n_nodes, k) in A, injected at the nodes; at held nodes they change nothing.
        start : (n_nodes,) or (n_nodes, k) guess, by default the last solution; used where it is nearer than zero.

        An Equilibrium may be shared by threads: its solves take turns.

        Raises NotConverged rather than return voltages that are further off than rtol, by estimate.
        """
        g = self.network.conductances(conductances)
        held = _columns(held_voltages, self.held.size, "held_voltages")
        injected = _columns(currents, self.network.n_nodes, "currents")
        k = max(held.shape[1], injected.shape[1])
        if not {held.shape[1], injected.shape[1]} <= {1, k} or k == 0:
            raise ValueError(f"held_voltages has {held.shape[1]} columns and currents has {injected.shape[1]}; give "
                             "both as many, or one of them one only")
        single = (held_voltages is None or np.ndim(held_voltages) == 1) and (currents is None or np.ndim(currents) == 1)
        held, injected = np.broadcast_to(held, (len(held), k)), np.broadcast_to(injected, (len(injected), k))
        guess = None if start is None else _columns(start, self.network.n_nodes, "start")
        with self._lock:
            rows = np.empty((k, 0))
            if self.laplacian.n_rows:
                rows = self._solve_rows(g, held, injected, guess)
            voltages = self.laplacian.scatter(rows.T, held)
        return voltages[:, 0] if single else voltages

    def forget(self) -> None:
        """Drop what was kept of earlier solves: from here on, the bits depend on what is asked from here on."""
        with self._lock:
            self._conductances = self._last = None
            self._solver.forget()

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles are made anew of the same network, held nodes and options, with nothing of the solves."""
        return _made, (self.network, self.held, self._made_of[0], self.rtol, self._made_of[1])

    def _take(self, g: Floats) -> None:
        """Take new conductances, in a unit of a power of two in which neither they nor their products overflow."""
        if self._conductances is not None and np.array_equal(g, self._conductances):
            return
        if not g.all():
            self._check_floating(connected_components(self.network.edges[g > 0], self.network.n_nodes))
        positive = g[g > 0]
        least, most = (float(positive.min()), float(positive.max())) if positive.size else (1.0, 1.0)
        middle = (np.log2(least) + np.log2(most)) / 2
        self._unit = 0 if abs(middle) < 200 else -round(middle)
        self._contrast = float(np.log10(most) - np.log10(least))
        self._mesh = self._mesh or StarMesh(self.laplacian, self.laplacian.thin)
        self._scaled = np.ldexp(g, self._unit) if self._unit else g
        moved = _moved(self._conductances, g)
        self._solver.update(*self._mesh.reduce(self._scaled), self._contrast, moved, self._scaled)
        self._totals = np.empty(self.network.n_nodes)
        total_conductances(self._totals, self.network.edges, self._scaled)
        self._conductances = g

    def _solve_rows(self, g: Floats, held: Floats, injected: Floats, start: Floats | None) -> Floats:
        """(k, n_rows) voltages of the free nodes, refined until their estimated errors are small enough.

        They are worked out relative to one of the held voltages, the nearest to 0 unless these lie on both sides of it.
        """
        lap = self.laplacian
        self._take(g)
        injected = np.ldexp(injected, self._unit) if self._unit else injected
        shift = _shift(held)
        held = held - shift
        rhs = np.stack([lap.gather(i) + lap.held_currents(self._scaled, v)
                        for i, v in zip(injected.T, held.T, strict=True)])
        guess = self._last if start is None else np.ascontiguousarray(lap.gather(start).T)
        if guess is not None:
            guess = guess - (shift[:, None] if len(guess) == len(shift) else shift[0])
        span = np.ptp(held, axis=0) if len(held) else np.zeros(len(rhs))
        driven = injected.any(axis=0)
        rows = self._solve_core(rhs, guess, np.where(driven, 0.0, span))
        rows, error = self._refine(rows, held, injected, span)
        self.stats.error = float(error.max(initial=0.0))
        self._last = rows + shift[:, None]
        return self._last

    def _solve_core(self, rhs: Floats, guess: Floats | None, scales: Floats) -> Floats:
        """(k, n_rows) voltages, of which only those of the core take iterations."""
        assert self._mesh is not None
        core, handed = self._mesh.restrict_rows(rhs)
        start = None if guess is None else guess[:, self._mesh.kept]
        return self._mesh.extend_rows(self._solver.solve(core, start, scales, NEARLY * self.rtol), handed)

    def _refine(self, rows: Floats, held: Floats, injected: Floats, span: Floats) -> tuple[Floats, Floats]:
        """Correct rows (k, n_rows) until their errors are small enough; returns them and the estimated errors (k,)."""
        iterations, attempts = list(self.stats.iterations), 0
        while True:
            left = self._residuals(rows, held, injected)
            scale = np.maximum(span, abs(rows).max(axis=1))
            z, rounding = self._corrections(left)
            error, blur = abs(z).max(axis=1), abs(rounding).max(axis=1)
            bad = ~((error <= self.rtol * scale) & (blur <= max(ATTAINED, self.rtol) * scale))
            if self._solver.refines and np.isfinite(z).all():
                rows = rows + z
            if not bad.any():
                break
            attempts += 1
            if attempts == ROUNDS or self._solver.gave_up:
                attempts = 0
                if not self._solver.fall_back():
                    self._refuse(z, rounding, scale, bad)
            elif self._solver.refines:
                continue
            rows = rows.copy()
            rows[bad] += self._solve_core(left[bad], None, scale[bad])
            for k, more in zip(np.flatnonzero(bad), self.stats.iterations, strict=True):
                iterations[k] += more
            self.stats.iterations = iterations
        totals = self.laplacian.gather(self._totals)
        self.stats.residual = float((abs(left) / totals).max(axis=1).max(initial=0.0, where=scale > 0)
                                    / max(scale.max(initial=0.0), 1e-300))
        self._check_bounds(rows, held, injected)
        return rows, error + blur

    def _residuals(self, rows: Floats, held: Floats, injected: Floats) -> Floats:
        """b - L v over the free nodes, (k, n_rows), from the edge list in the user's numbering."""
        lap, edges = self.laplacian, self.network.edges
        voltages = lap.scatter(rows.T, held)
        left = np.empty_like(rows)
        currents, carry = np.empty((2, self.network.n_nodes))
        for k in range(len(rows)):
            v = np.ascontiguousarray(voltages[:, k])
            if self._careful:
                currents[:] = -injected[:, k]
                node_currents_compensated(currents, carry, edges, self._scaled, v)
                left[k] = -lap.gather(currents)
            else:
                node_currents(currents, edges, self._scaled, v)
                left[k] = lap.gather(injected[:, k] - currents)
        return left

    @property
    def _careful(self) -> bool:
        return self._contrast > SPREAD or self._hub

    def _corrections(self, left: Floats) -> tuple[Floats, Floats]:
        """Estimates (k, n_rows) of what rows lack, and of what rounding of the residuals hides from them."""
        assert self._mesh is not None
        both = np.concatenate([left, 4 * np.finfo(float).eps * abs(left)]) if self._careful else left
        core, handed = self._mesh.restrict_rows(both)
        z, factor = self._solver.corrections(core)
        found = self._mesh.extend_rows(z, handed)
        count = len(left)
        if not np.isfinite(factor):
            found[:] = np.inf
        elif factor > 1.0:
            found *= factor
        return found[:count], found[count:] if self._careful else np.zeros((count, 1))

    def _check_bounds(self, rows: Floats, held: Floats, injected: Floats) -> None:
        """The maximum principle, where no current is injected."""
        quiet = ~injected.any(axis=0)
        if not quiet.any() or not len(held):
            return
        outside = np.maximum(rows.max(axis=1) - held.max(axis=0), held.min(axis=0) - rows.min(axis=1))[quiet]
        if (outside <= OVERSHOOT * abs(held).max(axis=0)[quiet]).all():
            return
        raise NotConverged(f"the solve with {self.stats.method!r} gave voltages {outside.max():.1e} V outside those "
                           "held, which the maximum principle forbids; take method='approximate-cholesky'")

    def _refuse(self, z: Floats, rounding: Floats, scale: Floats, bad: NDArray[np.bool_]) -> None:
        k = int(np.flatnonzero(bad)[0])
        goal = self.rtol * scale[k]
        error = abs(z[k]) if not (abs(z[k]) <= goal).all() else rounding[k]
        self.stats.error = float(error.max())
        order = np.argsort(-np.nan_to_num(error, nan=np.inf), kind="stable")[:5]
        count = int(np.count_nonzero(~(error <= goal)))
        names = ", ".join(str(node) for node in self.laplacian.free[order[:count]])
        g = self._conductances
        assert g is not None
        if error is rounding[k]:
            why, remedy = "rounding of the currents alone hides as much", "raise the smallest conductances"
        elif not np.isfinite(error).all():
            why = "to rounding, its factor has lost the weak connections to the held nodes"
            remedy = "take method='approximate-cholesky'"
        else:
            why, remedy = f"after {max(self.stats.iterations)} iterations", "raise rtol, or the smallest conductances"
            if self.stats.method != "approximate-cholesky":
                remedy = "take method='approximate-cholesky', or raise the smallest conductances"
        size = f"off by {error.max():.1e} V" if np.isfinite(error).all() else "wrong"
        raise NotConverged(
            f"the solve with {self.stats.method!r} stopped where voltages may be {size}, above "
            f"rtol={self.rtol:g} of {scale[k]:.3g} V, at {count} node{'s' if count != 1 else ''}, most at {names}: "
            f"{why}; conductances span {g[g > 0].min():.1e} to {g.max():.1e}; {remedy}")

    def _check_floating(self, components: NDArray[np.int32]) -> None:
        floating = np.flatnonzero(~np.isin(components, np.unique(components[self.held])))
        if floating.size:
            raise ValueError(f"node {floating[0]} floats: no held node in its part of the network "
                             f"({floating.size} such nodes), so its voltage is undefined; hold a node there")


def _made(network: Network, held: NDArray[np.int64], method: str, rtol: float, keep: bool) -> Equilibrium:
    return Equilibrium(network, held, method, rtol, keep=keep)


def _shift(held: Floats) -> Floats:
    """(k,) voltages to work relative to: 0 within the held ones (n_held, k), else the nearest of them."""
    if not len(held):
        return np.zeros(held.shape[1])
    return np.clip(0.0, held.min(axis=0), held.max(axis=0))


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
    columns = real(values, what)
    if columns.ndim not in (1, 2) or columns.shape[0] != length:
        raise ValueError(f"{what} must have shape ({length},) or ({length}, k), not {columns.shape}")
    bad = np.argwhere(~np.isfinite(columns))
    if bad.size:
        raise ValueError(f"{what}[{bad[0][0]}] is {columns[tuple(bad[0])]}; it must be finite")
    return columns if columns.ndim == 2 else columns[:, None]
