"""Responses of outputs against differences, and small signals against the linear solvers."""
import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.edges import NonlinearEquilibrium, PerEdge, differential_conductances, output_responses

from .test_gradients import KINDS, LAWS, NET, TASK


@pytest.mark.parametrize("name", LAWS)
def test_responses_are_those_of_differences(name):
    law, h = LAWS[name], 1e-5
    values = np.random.default_rng(3).uniform(0.8, 2.0, 12)
    found = output_responses(NET, TASK, values, edges=law)
    circuit = NonlinearEquilibrium(NET, TASK.sources, law)
    moved = circuit.solve(values[:, None] + h * np.hstack([np.eye(12), -np.eye(12)]), TASK.source_voltages)
    right = (moved[TASK.targets, :12] - moved[TASK.targets, 12:]) / (2 * h)
    right[:, 9:] *= name != "with diodes"           # nothing of these learns
    np.testing.assert_allclose(found.jacobian, right, rtol=0, atol=1e-8)
    np.testing.assert_allclose(found.outputs, circuit.solve(values, TASK.source_voltages)[TASK.targets])
    exact = ol.edges.cost_gradient(NET, TASK, values, edges=law)
    np.testing.assert_allclose(-found.jacobian.T @ (TASK.target_voltages - found.outputs), exact.gradient, atol=1e-13)
    sizes, vectors = found.satisfied_modes(2)
    whole = found.jacobian.T @ found.jacobian
    np.testing.assert_allclose(sizes, np.linalg.eigvalsh(whole)[:-3:-1], atol=1e-14)
    np.testing.assert_allclose(whole @ vectors, vectors * sizes, atol=1e-13)


def test_linear_edges_have_the_hessian_of_linear_networks():
    values, law = np.random.default_rng(4).uniform(0.5, 2.0, 12), PerEdge(KINDS, [0] * 12)
    sizes = output_responses(NET, TASK, values, edges=law).satisfied_modes(2)[0]
    np.testing.assert_allclose(sizes, ol.hessian(NET, TASK, values).satisfied_modes(2)[0], rtol=1e-9)
    np.testing.assert_allclose(differential_conductances(NET, TASK, values, edges=law), values, rtol=1e-13)


def test_small_signals_are_those_of_a_linear_network():
    """A small current at a node moves the voltages as it does with the differential conductances; modes are modes of
    the Jacobian."""
    law, values = PerEdge(KINDS, [0, 2, 4] * 4), np.random.default_rng(5).uniform(0.5, 2.0, 12)
    task = ol.Task({0: 0.4, 8: 0.0}, {4: 0.1}, currents={2: 0.3})
    g = differential_conductances(NET, task, values, edges=law)
    circuit, small = NonlinearEquilibrium(NET, [0, 8], law), np.zeros(9)
    small[4] = 1e-6
    given = task.injected(9)
    moved = (circuit.solve(values, [0.4, 0.0], given + small) - circuit.solve(values, [0.4, 0.0], given - small)) / 2e-6
    np.testing.assert_allclose(moved, ol.Equilibrium(NET, [0, 8]).solve(g, currents=small / 1e-6), atol=1e-8)
    jacobian = circuit.jacobian(circuit.derivatives(values, circuit.solve(values, [0.4, 0.0], given))).toarray()
    np.testing.assert_allclose(jacobian, jacobian.T, atol=1e-14)
    free = np.setdiff1d(np.arange(9), [0, 8])
    np.testing.assert_allclose(ol.modes(NET, g, 3, [0, 8]).eigenvalues,
                               np.linalg.eigvalsh(jacobian[np.ix_(free, free)])[:3], rtol=1e-9)


def test_what_is_refused():
    with pytest.raises(ValueError, match="the current of NMOS depends on both voltages of an edge"):
        differential_conductances(NET, TASK, edges=LAWS["square"])
    with pytest.raises(ValueError, match="k must lie between 1 and the number of outputs, 2"):
        output_responses(NET, TASK, edges=LAWS["square"]).satisfied_modes(3)
    with pytest.raises(NotImplementedError, match="held nodes"):
        output_responses(NET, ol.Task({0: 1.0}, {(1, 2): 0.1}), edges=LAWS["square"])
