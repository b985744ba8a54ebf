"""Soft modes against closed forms and dense eigenvectors."""
import numpy as np
import pytest
from ohmlearn import Network
from ohmlearn.solvers.equilibrium import memory, modes
from ohmlearn.solvers.equilibrium.equilibrium import NotConverged
from ohmlearn.solvers.equilibrium.modes import soft_modes

METHODS = ["shift-invert", "lobpcg"]
ALL = ["dense", *METHODS]


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


@pytest.mark.parametrize("method", ALL)
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
    found = soft_modes(net, k=1)
    assert found.method == "shift-invert"
    np.testing.assert_allclose(found.eigenvalues, 4 * np.sin(np.pi / 120) ** 2, rtol=1e-10)


def test_a_tangle_goes_to_lobpcg():
    rng = np.random.default_rng(3)
    pairs = rng.integers(0, 3000, (3000, 2))
    net = Network(np.r_[np.c_[np.arange(2999), np.arange(1, 3000)], pairs[pairs[:, 0] != pairs[:, 1]]])
    found = soft_modes(net, k=2)
    assert found.method == "lobpcg"
    assert "fill up" in found.reason


def test_trees_whose_edges_reach_far_take_a_direct_factor():
    """Star–mesh transformations leave one row of a tree, however its nodes are numbered; both methods agree."""
    rng, n = np.random.default_rng(2), 3000
    parents = np.array([rng.integers(k) if k % 3 else 0 for k in range(1, n)])        # a hub, and chains from it
    net = Network(np.c_[parents, np.arange(1, n)])
    g = rng.uniform(0.5, 2.0, n - 1)
    found, other = soft_modes(net, g, 4, held=[7]), soft_modes(net, g, 4, held=[7], method="lobpcg")
    assert found.method == "shift-invert"
    assert "star–mesh transformations leave" in found.reason
    np.testing.assert_allclose(found.eigenvalues, other.eigenvalues, rtol=1e-8)



def test_bad_input(monkeypatch):
    net = Network.grid(8, 8)
    with pytest.raises(ValueError, match="k=0 modes"):
        soft_modes(net, k=0)
    with pytest.raises(ValueError, match="k=64 modes of 64 free nodes: k must be at least 1 and at most 63"):
        soft_modes(net, k=64)
    with pytest.raises(ValueError, match="at most 3, the free nodes less one"):
        soft_modes(Network([[0, 1], [1, 2], [2, 3]], 20), k=5)
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
        soft_modes(net, k=2, method="shift-invert")
    with pytest.raises(MemoryError, match="ask for fewer modes"):
        soft_modes(net, k=2)


def cube(n):
    """The hypercube of 2^n nodes."""
    k = np.arange(2**n)
    return Network(np.concatenate([np.c_[k[k & (1 << j) == 0], k[k & (1 << j) == 0] | (1 << j)] for j in range(n)]))


SYMMETRIC = {
    "square torus": (lambda: Network.grid(20, 20, periodic=True), (1, 5, 8, 20)),
    "flat torus": (lambda: Network.grid(12, 24, periodic=True), (3, 6, 10)),
    "cubic torus": (lambda: Network.grid(6, 6, 6, periodic=True), (6, 7, 18, 20)),
    "cubic lattice": (lambda: Network.grid(6, 6, 6), (1, 3, 5)),
    "hypercube": (lambda: cube(7), (7, 8, 20)),
    "equal chains": (lambda: Network(np.concatenate([Network.grid(20).edges + 20 * i for i in range(9)])), (9, 10, 20)),
    "complete": (lambda: Network(np.stack(np.triu_indices(50, 1), axis=1)), (1, 20, 49)),
}


@pytest.mark.parametrize("method", ["auto", *ALL])
@pytest.mark.parametrize("name", SYMMETRIC)
def test_all_copies_of_degenerate_eigenvalues(name, method):
    make, counts = SYMMETRIC[name]
    net = make()
    parts = int(net.components.max()) + 1
    values = np.linalg.eigvalsh(dense(net, np.ones(net.n_edges)))[parts:]
    for k in counts:
        if method == "lobpcg" and 5 * (k + 2) > net.n_nodes:
            continue
        found = soft_modes(net, k=k, method=method)
        np.testing.assert_allclose(found.eigenvalues, values[:k], rtol=1e-8)
        np.testing.assert_allclose(found.modes.T @ found.modes, np.eye(k), atol=1e-9)


@pytest.mark.parametrize("decades", [0, 8, 12])
def test_every_mode_of_a_small_network(decades):
    """k up to all; squares of the singular values of √G Δ are right to their last digits at any contrast."""
    net = Network.packing(64, seed=1)
    g = 10 ** np.random.default_rng(1).uniform(-decades / 2, decades / 2, net.n_edges)
    found = soft_modes(net, g, 63)
    values = np.sort(np.linalg.svd(np.sqrt(g)[:, None] * net.incidence.toarray(), compute_uv=False) ** 2)[1:]
    np.testing.assert_allclose(found.eigenvalues, values, rtol=1e-8 if decades < 10 else 1e-7)


def test_modes_of_weakly_tied_parts():
    """Two grids joined by an edge much weaker than their own."""
    part = Network.grid(21, 21)
    net = Network(np.r_[part.edges, part.edges + 441, [[0, 441]]])          # the joint is a corner of both
    for method, weak in (("dense", 1e-13), ("shift-invert", 1e-6)):
        found = soft_modes(net, np.r_[np.ones(2 * part.n_edges), weak], 3, method=method)
        assert found.eigenvalues[0] == pytest.approx(weak * 2 / 441, rel=1e-5)
        np.testing.assert_allclose(found.eigenvalues[1:], 4 * np.sin(np.pi / 42) ** 2, rtol=1e-8)


@pytest.mark.parametrize(("make", "held", "k"), [
    (lambda: cube(5), (), 20), (lambda: Network.grid(4, 4, 4, periodic=True), (0,), 7),
    (lambda: Network.grid(26, 26, periodic=True), (), 120)])
def test_blocks_that_fill_the_network_give_way_to_all_eigenvectors(make, held, k):
    """With few nodes a block soon spans all that the operator makes of it."""
    net = make()
    free = np.setdiff1d(np.arange(net.n_nodes), held)
    values = np.linalg.eigvalsh(dense(net, np.ones(net.n_edges))[np.ix_(free, free)])[0 if held else 1:][:k]
    found = soft_modes(net, None, k, held, "shift-invert")
    assert found.method == "dense"
    assert "too few for blocks" in found.reason
    np.testing.assert_allclose(found.eigenvalues, values, rtol=1e-8)
