"""A preconditioner that is kept while conductances drift, and made anew when that pays."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.linalg import blocked
from ohmlearn.kernels.simd.vectors import aligned

from .backend_table import DIRECT, WIDE, Traits, better_known, choose, worth
from .backends import Apply, Backend, installed, make
from .conjugate_gradient import (
    LANES,
    SEVERAL,
    conjugate_gradient,
    conjugate_gradient_block,
    largest,
    norm,
    residual,
    side_by_side,
)
from .node_order import Parts

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]
LIMIT = 400  # iterations of a fresh preconditioner before a solve is given up
CLOSE = 0.05    # conductances drift where they move by less than this share of themselves, on average,
FAR = 0.3       # and beyond this nothing of an old factor is worth a try
ALIKE = 4.5     # decades of conductances below which products with the assembled matrix lose nothing
FALL = 10.0     # nor where a conductance fell by this factor: the old factor would take errors there for small ones
GUESSED = 0.6   # of a first guess is what voltages are taken to be while they are not known
FALLBACK = ("approximate-cholesky", "amg", "cholmod", "superlu")      # what "auto" tries where its choice fails


@dataclass
class Stats:
    """What the solves of an :class:`ohmlearn.Equilibrium` took.

    method, reason : the backend in use, and why that one.
    n_solves : right-hand sides solved. n_setups : factors or hierarchies made; n_kept : times that new
    conductances were solved for with an old one. given_up : kept ones that did not get there and were replaced.
    iterations : of each right-hand side in the last call; total_iterations : of all so far.
    error : estimate of the largest error of a voltage in the last call, in volts (in the unit of the voltages).
    residual : largest |(L v - b)_i| / (L_ii V) of the last call over the free nodes i, formed anew from the edge list;
        V is the largest voltage difference.
    setup_seconds, solve_seconds : time spent so far.

    >>> import ohmlearn as ol
    >>> circuit = ol.Equilibrium(ol.Network.grid(4, 4), held=[0, 15])
    >>> v = circuit.solve(1.0, [1.0, 0.0])
    >>> circuit.stats.method, circuit.stats.error < 1e-9
    ('dense', True)
    """

    method: str = ""
    reason: str = ""
    n_solves: int = 0
    n_setups: int = 0
    n_kept: int = 0
    given_up: int = 0
    iterations: list[int] = field(default_factory=list)
    total_iterations: int = 0
    error: float = np.nan
    residual: float = np.nan
    setup_seconds: float = 0.0
    solve_seconds: float = 0.0


class Wear:
    """What the age of a preconditioner costs, in iterations of a right-hand side.

    age : matrices solved with it, 0 where there is none. fresh, last, extra : iterations when it was new, in the last
    solve, and above those when new, summed over its life.
    """

    def __init__(self) -> None:
        self.age, self.fresh, self.last, self.extra = 0, np.nan, 0.0, 0.0

    def renew(self) -> None:
        """A new one was made."""
        self.age, self.fresh, self.extra = 1, np.nan, 0.0

    def overdue(self, price: float) -> bool:
        """Whether a new one, which costs `price` iterations, would pay."""
        return self.age == 0 or self.last - self.fresh > (price + self.extra) / self.age

    def room(self, price: float) -> int:
        """Iterations that an old one may take before a new one is made; LIMIT for a new one."""
        if self.age <= 1 or not np.isfinite(self.fresh):
            return LIMIT
        return int(min(self.fresh + price + 5, LIMIT))

    def note(self, counts: Iterable[int]) -> None:
        """Remember the iterations that right-hand sides took."""
        taken = [count for count in counts if count > 0]
        if taken:
            self.last = float(np.mean(taken))
            self.fresh = self.last if np.isnan(self.fresh) else min(self.fresh, self.last)
            self.extra += max(self.last - self.fresh, 0.0)


class ReusedPreconditioner:
    """Solves matrix x = b for a matrix that changes, with a preconditioner as old as pays.

    Marginal cost against average cost: the preconditioner is replaced as soon as the iterations that its age
    costs in one solve exceed the average, over its life, of those and of what it cost to make (counted in
    iterations, from the table of `backend_table`). Counts decide, never a clock: the same calls give the same bits. A
    direct factor that is kept is laid out anew, to be applied in half the time.
    With "auto" a backend whose setup of a known pattern is quicker is taken once what it would have gained so far
    exceeds what its analysis costs; and one that is kept well as soon as conductances are seen to drift.
    always_new : make a new one for every new matrix.
    """

    def __init__(self, method: str, thin: bool, always_new: bool, stats: Stats) -> None:
        self._wanted, self._thin, self._always_new, self.stats = method, thin, always_new, stats
        self._backends: dict[str, Backend] = {}
        self._apply: Apply | None = None
        self._most_rhs = self._rhs_here = 0     # right-hand sides per matrix: most so far, and of the present one
        self._wear = Wear()
        self._known: set[str] = set()           # backends that have analysed the pattern
        self._present = ""                      # the one in use
        self._missed = 0.0                      # seconds that another would have gained with the pattern known
        self._close = 0                         # matrices in a row that were close to the one before
        self._barred: list[str] = []            # backends that did not reach the tolerance
        self._pinned = False                    # whether the present one is the fallback for this matrix
        self.gave_up = False                    # whether the last call ran out of iterations
        self._trust = self._slack = 1.0         # what errors are of how they look to the factor, at least; and at most
        if method != "auto":
            self._use(method, "as asked")

    def _use(self, method: str, reason: str) -> None:
        if method not in self._backends:
            self._backends[method] = make(method)
        if method != self._present:
            self._apply, self._missed = None, 0.0
        self._present = self.stats.method = method
        self.stats.reason = reason

    def forget(self) -> None:
        """Drop the preconditioner, and all that choices were made from."""
        self._apply = None
        self._most_rhs = self._close = 0
        self._known, self._missed, self._barred = set(), 0.0, []
        self._present = "" if self._wanted == "auto" else self._wanted

    def update(self, matrix: csr_array, excess: Floats, contrast: float, moved: float, conductances: Floats,
               parts: Parts | None = None) -> None:
        """Take a new matrix; its preconditioner is made when it is first needed.

        contrast : decades of its conductances; moved : by how much of themselves they differ from those before.
        conductances : (n_edges,) of the network. parts : of the rows, for threads; None for one.
        """
        self._parts = parts or Parts.whole(excess.size)
        self.matrix, self._excess, self._contrast, self._conductances = matrix, excess, contrast, conductances
        self._rhs_here, self._pinned = 0, False
        self._close = self._close + 1 if moved < CLOSE else 0
        if self._always_new or moved > FAR or self._overdue():
            self._apply = None
        if self._apply is not None:
            self._slack = largest_fall(self._made_for, conductances)
            if self._slack > FALL:
                self._apply = None
        if self._apply is not None:
            self._wear.age += 1
            self.stats.n_kept += 1
            if self._wear.age == 2:
                begin = perf_counter()
                self._apply = self._backends[self._present].lighter() or self._apply
                self.stats.setup_seconds += perf_counter() - begin

    def _overdue(self) -> bool:
        return self._apply is None or self._wear.overdue(
            self._price(self.matrix.shape[0], max(self._most_rhs, 1)))

    def expect(self, n_rhs: int) -> None:
        """Choose for so many right-hand sides more: with "auto" the backend for as many per matrix as there ever were.
        """
        self._rhs_here += n_rhs
        self.stats.n_solves += n_rhs
        self._most_rhs = max(self._most_rhs, self._rhs_here)
        if self._wanted == "auto" and not self._pinned and (self._apply is None or self._rhs_here == self._most_rhs):
            drifting = self._close >= 2 and not self._always_new
            traits = Traits(self.matrix.shape[0], self._thin, self._contrast, self._most_rhs,
                            tuple(sorted(self._known)), drifting, self.matrix.nnz / self.matrix.shape[0])
            if self._apply is None and self._present and not drifting:
                other, gain, price = better_known(self._present, traits)
                self._missed += gain
                if self._missed > price and other != self._present and other not in self._barred:
                    self._use(other, f"{self.matrix.shape[0]} rows; sets of conductances so far would have been solved "
                              f"{self._missed:.2g} s faster had its analysis, {price:.2g} s, been made before")
                    return
            self._use(*choose(traits, self._present, self._barred))

    def _prepare(self) -> Apply:
        if self._apply is None:
            begin = perf_counter()
            backend = self._backends[self._present]
            try:
                self._apply = backend.prepare(self.matrix, self._excess, self._parts)
                self._trust = 1.0 if backend.conserves else trust_in(self._apply(self._excess))
            except (RuntimeError, ArithmeticError, np.linalg.LinAlgError):      # not positive definite, to its rounding
                self._apply, self._trust = Apply(np.zeros_like, np.zeros_like), 0.0
            self._known |= {self._present}
            self._wear.renew()
            self._made_for, self._slack = self._conductances, 1.0
            self.stats.n_setups += 1
            self.stats.setup_seconds += perf_counter() - begin
        return self._apply

    @property
    def refines(self) -> bool:
        """Whether the correction that the preconditioner asks for is better made than not: it is exact and new."""
        return self._wear.age == 1 and self._trust > 0.99 and self._backends[self._present].exact

    @property
    def ready(self) -> bool:
        """Whether a backend has been chosen."""
        return self._present != ""

    def corrections(self, residuals: Floats) -> tuple[Floats, float]:
        """M⁻¹ residuals (k, n), estimates of the errors, and the factor by which these may be larger."""
        apply = self._prepare()
        if len(residuals) < SEVERAL:
            z = np.stack([apply(r) for r in residuals])
        else:
            z = apply.block(side_by_side(residuals)).T[:len(residuals)]
        return z, self._slack / self._trust if self._trust > 0 else np.inf

    def solve(self, rhs: Floats, starts: Floats | None, scales: Floats, rtol: float, more: bool = False) -> Floats:
        """x (k, n) for at most LANES right-hand sides (k, n), one a row, to errors of rtol times scales (k,), if it
        can.

        scales : size of the voltages; 0 where it is to be found from the solution. more : these are corrections of
            what was solved for before, which say nothing of how many iterations the preconditioner takes.
        """
        setup_before, begin = self.stats.setup_seconds, perf_counter()
        self.gave_up = False
        starts = None if starts is None or (len(starts) != len(rhs) and len(rhs) > 1) else starts
        if len(rhs) < SEVERAL:
            x, counts = np.empty_like(rhs), np.zeros(len(rhs), dtype=np.int64)
            for k, b in enumerate(rhs):
                start = _better(self.matrix, self._excess, b, starts, k)
                x[k], counts[k] = self._solve_one(b, start, scales[k], rtol, len(rhs))
        else:
            x, counts = self._solve_block(rhs, starts, scales, rtol, len(rhs))
        self.stats.iterations = counts.tolist()
        self.stats.total_iterations += sum(self.stats.iterations)
        if not more and self._apply is not None:
            self._wear.note(self.stats.iterations)
        self.stats.solve_seconds += perf_counter() - begin - (self.stats.setup_seconds - setup_before)
        return x

    def _solve_block(self, rhs: Floats, starts: Floats | None, scales: Floats, rtol: float, n_rhs: int
                     ) -> tuple[Floats, NDArray[np.int64]]:
        """`_solve_one` for at most LANES right-hand sides (k, n), side by side; those of 0 do not count."""
        k, b, apply = len(rhs), side_by_side(rhs), self._prepare()
        start = None if starts is None else _better_lanes(self.matrix, self._excess, b, side_by_side(starts))
        if self.refines:
            left = b if start is None else b - _product(self.matrix, self._excess, start)
            x = apply.block(np.ascontiguousarray(left) if start is None else side_by_side(left.T))
            return (x if start is None else x + start).T[:k], np.ones(k, dtype=np.int64)
        sizes = np.ones(LANES)
        sizes[:k] = scales
        if (sizes == 0.0).any():
            found = largest((apply.block(b) if start is None else start).T)
            sizes = np.where(sizes == 0.0, GUESSED * found, sizes)
        x, counts, done = self._iterate_block(b, start, rtol * sizes, self._wear.room(self._price(rhs.shape[1], n_rhs)))
        if not done[:k].all() and self._wear.age > 1:
            self._apply = None
            self.stats.given_up += 1
            x, more, done = self._iterate_block(b, x, rtol * sizes, LIMIT)
            counts = counts + more
        self.gave_up = self.gave_up or not done[:k].all()
        return x.T[:k], counts[:k]

    def _iterate_block(self, b: Floats, start: Floats | None, goals: Floats, limit: int
                       ) -> tuple[Floats, NDArray[np.int64], NDArray[np.bool_]]:
        apply = self._prepare()
        if self._trust == 0.0:
            return np.zeros_like(b) if start is None else start, np.zeros(LANES, np.int64), np.zeros(LANES, dtype=bool)
        return conjugate_gradient_block(self.matrix, self._excess, b, apply.block, start,
                                        goals * self._trust / self._slack, limit)

    def _price(self, n_rows: int, n_rhs: int) -> float:
        """Iterations of a right-hand side that a new preconditioner costs."""
        return worth(self._present, n_rows) / n_rhs

    def _solve_one(self, b: Floats, start: Floats | None, scale: float, rtol: float, n_rhs: int) -> tuple[Floats, int]:
        if not b.any():
            return np.zeros_like(b), 0
        apply = self._prepare()
        if self.refines:
            correction = apply(b if start is None else residual(self.matrix, self._excess, b, start))
            return correction if start is None else start + correction, 1
        if scale == 0.0:
            scale = GUESSED * float(abs(apply(b) if start is None else start).max())
        x, count, done = self._iterate(b, start, rtol * scale, self._wear.room(self._price(b.size, n_rhs)))
        if not done and self._wear.age > 1:
            self._apply = None
            self.stats.given_up += 1
            x, more, done = self._iterate(b, x, rtol * scale, LIMIT)
            count += more
        self.gave_up = self.gave_up or not done
        return x, count

    def _iterate(self, b: Floats, start: Floats | None, goal: float, limit: int) -> tuple[Floats, int, bool]:
        apply = self._prepare()
        if self._trust == 0.0:
            return np.zeros_like(b) if start is None else start, 0, False
        return conjugate_gradient(self.matrix, self._excess, b, apply, start, goal * self._trust / self._slack, limit,
                                  self._contrast < ALIKE, self._parts)

    def fall_back(self) -> bool:
        """With "auto": go on with another backend, since the present one does not get there; False if none is left."""
        self._barred.append(self._present)
        for method in FALLBACK if self._wanted == "auto" else ():
            if method not in self._barred and installed(method) and (method not in DIRECT or self._fits()):
                failed, self._pinned = " and ".join(self._barred), True
                self._use(method, f"fallback: {failed} did not reach the tolerance on these conductances")
                return True
        return False

    def _fits(self) -> bool:
        """Whether a direct factor is likely to fit: of what is planar-like, or small."""
        return self._thin or self.matrix.shape[0] <= WIDE


def _better(matrix: csr_array, excess: Floats, b: Floats, starts: Floats | None, k: int) -> Floats | None:
    """The k-th start if its residual is below that of zero."""
    if starts is None or k >= len(starts):
        return None
    return starts[k] if norm(residual(matrix, excess, b, starts[k])) < norm(b) else None


def _product(matrix: csr_array, excess: Floats, x: Floats) -> Floats:
    """L x for (n, LANES) x."""
    product, unused = aligned(*x.shape), aligned(1, LANES)
    blocked.times(product, unused, matrix.indptr, matrix.indices, matrix.data, excess, x)
    return product


def _better_lanes(matrix: csr_array, excess: Floats, b: Floats, starts: Floats) -> Floats:
    """The starts whose residuals are below those of zero, zero in the other lanes."""
    left = np.linalg.norm(b - _product(matrix, excess, starts), axis=0)
    starts[:, ~(left < np.linalg.norm(b, axis=0))] = 0.0
    return starts


def largest_fall(before: Floats, after: Floats) -> float:
    """Largest factor by which a conductance fell; an old factor may take errors for smaller ones by as much."""
    ratio = np.divide(before, after, out=np.ones_like(after), where=after > 0)
    gone = after.size > np.count_nonzero(after) and bool(((before > 0) & (after == 0)).any())
    return np.inf if gone else float(ratio.max(initial=1.0))


def trust_in(ones: Floats) -> float:
    """What is left of the unit vector e in M⁻¹ L e (n,), at least: 1 if M is exact. A factor whose rounding ties a part
    of the network to ground makes it much smaller there, and errors of that part look smaller by as much."""
    low, high = float(ones.min()), float(ones.max())
    return min(low, 1.0 / high) if low > 0.0 and np.isfinite(high) else 0.0
