"""Parameters of laws of edges as unknowns: their names, how they are varied, and how currents change with them."""
from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from copy import copy
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.edges.laws import NMOS, EdgeLaw, PerEdge
from ohmlearn.kernels.nonlinear.passes import currents_of_edges
from ohmlearn.network import Network

from .edge_arrays import Derivatives, Edges, all_laws, kernel_law

Floats = NDArray[np.float64]
FACTOR = "factor"
SERIES = "series", "drain_resistance", "source_resistance"      # a law without them is another kernel
STEP = 2e-4                                                     # of differences, relative or in the parameter's unit
STENCIL = (4 / 5, -1 / 5, 4 / 105, -1 / 280)                    # of the central difference of eighth order


class Unknown(NamedTuple):
    """One parameter of one law, a number for all of its edges or one for each.

    law : number of the law. name : of the parameter, or "factor" of the conductances that are set. edges : which obey
    the law. each : whether every edge has its own. logarithmic : whether its logarithm is varied. lowest : of what is
    varied. start : (n_edges,) where the fit begins, or (1,). title : of the parameter, in words.
    """

    law: int
    name: str
    edges: NDArray[np.int64]
    each: bool
    logarithmic: bool
    lowest: float
    start: Floats
    title: str

    @property
    def labels(self) -> list[str]:
        """In words, one of every number."""
        return [f"{self.title} of edge {j}" for j in self.edges] if self.each else [self.title]

    def alike(self) -> Unknown:
        """The same as one number for all edges, where all begin at one number."""
        if self.each and np.ptp(self.start) == 0:
            return self._replace(each=False, start=self.start[:1])
        return self

    def value(self, x: Floats) -> Floats:
        """The parameter at the numbers that are varied."""
        return np.exp(x) if self.logarithmic else x


def unknowns(edges: Edges, n_edges: int, fit: Sequence[str], per_edge: Sequence[str]) -> list[Unknown]:
    """The unknowns with these names, in the order of the names and then of the laws."""
    laws = all_laws(edges)
    which = edges.which if isinstance(edges, PerEdge) else np.zeros(n_edges, dtype=np.int64)
    known = sorted({name for law in laws for name in _names(law)})
    for name in (*fit, *per_edge):
        if name not in known:
            raise ValueError(f"there is no parameter {name!r} to fit; there are {', '.join(known)}")
    if twice := set(fit) & set(per_edge):
        raise ValueError(f"{twice.pop()!r} is one number for all edges (fit) or one for each (per_edge), not both")
    found = [_unknown(law, k, np.flatnonzero(which == k), name, name in per_edge, len(laws) > 1)
             for name in (*fit, *per_edge) for k, law in enumerate(laws) if name in _names(law) and (which == k).any()]
    if not found:
        raise ValueError(f"nothing is to be fitted: name parameters in fit or per_edge, of {', '.join(known)}")
    return found


def _names(law: EdgeLaw) -> list[str]:
    fields = [field.name for field in dataclasses.fields(law) if field.name not in ("law", "lowest", "highest")]
    fields = [name for name in fields if _acts(law, name)]
    return fields + [FACTOR] * (law.learns == "conductance")


def _acts(law: EdgeLaw, name: str) -> bool:
    """Whether the law depends on a parameter at all, as not every law of transistors does on all of theirs."""
    moved = _moved(law, name, np.multiply(getattr(law, name), 1.5) + 0.5)

    def numbers(which: EdgeLaw) -> Any:
        return which.kernel, [np.asarray(part).tolist() for part in (*which.parameters, *which.leaks)]
    return bool(numbers(law) != numbers(moved))


def _moved(law: EdgeLaw, name: str, value: Any) -> EdgeLaw:
    """The law with another value of a parameter, unchecked: a difference may reach below the bound of the value."""
    moved = copy(law)
    object.__setattr__(moved, name, value)
    return moved


def _unknown(law: EdgeLaw, number: int, edges: NDArray[np.int64], name: str, each: bool, several: bool) -> Unknown:
    given = np.asarray(1.0 if name == FACTOR else getattr(law, name), dtype=np.float64)
    title = f"{name} of law {number} ({type(law).__name__})" if several else name
    if name == "node_leak" and each:
        raise ValueError("node_leak belongs to nodes, so it cannot be fitted per edge")
    if name in (*law._positive, *SERIES, FACTOR) and not np.all(given > 0):
        raise ValueError(f"{name} must be > 0 where the fit begins, since its logarithm is varied; give a guess")
    positive = name in (*law._positive, *law._not_negative, FACTOR) and bool(np.all(given > 0))
    start = np.broadcast_to(given, edges.max() + 1)[edges] if given.ndim == 0 else given[edges]
    if not each:
        if np.ptp(start) > 0:
            raise ValueError(f"{name} differs from edge to edge in the law given, so it cannot be fitted as one "
                             "number; name it in per_edge")
        start = start[:1]
    lowest = 0.0 if name in law._not_negative and not positive else -np.inf
    return Unknown(number, name, edges, each, positive, lowest, np.log(start) if positive else start.copy(), title)


class Tried(NamedTuple):
    """Laws, and (n_edges,) factors of what is set, at numbers that are tried."""

    edges: Edges
    factors: Floats


def tried(edges: Edges, n_edges: int, given: Sequence[Unknown], x: Floats) -> Tried:
    """The laws at values x of the unknowns, in their order."""
    laws, factors, begin = list(all_laws(edges)), np.ones(n_edges), 0
    for unknown in given:
        values = unknown.value(x[begin:begin + unknown.start.size])
        begin += unknown.start.size
        if unknown.name == FACTOR:
            factors[unknown.edges] = values
        else:
            laws[unknown.law] = _replaced(laws[unknown.law], unknown, values, n_edges)
    return Tried(laws[0] if isinstance(edges, EdgeLaw) else PerEdge(laws, edges.which), factors)


def _replaced(law: EdgeLaw, unknown: Unknown, values: Floats, n_edges: int) -> EdgeLaw:
    if not unknown.each:
        return dataclasses.replace(law, **{unknown.name: float(values[0])})
    every = np.full(n_edges, values.mean())
    every[unknown.edges] = values
    return dataclasses.replace(law, **{unknown.name: every})


class Slope(NamedTuple):
    """(n_edges,) derivatives by a parameter of every edge, 0 at edges of other laws: of its current, and of the leak to
    ground at each of its ends; and that of the leak at every node."""

    current: Floats
    at_ends: Floats
    everywhere: float


def slopes(network: Network, now: Tried, unknown: Unknown, settings: Floats, voltages: Floats,
           parts: Derivatives) -> Slope:
    """How currents change with an unknown (its logarithm, where that is varied) at fixed voltages: from the derivative
    by what is set where that tells it, else by differences of eighth order of the law's own currents: exact to 1e-11
    of the current, but less than 1 mV or 1e-3 of a parameter from a corner of the law."""
    m, mine = network.n_edges, np.zeros(network.n_edges)
    mine[unknown.edges] = 1.0
    law = all_laws(now.edges)[unknown.law]
    if unknown.name == FACTOR:
        return Slope(mine * parts.by_learned * settings * now.factors, 0 * mine, 0.0)
    if unknown.name == "threshold" and isinstance(law, NMOS):
        return Slope(-mine * parts.by_learned, 0 * mine, 0.0)
    value = np.asarray(getattr(law, unknown.name), dtype=np.float64)
    scale = np.abs(value) if unknown.logarithmic else np.ones_like(value)
    first, second = (np.ascontiguousarray(ends) for ends in network.edges.T)
    current, at_ends, everywhere, rest = np.zeros(m), np.zeros(m), 0.0, [np.empty(m) for _ in range(3)]
    for k, weight in enumerate(STENCIL, 1):
        for sign in (1, -1):
            step = sign * k * STEP
            moved = _moved(law, unknown.name, value + step * scale)
            found = np.empty(m)
            currents_of_edges(kernel_law(moved, m, 0), first, second, settings * now.factors, voltages, found, *rest)
            current += sign * weight / STEP * found
            at_ends = at_ends + sign * weight / STEP * np.asarray(moved.leaks[0])
            everywhere += sign * weight / STEP * float(np.max(moved.leaks[1]))
    if law.leaks[1] < max(float(np.max(each.leaks[1])) for each in all_laws(now.edges)):
        everywhere = 0.0                                        # of all laws the largest counts
    return Slope(mine * current, mine * at_ends, everywhere)
