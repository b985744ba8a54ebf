"""Currents and derivatives of all edges of one network, for solves beyond the lanes."""
from ohmlearn.kernels.law.divided_differences import nudges
from ohmlearn.kernels.law.law_type import pair, tangent
from ohmlearn.kernels.simd.jit import kernel

from .newton import by_learned


@kernel
def currents_of_edges(law, first, second, u, v, current, by_first, by_second, learned):
    """Currents from the first to the second nodes of edges, and their derivatives by the two voltages and by what
    learns, into (n_edges,) arrays."""
    for j in range(first.size):
        a, b, zero = v[first[j]], v[second[j]], 0.0
        current[j] = pair(law, j, (u[j], zero), (a, zero), (b, zero), nudges(zero))[0]
        kept = pair(law, j, (u[j], zero), (a, zero), (b, zero), nudges(zero))[0]
        _, by_first[j], by_second[j], _ = tangent(law, j, u[j], a, b, kept)
        learned[j] = by_learned(law, j, u[j], a, b)
