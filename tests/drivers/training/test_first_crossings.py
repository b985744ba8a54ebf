"""The first time at which C* falls below the threshold, and the state that a run has there, against an integration that
shares nothing with the kernels. benchmarks/first_crossings.py does the same for thousands of runs."""
import direct
import numpy as np
import ohmlearn as ol
import pytest
import reference as twin

NETWORKS = {"packing": ol.Network.packing(48, seed=10), "grid": ol.Network.grid(5, 6),
            "delaunay": ol.Network.delaunay(40, seed=10), "random": ol.Network.random(36, 4.5, seed=10)}


EVERY = [(family, targets, floor_mode) for family in NETWORKS for targets in (1, 2, 3, 5)
         for floor_mode in ("relax", "clip")]


@pytest.mark.slow       # compiles the integration
@pytest.mark.parametrize(("family", "targets", "floor_mode"), EVERY)
def test_the_first_crossing_is_found_and_its_state_handed_back(family, targets, floor_mode):
    net, rule, crossed = NETWORKS[family], ol.Rule(floor_mode=floor_mode), 0
    for rate in (0.1, 1.0, 10.0, 1e2, 1e4, 1e6, 1e8):
        task = ol.Task.allosteric(net, 6, targets, seed=10, feasible=True)
        limit = 300 / (rate if rate < 1 else rate ** 0.5)
        exact, missed, _, _ = direct.first_crossing(net, task, rule, rate, limit)
        run = ol.train(net, task, rate, rule=rule, t_max=limit)
        if missed < 1.05:                            # a dip that comes this near is undecided at the tolerance
            continue
        assert (run.status == "reached") == np.isfinite(exact), rate
        if run.status != "reached":
            continue
        crossed += 1
        assert run.training_time == pytest.approx(exact, rel=1e-3), rate
        assert run.time == run.training_time == run.sustained_time
        cost = np.sum(twin.equilibrium_error(net, task, run.conductances) ** 2) / run.initial_cost
        assert 0.999e-6 <= cost < 1e-6
        assert run.final_cost == pytest.approx(cost, rel=1e-5)
    assert crossed or targets == 5


@pytest.mark.parametrize(("targets", "rate"), [(1, 1.0), (1, 1e4), (2, 100.0)])
def test_few_targets_at_the_default_tolerance(targets, rate):
    """One target crosses its desired voltage at every oscillation; the first time counts."""
    net = ol.Network.packing(64, seed=1)
    tasks = [ol.Task.allosteric(net, 10, targets, seed=seed, feasible=True) for seed in range(40)]
    default, exact = (ol.train(net, tasks, rate, tolerance=tolerance) for tolerance in (1e-3, 1e-5))
    np.testing.assert_array_equal(default.status, exact.status)
    error = np.abs(default.training_time / exact.training_time - 1)
    assert np.nanmax(error) < 1e-2
    assert np.nanquantile(error, 0.97) < 1e-3


def test_a_small_grid_with_one_target(monkeypatch):
    for name in ("integrate", "rhs", "errors", "crossing", "cost_at"):      # few steps, that need no compiling
        monkeypatch.setattr(direct, name, getattr(direct, name).py_func)
    net, task = ol.Network.grid(4, 4), ol.Task([0, 15], [1.0, 0.0], [6], [0.7])
    for rate in (1.0, 10.0, 1e4):
        exact = direct.first_crossing(net, task, ol.Rule(), rate, 100.0)[0]
        run = ol.train(net, task, rate)
        assert run.training_time == pytest.approx(exact, rel=1e-3)
        assert abs(run.final_cost * run.initial_cost) ** 0.5 == pytest.approx(1e-3 * run.initial_cost ** 0.5, rel=1e-3)
    assert ol.train(net, task, 1.0).training_time == pytest.approx(13.4157, rel=1e-3)


@pytest.mark.parametrize(("rate", "n_nodes"), [(0.0, 30), (0.02, 30), (0.0, 4100), (1.0, 4100)])
def test_the_state_is_that_of_the_crossing_on_every_path(rate, n_nodes):
    """Slow manifold, quasistatic limit, and one large network."""
    net = ol.Network.delaunay(n_nodes, seed=4)
    task = ol.Task.allosteric(net, 5, 2, seed=3, feasible=True)
    run = ol.train(net, task, rate, until=0.5 if rate == 1.0 else 1e-2)
    assert run.status == "reached"
    assert run.time == run.training_time
    assert 0.999 <= run.final_cost / (0.5 if rate == 1.0 else 1e-2) < 1
    v = ol.voltages(net, task, run.conductances)
    assert np.sum((task.target_voltages - v[task.targets]) ** 2) == pytest.approx(run.final_cost * run.initial_cost,
                                                                                rel=1e-6)


def test_going_on_from_the_crossing_is_the_undisturbed_run():
    net = ol.Network.packing(64, seed=1)
    for seed in (1, 2, 3):
        task = ol.Task.allosteric(net, 10, 3, seed=seed, feasible=True)
        whole, short = ol.train(net, task, 30.0), ol.train(net, task, 30.0, until=1e-2)
        rest = ol.train(net, task, 30.0, conductances=short)
        assert rest.training_time == pytest.approx(whole.training_time, rel=2e-3)
        assert ol.train(net, task, 30.0, until=1e-2, conductances=rest).training_time == rest.time
