"""The softest physical mode and what it says of the cost."""
import numpy as np
import ohmlearn as ol
import pytest


def two_halves(weak=1e-4, n=6):
    """Two random dense halves joined by a few weak edges: an analytic crack."""
    rng = np.random.default_rng(0)
    edges = [(a + s, b + s) for s in (0, n) for a in range(n) for b in range(a)] + [(k, k + n) for k in range(3)]
    return ol.Network.from_edges(edges), np.append(rng.uniform(0.5, 1.5, n * (n - 1)), np.full(3, weak))


def test_crack_between_two_halves():
    net, g = two_halves()
    soft = ol.soft.soft_mode(net, g)
    # Two halves of 6 nodes move as wholes: λ₁ = (sum of the weak conductances) (1/6 + 1/6) to first order
    assert np.isclose(soft.eigenvalues[0], 3e-4 / 3, rtol=1e-3)
    assert soft.gap > 1e3
    assert np.unique(soft.sectors[:6]).size == 1
    assert np.array_equal(soft.sectors[:6], ~soft.sectors[6:])
    assert np.array_equal(np.flatnonzero(soft.crack), np.arange(30, 33))
    assert soft.crack_conductance < 2e-4
    assert np.isclose(np.linalg.norm(soft.mode), 1)
    assert soft.fraction(g * 0 + soft.crack) == 1.0


@pytest.mark.parametrize("task", [
    ol.Task(currents={4: 1.0, 10: -1.0}, targets=[(5, 11)], target_voltages=[3e3]),
    ol.Task(currents={4: 1.0, 10: -1.0}, targets=[(5, 11), (3, 9)], target_voltages=[3e3, 1e3], ground=0),
    ol.Task(currents={4: 2.0}, targets=[(5, 11)], target_voltages=[3e3], ground=9),
], ids=["floating", "two outputs", "grounded"])
def test_approximation_becomes_exact_as_the_crack_weakens(task):
    errors = []
    for weak in (1e-3, 1e-4, 1e-5):
        net, g = two_halves(weak)
        account = ol.soft.soft_approximation(net, task, g)
        exact = account.hessian.gradient
        errors.append(np.abs(account.gradient - exact).max() / np.abs(exact).max())
        assert np.isclose(account.stiff[0], np.linalg.eigvalsh(account.hessian.satisfied())[-1], rtol=1e-12)
    assert errors[2] < 1e-4
    assert np.allclose(np.array(errors[:-1]) / errors[1:], 10, rtol=0.2)
    assert account.overlap > 1 - 1e-8
    assert account.crack_fraction > 1 - 1e-8
    assert np.isclose(account.eigenvalue / np.sum(exact**2), 1, rtol=1e-4)


def test_inputs_of_current_drive_are_the_currents_seen_by_the_mode():
    net, g = two_halves(0.3)
    task = ol.Task(currents={4: 1.0, 10: -1.0}, targets=[(5, 11)], target_voltages=[0])
    account = ol.soft.soft_approximation(net, task, g)
    mode = account.soft.mode
    assert np.isclose(account.inputs[0], mode[4] - mode[10], rtol=1e-12)
    assert np.isclose(account.outputs[0], mode[5] - mode[11], rtol=1e-12)
    laplacian = net.incidence.T @ (g[:, None] * net.incidence.toarray())
    assert np.allclose(laplacian @ mode, account.soft.eigenvalues[0] * mode, atol=1e-13)


def test_degenerate_and_broken_networks():
    ring = ol.Network.from_edges([(k, (k + 1) % 8) for k in range(8)])
    with pytest.raises(ValueError, match="softest mode is degenerate"):
        ol.soft.soft_mode(ring, 1.0)
    with pytest.raises(ValueError, match="in 2 pieces"):
        ol.soft.soft_mode(ol.Network.from_edges([(0, 1), (2, 3)]), 1.0)
    with pytest.raises(ValueError, match="two nodes"):
        ol.soft.soft_mode(ol.Network.from_edges([(0, 1)]), 1.0)
    assert ol.soft.soft_mode(ring, np.arange(1.0, 9.0)).gap > 1


def test_large_networks_take_the_sparse_way(monkeypatch):
    net = ol.Network.delaunay(300, seed=1)
    g = np.random.default_rng(0).uniform(0.5, 1.5, net.n_edges)
    dense = ol.soft.soft_mode(net, g)
    monkeypatch.setattr("ohmlearn.solvers.hessian.soft_mode.DENSE_NODES", 100)
    sparse = ol.soft.soft_mode(net, g)
    assert np.allclose(sparse.eigenvalues, dense.eigenvalues, rtol=1e-10)
    assert abs(sparse.mode @ dense.mode) > 1 - 1e-9
