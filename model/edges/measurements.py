"""What was measured at a circuit: voltages of nodes and currents of terminals, at several settings of it."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Measurements:
    """Measured voltages and currents of one circuit, in n settings of it.

    held : (n_held,) nodes whose voltages are set. held_voltages : (n, n_held) in V, or (n_held,) for one setting.
    settings : conductances in G₀ or gate voltages in V that were set, (n, n_edges), or (n_edges,) for all; None for the
        start of the law.
    nodes : (n_nodes_read,) nodes that were read. voltages : (n, n_nodes_read) in V, NaN where there is no reading.
    terminals : (n_terminals,) held nodes whose current was read. currents : (n, n_terminals) into the circuit, in
        G₀ V, NaN where there is no reading.
    voltage_error, current_error : standard errors of the readings, in V and in G₀ V, a number, or (n, n_nodes_read) and
        (n, n_terminals); None if they are not known, which is possible where only one of both kinds was read.

    >>> import ohmlearn as ol
    >>> read = ol.edges.Measurements([0, 8], [[1.0, 0.0], [0.5, 0.0]], nodes=[4], voltages=[[0.51], [0.26]])
    >>> read.n_settings, read.n_readings
    (2, 2)
    """

    held: NDArray[np.int64]
    held_voltages: Floats
    settings: Floats | None
    nodes: NDArray[np.int64]
    voltages: Floats
    terminals: NDArray[np.int64]
    currents: Floats
    voltage_error: Floats | float | None
    current_error: Floats | float | None

    def __init__(self, held: ArrayLike, held_voltages: ArrayLike, settings: ArrayLike | None = None, *,
                 nodes: ArrayLike = (), voltages: ArrayLike | None = None, terminals: ArrayLike = (),
                 currents: ArrayLike | None = None, voltage_error: ArrayLike | None = None,
                 current_error: ArrayLike | None = None) -> None:
        values: dict[str, Any] = {"held": _nodes("held", held)}
        values["held_voltages"] = driven = np.atleast_2d(_numbers("held_voltages", held_voltages))
        n = len(driven)
        if driven.shape != (n, values["held"].size):
            raise ValueError(f"held_voltages must be (n, {values['held'].size}), one column for every held node, not "
                             f"of shape {driven.shape}")
        given = None if settings is None else _numbers("settings", settings)
        if given is not None and not (given.ndim == 1 or (given.ndim == 2 and len(given) == n)):
            raise ValueError(f"settings must be (n_edges,) or ({n}, n_edges), not of shape {given.shape}")
        values["settings"] = given
        read = (("nodes", nodes, "voltages", voltages, "voltage_error", voltage_error),
                ("terminals", terminals, "currents", currents, "current_error", current_error))
        for places, where, name, readings, wrong, error in read:
            values[places] = _nodes(places, where)
            values[name] = found = _readings(name, readings, (n, values[places].size), places)
            values[wrong] = _error(wrong, error, found.shape)
        strange = np.setdiff1d(values["terminals"], values["held"])
        if strange.size:
            raise ValueError(f"node {strange[0]} is a terminal, but no held node: currents are read at held nodes")
        useless = np.intersect1d(values["nodes"], values["held"])
        if useless.size:
            raise ValueError(f"the voltage of node {useless[0]} is set, so reading it tells nothing; read other nodes")
        for name, value in values.items():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)
            object.__setattr__(self, name, value)
        if not self.n_readings:
            raise ValueError("there are no readings: give nodes and voltages, or terminals and currents, or both")
        if np.isfinite(values["voltages"]).any() and np.isfinite(values["currents"]).any() and (
                voltage_error is None or current_error is None):
            raise ValueError("voltages and currents were read: give voltage_error and current_error, by which they "
                             "are weighed against each other")

    @property
    def n_settings(self) -> int:
        """Number of settings."""
        return len(self.held_voltages)

    @property
    def n_readings(self) -> int:
        """Number of readings."""
        return int(np.isfinite(self.voltages).sum() + np.isfinite(self.currents).sum())


def _nodes(name: str, given: ArrayLike) -> NDArray[np.int64]:
    found = np.atleast_1d(np.array(given))
    if found.size and found.dtype.kind not in "iu":
        raise TypeError(f"{name} must be numbers of nodes, not {given!r}")
    unique, counts = np.unique(found, return_counts=True)
    if (counts > 1).any():
        raise ValueError(f"node {unique[counts > 1][0]} is listed twice among {name}")
    return found.astype(np.int64)


def _numbers(name: str, given: ArrayLike) -> Floats:
    try:
        found = np.array(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be an array of numbers, not {given!r}") from None
    if not np.isfinite(found).all():
        raise ValueError(f"{name} must be finite")
    return found


def _readings(name: str, given: ArrayLike | None, shape: tuple[int, int], places: str) -> Floats:
    found = np.full(shape, np.nan) if given is None and shape[1] == 0 else np.array(given, dtype=np.float64)
    if found.ndim == 1 and shape[0] == 1:
        found = found[None]
    if found.shape != shape:
        raise ValueError(f"{name} must be {shape}, one row for every setting and one column for each of {places}, not "
                         f"of shape {found.shape}")
    if np.isinf(found).any():
        raise ValueError(f"{name} must be finite, or NaN where there is no reading")
    return found


def _error(name: str, given: ArrayLike | None, shape: tuple[int, ...]) -> Floats | float | None:
    if given is None:
        return None
    found = _numbers(name, given)
    if found.ndim and found.shape != shape:
        raise ValueError(f"{name} must be one number, or {shape} as the readings are, not of shape {found.shape}")
    if not (found > 0).all():
        raise ValueError(f"{name} must be > 0, not {found.min():g}")
    return float(found) if found.ndim == 0 else found
