"""Equilibrium voltages of one network, for as many conductances and held voltages as asked."""
from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.network import Network
from ohmlearn.parallel.threads import available_threads

from .backend_table import DIRECT
from .grounded_laplacian import Laplacian
from .memory import bytes_needed as bytes_needed
from .memory import require
from .network_responses import NetworkResponses, columns_of
from .node_order import Layout
from .refined_solve import NotConverged as NotConverged
from .refined_solve import RefinedSolve
from .tied_nodes import TiedNodes

Floats = NDArray[np.float64]
SMALL = 2000  # nodes up to which a network is taken in the order given


class Equilibrium(NetworkResponses):
    """Solver for L(G) v = I with held nodes: set up once for a network, solve for many G, voltages, currents.

    network : the graph. Every component of it needs a held node, else its voltages are undefined. A network in a store
        is taken into memory; under an MPI launcher this is :class:`ohmlearn.distributed.StoredEquilibrium` instead.
    held : (n_held,) nodes whose voltages are given.
    method : "auto" takes what the table in `solvers/equilibrium/backend_table.py` says is fastest; or
        "approximate-cholesky" (conjugate gradients with a sampled factor), "amg" (with a smoothed-aggregation
        hierarchy, PyAMG), "superlu" (a direct factor), and with their extras "cholmod" and "apxchol".
    rtol : largest error of a voltage, by estimate, relative to the largest voltage difference. The estimate is
        M⁻¹ (b - L v), the correction that the factor or hierarchy M asks for, where b - L v is formed from the voltage
        differences along the edges themselves; it sees weak parts of the network beside strong ones. Checked on every
        solve; `stats.error` gives it in volts.
    drops : {(a, b): V_a - V_b in V} held between pairs of nodes; nodes that they tie together move as one. Then
        `currents` are G times differences of voltages, and resistances and responses are not given.
    edges : law of the edges (`ohmlearn.edges`), None for linear resistors. Then `solve` takes what learns in the place
        of conductances, and nothing else is offered: see :class:`ohmlearn.edges.NonlinearEquilibrium`.
    keep : while conductances drift, go on with the factor or hierarchy of older ones as long as that pays.
    threads : for the solves of one network of 500 000 nodes and more, by default as many as the process may use; their
        number changes no bit.

    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(4, 4)
    >>> circuit = ol.Equilibrium(net, held=[0, 15])
    >>> circuit.solve(1.0, held_voltages=[1.0, 0.0]).round(3).tolist()[:4]
    [1.0, 0.731, 0.577, 0.5]
    """

    def __new__(cls, network: Any, *given: Any, **options: Any) -> Any:
        """What solves a network over ranks, where it is in a store and there are some."""
        engine = getattr(type(network), "engine", None)
        found = None if engine is None else import_module(engine).over_ranks(network, *given, **options)
        return super().__new__(cls) if found is None else found

    def __init__(self, network: Network, held: ArrayLike, method: str = "auto", rtol: float = 1e-10, *,
                 drops: Mapping[tuple[int, int], float] | None = None, keep: bool = True, edges: Any = None,
                 threads: int | None = None) -> None:
        network = getattr(network, "network", lambda: network)()        # of a store
        if not isinstance(network, Network):
            raise TypeError(f"network must be a Network, not {type(network).__name__}; Network.from_edges takes edges")
        self._edges = edges
        if edges is not None:
            self._hold_nonlinear(network, held, method, drops)
            return
        given: Any = rtol
        if isinstance(given, bool) or not isinstance(given, int | float | np.number) or not 0 < given < 1:
            raise ValueError(f"rtol must lie between 0 and 1, not {rtol!r}; 1e-10 is usual")
        self.network, self.rtol = network, rtol
        self.held = network.check_nodes(held, "held node")
        self._made_of = (method, dict(drops or {}), keep, threads)
        self._lock = RLock()
        unique, counts = np.unique(self.held, return_counts=True)
        if (counts > 1).any():
            raise ValueError(f"node {unique[counts > 1][0]} is listed twice among the held nodes")
        require(bytes_needed(network.n_nodes, network.n_edges, method), f"solving {network!r}", "take a smaller network"
                if method not in DIRECT else "take method='approximate-cholesky'")
        self._tied = TiedNodes(network, self.held, drops) if drops else None
        solved, held_there = (self._tied.network, self._tied.held) if self._tied else (network, self.held)
        layout = Layout.of(solved) if solved.n_nodes > SMALL else None
        self.laplacian = Laplacian(solved, held_there, layout)
        self._rows = RefinedSolve(self.laplacian, method, float(rtol), keep, available_threads(threads))
        self._rows.check_floating(solved.components)
        self.stats = self._rows.stats

    def solve(self, conductances: ArrayLike | None = None, held_voltages: ArrayLike | None = None,
              currents: ArrayLike | None = None, *, start: ArrayLike | None = None) -> Floats:
        """Voltages (n_nodes,), or (n_nodes, k) for k right-hand sides at once.

        conductances : (n_edges,) G >= 0 in S, or any unit if currents have it too, by default the network's initial
            ones, else 1; where edges are cut by G = 0, every remaining part needs a held node.
        held_voltages : (n_held,) or (n_held, k) in V; None holds all at 0.
        currents : (n_nodes,) or (n_nodes, k) in A, injected at the nodes; at held nodes they change nothing.
        start : (n_nodes,) or (n_nodes, k) guess, by default the last solution; used where it is nearer than zero.

        An Equilibrium may be shared by threads: its solves take turns.

        Returns (n_nodes,) or (n_nodes, k) voltages in V.
        Raises NotConverged rather than return voltages that are further off than rtol, by estimate.

        >>> import ohmlearn as ol
        >>> net = ol.Network.grid(2, 3)
        >>> circuit = ol.Equilibrium(net, held=[0, 5])
        >>> circuit.solve(1.0, [1.0, 0.0]).round(3).tolist()
        [1.0, 0.571, 0.286, 0.714, 0.429, 0.0]
        """
        if self._edges is not None:
            with self._lock:
                return self._nonlinear.solve(conductances, held_voltages, currents, start=start)
        g = self.network.conductances(conductances)
        held = columns_of(held_voltages, self.held.size, "held_voltages")
        injected = columns_of(currents, self.network.n_nodes, "currents")
        k = max(held.shape[1], injected.shape[1])
        if not {held.shape[1], injected.shape[1]} <= {1, k} or k == 0:
            raise ValueError(f"held_voltages has {held.shape[1]} columns and currents has {injected.shape[1]}; give "
                             "both as many, or one of them one only")
        single = (held_voltages is None or np.ndim(held_voltages) == 1) and (currents is None or np.ndim(currents) == 1)
        held, injected = np.broadcast_to(held, (len(held), k)), np.broadcast_to(injected, (len(injected), k))
        guess = None if start is None else columns_of(start, self.network.n_nodes, "start")
        with self._lock:
            self._used, self._injected = g, injected
            if self._tied:
                guess = None if guess is None else self._tied.at_first(guess)
                g, held, injected = self._tied.reduced(g, held, injected)
            rows = np.empty((k, 0))
            if self.laplacian.n_rows:
                rows = self._rows.rows(g, held, injected, guess)
            voltages = self.laplacian.scatter(rows.T, held)
            if self._tied:
                voltages = self._tied.expanded(voltages)
        return voltages[:, 0] if single else voltages

    def _hold_nonlinear(self, network: Network, held: ArrayLike, method: str, drops: Any) -> None:
        from ohmlearn.solvers.nonlinear.equilibrium import NonlinearEquilibrium

        if method != "auto" or drops:
            raise ValueError("nonlinear edges take no method and no held drops; leave method at 'auto', and drops out")
        self._nonlinear = NonlinearEquilibrium(network, held, self._edges, Equilibrium)
        self.network, self.held, self._lock = network, self._nonlinear.held, RLock()

    def __getattr__(self, name: str) -> Any:
        """Say of what only linear networks have that this one has it not."""
        if self.__dict__.get("_edges") is not None and name in ("laplacian", "stats", "_rows", "_tied", "_used"):
            raise NotImplementedError("resistances, responses, currents and statistics of a solve are of linear edges; "
                                      "with edges=... an Equilibrium has solve(), and ohmlearn.edges has the rest")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def forget(self) -> None:
        """Drop what was kept of earlier solves: from here on, the bits depend on what is asked from here on.

        >>> import ohmlearn as ol
        >>> circuit = ol.Equilibrium(ol.Network.grid(2, 3), held=[0, 5])
        >>> v = circuit.solve(1.0, [1.0, 0.0])
        >>> circuit.forget()
        >>> bool((circuit.solve(1.0, [1.0, 0.0]) == v).all())
        True
        """
        with self._lock:
            self._rows.forget()

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles are made anew of the same network, held nodes and options, with nothing of the solves."""
        if self._edges is not None:
            return _nonlinear, (self.network, self.held, self._edges)
        method, drops, keep, threads = self._made_of
        return _made, (self.network, self.held, method, self.rtol, drops, keep, threads)


def _made(network: Network, held: NDArray[np.int64], method: str, rtol: float, drops: dict[tuple[int, int], float],
          keep: bool, threads: int | None) -> Equilibrium:
    return Equilibrium(network, held, method, rtol, drops=drops, keep=keep, threads=threads)


def _nonlinear(network: Network, held: NDArray[np.int64], edges: Any) -> Equilibrium:
    return Equilibrium(network, held, edges=edges)
