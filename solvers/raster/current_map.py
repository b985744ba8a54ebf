"""Cumulative current maps and resistances between focal places of a raster, as in landscape genetics.

1 A enters at one focal place and leaves at another, for every pair; a cell's value is the current that passes through
it, summed over the pairs (McRae, Dickson, Keitt & Shah 2008).
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.io.raster import Raster, labels_of, raster_network
from ohmlearn.kernels.linalg.flows import add_node_flows
from ohmlearn.network import Network
from ohmlearn.solvers.equilibrium.equilibrium import Equilibrium
from ohmlearn.solvers.equilibrium.memory import require

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CurrentMap:
    """Result of `current_map`.

    labels : (k,) focal places in ascending order. resistances : (k, k) between them, in the raster's unit; infinite
    where no path joins two. currents : (rows, cols) in A, summed over all pairs; NaN where a cell has no node.
    raster : the same as a Raster, with the place of the one given.
    """

    labels: NDArray[np.int64]
    resistances: Floats
    currents: Floats
    raster: Raster


def current_map(values: ArrayLike | Raster, focal: ArrayLike, neighbours: Literal[4, 8] = 8, *,
                quantity: Literal["resistance", "conductance"] = "resistance",
                average: Literal["resistance", "conductance"] = "resistance", regions: ArrayLike | None = None,
                method: str = "auto", rtol: float = 1e-10) -> CurrentMap:
    """Current through every cell, summed over all pairs of focal places, and the resistances between these.

    values, neighbours, quantity, average, regions : as in :func:`ohmlearn.io.raster.raster_network`.
    focal : (rows, cols) integers: cells of equal positive ones are one focal place, a point or several cells, which are
        at one voltage in the pairs of their place and not joined in others; 0, NaN and negative ones are none.
    method, rtol : how to solve, see :class:`Equilibrium`. One factor serves all places, eight at a time.

    >>> found = current_map(np.ones((3, 3)), [[1, 0, 0], [0, 0, 0], [0, 0, 2]], neighbours=4)
    >>> round(found.resistances[0, 1], 12), round(found.currents[1, 1], 12)
    (1.5, 0.333333333333)
    """
    raster = values if isinstance(values, Raster) else Raster(np.ma.filled(np.ma.asarray(values, dtype=float), np.nan))
    places = labels_of(focal, raster.values.shape, "focal")
    network, conductances, nodes = raster_network(raster, neighbours, quantity=quantity, average=average,
                                                  regions=regions)
    labels = np.unique(places[(places > 0) & (nodes >= 0)])
    if labels.size < 2:
        raise ValueError(f"focal names {labels.size} place{'s' if labels.size != 1 else ''} on cells with data; at "
                         "least two are needed")
    at = [np.unique(nodes[(places == label) & (nodes >= 0)]) for label in labels]
    resistances, total = np.full((labels.size, labels.size), np.inf), np.zeros(network.n_nodes)
    np.fill_diagonal(resistances, 0.0)
    parts = network.components
    for label, own in zip(labels, at, strict=True):
        if (parts[own] != parts[own[0]]).any():
            raise ValueError(f"focal place {label} lies on parts of the raster that no path joins; join its cells as a "
                             "region, or give them different numbers")
    first = np.array([parts[own[0]] for own in at])
    for part in np.unique(first):
        here = np.flatnonzero(first == part)
        if here.size > 1:
            inside = parts == part
            number = np.cumsum(inside) - 1
            kept = inside[network.edges[:, 0]]
            whole = Network(number[network.edges[kept]], int(inside.sum()))
            found, flows = _pairs(whole, conductances[kept], [number[at[k]] for k in here], method, rtol)
            resistances[np.ix_(here, here)] = found
            total[inside] += flows
    currents = np.where(nodes >= 0, total[nodes], np.nan)
    return CurrentMap(labels, resistances, currents, raster.with_values(currents))


def _pairs(network: Network, conductances: Floats, at: list[NDArray[np.int64]], method: str, rtol: float
           ) -> tuple[Floats, Floats]:
    """Resistances (k, k) between places `at`, nodes of each, and the flows (n_nodes,) summed over their pairs.

    The nodes of the two places of a pair are at one voltage each; how 1 A is shared among them follows from Green's
    function between all focal nodes.
    """
    k, n = len(at), network.n_nodes
    own = np.unique(np.concatenate(at))
    require(2 * 8.0 * n * own.size, f"voltages for {own.size} focal cells on {n} nodes",
            "take fewer focal cells, or larger cells")
    columns = np.zeros((own.size, n))
    if own.size > 1:
        columns[1:] = Equilibrium(network, own[:1], method, rtol).green(own[1:], conductances).T
    resistances, total, into, out = np.zeros((k, k)), np.zeros(n), np.empty(n), np.empty(n)
    for i in range(k):
        for j in range(i + 1, k):
            if np.intersect1d(at[i], at[j]).size:
                continue
            both = np.concatenate([at[i], at[j]])
            rows = np.searchsorted(own, both)
            border = np.repeat(np.eye(2), [at[i].size, at[j].size], axis=0)
            system = np.block([[columns[rows][:, both], -border], [border.T, np.zeros((2, 2))]])
            found = np.linalg.solve(system, np.concatenate([np.zeros(both.size), [1.0, -1.0]]))
            resistances[i, j] = resistances[j, i] = found[-2] - found[-1]
            flows = np.zeros(n)
            add_node_flows(flows, into, out, network.edges, conductances, found[:both.size] @ columns[rows])
            flows[both] = 1.0
            total += flows
    return resistances, total
