"""Effective resistances in a network over ranks."""
from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .part import Part
from .reductions import replicated

Floats = NDArray[np.float64]


def resistances(part: Part, pairs: NDArray[np.int64], solve: Callable[[Floats], Floats], by_node: bool) -> Floats:
    """(n_pairs,) resistances between pairs (n_pairs, 2) of nodes, on every rank.

    solve : voltages (nodes of the part,) for currents (nodes of the part,). by_node : whether a current may go into one
    node alone, to the held ones; then there is one solve for each node where these are fewer than pairs.
    """
    nodes, inverse = np.unique(pairs, return_inverse=True)
    place: NDArray[np.int64] = inverse.reshape(pairs.shape)
    owned, found = part.owned_places(nodes), np.zeros(len(pairs))
    if by_node and nodes.size < len(pairs):
        for k in range(nodes.size):
            v = _at(part, owned, solve, [(k, 1.0)])
            for side in range(2):
                here = place[:, side] == k
                found[here] += v[place[here, side]] - v[place[here, 1 - side]]
        return found
    for k, (a, b) in enumerate(map(tuple, place.tolist())):
        if a != b:
            v = _at(part, owned, solve, [(a, 1.0), (b, -1.0)])
            found[k] = v[a] - v[b]
    return found


def _at(part: Part, owned: NDArray[np.int64], solve: Callable[[Floats], Floats], into: list[tuple[int, float]]
        ) -> Floats:
    """Voltages of some nodes, on every rank, with currents into some of them."""
    currents = np.zeros(part.nodes.size)
    for k, current in into:
        if owned[k] >= 0:
            currents[owned[k]] = current
    return replicated(part.comm, owned, solve(currents))
