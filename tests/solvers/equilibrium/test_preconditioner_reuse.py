"""Keeping a preconditioner while conductances drift, choosing a backend, and saying what memory is needed."""
import numpy as np
import pytest
from ohmlearn import Equilibrium, Network
from ohmlearn.solvers.equilibrium import backend_table, backends, equilibrium, memory, preconditioner_reuse
from ohmlearn.solvers.equilibrium.backend_table import Traits, choose, seconds, worth
from ohmlearn.solvers.equilibrium.grounded_laplacian import Laplacian

METHODS = [m for m in backends.BACKENDS if backends.installed(m)]


@pytest.fixture
def no_extras(monkeypatch):
    """As if no optional package were installed."""
    monkeypatch.setattr(backends, "find_spec", lambda name: None)
    backends.installed.cache_clear()
    yield
    backends.installed.cache_clear()


def drifting(method, keep, steps=30, drift=0.01, n=45):
    net = Network.grid(n, n)
    rng = np.random.default_rng(1)
    g = rng.uniform(0.5, 1.5, net.n_edges)
    circuit = Equilibrium(net, [0, n * n - 1], method, keep=keep)
    answers = []
    for _ in range(steps):
        g = g * np.exp(drift * rng.normal(size=g.size))
        answers.append(circuit.solve(g, [1.0, 0.0]))
    return np.array(answers), circuit.stats


@pytest.mark.parametrize("method", METHODS)
def test_kept_and_new_give_the_same_voltages(method):
    kept, stats = drifting(method, True)
    new, always = drifting(method, False)
    np.testing.assert_allclose(kept, new, atol=1e-8)
    assert always.n_setups == 30
    assert always.n_kept == 0
    assert stats.n_setups + stats.n_kept == 30 + stats.given_up
    assert stats.n_setups < 15
    spent = lambda s: s.total_iterations + s.n_setups * worth(method, 980)  # noqa: E731
    assert spent(stats) < (0.8 if method == "superlu" else 1.1) * spent(always)


def test_a_leap_replaces_the_preconditioner_within_bounds():
    """At once where most conductances moved; after a try, cut short, where few did, by a lot."""
    net = Network.grid(40, 40)
    rng = np.random.default_rng(2)
    circuit = Equilibrium(net, [0, 1599], "approximate-cholesky")
    circuit.solve(1.0, [1.0, 0.0])
    fresh = circuit.stats.iterations[0]
    g = 10 ** rng.uniform(-3, 3, net.n_edges)
    circuit.solve(g, [1.0, 0.0])
    assert (circuit.stats.given_up, circuit.stats.n_setups) == (0, 2)
    assert circuit.stats.iterations[0] < 2 * fresh
    few = rng.permutation(net.n_edges)[:net.n_edges // 20]
    g[few] *= 1e6
    circuit.solve(g, [1.0, 0.0])
    assert (circuit.stats.given_up, circuit.stats.n_setups) == (1, 3)
    assert circuit.stats.iterations[0] < 3 * fresh + worth("approximate-cholesky", 1598) + 10


@pytest.mark.parametrize("method", backend_table.DIRECT)
@pytest.mark.parametrize("decades", [0, 8])
def test_a_kept_factor_laid_out_anew_is_the_same(method, decades):
    """To the rounding of single precision, relative to every entry: what a sampled factor keeps too."""
    if not backends.installed(method):
        pytest.skip(f"{method} is not installed")
    net = Network.delaunay(300, seed=2)
    rng = np.random.default_rng(5)
    laplacian = Laplacian(net, np.array([0, 200]))
    g = 10 ** rng.uniform(-decades / 2, decades / 2, net.n_edges)
    backend, matrix = backends.make(method), laplacian.matrix(g)
    exact = backend.prepare(matrix, laplacian.excess(g))
    lighter = backend.lighter()
    for b in rng.uniform(0, 1, (3, 298)):
        np.testing.assert_allclose(lighter(b), exact(b), rtol=2e-5)
    b = rng.normal(size=298)
    assert lighter(b) @ matrix @ lighter(b) == pytest.approx(lighter(b) @ b, rel=1e-5)


def test_drift_brings_a_factor_that_is_kept(monkeypatch, no_extras):
    """Without extras "auto" begins with the sampled factor, and takes a direct one when conductances drift."""
    monkeypatch.setattr(backend_table, "HYSTERESIS", 1.0)
    monkeypatch.setattr(backend_table, "ITERATIONS", 3)    # so few rows favour the sampled factor otherwise
    net = Network.delaunay(6000, seed=1)
    rng = np.random.default_rng(6)
    circuit, used = Equilibrium(net, [0, 5999]), []
    g = np.ones(net.n_edges)
    for _ in range(8):
        g = g * np.exp(0.01 * rng.normal(size=g.size))
        circuit.solve(g, [1.0, 0.0])
        used.append(circuit.stats.method)
    assert used[0] == "approximate-cholesky"
    assert used[-1] == "superlu"
    assert circuit.stats.n_setups == 2
    assert max(circuit.stats.iterations) < 8
    assert "drifting" in circuit.stats.reason


def test_an_analysis_is_bought_once_it_would_have_paid(monkeypatch):
    """A method that is twice as fast with the pattern known, but whose analysis costs three such solves."""
    flat = lambda *row: (row,) * len(backend_table.SIZES)  # noqa: E731
    monkeypatch.setattr(backend_table, "MEASURED", {"superlu": flat(4.0, 1.0, 0.001, 1, 1),
                                                    "approximate-cholesky": flat(1.0, 1.0, 0.1, 10, 10)})
    backend_table._row.cache_clear()
    net, rng, used = Network.grid(30, 30), np.random.default_rng(7), []
    circuit = Equilibrium(net, [0])
    for _ in range(6):
        circuit.solve(10 ** rng.uniform(-2, 2, net.n_edges), currents=np.eye(1, 900, 450)[0])
        used.append((circuit.stats.method, "analysis" in circuit.stats.reason))
    backend_table._row.cache_clear()
    assert used == [("approximate-cholesky", False)] * 4 + [("superlu", True), ("superlu", False)]
    circuit.forget()
    circuit.solve(1.0, currents=np.eye(1, 900, 450)[0])
    assert circuit.stats.method == "approximate-cholesky"


def test_warm_starts():
    net = Network.grid(40, 40)
    circuit = Equilibrium(net, [0, 1599], "approximate-cholesky")
    v = circuit.solve(1.0, [1.0, 0.0])
    cold = circuit.stats.iterations[0]
    circuit.solve(1.0, [1.0, 1e-4])
    assert 0 < circuit.stats.iterations[0] < cold - 5
    circuit.solve(1.0, [1.0, 0.0], start=v)
    assert circuit.stats.iterations == [0]
    circuit.solve(1.0, [-1.0, 0.0])         # further from the last solution than from zero
    assert circuit.stats.iterations[0] == cold


def test_forgetting_makes_the_bits_the_same_again():
    net = Network.grid(30, 30)
    rng = np.random.default_rng(3)
    g, other = rng.uniform(0.5, 1.5, (2, net.n_edges))
    circuit = Equilibrium(net, [0], "approximate-cholesky")
    one = circuit.solve(g, currents=np.eye(1, 900, 450)[0])
    circuit.solve(other, currents=np.eye(1, 900, 20)[0])
    circuit.forget()
    np.testing.assert_array_equal(circuit.solve(g, currents=np.eye(1, 900, 450)[0]), one)


def test_the_table_decides():
    few, many = Traits(1_000_000, n_rhs=1), Traits(50_000, n_rhs=500)
    assert choose(few)[0] in ("approximate-cholesky", "cholmod")
    assert choose(many)[0] in backend_table.DIRECT
    assert "fill up" in choose(Traits(50_000, thin=False, n_rhs=500))[1]
    assert choose(Traits(50_000, thin=False, n_rhs=500))[0] not in backend_table.DIRECT
    assert choose(Traits(1500, thin=False, n_rhs=500))[0] in backend_table.DIRECT
    for method, rows in backend_table.MEASURED.items():
        assert len(rows) == len(backend_table.SIZES)
        for size, row in zip(backend_table.SIZES, rows, strict=True):
            assert seconds(method, Traits(int(size))) == pytest.approx(row[0] + row[2] * row[3], rel=1e-9)
    between = [seconds("superlu", Traits(n)) for n in (10_000, 30_000, 100_000, 2_000_000)]
    assert np.all(np.diff(between) > 0)


def test_what_is_in_use_stays_unless_another_is_clearly_faster():
    traits = Traits(20_000, n_rhs=1)
    times = {m: seconds(m, traits) for m in backend_table.MEASURED if backends.installed(m)}
    best = min(times, key=times.get)
    for method, time in times.items():
        stays = time <= backend_table.HYSTERESIS * times[best]
        assert (choose(traits, method)[0] == method) == stays


def test_many_right_hand_sides_bring_a_direct_factor():
    net = Network.grid(60, 60)
    circuit = Equilibrium(net, [0])
    circuit.solve(1.0, currents=np.eye(3600)[:, :200])
    assert circuit.stats.method in backend_table.DIRECT
    assert "200 right-hand sides" in circuit.stats.reason


def test_missing_extras_are_named(no_extras):
    with pytest.raises(ValueError, match="pip install 'ohmlearn\\[cholmod\\]'"):
        Equilibrium(Network.grid(3, 3), [0], "cholmod")
    assert choose(Traits(100_000))[0] in ("superlu", "approximate-cholesky", "amg")


@pytest.mark.parametrize("decades", [12, 24])
def test_twelve_decades_are_handled_or_refused(decades):
    net = Network.grid(40, 40)
    rng = np.random.default_rng(4)
    g = 10 ** rng.uniform(-decades / 2, decades / 2, net.n_edges)
    for method in METHODS:
        circuit = Equilibrium(net, [0, 1599], method)
        try:
            v = circuit.solve(g, [1.0, 0.0])
        except equilibrium.NotConverged:
            continue
        assert circuit.stats.residual <= 1e-10
        assert -1e-6 <= v.min() <= v.max() <= 1 + 1e-6       # maximum principle


def test_a_stiff_cluster_on_a_thread():
    """1e8 against 1e-8: the cluster's voltage follows from the threads alone, to the last digits."""
    net = Network(np.array([[0, 1], [1, 2], [2, 3], [3, 1], [3, 4]]))
    circuit = Equilibrium(net, [0, 4], "approximate-cholesky")
    v = circuit.solve([1e-8, 1e8, 1e8, 1e8, 3e-8], [1.0, 0.3])
    np.testing.assert_allclose(v[1:4], (1.0 + 3 * 0.3) / 4, rtol=1e-14)


def test_memory_is_foreseen(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 1e4)
    with pytest.raises(MemoryError, match="GiB are free"):
        Equilibrium(Network.grid(30, 30), [0])


def test_limits_of_the_system_are_read():
    assert 1e7 < memory.available() < 1e14


def test_a_fresh_preconditioner_that_fails_is_an_error(monkeypatch):
    monkeypatch.setattr(preconditioner_reuse, "LIMIT", 3)
    with pytest.raises(equilibrium.NotConverged, match="after 3 iterations"):
        Equilibrium(Network.grid(40, 40), [0], "approximate-cholesky").solve(1.0, currents=np.eye(1, 1600, 800)[0])
