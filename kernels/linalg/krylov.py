"""Vector passes of conjugate gradients: fused, and summed in a fixed order, so that threads change no bit."""
import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.simd.jit import kernel

Floats = NDArray[np.float64]


@kernel
def dot(a: Floats, b: Floats) -> float:
    """Σ a_i b_i in eight partial sums, always in the same order."""
    s = np.zeros(8)
    whole = a.size - a.size % 8
    for i in range(0, whole, 8):
        for k in range(8):
            s[k] += a[i + k] * b[i + k]
    for i in range(whole, a.size):
        s[i - whole] += a[i] * b[i]
    return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]))


@kernel
def advance(x: Floats, r: Floats, alpha: float, p: Floats, q: Floats) -> float:
    """x += α p and r -= α q in one pass; returns r·r."""
    s = np.zeros(8)
    whole = r.size - r.size % 8
    for i in range(0, whole, 8):
        for k in range(8):
            x[i + k] += alpha * p[i + k]
            r[i + k] -= alpha * q[i + k]
            s[k] += r[i + k] * r[i + k]
    for i in range(whole, r.size):
        x[i] += alpha * p[i]
        r[i] -= alpha * q[i]
        s[i - whole] += r[i] * r[i]
    return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]))


@kernel
def redirect(p: Floats, z: Floats, beta: float) -> None:
    """p = z + β p."""
    for i in range(p.size):
        p[i] = z[i] + beta * p[i]


@kernel
def times(q: Floats, indptr: NDArray[np.int32], indices: NDArray[np.int32], data: Floats, p: Floats) -> float:
    """q = A p for a CSR matrix; returns p·q, summed in eight parts by row."""
    s = np.zeros(8)
    for row in range(q.size):
        t = 0.0
        for k in range(np.uint64(indptr[row]), np.uint64(indptr[row + 1])):
            t += data[k] * p[np.uint64(indices[k])]
        q[row] = t
        s[row & 7] += p[row] * t
    return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]))
