"""Equilibrium propagation against finite differences of the cost, directed aging against the power it lowers."""
import numpy as np
import ohmlearn as ol
import pytest

NET = ol.Network.packing(18, seed=2)
TASK = ol.Task.allosteric(NET, 4, 3, seed=5)
G0 = np.random.default_rng(1).uniform(0.6, 1.6, NET.n_edges)
SHORT = 1e-5


def solved(task, g, clamp=None):
    """Voltages (n_nodes,) with the targets held at `clamp`, or free, by a dense solve."""
    held, volts = (task.sources, task.source_voltages)
    if clamp is not None:
        held, volts = np.append(held, task.targets), np.append(volts, clamp)
    D = NET.incidence.toarray()
    L = (D.T * g) @ D
    free = np.setdiff1d(np.arange(NET.n_nodes), held)
    v = np.zeros(NET.n_nodes)
    v[held] = volts
    v[free] = np.linalg.solve(L[np.ix_(free, free)], -L[np.ix_(free, held)] @ volts)
    return v


def cost(g, task=TASK):
    return np.sum((task.target_voltages - solved(task, g)[task.targets]) ** 2)


def gradient(task=TASK, step=1e-5):
    return np.array([(cost(G0 + step * e, task) - cost(G0 - step * e, task)) / (2 * step) for e in np.eye(NET.n_edges)])


def slope(rule, rate, task=TASK):
    """dG/dt over R at the start, from one short run."""
    run = ol.train(NET, task, rate, rule=rule, until=None, t_max=SHORT, conductances=G0)
    return (run.conductances - G0) / SHORT / (rate or 1.0)


@pytest.mark.parametrize("rate", [0.0, 2.0])
def test_propagation_is_the_exact_gradient_as_the_nudge_vanishes(rate):
    """At rest at the start, so at any R; the error falls with β."""
    exact, scale = -gradient(), np.abs(gradient()).max()
    errors = [np.abs(slope(ol.equilibrium_propagation(nudge), rate) - exact).max() / scale for nudge in (1e-1, 1e-2)]
    assert np.abs(slope(ol.equilibrium_propagation(0.0), rate) - exact).max() < 2e-4 * scale
    assert 8 < errors[0] / errors[1] < 12


def test_prefactor_scales_the_gradient():
    half = slope(ol.equilibrium_propagation(0.0, prefactor=0.5), 0.0)
    assert np.allclose(half, -0.5 * gradient(), atol=1e-4 * np.abs(gradient()).max())


def test_coupled_learning_goes_along_the_gradient_with_one_target_only():
    one = ol.Task(TASK.sources, TASK.source_voltages, TASK.targets[:1], TASK.target_voltages[:1])

    def cosine(task):
        a, b = slope(ol.Rule(nudge=0.0), 0.0, task), -gradient(task)
        return a @ b / np.linalg.norm(a) / np.linalg.norm(b)

    assert cosine(one) > 1 - 1e-6
    assert cosine(TASK) < 0.999


@pytest.mark.parametrize("rate", [0.0, 1.0, 100.0])
def test_propagation_learns(rate):
    task = ol.Task.allosteric(NET, 5, 2, seed=1, feasible=True)
    run = ol.train(NET, task, rate, rule=ol.equilibrium_propagation(1e-3), until=1e-4)
    assert run.status == "reached"
    assert cost(run.conductances, task) / cost(np.ones(NET.n_edges), task) < 1.1e-4


@pytest.mark.parametrize("nudge", [1.0, 0.3])
def test_aging_follows_the_clamped_drops_alone(nudge):
    v = solved(TASK, G0)
    wanted = v[TASK.targets] + nudge * (TASK.target_voltages - v[TASK.targets])
    drops = NET.incidence @ solved(TASK, G0, wanted)
    assert np.allclose(slope(ol.directed_aging(nudge), 0.0), -drops**2, atol=2e-4 * np.max(drops**2))
    fast = slope(ol.directed_aging(nudge, prefactor=0.5, floor_mode="clip"), 3.0)
    assert np.allclose(fast, -0.5 * drops**2, atol=3e-4 * np.max(drops**2))


def test_slow_aging_lowers_the_clamped_power():
    """dP/ds = -½ Σ (Δv^C)⁴ with P = ½ Σ G (Δv^C)², since the voltages minimise P."""
    def power(g):
        drops = NET.incidence @ solved(TASK, g, TASK.target_voltages)
        return 0.5 * np.sum(g * drops**2), -0.5 * np.sum(drops**4)

    run = ol.train(NET, TASK, 0.0, rule=ol.directed_aging(), until=None, t_max=SHORT, conductances=G0)
    assert (power(run.conductances)[0] - power(G0)[0]) / SHORT == pytest.approx(power(G0)[1], rel=1e-3)
    later = ol.train(NET, TASK, 0.0, rule=ol.directed_aging(), until=None, t_max=0.2, conductances=G0)
    assert power(later.conductances)[0] < power(G0)[0]
    assert np.all(later.conductances <= G0)


def test_aging_needs_a_clamp():
    with pytest.raises(ValueError, match="nudge must be > 0"):
        ol.directed_aging(0.0)


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (0, 2))])
def test_rates_of_edges_are_followed_as_fast_as_they_fall(seed):
    """What edges remember changes their rates at once as a run begins, faster than voltages relax."""
    net = ol.Network.delaunay(30, seed=2)
    task = ol.Task.allosteric(net, 6, 1 + seed, seed=seed, feasible=True)
    one, two = (ol.train(net, task, 0.3, rule=ol.Rule(edge_scale=0.1), until=1e-2, t_max=300.0, tolerance=tolerance)
                for tolerance in (1e-3, 1e-7))
    assert one.status == two.status
    assert np.abs(one.conductances - two.conductances).max() < 1e-4 * two.conductances.max()
    if one.status == "reached":
        assert one.training_time == pytest.approx(two.training_time, rel=5e-4)
