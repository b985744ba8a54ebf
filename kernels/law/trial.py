"""A law of edges at given voltages, for trials of it."""
from ohmlearn.kernels.simd.jit import kernel

from .divided_differences import nudges
from .law_type import pair


@kernel
def trial(law, u, v, w, eta, out):
    """Currents and divided differences, (n, 2), of edge 0 of a law at n values u (n,) of what learns, voltages v (n, 2)
    of its nodes, and their differences w (n, 2)."""
    for k in range(u.size):
        out[k, 0], out[k, 1] = pair(law, 0, (u[k], 0.0), (v[k, 0], w[k, 0]), (v[k, 1], w[k, 1]), nudges(eta))
