"""Derivatives of equilibrium voltages backwards, against differences."""
import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.edges import NMOS, Cubic, voltages_vjp

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
    mixed = ol.edges.PerEdge([ol.edges.Linear(), ol.edges.IdealDiode(on=1.0, off=0.1)], np.arange(NET.n_edges) % 2)
    _, pull = voltages_vjp(NET, HELD, None, [1.0, 0.5, 0.0], edges=mixed)
    found = pull(np.ones(12)).values
    assert not found[1::2].any()
    assert found[::2].any()


def test_shapes_are_checked():
    with pytest.raises(ValueError, match="one dimension"):
        voltages_vjp(NET, HELD, None, np.ones((3, 2)))
    with pytest.raises(ValueError, match="must be of shape"):
        voltages_vjp(NET, HELD)[1](np.ones(3))
