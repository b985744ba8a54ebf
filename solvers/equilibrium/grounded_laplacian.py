"""The Laplacian of a network with its held nodes eliminated: pattern once, entries from any conductances."""
from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.linalg import laplacian as kernels
from ohmlearn.kernels.linalg.index_type import index_type
from ohmlearn.network import Network

from .node_order import Layout

if TYPE_CHECKING:
    from scipy.sparse import csr_array


class Pattern:
    """Where the entries of a Laplacian stand, in CSR; made once, filled from any weights.

    ends : (n_edges, 2) row of both ends of every edge, -1 where an end is held; parallel edges add up.
    """

    def __init__(self, n_rows: int, ends: NDArray[np.integer]) -> None:
        kind = index_type(n_rows + 2 * len(ends))
        indptr = np.empty(n_rows + 1, dtype=kind)
        kernels.count_entries(indptr, ends)
        arcs = np.empty(int(indptr[-1]) - n_rows, dtype=kind)
        kernels.sort_arcs(arcs, indptr, ends)
        indices = np.empty(int(indptr[-1]), dtype=kind)
        slots = np.empty((len(ends), 2), dtype=kind)
        diagonal, filled = np.empty(n_rows, dtype=kind), np.empty(n_rows, dtype=kind)
        kernels.place_entries(indices, slots, diagonal, filled, indptr, arcs, ends)
        if filled.sum() < indices.size:
            stop = kernels.close_gaps(indptr, indices, slots, diagonal, filled, ends)
            indices = indices[:stop].copy()
        self.ends, self.indptr, self.indices, self.slots, self.diagonal = ends, indptr, indices, slots, diagonal

    def matrix(self, weights: NDArray[np.float64], excess: NDArray[np.float64] | None = None) -> csr_array:
        """(n_rows, n_rows) from (n_edges,) weights and, added to the diagonal, (n_rows,) conductances to ground.

        Only its data array is new.
        """
        from scipy.sparse import csr_array

        data, n = np.empty(self.indices.size), self.diagonal.size
        kernels.refill(data, self.ends, self.slots, self.diagonal, weights)
        if excess is not None:
            data[self.diagonal] += excess
        matrix = csr_array((data, self.indices, self.indptr), shape=(n, n), copy=False)
        matrix.indices, matrix.indptr = self.indices, self.indptr       # of their own width
        matrix.has_sorted_indices = matrix.has_canonical_format = True
        return matrix


class Laplacian:
    """L_FF(G), the rows and columns of L(G) = Δᵀ diag(G) Δ at the free nodes, in CSR.

    network : the graph; parallel edges add up.
    held : (n_held,) nodes without a row; none gives the whole, singular Laplacian.
    layout : order of nodes and edges for locality, or None for the network's own. Callers never see it:
        vectors over the rows are made and read by `gather` and `scatter`.
    thin : whether edges reach no further than in two dimensions (`Layout.thin`); small networks count as such.
    """

    def __init__(self, network: Network, held: NDArray[np.int64], layout: Layout | None = None) -> None:
        n, kind = network.n_nodes, index_type(network.n_nodes)
        self.network, self.held = network, held
        order = np.arange(n, dtype=np.int64) if layout is None else layout.nodes
        self._edges = None if layout is None else layout.edges
        is_held = np.zeros(n, dtype=bool)
        is_held[held] = True
        self.free = order[~is_held[order]]
        row = np.full(n, -1, dtype=kind)
        row[self.free] = np.arange(self.free.size, dtype=kind)
        self.thin = layout is None or layout.thin
        edges = network.edges if layout is None else network.edges[layout.edges]
        self.ends = row[edges]
        self._border(edges, row, is_held)

    def _border(self, edges: NDArray[np.int64], row: NDArray[np.integer], is_held: NDArray[np.bool_]) -> None:
        """Edges between a free and a held node: their number, the free end's row, the held end's place."""
        held_place = np.zeros(self.network.n_nodes, dtype=np.int64)
        held_place[self.held] = np.arange(self.held.size)
        ends_held = is_held[edges]
        border = np.flatnonzero(ends_held[:, 0] != ends_held[:, 1])
        side = ends_held[border, 0].astype(np.int64)  # the free end
        self.border = border if self._edges is None else self._edges[border]
        self.border_row = row[edges[border, side]]
        self.border_held = held_place[edges[border, 1 - side]]

    @property
    def n_rows(self) -> int:
        return int(self.free.size)

    @cached_property
    def _pattern(self) -> Pattern:
        return Pattern(self.n_rows, self.ends)

    def sorted(self, conductances: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n_edges,) conductances in the order of `ends`."""
        return conductances if self._edges is None else conductances[self._edges]

    def matrix(self, conductances: NDArray[np.float64]) -> csr_array:
        """(n_rows, n_rows) L_FF for the given (n_edges,) conductances; only its data array is new."""
        return self._pattern.matrix(self.sorted(conductances))

    def gather(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n_rows, ...) the rows' share of (n_nodes, ...) values."""
        return values[self.free]

    def scatter(self, rows: NDArray[np.float64], held_values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n_nodes, ...) values from those of the rows and of the held nodes."""
        values = np.empty((self.network.n_nodes, *rows.shape[1:]))
        values[self.free] = rows
        values[self.held] = held_values
        return values

    def excess(self, conductances: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n_rows,) conductance between every free node and the held ones, the row sums of L_FF."""
        return self._sum_border(conductances[self.border])

    def add_held_currents(self, rows: NDArray[np.float64], conductances: NDArray[np.float64],
                          held_voltages: NDArray[np.float64]) -> None:
        """Add to rows (k, n_rows) the currents that the (n_held, k) held voltages drive into the free nodes, -L_FS V_S.
        """
        near, place = self._near
        for row, volts in zip(rows, held_voltages.T, strict=True):
            row[near] += np.bincount(place, conductances[self.border] * volts[self.border_held], near.size)

    @cached_property
    def _near(self) -> tuple[NDArray[np.integer], NDArray[np.int64]]:
        """The rows that have edges to held nodes, and the place of each such edge's among them."""
        near, place = np.unique(self.border_row, return_inverse=True)
        return near, place

    def _sum_border(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(self.border_row, weights=values, minlength=self.n_rows).astype(np.float64, copy=False)
