"""The sampled Cholesky factor: exact where nothing is left to chance, close to the Laplacian elsewhere."""
import numpy as np
import pytest
from ohmlearn import Network
from ohmlearn.solvers.equilibrium.backends import ApproximateCholesky
from ohmlearn.solvers.equilibrium.conjugate_gradient import conjugate_gradient
from ohmlearn.solvers.equilibrium.grounded_laplacian import Laplacian
from scipy.linalg import eigh

BACKEND = ApproximateCholesky()


def grounded(net, g, held=(0,)):
    lap = Laplacian(net, np.array(held))
    return lap.matrix(g), lap.excess(g)


def as_matrix(apply, n):
    return np.column_stack([apply(e) for e in np.eye(n)])


def a_tree(n, rng):
    return Network(np.c_[[rng.integers(0, k) for k in range(1, n)], np.arange(1, n)], n)


def test_exact_on_trees():
    """Eliminating a leaf leaves nothing to draw."""
    rng = np.random.default_rng(1)
    net = a_tree(60, rng)
    matrix, excess = grounded(net, 10 ** rng.uniform(-3, 3, net.n_edges))
    inverse = as_matrix(BACKEND.prepare(matrix, excess), 59)
    np.testing.assert_allclose(inverse, np.linalg.inv(matrix.toarray()), rtol=2e-6)    # shares are single precision


def test_exact_on_parallel_edges_and_cycles_of_three():
    """Two neighbours are joined by one edge, of the weight that elimination gives."""
    net = Network(np.array([[0, 1], [1, 2], [2, 0], [1, 2], [2, 3], [3, 0]]))
    matrix, excess = grounded(net, np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))
    inverse = as_matrix(BACKEND.prepare(matrix, excess), 3)
    np.testing.assert_allclose(inverse, np.linalg.inv(matrix.toarray()), rtol=1e-6)


@pytest.mark.parametrize("decades", [0, 4, 10])
def test_symmetric_positive_and_close(decades):
    """Eigenvalues of factor⁻¹ L lie within a modest range, however far the conductances spread."""
    rng = np.random.default_rng(decades)
    net = Network.grid(15, 15)
    matrix, excess = grounded(net, 10 ** rng.uniform(-decades / 2, decades / 2, net.n_edges), held=(0, 120))
    inverse = as_matrix(BACKEND.prepare(matrix, excess), matrix.shape[0])
    scale = 1 / np.sqrt(np.diag(inverse))
    np.testing.assert_allclose(scale * inverse * scale[:, None], (scale * inverse * scale[:, None]).T, atol=1e-8)
    values = eigh(scale * inverse * scale[:, None], np.linalg.inv(matrix.toarray() / scale / scale[:, None]),
                  eigvals_only=True)
    assert values.min() > 0.02
    assert values.max() < 20


def test_right_on_average():
    """What sampling leaves behind is the Schur complement in the mean: a star of 5 edges, its hub eliminated first."""
    n_draws, total = 4000, np.zeros((5, 5))
    from ohmlearn.kernels.linalg import sampled_cholesky as kernels

    weights = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    expected = np.diag(weights) - np.outer(weights, weights) / weights.sum()
    for seed in range(n_draws):
        total += star_remainder(kernels, weights, seed)
    np.testing.assert_allclose(total / n_draws, expected, atol=0.12)


def star_remainder(kernels, weights, seed):
    """Laplacian of what is left of the leaves 1 … 5 once the hub, node 0, is eliminated. Node 6 is ground."""
    k = weights.size
    ints = [np.empty(2 * k, dtype=np.int32) for _ in range(3)]
    arcs = kernels.Arcs(ints[0], np.empty(2 * k), ints[1], ints[2], np.empty(k + 2, dtype=np.int32))
    waiting = kernels.Waiting(*(np.empty(s, dtype=np.int32) for s in (k + 2, k + 1, k + 1, kernels.MOST + 1)))
    matrix = Laplacian(Network(np.c_[np.zeros(k, int), np.arange(1, k + 1)]), np.array([], int)).matrix(weights)
    arcs.head[:], waiting.count[:] = -1, 0
    kernels.fill_arcs(arcs, waiting, 0, k + 1, k + 1, 0, np.full(k + 1, -1, np.int32), matrix.indptr, matrix.indices,
                      matrix.data, np.zeros(k + 1))
    kernels.dequeue(waiting, 0)
    found, mark = np.empty(k + 2, dtype=np.int32), np.full(k + 2, -1, dtype=np.int32)
    count = kernels.gather(found, mark, arcs, waiting, 0)
    kernels.sort_by_weight(found, count, arcs.weight)
    kernels.eliminate(found, np.empty(k + 2), count, arcs, waiting, np.uint64(2654435761 * (2 * seed + 1) % 2**61))
    left = np.zeros((k, k))
    for a in range(1, k + 1):
        arc = arcs.head[a]
        while arc >= 0:
            b, w = arcs.node[arc], arcs.weight[arc]
            if w > 0 and b > 0:
                left[a - 1, b - 1] -= w
                left[a - 1, a - 1] += w
            arc = arcs.next[arc]
    np.testing.assert_allclose(left, left.T, atol=1e-15)
    return left


def test_same_bits_every_time():
    rng = np.random.default_rng(2)
    net = Network.grid(20, 20)
    matrix, excess = grounded(net, rng.uniform(0.1, 2, net.n_edges))
    b = rng.normal(size=399)
    one, two = (BACKEND.prepare(matrix, excess)(b) for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_hub_of_many_neighbours():
    """More neighbours than there are waiting lists, and than insertion sort takes."""
    rng = np.random.default_rng(3)
    ring = np.c_[np.arange(1, 1001), np.roll(np.arange(1, 1001), 1)]
    net = Network(np.r_[np.c_[np.zeros(1000, int), np.arange(1, 1001)], ring])
    matrix, excess = grounded(net, rng.uniform(0.1, 2, net.n_edges), held=(500,))
    b = rng.normal(size=1000)
    x, count, done = conjugate_gradient(matrix, excess, b, BACKEND.prepare(matrix, excess), None, 1e-12, 100)
    assert done
    assert count < 60
    assert np.linalg.norm(b - matrix @ x) <= 1e-9


@pytest.mark.parametrize("count", [0, 1, 64, 65, 200, 300])
def test_arcs_are_sorted_as_by_numpy(count):
    from ohmlearn.kernels.linalg import sampled_cholesky as kernels

    rng = np.random.default_rng(count)
    for weight in (rng.normal(size=400), rng.integers(0, 5, 400).astype(float)):
        found = rng.permutation(400).astype(np.int32)
        right = found.copy()
        right[:count] = right[:count][np.argsort(weight[right[:count]], kind="stable")]
        kernels.sort_by_weight(found, count, weight)
        np.testing.assert_array_equal(found, right)
