"""Currents and derivatives of all edges of one network, for solves beyond the lanes."""
from ohmlearn.kernels.law.law_type import tangent
from ohmlearn.kernels.simd.jit import kernel

ROUNDS = 8      # of Newton for what laws keep of an edge: from nothing to rounding in all that was met


@kernel
def currents_of_edges(law, first, second, u, v, current, by_first, by_second, learned):
    """Currents from the first to the second nodes of edges, and their derivatives by the two voltages and by what
    learns, into (n_edges,) arrays."""
    for j in range(first.size):
        a, b, zero = v[first[j]], v[second[j]], 0.0
        kept = zero
        for _ in range(ROUNDS):
            kept = tangent(law, j, u[j], a, b, kept)[4]
        current[j], by_first[j], by_second[j], learned[j], _ = tangent(law, j, u[j], a, b, kept)
