"""Equilibria with held drops, against bordered dense equations."""
import pickle

import numpy as np
import ohmlearn as ol
import pytest

NETWORKS = {"packing": ol.Network.packing(40, seed=2), "grid": ol.Network.grid(5, 7),
            "delaunay": ol.Network.delaunay(33, seed=3), "random": ol.Network.random(30, 3.5, seed=1),
            "two parts": ol.Network([[0, 1], [1, 2], [3, 4], [4, 5], [0, 2]])}


def dense(net, g, held, drops, injected):
    """(n_nodes,) by Lagrange multipliers: L v + Cᵀ λ = I, C v = given."""
    n, rows = net.n_nodes, [(node,) for node in held] + list(drops)
    laplacian, constraints = np.zeros((n, n)), np.zeros((len(rows), n))
    for (a, b), x in zip(net.edges, g, strict=True):
        laplacian[[a, b, a, b], [a, b, b, a]] += [x, x, -x, -x]
    for k, row in enumerate(rows):
        constraints[k, row[0]] = 1.0
        if len(row) == 2:
            constraints[k, row[1]] -= 1.0
    full = np.block([[laplacian, constraints.T], [constraints, np.zeros((len(rows), len(rows)))]])
    right = np.concatenate([injected, list(held.values()), list(drops.values())])
    return np.linalg.lstsq(full, right, rcond=None)[0][:n]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("drop", [0.0, 0.3])
def test_voltages_are_those_of_bordered_equations(name, drop):
    net, rng = NETWORKS[name], np.random.default_rng(7)
    held = {0: 1.0, net.n_nodes - 1: -0.5}
    drops = {(1, 2): drop, (2, 4 if name == "two parts" else 9): -drop / 2}
    g, injected = 10 ** rng.uniform(-2, 2, net.n_edges), rng.normal(size=net.n_nodes)
    injected[list(held)] = 0.0
    circuit = ol.Equilibrium(net, list(held), drops=drops)
    found = circuit.solve(g, list(held.values()), injected)
    np.testing.assert_allclose(found, dense(net, g, held, drops, injected), atol=1e-9 * np.abs(found).max())
    a, b = net.edges.T
    np.testing.assert_array_equal(circuit.currents(found), g * (found[a] - found[b]))
    again = circuit.solve(2 * g, list(held.values()), 2 * injected, start=found)
    np.testing.assert_allclose(again, found, atol=1e-9 * np.abs(found).max())
    copy = pickle.loads(pickle.dumps(circuit))
    np.testing.assert_allclose(copy.solve(g, list(held.values()), injected), found, rtol=1e-9)


def test_several_right_hand_sides_and_a_held_node_that_is_tied():
    net = NETWORKS["grid"]
    circuit = ol.Equilibrium(net, [0, 34], drops={(0, 3): 0.2, (10, 11): 0.1})
    volts = np.array([[1.0, 0.0], [0.0, 2.0]])
    both = circuit.solve(1.0, volts)
    for k in range(2):
        np.testing.assert_allclose(circuit.solve(1.0, volts[:, k]), both[:, k], atol=1e-9)
        assert both[3, k] == pytest.approx(volts[0, k] - 0.2, abs=1e-12)
        assert both[10, k] - both[11, k] == pytest.approx(0.1, abs=1e-12)


def test_thousands_of_drops_join_two_layers():
    """Two grids joined at every node by drops of 0 V are one grid of twice the conductance."""
    one = ol.Network.grid(60, 60)
    n = one.n_nodes
    two = ol.Network(np.concatenate([one.edges, one.edges + n]), 2 * n)
    circuit = ol.Equilibrium(two, [0, n - 1], drops={(k, n + k): 0.0 for k in range(n)})
    currents = np.zeros(2 * n)
    currents[n + 1830] = 1.0
    found = circuit.solve(1.0, [0.0, 0.0], currents)
    expected = ol.Equilibrium(one, [0, n - 1]).solve(2.0, [0.0, 0.0], currents[n:])
    np.testing.assert_allclose(found[:n], expected, atol=1e-9)
    np.testing.assert_allclose(found[n:], expected, atol=1e-9)


@pytest.mark.parametrize(("drops", "words"), [
    ({(0, 34): 1.0}, "drop held across nodes 0 and 34 follows from"), ({(1, 2): np.nan}, "drops must be finite"),
    ({(1, 2): 0.1, (2, 3): 0.1, (3, 1): 0.1}, "follows from the other held voltages or contradicts"),
    ({(1, 35): 0.1}, "node of a drop 35")])
def test_bad_drops_are_refused(drops, words):
    with pytest.raises(ValueError, match=words):
        ol.Equilibrium(NETWORKS["grid"], [0, 34], drops=drops)


def test_what_drops_leave_undefined_is_refused():
    circuit = ol.Equilibrium(NETWORKS["grid"], [0, 34], drops={(1, 2): 0.1})
    circuit.solve(1.0, [1.0, 0.0])
    for ask in (lambda: circuit.effective_resistance([[0, 1]]), lambda: circuit.green([1]), circuit.response):
        with pytest.raises(ValueError, match="are not given where drops are held"):
            ask()
