"""What is prepared once per graph: the order of its nodes, the walk of a stage, the pattern of the factor."""
import heapq

import numpy as np
from numpy.typing import NDArray

from .dynamics import Graph
from .equilibrium import Elimination


def prepare(edges: NDArray[np.int64], n_nodes: int) -> tuple[NDArray[np.int64], Graph, Elimination]:
    """Order (n_nodes,) in which the kernels number the nodes, graph and pattern of an (n_edges, 2) edge list."""
    order, columns = minimum_degree(edges, n_nodes)
    position = np.empty(n_nodes, dtype=np.int64)
    position[order] = np.arange(n_nodes)
    ends = position[edges]
    return np.array(order), walk(ends, n_nodes), eliminate(ends, [sorted(position[c].tolist()) for c in columns])


def walk(edges: NDArray[np.int64], n_nodes: int) -> Graph:
    """The graph of an (n_edges, 2) edge list, node by node: edges to earlier nodes first."""
    low, high = edges.min(axis=1), edges.max(axis=1)
    number = np.arange(len(edges))
    order = np.lexsort((np.r_[number, number], np.r_[low, high], np.r_[high, low]))
    pairs = np.stack([np.r_[low, high], np.r_[number, number]], axis=1)[order]
    count = (np.bincount(ends, minlength=n_nodes) for ends in (high, low))
    return Graph(*(np.ascontiguousarray(x, dtype=np.int32) for x in (edges.ravel(), *count, pairs.ravel())))


def minimum_degree(edges: NDArray[np.int64], n_nodes: int) -> tuple[list[int], list[list[int]]]:
    """Order of elimination by least remaining degree (ties: lower number), and the nodes each one leaves joined."""
    graph: list[set[int]] = [set() for _ in range(n_nodes)]
    for a, b in edges.tolist():
        graph[a].add(b)
        graph[b].add(a)
    heap = [(len(other), a) for a, other in enumerate(graph)]
    heapq.heapify(heap)
    order: list[int] = []
    gone: set[int] = set()
    while heap:
        degree, a = heapq.heappop(heap)
        if a in gone or degree != len(graph[a]):
            continue
        gone.add(a)
        order.append(a)
        for b in graph[a]:
            graph[b] |= graph[a]
            graph[b] -= {a, b}
            heapq.heappush(heap, (len(graph[b]), b))
    return order, [list(graph[a]) for a in order]


def eliminate(edges: NDArray[np.int64], columns: list[list[int]]) -> Elimination:
    """Pattern of the LDLᵀ factor, from edges in order of elimination and the rows of every column."""
    n = len(columns)
    start = np.cumsum([0] + [len(column) for column in columns])
    entry = {(i, k): n + int(start[k]) + r for k, column in enumerate(columns) for r, i in enumerate(column)}
    entry |= {(k, k): k for k in range(n)}
    result = [entry[i, j] for column in columns for r, j in enumerate(column) for i in column[r:]]
    slot = [entry[pair] for pair in zip(edges.max(axis=1).tolist(), edges.min(axis=1).tolist(), strict=True)]
    arrays = (slot, start, [i for column in columns for i in column], result)
    return Elimination(*(np.ascontiguousarray(x, dtype=np.int32) for x in arrays))
