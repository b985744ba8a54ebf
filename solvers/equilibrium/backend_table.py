"""Which backend solves a network fastest: one table of measured times, and the choice made from it."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from ohmlearn.kernels.linalg.index_type import index_type

from .backends import NARROW, installed

# Seconds of one core, cores of thinned Delaunay networks of mean degree 4.5 (1e2 to 4e6 nodes), rtol 1e-10: only their
# ratios matter here. Columns: setup of a new pattern, setup for new conductances, one iteration, iterations at uniform
# conductances and over 4 decades. Measured with benchmarks/solvers.py; see benchmarks/large.md.
SIZES = (28, 345, 3526, 35_826, 358_616, 1_436_039)        # rows of the core
MEASURED: dict[str, tuple[tuple[float, float, float, int, int], ...]] = {
    "superlu": ((4.9e-5, 4.9e-5, 2.2e-5, 1, 1), (5.2e-4, 5.2e-4, 7.0e-5, 1, 1), (6.6e-3, 6.6e-3, 6.3e-4, 1, 1),
                (0.135, 0.130, 7.2e-3, 1, 1), (4.2, 4.15, 0.107, 1, 1), (31.0, 28.0, 0.6, 1, 1)),
    "approximate-cholesky": ((1.8e-5, 1.6e-5, 4.3e-6, 13, 12), (8.6e-5, 8.3e-5, 8.5e-6, 23, 19),
                             (1.5e-3, 1.5e-3, 6.0e-5, 30, 27), (2.4e-2, 2.1e-2, 1.1e-3, 38, 31),
                             (0.60, 0.60, 1.55e-2, 46, 47), (2.9, 2.8, 0.104, 53, 39)),
    "cholmod": ((2.5e-5, 1.6e-5, 1.9e-5, 1, 1), (2.1e-4, 7.0e-5, 4.4e-5, 1, 1), (5.5e-3, 3.1e-3, 3.8e-4, 1, 1),
                (0.092, 0.068, 4.9e-3, 1, 1), (2.5, 1.6, 8.7e-2, 1, 1), (24.0, 13.2, 0.45, 1, 1)),
    "apxchol": ((4.6e-5, 4.4e-5, 9.5e-6, 13, 11), (3.8e-4, 3.7e-4, 2.0e-5, 22, 21), (4.0e-3, 3.9e-3, 8.2e-5, 29, 25),
                (5.6e-2, 5.5e-2, 1.24e-3, 35, 31), (1.0, 0.95, 1.44e-2, 44, 41), (5.5, 5.1, 0.095, 46, 40)),
    "amg": ((5.5e-5, 4.8e-5, 2.9e-4, 1, 1), (8e-5, 5.3e-5, 1.2e-3, 1, 1), (5.4e-3, 5.2e-3, 6.4e-4, 12, 29),
            (6.7e-2, 6.6e-2, 1.0e-2, 15, 32), (0.83, 0.80, 8.4e-2, 15, 47), (5.6, 4.95, 0.47, 16, 39)),
}
DIRECT = ("superlu", "cholmod")
EXACT = (*DIRECT, "dense")
HYSTERESIS = 1.5
# A kept factor, laid out anew (Backend.lighter): what an iteration takes of what it took, and what laying out takes of
# a setup. While conductances drift by 1 % a direct factor serves for REUSE solves of ITERATIONS each, and another
# backend saves the share SAVED of its iterations. Measured with benchmarks/drift.py, 1e5 nodes.
LIGHTER, LAYING = 0.45, 0.3
REUSE, ITERATIONS, SAVED = 30, 6, 0.2
UNSTEADY = ("apxchol",)     # bits depend on the number of threads: only as asked
# LAPACK on one core: operations a second of a Cholesky factor, bytes a second of its solves; and rows up to which it is
# thought of. A network is dense where its matrix has more than DENSE of all entries.
DENSE_RATE, DENSE_BYTES, DENSE_ROWS, DENSE = 2e10, 4e9, 20_000, 0.05
USUAL = 10.0    # entries a row of the matrices that the table was measured with
WIDE = 2000  # rows above which a network that is not planar-like (see `Traits.thin`) fills a direct factor up


@dataclass(frozen=True)
class Traits:
    """What a choice depends on.

    n_rows : rows of the core (`star_mesh`). thin : whether nodes can be numbered so that no edge reaches much further
    than √n, as in two dimensions; a direct factor of others fills up. contrast : decades that conductances span.
    n_rhs : right-hand sides per set of conductances. known : backends that have analysed the pattern before.
    drifting : whether every set of conductances is close to the one before, so that a factor serves for many.
    entries : of a row of the matrix, on average; 0 where it is not known.
    """

    n_rows: int
    thin: bool = True
    contrast: float = 0.0
    n_rhs: int = 1
    known: tuple[str, ...] = ()
    drifting: bool = False
    entries: float = 0.0

    @property
    def dense(self) -> bool:
        """Whether LAPACK may be the fastest."""
        return self.entries > DENSE * self.n_rows and self.n_rows <= DENSE_ROWS

    @property
    def wide(self) -> bool:
        """Whether 32 bits do not count the entries."""
        return index_type(int(self.entries * self.n_rows)) is np.int64


def seconds(method: str, traits: Traits) -> float:
    """Expected time of a backend for all right-hand sides at new conductances, from the table."""
    first, again, iteration, even, spread = _row(method, traits.n_rows)
    count = even + (spread - even) * min(traits.contrast / 4, 1.5)
    setup = again if method in traits.known else first
    if method not in EXACT and traits.entries > USUAL:
        setup, iteration = setup * traits.entries / USUAL, iteration * traits.entries / USUAL
    if traits.drifting and method in EXACT:
        return (1 + LAYING) * again / REUSE + traits.n_rhs * ITERATIONS * LIGHTER * iteration
    if traits.drifting:
        setup, count = again / REUSE, (1 - SAVED) * count
    return setup + traits.n_rhs * count * iteration


def worth(method: str, n_rows: int) -> float:
    """Iterations of a kept factor or hierarchy that a new one costs."""
    _, again, iteration, _, _ = _row(method, n_rows)
    return (1 + LAYING) * again / (LIGHTER * iteration) if method in EXACT else again / iteration


def better_known(present: str, traits: Traits) -> tuple[str, float, float]:
    """The backend that would be fastest if it had analysed the pattern, the seconds that it would gain on the one in
    use, and those that its analysis takes."""
    known = replace(traits, known=tuple(MEASURED))
    best, _ = choose(known)
    first, again, *_ = _row(best, traits.n_rows)
    price = 0.0 if best in traits.known else first - again
    return best, max(seconds(present, traits) - seconds(best, known), 0.0), price


@cache
def _row(method: str, n_rows: int) -> list[float]:
    """The table's columns at a number of rows, interpolated (and continued) in the logarithm."""
    if method == "dense":
        setup = 1e-5 + n_rows**3 / 3 / DENSE_RATE + 8.0 * n_rows**2 / DENSE_BYTES
        return [setup, setup, 1e-5 + 8.0 * n_rows**2 / DENSE_BYTES, 1.0, 1.0]
    rows, x = np.log(np.array(MEASURED[method])), np.log(max(n_rows, 2))
    sizes = np.log(SIZES)
    k = int(np.clip(np.searchsorted(sizes, x), 1, len(sizes) - 1))
    t = max((x - sizes[k - 1]) / (sizes[k] - sizes[k - 1]), 0.0 if k == 1 else -1.0)
    return [float(c) for c in np.exp(rows[k - 1] + t * (rows[k] - rows[k - 1]))]


def choose(traits: Traits, present: str = "", barred: Sequence[str] = ()) -> tuple[str, str]:
    """The backend that the table says is fastest among the installed ones, and why, in words.

    present : the backend in use, which stays unless another one is faster by more than HYSTERESIS. barred : backends
    that failed before.
    """
    direct = (traits.thin or traits.n_rows <= WIDE) and not (traits.dense and traits.n_rows > USUAL)
    times = {m: seconds(m, traits) for m in MEASURED
             if installed(m) and m not in UNSTEADY and (direct or m not in DIRECT)
             and not (traits.wide and m in NARROW)}
    if traits.dense:
        times["dense"] = seconds("dense", traits)
    times = {m: t for m, t in times.items() if m not in barred} or times
    best = min(times, key=lambda m: times[m])
    if present in times and times[present] <= HYSTERESIS * times[best]:
        best = present
    reason = (f"{traits.n_rows} rows, {traits.n_rhs} right-hand side{'s' if traits.n_rhs > 1 else ''} per "
              f"{'set of drifting conductances' if traits.drifting else 'factor'}")
    if others := [m for m in times if m != best]:
        second = min(others, key=lambda m: times[m])
        reason += f"; {second} would take {times[second] / times[best]:.1f} times as long"
    if barred:
        reason += f"; {' and '.join(barred)} did not reach the tolerance before"
    return best, reason if direct else reason + "; a direct factor would fill up"
