"""Equilibrium voltages against closed forms and dense elimination."""
import importlib.util
from pathlib import Path

import numpy as np
import pytest
from ohmlearn import Network
from ohmlearn.solvers.equilibrium import backends, preconditioner_reuse
from ohmlearn.solvers.equilibrium.equilibrium import Equilibrium, NotConverged

_spec = importlib.util.spec_from_file_location("reference", Path(__file__).parents[2] / "reference.py")
reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(reference)

METHODS = [m for m in backends.BACKENDS if backends.installed(m)]


def torus(n):
    i = np.arange(n * n).reshape(n, n)
    return Network(np.r_[np.c_[i.ravel(), np.roll(i, -1, 1).ravel()], np.c_[i.ravel(), np.roll(i, -1, 0).ravel()]])


def a_network(seed, n=60, m=120):
    rng = np.random.default_rng(seed)
    edges = rng.integers(0, n, (4 * m, 2))
    edges = edges[edges[:, 0] != edges[:, 1]][:m]
    return Network(rng.permutation(np.r_[np.c_[np.arange(n - 1), np.arange(1, n)], edges]), n), rng


def torus_resistance(n, dx, dy):
    """Resistance between two nodes of an n×n torus of unit resistors, by its Fourier sum."""
    k = 2 * np.pi * np.arange(n) / n
    kx, ky = np.meshgrid(k, k)
    weight = 4 - 2 * np.cos(kx) - 2 * np.cos(ky)
    weight[0, 0] = np.inf
    return np.sum((2 - 2 * np.cos(kx * dx + ky * dy)) / weight) / n**2


@pytest.mark.parametrize("method", METHODS)
def test_lattice_resistances(method):
    """Infinite square lattice: 1/2 between neighbours, 2/π across the diagonal; a torus is lower by r²/4N and more."""
    n = 64
    net = torus(n)
    start = 5 * n + 7
    circuit = Equilibrium(net, [start], method)
    for dx, dy, infinite in ((1, 0, 0.5), (1, 1, 2 / np.pi), (2, 0, 2 - 4 / np.pi)):
        end = (5 + dy) * n + 7 + dx
        resistance = circuit.solve(1.0, currents=np.eye(1, n * n, end)[0])[end]
        assert resistance == pytest.approx(torus_resistance(n, dx, dy), rel=1e-9)
        assert resistance == pytest.approx(infinite - (dx**2 + dy**2) / (2 * n**2), abs=4 / n**4)


@pytest.mark.parametrize("method", METHODS)
def test_foster(method):
    """Σ over edges of G_ij R_ij = N - 1."""
    net, rng = a_network(1)
    g = rng.uniform(0.1, 2, net.n_edges)
    v = Equilibrium(net, [0], method).solve(g, currents=np.eye(net.n_nodes))
    a, b = net.edges.T
    resistance = v[a, a] + v[b, b] - v[a, b] - v[b, a]
    assert np.sum(g * resistance) == pytest.approx(net.n_nodes - 1, rel=1e-9)


def test_ladder_in_series_and_parallel():
    """Three stages, each of two parallel resistors in series with one: 3 (1/(2+4) + 1/5)."""
    stages = [(2 * k + x, 2 * k + y) for k in range(3) for x, y in ((0, 1), (0, 1), (1, 2))]
    net = Network(np.array(stages))
    v = Equilibrium(net, [0, 6]).solve(np.tile([2.0, 4.0, 5.0], 3), held_voltages=[1.0, 0.0])
    np.testing.assert_allclose(v[[2, 4]], [2 / 3, 1 / 3], rtol=1e-12)
    assert 6 * (v[0] - v[1]) == pytest.approx(1 / (3 * (1 / 6 + 1 / 5)), rel=1e-12)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("decades", [0, 4])
def test_dense_elimination(method, decades):
    net, rng = a_network(2)
    g = 10 ** rng.uniform(-decades / 2, decades / 2, net.n_edges)
    held = np.array([17, 4, 40])
    volts, currents = rng.normal(size=(3, 2)), rng.normal(size=(net.n_nodes, 2))
    circuit = Equilibrium(net, held, method)
    v = circuit.solve(g, volts, currents)
    for q in range(2):
        expected = reference.equilibrium(net.n_nodes, net.edges, g, held, volts[:, q], currents[:, q])
        np.testing.assert_allclose(v[:, q], expected, atol=1e-8 * abs(expected).max())
    np.testing.assert_array_equal(v[held], volts)
    assert circuit.stats.residual <= 1e-10
    assert circuit.stats.n_solves == 2
    assert circuit.stats.n_setups == 1


@pytest.mark.parametrize("method", METHODS)
def test_voltages_follow_the_conductances(method):
    net, rng = a_network(3)
    circuit = Equilibrium(net, [0, 5], method, keep=False)
    for _ in range(3):
        g = rng.uniform(0.1, 2, net.n_edges)
        v = circuit.solve(g, [1.0, -1.0])
        expected = reference.equilibrium(net.n_nodes, net.edges, g, [0, 5], np.array([1.0, -1.0]), np.zeros(60))
        np.testing.assert_allclose(v, expected, atol=1e-9)
    circuit.solve(g, [2.0, 0.0])
    assert circuit.stats.n_setups == 3


def test_shapes():
    net, rng = a_network(4)
    circuit = Equilibrium(net, [0, 5])
    assert circuit.solve(1.0).shape == (60,)
    assert circuit.solve(1.0, np.ones((2, 3))).shape == (60, 3)
    assert circuit.solve(1.0, [1, 0], np.zeros((60, 1))).shape == (60, 1)
    all_held = Equilibrium(net, rng.permutation(60))
    volts = rng.normal(size=60)
    np.testing.assert_array_equal(all_held.solve(1.0, volts)[all_held.held], volts)


def test_too_few_iterations_is_an_error(monkeypatch):
    monkeypatch.setattr(preconditioner_reuse, "LIMIT", 2)
    net = torus(40)
    with pytest.raises(NotConverged, match="above rtol=1e-10"):
        Equilibrium(net, [0], "amg").solve(1.0, currents=np.eye(1, 1600, 820)[0])


def test_bad_input():
    net, _ = a_network(5)
    two = Network(np.array([[0, 1], [2, 3]]))
    with pytest.raises(ValueError, match="node 2 floats"):
        Equilibrium(two, [0])
    with pytest.raises(ValueError, match="node 1 floats"):
        Equilibrium(two, [0, 2]).solve([0.0, 1.0])
    np.testing.assert_array_equal(Equilibrium(two, [0, 1, 2]).solve([0.0, 1.0], [1, 2, 3]), [1, 2, 3, 3])
    with pytest.raises(ValueError, match="held node 60 is not in the network"):
        Equilibrium(net, [60])
    with pytest.raises(ValueError, match="node 4 is listed twice"):
        Equilibrium(net, [4, 4])
    with pytest.raises(ValueError, match="method must be"):
        Equilibrium(net, [4], "jacobi")
    with pytest.raises(ValueError, match="rtol must lie"):
        Equilibrium(net, [4], rtol=0)
    circuit = Equilibrium(net, [4])
    with pytest.raises(ValueError, match="conductance of edge 3 is -1"):
        circuit.solve(np.where(np.arange(net.n_edges) == 3, -1.0, 1.0))
    with pytest.raises(ValueError, match="held_voltages must have shape"):
        circuit.solve(1.0, [1.0, 2.0])
    with pytest.raises(ValueError, match=r"currents\[7\] is nan"):
        circuit.solve(1.0, currents=np.where(np.arange(60) == 7, np.nan, 0.0))


@pytest.mark.parametrize("method", METHODS)
def test_disk_of_uniform_conductance(method):
    """With its rim held at x² - y², a disk cut from a square lattice has x² - y² inside: harmonic there too."""
    n, radius = 61, 29.5
    grid = Network.grid(n, n)
    x, y = np.divmod(np.arange(n * n), n) - np.array([[n // 2], [n // 2]])
    inside = np.hypot(x, y) <= radius
    number = np.cumsum(inside) - 1
    kept = inside[grid.edges].all(axis=1)
    disk = Network(number[grid.edges[kept]])
    value = (x**2 - y**2)[inside].astype(float)
    rim = np.flatnonzero(disk.degree < 4)
    v = Equilibrium(disk, rim, method).solve(3.0, value[rim])
    np.testing.assert_allclose(v, value, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("decades", [1, 8])
def test_columns_do_not_depend_on_the_others(method, decades):
    """Thirteen right-hand sides, held voltages and currents: the bits of the first eight, and of the others alone."""
    net, rng = Network.delaunay(150, seed=2), np.random.default_rng(3)
    g = 10 ** rng.uniform(-decades / 2, decades / 2, net.n_edges)
    held, currents = rng.normal(size=(2, 13)), rng.normal(size=(150, 13)) * (np.arange(13) % 3 > 0)
    circuit = Equilibrium(net, [0, 149], method)
    start = np.zeros(150)
    together = circuit.solve(g, held, currents, start=start)
    assert len(circuit.stats.iterations) == 13
    for part in (slice(0, 8), slice(8, 13)):
        alone = circuit.solve(g, held[:, part], currents[:, part], start=start)
        np.testing.assert_array_equal(together[:, part], alone)
    for k in (0, 4, 12):
        np.testing.assert_allclose(together[:, k], circuit.solve(g, held[:, k], currents[:, k], start=start),
                                   atol=1e-9 * abs(together[:, k]).max())
