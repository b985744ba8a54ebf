"""Training against independent integrations, the exact symmetries, and every way to get the same bits."""

import numpy as np
import ohmlearn as ol
import pytest
import reference as twin
from ohmlearn.drivers.training.train import Diverged
from queues import whole_and_in_slices
from scipy.integrate import solve_ivp

NET = ol.Network.delaunay(36, seed=5)


def a_task(seed=0, **options):
    return ol.Task.allosteric(NET, 6, 2, seed=seed, feasible=True, **options)


def same_bits(one, two, names=("training_time", "time", "final_cost", "n_steps", "conductances", "voltages",
                               "difference", "equilibrium_cost", "cost", "nonequilibrium_time")):
    for name in names:
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)


@pytest.mark.parametrize(("rate", "seed"), [
    pytest.param(rate, seed, marks=pytest.mark.slow if (k + seed) % 2 or rate == 0.3 else ())
    for k, rate in enumerate((0.3, 5.0, 1e3, 1e5, 1e8)) for seed in (1, 2)])
def test_training_time_is_that_of_a_tight_integration(rate, seed):
    task = a_task(seed)
    expected = twin.training_time(NET, task, ol.Rule(), rate, 1e-6, 3000 / min(rate, np.sqrt(rate)))
    assert ol.train(NET, task, rate).training_time == pytest.approx(expected, rel=3e-3)


@pytest.mark.slow      # compiles for a minute
def test_single_precision_finds_the_same_training_times():
    tasks = [a_task(seed) for seed in range(20)]
    for rate in (1.0, 100.0):
        double, single = (ol.train(NET, tasks, rate, method="rk4", precision=kind) for kind in ("double", "single"))
        error = np.abs(single.training_time / double.training_time - 1)
        assert np.nanmedian(error) < 3e-4
        apart = np.flatnonzero(error > 5e-3)
        assert apart.size <= 1
        for number in apart:        # its C* oscillates, and an earlier minimum just touches the threshold
            earlier = min(double[number].training_time, single[number].training_time)
            there = ol.train(NET, tasks[number], rate, method="rk4", t_max=earlier)
            assert there.final_cost == pytest.approx(1e-6, rel=5e-3)


def test_what_the_tolerance_buys():
    """Training times converge with the tolerance, for more steps and looks (the study in docs/howto/accuracy.md)."""
    tasks = [a_task(seed) for seed in range(3)]
    rates = np.repeat([0.01, 1.0, 30.0, 1e3, 1e6, 1e10], 3)
    exact = ol.train(NET, tasks * 6, rates, tolerance=1e-6).training_time
    cost = []
    for tolerance in (1e-2, 1e-3, 1e-4):
        runs = ol.train(NET, tasks * 6, rates, tolerance=tolerance)
        error = np.abs(runs.training_time / exact - 1)
        assert np.nanquantile(error, 0.94) < tolerance
        assert np.nanmax(error) < 10 * tolerance
        assert np.nanmedian(error) < 0.2 * tolerance
        cost.append((np.mean([run.n_steps for run in runs]), np.mean([run.n_looks for run in runs])))
    assert np.all(np.diff(cost, axis=0) > 0)


def test_single_precision_says_what_it_is_for():
    with pytest.raises(ValueError, match="single precision is for RK4"):
        ol.train(NET, a_task(), 1.0, precision="single")
    with pytest.raises(ValueError, match="precision must be 'double' or 'single', not 'half'"):
        ol.train(NET, a_task(), 1.0, precision="half")


@pytest.mark.parametrize("floor_mode", ["relax", "clip"])
def test_two_networks_trained_directly(floor_mode):
    """Free and clamped voltages integrated as they stand in Eq. 3; η = 1e-2 keeps their difference accurate."""
    task, rate, eta, end = a_task(3), 4.0, 1e-2, 8.0
    rule = ol.Rule(nudge=eta, floor_mode=floor_mode)
    n, D = NET.n_nodes, NET.incidence.toarray()
    G = np.ones(NET.n_edges)
    v, w = twin.beginning(NET, task, G)

    def rhs(t, y):
        free, clamped, G = y[:n], y[n:2 * n].copy(), y[2 * n:]
        clamped[task.targets] = free[task.targets] + eta * (task.target_voltages - free[task.targets])
        free_dot, clamped_dot = -D.T @ (G * (D @ free)), -D.T @ (G * (D @ clamped))
        free_dot[task.sources] = clamped_dot[task.sources] = 0
        clamped_dot[task.targets] = (1 - eta) * free_dot[task.targets]
        G_dot = rate / eta * ((D @ free) ** 2 - (D @ clamped) ** 2)
        if floor_mode == "relax":
            G_dot = np.maximum(G_dot, rule.floor - G)
        return np.concatenate([free_dot, clamped_dot, G_dot])

    end = end if floor_mode == "relax" else 0.1         # before the first conductance meets the floor
    direct = solve_ivp(rhs, (0, end), np.concatenate([v, v + eta * w, G]), rtol=1e-11, atol=1e-13).y[:, -1]
    run = ol.train(NET, task, rate, rule=rule, until=None, t_max=end, dt=end / 2000)
    np.testing.assert_allclose(run.conductances, direct[2 * n:], atol=2e-8)
    np.testing.assert_allclose(run.voltages, direct[:n], atol=2e-8)


def test_order_of_the_step_is_four():
    """On a smooth stretch, before any conductance meets the floor."""
    task = a_task(3)
    ends = [ol.train(NET, task, 1.0, until=None, t_max=1.0, dt=1.0 / n).conductances for n in (24, 48, 96, 768)]
    errors = [np.abs(end - ends[-1]).max() for end in ends[:-1]]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.all(np.abs(orders - 4) < 0.2), orders


def test_voltage_divider_has_the_closed_form():
    """Two edges in series: v* = G_1/(G_1 + G_2), and learning keeps what the drops make alike."""
    net = ol.Network([[0, 1], [1, 2]])
    task = ol.Task(sources=[0, 2], source_voltages=[1.0, 0.0], targets=[1], target_voltages=[0.3])
    run = ol.train(net, task, 0.5, record=ol.Record(times=[0.0, 0.5]))
    g1, g2 = run.conductances
    assert run.status == "reached"
    assert run.final_cost == pytest.approx((0.3 - g1 / (g1 + g2)) ** 2 / run.initial_cost, rel=1e-9)
    assert run.initial_cost == pytest.approx(0.04, rel=1e-14)
    assert run.equilibrium_cost[0] == pytest.approx(1, rel=1e-14)
    assert run.cost[0] == pytest.approx(1, rel=1e-14)


def test_recorded_costs_are_those_of_the_equations():
    task, times = a_task(4), np.array([0.3, 1.1, 2.7, 5.9])
    rule, rate = ol.Rule(), 30.0
    run = ol.train(NET, task, rate, rule=rule, until=None, t_max=6.0, record=ol.Record(times=times),
                   tolerance=1e-4)
    G = np.ones(NET.n_edges)
    n = NET.n_nodes

    def rhs(t, y):
        return np.concatenate(twin.slopes(NET, task, rule, rate, y[:n], y[n:2 * n], y[2 * n:]))

    path = solve_ivp(rhs, (0, 6), np.concatenate([*twin.beginning(NET, task, G), G]), t_eval=times, rtol=1e-10,
                     atol=1e-12).y
    C = [np.sum((task.target_voltages - y[:n][task.targets]) ** 2) for y in path.T]
    C_star = [np.sum(twin.equilibrium_error(NET, task, y[2 * n:]) ** 2) for y in path.T]
    np.testing.assert_array_equal(run.times, times)
    np.testing.assert_allclose(run.cost * run.initial_cost, C, rtol=5e-3)
    np.testing.assert_allclose(run.equilibrium_cost * run.initial_cost, C_star, rtol=5e-3)
    np.testing.assert_allclose(run.training_steps, rate * times)


@pytest.mark.parametrize("rate", [0.02, 3.0, 1e4])
def test_recording_changes_no_more_than_the_tolerance(rate):
    """Times at which the cost is recorded may be stepped to."""
    task = a_task(1)
    plain, recorded = ol.train(NET, task, rate), ol.train(NET, task, rate, record=ol.Record(per_decade=20))
    assert recorded.training_time == pytest.approx(plain.training_time, rel=1e-3)
    np.testing.assert_allclose(recorded.conductances, plain.conductances, atol=2e-3 * plain.conductances.max())


@pytest.mark.parametrize("a", [4.0, 0.5])
def test_voltages_scaled_and_rate_by_its_square_is_the_same_training(a):
    task = a_task(2)
    scaled = ol.Task(task.sources, a * task.source_voltages, task.targets, a * task.target_voltages)
    one = ol.train(NET, task, 100.0, t_max=40.0)
    two = ol.train(NET, scaled, 100.0 / a ** 2, t_max=40.0)
    assert one.status == "reached"
    same_bits(one, two, ("training_time", "conductances", "n_steps"))


@pytest.mark.parametrize("floor_mode", ["clip", "relax"])
def test_conductances_and_times_scaled_are_the_same_training(floor_mode):
    a, task = 4.0, a_task(2)
    one = ol.train(NET, task, 20.0, t_max=60.0, rule=ol.Rule(floor_mode=floor_mode))
    rule = ol.Rule(floor=a * 1e-6, floor_mode=floor_mode, floor_rate=a)
    two = ol.train(NET, task, 20.0 * a ** 2, t_max=60.0 / a, rule=rule, conductances=np.full(NET.n_edges, a))
    assert one.status == "reached"
    assert two.training_time == one.training_time / a
    assert np.array_equal(two.conductances, a * one.conductances)


def test_bits_depend_on_the_member_only():
    """Alone, among others, in another order, on one thread or two."""
    tasks, rates = [a_task(s % 7) for s in range(21)], np.geomspace(0.01, 1e4, 21)
    record = ol.Record(per_decade=4)
    many = ol.train(NET, tasks, rates, record=record, threads=1)
    threaded = ol.train(NET, tasks, rates, record=record, threads=2)
    backwards = ol.train(NET, tasks[::-1], rates[::-1], record=record, threads=1)
    for k in range(21):
        same_bits(many[k], threaded[k])
        same_bits(many[k], backwards[20 - k])
    for k in (0, 8, 20):
        same_bits(many[k], ol.train(NET, tasks[k], rates[k], record=record))


def test_a_step_that_loses_the_manifold_is_not_taken(reference):
    """Task 164 once jumped from a lag of 0.01 to one of 1e10, and time stood still: its limit must be reached."""
    net = ol.Network.read(reference / "networks" / "packing_01.txt")
    run = ol.train(net, ol.Task.allosteric(net, 10, 3, seed=164), 10.0 ** -1.5)
    assert run.status == "out of time"
    assert run.conductances.max() < 100.0
    assert 0.01 < run.final_cost < 0.05


def test_set_aside_and_taken_up_again():
    from ohmlearn.drivers.training.ensemble import Ensemble
    tasks = [a_task(s) for s in range(12)]
    ensemble = Ensemble(NET, tasks, np.arange(12), np.full(12, 0.01), ol.Rule(), record=ol.Record(per_decade=5))
    whole, parts = whole_and_in_slices(ensemble, 12, 4)
    for k in range(12):
        same_bits(whole[k], parts[k])


def test_a_run_goes_on_from_another():
    task = a_task(1)
    whole = ol.train(NET, task, 2.0, until=None, t_max=6.0, dt=0.01)
    half = ol.train(NET, task, 2.0, until=None, t_max=3.0, dt=0.01)
    rest = ol.train(NET, task, 2.0, until=None, t_max=3.0, dt=0.01, conductances=half)
    assert rest.time == pytest.approx(6.0)
    assert rest.initial_cost == half.initial_cost
    np.testing.assert_allclose(rest.conductances, whole.conductances, rtol=1e-9)
    np.testing.assert_allclose(rest.final_cost, whole.final_cost, rtol=1e-7)


def test_thresholds_first_and_sustained():
    task = a_task(1)
    run = ol.train(NET, task, 300.0, until=1e-2, t_max=30.0, go_on=True, record=ol.Record(per_decade=400, start=1e-3))
    below = run.equilibrium_cost < 1e-2
    last_above = np.flatnonzero(~below)[-1]
    assert run.training_time == pytest.approx(run.times[np.argmax(below)], rel=0.01)
    assert run.times[last_above] <= run.sustained_time <= run.times[last_above + 1] * 1.01
    assert run.sustained_time > run.training_time, "this task oscillates back over the threshold"
    assert run.nonequilibrium_time == pytest.approx(run.times[np.argmax(run.cost < 1e-2)], rel=0.01)
    assert run.time == pytest.approx(30.0)
    assert run.status == "reached"


def test_frozen_edges_and_bounds():
    frozen = np.zeros(NET.n_edges, dtype=bool)
    frozen[::4] = True
    start = np.random.default_rng(1).uniform(0.5, 1.5, NET.n_edges)
    run = ol.train(NET, a_task(1), 50.0, rule=ol.Rule(frozen=frozen, ceiling=1.6), conductances=start, t_max=20.0)
    assert np.array_equal(run.conductances[frozen], start[frozen])
    assert run.conductances.max() <= 1.6
    assert not np.array_equal(run.conductances[~frozen], start[~frozen])


def test_nothing_to_learn_is_reached_at_once():
    task = a_task(0)
    v = ol.Equilibrium(NET, held=task.sources).solve(np.ones(NET.n_edges), held_voltages=task.source_voltages)
    done = ol.Task([0, 1], [1.0, 1.0], [2], [1.0])
    run = ol.train(NET, done, 1.0)
    assert run.status == "reached"
    assert run.training_time == 0
    assert np.isfinite(v).all()


def test_a_task_that_cannot_be_met_ends_with_a_reason():
    task = ol.Task([0, 1], [1.0, 0.0], [2], [2.0])
    run = ol.train(NET, task, 1.0)
    assert run.status in ("stalled", "out of time")
    assert np.isnan(run.training_time)
    assert "C*/C*(0)" in run.reason


def test_an_unstable_step_names_the_bound():
    with pytest.raises(Diverged, match=r"dt = 0\.9; the stable bound is 0\.\d+"):
        ol.train(NET, a_task(0), 1.0, dt=0.9)
    runs = ol.train(NET, a_task(0), [1.0, 2.0], dt=0.9)
    assert list(runs.status) == ["diverged", "diverged"]


@pytest.mark.parametrize(("change", "message"), [
    ({"rate": -1.0}, "rate -1.0 is no rate"),
    ({"rate": np.nan}, "rate nan is no rate"),
    ({"until": 2.0}, "until=2.0 must lie between 0 and 1"),
    ({"until": None}, "give t_max"),
    ({"dt": -0.1}, "dt=-0.1 must be positive, in 1/γp, or 'auto' for the largest step that the tolerance allows"),
    ({"t_max": 0.0}, "t_max=0.0 must be a positive"),
    ({"conductances": np.ones(3)}, r"must have shape \(\d+,\)"),
    ({"conductances": np.full(NET.n_edges, 1e-9)}, "below the floor"),
    ({"conductances": -np.ones(NET.n_edges)}, "must be finite and >= 0"),
    ({"rule": ol.Rule(frozen=np.zeros(3, dtype=bool))}, "3 entries"),
    ({"task": ol.Task([0, 10_000], [0.0, 1.0], [2], [0.5])}, "source node 10000 is not in the network"),
    ({"tolerance": 1.0}, "tolerance=1.0"),
    ({"rate": [1.0, 2.0, 3.0], "task": [a_task(0), a_task(1)]}, "2 tasks and 3 rates do not go together"),
])
def test_bad_input_is_named(change, message):
    call = {"task": a_task(0), "rate": 1.0} | change
    task, rate = call.pop("task"), call.pop("rate")
    with pytest.raises(ValueError, match=message):
        ol.train(NET, task, rate, **call)


@pytest.mark.parametrize("dt", ["fast", True, None, [0.1]])
def test_steps_of_another_kind(dt):
    with pytest.raises(TypeError, match="dt must be a number"):
        ol.train(NET, a_task(0), 1.0, dt=dt)


def test_a_floating_part_is_named():
    net = ol.Network([[0, 1], [1, 2], [3, 4]])
    with pytest.raises(ValueError, match="node 3 lies in a part"):
        ol.train(net, ol.Task([0, 2], [1.0, 0.0], [1], [0.3]), 1.0)
