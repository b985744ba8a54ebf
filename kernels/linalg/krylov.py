"""Vector passes of conjugate gradients: fused, and summed in a fixed order, so that threads change no bit."""
import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.simd.jit import kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.integer]


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
def dot_and_largest(a: Floats, b: Floats) -> tuple[float, float]:
    """Σ a_i b_i, summed as `dot` does, and max |b_i|, in one pass."""
    s, top = np.zeros(8), np.zeros(8)
    whole = a.size - a.size % 8
    for i in range(0, whole, 8):
        for k in range(8):
            s[k] += a[i + k] * b[i + k]
            top[k] = max(top[k], abs(b[i + k]))
    for i in range(whole, a.size):
        s[i - whole] += a[i] * b[i]
        top[i - whole] = max(top[i - whole], abs(b[i]))
    return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7])), top.max()


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
def times(q: Floats, s: Floats, bounds: NDArray[np.int64], begin: int, end: int, indptr: Ints,
          indices: Ints, data: Floats, p: Floats) -> None:
    """q = A p for the parts from `begin` to `end` of a CSR matrix, ranges of rows between `bounds`; s (n_parts, 8): p·q
    over each, in eight parts by row."""
    for part in range(begin, end):
        s[part] = 0.0
        for row in range(bounds[part], bounds[part + 1]):
            t = 0.0
            for k in range(np.uint64(indptr[row]), np.uint64(indptr[row + 1])):
                t += data[k] * p[np.uint64(indices[k])]
            q[row] = t
            s[part, row & 7] += p[row] * t


@kernel
def times_by_differences(q: Floats, s: Floats, bounds: NDArray[np.int64], begin: int, end: int,
                         indptr: Ints, indices: Ints, data: Floats, excess: Floats, p: Floats
                         ) -> None:
    """q = L p for parts of a grounded Laplacian, from differences: q_a = g_a p_a + Σ w_ab (p_a - p_b); see `times`.

    indptr, indices, data : L in CSR; its diagonal meets the difference 0. excess : (n,) g, conductances to ground.
    Formed like this a part of strong edges passes no current to itself, however weakly it is tied to the rest; with
    the diagonal, rounding of its sum would act as a conductance to ground.
    """
    for part in range(begin, end):
        s[part] = 0.0
        for row in range(bounds[part], bounds[part + 1]):
            here = p[row]
            t = excess[row] * here
            for k in range(np.uint64(indptr[row]), np.uint64(indptr[row + 1])):
                t += data[k] * (p[np.uint64(indices[k])] - here)
            q[row] = t
            s[part, row & 7] += here * t


@kernel
def total(s: Floats) -> float:
    """The sum of (n_parts, 8) parts, always in the same order."""
    t = s[0].copy()
    for k in range(1, len(s)):
        t += s[k]
    return ((t[0] + t[1]) + (t[2] + t[3])) + ((t[4] + t[5]) + (t[6] + t[7]))
