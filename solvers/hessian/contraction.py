"""What a task's held voltages leave to move: nodes tied by held drops move as one, held ones not at all.

Voltages are V = P (V⁰ + S x): V⁰ takes the held voltages and drops, S maps the movable nodes x to all nodes, and P
centres floating parts, where the voltages are relative to their mean. So every drive is a grounded Laplacian.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from ohmlearn.network import Network
from ohmlearn.outputs import Held
from ohmlearn.task import Task

Array = NDArray[np.float64]


class Contraction:
    """The map S and the grounding of a task; it serves all tasks that hold the same places.

    variable : (n_nodes,) the contracted node of every node. reduced : the contracted network.
    kept : (n_edges,) mask of the edges in it; the others lie between tied nodes.
    held : contracted nodes at rest, one of each floating part among them.
    """

    def __init__(self, network: Network, task: Task) -> None:
        task.check(network)
        self.network, self.places = network, places(task)
        cluster = Held(dict.fromkeys(task.sources.tolist(), 0.0), dict.fromkeys(task.drops, 0.0)).cluster
        tied = np.arange(network.n_nodes)
        first: dict[int, int] = {}
        for node, number in cluster.items():
            if number != 0:
                tied[node] = first.setdefault(number, node)
        names, self.variable = np.unique(tied, return_inverse=True)
        ends = self.variable[network.edges]
        self.kept = ends[:, 0] != ends[:, 1]
        self.reduced = Network(ends[self.kept], len(names)) if len(names) < network.n_nodes else network
        self._ground(np.array([self.variable[node] for node, number in cluster.items() if number == 0], dtype=np.int64))

    def _ground(self, held: NDArray[np.int64]) -> None:
        """Ground every floating part at its first node, and remember the part to centre it."""
        part = self.reduced.components
        numbers, pins = np.unique(part, return_index=True)
        floats = ~np.isin(numbers, part[held])
        self.held = np.append(np.unique(held), pins[floats])
        where = np.full(numbers.size, -1)
        where[floats] = np.arange(floats.sum())
        self._part = where[part][self.variable]                      # -1 where the part is held
        self._part_size = np.bincount(self._part + 1, minlength=floats.sum() + 1)[1:]

    def centre(self, x: Array) -> Array:
        """P x: x (n_nodes, ...) with its mean over every floating part removed."""
        if not self._part_size.size:
            return x
        x = x.copy()
        for number, size in enumerate(self._part_size):
            nodes = self._part == number
            x[nodes] -= x[nodes].sum(axis=0) / size
        return x

    def reduce(self, x: Array) -> Array:
        """Sᵀ P x: currents (n_nodes, k) as they enter the contracted nodes (n_reduced, k)."""
        reduced = np.zeros((self.reduced.n_nodes, x.shape[1]))
        np.add.at(reduced, self.variable, self.centre(x))
        return reduced

    def expand(self, x: Array) -> Array:
        """P S x: voltages (n_nodes, k) from those of the contracted nodes (n_reduced, k)."""
        return self.centre(x[self.variable])

    def rest(self, task: Task) -> Array:
        """V⁰ (n_nodes,): the held voltages and drops of a task that holds these places, 0 elsewhere, centred."""
        held = Held(dict(zip(task.sources.tolist(), task.source_voltages.tolist(), strict=True)), task.drops)
        rest = np.zeros(self.network.n_nodes)
        rest[list(held.potential)] = list(held.potential.values())
        return self.centre(rest)


def places(task: Task) -> tuple[object, ...]:
    """What two tasks must have in common to share a contraction: held nodes and pairs."""
    return tuple(sorted(task.sources.tolist())), tuple(sorted(task.drops))
