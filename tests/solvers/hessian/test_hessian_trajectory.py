"""Both Hessians along a descent: the laws of paper 2, Fig. 2, on one network."""
import numpy as np
import ohmlearn as ol

NET = ol.Network.delaunay(40, seed=7, mean_degree=None, spacing=0.6)
TASK = ol.Task(currents={0: 1.0, 39: -1.0}, targets=[(4, 30)], target_voltages=[2.0])


def test_laws_on_the_way_to_a_solution():
    costs = 10.0**np.arange(-1, -11, -1)
    run = ol.descend(NET, TASK, rule=ol.rules.GradientFlow(fraction=0.2), until=0.0, error=1e-6, costs=costs)
    course = ol.analysis.hessian_trajectory(NET, TASK, run.history)
    low = course.cost < 1e-4
    for values, power in ((course.ratio, 0.5), (course.speed, 0.5), (1 - course.alignment, 1.0)):
        used = low & (values > 1e-11)
        slope = np.polyfit(np.log(course.cost[used]), np.log(values[used]), 1)[0]
        assert abs(slope - power) < 0.03
    assert np.all(np.diff(course.ratio) < 0)
    assert np.allclose(course.cost, run.costs, rtol=1e-9)
    assert np.ptp(course.soft[low]) < 0.01 * course.soft[-1]          # H hardly changes any more


def test_fields_are_those_of_the_hessians():
    g = np.random.default_rng(0).uniform(0.5, 1.5, NET.n_edges)
    rate = np.random.default_rng(1).standard_normal(NET.n_edges)
    course = ol.analysis.hessian_trajectory(NET, TASK, g, rates=rate)
    h, account = ol.hessian(NET, TASK, g), ol.soft.soft_approximation(NET, TASK, g)
    change = (NET.incidence.T * rate) @ NET.incidence.toarray()
    assert course.speed.shape == (1,)
    expected = (h.cost, h.alignment, h.ratio, account.soft.eigenvalues[0], account.soft.gap,
                account.soft.crack_conductance, account.overlap, account.stiff[0], np.linalg.norm(change))
    found = [getattr(course, name)[0] for name in course.__dataclass_fields__]
    assert np.allclose(found, expected, rtol=1e-12)
    assert np.isclose(ol.analysis.hessian_trajectory(NET, TASK, g).speed[0],
                      np.linalg.norm((NET.incidence.T * h.cost_gradient) @ NET.incidence.toarray()))
