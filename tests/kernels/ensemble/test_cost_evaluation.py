"""Dense output between two evaluations of the cost, against closed forms: δ_T = e^(-kt) cos(ωt) at two targets."""
import numpy as np
import pytest
from ohmlearn.kernels.ensemble import cost_evaluation, threshold_crossing
from ohmlearn.kernels.ensemble.block_state import MEMBER, OUT_OF_TIME, REACHED, Lanes

DECAY, FREQUENCY = np.array([0.7, 1.1]), np.array([2.0, 0.0])


def exact(t, order=0):
    """δ of both targets at a time, or dδ/dt."""
    value = np.exp((-DECAY + 1j * FREQUENCY) * t)
    return (value if order == 0 else (-DECAY + 1j * FREQUENCY) * value).real


def cost(t):
    return float(np.sum(exact(t) ** 2))


def a_lane(begin, h, steps=1, records=()):
    """A lane at the end of a stretch h from `begin` in so many steps, v at its equilibrium throughout."""
    column = lambda values: np.array(values, dtype=float)[:, None].copy()  # noqa: E731
    each = np.zeros(1, dtype=MEMBER)
    me = each[0]
    me["time"], me["dt"], me["taken"], me["initial"], me["tolerance"] = begin, h / steps, steps, cost(0.0), 1e-3
    me["limit"], me["fall"], me["flat_until"] = np.inf, 1.0, np.inf
    me["first"] = me["sustained"] = me["instant"] = np.nan
    errors = np.array([exact(begin + k * h / steps) for k in range(steps + 1)])[:, :, None].copy()
    p = Lanes(each, np.zeros((2, 1), dtype=np.int64), column([0, 0]), column(exact(begin + h)),
              column(exact(begin + h, 1)), column(exact(begin)), column(exact(begin, 1)), errors,
              column(records), np.full((len(records), 1), np.nan), np.full((len(records), 1), np.nan),
              np.zeros((0, 1)), np.zeros((0, 1)))
    return me, p


def test_a_cubic_is_reproduced_with_its_slope():
    cubic = np.polynomial.Polynomial([0.3, -1.2, 2.0, 0.7])
    slope = cubic.deriv()
    for s in (0.0, 0.2, 0.77, 1.0):
        found = threshold_crossing.hermite(s, cubic(0.0), cubic(1.0), slope(0.0), slope(1.0))
        np.testing.assert_allclose(found, (cubic(s), slope(s)), rtol=1e-14)


@pytest.mark.parametrize("what", ["equilibrium", "out of equilibrium", "one step"])
def test_costs_within_a_stretch_are_of_fourth_order(what):
    off = []
    for h in (0.4, 0.2, 0.1):
        me, p = a_lane(0.3, h, 1 if what == "one step" else 6)
        s = 0.37
        found = (threshold_crossing.cost_between(s, 0, h, p)[0] if what == "equilibrium" else
                 cost_evaluation.cost_at_steps(s * me["taken"], me, 0, h, p))
        off.append(abs(found - cost(0.3 + s * h)))
    assert off[0] < 3e-3
    np.testing.assert_allclose(np.log2(np.divide(off[:-1], off[1:])), 4.0, atol=0.5)


def test_the_bend_is_the_third_derivative():
    """δ1 - δ0 - h (m0 + m1)/2 = -h³ δ'''/12, and 0 for a parabola."""
    h = 1e-2
    me, p = a_lane(0.3, h)
    third = ((-DECAY + 1j * FREQUENCY) ** 3 * np.exp((-DECAY + 1j * FREQUENCY) * (0.3 + h / 2))).real
    for i in range(2):
        assert threshold_crossing.bend_at(i, 0, h, p) == pytest.approx(h**3 * abs(third[i]) / 12, rel=1e-3)
    t = np.array([0.0, 2.0])
    p.last_delta[:, 0], p.last_slope[:, 0] = 1.0, -0.5
    p.delta[:, 0], p.slope[:, 0] = 1.0 - 0.5 * t[1] + 0.1 * t[1] ** 2, -0.5 + 0.2 * t[1]
    assert cost_evaluation.bend(me, 0, t[1], p) < 1e-15


@pytest.mark.parametrize("until", [0.3, 0.1])
def test_crossings_and_records_of_a_stretch(until):
    """The time of the crossing to fourth order, of C between two steps log-linearly, and costs at given times."""
    from scipy.optimize import brentq

    begin, h, times = 0.2, 0.8, [0.25, 0.5, 0.9]
    crossing = brentq(lambda t: cost(t) - until * cost(0.0), begin, begin + h)
    me, p = a_lane(begin, h, 12, times)
    me["until"] = until
    cost_evaluation.note(me, 0, h, p)
    assert me["first"] == pytest.approx(crossing, abs=4e-3)
    assert me["sustained"] == me["first"]
    assert me["instant"] == pytest.approx(crossing, abs=2e-3)
    assert (me["time"], me["recorded"]) == (pytest.approx(begin + h), 3)
    np.testing.assert_allclose(p.equilibrium[:, 0], [cost(t) / cost(0.0) for t in times], atol=6e-3)
    np.testing.assert_allclose(p.nonequilibrium[:, 0], [cost(t) / cost(0.0) for t in times], atol=3e-5)


@pytest.mark.parametrize(("stop", "limit", "status"), [(1, 9.0, REACHED), (0, 9.0, 0), (0, 1.0, REACHED)])
def test_how_a_stretch_ends_a_run(stop, limit, status):
    me, p = a_lane(0.2, 0.8, 12)
    me["until"], me["stop"], me["limit"] = 0.3, stop, limit
    cost_evaluation.note(me, 0, 0.8, p)
    assert me["status"] == status
    me, p = a_lane(0.2, 0.8, 12)
    me["until"], me["limit"] = 1e-9, 1.0
    cost_evaluation.note(me, 0, 0.8, p)
    assert me["status"] == OUT_OF_TIME
    assert np.isnan(me["first"])
