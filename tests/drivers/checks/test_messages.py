"""What a first hour gets wrong: each error names the value and what to write instead. Runs stand for conductances."""
import re
from functools import cache

import numpy as np
import ohmlearn as ol
import pytest

NET, TASK = ol.Network.grid(4, 4), ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})


@cache
def trained():
    return ol.train(NET, TASK, 1.0, until=1e-2)


MISTAKES = {
    "rule": (lambda: ol.train(NET, TASK, 1.0, rule="clip"), "'clip'", "Rule(floor_mode='clip')"),
    "sides": (lambda: ol.Network.grid((4, 4)), "(4, 4)", "grid(4, 4)"),
    "pairs": (lambda: ol.train(NET, [TASK] * 2, [1.0, 2.0, 3.0]), "2 tasks and 3 rates", "grid=True"),
    "rate": (lambda: ol.train(NET, TASK, "fast"), "'fast'", "R = γl/γp >= 0"),
    "network": (lambda: ol.train(None, TASK, 1.0), "None", "Network.grid(4, 4)"),
    "task": (lambda: ol.train(NET, None, 1.0), "None", "Task.allosteric"),
    "record": (lambda: ol.train(NET, TASK, 1.0, record=20), "20", "Record(per_decade=20)"),
    "updates": (lambda: ol.train(NET, TASK, 1.0, updates=2.0), "2.0", "Discrete(step=1.0)"),
    "dt": (lambda: ol.train(NET, TASK, 1.0, dt="fast"), "'fast'", "'auto'"),
    "method": (lambda: ol.train(NET, TASK, 1.0, method="fast"), "'fast'", "'slow'"),
    "threads": (lambda: ol.train(NET, TASK, 1.0, threads="two"), "'two'", "whole number"),
    "floor_mode": (lambda: ol.Rule(floor_mode="hard"), "'hard'", "'clip'"),
    "Rule": (lambda: ol.Rule("clip"), "'clip'", "number"),
    "descents": (lambda: ol.descend([NET] * 2, [TASK] * 3), "2 networks, 3 tasks", "as many of all"),
    "deck": (lambda: NET.to_spice(trained()), "Run at R=1", "run.to_spice()"),
    "several": (lambda: ol.voltages(NET, TASK, ol.train(NET, TASK, [1.0, 2.0], until=0.1)), "(2, 24)", "one per edge"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_its_remedy(name):
    call, value, remedy = MISTAKES[name]
    with pytest.raises((TypeError, ValueError), match=f"(?s){re.escape(value)}.*{re.escape(remedy)}|"
                                                      f"{re.escape(remedy)}.*{re.escape(value)}"):
        call()


def test_a_run_does_wherever_conductances_do():
    run = trained()
    g = run.conductances
    np.testing.assert_array_equal(ol.voltages(NET, TASK, run), ol.voltages(NET, TASK, g))
    np.testing.assert_array_equal(ol.hessian(NET, TASK, run).gradient, ol.hessian(NET, TASK, g).gradient)
    assert NET.to_spice(TASK, run) == NET.to_spice(TASK, g) == run.to_spice()
    np.testing.assert_array_equal(ol.modes(NET, run).eigenvalues, ol.modes(NET, g).eigenvalues)
    np.testing.assert_array_equal(ol.descend(NET, TASK, conductances=run).conductances,
                                  ol.descend(NET, TASK, conductances=g).conductances)
    np.testing.assert_array_equal(ol.Equilibrium(NET, [0, 15]).solve(run, [1.0, 0.0]),
                                  ol.Equilibrium(NET, [0, 15]).solve(g, [1.0, 0.0]))
    assert ol.theory(NET, TASK, run).critical_rate() == ol.theory(NET, TASK, g).critical_rate()
    assert ol.soft.soft_approximation(NET, TASK, run).overlap == ol.soft.soft_approximation(NET, TASK, g).overlap
    drawn = NET.plot(edges=run, nodes=run)
    np.testing.assert_array_equal(drawn.collections[-1].get_array(), run.voltages)
