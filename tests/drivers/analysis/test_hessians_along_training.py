"""The Hessians along a run of coupled learning."""
import numpy as np
import ohmlearn as ol
import pytest

NET = ol.Network.delaunay(24, seed=1)
TASK = ol.Task.allosteric(NET, 4, 1, seed=2, feasible=True)
TIMES = np.array([20.0, 60.0, 100.0, 140.0])


def test_states_are_those_of_one_run_and_the_speed_is_the_change_of_h():
    runs, course = ol.analysis.hessians_along_training(NET, TASK, 0.3, TIMES)
    whole = ol.train(NET, TASK, 0.3, until=None, t_max=TIMES[-1])
    assert np.allclose(runs[-1].conductances, whole.conductances, atol=1e-4)
    assert np.allclose(runs.time, TIMES)
    step = 0.01
    more, _ = ol.analysis.hessians_along_training(NET, TASK, 0.3, [TIMES[0], TIMES[0] + step])
    change = (more[1].conductances - more[0].conductances) / step
    assert np.isclose(course.speed[0], np.linalg.norm((NET.incidence.T * change) @ NET.incidence.toarray()), rtol=2e-3)
    assert np.all(np.diff(course.cost) < 0)


def test_gradient_flow_is_followed_by_the_same_call():
    task = ol.Task(currents={0: 1.0, 20: -1.0}, targets=[(4, 9)], target_voltages=[0.5])
    flow = ol.rules.GradientFlow(fraction=0.1)
    runs, course = ol.analysis.hessians_along_training(NET, task, 0, [1.0, 3.0], rule=flow)
    whole = ol.descend(NET, task, rule=flow, t_max=3.0, times=[1.0], until=0)
    assert runs.time.tolist() == [1.0, 3.0]
    assert np.allclose(runs.conductances, [whole.history[0], whole.conductances], rtol=1e-2)
    h = ol.hessian(NET, task, runs[1].conductances)
    change = (NET.incidence.T * h.cost_gradient) @ NET.incidence.toarray()
    assert np.isclose(course.speed[1], np.linalg.norm(change), rtol=1e-12)


def test_the_speed_of_what_is_more_than_eq_3_is_not_guessed():
    task = ol.Task([0, 20], [1.0, 0.0], [4], [0.5])
    course = ol.analysis.hessians_along_training(NET, task, 0.3, [1.0], rule=ol.Rule(aging=0.1))[1]
    assert np.isnan(course.speed).all()
    assert np.isfinite(course.ratio).all()


def test_times_must_increase():
    with pytest.raises(ValueError, match="must be > 0 and increase"):
        ol.analysis.hessians_along_training(NET, TASK, 0.3, [1.0, 1.0])
