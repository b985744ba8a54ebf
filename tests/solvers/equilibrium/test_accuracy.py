"""Voltages against elimination in extended precision: weak parts beside strong ones, every class of graphs, and what
is refused."""
import importlib.util
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from ohmlearn import Equilibrium, Network
from ohmlearn.solvers.equilibrium import backends, preconditioner_reuse
from ohmlearn.solvers.equilibrium.equilibrium import NotConverged

_spec = importlib.util.spec_from_file_location("reference", Path(__file__).parents[2] / "reference.py")
reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(reference)

METHODS = [m for m in ("auto", *backends.BACKENDS) if m == "auto" or backends.installed(m)]
TWO_DIVIDERS = Network(np.array([[0, 2], [2, 1], [0, 3], [3, 1]]))


def of_networkx(graph):
    return Network(np.array(graph.edges), graph.number_of_nodes())


CLASSES = {
    "delaunay": lambda: Network.delaunay(120, seed=1),
    "packing": lambda: Network.packing(64, seed=1),
    "grid": lambda: Network.grid(10, 10),
    "torus": lambda: Network.grid(10, 10, periodic=True),
    "cubic lattice": lambda: Network.grid(5, 5, 5),
    "random": lambda: Network.random(120, seed=1),
    "expander": lambda: of_networkx(nx.random_regular_graph(4, 120, seed=1)),
    "power law": lambda: of_networkx(nx.barabasi_albert_graph(120, 3, seed=1)),
    "tree": lambda: of_networkx(nx.barabasi_albert_graph(120, 1, seed=1)),
    "chain": lambda: Network.grid(200),
    "dense": lambda: of_networkx(nx.complete_graph(60)),
    "crossbar": lambda: of_networkx(nx.complete_bipartite_graph(30, 30)),
    "hub": lambda: Network(np.r_[Network.grid(10, 10).edges, np.c_[np.full(100, 100), np.arange(100)]]),
}


def drives(net, g):
    """A network, its conductances and two held nodes: as it is, beside a strong shunt, behind weak contacts."""
    n = net.n_nodes
    yield net, g, [0, n - 1]
    yield Network(np.r_[net.edges, [[0, n], [n, n - 1]]], n + 1), np.r_[g, np.full(2, 1e6 * g.max())], [0, n - 1]
    yield Network(np.r_[net.edges, [[0, n], [n - 1, n + 1]]], n + 2), np.r_[g, np.full(2, 1e-6 * g.min())], [n, n + 1]


@pytest.mark.parametrize("decades", [0, 4, 8, 12])
@pytest.mark.parametrize("name", CLASSES)
def test_forward_errors(name, decades):
    """Every backend is right to its tolerance, or refuses; "auto" and the sampled factor are always right."""
    net, rng, refused = CLASSES[name](), np.random.default_rng(decades), []
    for network, g, held in drives(net, 10 ** rng.uniform(-decades / 2, decades / 2, net.n_edges)):
        exact = reference.exact_equilibrium(network.n_nodes, network.edges, g, held, [1.0, 0.0])
        for method in METHODS:
            circuit = Equilibrium(network, held, method)
            try:
                v = circuit.solve(g, [1.0, 0.0])
            except NotConverged as error:
                refused.append((method, "take method='approximate-cholesky'" in str(error)))
                continue
            assert abs(v - exact).max() <= 2e-10
            assert abs(v - exact).max() <= 3 * circuit.stats.error + 1e-14
            assert circuit.stats.residual <= 1e-9
    assert all(method not in ("auto", "approximate-cholesky") and remedy for method, remedy in refused)


@pytest.mark.parametrize("method", METHODS)
def test_a_weak_region_beside_a_strong_shunt(method):
    circuit = Equilibrium(TWO_DIVIDERS, [0, 1], method)
    np.testing.assert_allclose(circuit.solve([1e6, 1e6, 1e-6, 1e-6], [1.0, 0.0]), [1, 0, 0.5, 0.5], atol=1e-10)
    assert circuit.stats.error <= 1e-10


@pytest.mark.parametrize("method", METHODS)
def test_new_conductances_after_a_warm_start(method):
    circuit = Equilibrium(TWO_DIVIDERS, [0, 1], method)
    circuit.solve([1e4, 1e4, 1e-6, 1e-6], [1.0, 0.0])
    v = circuit.solve([1e4, 1e4, 1e-6, 3e-7], [1.0, 0.0])
    assert v[3] == pytest.approx(1 / 1.3, abs=1e-9)


def test_a_kept_factor_does_not_hide_what_became_weak():
    """Of a kept factor's estimate all but a millionth would be missing where a conductance fell by 1e6."""
    net = Network.grid(30, 30)
    rng = np.random.default_rng(1)
    g = rng.uniform(0.5, 1.5, net.n_edges)
    circuit = Equilibrium(net, [0, 899], "approximate-cholesky")
    circuit.solve(g, [1.0, 0.0])
    g[rng.permutation(net.n_edges)[:60]] *= 1e-6
    v = circuit.solve(g, [1.0, 0.0])
    exact = reference.exact_equilibrium(900, net.edges, g, [0, 899], [1.0, 0.0])
    assert abs(v - exact).max() < 2e-10
    assert circuit.stats.n_setups == 2


def test_a_delaunay_network_beside_a_shunt():
    part = Network.delaunay(2000, seed=3)
    n = part.n_nodes
    net = Network(np.r_[part.edges, [[0, n], [n, n - 1]]], n + 1)
    weak = 1e-6 * 10 ** np.random.default_rng(0).uniform(-0.5, 0.5, part.n_edges)
    alone = Equilibrium(part, [0, n - 1]).solve(weak, [1.0, 0.0])
    shunted = Equilibrium(net, [0, n - 1]).solve(np.r_[weak, 1e4, 1e4], [1.0, 0.0])
    np.testing.assert_allclose(shunted[:n], alone, atol=3e-10)


@pytest.mark.parametrize("method", ["auto", "superlu", "approximate-cholesky", "amg"])
def test_a_hub_that_is_not_held(method):
    """Two hubs joined by n paths of two edges, one path's middle held at 1 V, another's at 0 V: the hubs are at ½ V."""
    n = 20_000
    k = np.arange(2, n)
    net = Network(np.r_[np.c_[np.zeros(n - 2, int), k], np.c_[np.ones(n - 2, int), k]], n)
    v = Equilibrium(net, [2, n - 1], method).solve(1.0, [1.0, 0.0])
    np.testing.assert_allclose(v[np.r_[0, 1, 3:n - 1]], 0.5, atol=1e-9)


def test_two_rails_over_a_grid():
    """Rails of many edges: with the bottom rail held at 0 and the top one fed through 1, the grid is in series."""
    net = Network.grid(60, 60)
    nodes = np.arange(3600)
    top, bottom, feed = 3600, 3601, 3602
    rails = np.c_[np.repeat([top, bottom], 60), np.r_[nodes[:60], nodes[-60:]]]
    edges = np.r_[net.edges, rails, [[feed, top]]]
    v = Equilibrium(Network(edges), [feed, bottom]).solve(1.0, [1.0, 0.0])
    row = 61 / 60                   # 59 edges along a column, one to each rail, 60 columns
    assert v[top] == pytest.approx(row / (1 + row), abs=1e-10)


@pytest.mark.parametrize("weak", [1e-4, 1e-9])
def test_weak_contacts(weak):
    part = Network.delaunay(3000, seed=1)
    n = part.n_nodes
    net = Network(np.r_[part.edges, [[0, n], [n - 1, n + 1]]], n + 2)
    v = Equilibrium(net, [n, n + 1]).solve(np.r_[np.ones(part.n_edges), weak, weak], [1.0, 0.0])
    np.testing.assert_allclose(v[:n], 0.5, atol=20 * weak + 1e-10)


@pytest.mark.parametrize("method", ["auto", "superlu", "amg"])
def test_a_long_chain_over_twelve_decades(method):
    n = 20_000
    g = 10 ** np.random.default_rng(2).uniform(-6, 6, n - 1)
    v = Equilibrium(Network.grid(n), [0, n - 1], method).solve(g, [1.0, 0.0])
    resistance = np.cumsum(1 / g)
    np.testing.assert_allclose(v[1:], 1 - resistance / resistance[-1], atol=1e-10)


def test_voltages_far_from_zero_keep_their_differences():
    net = Network.grid(12, 12)
    v = Equilibrium(net, [0, 143]).solve(1.0, [1e6 + 1e-3, 1e6])
    one = Equilibrium(net, [0, 143]).solve(1.0, [1.0, 0.0])
    np.testing.assert_allclose((v - 1e6) / 1e-3, one, atol=3e-7)       # 1e-10 V of rounding at 1e6 V


def test_currents_within_a_part_that_is_weakly_tied():
    """1 A through a grid that hangs on 1e-9 S: its drop is that of the grid, and it stays at 0 on average of both."""
    net = Network(np.r_[Network.grid(8, 8).edges, [[0, 64], [63, 64]]], 65)
    g = np.r_[np.ones(net.n_edges - 2), 1e-9, 1e-9]
    i = np.zeros(65)
    i[0], i[63] = 1.0, -1.0
    v = Equilibrium(net, [64]).solve(g, currents=i)
    assert v[0] == pytest.approx(-v[63], rel=1e-9)
    free = np.linalg.pinv(reference.laplacian(64, net.edges[:-2], np.ones(net.n_edges - 2)))
    assert v[0] - v[63] == pytest.approx(free[0, 0] + free[63, 63] - 2 * free[0, 63], rel=1e-8)


def test_a_backend_that_stops_short_is_replaced(monkeypatch):
    """The sampled factor may take no iterations here: "auto" goes on with another one, and says so."""
    monkeypatch.setattr(backends.ApproximateCholesky, "prepare", lambda self, matrix, excess, parts: np.copy)
    monkeypatch.setattr(preconditioner_reuse, "LIMIT", 60)
    net = Network.delaunay(3000, seed=1)
    circuit = Equilibrium(net, [0, 2999])
    v = circuit.solve(1.0, [1.0, 0.0])
    assert circuit.stats.method == "amg"
    assert "approximate-cholesky did not reach the tolerance" in circuit.stats.reason
    np.testing.assert_allclose(v, Equilibrium(net, [0, 2999], "superlu").solve(1.0, [1.0, 0.0]), atol=1e-9)


def test_refusals_name_nodes_and_a_remedy(monkeypatch):
    monkeypatch.setattr(preconditioner_reuse, "LIMIT", 2)
    with pytest.raises(NotConverged, match=r"off by .* V, above rtol=1e-10 of 1 V, at \d+ nodes, most at \d+, "):
        Equilibrium(Network.grid(40, 40), [0, 1599], "amg").solve(1.0, [1.0, 0.0])


def test_amg_has_a_generator_of_its_own():
    net = Network.delaunay(3000, seed=3)
    g = 10 ** np.random.default_rng(1).uniform(-2, 2, net.n_edges)
    answers = []
    for seed in (1, 2):
        np.random.seed(seed)        # noqa: NPY002
        before = np.random.get_state()[1].copy()        # noqa: NPY002
        answers.append(Equilibrium(net, [0, 2999], "amg").solve(g, [1.0, 0.0]))
        np.testing.assert_array_equal(np.random.get_state()[1], before)         # noqa: NPY002
    np.testing.assert_array_equal(*answers)


def test_bits_that_depend_on_threads_are_taken_only_as_asked():
    from ohmlearn.solvers.equilibrium.backend_table import Traits, choose

    for rows in (10**3, 10**5, 10**6, 10**7):
        for thin in (True, False):
            assert choose(Traits(rows, thin))[0] != "apxchol"


@pytest.mark.parametrize("method", METHODS)
def test_a_solve_that_takes_no_iterations_is_followed_by_others(method):
    """Conductances scaled, so that the old voltages are right, and then changed a little."""
    net = Network.delaunay(1000, seed=1)
    circuit = Equilibrium(net, [0, 999], method)
    circuit.solve(1.0, [1.0, 0.0])
    circuit.solve(2.0, [1.0, 0.0])
    g = 2.0 * (1 + 0.01 * np.random.default_rng(0).standard_normal(net.n_edges))
    v = circuit.solve(g, [1.0, 0.0])
    np.testing.assert_allclose(v, Equilibrium(net, [0, 999]).solve(g, [1.0, 0.0]), atol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_threads_share_an_equilibrium(method):
    net = Network.delaunay(800, seed=1)
    circuit, rng = Equilibrium(net, [0, 799], method), np.random.default_rng(1)
    sets = rng.uniform(0.5, 2, (24, net.n_edges))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda g: circuit.solve(g, [1.0, 0.0]), sets))
    alone = Equilibrium(net, [0, 799], method)
    for g, v in zip(sets, found, strict=True):
        np.testing.assert_allclose(v, alone.solve(g, [1.0, 0.0]), atol=1e-9)


@pytest.mark.parametrize("scale", [1e-200, 1e-160, 1e160, 1e250])
def test_any_unit_of_conductances(scale):
    net = Network.packing(64, seed=1)
    rng = np.random.default_rng(2)
    g, i = rng.uniform(0.5, 2, net.n_edges), rng.normal(size=64)
    for method in METHODS:
        v = Equilibrium(net, [0, 63], method).solve(scale * g, [1.0, 0.0], scale * i)
        np.testing.assert_allclose(v, Equilibrium(net, [0, 63]).solve(g, [1.0, 0.0], i), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("size", [1e-250, 1e-170, 1e170, 1e250])
@pytest.mark.parametrize("method", METHODS)
def test_currents_of_any_size(method, size):
    """One column of such currents beside ordinary ones; their squares vanish or overflow."""
    net = Network.delaunay(200, seed=1)
    i = np.random.default_rng(1).uniform(0, 1, (200, 5))
    usual = Equilibrium(net, [0], method).solve(1.0, currents=i)
    i[:, 2] *= size
    for columns in (i, i[:, 2:3]):
        v = Equilibrium(net, [0], method).solve(1.0, currents=columns)
        np.testing.assert_allclose(v[:, columns.shape[1] // 2] / size, usual[:, 2], rtol=1e-8, atol=1e-8)


def test_pickles_solve_as_the_original_does():
    net = Network.packing(64, seed=1)
    circuit = Equilibrium(net, [0, 63], "superlu", rtol=1e-8, keep=False)
    circuit.solve(1.0, [1.0, 0.0])
    other = pickle.loads(pickle.dumps(circuit))
    assert (other.rtol, other.stats.method, other.stats.n_solves) == (1e-8, "superlu", 0)
    np.testing.assert_array_equal(other.solve(2.0, [1.0, 0.0]),
                                  Equilibrium(net, [0, 63], "superlu", rtol=1e-8).solve(2.0, [1.0, 0.0]))


def test_what_is_no_conductance_or_voltage_is_refused():
    net = Network.packing(64, seed=1)
    m, circuit = net.n_edges, Equilibrium(net, [0, 63])
    with pytest.raises(TypeError, match="conductances must be real, not complex"):
        circuit.solve(np.full(m, 1 + 5j), [1, 0])
    with pytest.raises(ValueError, match="conductances are masked at 1 place"):
        circuit.solve(np.ma.array(np.ones(m), mask=np.arange(m) == 0), [1, 0])
    with pytest.raises(TypeError, match="held_voltages must be real"):
        circuit.solve(1.0, [1j, 0])
    with pytest.raises(ValueError, match="held node must be a list of node numbers"):
        Equilibrium(net, [[0, 63]])
    with pytest.raises(ValueError, match="held_voltages has 3 columns and currents has 2"):
        circuit.solve(1.0, np.ones((2, 3)), np.ones((64, 2)))
    with pytest.raises(ValueError, match="currents has 0"):
        circuit.solve(1.0, None, np.zeros((64, 0)))
    with pytest.raises(ValueError, match="rtol must lie between 0 and 1, not 'x'"):
        Equilibrium(net, [0, 63], rtol="x")
    with pytest.raises(TypeError, match="network must be a Network, not ndarray"):
        Equilibrium(net.edges, [0])
