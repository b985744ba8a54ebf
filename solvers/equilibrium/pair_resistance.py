"""Effective resistances of many pairs of nodes on one direct factor."""
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.linalg import path_resistance as kernels
from ohmlearn.kernels.linalg.index_type import index_type

from .backends import installed, make

if TYPE_CHECKING:
    from .grounded_laplacian import Laplacian
    from .star_mesh import StarMesh

Floats = NDArray[np.float64]
INTACT = 1e-9       # by so much the factor may miss what it must make of the unit vector


class PairResistance:
    """R_ab = (e_a - e_b)ᵀ L_FF⁻¹ (e_a - e_b) with the held nodes as ground; see kernels/linalg/path_resistance.py.

    laplacian, mesh, conductances : L_FF, its core and the (n_edges,) conductances that the core was reduced with.
    intact : whether the direct factor kept the weak connections to ground; if not, it is of no use.
    """

    def __init__(self, laplacian: Laplacian, mesh: StarMesh, conductances: Floats) -> None:
        backend = make("cholmod" if installed("cholmod") else "superlu")
        matrix, excess = mesh.reduce(conductances)
        apply = backend.prepare(matrix, excess)
        core = backend.packed()
        self.intact = core is not None and bool(abs(apply(excess) - 1.0).max() <= INTACT)
        if core is None or not self.intact:
            return
        n, plan = laplacian.n_rows, mesh.plan
        count = plan.near.size + core.rows.size
        kind = index_type(count)
        starts, rows, share, total = np.empty(n + 1, kind), np.empty(count, kind), np.empty(count), np.empty(n)
        place = kernels.join_factors(starts, rows, share, total, plan.order, plan.begin, plan.near, mesh.share,
                                     mesh.total, mesh.kept, core)
        parent = np.empty(n, kind)
        kernels.parents(parent, starts, rows)
        self._factor = (parent, starts, rows, share, total)
        self._place = np.full(laplacian.network.n_nodes, n, kind)
        self._place[laplacian.free] = place[:n]

    def __call__(self, pairs: NDArray[np.int64]) -> Floats:
        """(n_pairs,) resistances of pairs (n_pairs, 2) of nodes."""
        found, scratch = np.empty(len(pairs)), np.zeros(self._factor[0].size + 1)
        kernels.resistances(found, self._place[pairs], scratch, *self._factor)
        return found
