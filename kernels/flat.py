"""Passes over the flat list of edges of one large network that stand beside its RK4 steps."""
from .compiled import kernel
from .march import share, slope


@kernel
def fastest(graph, state, scratch):
    """Upper bounds (λ_max of L_FF, square of the learning frequency over 2 a R), as for a block of lanes.

    λ_max <= max_u (d_u + Σ_v G_uv d_v / d_u) over free nodes, d_u = Σ_v G_uv; the frequency: 2 max_u Σ_v Δv_uv².
    scratch : (2 n_nodes,), zero on entry and on return.
    """
    n = scratch.size // 2
    degree, sums = scratch[:n], scratch[n:]
    ends, g, x = graph.ends, state.g, state.x
    for j in range(ends.shape[0]):
        degree[ends[j, 0]] += g[j]
        degree[ends[j, 1]] += g[j]
    for i in range(graph.marked.size):
        if graph.target[i] < 0:
            degree[graph.marked[i]] = 0.0
    for j in range(ends.shape[0]):
        sums[ends[j, 0]] += g[j] * degree[ends[j, 1]]
        sums[ends[j, 1]] += g[j] * degree[ends[j, 0]]
    relaxation, learning = 0.0, 0.0
    for a in range(n):
        if degree[a] != 0.0:                              # NaN counts
            rate = degree[a] + sums[a] / degree[a]
            relaxation = relaxation if relaxation > rate else rate
    scratch[:] = 0.0
    for j in range(ends.shape[0]):
        drop = x[2 * ends[j, 0]] - x[2 * ends[j, 1]]
        degree[ends[j, 0]] += drop * drop
        degree[ends[j, 1]] += drop * drop
    for i in range(graph.marked.size):
        if graph.target[i] < 0:
            degree[graph.marked[i]] = 0.0
    for a in range(n):
        learning = max(learning, 2.0 * degree[a])
    scratch[:] = 0.0
    return relaxation, learning


@kernel
def drift(currents, voltages, graph, state, pace):
    """Currents -L(dG) V (n_nodes,) that the learning of one step adds at fixed voltages (n_nodes,)."""
    ends, g, x = graph.ends, state.g, state.x
    currents[:] = 0.0
    for j in range(ends.shape[0]):
        a, b = ends[j, 0], ends[j, 1]
        k = slope(pace, share(graph.learning, j), x[2 * b] - x[2 * a], x[2 * b + 1] - x[2 * a + 1], g[j])
        i = k * (voltages[b] - voltages[a])
        currents[a] += i
        currents[b] -= i
