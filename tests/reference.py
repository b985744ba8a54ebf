"""Slow, readable NumPy twins of the kernels."""
import numpy as np

# ---- the Laplacian of one network (kernels/laplacian.py) ----


def laplacian(n_nodes, edges, conductances):
    """(n_nodes, n_nodes) dense L(G) = Δᵀ diag(G) Δ."""
    incidence = np.zeros((len(edges), n_nodes))
    for j, (a, b) in enumerate(edges):
        incidence[j, a], incidence[j, b] = 1.0, -1.0
    return incidence.T @ np.diag(conductances) @ incidence


def equilibrium(n_nodes, edges, conductances, held, held_voltages, currents):
    """(n_nodes,) voltages with held nodes, L_FF v_F = I_F - L_FS V_S, by dense elimination."""
    full = laplacian(n_nodes, edges, conductances)
    free = np.setdiff1d(np.arange(n_nodes), held)
    v = np.zeros(n_nodes)
    v[held] = held_voltages
    v[free] = np.linalg.solve(full[np.ix_(free, free)], currents[free] - full[np.ix_(free, held)] @ held_voltages)
    return v
