"""Lattices, and networks in memory, block by block."""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.network import Network

from .network_store import BLOCK, Block


class LatticeBlocks:
    """A hypercubic lattice, numbered as :func:`ohmlearn.generators.grid` numbers it.

    shape : one side or more. periodic : join opposite faces. conductances : of all edges in G₀.
    """

    def __init__(self, *shape: int, periodic: bool = False, conductances: float = 1.0, block: int = BLOCK) -> None:
        if not shape or any(side < 1 for side in shape) or int(np.prod(shape, dtype=object)) < 2:
            raise ValueError(f"a grid needs sides of at least 1 and two nodes, not {shape}")
        if periodic and min(shape) < 3:
            raise ValueError(f"a periodic grid needs sides of at least 3, not {shape}")
        if not 0 < conductances < np.inf:
            raise ValueError(f"conductances must be finite and > 0, not {conductances}")
        self.shape, self.periodic, self.block = shape, periodic, block
        self.n_nodes = int(np.prod(shape, dtype=object))
        self.name = ("periodic " if periodic else "") + "×".join(map(str, shape)) + " grid"
        self.has_conductances, self._g = conductances != 1.0, float(conductances)
        self.has_positions = len(shape) <= 2 and not (periodic and len(shape) == 1)

    def __getitem__(self, number: int) -> Block:
        nodes = np.arange(number * self.block, min((number + 1) * self.block, self.n_nodes), dtype=np.int64)
        found, stride = [], self.n_nodes
        for side in self.shape:
            stride //= side
            at = nodes // stride % side
            for step, joined, wraps in ((stride, at < side - 1, False), ((side - 1) * stride, at == 0, True)):
                if self.periodic or not wraps:
                    found.append(np.column_stack([nodes[joined], nodes[joined] + step]))
        edges = sorted_pairs(np.concatenate(found))
        positions = None
        if self.has_positions:
            positions = np.column_stack([nodes % self.shape[-1], nodes // self.shape[-1]]).astype(np.float64)
        return Block(edges, np.full(len(edges), self._g) if self.has_conductances else None, positions)


class SortedBlocks:
    """Edges in memory, sorted by lower, then upper ends, of all blocks or of some.

    edges : (e, 2) lower ends first. conductances : (e,) in G₀ or None. positions : (n_nodes, 2) or None.
    """

    def __init__(self, n_nodes: int, edges: NDArray[np.int64], conductances: NDArray[np.float64] | None,
                 positions: NDArray[np.float64] | None = None, name: str = "", block: int = BLOCK) -> None:
        self.n_nodes, self.block, self.name = n_nodes, block, name
        self._edges, self._g, self._positions = edges, conductances, positions
        self.has_conductances, self.has_positions = conductances is not None, positions is not None

    def __getitem__(self, number: int) -> Block:
        low, high = number * self.block, (number + 1) * self.block
        rows = slice(*np.searchsorted(self._edges[:, 0], [low, high]))
        return Block(self._edges[rows], None if self._g is None else self._g[rows],
                     None if self._positions is None else self._positions[low:high])


def network_blocks(network: Network, conductances: ArrayLike | None = None, block: int = BLOCK) -> SortedBlocks:
    """The blocks of a network in memory, which keeps the numbers of its nodes.

    conductances : (n_edges,) in G₀ or a number, by default the initial ones of the network.
    """
    given = network.initial_conductances if conductances is None else network.conductances(conductances)
    ends = np.sort(network.edges, axis=1)
    order = np.lexsort((ends[:, 1], ends[:, 0]))
    return SortedBlocks(network.n_nodes, ends[order], None if given is None else given[order], network.positions,
                        network.name, block)


def sorted_pairs(edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Edges by lower, then upper end."""
    return edges[np.lexsort((edges[:, 1], edges[:, 0]))]
