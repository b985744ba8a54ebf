"""Conjugate gradients for eight right-hand sides side by side: every entry of a matrix or factor is read once for all.

Vectors are (n, 8) arrays from `aligned`, one row a node. What is one number a right-hand side is a (1, 8) array.
"""
import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.simd.jit import kernel
from ohmlearn.kernels.simd.vectors import at, fma, load, maximum, store

Floats = NDArray[np.float64]


@kernel
def apply(x, y, r, factor):
    """x = (L D Lᵀ)⁻¹ r, (n, 8) both, as `factor_solves.apply`; y (n + 1, 8) is scratch.

    factor : one whose rows are places in its order, so that vectors too large for the cache are gone through in it.
    """
    n = factor.order.size
    zero = 0.0 * load(r, 0)
    store(y, n, zero)
    for i in range(n):
        store(y, i, load(r, at(factor.order, i)))
    for i in range(n):
        t = load(y, i)
        rest, last = t, at(factor.starts, i + 1) - 1
        for k in range(at(factor.starts, i), last):
            part = at(factor.share, k) * t
            row = at(factor.rows, k)
            store(y, row, load(y, row) + part)
            rest = rest - part
        row = at(factor.rows, last)
        store(y, row, load(y, row) + rest)
        store(y, i, t * (1.0 / at(factor.total, i)))
    store(y, n, zero)
    for i in range(n - 1, -1, -1):
        last = at(factor.starts, i + 1) - 1
        heaviest = load(y, at(factor.rows, last))
        t = load(y, i) + heaviest
        for k in range(at(factor.starts, i), last):
            t = fma(at(factor.share, k), load(y, at(factor.rows, k)) - heaviest, t)
        store(y, i, t)
        store(x, at(factor.order, i), t)


@kernel
def times(q, products, indptr, indices, data, excess, p):
    """q = L p from differences, as `krylov.times_by_differences`; products (1, 8): p·q."""
    s = 0.0 * load(p, 0)
    for row in range(q.shape[0]):
        here = load(p, row)
        t = at(excess, row) * here
        for k in range(at(indptr, row), at(indptr, row + 1)):
            t = fma(at(data, k), load(p, at(indices, k)) - here, t)
        store(q, row, t)
        s = fma(here, t, s)
    store(products, 0, s)


@kernel
def dot_and_largest(products, largest, a, b):
    """products (1, 8): a·b; largest (1, 8): max |b|."""
    s = 0.0 * load(a, 0)
    top = s
    for i in range(a.shape[0]):
        here = load(b, i)
        s = fma(load(a, i), here, s)
        top = maximum(maximum(here, -here), top)
    store(products, 0, s)
    store(largest, 0, top)


@kernel
def advance(x, r, alpha, p, q):
    """x += α p and r -= α q, α (1, 8)."""
    step = load(alpha, 0)
    back = -step
    for i in range(x.shape[0]):
        store(x, i, fma(step, load(p, i), load(x, i)))
        store(r, i, fma(back, load(q, i), load(r, i)))


@kernel
def redirect(p, z, beta):
    """p = z + β p, β (1, 8)."""
    turn = load(beta, 0)
    for i in range(p.shape[0]):
        store(p, i, fma(turn, load(p, i), load(z, i)))


@kernel
def node_currents(currents, edges, conductances, voltages):
    """`laplacian.node_currents` for (n_nodes, 8) currents and voltages."""
    zero = 0.0 * load(voltages, 0)
    for a in range(currents.shape[0]):
        store(currents, a, zero)
    for j in range(edges.shape[0]):
        a, b = edges[j, 0], edges[j, 1]
        i = conductances[j] * (load(voltages, a) - load(voltages, b))
        store(currents, a, load(currents, a) + i)
        store(currents, b, load(currents, b) - i)


@kernel
def node_currents_compensated(currents, carry, edges, conductances, voltages):
    """`laplacian.node_currents_compensated` for (n_nodes, 8), to the same bits: what a sum loses is the same number
    whichever of its terms is the larger (Knuth 1969)."""
    zero = 0.0 * load(voltages, 0)
    for a in range(currents.shape[0]):
        store(carry, a, zero)
    for j in range(edges.shape[0]):
        i = conductances[j] * (load(voltages, edges[j, 0]) - load(voltages, edges[j, 1]))
        for side in range(2):
            a, part = edges[j, side], i * (1.0 - 2.0 * side)
            before = load(currents, a)
            total = before + part
            new = total - before
            store(carry, a, load(carry, a) + ((before - (total - new)) + (part - new)))
            store(currents, a, total)
    for a in range(currents.shape[0]):
        store(currents, a, load(currents, a) + load(carry, a))


@kernel
def restrict(currents, plan, share):
    """`star_mesh.restrict` for (n_nodes, 8) currents."""
    for k in range(plan.order.size):
        t = load(currents, at(plan.order, k))
        for i in range(at(plan.begin, k), at(plan.begin, k + 1)):
            node = at(plan.near, i)
            store(currents, node, fma(at(share, i), t, load(currents, node)))


@kernel
def extend(voltages, currents, plan, share, total):
    """`star_mesh.extend` for (n_nodes, 8) voltages and currents."""
    for k in range(plan.order.size - 1, -1, -1):
        a = at(plan.order, k)
        t = load(currents, a) * (1.0 / at(total, k))
        for i in range(at(plan.begin, k), at(plan.begin, k + 1)):
            t = fma(at(share, i), load(voltages, at(plan.near, i)), t)
        store(voltages, a, t)
