"""The gradient by the transposed Jacobian against differences, and the contrast in its limits."""
import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.edges import NMOS, Cubic, Diode, IdealDiode, Linear, Offset, PerEdge, cost_gradient

NET, TASK = ol.Network.grid(3, 3), ol.Task({0: 0.9, 8: 0.0}, {4: 0.3, 2: 0.6})
# as in test_equilibrium, so that its kernels serve here too
KINDS = Linear(), NMOS(gain=0.5, leak=1e-3), Diode(1e-2, 0.2), IdealDiode(50.0, 1e-3), Cubic(0.5), Offset(0.1)
LAWS = {"square": PerEdge(KINDS, [1] * 12), "cubic": PerEdge(KINDS, [4] * 12),
        "with diodes": PerEdge(KINDS, [0, 1, 4] * 3 + [2] * 3)}


@pytest.mark.parametrize("name", LAWS)
def test_gradient_is_that_of_differences(name):
    law = LAWS[name]
    values = np.random.default_rng(1).uniform(0.8, 2.0, NET.n_edges)
    found = cost_gradient(NET, TASK, values, edges=law)
    circuit = ol.edges.NonlinearEquilibrium(NET, TASK.sources, law)
    h = 1e-3 * np.arange(-3, 4)
    weights = np.array([-1, 9, -45, 0, 45, -9, 1]) / 60e-3          # sixth order
    for j in range(NET.n_edges):
        moved = np.repeat(values[:, None], 7, axis=1)
        moved[j] += h
        v = circuit.solve(moved, TASK.source_voltages)
        costs = 0.5 * np.sum((TASK.target_voltages[:, None] - v[TASK.targets]) ** 2, axis=0)
        right = weights @ costs
        learns = name != "with diodes" or j < 9
        assert abs(found.gradient[j] - (right if learns else 0.0)) < 1e-9


def test_contrast_of_linear_edges_is_that_of_coupled_learning():
    """(Δv'² - Δv²)/2η at η -> 0 is Δv Δw, half of what Rule has."""
    values = np.random.default_rng(2).uniform(0.5, 2.0, NET.n_edges)
    law = PerEdge(KINDS, [0] * 12)
    found = cost_gradient(NET, TASK, values, edges=law, method="contrast", nudge=1e-6).gradient
    run = ol.train(NET, TASK, 1.0, until=None, t_max=1e-9, conductances=values)
    a, b = NET.edges.T
    right = (run.voltages[a] - run.voltages[b]) * (run.difference[a] - run.difference[b])
    np.testing.assert_allclose(found, right, atol=1e-5 * np.abs(right).max())


def test_bad_input():
    with pytest.raises(ValueError, match="'exact' or 'contrast'"):
        cost_gradient(NET, TASK, edges=LAWS["square"], method="guess")
    with pytest.raises(NotImplementedError, match="held nodes"):
        cost_gradient(NET, ol.Task({0: 1.0}, {(1, 2): 0.1}), edges=LAWS["square"])
