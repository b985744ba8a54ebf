"""Equilibrium voltages of a block of lanes, by sparse LDLᵀ with one symbolic factorisation per graph.

Nodes are numbered in order of elimination. Held nodes differ from lane to lane, so they stay in the matrix
as identity rows: one pattern serves every lane. Solutions are found as corrections,
v* = v - (L_FF)⁻¹ (L v)_F, which loses nothing near equilibrium and takes held voltages as they stand in v.
Assembly and residuals run flat over edges, which costs less than short loops around the nodes.
"""
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.simd.jit import inline, inner
from ohmlearn.kernels.simd.vectors import at, fma, load, store, where


class Elimination(NamedTuple):
    """Pattern of the factor. The matrix is n_nodes diagonal rows, then the entries below, column by column.

    slot : (n_edges,) int32, matrix row of every edge.
    column : (n_nodes + 1,) int32, where each column's entries begin among the entries.
    row : (n_entries,) int32, node of an entry's row.
    result : (n_products,) int32, the matrix row that each product of two entries of a column is taken from,
        in the order of the loops of `factorise`.
    """

    slot: NDArray[np.int32]
    column: NDArray[np.int32]
    row: NDArray[np.int32]
    result: NDArray[np.int32]


class Factor(NamedTuple):
    """Numbers of the factor. matrix : (n_nodes + n_entries, lanes), first the matrix, then inverse pivots and the
    entries of L; solution : (n_nodes, lanes), first the right-hand side, then the solution."""

    matrix: NDArray[np.float64]
    solution: NDArray[np.float64]


@inner
def assemble(graph, pattern, free, G, matrix):
    """L(G) into `matrix`, with identity rows at nodes without a `free` bit."""
    zero = 0.0 * load(G, 0)
    for i in range(matrix.shape[0]):
        store(matrix, i, zero)
    for j in range(pattern.slot.size):
        a, b, e, g = at(graph.ends, 2 * j), at(graph.ends, 2 * j + 1), at(pattern.slot, j), load(G, j)
        store(matrix, a, load(matrix, a) + g)
        store(matrix, b, load(matrix, b) + g)
        store(matrix, e, load(matrix, e) - where(at(free, a) & at(free, b), g, 0.0))
    for a in range(free.size):
        store(matrix, a, where(at(free, a), load(matrix, a), 1.0))


@inner
def factorise(pattern, matrix):
    """LDLᵀ in place of the matrix, node after node."""
    n, p = pattern.column.size - 1, 0
    for k in range(n):
        inverse = 1.0 / load(matrix, k)
        store(matrix, k, inverse)
        begin, end = n + at(pattern.column, k), n + at(pattern.column, k + 1)
        for j in range(begin, end):
            lower = load(matrix, j) * inverse
            for i in range(j, end):
                r = at(pattern.result, p)
                p += 1
                store(matrix, r, fma(-load(matrix, i), lower, load(matrix, r)))
        for j in range(begin, end):
            store(matrix, j, load(matrix, j) * inverse)


@inner
def substitute(pattern, factor):
    """Solve in place: factor.solution holds the right-hand side and becomes the solution."""
    lower, z, n = factor.matrix, factor.solution, pattern.column.size - 1
    for k in range(n):
        zk = load(z, k)
        for e in range(at(pattern.column, k), at(pattern.column, k + 1)):
            i = at(pattern.row, e)
            store(z, i, fma(-load(lower, n + e), zk, load(z, i)))
    for k in range(n - 1, -1, -1):
        zk = load(z, k) * load(lower, k)
        for e in range(at(pattern.column, k), at(pattern.column, k + 1)):
            zk = fma(-load(lower, n + e), load(z, at(pattern.row, e)), zk)
        store(z, k, zk)


@inline
def clear(z):
    """Zero (rows, lanes)."""
    for i in range(z.shape[0]):
        store(z, i, 0.0)


@inline
def copy(z, y):
    """z = y, both (rows, lanes)."""
    for i in range(z.shape[0]):
        store(z, i, load(y, i))


@inline
def pass_current(z, a, b, current):
    """A current from node a to node b, out of the one balance and into the other."""
    store(z, a, load(z, a) - current)
    store(z, b, load(z, b) + current)


@inline
def solve_free(pattern, free, factor):
    """Solve with the balances in factor.solution, zero at nodes without a `free` bit."""
    z = factor.solution
    for a in range(free.size):
        store(z, a, where(at(free, a), load(z, a), 0.0))
    substitute(pattern, factor)


@inner
def relax(graph, pattern, free, G, x, part, out, factor):
    """Equilibrium of v (part 0) or w (part 1) of x (2 n_nodes, lanes) into out (n_nodes, lanes), at the nodes
    with a `free` bit, the others as they are. Needs the factor of L(G) with the same `free` bits."""
    clear(factor.solution)
    for j in range(pattern.slot.size):
        a, b = at(graph.ends, 2 * j), at(graph.ends, 2 * j + 1)
        pass_current(factor.solution, a, b, load(G, j) * (load(x, 2 * a + part) - load(x, 2 * b + part)))
    solve_free(pattern, free, factor)
    for a in range(free.size):
        store(out, a, load(x, 2 * a + part) + load(factor.solution, a))
