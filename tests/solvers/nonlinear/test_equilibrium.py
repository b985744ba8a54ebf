"""Equilibria of nonlinear edges against closed forms, SPICE's operating points, enumeration and other solvers."""
import itertools
import pickle

import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.edges import NMOS, Cubic, Diode, IdealDiode, Linear, Offset, PerEdge
from ohmlearn.solvers.equilibrium.equilibrium import NotConverged
from ohmlearn.solvers.nonlinear import equilibrium
from ohmlearn.solvers.nonlinear.equilibrium import NonlinearEquilibrium

SQUARE = NMOS(gain=0.5, leak=1e-3)
# The kernels are compiled once for all of these, of which a test takes what it needs.
NAMES = "linear", "square", "diode", "ideal_diode", "cubic", "offset"
DEFAULTS = Linear(), SQUARE, Diode(1e-6, 0.03), IdealDiode(50.0, 1e-3), Cubic(0.5), Offset(0.1)


def mixed(which, **laws):
    """Edges of the laws of these numbers or names, with other parameters where a law is given."""
    numbers = [NAMES.index(name) if isinstance(name, str) else name for name in which]
    return PerEdge([laws.get(name, law) for name, law in zip(NAMES, DEFAULTS, strict=True)], numbers)


def connected(seed, n=12, m=26):
    rng = np.random.default_rng(seed)
    tree = np.stack([np.arange(1, n), [rng.integers(k) for k in range(1, n)]], axis=1)
    more = rng.integers(n, size=(4 * m, 2))
    return ol.Network(np.concatenate([tree, more[more[:, 0] != more[:, 1]]])[:m], n), rng


@pytest.mark.parametrize("count", [1, 3, 9, 17])
def test_equal_gates_of_the_square_law_are_linear_in_phi(count):
    """½ (a - v)² obeys the linear equations where all gates are equal and no edge leaks."""
    network, rng = connected(count)
    held, a = rng.choice(network.n_nodes, 3, replace=False), 2.0
    volts = rng.uniform(0, 0.9, (3, count))
    circuit = NonlinearEquilibrium(network, held, mixed(26 * ['square'], square=NMOS(gain=0.7, leak=0.0)))
    found = circuit.solve(np.full((network.n_edges, count), a), volts)
    phi = ol.Equilibrium(network, held, rtol=1e-13).solve(1.0, 0.5 * (a - volts) ** 2)
    np.testing.assert_allclose(found, a - np.sqrt(2 * phi), rtol=0, atol=1e-12)


@pytest.mark.slow      # compiles a law that nothing else does
def test_operating_points_of_spice(reference):
    """Level 1 with series resistances; ngspice at tight tolerances."""
    xor = np.load(reference / "nonlinear" / "xor_seed3_op.npz")
    held = np.array([[0.11, 0.33, *given] for given in xor["inputs"]]).T
    law = NMOS.ald1106()
    found = NonlinearEquilibrium(ol.Network(xor["ends"]), xor["held"], law).solve(xor["vg"], held)
    np.testing.assert_allclose(found.T, xor["v"], rtol=0, atol=2e-6)
    drawn = np.load(reference / "nonlinear" / "random20_op.npz")
    for k in range(20):
        circuit = NonlinearEquilibrium(ol.Network(drawn[f"ends{k}"]), drawn[f"held{k}"], law)
        found = circuit.solve(drawn[f"vg{k}"], drawn[f"vh{k}"])
        np.testing.assert_allclose(found, drawn[f"v{k}"], rtol=0, atol=2e-6)


@pytest.mark.parametrize("seed", range(6))
def test_ideal_diodes_against_all_their_states(seed):
    """Of all ways to conduct or not, the one that is consistent."""
    network, rng = connected(seed, 7, 12)
    diodes = rng.choice(12, 6, replace=False)
    which = np.where(np.isin(np.arange(12), diodes), 'ideal_diode', 'linear').tolist()
    held, volts, g = [0, 3], [1.0, -0.4], rng.uniform(0.5, 2, 12)
    found = NonlinearEquilibrium(network, held, mixed(which)).solve(g, volts)
    consistent = []
    for states in itertools.product((50.0, 1e-3), repeat=6):
        conductances = g.copy()
        conductances[diodes] = states
        v = ol.voltages(network, ol.Task(held, volts, [1], [0.0]), conductances)
        drops = v[network.edges[diodes, 0]] - v[network.edges[diodes, 1]]
        if np.all(drops * np.where(np.array(states) > 1, 1, -1) >= -1e-12):       # one that carries nothing is both
            consistent.append(v)
    assert consistent
    for v in consistent:
        np.testing.assert_allclose(found, v, rtol=0, atol=1e-10)


def test_a_diode_and_a_resistor():
    """I = (V - v) / r = saturation (e^(v/v_T) - 1), by bisection in a double of the voltage alone."""
    network = ol.Network(np.array([[0, 1], [2, 1]]))
    # the diode points from node 2 to node 1
    found = NonlinearEquilibrium(network, [0, 2], mixed(['linear', 'diode'])).solve([0.5, 0.0], [-1.0, 0.0])
    low, high = -1.0, 0.0
    for _ in range(200):
        v = 0.5 * (low + high)
        into = 0.5 * (-1.0 - v) + 1e-6 * np.expm1((0.0 - v) / 0.03)
        low, high = (v, high) if into > 0 else (low, v)
    assert abs(found[1] - v) < 1e-12


def test_lanes_do_not_know_each_other():
    network, rng = connected(3)
    values, volts = rng.uniform(0.5, 3, (26, 11)), rng.uniform(0, 5, (2, 11))
    circuit = NonlinearEquilibrium(network, [0, 5], mixed(np.arange(26) % 6))
    together = circuit.solve(values, volts)
    for k in (0, 7, 10):
        assert np.array_equal(circuit.solve(values[:, k], volts[:, k]), together[:, k])
    assert np.array_equal(circuit.solve(values[:, ::-1], volts[:, ::-1]), together[:, ::-1])


@pytest.mark.parametrize("law", [mixed(np.arange(26) % 6), mixed([0, 4, 5] * 8 + [0, 4])], ids=["all", "symmetric"])
def test_large_networks_take_other_solvers(law, monkeypatch):
    network, rng = connected(5)
    values, volts = rng.uniform(0.5, 3, (26, 2)), rng.uniform(0, 2, (2, 2))
    lanes = NonlinearEquilibrium(network, [0, 5], law).solve(values, volts)
    monkeypatch.setattr(equilibrium, "IN_LANES", 0)
    alone = NonlinearEquilibrium(network, [0, 5], law).solve(values, volts)
    np.testing.assert_allclose(alone, lanes, rtol=0, atol=1e-10)


def test_currents_and_balance():
    network, rng = connected(8)
    circuit = NonlinearEquilibrium(network, [0], mixed(np.arange(26) % 6))
    values, injected = rng.uniform(0.5, 3, 26), np.zeros(12)
    injected[[3, 7]] = 0.05, -0.02
    v = circuit.solve(values, [0.1], injected)
    parts, (a, b) = circuit.derivatives(values, v), network.edges.T
    out = np.bincount(a, parts.current, 12) - np.bincount(b, parts.current, 12)
    np.testing.assert_allclose(out[1:], injected[1:], rtol=0, atol=1e-14)


def test_hard_circuits_from_nothing():
    """Sources up to 5 V, gates that cut nodes off: every circuit is solved from 0."""
    for seed in range(40):
        network, rng = connected(seed, 16, 34)
        held = rng.choice(16, 4, replace=False)
        circuit = NonlinearEquilibrium(network, held, mixed([1] * 34, square=NMOS(threshold=0.75, leak=1e-8)))
        circuit.solve(rng.uniform(0.75, 4, (34, 8)), rng.uniform(0, 5, (4, 8)))


def test_the_face():
    network = ol.Network.grid(3, 3)
    task = ol.Task({0: 1.0, 8: 0.0}, {4: 0.3})
    law = mixed(np.arange(12) % 6)
    circuit = ol.Equilibrium(network, [0, 8], edges=law)
    expected = NonlinearEquilibrium(network, [0, 8], law).solve(None, [1.0, 0.0])
    assert np.array_equal(circuit.solve(None, [1.0, 0.0]), expected)
    assert np.array_equal(ol.voltages(network, task, edges=law), expected)
    assert np.array_equal(pickle.loads(pickle.dumps(circuit)).solve(None, [1.0, 0.0]), expected)
    linear = ol.Equilibrium(network, [0, 8]).solve(1.0, [1.0, 0.0])
    np.testing.assert_allclose(ol.voltages(network, task, edges=mixed([0] * 12)), linear, atol=1e-12)
    with pytest.raises(NotImplementedError, match="linear edges"):
        circuit.effective_resistance([(0, 1)])


@pytest.mark.parametrize(("make", "error", "words"), [
    (lambda: NMOS(gain=0.0), ValueError, "gain must be > 0"),
    (lambda: NMOS(law="cubic"), ValueError, "'square', 'mean'"),
    (lambda: NMOS(gain="much"), TypeError, "gain must be a number"),
    (lambda: NMOS(lowest=2.0, highest=1.0), ValueError, "above lowest"),
    (lambda: Diode(series=[0.0, 1.0]), ValueError, "at every edge"),
    (lambda: PerEdge([Linear()], [0, 1]), ValueError, "law 1"),
    (lambda: NonlinearEquilibrium(ol.Network.grid(3, 3), [0], "nmos"), TypeError, "ohmlearn.edges"),
    (lambda: NonlinearEquilibrium(ol.Network.grid(3, 3), [0], [Linear()] * 3), ValueError, "3 edges"),
    (lambda: NonlinearEquilibrium(ol.Network.grid(3, 3), [0], NMOS(gain=[1.0, 2.0])), ValueError, "2 entries"),
    (lambda: NonlinearEquilibrium(ol.Network.grid(3, 3), [0, 0], SQUARE), ValueError, "twice"),
    (lambda: NonlinearEquilibrium(ol.Network(np.array([[0, 1], [2, 3]])), [0], SQUARE), ValueError, "undefined"),
    (lambda: NonlinearEquilibrium(ol.Network.grid(3, 3), [0], mixed([4] * 12)).solve(-1.0), ValueError, "negative"),
    (lambda: NonlinearEquilibrium(ol.Network.grid(3, 3), [0], mixed([1] * 12)).solve([1.0, 2.0]), ValueError,
     "12 edges"),
    (lambda: ol.Equilibrium(ol.Network.grid(3, 3), [0], "amg", edges=SQUARE), ValueError, "no method"),
])
def test_bad_input(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_what_has_no_equilibrium_is_named():
    """Two batteries of an ideal law against a current that no edge lets through."""
    network = ol.Network(np.array([[0, 1]]))
    with pytest.raises(NotConverged, match="column 0"):
        NonlinearEquilibrium(network, [0], mixed([3], ideal_diode=IdealDiode(1.0, 0.0))).solve(None, [0.0], [0.0, 1.0])
