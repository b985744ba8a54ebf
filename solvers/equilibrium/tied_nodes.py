"""Nodes that held drops tie together move as one: the smaller network in which each such set is a node."""
from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from ohmlearn.network import Network
from ohmlearn.outputs import Held, Ties

Floats = NDArray[np.float64]


class TiedNodes:
    """A network with drops held between pairs of its nodes, in time proportional to their number.

    group, level : (n_nodes,) the set of every node, and its voltage within it. first : (n_groups,) a node of each.
    network, held : the network of the sets, and the sets of the held nodes. kept : (n_edges,) edges between sets.

    Raises ValueError for a drop that follows from the other held voltages or contradicts them.
    """

    def __init__(self, network: Network, held: NDArray[np.int64], drops: Mapping[tuple[int, int], float]) -> None:
        pairs = {(int(a), int(b)): float(drop) for (a, b), drop in drops.items()}
        nodes = network.check_nodes([node for pair in pairs for node in pair], "node of a drop")
        if not np.isfinite(list(pairs.values())).all():
            raise ValueError(f"drops must be finite, not {max(pairs.values(), key=lambda x: not np.isfinite(x))}")
        Held(dict.fromkeys(held.tolist(), 0.0), pairs)
        ties, root, level = Ties(), np.arange(network.n_nodes), np.zeros(network.n_nodes)
        for (a, b), drop in pairs.items():
            ties.tie(a, b, drop)
        for node in nodes.tolist():
            root[node], level[node] = ties.find(node)
        self.group = np.unique(root, return_inverse=True)[1]
        self.first = np.unique(self.group, return_index=True)[1]
        self.level = level
        self._nodes, self._edges = held, network.edges
        ends = self.group[network.edges]
        self.kept = ends[:, 0] != ends[:, 1]
        self._ends = ends[self.kept]
        self.network = Network(self._ends, self.first.size, node_names=tuple(map(network.label, self.first.tolist())))
        self.held = self.group[held]

    def reduced(self, g: Floats, held: Floats, injected: Floats) -> tuple[Floats, Floats, Floats]:
        """Conductances of the smaller network, voltages (n_held, k) and currents (n_groups, k) there."""
        g = g[self.kept]
        a, b = self._edges[self.kept].T
        flow = g * (self.level[b] - self.level[a])
        count = self.first.size
        of_levels = np.bincount(self._ends[:, 0], flow, count) - np.bincount(self._ends[:, 1], flow, count)
        pushed = np.stack([np.bincount(self.group, column, count) for column in injected.T], axis=1)
        return g, held - self.level[self._nodes, None], pushed + of_levels[:, None]

    def at_first(self, voltages: Floats) -> Floats:
        """(n_groups, k) voltages of the sets, from those of the nodes."""
        return voltages[self.first] - self.level[self.first, None]

    def expanded(self, voltages: Floats) -> Floats:
        """(n_nodes, k) voltages of the nodes, from those of the sets."""
        return np.asarray(voltages[self.group] + self.level[:, None])
