"""Every option of discrete updates counts or is refused; sweeps, the command line and the figure take them."""
import dataclasses

import numpy as np
import ohmlearn as ol
import pytest
from discrete_twin import BIAS, FROZEN, NET, NODES, SAMPLES, START
from ohmlearn.drivers.cli import main

# field -> the rule that has it and another value of it; every field counts or is refused
FLOORED = {"floor": 0.8, "prefactor": 8.0}
RULES = {
    "nudge": ({}, 0.3), "prefactor": ({}, 0.7), "floor": (FLOORED, 0.75), "floor_mode": (FLOORED, "clip"),
    "floor_rate": (FLOORED, 0.2), "ceiling": ({}, 1.3), "frozen": ({}, FROZEN), "clamp": ({}, "pulled"),
    "clamp_rate": ({"clamp": "pulled"}, 2.0), "clamp_share": ({"clamp": "pulled"}, 0.3), "aging": ({}, 0.05),
    "bias": ({}, BIAS), "noise": ({}, 0.01), "seed": ({"noise": 0.01}, 5), "edge_scale": ({}, 0.05),
    "memory": ({"edge_scale": 0.05}, 2.0),
}
SCHEDULES = {
    "switching": 0.5, "blend": {"switching": 0.5, "blend": True}, "ramp_times": {"ramp_times": [0.0, 2.0],
                                                                                 "ramp_factors": [1.0, 0.5]},
    "ramp_factors": {"ramp_times": [1.0], "ramp_factors": [0.5]}, "slow_down": 0.1, "speed_up": 0.1,
}
FIELDS = {"step": 0.5, "batch": 1, "order": {"batch": 1, "order": "random"}, "probability": 0.5,
          "seed": {"probability": 0.5, "seed": 1}}


@pytest.mark.parametrize("name", RULES)
def test_every_field_of_a_rule_counts(name):
    assert set(RULES) == {field.name for field in dataclasses.fields(ol.Rule)}
    rule, value = RULES[name]
    start = np.maximum(START, 0.8) if rule is FLOORED else START
    options = {"until": None, "t_max": 5.0, "conductances": start, "updates": ol.Discrete()}
    one, two = (ol.train(NET, NODES, 2.0, rule=ol.Rule(**given), **options) for given in (rule, rule | {name: value}))
    assert np.abs(one.conductances - two.conductances).max() > 1e-4


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_field_of_a_schedule_counts_or_is_refused(name):
    assert set(SCHEDULES) == {field.name for field in dataclasses.fields(ol.Schedule)}
    given = SCHEDULES[name] if isinstance(SCHEDULES[name], dict) else {name: SCHEDULES[name]}
    options = {"until": None, "t_max": 5.0, "conductances": START, "updates": ol.Discrete()}
    if not name.startswith("ramp"):
        with pytest.raises(ValueError, match=rf"schedule\..*{name}|{name}"):
            ol.train(NET, NODES, 2.0, schedule=ol.Schedule(**given), **options)
        return
    one, two = (ol.train(NET, NODES, 2.0, schedule=schedule, **options) for schedule in (None, ol.Schedule(**given)))
    assert np.abs(one.conductances - two.conductances).max() > 1e-4


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_of_discrete_counts(name):
    assert set(FIELDS) == {field.name for field in dataclasses.fields(ol.Discrete)}
    given = FIELDS[name] if isinstance(FIELDS[name], dict) else {name: FIELDS[name]}
    without = {key: value for key, value in given.items() if key != name}
    one, two = (ol.train(NET, SAMPLES, 2.0, until=None, t_max=5.0, conductances=START, updates=ol.Discrete(**values))
                for values in (without, given))
    assert np.abs(one.conductances - two.conductances).max() > 1e-6


@pytest.mark.parametrize(("given", "error", "message"), [
    ({"step": 0.0}, ValueError, "positive number of training steps"), ({"step": np.inf}, ValueError, "positive number"),
    ({"step": "1"}, TypeError, "step must be a number"), ({"probability": 0.0}, ValueError, "> 0 and <= 1"),
    ({"probability": 1.5}, ValueError, "> 0 and <= 1"), ({"batch": 0}, ValueError, "batch must be at least 1, not 0"),
    ({"batch": 1.5}, TypeError, "whole number"), ({"seed": -1}, ValueError, "seed must be at least 0, not -1"),
    ({"order": "shuffled", "batch": 1}, ValueError, "'cyclic' or 'random'"),
    ({"order": "random"}, ValueError, "give batch"),
])
def test_bad_updates(given, error, message):
    with pytest.raises(error, match=message):
        ol.Discrete(**given)


@pytest.mark.parametrize(("change", "error", "message"), [
    ({"updates": 1.0}, TypeError, "Discrete"), ({"updates": ol.Discrete(batch=4)}, ValueError, "has 3 samples"),
    ({"method": "rk4"}, ValueError, "leave them at 'auto'"), ({"dt": 0.1}, ValueError, "leave them at 'auto'"),
    ({"rate": 0.0, "rule": ol.Rule(clamp="moving")}, ValueError, "clamp='held'"),
    ({"rate": 1e-320}, ValueError, "out of range"), ({"rate": -1.0}, ValueError, "no rate of learning"),
    ({"rule": ol.GradientFlow(), "rate": 0.0}, ValueError, "takes no schedule, updates"),
    ({"precision": "single"}, ValueError, "precision"), ({"rule": ol.Rule(bias=np.zeros(3))}, ValueError, "3 entries"),
    ({"task": ol.Task([0], [1.0], [ol.Constraint(lambda v: v[4], lambda v: np.eye(14)[4])], [0.2])},
     NotImplementedError, "linear outputs"),
])
def test_bad_input_is_named(change, error, message):
    call = {"task": SAMPLES, "rate": 1.0, "updates": ol.Discrete()} | change
    task, rate = call.pop("task"), call.pop("rate")
    with pytest.raises(error, match=message):
        ol.train(NET, task, rate, **call)


@pytest.mark.parametrize("rate", [0.0, 0.5])
def test_a_limit_before_the_first_update(rate):
    run = ol.train(NET, NODES, rate, updates=ol.Discrete(), t_max=0.5, record=ol.Record(times=[0.0, 0.3, 0.5]))
    assert (run.status, run.n_steps, run.time, run.final_cost) == ("out of time", 0, 0.0, 1.0)
    assert run.equilibrium_cost.tolist() == [1.0] * 3
    np.testing.assert_allclose(run.voltages, ol.voltages(NET, NODES, np.ones(NET.n_edges)), atol=1e-14)
    assert "shorter than the time between two updates" in run.reason


def test_a_sweep_of_discrete_updates(tmp_path):
    tables = {"network": {"delaunay": {"n_nodes": 14, "seed": 2}},
              "tasks": {"allosteric": {"sources": 4, "targets": 1, "count": 2, "samples": 2}},
              "updates": {"step": 0.5, "batch": 1}, "sweep": {"rates": [0.0, 2.0], "until": 1e-2, "t_max": 20.0}}
    sweep = ol.Sweep.from_tables(tables)
    sweep.run(tmp_path / "store", threads=1, quiet=True)
    found = ol.open_results(tmp_path / "store")
    for k, rate in enumerate((0.0, 2.0)):
        run = ol.train(sweep.network, sweep.tasks[1], rate, updates=sweep.updates, until=1e-2, t_max=20.0)
        assert np.array_equal(found.conductances.values[1, k], run.conductances)
        assert run.n_steps == found.n_steps.values[1, k]
    flow = ol.Sweep.from_tables({key: value for key, value in tables.items() if key != "updates"}
                                | {"schedule": {"switching": 1.0}})
    assert flow.digest != sweep.digest
    with pytest.raises(ValueError, match=r"\[updates\] probability"):
        ol.Sweep.from_tables(tables | {"updates": {"probability": "half"}})
    with pytest.raises(ValueError, match=r"\[updates\]\s+batch = 1"):
        ol.Sweep.from_tables(tables | {"updates": {"step": 0.5}})


def test_the_command_line_takes_a_step(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["train", "grid:shape=[4,4]", "--sources", "4", "--targets", "1", "--rate", "0", "--step", "0.5", "--seed",
              "1", "--quiet", "--feasible"])
    assert ended.value.code == 0
    net = ol.Network.grid(4, 4)
    run = ol.train(net, ol.Task.allosteric(net, 4, 1, seed=1, feasible=True), 0.0, updates=ol.Discrete(step=0.5))
    assert run.reason in capsys.readouterr().out


def test_the_speed_of_hessians_along_such_a_run_is_left_open():
    runs, course = ol.follow_training(NET, NODES, 0.0, [1.0, 3.0], updates=ol.Discrete())
    assert runs[1].n_steps == 2
    assert np.isnan(course.speed).all()
