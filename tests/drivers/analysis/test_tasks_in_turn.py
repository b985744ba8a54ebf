"""Tasks in turn: costs against equilibria of their own, against single trainings, and what is refused."""
import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.analysis import tasks_in_turn

NET = ol.Network.grid(4, 4)
A, B = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7}), ol.Task({3: 1.0, 12: 0.0}, {9: 0.2, 5: 0.6})
C = ol.Task({1: 1.0, 14: -0.5}, {10: 0.4})


def cost(task, g, edges=None):
    return np.sum((task.target_voltages - ol.voltages(NET, task, g, edges=edges)[task.targets]) ** 2)


@pytest.mark.parametrize("rate", [0.0, 1.0, 100.0])
def test_phases_are_trainings_one_after_the_other(rate):
    found = tasks_in_turn(NET, [A, B, C], rate, cycles=2, until=1e-4)
    assert found.task.tolist() == [0, 1, 2, 0, 1, 2]
    start, g = [cost(task, np.ones(NET.n_edges)) for task in (A, B, C)], np.ones(NET.n_edges)
    np.testing.assert_array_equal(found.costs[0], 1.0)
    for k, run in enumerate(found.runs):
        task = (A, B, C)[k % 3]
        if run is not None:
            own = ol.train(NET, task, rate, until=1e-4 * start[k % 3] / cost(task, g), conductances=g,
                           record=ol.Record(per_decade=10, keep="conductances"))
            np.testing.assert_allclose(run.conductances, own.conductances, rtol=1e-9)
            assert found.training_times[k] == pytest.approx(own.training_time, rel=1e-9)
            g = run.conductances
        else:
            assert found.training_times[k] == 0
            assert found.costs[k, k % 3] <= 1e-4
        now = [cost(each, g) / first for each, first in zip((A, B, C), start, strict=True)]
        np.testing.assert_allclose(found.costs[k + 1], now, rtol=1e-6)
        rows = found.phase == k
        assert (np.diff(found.times[rows]) > 0).all()
        np.testing.assert_allclose(found.traces[rows][0], found.costs[k], rtol=1e-6)
    assert np.isfinite(found.training_times).all()


def test_what_is_forgotten():
    found = tasks_in_turn(NET, [A, B], 1.0, cycles=3)
    taken = found.forgotten()
    assert np.isnan(taken[np.arange(6), found.task]).all()
    assert np.isnan(taken[0]).all()
    assert taken[1, 0] == found.costs[2, 0] - found.costs[1, 0]
    assert taken[1, 0] > 1e-3
    assert found.training_times[2] < found.training_times[0]
    assert found.costs[6, 0] < found.costs[2, 0]


def test_tasks_of_parts_that_do_not_meet_take_nothing_from_each_other():
    """Two squares that share a held corner."""
    net = ol.Network.from_edges([(0, 1), (1, 2), (2, 3), (3, 0), (1, 3), (0, 4), (4, 5), (5, 6), (6, 0), (4, 6)])
    left, right = ol.Task({0: 0.0, 2: 1.0}, {1: 0.3}), ol.Task({0: 0.0, 5: 1.0}, {6: 0.6})
    found = tasks_in_turn(net, [left, right], 1.0)
    np.testing.assert_allclose(found.costs[2], found.costs[3:].mean(axis=0), rtol=1e-9)
    assert found.runs[2:] == [None, None]
    assert found.training_times[2:].tolist() == [0, 0]
    np.testing.assert_allclose(found.forgotten()[1, 0], 0, atol=1e-12)


def test_gates_of_transistors():
    law = ol.edges.PerEdge([ol.edges.NMOS(gain=0.5, leak=1e-3), ol.edges.Linear(), ol.edges.Diode(1e-2, 0.1)],
                           [0] * (NET.n_edges - 2) + [1, 2])       # a combination that is compiled for other tests
    found = tasks_in_turn(NET, [A, B], 1.0, edges=law, until=1e-4, conductances=np.full(NET.n_edges, 2.5))
    start = cost(A, np.full(NET.n_edges, 2.5), law)
    np.testing.assert_allclose(found.costs[1, 0], cost(A, found.runs[0].conductances, law) / start, rtol=1e-6)
    assert found.costs[1, 0] < 1.001e-4


def test_what_is_refused():
    for wrong, told in (({"tasks": [A]}, "two tasks or more"), ({"tasks": A}, "two tasks or more"),
                        ({"cycles": 0}, "cycles must be at least 1"), ({"until": 1.5}, "until must lie between"),
                        ({"grid": True}, "no option 'grid'")):
        with pytest.raises((ValueError, TypeError), match=told):
            tasks_in_turn(NET, **({"tasks": [A, B], "rate": 1.0} | wrong))
    with pytest.raises(NotImplementedError, match="tasks_in_turn knows held nodes"):
        tasks_in_turn(NET, [A, ol.Task({0: 1.0}, {(5, 7): 0.4}, ground=15)], 1.0)
    met = ol.Task({0: 1.0, 15: 0.0}, {3: 0.5})
    with pytest.raises(ValueError, match="task 1 is met before any training"):
        tasks_in_turn(NET, [A, ol.Task(met.sources, met.source_voltages, [3], ol.voltages(NET, met, 1.0)[[3]])], 1.0)
