"""Going on from earlier runs: of the same task with clock, threshold and voltages; of another one with conductances."""
import numpy as np
import ohmlearn as ol
import pytest
from discrete_twin import NET, NODES, OTHER, SAMPLES

LARGE = ol.Network.delaunay(4100, seed=4)
FAR, FARTHER = (ol.Task.allosteric(LARGE, 5, 2, seed=seed, feasible=True) for seed in (3, 5))
# network, task, another task, R, options
PATHS = {"plain": (NET, NODES, OTHER, 3.0, {}), "manifold": (NET, NODES, OTHER, 0.02, {}),
         "quasistatic": (NET, NODES, OTHER, 0.0, {}), "general": (NET, SAMPLES, SAMPLES[:2], 3.0, {}),
         "general quasistatic": (NET, SAMPLES, SAMPLES[:2], 0.0, {}),
         "discrete": (NET, SAMPLES, SAMPLES[:2], 3.0, {"updates": ol.rules.Discrete(step=0.1)}),
         "flow": (NET, NODES, OTHER, 0.0, {"rule": ol.rules.GradientFlow()}),
         "large": (LARGE, FAR, FARTHER, 1.0, {}), "large quasistatic": (LARGE, FAR, FARTHER, 0.0, {})}


def copy(task):
    """The same content in another object."""
    if isinstance(task, tuple):
        return tuple(map(copy, task))
    return ol.Task(task.sources, task.source_voltages, task.targets, task.target_voltages)


@pytest.mark.parametrize("path", PATHS)
def test_the_same_task_goes_on_and_another_begins(path):
    net, task, other, rate, options = PATHS[path]
    first = ol.train(net, task, rate, until=0.9, threads=1, **options)
    assert first.status == "reached"
    again = ol.train(net, copy(task), rate, until=0.9, conductances=first, threads=1, **options)
    assert (again.status, again.n_steps) == ("reached", 0) or path == "flow"
    assert again.time == again.training_time == first.time         # below the threshold already: reached at once
    lower = 1e-3 if path == "flow" else 0.8                         # a step of the flow passes 0.8
    rest = ol.train(net, copy(task), rate, until=lower, conductances=first, threads=1, **options)
    assert rest.initial_cost == pytest.approx(first.initial_cost, rel=1e-12)
    assert rest.time > first.time
    assert rest.final_cost <= lower
    assert rest.final_cost >= 0.999 * lower or path in ("flow", "discrete")
    anew = ol.train(net, other, rate, until=0.9, conductances=first, threads=1, **options)
    fresh = ol.train(net, other, rate, until=0.9, conductances=first.conductances, threads=1, **options)
    for name in ("time", "initial_cost", "training_time", "final_cost", "n_steps"):
        assert getattr(anew, name) == getattr(fresh, name), name
    np.testing.assert_array_equal(anew.conductances, fresh.conductances)


@pytest.mark.parametrize("rate", [0.0, 2.0])
def test_runs_of_another_network_are_refused(rate):
    run = ol.train(ol.Network.grid(4, 4), ol.Task([0, 15], [1.0, 0.0], [6], [0.6]), rate, until=0.5)
    with pytest.raises(ValueError, match=r"run 0 to go on from has 16 nodes and 24 edges, but the network 14 and"):
        ol.train(NET, NODES, rate, conductances=run)
    turned = ol.Network(ol.Network.grid(4, 4).edges[::-1])
    with pytest.raises(ValueError, match="another network, with other edges"):
        ol.train(turned, run.task, rate, conductances=run)


def test_voltages_that_do_not_fit_begin_at_equilibrium():
    """From samples in turn to side by side, and from a gradient flow, which has no w."""
    turn = ol.train(NET, SAMPLES, 3.0, until=0.9, schedule=ol.Schedule(switching=20.0))
    run = ol.train(NET, SAMPLES, 3.0, until=0.8, conductances=turn)
    assert (run.status, run.initial_cost) == ("reached", turn.initial_cost)
    assert run.time > turn.time
    flow = ol.train(NET, NODES, 0.0, rule=ol.rules.GradientFlow(), until=0.9)
    run = ol.train(NET, NODES, 3.0, until=0.5, conductances=flow)
    assert run.status == "reached"
    assert run.final_cost == pytest.approx(0.5, rel=2e-3)
