"""Equilibrium voltages of a network of nonlinear edges."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.kernels.linalg.graph import prepare
from ohmlearn.kernels.nonlinear import newton
from ohmlearn.kernels.nonlinear.passes import currents_of_edges
from ohmlearn.kernels.simd.vectors import aligned, n_lanes
from ohmlearn.network import Network
from ohmlearn.solvers.not_converged import NotConverged

from .edge_arrays import Derivatives, all_laws, as_edges, kernel_law, leaks, start, upwards

Floats = NDArray[np.float64]
LANES = n_lanes(np.float64)
IN_LANES = 4000         # nodes up to which networks are solved in lanes


def work_space(n: int, m: int, entries: int) -> newton.Newton:
    """Arrays of Newton's iteration for a block of lanes."""
    return newton.Newton(*(aligned(rows, LANES) for rows in (n + entries, entries, n, n, m, m, newton.NUMBERS)))


class NonlinearEquilibrium:
    """Solver for the equilibrium voltages of a network of nonlinear edges with held nodes.

    network, held : as for :class:`ohmlearn.Equilibrium`. edges : law of the edges, see `ohmlearn.edges`.
    Up to 4000 nodes, eight equilibria at a time are found in the lanes of vector registers; larger networks are solved
    one after another, with the solver `linear` of linear networks (:class:`ohmlearn.Equilibrium` hands on itself) where
    the law has a co-content, else with a sparse LU.

    >>> import ohmlearn as ol
    >>> law = ol.edges.NMOS(gain=0.5, leak=1e-3)
    >>> circuit = ol.edges.NonlinearEquilibrium(ol.Network.grid(3, 3), [0, 8], law)
    >>> circuit.solve(2.0, [1.0, 0.0]).round(3).tolist()[:3]
    [1.0, 0.586, 0.419]
    """

    def __init__(self, network: Network, held: ArrayLike, edges: Any, linear: Callable[..., Any] | None = None) -> None:
        self.network, self.edges = network, as_edges(edges, network)
        self.held = network.check_nodes(held, "held node")
        unique, counts = np.unique(self.held, return_counts=True)
        if (counts > 1).any():
            raise ValueError(f"node {unique[counts > 1][0]} is listed twice among the held nodes")
        self.leak = leaks(self.edges, network)
        grounded = np.bincount(network.components, self.leak) > 0
        lonely = np.setdiff1d(network.components, network.components[self.held])
        if (floating := lonely[~grounded[lonely]]).size:
            node = int(np.argmax(network.components == floating[0]))
            raise ValueError(f"node {network.label(node)} lies in a part of the network with neither a held node nor a "
                             "leak to ground, so its voltage is undefined; hold a node there")
        self.iterations, self.linear = 0, linear
        self._blocks: Any = None
        self._numbers = kernel_law(self.edges, network.n_edges, 0)

    def values(self, given: Any) -> Floats:
        """Checked values of what learns.

        given : (n_edges,) or (n_edges, k) conductances in G₀ or gate voltages in V, one number for all edges, a run for
            what it has learned, or None for the start of the law.

        Returns (n_edges,) or (n_edges, k) numbers.

        >>> import ohmlearn as ol
        >>> circuit = ol.edges.NonlinearEquilibrium(ol.Network.grid(3, 3), [0, 8], ol.edges.NMOS(gain=0.5, leak=1e-3))
        >>> circuit.values(None)[0], circuit.values(1.5).shape
        (np.float64(2.0), (12,))
        """
        m = self.network.n_edges
        if given is None:
            return start(self.edges, m)
        values = np.asarray(getattr(given, "conductances", given), dtype=np.float64)
        if values.ndim == 0:
            values = np.full(m, float(values))
        if values.shape[0] != m or values.ndim > 2:
            raise ValueError(f"what learns must have one value for each of the {m} edges, not shape {values.shape}")
        if not np.all(np.isfinite(values)):
            raise ValueError("what learns must be finite")
        gates = np.array([law.learns == "gate voltage" for law in all_laws(self.edges)])
        which = getattr(self.edges, "which", np.zeros(m, dtype=np.int64))
        bad = np.flatnonzero((values.reshape(m, -1).min(axis=1) < 0) & ~gates[which])
        if bad.size:
            raise ValueError(f"the conductance of edge {bad[0]} is negative; conductances must be >= 0")
        return values

    def solve(self, values: Any = None, held_voltages: ArrayLike | None = None, currents: ArrayLike | None = None, *,
              start: ArrayLike | None = None) -> Floats:
        """Voltages (n_nodes,), or (n_nodes, k) where any argument has k columns.

        values : (n_edges,) or (n_edges, k), what learns, by default the start of the law. held_voltages : (n_held,) or
        (n_held, k) in V, by default 0. currents : (n_nodes,) or (n_nodes, k) injected, in G₀ V. start : (n_nodes,) or
        (n_nodes, k) guess, by default 0.

        Returns voltages in V.
        Raises NotConverged where Newton's iteration finds no equilibrium, with the number of the column.

        >>> import ohmlearn as ol
        >>> circuit = ol.edges.NonlinearEquilibrium(ol.Network.grid(3, 3), [0, 8], ol.edges.NMOS(gain=0.5, leak=1e-3))
        >>> circuit.solve(2.0, [[1.0, 0.5], [0.0, 0.0]]).shape
        (9, 2)
        """
        n = self.network.n_nodes
        parts = [self.values(values), _checked(held_voltages, self.held.size, "held_voltages"),
                 _checked(currents, n, "currents"), _checked(start, n, "start")]
        k = max([part.shape[1] for part in parts if part.ndim == 2], default=0)
        if any(part.ndim == 2 and part.shape[1] not in (1, k) for part in parts):
            raise ValueError(f"give as many columns of each, or one: {[part.shape for part in parts]}")
        columns = [np.broadcast_to(part.reshape(len(part), -1), (len(part), max(k, 1))) for part in parts]
        solve = self._in_lanes if n <= IN_LANES else self._one_by_one
        voltages = solve(*columns)
        return voltages if k else voltages[:, 0]

    def _in_lanes(self, values: Floats, held: Floats, currents: Floats, start: Floats) -> Floats:
        found, n, k = np.empty((self.network.n_nodes, values.shape[1])), self.network.n_nodes, values.shape[1]
        order, graph, pattern, law, work = self._prepared()
        u, v, leak, toward, inject = (aligned(rows, LANES) for rows in (len(values), n, n, n, n))
        eta, free = aligned(1, LANES), np.full(n, (1 << LANES) - 1, dtype=np.uint16)
        position = np.empty(n, dtype=np.int64)
        position[order] = np.arange(n)
        free[position[self.held]] = 0
        leak[:] = self.leak[order, None]
        self.iterations = 0
        for first in range(0, k, LANES):
            some = slice(first, min(first + LANES, k))
            width = some.stop - some.start
            u[:, :width], v[:, :width], inject[:, :width] = values[:, some], start[order, some], currents[order, some]
            v[position[self.held], :width] = held[:, some]
            newton.forget(work, -1)
            failed, iterations = newton.newton(graph, pattern, law, leak, toward, inject, free, u, v, None, eta,
                                               (1 << width) - 1, work)
            self.iterations += iterations
            if failed:
                self._refuse(first + (failed & -failed).bit_length() - 1)
            found[order, some] = v[:, :width]
        return found

    def _prepared(self) -> Any:
        if self._blocks is None:
            network = self.network
            order, graph, pattern = prepare(network.edges, network.n_nodes, lambda needed: None)
            graph, turned = upwards(graph)
            law = kernel_law(self.edges, network.n_edges, LANES, turned)
            self._blocks = order, graph, pattern, law, work_space(network.n_nodes, network.n_edges, pattern.row.size)
        return self._blocks

    def _refuse(self, column: int) -> None:
        raise NotConverged(f"Newton's iteration found no equilibrium of column {column}; with law='mean' there may be "
                           "several or none that it reaches: start from another guess, or take law='square'")

    def derivatives(self, values: Floats, voltages: Floats) -> Derivatives:
        """Currents of all edges, and their derivatives.

        values : (n_edges,) what learns. voltages : (n_nodes,) in V.

        Returns :class:`Derivatives`, (n_edges,) arrays.

        >>> import ohmlearn as ol
        >>> circuit = ol.edges.NonlinearEquilibrium(ol.Network.grid(3, 3), [0, 8], ol.edges.NMOS(gain=0.5, leak=1e-3))
        >>> values, held = circuit.values(None), [1.0, 0.0]
        >>> parts = circuit.derivatives(values, circuit.solve(values, held))
        >>> parts.current.shape, bool((parts.by_first >= 0).all())
        ((12,), True)
        """
        m = self.network.n_edges
        found = Derivatives(*(np.empty(m) for _ in range(4)))
        first, second = (np.ascontiguousarray(ends) for ends in self.network.edges.T)
        currents_of_edges(self._numbers, first, second, values, voltages, *found)
        return found

    def jacobian(self, parts: Derivatives) -> Any:
        """Jacobian of the currents out of the nodes by the voltages: the differential Laplacian of the network, which
        is symmetric where all currents depend on drops alone, and not for transistors.

        parts : as :meth:`derivatives` gives them.

        Returns a sparse (n_nodes, n_nodes) array in G₀, held nodes included.

        >>> import ohmlearn as ol
        >>> circuit = ol.edges.NonlinearEquilibrium(ol.Network.grid(3, 3), [0, 8], ol.edges.Cubic(0.5))
        >>> v = circuit.solve(1.0, [1.0, 0.0])
        >>> found = circuit.jacobian(circuit.derivatives(circuit.values(1.0), v))
        >>> found.shape, float(abs(found - found.T).max()) < 1e-14
        ((9, 9), True)
        """
        from scipy.sparse import coo_array

        n, (a, b) = self.network.n_nodes, self.network.edges.T
        nodes = np.arange(n)
        entries = np.concatenate([self.leak, parts.by_first, parts.by_second, -parts.by_first, -parts.by_second])
        rows, columns = np.concatenate([nodes, a, a, b, b]), np.concatenate([nodes, a, b, a, b])
        return coo_array((entries, (rows, columns)), shape=(n, n)).tocsc()

    def adjoint(self, parts: Derivatives, pulled: Floats) -> Floats:
        """How what voltages add up to changes with currents that enter: λ with Jᵀ λ = pulled at nodes that are not
        held, and 0 at those that are.

        parts : as :meth:`derivatives` gives them. pulled : (n_nodes,) or (n_nodes, k) weights of the voltages.

        Returns λ of the same shape, in 1/G₀.

        >>> import numpy as np, ohmlearn as ol
        >>> circuit = ol.edges.NonlinearEquilibrium(ol.Network.grid(3, 3), [0, 8], ol.edges.Cubic(0.5))
        >>> parts = circuit.derivatives(circuit.values(1.0), circuit.solve(1.0, [1.0, 0.0]))
        >>> circuit.adjoint(parts, np.eye(9)[4]).shape
        (9,)
        """
        from scipy.sparse.linalg import splu

        free, found = np.setdiff1d(np.arange(self.network.n_nodes), self.held), np.zeros_like(pulled)
        if free.size:
            found[free] = splu(self.jacobian(parts)[free][:, free].tocsc()).solve(pulled[free], trans="T")
        return found

    def _one_by_one(self, values: Floats, held: Floats, currents: Floats, start: Floats) -> Floats:
        from .large_newton import LargeNewton

        large = LargeNewton(self)
        return np.stack([large.solve(values[:, k], held[:, k], currents[:, k], start[:, k], k)
                         for k in range(values.shape[1])], axis=1)


def _checked(given: ArrayLike | None, size: int, name: str) -> Floats:
    if given is None:
        return np.zeros(size)
    values = np.asarray(given, dtype=np.float64)
    if values.ndim not in (1, 2) or values.shape[0] != size or not np.all(np.isfinite(values)):
        raise ValueError(f"{name} must be ({size},) or ({size}, k) finite numbers, not of shape {values.shape}")
    return values
