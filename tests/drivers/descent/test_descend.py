"""Gradient flow on conductances: the flow itself, its caps and bounds, its ends, its compiled and its general form."""
import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.drivers.descent import descend
from scipy.integrate import solve_ivp

NET = ol.Network.delaunay(20, seed=2, mean_degree=None, spacing=0.5)
START = np.random.default_rng(0).uniform(0.5, 1.5, NET.n_edges)
TASKS = {
    "floating currents": ol.Task(currents={0: 1.0, 15: -1.0}, targets=[(4, 17)], target_voltages=[0.8]),
    "held nodes": ol.Task([0, 15, 7], [1.0, 0.0, -0.4], [4, 12], [0.45, 0.1]),
    "held drops": ol.Task(drops={(0, 15): 1.0, (3, 9): 0.2}, targets=[(4, 17)], target_voltages=[0.5]),
    "mixed": ol.Task([0], [0.4], [(4, 17), {5: 1.0, 6: 1.0}], [0.3, 0.5], drops={(1, 2): 0.3}, currents={12: 0.6}),
    "samples": (ol.Task([0, 15], [1.0, 0.0], [4, (12, 3)], [0.4, 0.1]),
                ol.Task([0, 15], [-1.0, 0.5], [4, (12, 3)], [-0.1, -0.15])),
    "ten columns": tuple(ol.Task([0, 15], [v, 0.0], [4, 12], [0.55 * v, 0.4 * v]) for v in range(1, 9)),
}


def flow(task, times):
    """Tight integration of dG/dt = -∂C/∂G, unbounded: (n_times, n_edges)."""
    def slope(_, g):
        return -ol.hessian(NET, task, g).cost_gradient

    return solve_ivp(slope, (0, times[-1]), START, "LSODA", times, rtol=1e-10, atol=1e-13).y.T


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_flow_against_tight_integration(task):
    times = np.array([1.0, 4.0])
    exact = flow(task, times)
    errors = []
    for fine in (1, 2, 4):
        rule = ol.rules.GradientFlow(cap=0.004 / fine, fraction=0.02 / fine)
        run = ol.descend(NET, task, rule=rule, conductances=START, times=times, t_max=times[-1], until=0)
        assert run.status == "out of time"
        assert run.times.tolist() == times.tolist()
        assert np.array_equal(run.history[-1], run.conductances)
        errors.append(np.abs(run.history - exact).max())
    assert errors[-1] < 2e-3 * np.abs(exact - START).max()
    assert np.all(np.abs(np.log2(np.divide(errors[:-1], errors[1:])) - 1) < 0.2)      # first order


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_compiled_and_general_form_agree(task, monkeypatch):
    stops = dict(conductances=START, until=1e-8, costs=[1e-3, 1e-4])
    compiled = ol.descend(NET, task, **stops)
    monkeypatch.setattr(descend, "_compiled", descend._by_hessians)
    general = ol.descend(NET, task, **stops)
    assert compiled.status == general.status == "reached"
    assert compiled.n_steps == general.n_steps
    assert np.allclose(compiled.conductances, general.conductances, rtol=1e-9)
    assert np.allclose(compiled.history, general.history, rtol=1e-9)
    assert np.isclose(ol.hessian(NET, compiled.tasks, compiled.conductances).cost, compiled.cost, rtol=1e-6)
    assert np.all(compiled.costs <= [1e-3, 1e-4][:len(compiled.costs)])


def test_nonlinear_constraint():
    square = ol.tasks.Constraint(lambda v: v[4]**2, lambda v: 2 * v[4] * np.eye(20)[4])
    run = ol.descend(NET, ol.Task([0, 15], [1.0, 0.0], [square], [0.3]), until=1e-10)
    assert run.status == "reached"
    assert np.isclose(run.hessian().voltages[0, 4]**2, 0.3, atol=1e-4)


def test_caps_bounds_and_frozen_edges():
    frozen = np.arange(NET.n_edges) % 3 == 0
    rule = ol.rules.GradientFlow(floor=0.4, ceiling=1.6, cap=0.1, frozen=frozen)
    task = ol.Task(currents={0: 1.0, 15: -1.0}, targets=[(4, 17)], target_voltages=[50.0])
    before = START
    for steps in range(1, 30):
        run = ol.descend(NET, task, rule=rule, conductances=START, max_steps=steps)
        change = np.abs(run.conductances / before - 1)
        assert change.max() <= 0.1 * 1.002
        before = run.conductances
    assert change.max() > 0.09
    end = ol.descend(NET, task, rule=rule, conductances=START)
    assert end.status == "stalled"
    assert "no conductance within its bounds lowers the cost" in end.reason
    assert end.conductances.min() == 0.4
    assert end.conductances.max() == 1.6
    assert np.array_equal(end.conductances[frozen], START[frozen])


def test_unreachable_targets_are_named_with_their_bounds():
    run = ol.descend(NET, ol.Task(drops={(0, 15): 1.0}, targets=[(4, 17)], target_voltages=[1.5]), max_steps=20)
    assert run.status == "out of time"
    assert "target 0: 1.5 V desired, but the held voltages allow -1 to 1 V at any conductances" in run.reason


def test_ensemble_is_the_same_at_any_thread_count():
    networks = [ol.Network.delaunay(16, seed=k, mean_degree=None, spacing=0.5) for k in range(5)]
    tasks = [ol.Task(currents={0: 1.0, 15: -1.0}, targets=[(4, 9)], target_voltages=[2.0]) for _ in networks]
    one, two = (ol.descend(networks, tasks, threads=k) for k in (1, 2))
    alone = ol.descend(networks[3], tasks[3])
    assert all(np.array_equal(a.conductances, b.conductances) for a, b in zip(one, two, strict=True))
    assert np.array_equal(alone.conductances, one[3].conductances)
    same = ol.descend(networks[0], tasks[0], conductances=[1.0, 2.0])
    assert [len(x.conductances) for x in same] == [networks[0].n_edges] * 2
    assert repr(alone).startswith("<Descent: reached, C=")


def test_bad_input():
    task = TASKS["held nodes"]
    with pytest.raises(ValueError, match=r"conductance 20.0 of edge 0 is outside the rule's bounds"):
        ol.descend(NET, task, conductances=20.0)
    with pytest.raises(ValueError, match="do not go together"):
        ol.descend([NET, NET], [task] * 3)
    with pytest.raises(ValueError, match="costs must be finite, >= 0 and fall"):
        ol.descend(NET, task, costs=[1e-3, 1e-2])
    with pytest.raises(ValueError, match="until=2"):
        ol.descend(NET, task, until=2)
    with pytest.raises(ValueError, match="cap must lie between 0 and 1"):
        ol.rules.GradientFlow(cap=0)
    with pytest.raises(ValueError, match="0 < floor < ceiling"):
        ol.rules.GradientFlow(floor=0)
    with pytest.raises(ValueError, match="frozen has 3 entries"):
        ol.descend(NET, task, rule=ol.rules.GradientFlow(frozen=np.array([True, False, False])))
