"""What is prepared once per graph: the order of its nodes, the walk of a stage, the pattern of the factor."""
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import symbolic
from .block_ldlt import Elimination


class Graph(NamedTuple):
    """A graph in the order in which a stage walks it, shared by all blocks.

    ends : (2 n_edges,) int32, the two nodes of edge after edge.
    lower, upper : (n_nodes,) int32 number of edges to nodes that come before and after a node.
    neighbours : (4 n_edges,) int32, pairs (neighbour, edge) node after node, lower ones first.
    """

    ends: NDArray[np.int32]
    lower: NDArray[np.int32]
    upper: NDArray[np.int32]
    neighbours: NDArray[np.int32]


def prepare(edges: NDArray[np.int64], n_nodes: int,
            check: Callable[[float], None]) -> tuple[NDArray[np.int64], Graph, Elimination]:
    """Order (n_nodes,) in which the kernels number the nodes, graph and pattern of an (n_edges, 2) edge list.
    check : called with the bytes that the pattern, and a factor of 64 bytes a row, will take."""
    order, begin, rows = minimum_degree(edges, n_nodes)
    count = np.diff(begin).astype(np.float64)
    check(float(2 * count @ (count + 1) + 80 * (n_nodes + rows.size)))
    position = np.empty(n_nodes, dtype=np.int64)
    position[order] = np.arange(n_nodes)
    ends = position[edges]
    return order, walk(ends, n_nodes), eliminate(ends, begin, position[rows])


def prepare_held(edges: NDArray[np.int64], n_nodes: int, held: NDArray[np.int64],
                 check: Callable[[float], None]) -> tuple[NDArray[np.int64], Graph, Elimination]:
    """The same where the same nodes are held in every lane: the pattern is that of the other nodes, and slots of edges
    to held nodes stand for nothing."""
    loose = np.ones(n_nodes, dtype=bool)
    loose[held] = False
    inside = loose[edges].all(axis=1)
    order, _, pattern = prepare(edges[inside], n_nodes, check)
    position = np.empty(n_nodes, dtype=np.int64)
    position[order] = np.arange(n_nodes)
    slot = np.full(len(edges), -1, dtype=np.int32)
    slot[inside] = pattern.slot
    return order, walk(position[edges], n_nodes), pattern._replace(slot=slot)


def walk(edges: NDArray[np.int64], n_nodes: int) -> Graph:
    """The graph of an (n_edges, 2) edge list, node by node: edges to earlier nodes first."""
    low, high = edges.min(axis=1), edges.max(axis=1)
    number = np.arange(len(edges))
    order = np.lexsort((np.r_[number, number], np.r_[low, high], np.r_[high, low]))
    pairs = np.stack([np.r_[low, high], np.r_[number, number]], axis=1)[order]
    count = (np.bincount(ends, minlength=n_nodes) for ends in (high, low))
    return Graph(*(np.ascontiguousarray(x, dtype=np.int32) for x in (edges.ravel(), *count, pairs.ravel())))


def minimum_degree(edges: NDArray[np.int64], n_nodes: int) -> tuple[NDArray[np.int64], ...]:
    """Order of elimination (n_nodes,) and the nodes that each one leaves joined; see `symbolic.minimum_degree`."""
    keys = np.unique(np.concatenate([edges @ [n_nodes, 1], edges @ [1, n_nodes]]))
    start = np.searchsorted(keys, np.arange(n_nodes + 1) * n_nodes)
    return symbolic.minimum_degree(start, keys % n_nodes)


def eliminate(edges: NDArray[np.int64], begin: NDArray[np.int64], rows: NDArray[np.int64]) -> Elimination:
    """Pattern of the LDLᵀ factor, from edges and the rows of every column, nodes in order of elimination."""
    count = np.diff(begin)
    slot, result = np.empty(len(edges), dtype=np.int32), np.empty(int(count @ (count + 1)) // 2, dtype=np.int32)
    symbolic.fill_pattern(edges, begin, rows, slot, result)
    return Elimination(slot, begin.astype(np.int32), rows.astype(np.int32), result)
