"""The ways to solve with a grounded Laplacian: each makes a preconditioner, exact or nearly so, from a matrix."""
from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.linalg import blocked, factor_solves, packed_cholesky, sampled_cholesky
from ohmlearn.kernels.linalg.factor_solves import Factor
from ohmlearn.kernels.linalg.index_type import index_type
from ohmlearn.kernels.linalg.sampled_cholesky import MOST, Arcs, Waiting
from ohmlearn.kernels.simd.vectors import aligned

from .node_order import Parts

if TYPE_CHECKING:
    from scipy.sparse import csc_matrix, csr_array

Floats = NDArray[np.float64]
Ints = NDArray[np.integer]


class Apply:
    """A function from residual to correction, (n,) both; `block` does so for (n, LANES) of them, rows aligned.

    many : a function for (n, LANES) at once, where there is one.
    """

    def __init__(self, one: Callable[[Floats], Floats], many: Callable[[Floats], Floats] | None = None) -> None:
        self._one, self._many = one, many

    def __call__(self, residual: Floats) -> Floats:
        return self._one(residual)

    def block(self, residuals: Floats, out: Floats | None = None) -> Floats:
        """Corrections (n, LANES), in `out` where it is given."""
        found = aligned(*residuals.shape) if out is None else out
        if self._many is not None:
            found[:] = self._many(residuals)
        else:
            for lane in range(residuals.shape[1]):
                found[:, lane] = self._one(np.ascontiguousarray(residuals[:, lane]))
        return found


class FactorApply(Apply):
    """A factor of the layout of kernels/linalg/factor_solves.py. parts : those of its rows, where there are several.
    """

    def __init__(self, factor: Factor, parts: Parts | None = None) -> None:
        self.factor, self._parts = factor, parts
        self._scratch = np.empty(factor.order.size + factor.ends.size + 1)
        self._wide, self._placed = np.empty((0, 0)), factor

    def __call__(self, residual: Floats) -> Floats:
        x, y = np.empty_like(residual), self._scratch
        if self._parts is None or self._parts.threads == 1 or len(self._parts) == 1:
            factor_solves.apply(x, y, residual, self.factor)
        else:
            self._parts.share(lambda begin, end: factor_solves.go_down(y, residual, self.factor, begin, end))
            factor_solves.turn_round(y, self.factor)
            self._parts.share(lambda begin, end: factor_solves.go_up(x, y, self.factor, begin, end))
        return x

    def block(self, residuals: Floats, out: Floats | None = None) -> Floats:
        if not self._wide.size:
            self._wide = aligned(self.factor.order.size + 1, residuals.shape[1])
            self._placed = self.factor._replace(
                rows=factor_solves.places(self.factor.rows, self.factor.order, self.factor.ends))
        x = aligned(*residuals.shape) if out is None else out
        blocked.apply(x, self._wide, residuals, self._placed)
        return x


class Backend:
    """One way to solve; an object of it serves one pattern and may keep what depends on the pattern alone.

    exact : whether one application solves, but for rounding. conserves : whether its factor passes on all current, so
    that rounding cannot tie a part of strong edges to ground; factors of the assembled matrix may.
    """

    exact = False
    conserves = False

    def prepare(self, matrix: csr_array, excess: Floats, parts: Parts | None = None) -> Apply:
        """What turns residuals into corrections.

        matrix : (n, n) L_FF, sorted CSR. excess : (n,) conductance of every row to held nodes, its row sum. parts : of
        the rows, for threads; None for one.
        """
        raise NotImplementedError

    def require_narrow(self, matrix: csr_array) -> None:
        """Raise ValueError for a matrix whose entries 32 bits do not count."""
        if index_type(matrix.nnz) is not np.int32:
            raise ValueError(f"the library behind {type(self).__name__} counts entries with 32 bits, which are too few "
                             f"for {matrix.nnz}; take method 'approximate-cholesky'")

    def lighter(self) -> Apply | None:
        """What was prepared last, in a form that is quicker to apply and worth making for one that serves long;
        None where there is none."""
        return None

    def packed(self) -> Factor | None:
        """The factor prepared last in double precision; None where there is none, or it is not L D Lᵀ."""
        return None


def laid_out(order: Ints, lower: csc_matrix, scale: Floats, total: Floats, excess: Floats,
             dtype: type[np.floating[Any]] = np.float32) -> FactorApply:
    """A direct factor L D Lᵀ by our own loops, its entries in single precision: less than half the time.

    order : (n,) rows of the matrix in the order of elimination. lower : L, any scale. scale, total : (n,) its diagonal
    and D. excess : (n,) conductance of every row to held nodes.
    """
    count = int(np.count_nonzero(lower.data < 0)) + scale.size
    kind = index_type(count)
    starts, rows, share = np.empty(scale.size + 1, kind), np.empty(count, kind), np.empty(count, dtype)
    packed_cholesky.lay_out(starts, rows, share, order, lower.indptr, lower.indices, lower.data, scale, total,
                            excess[order])
    return FactorApply(Factor(order, starts, rows, share, total, *_one_part(scale.size)))


def _one_part(n: int) -> tuple[Ints, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The last fields of a factor that is made as a whole."""
    return (np.array([-1], dtype=np.int32), np.array([0, n, n]), np.array([0, n]), np.array([0, 1]))


class SuperLU(Backend):
    """Direct factor, with SciPy. Fill grows like n log n on planar networks and much faster elsewhere."""

    exact = True
    _factor: Any = None

    def prepare(self, matrix: csr_array, excess: Floats, parts: Parts | None = None) -> Apply:
        from scipy.sparse.linalg import splu

        self.require_narrow(matrix)
        # symmetric mode keeps the fill of the symmetric pattern; the diagonal of an M-matrix needs no pivoting
        factor = splu(matrix.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0,
                      options={"SymmetricMode": True})
        self._factor, self._excess = factor, excess

        @cache
        def wide() -> FactorApply | None:
            return self._laid_out(factor, np.float64)

        def many(r: Floats) -> Floats:
            packed = wide()
            return factor.solve(np.asfortranarray(r)) if packed is None else packed.block(r)
        return Apply(factor.solve, many)

    def lighter(self) -> Apply | None:
        factor, self._factor = self._factor, None
        return None if factor is None else self._laid_out(factor, np.float32)

    def packed(self) -> Factor | None:
        found = self._laid_out(self._factor, np.float64)
        return None if found is None else found.factor

    def _laid_out(self, factor: Any, dtype: type[np.floating[Any]]) -> FactorApply | None:
        if not np.array_equal(factor.perm_r, factor.perm_c):      # it pivoted: L D Lᵀ it is not
            return None
        order = np.argsort(factor.perm_c).astype(np.int32)
        return laid_out(order, factor.L, np.ones(order.size), factor.U.diagonal(), self._excess, dtype)


class ApproximateCholesky(Backend):
    """Sampled elimination, compiled: linear in size, indifferent to contrast; see
    kernels/linalg/sampled_cholesky.py."""

    conserves = True

    def prepare(self, matrix: csr_array, excess: Floats, parts: Parts | None = None) -> Apply:
        parts = parts or Parts.whole(matrix.shape[0])
        return FactorApply(SampledFactor(matrix, excess, parts).whole(), parts)


class SampledFactor:
    """The making of a sampled factor, part by part; `whole` adds the border, which `solvers/distributed` does itself.
    """

    def __init__(self, matrix: csr_array, excess: Floats, parts: Parts) -> None:
        n, count = excess.size, len(parts)
        touched = [parts.border[parts.touched(part)] for part in range(count)]
        self.terminals = np.cumsum([0, *(1 + rows.size for rows in touched)])
        self.kind = kind = index_type(int(self.terminals[-1]) + matrix.nnz + 4 * n)     # nodes; arcs
        self.matrix, self.excess, self.parts = matrix, excess, parts
        self.border = np.full(n, -1, dtype=kind)
        self.border[parts.border] = np.arange(parts.border.size, dtype=kind)
        self.ends = np.concatenate([np.append(-1, rows) for rows in touched]).astype(kind)
        self.head = np.full(n + self.ends.size, -1, dtype=kind)
        self.counts, self.mark = np.zeros_like(self.head), np.full_like(self.head, -1)
        self.before, self.after = np.empty(n, dtype=kind), np.empty(n, dtype=kind)
        self.arcs: list[Any] = [None] * count
        self._made: list[Any] = [None] * count

        def some(begin: int, end: int) -> None:
            for part in range(begin, end):
                self._made[part] = self._of_part(part)

        parts.share(some)

    def whole(self) -> Factor:
        """The factor of all rows."""
        return self._joined(self._of_border())

    def of_parts(self) -> Factor:
        """The same with empty columns for border rows."""
        rows = self.parts.border.astype(np.int32)
        return self._joined((rows, np.zeros(rows.size + 1, np.int32), np.empty(0, np.int32), np.empty(0, np.float32),
                             np.ones(rows.size)))

    def left(self, part: int) -> tuple[NDArray[np.int64], Floats]:
        """Edges (k, 2) between border rows, by their numbers in the border, -1 for ground, that the elimination of a
        part has left, and their weights (k,)."""
        first, last = (self.excess.size + self.terminals[part:part + 2]).tolist()
        numbers = np.append(-1, np.arange(self.parts.border.size)[self.parts.touched(part)])
        count = sampled_cholesky.count_left(self.arcs[part], first, last) // 2
        edges, weights = np.empty((count, 2), np.int64), np.empty(count)
        sampled_cholesky.edges_left(edges, weights, self.arcs[part], first, numbers)
        return edges, weights

    def _joined(self, border: tuple[Any, ...]) -> Factor:
        made = [*self._made, border]
        sizes = [order.size for order, *_ in made]
        lengths = np.cumsum([0, *(rows.size for _, _, rows, _, _ in made)])
        starts = np.concatenate([[0], *(starts[1:] + begin for (_, starts, *_), begin in
                                        zip(made, lengths[:-1], strict=True))]).astype(index_type(int(lengths[-1])))
        order, rows, share, total = (np.concatenate([piece[k] for piece in made]) for k in (0, 2, 3, 4))
        return Factor(order, starts, rows, share, total, self.ends, np.cumsum([0, *sizes]), self.parts.bounds,
                      self.terminals)

    def _arcs(self, count: int, head: Ints) -> Arcs:
        node, back, following = (np.empty(count, dtype=self.kind) for _ in range(3))
        return Arcs(node, np.empty(count), back, following, head)

    def _of_part(self, part: int) -> tuple[Any, ...]:
        """Order, starts, rows, share and total of a part."""
        a, parts, indptr = self.matrix, self.parts, self.matrix.indptr
        first, last = parts.bounds[part:part + 2].tolist()
        near = parts.border[parts.touched(part)]
        n_terminals, own = 1 + near.size, int(parts.first[part + 1] - parts.first[part])
        size = int(indptr[last] - indptr[first] - (last - first) + 2 * np.count_nonzero(self.excess[first:last])
                   + (indptr[near + 1] - indptr[near]).sum())
        ground = int(self.excess.size + self.terminals[part])
        self.arcs[part] = arcs = self._arcs(size, self.head)
        waiting = Waiting(self.counts, self.before, self.after, np.empty(MOST + 1, dtype=self.kind))
        sampled_cholesky.fill_arcs(arcs, waiting, first, last, ground, ground + 1 - int(parts.first[part]), self.border,
                                   a.indptr, a.indices, a.data, self.excess)
        return self._eliminated(last - first - own, self.mark, n_terminals, arcs, waiting, part + 1)

    def _of_border(self) -> tuple[Any, ...]:
        """The same of the border, which is eliminated last, with what parts have left between their terminals."""
        a, rows, n = self.matrix, self.parts.border, self.excess.size
        spans = list(zip((n + self.terminals[:-1]).tolist(), (n + self.terminals[1:]).tolist(), strict=True))
        left = sum(sampled_cholesky.count_left(arcs, *span) for arcs, span in zip(self.arcs, spans, strict=True))
        size = int(left + (a.indptr[rows + 1] - a.indptr[rows]).sum() + 2 * rows.size)
        arcs = self._arcs(size, np.full(rows.size + 1, -1, dtype=self.kind))
        waiting = Waiting(np.zeros(rows.size + 1, dtype=self.kind), *(np.empty(k, dtype=self.kind)
                                                                   for k in (rows.size, rows.size, MOST + 1)))
        e = sampled_cholesky.fill_border(arcs, waiting, rows, self.border, a.indptr, a.indices, a.data, self.excess)
        for part, (first, last) in enumerate(spans):
            ends = self.ends[first - n:last - n]
            e = sampled_cholesky.hand_on(arcs, waiting, e, self.arcs[part], first, ends, self.border)
        sampled_cholesky.enqueue_all(waiting)
        mark = np.full(rows.size + 1, -1, dtype=self.kind)
        order, *rest = self._eliminated(rows.size, mark, 1, arcs, waiting, len(self.parts) + 1)
        known = np.append(rows, n + self.ends.size).astype(self.kind)
        return known[order], rest[0], known[rest[1]], *rest[2:]

    def _eliminated(self, count: int, mark: Ints, n_terminals: int, arcs: Arcs, waiting: Waiting, seed: int
                    ) -> tuple[Any, ...]:
        order, starts, total = np.empty(count, self.kind), np.empty(count + 1, np.int64), np.empty(count)
        rows, share = sampled_cholesky.factorise(order, starts, total, mark, n_terminals, arcs, waiting, seed)
        return order, starts, rows, share, total


class Dense(Backend):
    """LAPACK's Cholesky factor of the whole matrix: for networks in which most pairs of nodes are joined."""

    exact = True

    def prepare(self, matrix: csr_array, excess: Floats, parts: Parts | None = None) -> Apply:
        from scipy.linalg import cho_factor, cho_solve

        factor = cho_factor(matrix.toarray(order="F"), lower=True, overwrite_a=True, check_finite=False)
        return Apply(*2 * (lambda r: cho_solve(factor, r, check_finite=False),))


class Multigrid(Backend):
    """Smoothed aggregation, with PyAMG: strong couplings above 2 % keep iterations few at high contrast.

    PyAMG starts its estimates of spectral radii from NumPy's global generator; SEED sets it while a hierarchy is made,
    and what it was is put back.
    """

    SEED = 0

    def prepare(self, matrix: csr_array, excess: Floats, parts: Parts | None = None) -> Apply:
        import pyamg
        from scipy.sparse import csr_matrix

        self.require_narrow(matrix)
        a = csr_matrix((matrix.data, matrix.indices, matrix.indptr), shape=matrix.shape, copy=False)
        smoother = ("gauss_seidel", {"sweep": "symmetric"})
        with _GLOBAL_GENERATOR:
            before = np.random.get_state()      # noqa: NPY002
            np.random.seed(self.SEED)           # noqa: NPY002
            try:
                hierarchy: Any = pyamg.smoothed_aggregation_solver(
                    a, strength=("symmetric", {"theta": 0.02}), max_coarse=500, coarse_solver="splu",
                    improve_candidates=None, presmoother=smoother, postsmoother=smoother)
            finally:
                np.random.set_state(before)     # noqa: NPY002
        cycle = hierarchy.aspreconditioner(cycle="V")
        return Apply(lambda r: cycle @ r)


class Cholmod(Backend):
    """Direct factor, with SuiteSparse through scikit-sparse (extra `cholmod`); the analysis is kept."""

    exact = True

    def __init__(self) -> None:
        self._factor: Any = None

    def prepare(self, matrix: csr_array, excess: Floats, parts: Parts | None = None) -> Apply:
        from scipy.sparse import csc_matrix
        from sksparse.cholmod import CholmodNotPositiveDefiniteError, analyze

        self.require_narrow(matrix)
        a = csc_matrix((matrix.data, matrix.indices, matrix.indptr), shape=matrix.shape, copy=False)
        if self._factor is None:
            self._factor = analyze(a)
        try:
            self._factor.cholesky_inplace(a)
        except CholmodNotPositiveDefiniteError as error:
            raise np.linalg.LinAlgError(str(error)) from error
        factor, self._excess = self._factor, excess
        return Apply(factor.solve_A, factor.solve_A)

    def lighter(self) -> Apply | None:
        lower = self._factor.L()
        diagonal = lower.diagonal()
        return laid_out(self._factor.P().astype(np.int32), lower, diagonal, diagonal**2, self._excess)

    def packed(self) -> Factor | None:
        lower = self._factor.L()
        diagonal = lower.diagonal()
        order = self._factor.P().astype(np.int32)
        return laid_out(order, lower, diagonal, diagonal**2, self._excess, np.float64).factor


class ApxChol(Backend):
    """Approximate Cholesky of the package apxchol (extra `apxchol`).

    Its bits depend on the number of threads (OMP_NUM_THREADS), so that "auto" never takes it.
    """

    def prepare(self, matrix: csr_array, excess: Floats, parts: Parts | None = None) -> Apply:
        import apxchol
        from scipy.sparse import csc_matrix

        self.require_narrow(matrix)
        a = csc_matrix((matrix.data, matrix.indices, matrix.indptr), shape=matrix.shape, copy=False)
        factor = apxchol.factorize(a, keep_factor=False)
        return Apply(factor.apply)


BACKENDS: dict[str, Callable[[], Backend]] = {
    "superlu": SuperLU, "approximate-cholesky": ApproximateCholesky, "amg": Multigrid, "dense": Dense,
    "cholmod": Cholmod, "apxchol": ApxChol,
}
_GLOBAL_GENERATOR = Lock()
NARROW = ("superlu", "amg", "cholmod", "apxchol")     # libraries that count entries with 32 bits
NEEDS = {"cholmod": ("sksparse", "scikit-sparse"), "apxchol": ("apxchol", "apxchol")}


@cache
def installed(method: str) -> bool:
    """Whether what a backend needs can be imported."""
    return method not in NEEDS or find_spec(NEEDS[method][0]) is not None


def make(method: str) -> Backend:
    """A backend by name; an error that says what to install where it is missing."""
    if method not in BACKENDS:
        raise ValueError(f"method must be 'auto' or one of {', '.join(BACKENDS)}, not {method!r}")
    if not installed(method):
        library = ", which is built against SuiteSparse (Debian: apt install libsuitesparse-dev)"
        raise ValueError(f"method {method!r} needs the package {NEEDS[method][1]}: pip install 'ohmlearn[{method}]'"
                         + (library if method == "cholmod" else ""))
    return BACKENDS[method]()
