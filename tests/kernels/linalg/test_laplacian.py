"""The assembled Laplacian against the dense definition Δᵀ diag(G) Δ."""
import importlib.util
from pathlib import Path

import numpy as np
import pytest
from ohmlearn import Network
from ohmlearn.kernels.linalg import blocked
from ohmlearn.kernels.linalg.krylov import advance, dot, redirect
from ohmlearn.kernels.linalg.laplacian import node_currents, node_currents_compensated
from ohmlearn.kernels.simd.vectors import aligned
from ohmlearn.solvers.equilibrium.grounded_laplacian import Laplacian
from ohmlearn.solvers.equilibrium.node_order import Layout

_spec = importlib.util.spec_from_file_location("reference", Path(__file__).parents[2] / "reference.py")
reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(reference)

NONE = np.array([], dtype=np.int64)


def a_network(seed, n=23, m=70, parallel=True):
    rng = np.random.default_rng(seed)
    edges = rng.integers(0, n, (4 * m, 2))
    edges = edges[edges[:, 0] != edges[:, 1]][:m]
    path = np.c_[np.arange(n - 1), np.arange(1, n)]
    edges = np.r_[path, edges]
    if not parallel:
        edges = np.unique(np.sort(edges, axis=1), axis=0)
    return Network(rng.permutation(edges), n), rng


@pytest.mark.parametrize("parallel", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_matrix_is_the_definition(seed, parallel):
    net, rng = a_network(seed, parallel=parallel)
    g = rng.uniform(0.1, 2, net.n_edges)
    matrix = Laplacian(net, NONE).matrix(g)
    np.testing.assert_allclose(matrix.toarray(), reference.laplacian(net.n_nodes, net.edges, g), atol=1e-14)


def test_indices_ascend_and_parallel_edges_share_an_entry():
    net, rng = a_network(5)
    lap = Laplacian(net, NONE)
    matrix = lap.matrix(rng.uniform(0.1, 2, net.n_edges))
    for row in range(net.n_nodes):
        assert np.all(np.diff(matrix.indices[matrix.indptr[row]:matrix.indptr[row + 1]]) > 0)
    assert matrix.nnz == net.n_nodes + net.adjacency.nnz
    matrix.check_format(full_check=True)


@pytest.mark.parametrize("renumbered", [False, True])
def test_held_nodes_have_no_row(renumbered):
    net, rng = a_network(7)
    g, held = rng.uniform(0.1, 2, net.n_edges), np.array([3, 0, 19])
    lap = Laplacian(net, held, Layout.of(net) if renumbered else None)
    full = reference.laplacian(net.n_nodes, net.edges, g)
    np.testing.assert_allclose(lap.matrix(g).toarray(), full[np.ix_(lap.free, lap.free)], atol=1e-14)
    v_held = rng.normal(size=3)
    rows = np.ones((2, lap.n_rows))
    lap.add_held_currents(rows, g, np.column_stack([v_held, 0 * v_held]))
    np.testing.assert_allclose(rows[0], 1 - full[np.ix_(lap.free, held)] @ v_held, atol=1e-14)
    np.testing.assert_array_equal(rows[1], 1)
    v = rng.normal(size=net.n_nodes)
    np.testing.assert_array_equal(lap.scatter(lap.gather(v), v[held]), v)


def test_refill_forgets_the_conductances_before():
    net, rng = a_network(11)
    lap = Laplacian(net, NONE)
    g, other = rng.uniform(0.1, 2, (2, net.n_edges))
    first = lap.matrix(g).toarray()
    assert abs(lap.matrix(other).toarray() - first).max() > 0.1
    np.testing.assert_array_equal(lap.matrix(g).toarray(), first)


def test_rows_sum_to_zero_and_currents_match_the_matrix():
    net, rng = a_network(13)
    g, v = rng.uniform(0.1, 2, net.n_edges), rng.normal(size=net.n_nodes)
    currents = np.empty(net.n_nodes)
    node_currents(currents, net.edges, g, v)
    np.testing.assert_allclose(currents, reference.laplacian(net.n_nodes, net.edges, g) @ v, atol=1e-13)
    node_currents(currents, net.edges, g, np.full(net.n_nodes, 3.0))
    assert not currents.any()


@pytest.mark.parametrize("size", [1, 7, 8, 29])
def test_vector_passes(size):
    rng = np.random.default_rng(size)
    x, r, p, q = rng.normal(size=(4, size))
    assert dot(x, r) == pytest.approx(x @ r, abs=1e-14)
    new_x, new_r = x + 0.3 * p, r - 0.3 * q
    assert advance(x, r, 0.3, p, q) == pytest.approx(new_r @ new_r)
    np.testing.assert_allclose(np.r_[x, r], np.r_[new_x, new_r], atol=1e-15)
    z = rng.normal(size=size)
    new_p = z + 0.7 * p
    redirect(p, z, 0.7)
    np.testing.assert_allclose(p, new_p, atol=1e-15)


def test_eight_side_by_side_have_the_bits_of_one():
    net, rng = a_network(3)
    g, v = 10 ** rng.uniform(-8, 8, net.n_edges), aligned(net.n_nodes, 8)
    v[:] = rng.normal(size=v.shape)
    plain, sums, carry, one = aligned(*v.shape), aligned(*v.shape), aligned(*v.shape), np.empty((3, net.n_nodes))
    sums[:] = start = rng.normal(size=v.shape)
    blocked.node_currents(plain, net.edges, g, v)
    blocked.node_currents_compensated(sums, carry, net.edges, g, v)
    for lane in range(8):
        column = np.ascontiguousarray(v[:, lane])
        node_currents(one[0], net.edges, g, column)
        one[1] = start[:, lane]
        node_currents_compensated(one[1], one[2], net.edges, g, column)
        np.testing.assert_array_equal(plain[:, lane], one[0])
        np.testing.assert_array_equal(sums[:, lane], one[1])
