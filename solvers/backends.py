"""The ways to solve with a held Laplacian: each makes a preconditioner, exact or nearly so, from a matrix."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Apply = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True)
class Backend:
    """One way to solve. `prepare` takes the matrix to a function from residual to correction, both (n,)."""

    name: str
    exact: bool
    prepare: Callable[[csr_array], Apply]


def _superlu(matrix: csr_array) -> Apply:
    from scipy.sparse.linalg import splu

    # symmetric mode keeps the fill of the symmetric pattern; the diagonal of an M-matrix needs no pivoting
    factor = splu(matrix.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    return lambda r: factor.solve(r)


def _amg(matrix: csr_array) -> Apply:
    import pyamg

    hierarchy: Any = pyamg.smoothed_aggregation_solver(_as_matrix(matrix), max_coarse=500)
    cycle = hierarchy.aspreconditioner(cycle="V")
    return lambda r: cycle @ r


def _as_matrix(matrix: csr_array) -> Any:
    from scipy.sparse import csr_matrix

    return csr_matrix((matrix.data, matrix.indices, matrix.indptr), shape=matrix.shape, copy=False)


BACKENDS = {b.name: b for b in (
    Backend("superlu", True, _superlu),
    Backend("amg", False, _amg),
)}

# below this many free nodes a direct factor by SuperLU is faster than a hierarchy
SUPERLU_BELOW = 20_000


def choose(method: str, n_rows: int) -> tuple[Backend, str]:
    """The backend for a matrix of n_rows rows, and why."""
    if method == "auto":
        name = "superlu" if n_rows < SUPERLU_BELOW else "amg"
        return BACKENDS[name], f"{n_rows} free nodes, {'below' if name == 'superlu' else 'not below'} {SUPERLU_BELOW}"
    if method not in BACKENDS:
        raise ValueError(f"method must be 'auto' or one of {', '.join(BACKENDS)}, not {method!r}")
    return BACKENDS[method], "as asked"
