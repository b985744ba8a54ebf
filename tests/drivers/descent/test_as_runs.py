"""Gradient flow as a rule of `train`."""
import numpy as np
import ohmlearn as ol
import pytest

NET = ol.Network.delaunay(16, seed=2, mean_degree=None, spacing=0.5)
START = np.random.default_rng(0).uniform(0.5, 1.5, NET.n_edges)
TASK = ol.Task(currents={0: 1.0, 15: -1.0}, targets=[(4, 9)], target_voltages=[0.8])
FLOW = ol.rules.GradientFlow(fraction=0.2)


def test_a_run_is_the_descent():
    run = ol.train(NET, TASK, 0, rule=FLOW, until=1e-8, conductances=START)
    descent = ol.descend(NET, TASK, rule=FLOW, until=1e-8, conductances=START)
    assert run.status == descent.status == "reached"
    assert np.array_equal(run.conductances, descent.conductances)
    assert run.training_time == run.sustained_time == run.time == descent.time
    assert run.final_cost == pytest.approx(descent.cost / descent.initial_cost)
    h = ol.hessian(NET, TASK, START)
    assert run.initial_cost == pytest.approx(h.errors[0]**2)
    assert np.allclose(run.voltages, ol.voltages(NET, TASK, run.conductances))
    assert run.rule is FLOW


def test_record_threshold_and_going_on():
    times = np.array([0.0, 1.0, 5.0, 100.0])
    run = ol.train(NET, TASK, 0, rule=FLOW, until=1e-3, t_max=100.0, go_on=True, conductances=START,
                   record=ol.Record(times=times))
    assert run.times.tolist() == times.tolist()
    costs = [ol.descend(NET, TASK, rule=FLOW, until=0, t_max=t, conductances=START).cost for t in times[1:3]]
    assert np.allclose(run.equilibrium_cost[1:3] * run.initial_cost / 2, costs, rtol=0.05)
    assert run.equilibrium_cost[0] == pytest.approx(1.0)
    assert run.status == "reached"
    assert run.training_time < run.time == 100.0
    first = ol.train(NET, TASK, 0, rule=FLOW, until=1e-2, conductances=START)
    second = ol.train(NET, TASK, 0, rule=FLOW, until=1e-6, conductances=first)
    assert second.initial_cost == pytest.approx(first.initial_cost)
    assert second.training_time > first.training_time
    assert second.final_cost < 1e-6
    again = ol.train(NET, TASK, 0, rule=FLOW, until=1e-2, conductances=second)
    assert again.n_steps == 0
    assert again.training_time == second.time


def test_ensemble_of_tasks_and_samples():
    samples = (ol.Task([0, 15], [1.0, 0.0], [4], [0.4]), ol.Task([0, 15], [-1.0, 0.5], [4], [-0.1]))
    runs = ol.train(NET, [TASK, samples], 0, rule=FLOW, until=1e-4, threads=2)
    assert runs.status.tolist() == ["reached", "reached"]
    errors = ol.hessian(NET, samples, runs[1].conductances).errors
    assert errors @ errors == pytest.approx(2 * runs[1].final_cost * runs[1].initial_cost)
    assert np.array_equal(runs[0].conductances, ol.train(NET, TASK, 0, rule=FLOW, until=1e-4).conductances)
    many = ol.train(NET, [TASK] * 2, 0, rule=FLOW, until=1e-2, conductances=np.stack([START, START + 0.1]))
    assert not np.array_equal(many[0].conductances, many[1].conductances)


def test_bad_input():
    for words, given in (("give rate=0", {"rate": 1.0}), ("leave dt and", {"dt": 0.1}),
                         ("leave dt and", {"method": "rk4"}), ("give t_max", {"until": None}),
                         ("give t_max", {"go_on": True}),
                         ("give t_max, as gradient flow", {"record": ol.Record(per_decade=5)}),
                         ("until=3", {"until": 3}), ("outside the rule's bounds", {"conductances": 20.0})):
        with pytest.raises(ValueError, match=words):
            ol.train(NET, TASK, **({"rate": 0, "rule": FLOW} | given))
    with pytest.raises(ValueError, match="2 starts, but 3 to train"):
        ol.train(NET, [TASK] * 3, 0, rule=FLOW, conductances=[START, START])
    unreachable = ol.Task([0, 15], [1.0, 0.0], [4], [1.5])
    run = ol.train(NET, unreachable, 0, rule=FLOW)
    assert run.status == "stalled"
    assert np.isnan(run.training_time)
    assert "held voltages allow 0 to 1 V" in run.reason
