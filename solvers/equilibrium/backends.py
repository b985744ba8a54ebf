"""The ways to solve with a grounded Laplacian: each makes a preconditioner, exact or nearly so, from a matrix."""
from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.linalg import blocked, packed_cholesky, sampled_cholesky
from ohmlearn.kernels.linalg.sampled_cholesky import MOST, Arcs, Factor, Waiting
from ohmlearn.kernels.simd.vectors import aligned

if TYPE_CHECKING:
    from scipy.sparse import csc_matrix, csr_array

Floats = NDArray[np.float64]


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
    """A factor of the layout of kernels/linalg/sampled_cholesky.py."""

    def __init__(self, factor: Factor) -> None:
        self.factor, n = factor, factor.order.size
        self._scratch, self._wide, self._placed = np.empty(n + 1), np.empty((0, 0)), factor

    def __call__(self, residual: Floats) -> Floats:
        x = np.empty_like(residual)
        sampled_cholesky.apply(x, self._scratch, residual, self.factor)
        return x

    def block(self, residuals: Floats, out: Floats | None = None) -> Floats:
        if not self._wide.size:
            self._wide = aligned(self._scratch.size, residuals.shape[1])
            self._placed = self.factor._replace(rows=sampled_cholesky.places(self.factor.rows, self.factor.order))
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

    def prepare(self, matrix: csr_array, excess: Floats) -> Apply:
        """What turns residuals into corrections.

        matrix : (n, n) L_FF, sorted CSR. excess : (n,) conductance of every row to held nodes, its row sum.
        """
        raise NotImplementedError

    def lighter(self) -> Apply | None:
        """What was prepared last, in a form that is quicker to apply and worth making for one that serves long;
        None where there is none."""
        return None

    def packed(self) -> Factor | None:
        """The factor prepared last in double precision; None where there is none, or it is not L D Lᵀ."""
        return None


def laid_out(order: NDArray[np.int32], lower: csc_matrix, scale: Floats, total: Floats, excess: Floats,
             dtype: type[np.floating[Any]] = np.float32) -> FactorApply:
    """A direct factor L D Lᵀ by our own loops, its entries in single precision: less than half the time.

    order : (n,) rows of the matrix in the order of elimination. lower : L, any scale. scale, total : (n,) its diagonal
    and D. excess : (n,) conductance of every row to held nodes.
    """
    count = int(np.count_nonzero(lower.data < 0)) + scale.size
    starts, rows, share = np.empty(scale.size + 1, np.int32), np.empty(count, np.int32), np.empty(count, dtype)
    packed_cholesky.lay_out(starts, rows, share, order, lower.indptr, lower.indices, lower.data, scale, total,
                            excess[order])
    return FactorApply(Factor(order, starts, rows, share, total))


class SuperLU(Backend):
    """Direct factor, with SciPy. Fill grows like n log n on planar networks and much faster elsewhere."""

    exact = True
    _factor: Any = None

    def prepare(self, matrix: csr_array, excess: Floats) -> Apply:
        from scipy.sparse.linalg import splu

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

    def prepare(self, matrix: csr_array, excess: Floats) -> Apply:
        n = matrix.shape[0]
        n_arcs = int(matrix.nnz) - n + 2 * int(np.count_nonzero(excess))
        ints = [np.empty(k, dtype=np.int32) for k in (n_arcs, n_arcs, n_arcs, n + 1)]
        arcs = Arcs(ints[0], np.empty(n_arcs), *ints[1:])
        waiting = Waiting(*(np.empty(k, dtype=np.int32) for k in (n + 1, n, n, MOST + 1)))
        sampled_cholesky.fill_arcs(arcs, waiting, matrix.indptr, matrix.indices, matrix.data, excess)
        order, starts, total = np.empty(n, dtype=np.int32), np.empty(n + 1, dtype=np.int32), np.empty(n)
        rows, share = sampled_cholesky.factorise(order, starts, total, arcs, waiting, 1)
        return FactorApply(Factor(order, starts, rows, share, total))


class Dense(Backend):
    """LAPACK's Cholesky factor of the whole matrix: for networks in which most pairs of nodes are joined."""

    exact = True

    def prepare(self, matrix: csr_array, excess: Floats) -> Apply:
        from scipy.linalg import cho_factor, cho_solve

        factor = cho_factor(matrix.toarray(order="F"), lower=True, overwrite_a=True, check_finite=False)
        return Apply(*2 * (lambda r: cho_solve(factor, r, check_finite=False),))


class Multigrid(Backend):
    """Smoothed aggregation, with PyAMG: strong couplings above 2 % keep iterations few at high contrast.

    PyAMG starts its estimates of spectral radii from NumPy's global generator; SEED sets it while a hierarchy is made,
    and what it was is put back.
    """

    SEED = 0

    def prepare(self, matrix: csr_array, excess: Floats) -> Apply:
        import pyamg
        from scipy.sparse import csr_matrix

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

    def prepare(self, matrix: csr_array, excess: Floats) -> Apply:
        from scipy.sparse import csc_matrix
        from sksparse.cholmod import analyze

        a = csc_matrix((matrix.data, matrix.indices, matrix.indptr), shape=matrix.shape, copy=False)
        if self._factor is None:
            self._factor = analyze(a)
        self._factor.cholesky_inplace(a)
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

    def prepare(self, matrix: csr_array, excess: Floats) -> Apply:
        import apxchol
        from scipy.sparse import csc_matrix

        a = csc_matrix((matrix.data, matrix.indices, matrix.indptr), shape=matrix.shape, copy=False)
        factor = apxchol.factorize(a, keep_factor=False)
        return Apply(factor.apply)


BACKENDS: dict[str, Callable[[], Backend]] = {
    "superlu": SuperLU, "approximate-cholesky": ApproximateCholesky, "amg": Multigrid, "dense": Dense,
    "cholmod": Cholmod, "apxchol": ApxChol,
}
_GLOBAL_GENERATOR = Lock()
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
