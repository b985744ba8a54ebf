"""The core of a network: what is left when nodes of few neighbours are eliminated, exactly."""
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.linalg import blocked
from ohmlearn.kernels.linalg import star_mesh as kernels
from ohmlearn.kernels.linalg.index_type import index_type
from ohmlearn.kernels.simd.vectors import aligned

from .backends import Apply
from .conjugate_gradient import SEVERAL, side_by_side
from .grounded_laplacian import Laplacian, Pattern
from .node_order import Parts

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]
# Most neighbours of a node that is eliminated: measured in two dimensions; elsewhere what never adds edges.
THIN, OTHER = 6, 3


class StarMesh:
    """Turns L_FF x = b into a problem on the core, by star–mesh transformations (kernels/linalg/star_mesh.py), and
    back.

    laplacian : L_FF; the order of elimination depends on its edges alone. thin : whether they reach no further than in
    two dimensions (`Layout.thin`). threads : that may work on it.
    n_rows : rows of the core, at least one; kept : (n_rows,) rows of L_FF that they are. plan, share, total : what is
    eliminated, and by which numbers, see the kernels. parts : of the core. Border rows of L_FF and their neighbours are
    kept, so that no step of the plan meets two parts.
    stay : (rows of L_FF,) rows that are kept in any case, and then there is one part; None for none.
    """

    def __init__(self, laplacian: Laplacian, thin: bool, threads: int = 1, stay: NDArray[np.bool_] | None = None
                 ) -> None:
        n, m = laplacian.n_rows, len(laplacian.ends)
        kind = index_type(max(4 * m + 2, THIN * n))         # arcs; neighbours in the plan
        self.laplacian, self._slots = laplacian, np.empty(m, kind)
        mesh = kernels.Mesh(np.empty(4 * m + 2, kind), np.empty(4 * m + 2, kind), np.full(n, -1, kind),
                            np.zeros(n, kind))
        count = kernels.take_edges(self._slots, mesh, laplacian.ends)
        self._parts = Parts.of(n, laplacian.ends, threads) if stay is None else Parts.whole(n)
        stay = self._parts.around(laplacian.ends) if stay is None else stay
        plan, mesh, self._n_edges = kernels.make_plan(mesh, count, THIN if thin else OTHER, stay)
        self.plan, self._pieces, self._targets = kernels.part_by_part(plan, self._parts.bounds)
        self.kept = np.flatnonzero(mesh.degree >= 0).astype(kind)
        self.parts = self._parts.within(self.kept)
        ends, edges = np.empty((self._n_edges, 2), kind), np.empty(self._n_edges, kind)
        left = kernels.core_edges(ends, edges, mesh)
        self._pattern, self._edges = Pattern(self.kept.size, ends[:left].copy()), edges[:left].copy()
        self.share, self.total = np.empty(self.plan.near.size), np.empty(self.plan.order.size)

    @property
    def n_rows(self) -> int:
        return int(self.kept.size)

    def reduce(self, conductances: Floats, ordered: Floats | None = None) -> tuple[csr_array, Floats]:
        """The core's matrix (n_rows, n_rows) and its conductances to ground (n_rows,), from the network's (n_edges,)
        conductances; restrict and extend belong to these from now on. ordered : `laplacian.sorted` of them."""
        ordered = self.laplacian.sorted(conductances) if ordered is None else ordered
        weights, excess = np.empty(self._n_edges), self.laplacian.excess(conductances)
        kernels.fill(weights, self._slots, ordered)
        self._parts.share(lambda begin, end: kernels.eliminate(
            self.plan, self._pieces[begin], self._pieces[end], self._targets[begin], self.share, self.total, weights,
            excess))
        ground = excess[self.kept]
        return self._pattern.matrix(weights[self._edges], ground), ground

    def restrict(self, currents: Floats) -> tuple[Floats, Floats]:
        """Currents into the core's rows, (n_rows,), from those into all (rows of L_FF,), and what `extend` needs.

        Or (n_rows, LANES) from (rows of L_FF, LANES), aligned, side by side.
        """
        if currents.ndim == 1:
            handed = currents.copy()
            self._parts.share(lambda begin, end: kernels.restrict(
                handed, self.plan, self._pieces[begin], self._pieces[end], self.share))
            return handed[self.kept], handed
        handed, core = aligned(*currents.shape), aligned(self.n_rows, currents.shape[1])
        handed[:] = currents
        blocked.restrict(handed, self.plan, self.share)
        np.take(handed, self.kept, axis=0, out=core, mode="clip")
        return core, handed

    def extend(self, core: Floats, handed: Floats) -> Floats:
        """Voltages of all rows from the core's, and from what `restrict` handed on."""
        if core.ndim == 1:
            voltages = np.empty_like(handed)
            voltages[self.kept] = core
            self._parts.share(lambda begin, end: kernels.extend(
                voltages, handed, self.plan, self._pieces[begin], self._pieces[end], self.share, self.total))
            return voltages
        voltages = aligned(*handed.shape)
        voltages[self.kept] = core
        blocked.extend(voltages, handed, self.plan, self.share, self.total)
        return voltages

    def restrict_rows(self, currents: Floats) -> tuple[Floats, Floats]:
        """`restrict` for at most LANES (k, rows of L_FF) currents, one right-hand side a row; several are views of an
        array in which they are side by side."""
        if len(currents) >= SEVERAL:
            own, others = self.restrict(side_by_side(currents))
            return own.T[:len(currents)], others.T[:len(currents)]
        core, handed = np.empty((len(currents), self.n_rows)), np.empty_like(currents)
        for k, one in enumerate(currents):
            core[k], handed[k] = self.restrict(one)
        return core, handed

    def extend_rows(self, core: Floats, handed: Floats) -> Floats:
        """`extend` for what `restrict_rows` gave."""
        if len(core) >= SEVERAL:
            return self.extend(side_by_side(core), side_by_side(handed)).T[:len(core)]
        return np.array([self.extend(*one) for one in zip(core, handed, strict=True)])

    def around(self, apply: Apply) -> Apply:
        """An inverse of L_FF, or an approximation, from one of the core's matrix."""
        def whole(currents: Floats) -> Floats:
            core, handed = self.restrict(currents)
            return self.extend(apply(core) if core.ndim == 1 else apply.block(core), handed)
        return Apply(whole, whole)
