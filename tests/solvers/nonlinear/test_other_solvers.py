"""Equilibria against a quadratic program and against Newton's iteration in extended precision."""
import mpmath as mp
import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.edges import NMOS, Diode, IdealDiode, NonlinearEquilibrium, PerEdge, Sinh
from ohmlearn.solvers.nonlinear import equilibrium
from scipy.optimize import brentq

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


@pytest.mark.slow
def test_lanes_with_inner_unknowns_do_not_know_each_other():
    """Transistors with series resistances, whose inner currents are kept from step to step, where neighbours search."""
    for seed in range(40):
        network, rng = connected(seed, 16, 34)
        held, u, volts = rng.choice(16, 4, replace=False), rng.uniform(0.4, 4, (34, 8)), rng.uniform(0, 5, (4, 8))
        circuit = NonlinearEquilibrium(network, held, PerEdge(ALL, [len(ALL) - 1] * 34))
        together = circuit.solve(u, volts)
        for k in range(8):
            assert np.array_equal(circuit.solve(u[:, k], volts[:, k]), together[:, k])


@pytest.mark.slow
@pytest.mark.parametrize("lanes", [equilibrium.IN_LANES, 0])
def test_equilibria_that_have_just_vanished(lanes, monkeypatch):
    """A node fed from 3 V through 0.1 and drained by a mean law of gain 1, below its gate at rest while
    (U + 0.1)² > 0.6, then at the one equilibrium that is left, far above: where it relaxes to from 0."""
    monkeypatch.setattr(equilibrium, "IN_LANES", lanes)
    mean = NMOS("mean", gain=1.0, leak=0.0)
    laws = [*ALL[:8], mean, *ALL[9:]]
    fold = np.sqrt(0.6) - 0.1
    gates = fold * (1 + np.array([1e-1, 1e-3, 1e-6, 1e-9, -1e-12, -1e-9, -1e-6, -1e-3, -1e-1]))
    circuit = NonlinearEquilibrium(ol.Network(np.array([[0, 1], [1, 2]])), [0, 2], PerEdge(laws, [0, 8]))
    found = circuit.solve(np.stack([np.full(9, 0.1), gates]), [3.0, 0.0])[1]

    def current(v, gate):
        return 0.1 * (v - 3.0) + max(gate - v / 2, mean.least) * v

    for gate, v in zip(gates, found, strict=True):
        below = gate > fold
        expected = brentq(current, *((0.0, gate + 0.1) if below else (gate + 0.2, 3.0)), (gate,), xtol=1e-15)
        assert abs(v - expected) < (1e-5 if abs(gate / fold - 1) < 1e-8 and below else 1e-9), gate
