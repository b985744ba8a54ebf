"""Soft modes against closed forms and dense eigenvectors."""
import numpy as np
import pytest
from ohmlearn import Network
from ohmlearn.solvers.equilibrium import memory, modes
from ohmlearn.solvers.equilibrium.equilibrium import NotConverged
from ohmlearn.solvers.equilibrium.modes import soft_modes

METHODS = ["shift-invert", "lobpcg"]


def dense(net, g):
    incidence = net.incidence.toarray()
    return incidence.T @ (g[:, None] * incidence)


@pytest.mark.parametrize("method", METHODS)
def test_chain(method):
    """A floating chain of n nodes: λ_j = 4 sin²(π j / 2n), modes cos(π j (i + 1/2) / n)."""
    n = 40
    found = soft_modes(Network(np.c_[np.arange(n - 1), np.arange(1, n)]), k=4, method=method)
    np.testing.assert_allclose(found.eigenvalues, 4 * np.sin(np.pi * np.arange(1, 5) / (2 * n)) ** 2, rtol=1e-11)
    for j, mode in enumerate(found.modes.T, start=1):
        wanted = np.cos(np.pi * j * (np.arange(n) + 0.5) / n)
        assert abs(mode @ wanted) / np.linalg.norm(wanted) == pytest.approx(1, abs=1e-9)
        assert mode.sum() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_chain_held_at_its_ends(method):
    """Ends at 0: λ_j = 4 sin²(π j / 2(n - 1)) over n - 2 free nodes."""
    n = 40
    found = soft_modes(Network(np.c_[np.arange(n - 1), np.arange(1, n)]), k=3, held=[0, n - 1], method=method)
    np.testing.assert_allclose(found.eigenvalues, 4 * np.sin(np.pi * np.arange(1, 4) / (2 * (n - 1))) ** 2, rtol=1e-11)
    np.testing.assert_array_equal(found.modes[[0, n - 1]], 0)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("held", "decades"), [((), 0), ((3, 77), 4), ((), 6)])
def test_dense_eigenvectors(method, held, decades):
    net = Network.delaunay(300, seed=2)
    g = 10 ** np.random.default_rng(1).uniform(-decades / 2, decades / 2, net.n_edges)
    found = soft_modes(net, g, 5, held, method)
    free = np.setdiff1d(np.arange(net.n_nodes), held)
    values, vectors = np.linalg.eigh(dense(net, g)[np.ix_(free, free)])
    start = 0 if held else 1
    np.testing.assert_allclose(found.eigenvalues, values[start:start + 5], rtol=1e-8)
    overlap = np.abs(np.sum(found.modes[free] * vectors[:, start:start + 5], axis=0))
    np.testing.assert_allclose(overlap, 1, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(found.modes, axis=0), 1)


@pytest.mark.parametrize("method", METHODS)
def test_every_floating_part_loses_its_constant(method):
    """Two chains apart, one of them held at an end."""
    n = 30
    chain = np.c_[np.arange(n - 1), np.arange(1, n)]
    found = soft_modes(Network(np.r_[chain, chain + n]), k=4, held=[0], method=method)
    loose = 4 * np.sin(np.pi * np.arange(1, 5) / (2 * n)) ** 2
    held = 4 * np.sin(np.pi * (np.arange(1, 5) - 0.5) / (2 * n - 1)) ** 2
    np.testing.assert_allclose(found.eigenvalues, np.sort(np.r_[loose, held])[:4], rtol=1e-10)


def test_large_enough_to_be_reordered():
    net = Network.grid(60, 60)
    one, two = (soft_modes(net, k=3, held=[0], method=method) for method in METHODS)
    np.testing.assert_allclose(one.eigenvalues, two.eigenvalues, rtol=1e-8)
    assert soft_modes(net, k=1).method == "shift-invert"


def test_a_tangle_goes_to_lobpcg():
    rng = np.random.default_rng(3)
    pairs = rng.integers(0, 3000, (3000, 2))
    net = Network(np.r_[np.c_[np.arange(2999), np.arange(1, 3000)], pairs[pairs[:, 0] != pairs[:, 1]]])
    found = soft_modes(net, k=2)
    assert found.method == "lobpcg"
    assert "fill up" in found.reason


def test_bad_input(monkeypatch):
    net = Network.grid(8, 8)
    with pytest.raises(ValueError, match="k=0 modes"):
        soft_modes(net, k=0)
    with pytest.raises(ValueError, match="k=62 modes of 64 free nodes"):
        soft_modes(net, k=62)
    with pytest.raises(ValueError, match="conductance of edge 5 is 0"):
        soft_modes(net, np.where(np.arange(net.n_edges) == 5, 0.0, 1.0))
    with pytest.raises(ValueError, match="method must be"):
        soft_modes(net, method="power")
    with pytest.raises(ValueError, match="held node 64 is not in the network"):
        soft_modes(net, held=[64])
    monkeypatch.setattr(modes, "TIGHT", 0.0)
    monkeypatch.setattr(modes, "ROUNDING", 0.0)
    with pytest.raises(NotConverged, match="mode 1 of 2 stopped at residual"):
        soft_modes(net, k=2)
    monkeypatch.setattr(memory, "available", lambda: 1.0)
    with pytest.raises(MemoryError, match="take method='lobpcg'"):
        soft_modes(net, k=2)
