"""The rows of a grounded Laplacian that one rank holds, and their core."""
from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.linalg import krylov
from ohmlearn.network import Network
from ohmlearn.solvers.equilibrium.grounded_laplacian import Laplacian
from ohmlearn.solvers.equilibrium.node_order import Layout
from ohmlearn.solvers.equilibrium.star_mesh import StarMesh

from .halo import Halo
from .part import Part

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class RankRows:
    """The free nodes that a rank owns, and behind them those of other ranks that share an edge with one of its own.

    Own nodes without an edge to another rank are eliminated by star–mesh transformations, for which no rank needs
    another. What is left on all ranks is the core of the whole network.

    part : what the rank holds. held : (n_held,) global numbers of held nodes.
    held_here, held_places : which of these the part holds, and their places in it. free_own : (own free nodes,) places
        in the part.
    places, edges : places in the part of the nodes and edges worked with: edges with a free end here, and their ends.
        held_near : which of `places` are held.
    network : these, numbered by `places`; laplacian, mesh : of its rows, own ones first. None where the rank has none.
    n_own : own rows of the Laplacian. n_core : own rows of the core; n_columns : these and the neighbours behind.
    row_places : (n_own,) places in the part of the own rows.
    owner : (n_columns - n_core,) rank of each neighbour. halo : exchange of values of the columns.
    """

    def __init__(self, part: Part, held: Integers) -> None:
        self.part = part
        where = part.places(held)
        self.held_here = np.flatnonzero(where >= 0)
        self.held_places = where[self.held_here]
        free = part.layer == 0
        free[self.held_places] = False
        self.free_own = np.flatnonzero(free)
        self.edges = np.flatnonzero(free[part.ends].any(axis=1))
        near = np.zeros(part.nodes.size, dtype=bool)
        near[part.ends[self.edges]] = True
        self.places = np.flatnonzero(near)
        self.laplacian: Laplacian | None = None
        self.network: Network | None = None
        self.n_own = self.n_core = self.n_columns = 0
        self.row_places = columns = np.empty(0, dtype=np.int64)
        if self.edges.size:
            lap = self._eliminate((np.cumsum(near) - 1)[part.ends[self.edges]], free[self.places])
            rows = self.places[lap.free]
            self.row_places, columns = rows[:self.n_own], rows[self.mesh.kept]
        self.owner = part.node_owner[columns[self.n_core:]]
        self.halo = _in_order(part, part.nodes[columns], part.node_owner[columns])

    def _eliminate(self, ends: Integers, own: NDArray[np.bool_]) -> Laplacian:
        self.network = Network(ends, own.size)
        is_held = np.zeros(self.part.nodes.size, dtype=bool)
        is_held[self.held_places] = True
        self.held_near = np.flatnonzero(is_held[self.places])
        layout = Layout.of(self.network)
        # own ones first, so that they are a range of rows
        nodes: NDArray[np.integer] = layout.nodes[np.argsort(~own[layout.nodes], kind="stable")]
        self.laplacian = lap = Laplacian(self.network, self.held_near, replace(layout, nodes=nodes))
        self.n_own = int(np.count_nonzero(own))
        stay = np.zeros(lap.n_rows, dtype=bool)
        stay[self.n_own:] = True
        inside = lap.ends[(lap.ends >= 0).all(axis=1)]
        stay[inside[stay[inside].any(axis=1)]] = True
        self.mesh = StarMesh(lap, layout.thin, stay=stay)
        self.n_core = int(np.searchsorted(self.mesh.kept, self.n_own))
        self.n_columns = self.mesh.n_rows
        self.bounds = np.array([0, self.n_core], dtype=np.int64)
        return lap

    def reduce(self, conductances: Floats) -> tuple[csr_array | None, Floats]:
        """The matrix of the core (n_columns, n_columns), of which the rows of the n_core own ones are whole, and its
        conductances to held nodes. conductances : (edges,) of the edges worked with."""
        if self.laplacian is None:
            return None, np.empty(0)
        return self.mesh.reduce(conductances)

    def restrict(self, currents: Floats) -> tuple[Floats, Floats]:
        """Currents into the own rows of the core, from those into all own rows (n_own,), and what `extend` needs."""
        if self.laplacian is None:
            return currents, currents
        whole = np.zeros(self.laplacian.n_rows)
        whole[:self.n_own] = currents
        core, handed = self.mesh.restrict(whole)
        return core[:self.n_core].copy(), handed

    def extend(self, core: Floats, handed: Floats) -> Floats:
        """Voltages of the own rows (n_own,) from those of the core (n_core,)."""
        if self.laplacian is None:
            return core
        columns = np.zeros(self.n_columns)
        columns[:self.n_core] = core
        return self.mesh.extend(columns, handed)[:self.n_own]

    def product(self, q: Floats, matrix: csr_array | None, excess: Floats, p: Floats, near: bool) -> float:
        """q = L p over the own rows of the core, from p (n_columns,), whose neighbours are filled in; returns this
        rank's share of p·q. near : whether products with the assembled matrix lose nothing."""
        self.halo.exchange([p])
        if matrix is None or self.n_core == 0:
            return 0.0
        sums, entries = np.empty((1, 8)), (matrix.indptr, matrix.indices, matrix.data)
        if near:
            krylov.times(q, sums, self.bounds, 0, 1, *entries, p)
        else:
            krylov.times_by_differences(q, sums, self.bounds, 0, 1, *entries, excess, p)
        return float(krylov.total(sums))


def _in_order(part: Part, numbers: Integers, owner: NDArray[np.int32]) -> Halo:
    """Exchange of values of nodes that stand in any order."""
    order = np.argsort(numbers)
    none = np.empty(0, dtype=np.int64)
    halo = Halo.of(part.comm, numbers[order], owner[order], none, none.astype(np.int32))
    return Halo(part.comm, [replace(link, send_nodes=order[link.send_nodes], receive_nodes=order[link.receive_nodes])
                            for link in halo.links])
