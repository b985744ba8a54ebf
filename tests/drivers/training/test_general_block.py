"""Every linear task, rule and schedule against equations integrated by scipy, and against the plain kernels."""
import numpy as np
import ohmlearn as ol
import pytest
import reference as twin
from queues import whole_and_in_slices

NET = ol.Network.delaunay(14, seed=2, mean_degree=None, spacing=0.5)
START = np.random.default_rng(0).uniform(0.7, 1.3, NET.n_edges)
BIAS = np.random.default_rng(1).normal(0, 0.02, NET.n_edges)
NODES = ol.Task([0, 5, 13], [1.0, -0.4, 0.0], [4, 9], [0.25, 0.1])
OTHER = ol.Task([0, 5, 13], [-0.2, 0.7, 0.0], [4, 9], [0.05, 0.15])
PAIR = (NODES, OTHER)
MIXED = ol.Task([0], [0.4], [(4, 9), (9, 2), {5: 1.0, 6: 0.5}], [0.05, -0.1, 0.5], drops={(1, 7): 0.3, (7, 11): 0.1},
                currents={12: 0.6})
CASES = {
    "currents, a drop": (ol.Task(currents={0: 1.0}, targets=[(4, 9)], target_voltages=[0.1], ground=13), {}, {}),
    "floating": (ol.Task(currents={0: 1.0, 13: -1.0}, targets=[(4, 9), 6], target_voltages=[0.1, -0.05]), {}, {}),
    "held drops, drops that share a node": (MIXED, {"nudge": 0.3}, {}),
    "side by side": (PAIR, {}, {}),
    "in turn": (PAIR, {}, {"switching": 1.3}),
    "in turn, fast": ((*PAIR, NODES), {}, {"switching": 40.0}),
    "blended": ((MIXED, ol.Task([0], [-0.2], MIXED.targets, [0.1, 0.1, 0.2], drops={(1, 7): 0.1, (7, 11): -0.2},
                                currents={12: -0.3})), {}, {"switching": 0.7, "blend": True}),
    "moving clamp": (NODES, {"clamp": "moving", "clamp_rate": 2.0, "nudge": 0.5}, {}),
    "pulled": (MIXED, {"clamp": "pulled", "clamp_rate": 3.0, "clamp_share": 0.2, "nudge": 0.2}, {}),
    "ramp": (NODES, {}, {"ramp_times": [0.5, 2.0, 2.5], "ramp_factors": [1.0, 0.1, 3.0]}),
    "edges of their own": (NODES, {"edge_scale": 0.05, "memory": 2.0}, {}),
    "a rate that answers to growth": (NODES, {"nudge": 0.2}, {"slow_down": 2.0, "speed_up": 0.5}),
    "aging and bias": (NODES, {"aging": 0.01, "bias": BIAS, "frozen": np.arange(NET.n_edges) % 5 == 0}, {}),
}
TIMES = np.array([0.0, 0.6, 1.7, 3.0])


def twin_of(case, rate):
    task, rule, schedule = case
    return twin.GeneralTwin(NET, task if isinstance(task, tuple) else (task,), ol.Rule(**rule), ol.Schedule(**schedule),
                            rate)


def trained(case, rate, **options):
    task, rule, schedule = case
    options = {"until": None, "t_max": TIMES[-1], "conductances": START, "record": ol.Record(times=TIMES)} | options
    return ol.train(NET, task, rate, rule=ol.Rule(**rule), schedule=ol.Schedule(**schedule), **options)


@pytest.mark.parametrize("name", CASES)
def test_equations(name):
    """G, v, w at the end, and both costs along the way, with small fixed steps."""
    case, rate = CASES[name], 1.5
    equations = twin_of(case, rate)
    states = equations.integrate(TIMES, START, rtol=1e-9)
    dt, tolerance = {"ramp": (0.005, 5e-5), "a rate that answers to growth": (5e-4, 3e-4)}.get(name, (0.005, 1e-6))
    run = trained(case, rate, dt=dt)        # kinks of a rate that changes fall between steps: of first order in dt
    v, w, G, _, _ = states[-1]
    np.testing.assert_allclose(run.conductances, G, atol=tolerance)
    assert np.abs(G - START).max() > 0.1
    several = isinstance(case[0], tuple) and not case[2]
    np.testing.assert_allclose(run.voltages, v if several else v[0], atol=tolerance)
    np.testing.assert_allclose(run.difference, w if several else w[0], atol=10 * tolerance)
    costs = [equations.cost(G) for _, _, G, _, _ in states]
    assert run.initial_cost == pytest.approx(costs[0], rel=1e-10)
    np.testing.assert_allclose(run.equilibrium_cost, np.array(costs) / costs[0], rtol=2e-3, atol=1e-5)


@pytest.mark.parametrize("name", ["currents, a drop", "floating", "side by side", "pulled", "blended", "in turn"])
def test_quasistatic_limit(name):
    case = CASES[name]
    equations = twin_of(case, 0.0)
    states = equations.integrate(TIMES, START, rtol=1e-8)
    run = trained(case, 0.0, tolerance=1e-6)
    np.testing.assert_allclose(run.conductances, states[-1][2], atol=2e-5)
    np.testing.assert_allclose(run.equilibrium_cost * run.initial_cost, [equations.cost(G) for _, _, G, _, _ in states],
                               rtol=2e-3, atol=1e-7)


def test_aging_to_the_floor_at_rate_zero():
    """Nothing pulls back, so no error of the targets limits the step: what G itself does must."""
    case = NODES, {"nudge": 1.0, "aging": 1.0, "floor": 0.3}, {}
    end = twin_of(case, 0.0).integrate(np.array([0.0, 3.0]), START, rtol=1e-6)[-1][2]
    run = trained(case, 0.0, record=None, tolerance=1e-5)
    assert np.isclose(end, 0.3, atol=1e-4).sum() >= 2
    np.testing.assert_allclose(run.conductances, end, atol=2e-3)


def test_nodal_tasks_go_as_with_the_plain_kernels():
    """A schedule that changes nothing sends them through the general kernels."""
    schedule = ol.Schedule(ramp_times=[1.0], ramp_factors=[1.0])
    for seed in (1, 2):
        task = ol.Task.allosteric(NET, 4, 2, seed=seed, feasible=True)
        options = {"until": None, "t_max": 1.0, "dt": 0.002, "conductances": START}
        one, two = (ol.train(NET, task, 0.5, schedule=given, **options) for given in (None, schedule))
        np.testing.assert_allclose(one.conductances, two.conductances, atol=1e-9)
        rates = [0.0, 0.3, 30.0, 1e4, 1e7]
        plain, general = (ol.train(NET, [task] * len(rates), rates, schedule=given, tolerance=1e-4)
                          for given in (None, schedule))
        np.testing.assert_allclose(general.training_time, plain.training_time, rtol=3e-3)


def test_samples_in_turn_fast_and_slowly_learned_are_samples_side_by_side():
    runs = [ol.train(NET, PAIR, 0.02, until=None, t_max=60.0, conductances=START, schedule=schedule)
            for schedule in (None, ol.Schedule(switching=30.0))]
    moved = np.abs(runs[0].conductances - START).max()
    quasistatic = ol.train(NET, PAIR, 0.0, until=None, t_max=0.02 * 60.0, conductances=START).conductances
    np.testing.assert_allclose(runs[0].conductances, quasistatic, atol=0.02 * moved)
    slow = ol.train(NET, PAIR, 0.02, until=None, t_max=60.0, conductances=START, schedule=ol.Schedule(switching=0.1))
    np.testing.assert_allclose(slow.conductances, quasistatic, atol=0.1 * moved)
    assert np.abs(runs[1].conductances - quasistatic).max() > 0.1 * moved    # σ > γp: v never sees one alone


def test_equilibrium_propagation_is_the_gradient_of_the_cost():
    rule = ol.Rule(clamp="pulled", clamp_share=0.0, nudge=0.0)
    tasks, step = (MIXED, ol.Task([0], [0.1], MIXED.targets, [0.3, 0.2, 0.1], drops=MIXED.drops)), 1e-6
    run = ol.train(NET, tasks, 0.0, rule=rule, until=None, t_max=step, conductances=START)
    gradient = ol.hessian(NET, list(tasks), START).cost_gradient       # of ½ Σ c², summed over the samples
    np.testing.assert_allclose((run.conductances - START) / step, -gradient, rtol=1e-5, atol=1e-8)


def test_noise_is_white_and_the_members_own():
    start, rate, end, sigma = np.full(NET.n_edges, 1.0), 1e-4, 2.0, 0.3
    tasks = [ol.Task([0, 13], [1e-3, 0.0], [4], [1e-3 * k / 40]) for k in range(40)]
    rule = ol.Rule(noise=sigma, seed=7)
    runs = ol.train(NET, tasks, rate, rule=rule, until=None, t_max=end, conductances=start)
    moved = (runs.conductances - start) / (sigma * np.sqrt(rate * end))
    assert moved.std() == pytest.approx(1.0, abs=0.05)          # 1360 numbers: 0.02
    assert abs(moved.mean()) < 0.1
    again = ol.train(NET, tasks[:3], rate, rule=rule, until=None, t_max=end, conductances=start, threads=2)
    assert np.array_equal(again.conductances, runs.conductances[:3])
    assert len(np.unique(runs.conductances)) == runs.conductances.size


def test_bits_depend_on_the_member_only():
    tasks = [PAIR, CASES["floating"][0], MIXED, PAIR, NODES, (*PAIR, NODES)] * 3
    rates, schedule = np.geomspace(0.1, 300, 18), ol.Schedule(switching=0.8)
    options = {"t_max": 12.0, "schedule": schedule, "record": ol.Record(per_decade=2)}
    many, two = (ol.train(NET, tasks, rates, threads=threads, **options) for threads in (1, 2))
    for k in range(18):
        for name in ("conductances", "final_cost", "training_time", "n_steps", "cost", "equilibrium_cost", "voltages"):
            np.testing.assert_array_equal(getattr(many[k], name), getattr(two[k], name), err_msg=name)
    for k in (0, 1, 5, 10):
        alone = ol.train(NET, tasks[k], rates[k], **options)
        assert np.array_equal(alone.conductances, many[k].conductances)
        assert alone.n_steps == many[k].n_steps


def test_set_aside_and_taken_up_again():
    from ohmlearn.drivers.training.ensemble import Ensemble
    schedule = ol.Schedule(switching=3.0, blend=True, slow_down=0.1)
    ensemble = Ensemble(NET, [PAIR], np.zeros(3, dtype=int), np.array([0.3, 3.0, 30.0]),
                        ol.Rule(noise=1e-3, edge_scale=0.1), until=None, t_max=400.0, schedule=schedule)
    whole, parts = whole_and_in_slices(ensemble, 3, 3)
    for k in range(3):
        assert np.array_equal(whole[k].conductances, parts[k].conductances)
        assert np.array_equal(whole[k].difference, parts[k].difference)


def test_a_run_goes_on_from_another():
    schedule = ol.Schedule(switching=0.8)
    whole, half = (ol.train(NET, PAIR, 1.0, until=None, t_max=end, dt=0.01, conductances=START, schedule=schedule)
                   for end in (6.0, 3.0))
    rest = ol.train(NET, PAIR, 1.0, until=None, t_max=3.0, dt=0.01, conductances=half, schedule=schedule)
    np.testing.assert_allclose(rest.conductances, whole.conductances, atol=1e-6)


DEPENDENT = ol.Task([0], [0.0], [4, 9, (4, 9)], [0.1, 0.1, 0.0])


@pytest.mark.parametrize(("change", "message"), [
    ({"task": (NODES, ol.Task([0, 4, 13], [1.0, 0.0, 0.0], [5, 9], [0.1, 0.1]))}, "hold the same nodes"),
    ({"task": DEPENDENT}, "depend on each other"),
    ({"method": "slow", "task": PAIR}, "take 'auto'"),
    ({"rate": 0.0, "schedule": ol.Schedule(slow_down=1.0)}, "no nonequilibrium cost"),
    ({"rule": ol.Rule(bias=np.zeros(3))}, "bias has 3 entries"),
    ({"task": ol.Task([0], [1.0], [ol.Constraint(lambda v: v[4], lambda v: np.eye(14)[4])], [0.2])}, "linear outputs"),
])
def test_bad_input_is_named(change, message):
    call = {"task": NODES, "rate": 1.0, "t_max": 1.0} | change
    task, rate = call.pop("task"), call.pop("rate")
    with pytest.raises((ValueError, NotImplementedError), match=message):
        ol.train(NET, task, rate, **call)


@pytest.mark.parametrize(("given", "message"), [
    ({"switching": 0.0}, "positive rate"), ({"blend": True}, "give the rate"), ({"ramp_times": [1.0]}, "both"),
    ({"ramp_times": [1.0, 1.0], "ramp_factors": [1.0, 2.0]}, "increase"), ({"slow_down": -1.0}, ">= 0"),
])
def test_bad_schedules(given, message):
    with pytest.raises(ValueError, match=message):
        ol.Schedule(**given)


@pytest.mark.parametrize(("given", "message"), [
    ({"clamp": "hard"}, "'held', 'moving' or 'pulled'"), ({"clamp": "moving", "nudge": 0.0}, "needs nudge > 0"),
    ({"memory": 3.0}, "give edge_scale"), ({"bias": [np.nan]}, "finite"), ({"noise": -1.0}, ">= 0"),
])
def test_bad_rules(given, message):
    with pytest.raises(ValueError, match=message):
        ol.Rule(**given)


def test_a_sweep_of_samples_in_turn(tmp_path):
    tables = {"network": {"delaunay": {"n_nodes": 14, "seed": 2}},
              "tasks": {"allosteric": {"sources": 4, "targets": 1, "count": 2, "samples": 2}},
              "rule": {"clamp": "moving", "nudge": 0.5}, "schedule": {"switching": 0.5, "ramp_times": [1.0, 3.0],
                                                                      "ramp_factors": [1.0, 0.5]},
              "sweep": {"rates": [0.5, 2.0], "until": 1e-2, "t_max": 20.0}}
    sweep = ol.Sweep.from_tables(tables)
    first, second = sweep.tasks[1]
    assert np.array_equal(first.source_voltages, ol.Task.allosteric(sweep.network, 4, 1, seed=1).source_voltages)
    assert np.array_equal(first.targets, second.targets)
    assert not np.array_equal(first.target_voltages, second.target_voltages)
    sweep.run(tmp_path / "store", threads=1, quiet=True)
    found = ol.open_results(tmp_path / "store")
    run = ol.train(sweep.network, sweep.tasks[1], 2.0, rule=sweep.rule, schedule=sweep.schedule, until=1e-2, t_max=20.0)
    assert np.array_equal(found.conductances.values[1, 1], run.conductances)
    del tables["schedule"]
    with pytest.raises(ValueError, match="keep_state = false"):
        ol.Sweep.from_tables(tables)


@pytest.mark.parametrize("name", ["floating", "blended", "pulled"])
def test_order_of_the_step_is_four(name):
    """On a smooth stretch, before any conductance meets the floor."""
    ends = [trained(CASES[name], 0.5, t_max=1.0, record=None, dt=1 / steps).conductances for steps in (16, 32, 256)]
    first, second = (np.abs(end - ends[-1]).max() for end in ends[:-1])
    assert np.log2(first / second) == pytest.approx(4, abs=0.25)
