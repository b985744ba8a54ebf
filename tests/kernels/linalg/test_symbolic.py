"""Order of elimination and pattern of the factor, against sets and against a dense factor."""
import numpy as np
import ohmlearn as ol
import pytest
import reference
from ohmlearn.kernels.linalg.graph import eliminate, minimum_degree

NETWORKS = {
    "Delaunay": ol.Network.delaunay(60, seed=1),
    "dense": ol.Network.from_edges([(a, b) for a in range(9) for b in range(a)]),
    "in pieces, with parallel edges": ol.Network.from_edges([(0, 1), (1, 0), (1, 2), (2, 0), (3, 4), (5, 3)], 7),
    "random": ol.Network.random(80, 6.0, seed=2),
    "star": ol.Network.from_edges([(0, k) for k in range(1, 30)]),
}


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_order_is_that_of_least_remaining_degree(network):
    order, begin, rows = minimum_degree(network.edges, network.n_nodes)
    expected, left = reference.elimination(network.edges, network.n_nodes)
    assert order.tolist() == expected
    assert [set(rows[begin[k]:begin[k + 1]].tolist()) for k in range(network.n_nodes)] == left
    assert begin[-1] == rows.size == sum(map(len, left))


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_pattern_names_the_entries_of_a_dense_factor(network):
    n = network.n_nodes
    order, begin, rows = minimum_degree(network.edges, n)
    position = np.argsort(order)
    ends = position[network.edges]
    pattern = eliminate(ends, begin, position[rows])
    place = np.full((n, n), -1)
    place[np.arange(n), np.arange(n)] = np.arange(n)
    column = np.repeat(np.arange(n), np.diff(pattern.column))
    place[pattern.row, column] = n + np.arange(pattern.row.size)
    assert pattern.slot.tolist() == place[ends.max(axis=1), ends.min(axis=1)].tolist()
    products = [place[i, j] for k in range(n) for r, j in enumerate(pattern.row[column == k])
                for i in pattern.row[column == k][r:]]
    assert pattern.result.tolist() == products
    assert min(products, default=0) >= 0
    dense = reference.laplacian(n, ends, np.random.default_rng(0).uniform(0.5, 1.5, len(ends))) + 0.1 * np.eye(n)
    factor = np.linalg.cholesky(dense)
    assert np.array_equal(np.abs(factor) > 1e-14, place >= 0)
