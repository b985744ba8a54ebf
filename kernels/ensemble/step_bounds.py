"""Bounds that choose the step: the largest rate of relaxation and of learning in every lane."""
from ohmlearn.kernels.linalg.block_ldlt import clear
from ohmlearn.kernels.simd.jit import inner
from ohmlearn.kernels.simd.vectors import at, fma, load, maximum, store, where


@inner
def fastest(rounds, graph, law, G, x, due, peak, scratch, out):
    """Upper bounds for each lane with a `due` bit, into out (2, lanes): λ_max of L_FF, and the square of the learning
    frequency over 2 a R. scratch : (3 n_nodes, lanes).

    λ_max <= max_u (|L| z)_u / z_u over free nodes for any z > 0 (Collatz-Wielandt), here `peak` (n_nodes, lanes), which
    is replaced by |L| z in every round: as a run goes on it turns into the eigenvector, as in the power iteration. The
    frequency: v and w couple through L with weights Δv², whose λ_max is at most 2 max_u Σ_v Δv_uv².
    """
    n, m = graph.lower.size, graph.ends.size // 2
    clear(scratch)
    for j in range(m):
        a, b, g = at(graph.ends, 2 * j), at(graph.ends, 2 * j + 1), load(G, j)
        drop = load(x, 2 * a) - load(x, 2 * b)
        for i, k in ((a, b), (b, a)):
            store(scratch, i, load(scratch, i) + g)
            store(scratch, n + i, fma(g, load(peak, k), load(scratch, n + i)))
            store(scratch, 2 * n + i, fma(drop, drop, load(scratch, 2 * n + i)))
    learning = 0.0 * load(G, 0)
    for a in range(n):
        learning = maximum(learning, where(at(law.free_v, a), 2.0 * load(scratch, 2 * n + a), 0.0))
    store(out, 1, learning)
    for further in range(rounds):
        if further:
            for a in range(n):
                store(scratch, n + a, 0.0)
            for j in range(m):
                a, b, g = at(graph.ends, 2 * j), at(graph.ends, 2 * j + 1), load(G, j)
                store(scratch, n + a, fma(g, load(peak, b), load(scratch, n + a)))
                store(scratch, n + b, fma(g, load(peak, a), load(scratch, n + b)))
        relaxation = 0.0 * load(G, 0)
        for a in range(n):
            ratio = load(scratch, a) + load(scratch, n + a) / load(peak, a)
            relaxation = maximum(relaxation, where(at(law.free_v, a), ratio, 0.0))
            store(scratch, n + a, ratio * load(peak, a))
        for a in range(n):               # normed by the bound, z stays what numbers can hold
            z = where(at(law.free_v, a) & due, load(scratch, n + a) / relaxation, load(peak, a))
            store(peak, a, z)
        store(out, 0, relaxation)


@inner
def begin_peak(graph, law, G, due, peak):
    """Begin z of the lanes with a `due` bit anew, with the degrees d_u = Σ_v G_uv of free nodes."""
    for a in range(peak.shape[0]):
        store(peak, a, where(due, 0.0, load(peak, a)))
    for j in range(G.shape[0]):
        g = load(G, j)
        for k in (2 * j, 2 * j + 1):
            a = at(graph.ends, k)
            store(peak, a, load(peak, a) + where(at(law.free_v, a) & due, g, 0.0))
