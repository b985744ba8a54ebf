"""Voltages of the free nodes, refined until the estimate of their errors is small enough, or refused."""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.linalg import blocked
from ohmlearn.kernels.linalg.laplacian import node_currents, node_currents_compensated, total_conductances
from ohmlearn.kernels.simd.vectors import aligned
from ohmlearn.network import connected_components
from ohmlearn.solvers.not_converged import NotConverged as NotConverged

from .backend_table import WIDE
from .conjugate_gradient import LANES, SEVERAL, largest, parts
from .grounded_laplacian import Laplacian
from .memory import available, bytes_needed
from .pair_resistance import PairResistance
from .preconditioner_reuse import ReusedPreconditioner, Stats
from .star_mesh import StarMesh

Floats = NDArray[np.float64]
OVERSHOOT = 1e-6  # how far voltages may lie outside those held where no current is injected, relative to the largest
ROUNDS = 4      # of refinement, at most
NEARLY = 0.9    # of the tolerance is where iterations stop, which leaves room for rounding and for the last check
FURTHER = 0.3   # where corrections stop: to begin anew for a step or two each time would bring little
SPREAD = 6.0    # decades of conductances beyond which sums over the edges of a node are compensated; and a degree
HUB = 256       # from which they are
COPIES = 2      # of a direct factor while it is laid out for pairs
TINY = 1e-60    # currents between this and its inverse are solved for as they are
ATTAINED = 1e-8     # errors that rounding leaves may be as large as this, relative to the voltages, whatever rtol


class RefinedSolve:
    """Solves L_FF x = b on the core of a network, and checks and refines the voltages of all free nodes.

    laplacian : L_FF. rtol : largest estimated error of a voltage, relative to the largest voltage difference. method,
    keep, threads : see :class:`Equilibrium`. stats : what the solves took.
    scaled : (n_edges,) the conductances in use, times 2^unit; mesh : the core.
    """

    def __init__(self, laplacian: Laplacian, method: str, rtol: float, keep: bool, threads: int = 1) -> None:
        self.laplacian, self.network, self.held, self.rtol = laplacian, laplacian.network, laplacian.held, rtol
        self.stats = Stats()
        self._solver = ReusedPreconditioner(method, laplacian.thin, not keep, self.stats)
        self.mesh = StarMesh(laplacian, laplacian.thin, threads)
        self._conductances: Floats | None = None
        self._last: Floats | None = None
        self._direct: PairResistance | None = None
        self.scaled = np.empty(0)
        self.unit, self._contrast = 0, 0.0
        self._hub = bool(self.network.degree.max() > HUB)

    def forget(self) -> None:
        """Drop what was kept of earlier solves."""
        self._conductances = self._last = None
        self._solver.forget()

    def take(self, g: Floats) -> None:
        """Take new conductances, in a unit of a power of two in which neither they nor their products overflow."""
        if self._conductances is not None and np.array_equal(g, self._conductances):
            return
        if not g.all():
            self.check_floating(connected_components(self.network.edges[g > 0], self.network.n_nodes))
        positive = g[g > 0]
        least, most = (float(positive.min()), float(positive.max())) if positive.size else (1.0, 1.0)
        middle = (np.log2(least) + np.log2(most)) / 2
        self.unit = 0 if abs(middle) < 200 else -round(middle)
        self._contrast = float(np.log10(most) - np.log10(least))
        self.scaled = np.ldexp(g, self.unit) if self.unit else g
        moved, ordered = mean_change(self._conductances, g), self.laplacian.sorted(self.scaled)
        self._solver.update(*self.mesh.reduce(self.scaled, ordered), self._contrast, moved, self.scaled,
                            self.mesh.parts)
        self._totals = np.empty(self.laplacian.n_rows)
        total_conductances(self._totals, self.laplacian.ends, ordered)
        self._conductances, self._direct = g, None

    def corrected(self, residuals: Floats) -> Floats:
        """L⁻¹ residuals, (n_nodes,) both, by iterations alone; 0 at held nodes."""
        right = self.laplacian.gather(residuals)[None]
        if not right.any():
            return np.zeros_like(residuals)
        if not self._solver.ready:
            self._solver.expect(1)
        rows = self.solve_core(right, None, np.zeros(1), True)
        return self.laplacian.scatter(rows[0], np.zeros(self.held.size))

    def pair_resistance(self) -> PairResistance | None:
        """Resistances of pairs on a direct factor at the conductances in use, kept until others are; None where that
        fills up or errs."""
        network = self.network
        if not self.laplacian.thin and self.mesh.n_rows > WIDE:
            return None
        if self._direct is None and COPIES * bytes_needed(network.n_nodes, network.n_edges, "superlu") > available():
            return None
        self._direct = self._direct or PairResistance(self.laplacian, self.mesh, self.scaled)
        return self._direct if self._direct.intact else None

    def rows(self, g: Floats, held: Floats, injected: Floats, start: Floats | None) -> Floats:
        """(k, n_rows) voltages of the free nodes, refined until their estimated errors are small enough; LANES at a
        time, so that what is worked on stays near.
        """
        self.take(g)
        count = held.shape[1]
        self._solver.expect(count)
        near = self._last if start is None else self.laplacian.gather(start).T
        found, iterations, error, residual = np.empty((self.laplacian.n_rows, count)).T, [], 0.0, 0.0
        for part in parts(count):
            guess = near if near is None or len(near) != count else near[part]
            width = part.stop - part.start
            more = LANES - width if width >= SEVERAL else 0     # lanes of zeros
            guess = _widened(guess.T, more).T if guess is not None and len(guess) == width else guess
            wide = self._some_rows(_widened(held[:, part], more), _widened(injected[:, part], more), guess)
            found[part] = wide[:width]
            iterations += self.stats.iterations[:width]
            error, residual = max(error, self.stats.error), max(residual, self.stats.residual)
        self.stats.iterations, self.stats.error, self.stats.residual = iterations, error, residual
        self._last = found
        return found

    def _some_rows(self, held: Floats, injected: Floats, guess: Floats | None) -> Floats:
        """(k, n_rows) for at most LANES right-hand sides, worked out relative to one of the held voltages, the nearest
        to 0 unless these lie on both sides of it."""
        lap = self.laplacian
        injected = np.ldexp(injected, self.unit) if self.unit else injected
        shift = _shift(held)
        held = held - shift
        driven = largest(injected.T) > 0.0
        rhs = aligned(lap.n_rows, len(shift)).T if len(shift) == LANES else np.zeros((len(shift), lap.n_rows))
        lap.add_held_currents(rhs, self.scaled, held)
        if driven.any():
            rhs += lap.gather(injected).T
        if guess is not None:
            guess = guess - (shift[:, None] if len(guess) == len(shift) else shift[0])
        span = np.ptp(held, axis=0) if len(held) else np.zeros(len(rhs))
        rows = self.solve_core(rhs, guess, np.where(driven, 0.0, span))
        rows, error = self._refine(rows, held, injected, driven, span)
        self.stats.error = float(error.max(initial=0.0))
        return rows + shift[:, None] if shift.any() else rows

    def solve_core(self, rhs: Floats, guess: Floats | None, scales: Floats, more: bool = False) -> Floats:
        """(k, n_rows) voltages, of which only those of the core take iterations; more : as corrections."""
        most = largest(rhs)
        if ((most > 0) & ~((most > TINY) & (most < 1 / TINY))).any():
            unit = np.frexp(most)[1]     # squares of numbers so far from 1 would overflow, or vanish
            near = None if guess is None or len(guess) != len(rhs) else np.ldexp(guess.T, -unit).T
            return np.ldexp(self.solve_core(np.ldexp(rhs.T, -unit).T, near, np.ldexp(scales, -unit), more).T, unit).T
        core, handed = self.mesh.restrict_rows(rhs)
        start, goal = None if guess is None else guess[:, self.mesh.kept], FURTHER if more else NEARLY
        if start is not None and len(rhs) < SEVERAL:
            start = np.ascontiguousarray(start)
        return self.mesh.extend_rows(self._solver.solve(core, start, scales, goal * self.rtol, more), handed)

    def _refine(self, rows: Floats, held: Floats, injected: Floats, driven: NDArray[np.bool_], span: Floats
                ) -> tuple[Floats, Floats]:
        """Correct rows (k, n_rows) until their errors are small enough; returns them and the estimated errors (k,).

        driven : (k,) whether currents are injected.
        """
        iterations, attempts = list(self.stats.iterations), 0
        while True:
            left = self._residuals(rows, held, injected, driven)
            scale = np.maximum(span, largest(rows))
            z, rounding = self._corrections(left)
            error, blur = largest(z), largest(rounding)
            bad = ~((error <= self.rtol * scale) & (blur <= max(ATTAINED, self.rtol) * scale))
            if self._solver.refines and np.isfinite(error).all():
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
            rows = rows.copy(order="K")
            rows[bad] += self.solve_core(left[bad], None, scale[bad], True)
            for k, more in zip(np.flatnonzero(bad), self.stats.iterations, strict=True):
                iterations[k] += more
            self.stats.iterations = iterations
        self.stats.residual = float(largest(left / self._totals).max(initial=0.0, where=scale > 0)
                                    / max(scale.max(initial=0.0), 1e-300))
        self._check_bounds(rows, held, ~driven)
        return rows, error + blur

    def _residuals(self, rows: Floats, held: Floats, injected: Floats, driven: NDArray[np.bool_]) -> Floats:
        """b - L v over the free nodes, (k, n_rows), from the edge list in the user's numbering."""
        lap, edges = self.laplacian, self.network.edges
        if len(rows) == LANES:
            return self._residuals_side_by_side(rows, held, injected)
        voltages = lap.scatter(rows.T, held)
        left = np.empty_like(rows)
        currents, carry = np.empty((2, self.network.n_nodes))
        for k in range(len(rows)):
            v = np.ascontiguousarray(voltages[:, k])
            if self._careful:
                currents[:] = -injected[:, k]
                node_currents_compensated(currents, carry, edges, self.scaled, v)
                left[k] = -lap.gather(currents)
            else:
                node_currents(currents, edges, self.scaled, v)
                left[k] = lap.gather(injected[:, k] - currents) if driven[k] else -lap.gather(currents)
        return left

    def _residuals_side_by_side(self, rows: Floats, held: Floats, injected: Floats) -> Floats:
        shape = self.network.n_nodes, LANES
        currents, voltages = aligned(*shape), aligned(*shape)
        voltages[self.laplacian.free], voltages[self.held] = rows.T, held
        if self._careful:
            np.negative(injected, out=currents)
            blocked.node_currents_compensated(currents, aligned(*shape), self.network.edges, self.scaled, voltages)
            np.negative(currents, out=currents)
        else:
            blocked.node_currents(currents, self.network.edges, self.scaled, voltages)
            np.subtract(injected, currents, out=currents)
        left = aligned(self.laplacian.n_rows, LANES)
        return np.take(currents, self.laplacian.free, axis=0, out=left, mode="clip").T

    @property
    def _careful(self) -> bool:
        return self._contrast > SPREAD or self._hub

    def _corrections(self, left: Floats) -> tuple[Floats, Floats]:
        """Estimates (k, n_rows) of what rows lack, and of what rounding of the residuals hides from them."""
        def correction(residuals: Floats) -> Floats:
            core, handed = self.mesh.restrict_rows(residuals)
            z, factor = self._solver.corrections(core)
            found = self.mesh.extend_rows(z, handed)
            if not np.isfinite(factor):
                found[:] = np.inf
            elif factor > 1.0:
                found *= factor
            return found
        rounding = 4 * np.finfo(float).eps * abs(left) if self._careful else None
        return correction(left), np.zeros((len(left), 1)) if rounding is None else correction(rounding)

    def _check_bounds(self, rows: Floats, held: Floats, quiet: NDArray[np.bool_]) -> None:
        """The maximum principle, where no current is injected."""
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
        names = ", ".join(self.network.label(int(node)) for node in self.laplacian.free[order[:count]])
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

    def check_floating(self, components: NDArray[np.int32]) -> None:
        """An error where a part of the network has no held node."""
        floating = np.flatnonzero(~np.isin(components, np.unique(components[self.held])))
        if floating.size:
            name = self.network.label(int(floating[0]))
            raise ValueError(f"node {name} floats: no held node in its part of the network "
                             f"({floating.size} such nodes), so its voltage is undefined; hold a node there")


def _widened(columns: Floats, more: int) -> Floats:
    """Columns with so many of zeros behind."""
    return np.pad(columns, ((0, 0), (0, more))) if more else np.ascontiguousarray(columns)


def _shift(held: Floats) -> Floats:
    """(k,) voltages to work relative to: 0 within the held ones (n_held, k), else the nearest of them."""
    if not len(held):
        return np.zeros(held.shape[1])
    return np.clip(0.0, held.min(axis=0), held.max(axis=0))


def mean_change(before: Floats | None, g: Floats) -> float:
    """Mean change of conductances relative to themselves; infinite where there were none before."""
    if before is None:
        return np.inf
    change, size = abs(g - before), g + before
    return 2 * float(np.mean(np.divide(change, size, out=change, where=size > 0)))
