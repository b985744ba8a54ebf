"""Exact elimination of nodes with few neighbours, against Schur complements and exact rational arithmetic."""
from fractions import Fraction

import numpy as np
import pytest
from ohmlearn import Equilibrium, Network
from ohmlearn.kernels.linalg import star_mesh as kernels
from ohmlearn.solvers.equilibrium.grounded_laplacian import Laplacian
from ohmlearn.solvers.equilibrium.node_order import Layout
from ohmlearn.solvers.equilibrium.star_mesh import StarMesh


def a_core(net, held=(0,), thin=True, renumbered=False):
    laplacian = Laplacian(net, np.array(held), Layout.of(net) if renumbered else None)
    return laplacian, StarMesh(laplacian, thin)


def schur(matrix, kept):
    gone = np.setdiff1d(np.arange(len(matrix)), kept)
    border = matrix[np.ix_(kept, gone)]
    return matrix[np.ix_(kept, kept)] - border @ np.linalg.solve(matrix[np.ix_(gone, gone)], border.T)


def doubled(net, rng):
    """The network with every third edge there twice, in any order."""
    edges = np.r_[net.edges, net.edges[::3, ::-1]]
    return Network(rng.permutation(edges), net.n_nodes)


@pytest.mark.parametrize("thin", [True, False])
@pytest.mark.parametrize("net", [Network.delaunay(300, seed=1), Network.grid(12, 15), Network.packing(64, seed=1)],
                         ids=str)
def test_the_core_is_the_schur_complement(net, thin):
    rng = np.random.default_rng(1)
    net = doubled(net, rng)
    laplacian, mesh = a_core(net, [3, 20, 50], thin, renumbered=True)
    for _ in range(2):          # nothing of earlier conductances stays behind
        g = 10 ** rng.uniform(-2, 2, net.n_edges)
        core, ground = mesh.reduce(g)
        expected = schur(laplacian.matrix(g).toarray(), mesh.kept)
        np.testing.assert_allclose(core.toarray(), expected, atol=1e-12 * abs(expected).max())
        np.testing.assert_allclose(ground, core.sum(axis=1), atol=1e-11 * abs(expected).max())
    core.check_format(full_check=True)
    assert mesh.n_rows < (0.75 if thin else 0.95) * laplacian.n_rows


def test_an_exact_inverse_of_the_core_gives_that_of_all():
    rng = np.random.default_rng(2)
    net = Network.delaunay(200, seed=2)
    laplacian, mesh = a_core(net, [7])
    g = rng.uniform(0.5, 1.5, net.n_edges)
    inverse = np.linalg.inv(mesh.reduce(g)[0].toarray())
    solve = mesh.around(lambda b: inverse @ b)
    found = np.column_stack([solve(e) for e in np.eye(199)])
    np.testing.assert_allclose(found, np.linalg.inv(laplacian.matrix(g).toarray()), rtol=1e-11)


def test_no_digit_is_lost_over_thirty_decades():
    """Every entry of the core and every share to a few rounding errors of itself, from exact fractions."""
    rng = np.random.default_rng(3)
    net = Network.grid(7, 7)
    laplacian, mesh = a_core(net, [24])
    g = 10 ** rng.uniform(-15, 15, net.n_edges)
    core, _ = mesh.reduce(g)
    n = laplacian.n_rows
    weights = [[Fraction(0)] * (n + 1) for _ in range(n + 1)]       # ground is the last
    for (a, b), conductance in zip(laplacian.ends, g, strict=True):
        a, b = a % (n + 1), b % (n + 1)
        weights[a][b] += Fraction(conductance)
        weights[b][a] += Fraction(conductance)
    kept = [*mesh.kept.tolist(), n]
    for k in set(range(n)) - set(kept):
        total = sum(weights[k])
        row, weights[k] = weights[k], [Fraction(0)] * (n + 1)
        for a in range(n + 1):
            weights[a][k] = Fraction(0)
            for b in range(n + 1):
                if a != b:
                    weights[a][b] += row[a] * row[b] / total
    exact = np.array([[float(weights[a][b]) for b in kept[:-1]] for a in kept[:-1]])
    found = -core.toarray()
    np.fill_diagonal(found, 0.0)
    np.testing.assert_allclose(found, exact, rtol=1e-14)
    assert mesh.n_rows > 1


@pytest.mark.parametrize("held", [[0], [0, 29], [15]])
def test_trees_and_chains_leave_one_row(held):
    rng = np.random.default_rng(4)
    chain = Network(np.c_[np.arange(29), np.arange(1, 30)])
    tree = Network(np.c_[[rng.integers(0, k) for k in range(1, 30)], np.arange(1, 30)])
    assert a_core(chain, held)[1].n_rows == a_core(tree, held)[1].n_rows == 1
    if held == [0]:
        far = np.arange(30)         # an ampere into every node: 30 - k of them flow through the k-th edge
        v = Equilibrium(chain, held).solve(1.0, currents=np.ones(30))
        np.testing.assert_allclose(v, far * 30 - far * (far + 1) / 2, rtol=1e-12)


def test_hubs_are_left_alone():
    """Nodes between three hubs stay: to go through the hubs' thousands of arcs for each would take n² steps."""
    n = 3000
    leaves = np.arange(3, n)
    net = Network(np.concatenate([np.c_[np.full(n - 3, hub), leaves] for hub in range(3)]))
    _, mesh = a_core(net, [3])
    assert mesh.n_rows == n - 1 > kernels.WIDE
    two = Network(np.concatenate([np.c_[np.full(n - 3, hub), leaves] for hub in (0, 1)] + [[[0, 2]]]))
    assert a_core(two, [0])[1].n_rows == 1         # here only the larger hub has many neighbours left
    v = Equilibrium(net, [0, 1]).solve(1.0, [1.0, 0.0])
    np.testing.assert_allclose(v[2:], 0.5, rtol=1e-9)


def test_edges_never_grow_where_only_three_neighbours_are_allowed():
    rng = np.random.default_rng(5)
    edges = np.unique(np.sort(rng.integers(0, 2000, (4000, 2)), axis=1), axis=0)
    edges = edges[edges[:, 0] != edges[:, 1]]
    net = Network(np.r_[edges, np.c_[np.arange(1999), np.arange(1, 2000)]])
    laplacian, mesh = a_core(net, [0], thin=False)
    core, _ = mesh.reduce(np.ones(net.n_edges))
    assert core.nnz < laplacian.matrix(np.ones(net.n_edges)).nnz
    assert mesh.n_rows < laplacian.n_rows


def test_cut_edges_leave_the_rest_as_it_is():
    net = Network.delaunay(400, seed=4)
    rng = np.random.default_rng(6)
    g = rng.uniform(0.5, 1.5, net.n_edges)
    circuit = Equilibrium(net, [0, 399])
    whole = circuit.solve(g, [1.0, 0.0])
    loop = np.flatnonzero(np.isin(net.edges, [200]).any(axis=1))
    cut = g.copy()
    cut[loop[1:]] = 0.0         # node 200 hangs on one edge, without current
    v = circuit.solve(cut, [1.0, 0.0])
    other = net.edges[loop[0]].sum() - 200
    assert v[200] == pytest.approx(v[other], rel=1e-12)
    np.testing.assert_allclose(circuit.solve(g, [1.0, 0.0]), whole, atol=1e-12)
