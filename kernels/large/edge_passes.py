"""Passes over the flat list of edges of one large network that stand beside its RK4 steps."""
from ohmlearn.kernels.law.bounds import AT_ONCE, stopped, within
from ohmlearn.kernels.law.linear_edge import learning, learning_by_clamp, rate_of_edge
from ohmlearn.kernels.simd.jit import inline, kernel

from .rk4_pipeline import slope

SMALLEST_MOVE = 1e-8    # of G: smaller moves count as this large; errors of 1 % of it are those of the solves (1e-10)


@inline
def owned(layer, a):
    """Whether node a is one of this rank's own: of layer 0, and any node where there are no layers."""
    return True if layer is None else layer[a] == 0


@kernel
def fastest(graph, state, scratch, layer):
    """Upper bounds (λ_max of L_FF, square of the learning frequency over 2 a R), as for a block of lanes.

    λ_max <= max_u (d_u + Σ_v G_uv d_v / d_u) over free nodes, d_u = Σ_v G_uv; the frequency: 2 max_u Σ_v Δv_uv².
    scratch : (2 n_nodes,), overwritten. layer : (n_nodes,) 0 for the nodes u of which the largest is taken, or None
    for all; those whose neighbours' edges are not all here would be wrong.
    """
    scratch[:] = 0.0
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
    relaxation, frequency = 0.0, 0.0
    for a in range(n):
        if owned(layer, a) and degree[a] != 0.0:          # NaN counts
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
        if owned(layer, a):
            frequency = max(frequency, 2.0 * degree[a])
    return relaxation, frequency


@kernel
def drift(currents, voltages, graph, state, pace):
    """Currents -L(dG) V (n_nodes,) that the learning of one step adds at fixed voltages (n_nodes,)."""
    ends, g, x = graph.ends, state.g, state.x
    currents[:] = 0.0
    for j in range(ends.shape[0]):
        a, b = ends[j, 0], ends[j, 1]
        k = slope(pace, graph.learning, j, x[2 * b] - x[2 * a], x[2 * b + 1] - x[2 * a + 1], g[j])
        i = k * (voltages[b] - voltages[a])
        currents[a] += i
        currents[b] -= i


@inline
def rate_at_rest(rule, factors, j):
    """-a, times the factor of edge j."""
    return rate_of_edge(factors, j, -rule[0])


@inline
def still_slope(G, dv, dw, factors, j, rule):
    """dG/ds of edge j in the quasistatic limit, -a Δw (2 Δv + η Δw) (paper 1, Eq. 1), and 0 at a bound that it leads
    beyond. rule : (a, η, floor, ceiling)."""
    return stopped(AT_ONCE, rule[2], rule[3], learning(rate_at_rest(rule, factors, j), rule[1], dv, dw), G)


@kernel
def project(rates, moved, along, ends, g, fields, before, factors, rule):
    """What the learning of all edges does to the target errors δ, at the fields of one moment.

    fields : (n_nodes, 2 + 2 T) v, φ_t and ψ_t of every target, and w = Σ φ_t δ_t.
    rates (T, T + 2): A = QᵀU, Qᵀf, Qᵀ(f - f before); along (T,): Qᵀ(G - G before); U_t = 2 a Δv Δφ_t,
    Q_t = Δv Δψ_t over the free edges, f = dG/ds. before : (2, n_edges) f and G a step ago. moved : (n_edges,) f.
    """
    T = along.size
    rates[:] = 0.0
    along[:] = 0.0
    for j in range(ends.shape[0]):
        a, b = ends[j, 0], ends[j, 1]
        dv, dw = fields[b, 0] - fields[a, 0], fields[b, 1 + 2 * T] - fields[a, 1 + 2 * T]
        f = still_slope(g[j], dv, dw, factors, j, rule)
        moved[j] = f
        if f == 0.0:
            continue
        stiff = -learning_by_clamp(rate_at_rest(rule, factors, j), dv)
        for t in range(T):
            q = dv * (fields[b, 1 + T + t] - fields[a, 1 + T + t])
            for s in range(T):
                rates[t, s] += q * stiff * (fields[b, 1 + s] - fields[a, 1 + s])
            rates[t, T] += q * f
            rates[t, T + 1] += q * (f - before[0, j])
            along[t] += q * (g[j] - before[1, j])


@kernel
def turn(change, ends, fields, before, moved, g, along, stretch, factors, rule):
    """How f has turned since a step ago, its stiff part taken out: change (n_edges,) d = f - f before + U along.

    stretch : this step over the one before. Returns Σ (d - stretch d before)² and Σ (G - G before)², over the edges
    that were free at both ends of the step; moves so small that the error of the solves shows in them
    count as `SMALLEST_MOVE`.
    """
    off, size = 0.0, 0.0
    for j in range(ends.shape[0]):
        old = before[0, j]
        if moved[j] == 0.0 or old == 0.0:
            change[j] = 0.0
            continue
        a, b = ends[j, 0], ends[j, 1]
        stiff = -learning_by_clamp(rate_at_rest(rule, factors, j), fields[b, 0] - fields[a, 0])
        turned = 0.0
        for t in range(along.size):
            turned += stiff * (fields[b, 1 + t] - fields[a, 1 + t]) * along[t]
        d = moved[j] - old + turned
        if change[j] != 0.0 or stretch == 0.0:
            off += (d - stretch * change[j]) ** 2
        size += (g[j] - before[1, j]) ** 2 + (SMALLEST_MOVE * g[j]) ** 2
        change[j] = d
    return off, size


@kernel
def move(new, ends, g, fields, moved, change, plan, factors, rule):
    """A step of G (n_edges,): h f, the stiff part taken out along U, and half the turn of f expected in it.

    plan : (2, T) and a column (h, h²/h before): G + h f - U plan[0] + (h²/h before) (d/2 - U plan[1]).
    """
    T = plan.shape[1] - 1
    h, ratio = plan[0, T], plan[1, T]
    for j in range(ends.shape[0]):
        a, b = ends[j, 0], ends[j, 1]
        if moved[j] == 0.0:
            new[j] = g[j]
            continue
        stiff = -learning_by_clamp(rate_at_rest(rule, factors, j), fields[b, 0] - fields[a, 0])
        along, bent = 0.0, 0.0
        for t in range(T):
            u = stiff * (fields[b, 1 + t] - fields[a, 1 + t])
            along += u * plan[0, t]
            bent += u * plan[1, t]
        G = g[j] + h * moved[j] - along + ratio * (0.5 * change[j] - bent)
        new[j] = within(rule[2], rule[3], G)
