"""Solves with the core of a network over ranks, with a preconditioner that is kept as long as that pays."""
from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.linalg.krylov import advance, dot, dot_and_largest, redirect
from ohmlearn.solvers.equilibrium.backend_table import worth
from ohmlearn.solvers.equilibrium.conjugate_gradient import LAST
from ohmlearn.solvers.equilibrium.preconditioner_reuse import (
    ALIKE,
    FALL,
    FAR,
    GUESSED,
    LIMIT,
    Stats,
    Wear,
    largest_fall,
    trust_in,
)

from .border_factor import BorderFactor
from .petsc_multigrid import PetscMultigrid
from .rank_rows import RankRows
from .reductions import RankSums

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]
METHODS = ("auto", "approximate-cholesky", "petsc")


class Preconditioner(Protocol):
    """What turns residuals over ranks into corrections. conserves : see `ohmlearn.solvers.equilibrium.backends`."""

    conserves: bool

    def prepare(self, matrix: csr_array | None, excess: Floats) -> None:
        """Make it for a matrix of `RankRows.reduce`."""

    def __call__(self, residual: Floats) -> Floats:
        """(n_core,) corrections."""


class RankSolve:
    """The same for ranks as :class:`ohmlearn.solvers.equilibrium.preconditioner_reuse.ReusedPreconditioner`, by the
    same rules, one right-hand side at a time. All ranks must make all calls.
    """

    def __init__(self, rows: RankRows, sums: RankSums, method: str, keep: bool, stats: Stats) -> None:
        self.rows, self.sums, self.stats, self._keep = rows, sums, stats, keep
        self._method = "approximate-cholesky" if method == "auto" else method
        self._preconditioner: Preconditioner = \
            PetscMultigrid(rows, sums) if method == "petsc" else BorderFactor(rows, sums)
        self._made = self.gave_up = False
        self._wear, self._trust, self._slack = Wear(), 1.0, 1.0
        self._rhs_here = self._most_rhs = 0
        self._n_rows = int(sums.sum(float(rows.n_core))[0])
        stats.method = self._method

    def forget(self) -> None:
        """Drop the preconditioner."""
        self._made, self._most_rhs = False, 0

    def update(self, matrix: csr_array | None, excess: Floats, contrast: float, moved: float, conductances: Floats
               ) -> None:
        """Take a new matrix; arguments as those of `ReusedPreconditioner.update`, conductances (edges,) of this rank.
        """
        self.matrix, self.excess, self._near, self._conductances = matrix, excess, contrast < ALIKE, conductances
        self._rhs_here = 0
        if not self._keep or moved > FAR or self._wear.overdue(self._price(max(self._most_rhs, 1))):
            self._made = False
        if self._made:
            self._slack = float(self.sums.largest(largest_fall(self._made_for, conductances))[0])
            self._made = self._slack <= FALL
        if self._made:
            self._wear.age += 1
            self.stats.n_kept += 1

    def _price(self, n_rhs: int) -> float:
        """Iterations of a right-hand side that a new preconditioner costs."""
        row = "amg" if self._method == "petsc" else self._method
        return worth(row, self._n_rows // self.sums.comm.size) / n_rhs

    def expect(self, n_rhs: int) -> None:
        """So many right-hand sides follow."""
        self._rhs_here += n_rhs
        self.stats.n_solves += n_rhs
        self._most_rhs = max(self._most_rhs, self._rhs_here)

    def _prepare(self) -> None:
        if self._made:
            return
        begin = perf_counter()
        self._preconditioner.prepare(self.matrix, self.excess)
        self._trust = 1.0
        if not self._preconditioner.conserves:
            ones = self._preconditioner(self.excess[:self.rows.n_core].copy())
            most, least = self.sums.largest(float(ones.max(initial=-np.inf)), float((-ones).max(initial=-np.inf)))
            self._trust = trust_in(np.array([-least, most]))
        self._wear.renew()
        self._made, self._slack, self._made_for = True, 1.0, self._conductances
        self.stats.n_setups += 1
        self.stats.setup_seconds += perf_counter() - begin

    def correction(self, residuals: Floats) -> tuple[Floats, float]:
        """M⁻¹ residuals (n_core,), estimates of the errors, and the factor by which these may be larger."""
        self._prepare()
        return self._preconditioner(residuals), self._slack / self._trust if self._trust > 0 else np.inf

    def solve(self, b: Floats, start: Floats | None, scale: float, rtol: float, more: bool = False) -> Floats:
        """x (n_core,) to errors of rtol times scale, if it can. Arguments as those of `ReusedPreconditioner.solve`."""
        before, begin = self.stats.setup_seconds, perf_counter()
        self.gave_up = False
        x, count = self._solve(b, start, scale, rtol)
        self.stats.iterations = [count]
        self.stats.total_iterations += count
        if not more:
            self._wear.note([count])
        self.stats.solve_seconds += perf_counter() - begin - (self.stats.setup_seconds - before)
        return x

    def _solve(self, b: Floats, start: Floats | None, scale: float, rtol: float) -> tuple[Floats, int]:
        if not self.sums.largest(float(abs(b).max(initial=0.0)))[0] > 0.0:
            return np.zeros_like(b), 0
        self._prepare()
        if start is not None:
            left = residual(self.rows, self.matrix, self.excess, b, start)
            ours, zeros = self.sums.sum(dot(left, left), dot(b, b))
            start = start if ours < zeros else None
        if scale == 0.0:
            found = self._preconditioner(b) if start is None else start
            scale = GUESSED * float(self.sums.largest(float(abs(found).max(initial=0.0)))[0])
        x, count, done = self._iterate(b, start, rtol * scale, self._wear.room(self._price(1)))
        if not done and self._wear.age > 1:
            self._made = False
            self.stats.given_up += 1
            x, again, done = self._iterate(b, x, rtol * scale, LIMIT)
            count += again
        self.gave_up = not done
        return x, count

    def _iterate(self, b: Floats, start: Floats | None, goal: float, limit: int) -> tuple[Floats, int, bool]:
        self._prepare()
        if self._trust == 0.0:
            return np.zeros_like(b) if start is None else start, 0, False
        return conjugate_gradient(self.rows, self.sums, self.matrix, self.excess, b, self._preconditioner, start,
                                  goal * self._trust / self._slack, limit, self._near)


def residual(rows: RankRows, matrix: csr_array | None, excess: Floats, b: Floats, x: Floats) -> Floats:
    """b - L x (n_core,) from differences of x (n_core,)."""
    found = np.empty_like(b)
    rows.product(found, matrix, excess, _with_neighbours(rows, x), False)
    return b - found


def conjugate_gradient(rows: RankRows, sums: RankSums, matrix: csr_array | None, excess: Floats, b: Floats,
                       precondition: Callable[[Floats], Floats], start: Floats | None, goal: float, limit: int,
                       near: bool) -> tuple[Floats, int, bool]:
    """Solve L x = b, each rank its own rows (n_core,); returns x, iterations and whether it got there, the last two
    alike on all ranks.

    matrix, excess : of `RankRows.reduce`. The rest is as in
    :func:`ohmlearn.solvers.equilibrium.conjugate_gradient.conjugate_gradient`, with sums and maxima over all ranks.
    """
    x = np.zeros_like(b) if start is None else start.copy()
    r = b.copy() if start is None else residual(rows, matrix, excess, b, x)
    p, q, rz = np.zeros(rows.n_columns), np.empty_like(b), np.inf
    for iterations in range(limit + 1):
        z = precondition(r)
        before = rz
        every = sums.gathered(dot_and_largest(r, z))
        rz, largest = float(every[:, 0].sum()), float(every[:, 1].max())
        if largest <= goal:
            return x, iterations, True
        if iterations == limit or not rz > 0.0:
            break
        redirect(p[:rows.n_core], z, rz / before)
        curvature = float(sums.sum(rows.product(q, matrix, excess, p, near))[0])
        if not curvature > 0.0:
            break
        advance(x, r, rz / curvature, p[:rows.n_core], q)
        if largest <= LAST * goal:
            return x, iterations + 1, True
    return x, iterations, False


def _with_neighbours(rows: RankRows, x: Floats) -> Floats:
    columns = np.zeros(rows.n_columns)
    columns[:rows.n_core] = x
    return columns
