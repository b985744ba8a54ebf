"""A sampled factor over ranks: every rank eliminates its own rows, and all of them the border between ranks."""
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.linalg import factor_solves
from ohmlearn.solvers.equilibrium.backends import Apply, ApproximateCholesky, SampledFactor
from ohmlearn.solvers.equilibrium.node_order import Parts

from .rank_rows import RankRows
from .reductions import RankSums

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class BorderFactor:
    """The sampled factor of a network (kernels/linalg/sampled_cholesky.py) whose parts are the ranks.

    One end of every edge between two ranks is a border row: that with more such edges, of equally many that of the
    higher rank. A rank eliminates its other rows, for which it needs no other rank. What this leaves between border
    rows goes to all ranks, each of which makes the same factor of it. So the preconditioner is as good on many ranks
    as on one; border rows cost every rank memory and time, and there are few of them in two dimensions.

    n_border : border rows of all ranks.
    """

    conserves = True

    def __init__(self, rows: RankRows, sums: RankSums) -> None:
        self.rows, self.sums = rows, sums
        self.n_border = -1

    def _choose(self, matrix: csr_array | None) -> None:
        """The border rows, from the pattern of the core; all ranks number them alike."""
        rows, n, rank = self.rows, self.rows.n_core, self.sums.comm.rank
        self._row, self._column = self._crossing(matrix)
        degree = np.zeros(rows.n_columns)
        np.add.at(degree, self._row, 1.0)
        rows.halo.exchange([degree])
        here, there = degree[self._row], degree[self._column]
        self._owner = rows.owner[self._column - n]
        ours = (here > there) | ((here == there) & (rank > self._owner))
        number = np.full(rows.n_columns, -1.0)
        own = np.unique(self._row[ours])
        counts = self.sums.gathered([float(own.size)])[:, 0].astype(np.int64)
        number[own] = np.arange(own.size) + counts[:rank].sum()
        rows.halo.exchange([number])
        self.n_border = int(counts.sum())
        self._border = np.append(own, np.arange(n, rows.n_columns))
        self._number = number.astype(np.int64)
        self._known = self._number[self._border] >= 0
        self._touched = self._number[self._border[self._known]]
        self._every = self.sums.joined(self._touched)
        self._counts = self.sums.gathered([float(self._touched.size)])[:, 0].astype(np.int64)

    def _crossing(self, matrix: csr_array | None) -> tuple[Integers, Integers]:
        """Row and column of the entries between own rows of the core and those of other ranks."""
        if matrix is None:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        stop = int(matrix.indptr[self.rows.n_core])
        self._entries = np.flatnonzero(matrix.indices[:stop] >= self.rows.n_core)
        row = np.searchsorted(matrix.indptr, self._entries, side="right") - 1
        return row.astype(np.int64), matrix.indices[self._entries].astype(np.int64)

    def prepare(self, matrix: csr_array | None, excess: Floats) -> None:
        """Make the factor for a new matrix (n_columns, n_columns) and conductances to held nodes (n_columns,)."""
        from scipy.sparse import coo_array

        if self.n_border < 0:
            self._choose(matrix)
        edges, weights = np.empty((0, 2), dtype=np.int64), np.empty(0)
        self._factor = None
        if matrix is not None:
            bounds = np.array([0, self.rows.n_core, self.rows.n_columns], dtype=np.int64)
            sampled = SampledFactor(matrix, excess, Parts(bounds, self._border))
            edges, weights = sampled.left(0)
            edges = np.where(edges >= 0, self._number[self._border][edges], -1)
            self._factor = sampled.of_parts()
            self._scratch = np.zeros(self._factor.order.size + self._factor.ends.size + 1)
            more, more_weights = self._between(matrix, excess)
            edges, weights = np.concatenate([edges, more]), np.append(weights, more_weights)
        if self.n_border == 0:
            return
        edges, weights = self.sums.joined(edges), self.sums.joined(weights)
        n, (a, b) = self.n_border, edges.T
        inner = (a >= 0) & (b >= 0)
        ground: Floats = np.bincount(np.maximum(a, b)[~inner], weights[~inner], n).astype(np.float64)
        a, b, w = a[inner], b[inner], weights[inner]
        every = np.arange(n)
        diagonal = ground + np.bincount(a, w, n) + np.bincount(b, w, n)
        whole = coo_array((np.concatenate([diagonal, -w, -w]),
                           (np.concatenate([every, a, b]), np.concatenate([every, b, a]))), shape=(n, n)).tocsr()
        whole.sort_indices()
        whole.indptr, whole.indices = whole.indptr.astype(np.int32), whole.indices.astype(np.int32)
        self._of_border: Apply = ApproximateCholesky().prepare(whole, ground)

    def _between(self, matrix: csr_array, excess: Floats) -> tuple[Integers, Floats]:
        """Edges between border rows, and from them to ground, that the core has itself; each is given by one rank."""
        own = self._border[self._border < self.rows.n_core]
        inside = matrix[own][:, own].tocoo()
        below = (inside.row > inside.col) & (inside.data < 0)
        cross = -matrix.data[self._entries]
        mutual = (self._number[self._row] >= 0) & (self._number[self._column] >= 0) \
            & (self._owner > self.sums.comm.rank) & (cross > 0)
        number, drained = self._number, own[excess[own] > 0]
        return np.concatenate([
            np.column_stack([number[own[inside.row[below]]], number[own[inside.col[below]]]]),
            np.column_stack([number[self._row[mutual]], number[self._column[mutual]]]),
            np.column_stack([np.full(drained.size, -1), number[drained]]),
        ]), np.concatenate([-inside.data[below], cross[mutual], excess[drained]])

    def __call__(self, residual: Floats) -> Floats:
        """(n_core,) corrections of residuals (n_core,); all ranks must call it."""
        factor, n = self._factor, self.rows.n_core
        into = np.zeros(0)
        if factor is not None:
            y, first = self._scratch, factor.order.size + 1
            right = np.zeros(self.rows.n_columns)
            right[:n] = residual
            factor_solves.go_down(y, right, factor, 0, 1)
            into = y[first:first + self._border.size] + right[self._border]
        if self.n_border:
            at_border = self._solve_border(into[self._known])
        if factor is None:
            return residual
        there = np.zeros(self._border.size)
        if self.n_border:
            there[self._known] = at_border[self._touched]
        y[first - 1], y[first:first + self._border.size], y[self._border] = 0.0, there, there
        found = np.empty(self.rows.n_columns)
        factor_solves.go_up(found, y, factor, 0, 1)
        return found[:n]

    def _solve_border(self, into: Floats) -> Floats:
        """(n_border,) voltages of the border from what this rank hands to the border rows that it touches."""
        every = np.empty(self._every.size)
        if self.sums.comm.size > 1:
            self.sums.comm.Allgatherv(np.ascontiguousarray(into), [every, self._counts])
        else:
            every[:] = into
        return self._of_border(np.bincount(self._every, every, self.n_border).astype(np.float64, copy=False))
