"""Derivatives of equilibrium voltages backwards, against differences."""
import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.edges import NMOS, Cubic, voltages_vjp
from ohmlearn.solvers.nonlinear.differentiable import Rows

NET = ol.Network.grid(3, 4)
HELD = [0, 5, 11]


@pytest.mark.parametrize("edges", [None, Cubic(0.7), NMOS(gain=0.5, leak=1e-3, node_leak=1e-3)],
                         ids=["linear", "cubic", "nmos"])
def test_derivatives_are_those_of_differences(edges):
    rng = np.random.default_rng(0)
    m, weights = NET.n_edges, rng.normal(size=12)
    given = [rng.uniform(1.0, 2.0, m), np.array([1.0, 0.2, -0.1]), 0.1 * rng.normal(size=12)]
    given[2][HELD] = 0.0

    def value(parts):
        return weights @ voltages_vjp(NET, HELD, *parts, edges=edges)[0]
    v, pull = voltages_vjp(NET, HELD, *given, edges=edges)
    assert np.array_equal(v[HELD], given[1])
    for k, found in enumerate(pull(weights)):
        for i in range(found.size):
            if k == 2 and i in HELD:
                assert found[i] == 0.0
                continue
            ends = []
            for h in (1e-6, -1e-6):
                moved = [part.copy() for part in given]
                moved[k][i] += h
                ends.append(value(moved))
            assert abs(found[i] - (ends[0] - ends[1]) / 2e-6) < 2e-8


def test_what_does_not_learn_has_no_derivative():
    mixed = ol.edges.PerEdge([ol.edges.Linear(), ol.edges.Diode(1e-3, 0.1, series=0.5)], np.arange(NET.n_edges) % 2)
    _, pull = voltages_vjp(NET, HELD, None, [1.0, 0.5, 0.0], edges=mixed)
    found = pull(np.ones(12)).values
    assert not found[1::2].any()
    assert found[::2].any()


def test_shapes_are_checked():
    with pytest.raises(ValueError, match="one dimension"):
        voltages_vjp(NET, HELD, None, np.ones((3, 2)))
    with pytest.raises(ValueError, match="must be of shape"):
        voltages_vjp(NET, HELD)[1](np.ones(3))


def test_rows_are_single_equilibria():
    """What the wrappers for other libraries stand on, for arrays with axes in front."""
    rng, law = np.random.default_rng(2), NMOS(gain=0.5, leak=1e-3, node_leak=1e-3)
    given = [rng.uniform(1.0, 2.0, (3, 4, NET.n_edges)), rng.uniform(0.0, 1.0, (3, 4, 3)),
             0.1 * rng.normal(size=(3, 4, 12))]
    weights, rows = rng.normal(size=(3, 4, 12)), Rows(NET, HELD, law)
    found = rows.solve(*given)
    pulled = rows.pull(given[0], found, weights)
    for k in np.ndindex(3, 4):
        v, pull = voltages_vjp(NET, HELD, *(part[k] for part in given), edges=law)
        np.testing.assert_allclose(found[k], v, rtol=0, atol=1e-12)
        for part, single in zip(pulled, pull(weights[k]), strict=True):
            np.testing.assert_allclose(part[k], single, rtol=1e-9, atol=1e-12)
    with pytest.raises(ValueError, match=r"held_voltages must be \(\.\.\., 3\), not of shape \(2,\)"):
        rows.check(given[0], np.ones(2), given[2])


def test_derivatives_of_resistors_are_those_of_a_complex_step():
    rng, a, b = np.random.default_rng(4), *NET.edges.T
    values, held, free = rng.uniform(0.5, 2.0, NET.n_edges), [1.0, 0.2, -0.1], np.setdiff1d(np.arange(12), HELD)
    weights, exact = rng.normal(size=12), []
    for k in range(NET.n_edges):
        g = values + 1e-30j * (np.arange(NET.n_edges) == k)
        laplacian = np.zeros((12, 12), complex)
        for rows, columns, sign in ((a, a, 1), (b, b, 1), (a, b, -1), (b, a, -1)):
            np.add.at(laplacian, (rows, columns), sign * g)
        v = np.zeros(12, complex)
        v[HELD] = held
        v[free] = np.linalg.solve(laplacian[np.ix_(free, free)], -laplacian[np.ix_(free, HELD)] @ v[HELD])
        exact.append((weights @ v).imag / 1e-30)
    found = voltages_vjp(NET, HELD, values, held)[1](weights).values
    np.testing.assert_allclose(found, exact, rtol=1e-11, atol=1e-13)
