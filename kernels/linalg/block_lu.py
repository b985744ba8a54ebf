"""LU factors of a block of lanes without pivoting, on the pattern of `block_ldlt`: for Jacobians that are column
diagonally dominant M-matrices, or nearly, but not symmetric."""
from ohmlearn.kernels.simd.jit import inner
from ohmlearn.kernels.simd.vectors import at, fma, load, store


@inner
def factorise(pattern, matrix, upper):
    """LU in place. matrix : (n_nodes + n_entries, lanes), the diagonal, then the entries below it, column by column;
    afterwards inverse pivots and the entries of unit L. upper : (n_entries, lanes), the entries above, likewise."""
    n, p = pattern.column.size - 1, 0
    for k in range(n):
        inverse = 1.0 / load(matrix, k)
        store(matrix, k, inverse)
        begin, end = at(pattern.column, k), at(pattern.column, k + 1)
        for j in range(begin, end):
            store(matrix, n + j, load(matrix, n + j) * inverse)
        for j in range(begin, end):
            lower, right = load(matrix, n + j), load(upper, j)
            r = at(pattern.result, p)
            p += 1
            store(matrix, r, fma(-lower, right, load(matrix, r)))
            for i in range(j + 1, end):
                r = at(pattern.result, p)
                p += 1
                store(matrix, r, fma(-load(matrix, n + i), right, load(matrix, r)))
                store(upper, r - n, fma(-lower, load(upper, i), load(upper, r - n)))


@inner
def substitute(pattern, matrix, upper, z):
    """Solve A z = right-hand side, in place of it; z (n_nodes, lanes)."""
    n = pattern.column.size - 1
    for k in range(n):
        zk = load(z, k)
        for e in range(at(pattern.column, k), at(pattern.column, k + 1)):
            i = at(pattern.row, e)
            store(z, i, fma(-load(matrix, n + e), zk, load(z, i)))
    for k in range(n - 1, -1, -1):
        zk = load(z, k)
        for e in range(at(pattern.column, k), at(pattern.column, k + 1)):
            zk = fma(-load(upper, e), load(z, at(pattern.row, e)), zk)
        store(z, k, zk * load(matrix, k))


@inner
def substitute_transposed(pattern, matrix, upper, z):
    """Solve Aᵀ z = right-hand side, in place of it; z (n_nodes, lanes)."""
    n = pattern.column.size - 1
    for k in range(n):
        zk = load(z, k) * load(matrix, k)
        store(z, k, zk)
        for e in range(at(pattern.column, k), at(pattern.column, k + 1)):
            i = at(pattern.row, e)
            store(z, i, fma(-load(upper, e), zk, load(z, i)))
    for k in range(n - 1, -1, -1):
        zk = load(z, k)
        for e in range(at(pattern.column, k), at(pattern.column, k + 1)):
            zk = fma(-load(matrix, n + e), load(z, at(pattern.row, e)), zk)
        store(z, k, zk)
