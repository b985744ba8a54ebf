"""PETSc's algebraic multigrid as a preconditioner over ranks, where petsc4py can be imported."""
from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .rank_rows import RankRows
from .reductions import RankSums

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]
HOW_TO_GET = ("on a cluster load its module of petsc4py; on Debian install openmpi-bin and libpetsc-real-dev and build "
              "petsc4py for NumPy 2; or, from Python 3.12 on, take a wheel that brings PETSc. The page 'One network "
              "over many ranks' of the documentation has the lines for each")
# BoomerAMG; the smoother is symmetric, as conjugate gradients need it
HYPRE = {"pc_hypre_type": "boomeramg", "pc_hypre_boomeramg_strong_threshold": 0.25,
         "pc_hypre_boomeramg_coarsen_type": "HMIS", "pc_hypre_boomeramg_interp_type": "ext+i",
         "pc_hypre_boomeramg_P_max": 4, "pc_hypre_boomeramg_relax_type_all": "symmetric-SOR/Jacobi"}
GAMG = {"pc_gamg_threshold": 0.02, "mg_levels_ksp_type": "chebyshev", "mg_levels_pc_type": "jacobi"}
PREFIX = "ohmlearn_"


def installed() -> bool:
    """Whether petsc4py can be found."""
    return find_spec("petsc4py") is not None


def petsc() -> Any:
    """The module petsc4py.PETSc.

    Raises ValueError where it is missing, or belongs to another MPI library than mpi4py.
    """
    if not installed():
        raise ValueError(f"method 'petsc' needs petsc4py, which is not installed: {HOW_TO_GET}")
    import petsc4py
    from mpi4py import MPI

    petsc4py.init([])
    from petsc4py import PETSc

    if PETSc.COMM_WORLD.getSize() != MPI.COMM_WORLD.size:
        raise ValueError(f"PETSc counts {PETSc.COMM_WORLD.getSize()} processes where mpi4py counts "
                         f"{MPI.COMM_WORLD.size}: they belong to different MPI libraries; let MPI4PY_LIBMPI name the "
                         "one that PETSc was built with, and start with its mpiexec")
    if np.dtype(PETSc.ScalarType).kind == "c":
        raise ValueError("this petsc4py computes with complex numbers; take its build for real ones")
    return PETSc


class PetscMultigrid:
    """One cycle of hypre's BoomerAMG on the core; of PETSc's own GAMG where PETSc was built without hypre.

    engine : "hypre", "gamg" or "" for the first of them that PETSc has.
    """

    conserves = False

    def __init__(self, rows: RankRows, sums: RankSums, engine: str = "") -> None:
        self._petsc = petsc()
        self.rows, self.sums = rows, sums
        # one process needs no MPI, whichever PETSc was built with
        self._comm = sums.comm if sums.comm.size > 1 else self._petsc.COMM_SELF
        self.engine = engine or ("hypre" if self._petsc.Sys.hasExternalPackage("hypre") else "gamg")
        counts = sums.gathered([float(rows.n_core)])[:, 0]
        self._size = (rows.n_core, int(counts.sum()))
        number = np.arange(rows.n_columns) + counts[:sums.comm.rank].sum()
        rows.halo.exchange([number])
        self._number = number.astype(self._petsc.IntType)
        options = self._petsc.Options(PREFIX)
        for name, value in (HYPRE if self.engine == "hypre" else GAMG).items():
            if not options.hasName(name):       # what the user sets in PETSC_OPTIONS stays
                options[name] = value
        self._made: tuple[Any, ...] = ()

    def prepare(self, matrix: csr_array | None, excess: Floats) -> None:
        """Make the hierarchy for a new matrix (n_columns, n_columns)."""
        for made in self._made:
            made.destroy()
        n, kind = self.rows.n_core, self._petsc.IntType
        starts, columns, data = np.zeros(n + 1, kind), np.empty(0, kind), np.empty(0)
        if matrix is not None:
            starts = matrix.indptr[:n + 1].astype(kind)
            columns, data = self._number[matrix.indices[:starts[-1]]], matrix.data[:starts[-1]]
        a = self._petsc.Mat().createAIJ((self._size, self._size), csr=(starts, columns, data), comm=self._comm)
        pc = self._petsc.PC().create(self._comm)
        pc.setOptionsPrefix(PREFIX)
        pc.setType(self.engine)
        pc.setOperators(a)
        pc.setFromOptions()
        pc.setUp()
        self._made = (pc, a, *a.createVecs())

    def __call__(self, residual: Floats) -> Floats:
        """(n_core,) corrections of residuals (n_core,); all ranks must call it."""
        pc, _, found, right = self._made
        right.setArray(residual)
        pc.apply(right, found)
        return np.array(found.getArray())
