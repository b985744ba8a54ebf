"""Currents, effective resistances, Green's functions and response matrices against closed forms and pseudo-inverses."""
import networkx as nx
import numpy as np
import pytest
from ohmlearn import Equilibrium, Network

METHODS = ["auto", "superlu", "approximate-cholesky", "amg"]


def resistances(net, g, pairs):
    laplacian = net.incidence.T @ (g[:, None] * net.incidence.toarray())
    inverse, (a, b) = np.linalg.pinv(laplacian), np.asarray(pairs).T
    return inverse[a, a] + inverse[b, b] - 2 * inverse[a, b]


@pytest.mark.parametrize("method", METHODS)
def test_the_current_of_a_chain_over_twelve_decades(method):
    n = 20_000
    g = 10 ** np.random.default_rng(2).uniform(-6, 6, n - 1)
    circuit = Equilibrium(Network.grid(n), [0, n - 1], method)
    v = circuit.solve(g, [1.0, 0.0])
    resistance = np.sum(1 / g)
    np.testing.assert_allclose(circuit.currents(v) * resistance, 1.0, rtol=1e-10)
    np.testing.assert_allclose(circuit.terminal_currents(v) * resistance, [1.0, -1.0], rtol=1e-10)
    assert abs(g * (v[:-1] - v[1:]) * resistance - 1).max() > 1e-3


def test_currents_through_clusters_far_stronger_than_the_rest():
    """Six triangles of 1e9 in a row, joined by 1e-3: an edge of a triangle on the way carries 2/3 of the current, the
    other way round 1/3."""
    edges, g = [], []
    for k in range(6):
        edges += [[3 * k, 3 * k + 1], [3 * k, 3 * k + 2], [3 * k + 2, 3 * k + 1]]
        g += [1e9] * 3
        if k:
            edges.append([3 * k - 2, 3 * k])
            g.append(1e-3)
    circuit = Equilibrium(Network(np.array(edges)), [0, 16])
    found = circuit.currents(circuit.solve(g, [1.0, 0.0]))
    total = 1 / (5 * 1e3 + 6 * (2 / 3) * 1e-9)
    assert circuit.terminal_currents(circuit.solve(g, [1.0, 0.0]))[0] == pytest.approx(total, rel=1e-12)
    np.testing.assert_allclose(found[:3], total * np.array([2 / 3, 1 / 3, 1 / 3]), rtol=1e-10)
    np.testing.assert_allclose(found[3:6], total * np.array([2 / 3, 1 / 3, 1 / 3]), rtol=1e-10)


def test_currents_obey_kirchhoff_with_injection_and_several_columns():
    net, rng = Network.packing(64, seed=1), np.random.default_rng(3)
    g, volts, into = rng.uniform(0.5, 2, net.n_edges), rng.normal(size=(2, 5)), rng.normal(size=(64, 5))
    circuit = Equilibrium(net, [3, 60])
    v = circuit.solve(g, volts, into)
    found = circuit.currents(v)
    np.testing.assert_allclose(found, g[:, None] * (net.incidence @ v), rtol=1e-6, atol=1e-9)
    left = net.incidence.T @ found - into
    np.testing.assert_allclose(np.delete(left, [3, 60], axis=0), 0, atol=1e-13)
    np.testing.assert_allclose(circuit.terminal_currents(v), (net.incidence.T @ found)[[3, 60]], atol=1e-13)
    with pytest.raises(ValueError, match="voltages has 3 columns, and the last solve had 5"):
        circuit.currents(v[:, :3])
    with pytest.raises(ValueError, match="call solve first"):
        Equilibrium(net, [0]).currents(v)


GRAPHS = {
    "packing": lambda: Network.packing(64, seed=1),
    "grid": lambda: Network.grid(9, 11),
    "torus": lambda: Network.grid(8, 8, periodic=True),
    "tree": lambda: Network(np.array(nx.barabasi_albert_graph(80, 1, seed=1).edges)),
    "complete": lambda: Network(np.array(nx.complete_graph(30).edges)),
    "parallel edges": lambda: Network(np.array([[0, 1], [1, 0], [1, 2], [2, 3], [3, 0], [0, 1]])),
}


@pytest.mark.parametrize("decades", [0, 4])
@pytest.mark.parametrize("name", GRAPHS)
def test_resistances_of_all_edges(name, decades):
    net = GRAPHS[name]()
    g = 10 ** np.random.default_rng(1).uniform(-decades / 2, decades / 2, net.n_edges)
    found = Equilibrium(net, [1]).effective_resistance("edges", g)
    np.testing.assert_allclose(found, resistances(net, g, net.edges), rtol=1e-9)
    assert np.sum(g * found) == pytest.approx(net.n_nodes - 1, rel=1e-12)          # Foster


def test_resistances_of_a_complete_graph_and_of_a_ring():
    n = 24
    pairs = np.stack(np.triu_indices(n, 1), axis=1)
    np.testing.assert_allclose(Equilibrium(Network(pairs), [0]).effective_resistance(pairs), 2 / n, rtol=1e-12)
    ring = Network(np.c_[np.arange(n), np.roll(np.arange(n), -1)])
    distance = pairs[:, 1] - pairs[:, 0]
    np.testing.assert_allclose(Equilibrium(ring, [5]).effective_resistance(pairs), distance * (n - distance) / n)
    assert Equilibrium(ring, [5]).effective_resistance([[3, 3]])[0] == 0.0


def test_resistances_keep_their_digits_over_twelve_decades():
    g = 10 ** np.random.default_rng(2).uniform(-6, 6, 399)
    found = Equilibrium(Network.grid(400), [200]).effective_resistance("edges", g)
    np.testing.assert_allclose(found * g, 1.0, rtol=1e-12)


def test_held_nodes_count_as_one():
    """A square with opposite corners held: the other two are joined through both, ½ + ½."""
    net = Network(np.array([[0, 1], [1, 2], [2, 3], [3, 0]]))
    circuit = Equilibrium(net, [0, 2])
    np.testing.assert_allclose(circuit.effective_resistance([[1, 3], [0, 2], [0, 1]]), [1.0, 0.0, 0.5], atol=1e-15)


def test_networks_whose_factor_fills_up_are_solved_for(monkeypatch):
    """A pair at a time, or a node at a time where pairs share nodes, alike."""
    net = Network(np.array(nx.random_regular_graph(3, 5000, seed=2).edges))
    circuit = Equilibrium(net, [7])
    monkeypatch.setattr(type(circuit._rows), "pair_resistance", lambda self: None)
    nodes = np.array([0, 7, 100, 2000, 4999])
    pairs = np.array([(a, b) for a in nodes for b in nodes if a < b])
    one, two = circuit.effective_resistance(pairs), circuit.effective_resistance(pairs[:4])
    np.testing.assert_allclose(one[:4], two, rtol=1e-8)
    monkeypatch.undo()
    v = Equilibrium(net, [100]).solve(1.0, currents=np.eye(1, 5000, 2000)[0])
    assert one[pairs.tolist().index([100, 2000])] == pytest.approx(v[2000], rel=1e-8)


def test_the_sketch_has_the_error_it_states():
    net = Network.delaunay(400, seed=1)
    exact = Equilibrium(net, [0]).effective_resistance("edges")
    found = Equilibrium(net, [0]).effective_resistance("edges", error=0.1, seed=3)
    assert np.std(found / exact) == pytest.approx(0.1, rel=0.25)
    np.testing.assert_array_equal(found, Equilibrium(net, [0]).effective_resistance("edges", error=0.1, seed=3))


@pytest.mark.parametrize("method", METHODS)
def test_green_and_response(method):
    net, rng = Network.packing(64, seed=1), np.random.default_rng(1)
    g, held = rng.uniform(0.5, 2, net.n_edges), np.array([3, 9, 20, 41])
    laplacian = net.incidence.T @ (g[:, None] * net.incidence.toarray())
    free = np.setdiff1d(np.arange(64), held)
    inverse = np.linalg.inv(laplacian[np.ix_(free, free)])
    circuit = Equilibrium(net, held, method)
    np.testing.assert_allclose(circuit.green(free[:11], g, free[:3]), inverse[:3, :11], atol=1e-9)
    np.testing.assert_allclose(circuit.green(free[:2])[free], inverse[:, :2], atol=1e-9)
    np.testing.assert_array_equal(circuit.green(held, g), 0)
    reduced = laplacian[np.ix_(held, held)] - laplacian[np.ix_(held, free)] @ inverse @ laplacian[np.ix_(free, held)]
    np.testing.assert_allclose(circuit.response(g), reduced, rtol=1e-8)


def test_currents_are_those_of_the_last_solve_whatever_was_asked_between():
    net = Network.packing(64, seed=1)
    g = np.random.default_rng(1).uniform(0.5, 2, net.n_edges)
    circuit = Equilibrium(net, [0, 63])
    v = circuit.solve(g, [1.0, 0.0])
    wanted = circuit.currents(v)
    circuit.effective_resistance([[1, 2]], 7 * g[::-1])
    np.testing.assert_allclose(circuit.currents(v), wanted, rtol=1e-9, atol=1e-14)
    circuit.forget()
    np.testing.assert_allclose(circuit.currents(v), wanted, rtol=1e-9, atol=1e-14)


def test_bad_pairs():
    circuit = Equilibrium(Network.grid(4, 4), [0])
    with pytest.raises(ValueError, match="pairs must have shape"):
        circuit.effective_resistance([1, 2, 3])
    with pytest.raises(ValueError, match="or 'edges', not 'all'"):
        circuit.effective_resistance("all")
    with pytest.raises(ValueError, match="node of a pair 16 is not in the network"):
        circuit.effective_resistance([[0, 16]])
    with pytest.raises(ValueError, match="error must lie between 0 and 1"):
        circuit.effective_resistance("edges", error=0)
