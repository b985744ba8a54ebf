"""Equilibria against a quadratic program and against Newton's iteration in extended precision."""
import mpmath as mp
import numpy as np
import pytest
from ohmlearn.edges import NMOS, Diode, IdealDiode, NonlinearEquilibrium, PerEdge, Sinh

from ...kernels.law.test_edge_laws import TWINS
from .test_equilibrium import connected, mixed

ON, OFF = 50.0, 0.05
ALL = (*mixed([0]).laws, Sinh(0.4), Diode(1e-6, 0.03, series=2.0), NMOS("mean", gain=0.5, leak=1e-3),
       NMOS("ekv", gain=0.5, leak=1e-3),
       NMOS("level1", gain=0.5, leak=1e-3, threshold=0.3, body_effect=1.0, surface_potential=0.9, modulation=0.2),
       NMOS("level1", gain=0.5, leak=1e-3, threshold=0.3, body_effect=1.0, surface_potential=0.9, modulation=0.2,
            drain_resistance=0.02, source_resistance=0.07))


@pytest.mark.parametrize("seed", range(8))
def test_ideal_diodes_are_a_quadratic_program(seed):
    """min ½ Σ g Δv² + ½ Σ (on - off) s² + ½ Σ off Δv² with s >= Δv and s >= 0, by an interior-point method."""
    piqp = pytest.importorskip("piqp")
    network, rng = connected(seed, 12, 26)
    diodes = rng.random(26) < 0.5
    held, volts, g = [0, 3, 7], rng.uniform(-1, 1, 3), rng.uniform(0.5, 2, 26)
    law = mixed(np.where(diodes, "ideal_diode", "linear").tolist(), ideal_diode=IdealDiode(ON, OFF))
    found = NonlinearEquilibrium(network, held, law).solve(g, volts)
    incidence, k = network.incidence.toarray(), int(diodes.sum())
    free = np.setdiff1d(np.arange(12), held)
    conducts = np.where(diodes, OFF, g)
    laplacian = incidence.T @ (conducts[:, None] * incidence)
    cost = np.block([[laplacian[np.ix_(free, free)], np.zeros((free.size, k))],
                     [np.zeros((k, free.size)), (ON - OFF) * np.eye(k)]])
    linear = np.concatenate([laplacian[np.ix_(free, held)] @ volts, np.zeros(k)])
    below = np.hstack([incidence[diodes][:, free], -np.eye(k)])
    solver = piqp.DenseSolver()
    solver.settings.eps_abs = solver.settings.eps_duality_gap_abs = 1e-14      # as far as rounding lets it come
    solver.settings.eps_rel = solver.settings.eps_duality_gap_rel = 0.0
    solver.settings.reg_lower_limit = solver.settings.reg_finetune_lower_limit = 1e-14
    solver.setup(cost, linear, None, None, below, None, -incidence[diodes][:, held] @ volts,
                 np.concatenate([np.full(free.size, -10.0), np.zeros(k)]), None)
    solver.solve()
    # a diode without a drop has neither a current nor a multiplier: there the error is a root of the gap
    sharp = np.abs((incidence @ found)[diodes]).min() > 1e-9
    np.testing.assert_allclose(found[free], solver.result.x[:free.size], rtol=0, atol=1e-8 if sharp else 1e-6)


def extended(network, held, laws, which, u, v):
    """Newton's iteration with 50 digits on the same equations, from v: free voltages that solve them."""
    free = np.setdiff1d(np.arange(network.n_nodes), held)
    h, at = mp.mpf(10) ** -12, [mp.mpf(float(x)) for x in v]

    def currents(x):
        out = [mp.mpf(0)] * network.n_nodes
        for j, (a, b) in enumerate(network.edges.tolist()):
            law = laws[which[j]]
            parameters = [mp.mpf(float(p)) for p in law.parameters]
            i = TWINS[law.kernel](parameters, mp.mpf(float(u[j])), x[a], x[b])
            out[a], out[b] = out[a] + i, out[b] - i
        return mp.matrix([out[a] for a in free])

    for _ in range(6):
        rest, jacobian = currents(at), mp.matrix(free.size)
        for k, a in enumerate(free):
            moved = list(at)
            moved[a] += h
            jacobian[:, k] = (currents(moved) - rest) / h
        step = mp.lu_solve(jacobian, -rest)
        for k, a in enumerate(free):
            at[a] += step[k]
        if max(abs(x) for x in step) < mp.mpf(10) ** -16:
            return np.array([float(x) for x in at])
    raise AssertionError("the iteration in extended precision does not converge from the voltages found")


def check(laws, seed):
    """One network of resistors and other laws; the list keeps the kernels the same."""
    network, rng = connected(seed, 6, 10)
    which, held = rng.integers(len(laws), size=10), rng.choice(6, 2, replace=False)
    u, volts = rng.uniform(0.5, 3.0, 10), rng.uniform(-0.2, 1.0, 2)
    found = NonlinearEquilibrium(network, held, PerEdge(laws, which)).solve(u, volts)
    with mp.workdps(50):
        np.testing.assert_allclose(found, extended(network, held, laws, which, u, found), rtol=0, atol=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_equilibria_in_extended_precision(seed):
    check(ALL[:6], seed)


@pytest.mark.slow      # compiles laws that nothing else does
def test_all_laws_in_extended_precision():
    """A hundred networks of every law and resistors, and a hundred of all laws; of the mean law, which may have several
    equilibria, that which was found."""
    for seed in range(100):
        check(ALL, seed)
        for law in ALL:
            check([law if other is law else ALL[0] for other in ALL], 1000 + seed)
