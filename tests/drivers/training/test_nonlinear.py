"""Training of nonlinear edges against the two networks integrated by scipy, and what symmetries say of it."""
import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.edges import NMOS, Diode, Linear, NonlinearEquilibrium, PerEdge
from ohmlearn.solvers.nonlinear.edge_arrays import bounds
from scipy.integrate import solve_ivp

NET, TASK = ol.Network.grid(4, 4), ol.Task({0: 1.0, 15: 0.0}, {6: 0.55, 9: 0.4})
RULE = ol.Rule(nudge=0.1, floor=1e-3, floor_mode="clip")
LAWS = [NMOS(gain=0.5, leak=1e-3), Linear(), Diode(1e-2, 0.1)]
MIXED = PerEdge(LAWS, np.arange(24) % 3)        # one combination for all tests: its kernels are compiled once


def two_networks(law, rate, time):
    """v, w and what is learned after a time, from the free and the clamped network as they stand."""
    free, n = NonlinearEquilibrium(NET, TASK.sources, law), NET.n_nodes
    both = np.concatenate([TASK.sources, TASK.targets])
    clamped, (a, b) = NonlinearEquilibrium(NET, both, law), NET.edges.T
    theta = free.values(None)
    v = free.solve(theta, TASK.source_voltages)
    wanted = v[TASK.targets] + RULE.nudge * (TASK.target_voltages - v[TASK.targets])
    other = clamped.solve(theta, np.concatenate([TASK.source_voltages, wanted]))
    learns, (low, _) = law.learning, bounds(law, NET.n_edges, RULE.floor, None)

    def into(voltages, values):
        current = free.derivatives(values, voltages).current
        flow = np.bincount(b, current, n) - np.bincount(a, current, n) - free.leak * voltages
        flow[TASK.sources] = 0.0
        return flow

    def slopes(_, y):
        v, other, theta = np.split(y, [n, 2 * n])
        dv, dother = into(v, theta), into(other, theta)
        dother[TASK.targets] = (1 - RULE.nudge) * dv[TASK.targets]
        contrast = ((other[a] - other[b]) ** 2 - (v[a] - v[b]) ** 2) / RULE.nudge
        dtheta = np.where(learns, -rate * contrast, 0.0)
        return np.concatenate([dv, dother, np.where((theta <= low) & (dtheta < 0), 0.0, dtheta)])

    begin = np.concatenate([v, other, theta])
    end = solve_ivp(slopes, (0, time), begin, method="DOP853", rtol=1e-10, atol=1e-13).y[:, -1]
    v, other, theta = np.split(end, [n, 2 * n])
    return v, (other - v) / RULE.nudge, theta


@pytest.mark.parametrize("rate", [0.05, 1.0, 1e2, 1e6])
def test_dynamics_are_those_of_two_networks(rate):
    time = 2.0 if rate <= 1 else 2.0 / np.sqrt(rate)
    run = ol.train(NET, TASK, rate, edges=MIXED, rule=RULE, until=None, t_max=time, tolerance=1e-7)
    v, w, theta = two_networks(MIXED, rate, time)
    np.testing.assert_allclose(run.voltages, v, rtol=0, atol=1e-7)
    np.testing.assert_allclose(run.difference, w, rtol=0, atol=1e-6)
    np.testing.assert_allclose(run.conductances, theta, rtol=1e-7, atol=1e-7)
    assert np.ptp(run.conductances[2::3]) == 0          # diodes learn nothing


@pytest.mark.slow           # compiles a combination of laws that nothing else does
@pytest.mark.parametrize("rate", [0.01, 0.3, 10.0, 1e3, 1e6])
def test_dynamics_of_all_laws(rate):
    """Every law on two edges: errors of the end within 1e-6 of the voltages' scale, 1 V."""
    series = {"drain_resistance": 0.02, "source_resistance": 0.07}
    level1 = {"gain": 0.5, "leak": 1e-3, "threshold": 0.3, "body_effect": 1.0, "surface_potential": 0.9,
              "modulation": 0.2}
    laws = [Linear(), ol.edges.Cubic(0.5), ol.edges.Sinh(0.4), ol.edges.Offset(0.1), ol.edges.IdealDiode(5.0, 0.1),
            Diode(1e-2, 0.1), Diode(1e-2, 0.1, series=2.0), NMOS(gain=0.5, leak=1e-3),
            NMOS("mean", gain=0.5, leak=1e-3), NMOS("ekv", gain=0.5, leak=1e-3), NMOS("level1", **level1),
            NMOS("level1", **level1, **series)]
    law, time = PerEdge(laws, np.arange(24) % 12), 2.0 if rate <= 1 else 2.0 / np.sqrt(rate)
    run = ol.train(NET, TASK, rate, edges=law, rule=RULE, until=None, t_max=time, tolerance=1e-8)
    v, w, theta = two_networks(law, rate, time)
    np.testing.assert_allclose(run.voltages, v, rtol=0, atol=1e-6)
    np.testing.assert_allclose(run.difference, w, rtol=0, atol=1e-6)
    np.testing.assert_allclose(run.conductances, theta, rtol=1e-6, atol=1e-6)


def test_small_rates_come_to_rate_0():
    runs = ol.train(NET, TASK, [0.0, 1e-3, 1e-2], edges=MIXED, rule=RULE, until=1e-4)
    steps = runs.training_time * [1.0, 1e-3, 1e-2]
    assert all(run.status == "reached" for run in runs)
    assert abs(steps[1] / steps[0] - 1) < 2e-3
    assert abs(steps[2] / steps[0] - 1) < 5e-3


def test_first_crossing_and_state_at_the_end():
    run = ol.train(NET, TASK, 3.0, edges=MIXED, rule=RULE, until=1e-3, record=ol.Record(per_decade=5))
    circuit = ol.Equilibrium(NET, TASK.sources, edges=MIXED)
    v = circuit.solve(run, TASK.source_voltages)
    cost = np.sum((TASK.target_voltages - v[TASK.targets]) ** 2) / run.initial_cost
    assert run.status == "reached"
    assert run.time == run.training_time
    assert 0.999e-3 <= cost < 1e-3
    assert run.equilibrium_cost[0] == 1.0
    assert run.equilibrium_cost[-1] > 1e-3


def test_lanes_and_going_on():
    """A run does not depend on its neighbours, and may go on where it was stopped."""
    alone = ol.train(NET, TASK, 2.0, edges=MIXED, rule=RULE, until=1e-4)
    many = ol.train(NET, TASK, np.repeat([2.0, 0.5, 30.0], 4), edges=MIXED, rule=RULE, until=1e-4)
    assert all(np.array_equal(run.conductances, alone.conductances) for run in many[:4])
    first = ol.train(NET, TASK, 2.0, edges=MIXED, rule=RULE, until=1e-1)
    second = ol.train(NET, TASK, 2.0, edges=MIXED, rule=RULE, until=1e-4, conductances=first)
    assert abs(second.training_time / alone.training_time - 1) < 2e-3


@pytest.mark.slow           # compiles the kernels with upper bounds
@pytest.mark.parametrize("rate", [0.0, 3.0])
def test_gates_stop_at_their_highest_voltage(rate):
    free, limited = (ol.train(NET, TASK, rate, edges=NMOS(gain=0.5, leak=1e-3, highest=highest), until=None, t_max=30.0)
                     for highest in (50.0, 2.02))
    assert free.conductances.max() > 2.1
    assert limited.conductances.max() == 2.02
    assert np.isfinite(limited.voltages).all()


def test_linear_laws_take_the_kernels_of_linear_edges():
    run = ol.train(NET, TASK, 1.0, edges=Linear(), until=1e-2)
    assert np.array_equal(run.conductances, ol.train(NET, TASK, 1.0, until=1e-2).conductances)


@pytest.mark.parametrize(("options", "error", "words"), [
    ({"method": "slow"}, ValueError, "for linear edges"),
    ({"precision": "single", "method": "rk4"}, ValueError, "double precision"),
    ({"rule": ol.Rule(noise=0.1)}, NotImplementedError, "train_chips"),
    ({"rule": ol.rules.GradientFlow()}, ValueError, "linear edges"),
    ({"conductances": np.full(24, -3.0)}, ValueError, "outside of its bounds"),
    ({"edges": Diode()}, ValueError, "no edge of this network learns"),
])
def test_what_is_refused(options, error, words):
    with pytest.raises(error, match=words):
        ol.train(NET, TASK, 1.0, **({"edges": MIXED} | options))
