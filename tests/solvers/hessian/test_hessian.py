"""Gradient and Hessian of the cost against complex steps, finite differences, and one another."""
import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.outputs import weights
from ohmlearn.solvers.hessian.hessian import Hessian
from scipy.spatial import Delaunay

NODES = 21


def network(n=NODES, seed=0):
    points = np.random.default_rng(seed).random((n, 2))
    triangles = Delaunay(points).simplices
    return ol.Network.from_edges(np.unique(np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)), axis=0))


def bordered(net, g):
    """L, complex if g is."""
    delta = net.incidence.toarray()
    return delta.T @ (g[:, None] * delta)


def solve_bordered(net, g, task):
    """Voltages from [[L, Aᵀ], [A, 0]] as it stands, for real or complex g."""
    n = net.n_nodes
    rows = [np.eye(n)[a] for a in task.sources] + [np.eye(n)[a] - np.eye(n)[b] for a, b in task.drops]
    values = [*task.source_voltages, *task.drops.values()]
    if not len(task.sources):
        rows, values = [*rows, np.full(n, n**-0.5)], [*values, 0.0]
    a = np.array(rows)
    matrix = np.block([[bordered(net, g), a.T], [a, np.zeros((len(a), len(a)))]])
    return np.linalg.solve(matrix, np.append(task.injected(n), values))[:n]


def values(task, v):
    return np.array([o.value(v) if isinstance(o, ol.tasks.Constraint) else
                     sum(w * v[node] for node, w in weights(o).items()) for o in task.targets])


def errors(net, g, tasks):
    return np.concatenate([values(t, solve_bordered(net, g, t)) - t.target_voltages for t in tasks])


def complex_step(f, g, step=1e-30):
    """∂f/∂g column by column, exact to rounding."""
    return np.array([np.imag(f(g + 1j * step * e)) / step for e in np.eye(len(g))]).T


BEND = ol.tasks.Constraint(
    lambda v: v[3]**2 * v[8] - v[5],
    lambda v: np.eye(NODES)[[3, 8, 5]].T @ [2 * v[3] * v[8], v[3]**2, -1],
    lambda v: sum(x * np.outer(np.eye(NODES)[i], np.eye(NODES)[j]) for i, j, x in
                  [(3, 3, 2 * v[8]), (3, 8, 2 * v[3]), (8, 3, 2 * v[3])]))
CASES = {
    "floating currents, one drop": [ol.Task(currents={0: 1, 9: -1}, targets=[(4, 7)], target_voltages=[0.3])],
    "grounded currents, node and drop": [ol.Task(currents={2: 1.5, 9: -0.5}, ground=1, targets=[5, (3, 8)],
                                                 target_voltages=[0.3, 0.1])],
    "held nodes, three nodes": [ol.Task([0, 1, 2], [1.0, -0.5, 0.0], [5, 9, 13], [0.2, 0.1, -0.1])],
    "held drop, one drop": [ol.Task(drops={(0, 11): 1.0}, targets=[(4, 17)], target_voltages=[1.0])],
    "chained drops and currents": [ol.Task(drops={(0, 11): 1.0, (11, 2): -0.3, (6, 7): 0.2}, currents={3: 1, 4: -1},
                                           targets=[(4, 17), 9], target_voltages=[1.0, 0.1])],
    "mixed": [ol.Task([0], [0.4], [{5: 1.0, 6: 0.5, 7: -2.0}, 20], [0.1, 0.2], drops={(1, 0): 0.7, (8, 9): 0.2},
                      currents={12: 0.3})],
    "three samples, two shapes": [ol.Task([0, 1], [1.0, 0.0], [5, (9, 4)], [0.2, 0.1]),
                                  ol.Task([0, 1], [-1.0, 0.3], [5, (9, 4)], [0.0, 0.4]),
                                  ol.Task([2], [0.0], [5, (9, 4)], [0.0, 0.4], currents={14: 1.0})],
    "nonlinear": [ol.Task([0, 1], [1.5, -1.0], [BEND, 12], [0.2, 0.1])],
    "nonlinear, floating, two samples": [ol.Task(currents={0: c, 9: -c}, targets=[BEND], target_voltages=[0.4])
                                         for c in (2.0, -1.0)],
}


@pytest.fixture(scope="module")
def conductances():
    return 10**np.random.default_rng(1).uniform(-1, 1, network().n_edges)


@pytest.mark.parametrize("tasks", CASES.values(), ids=CASES)
def test_gradient_against_complex_step(tasks, conductances):
    net = network()
    h = ol.hessian(net, tasks, conductances)
    exact = complex_step(lambda g: errors(net, g, tasks), conductances)
    assert h.gradient.shape == exact.shape
    assert np.allclose(h.errors, errors(net, conductances, tasks), rtol=0, atol=1e-13)
    assert np.abs(h.gradient - exact).max() < 1e-12 * np.abs(exact).max()
    assert np.allclose(h.cost_gradient, h.errors @ exact, atol=1e-12 * np.abs(exact).max())


# every kind of drive and of target in the quick ones; the gradient is tested in all cases
QUICK = ("grounded currents, node and drop", "held drop, one drop", "mixed", "nonlinear, floating, two samples")


@pytest.mark.parametrize("tasks", [pytest.param(tasks, id=name, marks=() if name in QUICK else pytest.mark.slow)
                                   for name, tasks in CASES.items()])
def test_hessian_against_finite_differences_of_the_gradient(tasks, conductances):
    net = network()
    total = ol.hessian(net, tasks, conductances).total()

    def slope(g):
        return np.real(errors(net, g, tasks)) @ complex_step(lambda x: errors(net, x, tasks), g)

    columns = []
    for j, e in enumerate(np.eye(net.n_edges)):       # fourth order central differences
        step = 3e-3 * conductances[j]
        d = [slope(conductances + k * step * e) for k in (-2, -1, 1, 2)]
        columns.append((d[0] - 8 * d[1] + 8 * d[2] - d[3]) / (12 * step))
    assert np.abs(total - np.array(columns).T).max() < 1e-7 * np.abs(total).max()
    assert np.abs(total - total.T).max() < 1e-13 * np.abs(total).max()


@pytest.mark.parametrize("tasks", CASES.values(), ids=CASES)
def test_solving_agrees_with_the_dense_inverse(tasks, conductances):
    net = network()
    dense, free = (ol.hessian(net, tasks, conductances, method=m) for m in ("dense", "superlu"))
    x = np.random.default_rng(2).standard_normal((net.n_edges, 3))
    total = dense.total()
    scale = np.abs(total @ x).max()
    assert np.abs(dense @ x - total @ x).max() < 1e-12 * scale
    assert np.abs(free @ x - total @ x).max() < 1e-11 * scale
    assert np.abs(free @ x[:, 0] - total @ x[:, 0]).max() < 1e-11 * scale
    assert np.abs(free.H @ x - total @ x).max() < 1e-11 * scale
    assert np.allclose(free.gradient, dense.gradient, rtol=1e-10, atol=1e-12 * np.abs(dense.gradient).max())


def test_matrix_free_at_400_nodes(monkeypatch):
    net = network(400, seed=3)
    g = np.random.default_rng(4).uniform(0.5, 1.5, net.n_edges)
    task = ol.Task(currents={0: 1.0, 300: -1.0}, targets=[(50, 350), (20, 200)], target_voltages=[0.3, -0.1])
    dense = ol.hessian(net, task, g, method="dense")
    total = dense.total()
    free = ol.hessian(net, task, g, method="superlu")
    x = np.random.default_rng(5).standard_normal(net.n_edges)
    assert np.abs(free @ x - total @ x).max() < 1e-11 * np.abs(total @ x).max()
    # Lanczos instead of a dense eigensolver
    monkeypatch.setattr("ohmlearn.solvers.hessian.hessian.DENSE_EDGES", 100)
    for which in ("LA", "LM"):
        exact = np.linalg.eigvalsh(total)
        exact = exact[np.argsort(-(exact if which == "LA" else np.abs(exact)))][:5]
        found, modes = free.stiff_modes(5, which)
        assert np.abs(found - exact).max() < 1e-11 * np.abs(exact).max()
        assert np.abs(total @ modes - modes * found).max() < 1e-9 * np.abs(exact).max()
    with pytest.raises(ValueError, match=r"dense Hessian of 1180 edges would be too large.*use h @ x"):
        free.total()


@pytest.mark.parametrize("tasks", CASES.values(), ids=CASES)
def test_voltages_of_any_drive(tasks, conductances):
    net = network()
    for method in ("auto", "superlu"):
        found = ol.voltages(net, tasks[0], conductances, method=method)
        assert np.abs(found - solve_bordered(net, conductances, tasks[0])).max() < 1e-12 * np.abs(found).max()


def test_pseudo_inverse_is_any_ground_and_drop_is_dirichlet(conductances):
    net = network()
    drive = dict(targets=[(4, 7)], target_voltages=[0.3])
    for one, other in [(ol.Task(currents={0: 1, 9: -1}, **drive), ol.Task(currents={0: 1, 9: -1}, ground=20, **drive)),
                       (ol.Task(drops={(0, 9): 0.8}, **drive), ol.Task([0, 9], [0.8, 0.0], **drive)),
                       (ol.Task(drops={(0, 9): 0.8}, **drive), ol.Task(drops={(9, 0): -0.8}, ground=3, **drive))]:
        a, b = ol.hessian(net, one, conductances), ol.hessian(net, other, conductances)
        assert np.abs(a.gradient - b.gradient).max() < 1e-11 * np.abs(a.gradient).max()
        assert np.abs(a.dynamic() - b.dynamic()).max() < 1e-11 * np.abs(a.dynamic()).max()


def test_euler_identities(conductances):
    net = network()
    current = ol.Task(currents={0: 1, 9: -1}, targets=[(4, 7), (2, 3)], target_voltages=[0.3, 0.1])
    h = ol.hessian(net, current, conductances)
    outputs = h.errors + current.target_voltages
    assert np.abs(h.gradient @ conductances + outputs).max() < 1e-11 * np.abs(outputs).max()
    voltage = ol.Task([0, 9], [1.0, 0.0], [4, 7], [0.3, 0.1])
    scale = np.abs(ol.hessian(net, voltage, conductances).gradient) @ conductances
    assert np.all(np.abs(ol.hessian(net, voltage, conductances).gradient @ conductances) < 1e-11 * scale)


def test_alignment_and_ratio(conductances, monkeypatch):
    net = network()
    h = ol.hessian(net, CASES["three samples, two shapes"], conductances)
    satisfied, dynamic, total = h.satisfied(), h.dynamic(), h.total()
    norm = np.linalg.norm
    assert np.isclose(h.ratio, norm(dynamic) / norm(satisfied), rtol=1e-12)
    assert np.isclose(h.alignment, np.sum(satisfied * total) / norm(satisfied) / norm(total), rtol=1e-12)
    monkeypatch.setattr("ohmlearn.solvers.hessian.hessian.DENSE_EDGES", 10)
    probed = Hessian(net, h.tasks, h.conductances)
    assert np.isclose(probed.ratio, h.ratio, rtol=0.05)
    assert np.isclose(probed.alignment, h.alignment, rtol=0.05)


def test_satisfied_task(conductances):
    net = network()
    drive = dict(currents={0: 1, 9: -1}, targets=[(4, 7)])
    output = ol.hessian(net, ol.Task(**drive, target_voltages=[0.0]), conductances).errors
    met = ol.hessian(net, ol.Task(**drive, target_voltages=output), conductances)
    assert met.errors[0] == 0.0
    assert not met.dynamic().any()
    assert met.alignment == 1.0
    assert met.ratio == 0.0
    values, modes = met.stiff_modes(1)
    assert np.isclose(values[0], np.sum(met.gradient**2), rtol=1e-13)
    assert np.isclose(abs(modes[:, 0] @ met.gradient[0]), np.linalg.norm(met.gradient), rtol=1e-13)
    with pytest.raises(ValueError, match="all errors are zero"):
        met.stiff_modes(2)


def test_bad_input(conductances):
    net = network()
    task = ol.Task([0, 1], [1.0, 0.0], [5], [0.2])
    with pytest.raises(ValueError, match="conductances must have shape"):
        ol.hessian(net, task, conductances[1:])
    with pytest.raises(ValueError, match="without a path to a held node"):
        ol.hessian(net, task, np.where((net.edges == 7).any(axis=1), 0.0, conductances))
    with pytest.raises(ValueError, match="which must be"):
        ol.hessian(net, task, conductances).stiff_modes(1, "SM")
    with pytest.raises(ValueError, match="node 30 is not in the network"):
        ol.hessian(net, ol.Task([30], [1.0], [5], [0.2], ground=0), conductances)
    still = ol.Task([0, 1], [1.0, 1.0], [5], [0.2])
    with pytest.raises(ValueError, match="no conductance changes any output"):
        _ = ol.hessian(net, still, np.ones(net.n_edges)).alignment
    flat = ol.tasks.Constraint(lambda v: v[0], lambda v: np.zeros(3))
    with pytest.raises(ValueError, match="gradient of a constraint has shape"):
        ol.hessian(net, ol.Task([0, 1], [1.0, 0.0], [flat], [0.0]), conductances)


def test_a_nonlinear_constraint_without_second_derivatives_is_refused():
    net = ol.Network.packing(64, seed=1)
    weights = np.diag(np.arange(64.0))
    curved = ol.Constraint(lambda v: float(v @ weights @ v) / 2, lambda v: weights @ v)
    with pytest.raises(ValueError, match="give `second` to the Constraint"):
        ol.hessian(net, ol.Task([0, 63], [1, 0], targets=[curved], target_voltages=[0.3]), 1.0) @ np.ones(net.n_edges)
    flat = ol.Constraint(lambda v: float(v[3]), lambda v: np.eye(64)[3])
    ol.hessian(net, ol.Task([0, 63], [1, 0], targets=[flat], target_voltages=[0.3]), 1.0) @ np.ones(net.n_edges)
