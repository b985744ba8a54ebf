"""What a linear resistor network can reach at best: the bound that nonnegative conductances set.

At equilibrium the voltage of a node that is not held is a mean of the held voltages, with weights >= 0 that sum to 1,
whatever the network (maximum principle); and a crossbar from every held node to every output has any such weights. So
the reachable maps are the matrices with rows in a simplex, read out through pairs where outputs are drops.
"""
from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from ohmlearn.outputs import output_matrix, read_outputs

from .wiring import Array, Wiring


def best_response(wiring: Wiring, drive: Array, desired: Callable[[Array], Array], *,
                  steps: int = 2000) -> tuple[float, Array]:
    """Lowest mean cost ½ |desired - output|² that any network of this wiring's drive can reach, and its response.

    drive : (n_samples, n_features + 1) features in V, and ones. desired : outputs (n_samples, n_outputs) -> the desired
        ones; given arrays always the same, or the nearest point of a convex set. steps : of accelerated projected
        gradient descent on a convex cost.

    Returns the cost in V² and the response (n_outputs, n_features + 1). Edges of the wiring's network play no part.
    """
    held = drive @ wiring.drive.T
    nodes, read = _readout(wiring)
    weights = np.full((len(nodes), held.shape[1]), 1 / held.shape[1])
    ahead, inertia = weights, 1.0
    stiffest = np.linalg.norm(held, 2) ** 2 / len(held) * np.linalg.norm(read, 2) ** 2
    for _ in range(steps):
        outputs = held @ ahead.T @ read.T
        slope = read.T @ (outputs - desired(outputs)).T @ held / len(held)
        moved = onto_simplex(ahead - slope / stiffest)
        grown = (1 + np.sqrt(1 + 4 * inertia**2)) / 2
        ahead, weights, inertia = moved + (inertia - 1) / grown * (moved - weights), moved, grown
    outputs = held @ weights.T @ read.T
    cost = 0.5 * float(np.mean(np.sum((outputs - desired(outputs)) ** 2, axis=1)))
    return cost, read @ weights @ wiring.drive


def _readout(wiring: Wiring) -> tuple[NDArray[np.int64], Array]:
    """The nodes that outputs are read at, and (n_outputs, n_nodes_read) how."""
    matrix = output_matrix(read_outputs(list(wiring.outputs)), wiring.network.n_nodes).toarray()
    nodes = np.flatnonzero(np.abs(matrix).sum(axis=0)).astype(np.int64)
    return nodes, matrix[:, nodes]


def onto_simplex(rows: Array) -> Array:
    """The nearest rows with entries >= 0 that sum to 1."""
    falling = -np.sort(-rows, axis=1)
    excess = (np.cumsum(falling, axis=1) - 1) / np.arange(1, rows.shape[1] + 1)
    last = (falling > excess).sum(axis=1) - 1
    return np.asarray(np.maximum(rows - np.take_along_axis(excess, last[:, None], axis=1), 0.0))
