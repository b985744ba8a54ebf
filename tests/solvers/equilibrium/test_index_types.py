"""Networks whose entries 32 bits do not count take indices of 64 bits: the same bits, tried with a lowered limit."""
import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.kernels.linalg import index_type
from ohmlearn.solvers.equilibrium import node_order, pair_resistance
from ohmlearn.solvers.equilibrium.backend_table import NARROW, Traits, choose
from ohmlearn.solvers.equilibrium.backends import BACKENDS
from ohmlearn.solvers.equilibrium.equilibrium import Equilibrium
from ohmlearn.solvers.equilibrium.memory import bytes_needed
from ohmlearn.solvers.large.rk4 import Stepper
from scipy.sparse import csr_array

MAKE = {
    "square grid": lambda: ol.generators.grid(37, 41),
    "Delaunay": lambda: ol.generators.delaunay(2500, seed=3),
    "cubic grid": lambda: ol.generators.grid(11, 12, 13),
    "parallel edges": lambda: ol.Network(np.repeat(ol.generators.grid(9, 8).edges, 2, axis=0)),
}


@pytest.fixture
def few_bits(monkeypatch):
    """A function after which no number of entries is small enough for 32 bits."""
    return lambda: monkeypatch.setattr(index_type, "LARGEST", 0)


def widths(circuit):
    """The types of the indices that an Equilibrium has made."""
    rows = circuit._rows
    factor, matrix, mesh = rows._solver._apply.factor, rows._solver.matrix, rows.mesh
    return {x.dtype.type for x in (*mesh.plan, mesh.kept, matrix.indices, matrix.indptr, factor.order, factor.starts,
                                   factor.rows, factor.ends, circuit.laplacian.ends)}


def test_the_narrowest_type_that_counts():
    assert index_type.index_type(2**31 - 1) is np.int32
    assert index_type.index_type(2**31) is np.int64
    assert index_type.index_type(0) is np.int32


@pytest.mark.slow
@pytest.mark.parametrize("name", MAKE)
@pytest.mark.parametrize("parts", [False, True])
def test_voltages_have_the_same_bits(name, parts, few_bits, monkeypatch):
    if parts:
        monkeypatch.setattr(node_order, "PART", 100)
        monkeypatch.setattr(node_order, "WIDEST", 0.6)
    found = []
    for wide in (False, True):
        if wide:
            few_bits()
        net = MAKE[name]()
        g = 10 ** np.random.default_rng(5).uniform(-3, 1, net.n_edges)
        circuit = Equilibrium(net, [0, net.n_nodes - 1, 7], method="approximate-cholesky")
        one = circuit.solve(g, [0.0, 1.0, 0.3])
        assert widths(circuit) == {np.int64 if wide else np.int32}
        found.append((one, circuit.solve(g, np.random.default_rng(6).normal(size=(3, 11))), circuit.stats.iterations))
    for narrow, wide in zip(*found, strict=True):
        np.testing.assert_array_equal(narrow, wide)


@pytest.mark.slow
@pytest.mark.parametrize("name", MAKE)
def test_steps_and_resistances_have_the_same_bits(name, few_bits, monkeypatch):
    found = []
    for kind in (np.int32, np.int64):
        monkeypatch.setattr(pair_resistance, "index_type", lambda count, kind=kind: kind)
        net = MAKE[name]()
        task = ol.Task([0, 1], [0.0, 1.0], [5, 17], [0.2, 0.4])
        rng = np.random.default_rng(1)
        g = 10 ** rng.uniform(-1, 0, net.n_edges)
        pairs = rng.integers(net.n_nodes, size=(50, 2))
        resistances = Equilibrium(net, [0], method="superlu").effective_resistance(pairs, g)
        if kind is np.int64:
            few_bits()
            net = MAKE[name]()
        stepper = Stepper(net, task, ol.Rule(), 1.0)
        assert stepper.layout.edges.dtype == stepper.layout.rank.dtype == kind
        stepper.put(rng.random(net.n_nodes), rng.random(net.n_nodes), g)
        found.append((stepper.steps(5, 0.02), stepper.conductances, resistances))
    for narrow, wide in zip(*found, strict=True):
        np.testing.assert_array_equal(narrow, wide)


@pytest.mark.parametrize("method", [name for name in NARROW if name in ("superlu", "amg")])
def test_libraries_of_32_bits_are_refused_with_a_remedy(method, few_bits):
    few_bits()      # the matrix alone: all that comes before it would be compiled for 64 bits
    with pytest.raises(ValueError, match=r"32 bits, which are too few for .*; take method 'approximate-cholesky'"):
        BACKENDS[method]().prepare(csr_array(np.diag([2.0, 3.0])), np.ones(2))


def test_auto_leaves_libraries_of_32_bits_aside():
    rows = 600_000_000
    for thin in (True, False):
        assert choose(Traits(rows, thin, entries=7.0))[0] == "approximate-cholesky"
        assert choose(Traits(rows, thin, contrast=8.0, n_rhs=50, entries=7.0))[0] == "approximate-cholesky"
    assert Traits(300_000_000, entries=7.0).wide is False
    assert Traits(310_000_000, entries=7.0).wide is True


def test_indices_of_64_bits_are_foreseen_in_memory():
    narrow, wide = (bytes_needed(n, 2 * n, "approximate-cholesky") / n for n in (10**8, 10**9))
    assert 1.3 * narrow < wide < 2 * narrow         # a half to two thirds of it are indices
