"""Bounds that choose the step: the largest rate of relaxation and of learning in every lane."""
from .compiled import kernel
from .lanes import at, fma, load, maximum, store, where


@kernel
def fastest(graph, law, G, x, scratch, out):
    """Upper bounds for each lane, into out (2, lanes): λ_max of L_FF, and the square of the learning frequency
    over 2 a R. scratch : (3 n_nodes, lanes).

    λ_max <= max_u (d_u + Σ_v G_uv d_v / d_u) over free nodes, d_u = Σ_v G_uv (the ∞-norm of D⁻¹|L|D). The
    frequency: v and w couple through L with weights Δv², whose λ_max is at most 2 max_u Σ_v Δv_uv².
    """
    n, m = graph.lower.size, graph.ends.size // 2
    scratch[:] = 0.0
    for j in range(m):
        a, b, g = at(graph.ends, 2 * j), at(graph.ends, 2 * j + 1), load(G, j)
        drop = load(x, 2 * a) - load(x, 2 * b)
        for i in (a, b):
            store(scratch, i, load(scratch, i) + g)
            store(scratch, 2 * n + i, fma(drop, drop, load(scratch, 2 * n + i)))
    for j in range(m):
        a, b, g = at(graph.ends, 2 * j), at(graph.ends, 2 * j + 1), load(G, j)
        for i, k in ((a, b), (b, a)):
            d = where(at(law.free_v, k), load(scratch, k), 0.0)
            store(scratch, n + i, fma(g, d, load(scratch, n + i)))
    relaxation, learning = 0.0 * load(G, 0), 0.0 * load(G, 0)
    for a in range(n):
        d = load(scratch, a)
        relaxation = maximum(relaxation, where(at(law.free_v, a), d + load(scratch, n + a) / d, 0.0))
        learning = maximum(learning, where(at(law.free_v, a), 2.0 * load(scratch, 2 * n + a), 0.0))
    store(out, 0, relaxation)
    store(out, 1, learning)
