"""A twin of real hardware: parameters of laws of edges from measured voltages and currents, by least squares."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.edges.measurements import Measurements
from ohmlearn.network import Network
from ohmlearn.solvers.not_converged import NotConverged

from .edge_arrays import Derivatives, Edges, as_edges
from .equilibrium import NonlinearEquilibrium
from .law_fit import LawFit, described
from .law_unknowns import Tried, Unknown, slopes, tried, unknowns

Floats = NDArray[np.float64]
PULL = 1e-7     # towards where a fit begins, over the norm of the readings: it decides only what they leave open


def fit_law(network: Network, edges: Any, measurements: Measurements, fit: Sequence[str] = (),
            per_edge: Sequence[str] = (), *, max_evaluations: int = 200) -> LawFit:
    """Fit parameters of the laws of edges to what was measured at a circuit, by weighted least squares.

    edges : law of the edges, or a PerEdge of several; the fit begins at its parameters, and those that are not named
        stay. measurements : what was read, see :class:`Measurements`.
    fit, per_edge : names of parameters that are one number for all edges of a law, and of those with one for every
        edge. "factor" is a factor of the conductances that were set; parameters that are > 0 are varied by their
        logarithm. max_evaluations : of the circuit, at most.
    Parameters of one number an edge are first fitted as if all edges were alike, and then each.
    Derivatives of the readings go through the equilibrium by the adjoint method, so that an evaluation costs one
    factorisation and one solve a reading for each setting, however many parameters there are.

    Returns :class:`LawFit`: the law with the fitted parameters, their standard errors, and what the data leave open.
    Raises NotConverged where a circuit that is tried has no equilibrium, RuntimeError where `max_evaluations` were not
    enough, ValueError for a name that no law has.

    >>> import numpy as np, ohmlearn as ol
    >>> net, true = ol.Network.grid(3, 3), ol.edges.NMOS(gain=0.4, threshold=0.3, leak=1e-3)
    >>> gates = np.random.default_rng(0).uniform(1.0, 3.0, (6, 12))
    >>> read = ol.edges.simulate_measurements(net, true, [0, 8], np.tile([1.0, 0.0], (6, 1)), gates, nodes=[2, 4, 6],
    ...                                       terminals=[0], voltage_error=1e-4, current_error=1e-4)
    >>> guess = ol.edges.NMOS(gain=0.5, threshold=0.0, leak=1e-3)
    >>> found = ol.edges.fit_law(net, guess, read, fit=["gain", "threshold"])
    >>> abs(found["gain"] - 0.4) < 4 * found.error("gain") < 0.01
    True
    """
    if not isinstance(measurements, Measurements):
        raise TypeError(f"measurements must be ohmlearn.edges.Measurements, not {measurements!r}")
    names = [[name] if isinstance(name, str) else list(name) for name in (fit, per_edge)]
    circuit = _Circuit(network, as_edges(edges, network), measurements)
    given = unknowns(circuit.edges, network.n_edges, *names)
    x = _begin(circuit, given, max_evaluations)
    circuit.given = given
    lowest = _lowest(given)
    found = _least_squares(circuit, x, lowest, max_evaluations)
    if found.status <= 0:
        raise RuntimeError(f"the fit did not settle in {max_evaluations} evaluations; begin from a law nearer to the "
                           "hardware, fit fewer parameters, or raise max_evaluations")
    evaluations = int(found.nfev)
    found = _least_squares(circuit, found.x, lowest, max_evaluations)       # not pulled to where the first began
    now = tried(circuit.edges, network.n_edges, given, found.x)
    weighed = measurements.voltage_error is not None or measurements.current_error is not None
    return described(now, given, found.x, found.fun[:-x.size], circuit.jacobian(found.x), circuit.size, weighed,
                     evaluations + int(found.nfev))


def _begin(circuit: _Circuit, given: list[Unknown], most: int) -> Floats:
    """Where a fit begins: with one number an edge, at the best that all edges of a law have in common."""
    if not any(unknown.each and np.ptp(unknown.start) == 0 for unknown in given):
        return np.concatenate([unknown.start for unknown in given])
    alike = [unknown.alike() for unknown in given]
    circuit.given = alike
    x = _least_squares(circuit, np.concatenate([unknown.start for unknown in alike]), _lowest(alike), most).x
    parts = np.split(x, np.cumsum([unknown.start.size for unknown in alike])[:-1])
    return np.concatenate([np.broadcast_to(part, unknown.start.size)
                           for part, unknown in zip(parts, given, strict=True)])


def _lowest(given: list[Unknown]) -> Floats:
    return np.concatenate([np.full(unknown.start.size, unknown.lowest) for unknown in given])


def _least_squares(circuit: _Circuit, x: Floats, lowest: Floats, most: int) -> Any:
    """The minimum near x; what the data leave open stays at x."""
    from scipy.optimize import least_squares

    pull = PULL * circuit.size
    return least_squares(
        lambda now: np.concatenate([circuit.residuals(now), pull * (now - x)]), np.maximum(x, lowest),
        lambda now: np.concatenate([circuit.jacobian(now), pull * np.eye(x.size)]), (lowest, np.inf), x_scale="jac",
        ftol=1e-10, xtol=1e-10, gtol=1e-10, max_nfev=most)


def simulate_measurements(network: Network, edges: Any, held: ArrayLike, held_voltages: ArrayLike,
                          settings: ArrayLike | None = None, *, factors: ArrayLike | None = None,
                          nodes: ArrayLike = (), terminals: ArrayLike = (), voltage_error: float | None = None,
                          current_error: float | None = None, seed: int = 0) -> Measurements:
    """What would be measured at a circuit whose law is known, with noise: to see what a plan of measurements determines
    before it is carried out, and to test a fit.

    edges : law of the edges. held, held_voltages, settings, nodes, terminals : as of :class:`Measurements`, with
    (n, n_held) voltages in V. factors : (n_edges,) of the conductances that are set, by default 1. voltage_error,
    current_error : standard deviations of normal noise, in V and G₀ V; None for none. seed : of the noise.

    Returns :class:`Measurements`.

    >>> import ohmlearn as ol
    >>> read = ol.edges.simulate_measurements(ol.Network.grid(3, 3), ol.edges.Linear(), [0, 8], [[1.0, 0.0]],
    ...                                       nodes=[4], terminals=[0, 8])
    >>> read.voltages.round(6).tolist(), read.currents.round(6).tolist()
    ([[0.5]], [[0.666667, -0.666667]])
    """
    driven, rng = np.atleast_2d(np.array(held_voltages, dtype=np.float64)), np.random.default_rng(seed)
    shapes = [(len(driven), np.atleast_1d(np.array(places)).size) for places in (nodes, terminals)]
    errors = [error or 1.0 for error in (voltage_error, current_error)]
    blank = Measurements(held, driven, settings, nodes=nodes, voltages=np.zeros(shapes[0]), terminals=terminals,
                         currents=np.zeros(shapes[1]), voltage_error=errors[0], current_error=errors[1])
    circuit = _Circuit(network, as_edges(edges, network), blank)
    m = network.n_edges
    found = circuit.outputs(Tried(circuit.edges, np.ones(m) if factors is None else np.array(factors, np.float64)))
    voltages, currents = np.split(found, shapes[0][1:], axis=1)
    voltages = voltages + (voltage_error or 0.0) * rng.standard_normal(shapes[0])
    currents = currents + (current_error or 0.0) * rng.standard_normal(shapes[1])
    both = voltage_error is None and current_error is None and 0 not in (shapes[0][1], shapes[1][1])
    return Measurements(held, driven, settings, nodes=nodes, voltages=voltages, terminals=terminals, currents=currents,
                        voltage_error=1.0 if both else voltage_error, current_error=1.0 if both else current_error)


class _Circuit:
    """The circuit that was measured: readings at laws that are tried, and their derivatives."""

    def __init__(self, network: Network, edges: Edges, read: Measurements) -> None:
        self.network, self.edges, self.read = network, edges, read
        network.check_nodes(read.held, "held node")
        self.nodes, self.terminals = network.check_nodes(read.nodes, "node"), read.terminals
        circuit = NonlinearEquilibrium(network, read.held, edges)
        rows = np.atleast_2d(circuit.values(None if read.settings is None else read.settings.T).T)
        self.settings = np.broadcast_to(rows, (read.n_settings, network.n_edges))
        readings = np.concatenate([np.asarray(read.voltages), np.asarray(read.currents)], axis=1)
        self.taken, self.readings = np.isfinite(readings), readings
        errors = [np.broadcast_to(1.0 if error is None else error, np.shape(part)) for error, part in
                  ((read.voltage_error, read.voltages), (read.current_error, read.currents))]
        self.errors = np.concatenate(errors, axis=1)
        self.size = float(np.linalg.norm((readings / self.errors)[self.taken]))
        self.guess: Floats | None = None
        self.given: list[Unknown] = []

    def residuals(self, x: Floats) -> Floats:
        """(n_readings,) calculated less measured, in standard errors."""
        found = self.outputs(self.at(x)) - self.readings
        return (found / self.errors)[self.taken]

    def at(self, x: Floats) -> Tried:
        return tried(self.edges, self.network.n_edges, self.given, x)

    def equilibria(self, now: Tried) -> tuple[NonlinearEquilibrium, Floats]:
        """The circuit, and (n_nodes, n_settings) voltages."""
        circuit = NonlinearEquilibrium(self.network, self.read.held, now.edges)
        try:
            v = circuit.solve((self.settings * now.factors).T, self.read.held_voltages.T, start=self.guess)
        except NotConverged as error:
            raise NotConverged(f"the fit tried a circuit without an equilibrium that could be found ({error}); begin "
                               "from a law nearer to the hardware") from None
        self.guess = v
        return circuit, v

    def outputs(self, now: Tried) -> Floats:
        """(n_settings, n_nodes_read + n_terminals) voltages and currents."""
        circuit, v = self.equilibria(now)
        currents = np.empty((self.read.n_settings, self.network.n_nodes))
        a, b = self.network.edges.T
        for k, setting in enumerate(self.settings * now.factors):
            along = circuit.derivatives(setting, np.ascontiguousarray(v[:, k])).current
            out: Any = np.bincount(a, along, currents.shape[1]) - np.bincount(b, along, currents.shape[1])
            currents[k] = out + circuit.leak * v[:, k]
        return np.concatenate([v[self.nodes].T, currents[:, self.terminals]], axis=1)

    def jacobian(self, x: Floats) -> Floats:
        """(n_readings, n_unknowns) derivatives of the residuals."""
        now = self.at(x)
        circuit, v = self.equilibria(now)
        rows = [self.of_setting(circuit, now, setting, np.ascontiguousarray(v[:, k]))
                for k, setting in enumerate(self.settings)]
        return (np.array(rows) / self.errors[..., None])[self.taken]

    def of_setting(self, circuit: NonlinearEquilibrium, now: Tried, setting: Floats, v: Floats) -> Floats:
        """(n_nodes_read + n_terminals, n_unknowns) derivatives of the readings in one setting."""
        parts = circuit.derivatives(setting * now.factors, v)
        weights = self.weights(circuit, parts)
        a, b = self.network.edges.T
        columns = []
        for unknown in self.given:
            slope = slopes(self.network, now, unknown, setting, v, parts)
            ends = slope.at_ends[:, None] * (weights[a] * v[a, None] + weights[b] * v[b, None])
            by_edge = (slope.current[:, None] * (weights[a] - weights[b]) + ends)[unknown.edges]
            if unknown.each:
                columns.append(by_edge.T)
            else:
                columns.append((by_edge.sum(axis=0) + slope.everywhere * (v @ weights))[:, None])
        return np.concatenate(columns, axis=1)

    def weights(self, circuit: NonlinearEquilibrium, parts: Derivatives) -> Floats:
        """(n_nodes, n_nodes_read + n_terminals): what a current that is lost at a node changes in each reading."""
        n, read, terminals = self.network.n_nodes, self.nodes, self.terminals
        pulled = np.zeros((n, read.size + terminals.size))
        pulled[read, np.arange(read.size)] = 1.0
        pulled[:, read.size:] = circuit.jacobian(parts)[terminals].toarray().T
        weights = -circuit.adjoint(parts, pulled)
        weights[terminals, read.size + np.arange(terminals.size)] += 1.0
        return weights
