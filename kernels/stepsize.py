"""Bounds that choose the step: the largest rate of relaxation and of learning in every lane."""
from .compiled import kernel
from .equilibrium import clear
from .lanes import at, fma, load, maximum, store, where

ROUNDS = 3      # of the power iteration that tightens the bound of λ_max


@kernel
def fastest(graph, law, G, x, scratch, out):
    """Upper bounds for each lane, into out (2, lanes): λ_max of L_FF, and the square of the learning frequency
    over 2 a R. scratch : (3 n_nodes, lanes).

    λ_max <= max_u (|L| z)_u / z_u over free nodes for any z > 0 (Collatz-Wielandt), here the degrees d_u = Σ_v G_uv
    multiplied by |L| a few times. The frequency: v and w couple through L with weights Δv², whose λ_max is at most
    2 max_u Σ_v Δv_uv².
    """
    n, m = graph.lower.size, graph.ends.size // 2
    clear(scratch)
    for j in range(m):
        a, b, g = at(graph.ends, 2 * j), at(graph.ends, 2 * j + 1), load(G, j)
        drop = load(x, 2 * a) - load(x, 2 * b)
        for i in (a, b):
            store(scratch, i, load(scratch, i) + g)
            store(scratch, 2 * n + i, fma(drop, drop, load(scratch, 2 * n + i)))
    learning, relaxation = 0.0 * load(G, 0), 0.0 * load(G, 0)
    for a in range(n):
        learning = maximum(learning, where(at(law.free_v, a), 2.0 * load(scratch, 2 * n + a), 0.0))
        store(scratch, n + a, where(at(law.free_v, a), load(scratch, a), 0.0))
    store(out, 1, learning)
    for _ in range(ROUNDS):
        for a in range(n):
            store(scratch, 2 * n + a, load(scratch, a) * load(scratch, n + a))
        for j in range(m):
            a, b, g = at(graph.ends, 2 * j), at(graph.ends, 2 * j + 1), load(G, j)
            for i, k in ((a, b), (b, a)):
                store(scratch, 2 * n + i, fma(g, load(scratch, n + k), load(scratch, 2 * n + i)))
        relaxation = 0.0 * relaxation
        for a in range(n):
            z, next_z = load(scratch, n + a), load(scratch, 2 * n + a)
            relaxation = maximum(relaxation, where(at(law.free_v, a), next_z / z, 0.0))
            store(scratch, n + a, where(at(law.free_v, a), next_z, 0.0))
    store(out, 0, relaxation)
