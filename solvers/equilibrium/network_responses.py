"""What follows from solves: currents, effective resistances, Green's functions, and the response of the terminals."""
from __future__ import annotations

from threading import RLock

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.checks.kinds import reals
from ohmlearn.network import Network

from .conjugate_gradient import parts
from .edge_currents import edge_currents, leaving
from .refined_solve import RefinedSolve
from .tied_nodes import TiedNodes

Floats = NDArray[np.float64]


class NetworkResponses:
    """Methods of :class:`Equilibrium` that build on its solves."""

    network: Network
    held: NDArray[np.int64]
    _rows: RefinedSolve
    _lock: RLock
    _used: Floats | None = None         # conductances of the last solve
    _injected: Floats | None = None     # and its (n_nodes, k) currents
    _tied: TiedNodes | None = None      # sets of nodes that held drops tie together

    def solve(self, conductances: ArrayLike, held_voltages: ArrayLike | None = None,
              currents: ArrayLike | None = None, *, start: ArrayLike | None = None) -> Floats:
        raise NotImplementedError

    def currents(self, voltages: ArrayLike) -> Floats:
        """Currents of all edges, from their first to their second node, (n_edges,) or (n_edges, k) in A.

        voltages : (n_nodes,) or (n_nodes, k) of the last solve, at its conductances and injected currents.

        Currents are right to about 1e-12 of themselves where differences of rounded voltages are not: along edges so
        strong that the voltages at their ends agree to the last digit. Where currents of many paths cancel in an edge,
        that holds relative to those.

        Returns (n_edges,) or (n_edges, k) in A. Raises ValueError before the first solve.

        >>> import ohmlearn as ol
        >>> circuit = ol.Equilibrium(ol.Network.grid(3), held=[0, 2])
        >>> circuit.currents(circuit.solve([1e12, 1.0], [1.0, 0.0]))
        array([1., 1.])
        """
        columns = columns_of(voltages, self.network.n_nodes, "voltages")
        with self._lock:
            if self._injected is None or self._used is None:
                raise ValueError("currents are those of the last solve; call solve first")
            if self._injected.shape[1] not in (1, columns.shape[1]):
                raise ValueError(f"voltages has {columns.shape[1]} columns, and the last solve had "
                                 f"{self._injected.shape[1]}; give its voltages")
            if self._tied:
                a, b = self.network.edges.T
                found = self._used[:, None] * (columns[a] - columns[b])
                return found[:, 0] if np.ndim(voltages) == 1 else found
            self._rows.take(self._used)         # others may have come in with resistances
            into = np.broadcast_to(self._injected, columns.shape)
            found = np.column_stack([self._edge_currents(v, i) for v, i in zip(columns.T, into.T, strict=True)])
        return found[:, 0] if np.ndim(voltages) == 1 else found

    def terminal_currents(self, voltages: ArrayLike) -> Floats:
        """Currents that flow from the held nodes into the network, (n_held,) or (n_held, k) in A; see `currents`.

        Returns (n_held,) or (n_held, k) in A.

        >>> import ohmlearn as ol
        >>> circuit = ol.Equilibrium(ol.Network.grid(3), held=[0, 2])
        >>> circuit.terminal_currents(circuit.solve(1.0, [1.0, 0.0])).tolist()
        [0.5, -0.5]
        """
        self._refuse_drops("currents of held nodes")
        found = self.currents(voltages)
        edges, n = self.network.edges, self.network.n_nodes
        if found.ndim == 1:
            return leaving(edges, found, n)[self.held]
        return np.column_stack([leaving(edges, np.ascontiguousarray(i), n)[self.held] for i in found.T])

    def _edge_currents(self, voltages: Floats, injected: Floats) -> Floats:
        rows = self._rows
        found = edge_currents(self.network.edges, rows.scaled, np.ascontiguousarray(voltages),
                              np.ldexp(injected, rows.unit), rows.corrected)
        return np.ldexp(found, -rows.unit)

    def effective_resistance(self, pairs: ArrayLike | str = "edges", conductances: ArrayLike | None = None, *,
                             error: float | None = None, seed: int = 0) -> Floats:
        """(n_pairs,) resistances between pairs of nodes, in 1/G₀, with all held nodes joined to one.

        With one held node they are those of the network itself, whichever node it is. A direct factor gives them from
        the columns on two paths of its elimination tree, pair by pair; networks whose factor fills up are solved for
        eight right-hand sides at a time, as many as there are pairs or nodes in them, whichever are fewer.

        pairs : (n_pairs, 2) nodes, or "edges" for the ends of every edge.
        conductances : (n_edges,); None for those of the last solve, or 1 where there was none.
        error : None, or the relative standard deviation allowed. 2/error² random right-hand sides then serve for all
            pairs (Spielman & Srivastava 2011), fewer than nodes where these are many. seed : of their signs.

        >>> import ohmlearn as ol
        >>> ol.Equilibrium(ol.Network.grid(2, 2), held=[0]).effective_resistance([(0, 1), (0, 3)]).round(9).tolist()
        [0.75, 1.0]
        """
        self._refuse_drops("resistances")
        nodes = pairs_of(self.network, pairs)
        with self._lock:
            g = self._at(conductances)
            if error is not None:
                if not 0 < error < 1:
                    raise ValueError(f"error must lie between 0 and 1, not {error}; 0.1 takes 200 right-hand sides")
                return self._sketched(g, nodes, error, seed)
            self._rows.take(g)
            direct, unit = self._rows.pair_resistance(), self._rows.unit
            if direct is None:
                return self._solved_pairs(g, nodes)
        return np.ldexp(direct(nodes), unit)        # threads may share a factor

    def _refuse_drops(self, what: str) -> None:
        if self._tied:
            raise ValueError(f"{what} are not given where drops are held; leave `drops` out of the Equilibrium")

    def _at(self, conductances: ArrayLike | None) -> Floats:
        """Given conductances, or those of the last solve, or 1."""
        if conductances is None and self._used is not None:
            return self._used
        return self.network.conductances(conductances)

    def _solved_pairs(self, g: Floats, pairs: NDArray[np.int64]) -> Floats:
        """By solves: a pair at a time where nodes are many, else a node at a time."""
        found, n = np.empty(len(pairs)), self.network.n_nodes
        nodes, place = np.unique(pairs, return_inverse=True)
        by_node = nodes.size < len(pairs)
        if by_node:
            found[:] = 0.0
        place = place.reshape(pairs.shape)
        for part in parts(nodes.size if by_node else len(pairs)):
            lanes = np.arange(part.stop - part.start)
            into = np.zeros((n, lanes.size))
            if by_node:
                into[nodes[part], lanes] = 1.0
                v = self.solve(g, currents=into, start=np.zeros(n))
                for side in range(2):
                    here = np.flatnonzero((place[:, side] >= part.start) & (place[:, side] < part.stop))
                    lane = place[here, side] - part.start
                    found[here] += v[pairs[here, side], lane] - v[pairs[here, 1 - side], lane]
            else:
                np.add.at(into, (pairs[part, 0], lanes), 1.0)
                np.add.at(into, (pairs[part, 1], lanes), -1.0)
                v = self.solve(g, currents=into, start=np.zeros(n))
                found[part] = v[pairs[part, 0], lanes] - v[pairs[part, 1], lanes]
        return found

    def _sketched(self, g: Floats, pairs: NDArray[np.int64], error: float, seed: int) -> Floats:
        count, rng = int(np.ceil(2 / error**2)), np.random.default_rng(seed)
        found, (a, b), n = np.zeros(len(pairs)), self.network.edges.T, self.network.n_nodes
        for part in parts(count):
            width = part.stop - part.start
            into = np.empty((n, width))
            for lane in range(width):
                drawn = np.sqrt(g) * rng.choice([-1.0, 1.0], g.size)
                into[:, lane] = np.bincount(a, drawn, n) - np.bincount(b, drawn, n)
            v = self.solve(g, currents=into, start=np.zeros(n))
            found += ((v[pairs[:, 0]] - v[pairs[:, 1]]) ** 2).sum(axis=1)
        return found / count

    def green(self, nodes: ArrayLike, conductances: ArrayLike | None = None, at: ArrayLike | None = None) -> Floats:
        """Green's function: voltages (n_at, n_nodes) at some nodes for a unit current into each of `nodes` in turn.

        The held nodes are at 0. at : nodes where voltages are wanted, None for all; `conductances` as in
        `effective_resistance`. Symmetric in nodes and at, so that it serves for adjoint products too.

        Returns (n_at, n_nodes) in V per A, where n_nodes is the number of `nodes`.

        >>> import ohmlearn as ol
        >>> ol.Equilibrium(ol.Network.grid(3), held=[0]).green([2]).round(9).tolist()
        [[0.0], [1.0], [2.0]]
        """
        self._refuse_drops("Green's functions")
        into = self.network.check_nodes(nodes, "node")
        where = np.arange(self.network.n_nodes) if at is None else self.network.check_nodes(at, "node")
        found = np.empty((where.size, into.size))
        with self._lock:
            g = self._at(conductances)
            for part in parts(into.size):
                width = part.stop - part.start
                unit = np.zeros((self.network.n_nodes, width))
                unit[into[part], np.arange(width)] = 1.0
                found[:, part] = self.solve(g, currents=unit, start=np.zeros(self.network.n_nodes))[where]
        return found

    def response(self, conductances: ArrayLike | None = None) -> Floats:
        """Response matrix (n_held, n_held): the current from held node i into the network per volt at held node j.

        It is the Laplacian of the network reduced to its held nodes (Kron 1939; Curtis, Ingerman & Morrow 1998):
        symmetric, rows that add up to 0, minus the conductances of the equivalent network off the diagonal.
        `conductances` as in `effective_resistance`.

        Returns (n_held, n_held) in A per V.

        >>> import ohmlearn as ol
        >>> ol.Equilibrium(ol.Network.grid(3), held=[0, 2]).response().round(9).tolist()
        [[0.5, -0.5], [-0.5, 0.5]]
        """
        count = self.held.size
        found = np.empty((count, count))
        with self._lock:
            g = self._at(conductances)
            for part in parts(count):
                volts = np.eye(count)[:, part]
                found[:, part] = self.terminal_currents(self.solve(g, volts, start=np.zeros(self.network.n_nodes)))
        return (found + found.T) / 2


def pairs_of(network: Network, pairs: ArrayLike | str) -> NDArray[np.int64]:
    """(n_pairs, 2) checked nodes of pairs as `effective_resistance` takes them."""
    if isinstance(pairs, str):
        if pairs != "edges":
            raise ValueError(f"pairs must be (n_pairs, 2) nodes or 'edges', not {pairs!r}")
        return network.edges
    nodes = np.asarray(pairs)
    if nodes.ndim != 2 or nodes.shape[1] != 2:
        raise ValueError(f"pairs must have shape (n_pairs, 2), not {nodes.shape}")
    return network.check_nodes(nodes.ravel(), "node of a pair").reshape(-1, 2)


def columns_of(values: ArrayLike | None, length: int, what: str) -> NDArray[np.float64]:
    """Checked (length, k) columns of given values; None is a column of zeros."""
    if values is None:
        return np.zeros((length, 1))
    columns = reals(values, what)
    if columns.ndim not in (1, 2) or columns.shape[0] != length:
        raise ValueError(f"{what} must have shape ({length},) or ({length}, k), not {columns.shape}")
    bad = np.argwhere(~np.isfinite(columns))
    if bad.size:
        raise ValueError(f"{what}[{bad[0][0]}] is {columns[tuple(bad[0])]}; it must be finite")
    return columns if columns.ndim == 2 else columns[:, None]
