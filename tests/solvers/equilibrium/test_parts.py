"""Matrices in parts that threads take: what parts touch, that factors stay right, and that threads change no bit."""
import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.solvers.equilibrium import node_order
from ohmlearn.solvers.equilibrium.backends import ApproximateCholesky
from ohmlearn.solvers.equilibrium.conjugate_gradient import side_by_side
from ohmlearn.solvers.equilibrium.grounded_laplacian import Laplacian
from ohmlearn.solvers.equilibrium.node_order import Layout, Parts
from ohmlearn.solvers.equilibrium.star_mesh import StarMesh
from scipy.linalg import eigh
from scipy.sparse.linalg import spsolve

NETS = [ol.Network.delaunay(1500, seed=3), ol.Network.grid(31, 47), ol.Network.grid(40, 33, periodic=True),
        ol.Network.packing(900, seed=2), ol.Network.grid(1201)]


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(node_order, "PART", 230)
    monkeypatch.setattr(node_order, "WIDEST", 0.4)
    monkeypatch.setattr(node_order, "THREADED", 2)


def laplacian_of(net, held=(0,)):
    return Laplacian(net, np.array(held), Layout.of(net))


@pytest.mark.parametrize("net", NETS, ids=repr)
def test_parts_touch_each_other_through_border_rows_alone(small_parts, net):
    laplacian = laplacian_of(net, (5, 100))
    parts = Parts.of(laplacian.n_rows, laplacian.ends)
    assert len(parts) > 1
    part = np.searchsorted(parts.bounds, np.arange(laplacian.n_rows), side="right") - 1
    border = np.isin(np.arange(laplacian.n_rows), parts.border)
    for a, b in laplacian.ends[(laplacian.ends >= 0).all(axis=1)].tolist():
        for one, other in ((a, b), (b, a)):
            if not border[one]:
                assert part[other] == part[one] or (part[other] == part[one] + 1 and border[other])
                if border[other]:
                    assert other in parts.border[parts.touched(part[one])]


@pytest.mark.parametrize("net", [ol.Network.random(1200, 6, seed=1), ol.Network.grid(11, 11, 11),
                                 ol.Network(np.c_[np.zeros(999, int), np.arange(1, 1000)])], ids=repr)
def test_what_reaches_far_is_one_part(monkeypatch, net):
    monkeypatch.setattr(node_order, "PART", 230)
    laplacian = laplacian_of(net, (1,))
    assert len(Parts.of(laplacian.n_rows, laplacian.ends)) == 1


@pytest.mark.parametrize("net", NETS, ids=repr)
@pytest.mark.parametrize("decades", [0, 4])
def test_threads_change_no_bit_and_voltages_are_right(small_parts, net, decades):
    rng = np.random.default_rng(decades)
    g, other = 10 ** rng.uniform(-decades / 2, decades / 2, (2, net.n_edges))
    held = [3, net.n_nodes // 2, net.n_nodes - 1]
    volts = rng.uniform(0, 1, (3, 4))
    found = []
    for threads in (1, 2, 3):
        circuit = ol.Equilibrium(net, held, method="approximate-cholesky", threads=threads)
        found.append([circuit.solve(g, volts[:, 0]), circuit.solve(other, volts), circuit.solve(g, volts[:, 1])])
    for more in found[1:]:
        for one, two in zip(found[0], more, strict=True):
            np.testing.assert_array_equal(one, two)
    laplacian = Laplacian(net, np.array(held))
    rows = np.zeros((1, laplacian.n_rows))
    laplacian.add_held_currents(rows, g, volts[:, :1])
    exact = laplacian.scatter(spsolve(laplacian.matrix(g).tocsc(), rows[0]), volts[:, 0])
    np.testing.assert_allclose(found[0][0], exact, atol=1e-8)


def as_matrix(apply, n):
    return np.column_stack([apply(unit) for unit in np.eye(n)])


def test_the_factor_of_a_tree_is_exact(small_parts):
    """A tree leaves nothing to sampling, so that parts, border and terminals have to come out as elimination does."""
    rng = np.random.default_rng(4)
    net = ol.Network(np.r_[np.c_[np.arange(699), np.arange(1, 700)], np.c_[np.arange(700), np.arange(700, 1400)]])
    laplacian = laplacian_of(net, (350, 1399))
    parts = Parts.of(laplacian.n_rows, laplacian.ends)
    assert len(parts) > 3
    g = rng.uniform(0.5, 2.0, net.n_edges)
    matrix, excess = laplacian.matrix(g), laplacian.excess(g)
    apply = ApproximateCholesky().prepare(matrix, excess, parts)
    b = rng.normal(size=(laplacian.n_rows, 8))
    exact = np.linalg.solve(matrix.toarray(), b)
    np.testing.assert_allclose(np.column_stack([apply(column) for column in np.ascontiguousarray(b.T)]), exact,
                               rtol=0, atol=3e-6 * abs(exact).max())        # shares are single precision
    np.testing.assert_allclose(apply.block(side_by_side(b.T)), exact, rtol=0, atol=3e-6 * abs(exact).max())


@pytest.mark.parametrize("net", [ol.Network.delaunay(700, seed=3), ol.Network.grid(20, 31)], ids=repr)
def test_the_factor_in_parts_is_as_good_as_the_whole(small_parts, net):
    laplacian = laplacian_of(net, (10, 300))
    parts = Parts.of(laplacian.n_rows, laplacian.ends)
    assert len(parts) > 1
    g = 10 ** np.random.default_rng(5).uniform(-2, 2, net.n_edges)
    matrix, excess, spread = laplacian.matrix(g), laplacian.excess(g), []
    for given in (parts, None):
        inverse = as_matrix(ApproximateCholesky().prepare(matrix, excess, given), laplacian.n_rows)
        scale = 1 / np.sqrt(np.diag(inverse))
        scaled = scale * inverse * scale[:, None]
        np.testing.assert_allclose(scaled, scaled.T, atol=1e-8)
        values = eigh(scaled, np.linalg.inv(matrix.toarray() / scale / scale[:, None]), eigvals_only=True)
        spread.append(values.max() / values.min())
    assert spread[0] < 2 * spread[1]


@pytest.mark.parametrize("net", NETS, ids=repr)
def test_the_core_of_parts_is_the_schur_complement(small_parts, net):
    rng = np.random.default_rng(6)
    laplacian = laplacian_of(net, (2, 77))
    mesh = StarMesh(laplacian, True)
    assert len(mesh.parts) > 1
    g = 10 ** rng.uniform(-1, 1, net.n_edges)
    core, ground = mesh.reduce(g)
    matrix, kept = laplacian.matrix(g).toarray(), mesh.kept
    gone = np.setdiff1d(np.arange(len(matrix)), kept)
    border = matrix[np.ix_(kept, gone)]
    expected = matrix[np.ix_(kept, kept)] - border @ np.linalg.solve(matrix[np.ix_(gone, gone)], border.T)
    np.testing.assert_allclose(core.toarray(), expected, atol=1e-12 * abs(expected).max())
    np.testing.assert_allclose(ground, core.sum(axis=1), atol=1e-11 * abs(expected).max())
    inverse = np.linalg.inv(core.toarray())
    b = rng.normal(size=laplacian.n_rows)
    np.testing.assert_allclose(mesh.extend(inverse @ mesh.restrict(b)[0], mesh.restrict(b)[1]),
                               np.linalg.solve(matrix, b), rtol=1e-9, atol=1e-9)
