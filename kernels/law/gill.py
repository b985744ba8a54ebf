"""RK4 in Gill's form: two registers an unknown, of the same order and stability polynomial as the classical one, with a
third less memory."""
from ohmlearn.kernels.simd.jit import inline
from ohmlearn.kernels.simd.vectors import fma

S = 0.70710678118654752440      # √½


@inline
def advance(stage, y, q, k):
    """Value and register of one unknown after stage 0 to 3, from value y, register q and slope k (times dt). Stage 0
    does not read the register, and stage 3 leaves it."""
    if stage == 0:
        return fma(0.5, k, y), k
    if stage == 1:
        return fma(1 - S, k - q, y), fma(2 - 2 * S, k, (-2 + 3 * S) * q)
    if stage == 2:
        return fma(1 + S, k - q, y), fma(2 + 2 * S, k, (-2 - 3 * S) * q)
    return fma(1 / 6, k, fma(-1 / 3, q, y)), q
