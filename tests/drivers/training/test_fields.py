"""Every field of a rule, a schedule and a task changes a run wherever it is accepted, on every path; elsewhere it is
refused. A new field must be entered in the tables below, with a value that should count."""
import dataclasses

import numpy as np
import ohmlearn as ol
import pytest
from discrete_twin import BIAS, FROZEN, NET, NODES, OTHER, SAMPLES, START

FLOORED = {"floor": 0.69, "prefactor": 8.0}
BOTH = {"ceiling": 9.0, "frozen": np.arange(NET.n_edges) % 5 == 2}      # a combination that other tests compile too
# field -> the fields that it needs, and another value of it
RULES = {
    "nudge": ({}, 0.3), "prefactor": ({}, 0.7), "floor": (FLOORED, 0.6), "floor_mode": (FLOORED, "clip"),
    "floor_rate": (FLOORED, 0.2), "ceiling": (BOTH, 1.3), "frozen": (BOTH, FROZEN), "clamp": ({}, "pulled"),
    "clamp_rate": ({"clamp": "pulled"}, 2.0), "clamp_share": ({"clamp": "pulled"}, 0.3), "aging": ({}, 0.05),
    "bias": ({}, BIAS), "noise": ({}, 0.01), "seed": ({"noise": 0.01}, 5), "edge_scale": ({}, 0.05),
    "memory": ({"edge_scale": 0.05}, 2.0),
}
RAMP = {"ramp_times": [0.0, 2.0], "ramp_factors": [1.0, 0.5]}
SCHEDULES = {"switching": ({}, 0.5), "blend": ({"switching": 0.5}, True), "ramp_times": (RAMP, [0.0, 1.0]),
             "ramp_factors": (RAMP, [1.0, 2.0]), "slow_down": ({}, 0.3), "speed_up": ({}, 0.3)}
TASKS = {"sources": [0, 6, 13], "source_voltages": [1.0, -0.2, 0.0], "targets": [4, 8], "target_voltages": [0.2, 0.1],
         "currents": {2: 0.3}, "drops": {(1, 7): 0.2}, "ground": 3}
FLOWS = {"floor": ({}, 0.69), "ceiling": ({}, 1.3), "cap": ({}, 0.01), "fraction": ({}, 0.1), "frozen": ({}, FROZEN)}
# which tasks, R, and options of train; at R = 30 C oscillates, so that slow_down has its part
LARGE = ol.Network.delaunay(4100, seed=4)
FAR = ol.Task.allosteric(LARGE, 5, 2, seed=3, feasible=True)
PATHS = {"plain": (NODES, 2.0, {}), "manifold": (NODES, 0.02, {}), "quasistatic": (NODES, 0.0, {}),
         "general": (SAMPLES, 30.0, {}), "general quasistatic": (SAMPLES, 0.0, {}),
         "discrete": (SAMPLES, 2.0, {"updates": ol.Discrete()}),
         "discrete quasistatic": (SAMPLES, 0.0, {"updates": ol.Discrete()}),
         "large": (FAR, 30.0, {}), "large quasistatic": (FAR, 0.0, {})}
EVERY_PATH = [pytest.param(path, marks=pytest.mark.slow) if given[0] is FAR else path      # seconds a run
              for path, given in PATHS.items()]
# At rate 0 a floor holds at once however fast conductances relax to it (drivers/training/ensemble.py, fall).
AT_ONCE = {"floor_mode", "floor_rate"}


def trained(path, rule, schedule=None, task=None):
    given, rate, options = PATHS[path]
    network = LARGE if given is FAR else NET
    start = np.resize(START, network.n_edges)
    if network is LARGE:
        rule = {key: np.resize(value, network.n_edges) if np.ndim(value) else value for key, value in rule.items()}
    limit = 2.0 if given is FAR else 8.0 if rate != 0.02 or schedule is not None else 400.0
    return ol.train(network, task or given, rate, rule=ol.Rule(**rule), schedule=schedule, until=None, t_max=limit,
                    conductances=start, threads=1, **options).conductances


def test_the_tables_name_every_field():
    rejected = {"rejected"}                     # of a task: how it was drawn
    for table, kind, without in ((RULES, ol.Rule, set()), (SCHEDULES, ol.Schedule, set()), (TASKS, ol.Task, rejected),
                                 (FLOWS, ol.GradientFlow, set())):
        assert set(table) == {field.name for field in dataclasses.fields(kind)} - without


@pytest.mark.parametrize("path", EVERY_PATH)
@pytest.mark.parametrize("name", RULES)
def test_every_field_of_a_rule_counts(path, name):
    needed, value = RULES[name]
    one, two = trained(path, needed), trained(path, needed | {name: value})
    change = np.abs(one - two).max()
    if path.endswith("quasistatic") and name in AT_ONCE:
        assert change == 0
    else:
        assert change > 1e-6


@pytest.mark.parametrize("path", EVERY_PATH)
@pytest.mark.parametrize("name", SCHEDULES)
def test_every_field_of_a_schedule_counts_or_is_refused(path, name):
    needed, value = SCHEDULES[name]
    try:
        two = trained(path, {}, ol.Schedule(**(needed | {name: value})))
    except ValueError as error:
        refused = str(error)
    else:
        refused = ""
    if refused:
        assert any(word in refused for word in (name, "rate 0", "switching"))
        return
    change = np.abs(trained(path, {}, ol.Schedule(**needed)) - two).max()
    if name in ("switching", "blend") and PATHS[path][0] is not SAMPLES:        # one sample is always shown
        assert change == 0
    else:
        assert change > 1e-6


@pytest.mark.parametrize("path", [path for path in PATHS if PATHS[path][0] is not FAR])
@pytest.mark.parametrize("name", TASKS)
def test_every_field_of_a_task_counts(path, name):
    def made(task, **change):
        given = {key: getattr(task, key) for key in ("sources", "source_voltages", "targets", "target_voltages")}
        return ol.Task(**(given | change))

    several = PATHS[path][0] is SAMPLES
    one, two = ((made(NODES, **change), made(OTHER, **change)) if several else made(NODES, **change)
                for change in ({}, {name: TASKS[name]}))
    assert np.abs(trained(path, {}, task=one) - trained(path, {}, task=two)).max() > 1e-6


@pytest.mark.parametrize("name", FLOWS)
def test_every_field_of_a_gradient_flow_counts(name):
    needed, value = FLOWS[name]
    one, two = (ol.train(NET, NODES, 0.0, rule=ol.GradientFlow(**rule), conductances=START, t_max=300.0, until=None)
                for rule in (needed, needed | {name: value}))
    assert np.abs(one.conductances - two.conductances).max() > 1e-6


def test_what_a_path_cannot_honour_is_refused():
    with pytest.raises(ValueError, match="clamp='moving' follows in time"):
        ol.train(NET, NODES, 0.0, rule=ol.Rule(clamp="moving"))
