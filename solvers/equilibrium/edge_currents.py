"""Currents of edges with relative accuracy, where differences of rounded voltages have none.

A voltage is kept as v + e, v as the user has it and e a correction far below its last digit, so that G (Δv + Δe) is
right also where strong edges leave nothing of Δv. e solves L e = I - L v with the residual summed from the currents
themselves, compensated; what strong edges carry round within their own part cancels there to the last bit.
"""
from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.linalg.laplacian import add_currents, pair_currents

Floats = NDArray[np.float64]
ROUNDS = 4
ENOUGH = 1e-13      # change of a current, relative to itself, that ends the rounds


def edge_currents(edges: NDArray[np.int64], conductances: Floats, voltages: Floats, injected: Floats,
                  correct: Callable[[Floats], Floats]) -> Floats:
    """(n_edges,) currents from the first to the second node of every edge.

    voltages, injected : (n_nodes,) as solved for. correct : a solution of L e = r for r (n_nodes,), 0 at held nodes.
    """
    correction = np.zeros_like(voltages)
    found, left, carry = np.empty(len(edges)), np.empty_like(voltages), np.empty_like(voltages)
    pair_currents(found, edges, conductances, voltages, correction)
    for _ in range(ROUNDS):
        left[:] = -injected
        add_currents(left, carry, edges, found)
        before = found.copy()
        correction += correct(-left)
        pair_currents(found, edges, conductances, voltages, correction)
        if (abs(found - before) <= ENOUGH * abs(found)).all():
            break
    return found


def leaving(edges: NDArray[np.int64], currents: Floats, n_nodes: int) -> Floats:
    """(n_nodes,) current that leaves every node through its edges, sums compensated."""
    total, carry = np.zeros(n_nodes), np.empty(n_nodes)
    add_currents(total, carry, edges, currents)
    return total
