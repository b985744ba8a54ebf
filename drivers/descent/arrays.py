"""A network and its task as the arrays that the descent kernels take."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.descent.gradient_flow import Member, Work
from ohmlearn.kernels.linalg.block_ldlt import Elimination
from ohmlearn.kernels.linalg.graph import Graph, eliminate, minimum_degree
from ohmlearn.kernels.simd.vectors import aligned
from ohmlearn.network import Network
from ohmlearn.solvers.hessian.contraction import Array, Contraction
from ohmlearn.task import Task

LANES = 8


def member_of(network: Network, tasks: Sequence[Task]) -> tuple[Member, NDArray[np.bool_]]:
    """Linear tasks that hold the same places as a Member, and the mask (n_edges,) of the edges that it is about."""
    part = Contraction(network, tasks[0])
    for task in tasks[1:]:
        task.check(network)
    order, graph, pattern = _prepared(part.reduced)
    free = np.ones(part.reduced.n_nodes, dtype=np.uint8)
    free[part.held] = 0
    matrix = tasks[0].output_matrix(network.n_nodes).toarray()
    rest = np.array([part.rest(task) for task in tasks])                         # (n_samples, n_nodes)
    reach = part.reduce(matrix.T)[order]                                         # (n_reduced, n_outputs)
    inject = part.reduce(np.array([task.injected(network.n_nodes) for task in tasks]).T)[order]
    a, b = network.edges[part.kept].T
    drops = (rest[:, a] - rest[:, b]).T                                          # (n_kept, n_samples)
    n_samples, n_outputs = len(tasks), len(matrix)
    offset = np.ascontiguousarray(drops.T) if drops.any() else np.empty((0, len(drops)))
    sample, output = (x.ravel() for x in np.meshgrid(np.arange(n_samples), n_samples + np.arange(n_outputs),
                                                     indexing="ij"))
    desired = np.concatenate([task.target_voltages for task in tasks])
    base = (rest @ part.centre(matrix.T)).ravel() - desired
    columns = _rows(np.concatenate([inject, reach], axis=1) * free[order, None])
    return Member(graph, pattern, free[order], columns, offset, sample, output,
                  np.ascontiguousarray(np.tile(reach.T, (n_samples, 1))), base), part.kept


def _prepared(network: Network) -> tuple[NDArray[np.int64], Graph, Elimination]:
    """Order of elimination, graph and pattern; the graph without its walk node by node, which descents do not take."""
    order, begin, rows = minimum_degree(network.edges, network.n_nodes)
    position = np.empty(network.n_nodes, dtype=np.int64)
    position[order] = np.arange(network.n_nodes)
    ends, none = position[network.edges], np.empty(0, dtype=np.int32)
    return order, Graph(ends.ravel().astype(np.int32), none, none, none), eliminate(ends, begin, position[rows])


def _rows(columns: Array) -> Array:
    """(n, k) columns as (chunks, n, 8), aligned and filled up with zeros."""
    n, k = columns.shape
    chunks = aligned(-(-k // LANES), n, LANES)
    for q in range(k):
        chunks[q // LANES, :, q % LANES] = columns[:, q]
    return chunks


def rows_of(values: NDArray[Any], fill: float) -> Array:
    """(..., n_edges) values as aligned rows of 8 edges (..., n_rows, 8), filled up at the end."""
    *shape, n = values.shape
    rows = aligned(*shape, -(-n // LANES), LANES)
    rows[:] = fill
    edges_of(rows, n)[:] = values
    return rows


def edges_of(rows: Array, n_edges: int) -> Array:
    """(..., n_edges) values from rows of 8 edges, a view."""
    *shape, n, lanes = rows.shape
    return rows.reshape(*shape, n * lanes)[..., :n_edges]


def work_for(member: Member) -> Work:
    """Work arrays of a member."""
    chunks, n, _ = member.inject.shape
    return empty_work(member.base.size, member.offset.shape[1], aligned(n + member.pattern.row.size),
                      aligned(chunks, n, LANES))


def empty_work(n_constraints: int, n_edges: int, matrix: Array | None = None, voltages: Array | None = None) -> Work:
    """Work arrays for so many constraints; those of the solves may be left out where others solve."""
    k, rows = n_constraints, -(-n_edges // LANES)
    return Work(aligned(0) if matrix is None else matrix, aligned(0, 0, LANES) if voltages is None else voltages,
                np.zeros(k), np.zeros(k), aligned(k * rows, LANES), aligned(rows, LANES), np.zeros((k, k)),
                np.zeros((k, k)), aligned(1, LANES))
