"""dG/dt of all edges of one network, from the drops across them."""
from ohmlearn.kernels.simd.jit import inner

from .bounds import limited
from .linear_edge import learning, rate_of_edge


@inner
def learning_rates(out, dv, dw, G, factors, rate, nudge, fall, floor, ceiling):
    """dG/dt within the bounds into out (n_edges,), at drops dv and dw of the voltages and of the difference.

    factors : (n_edges,) of the rate, or None; rate : -a R; fall, floor, ceiling : as in `bounds`, inf for no ceiling.
    """
    for j in range(out.size):
        k = learning(rate_of_edge(factors, j, rate), nudge, dv[j], dw[j])
        out[j] = limited(fall, floor, ceiling, k, G[j])
