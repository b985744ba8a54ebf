"""Current that passes through nodes."""
import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.simd.jit import kernel

Floats = NDArray[np.float64]


@kernel
def add_node_flows(total: Floats, into: Floats, out: Floats, edges: NDArray[np.integer], conductances: Floats,
                   voltages: Floats) -> None:
    """Add to total (n_nodes,) the larger of what enters and what leaves every node; into, out (n_nodes,): scratch."""
    into[:] = 0.0
    out[:] = 0.0
    for j in range(edges.shape[0]):
        a, b = edges[j, 0], edges[j, 1]
        i = conductances[j] * (voltages[a] - voltages[b])
        if i < 0.0:
            a, b, i = b, a, -i
        out[a] += i
        into[b] += i
    for a in range(total.size):
        total[a] += max(into[a], out[a])
