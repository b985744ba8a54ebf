"""Equilibrium propagation with nonlinear edges, against the general kernels of linear ones and plain integration."""
import numpy as np
import ohmlearn as ol
import pytest
from scipy.integrate import solve_ivp

NET = ol.Network.grid(4, 4)
TASKS = [ol.Task.allosteric(NET, 3, count, seed=seed, feasible=True) for count, seed in ((1, 0), (2, 1), (3, 2))]
RULE = ol.rules.equilibrium_propagation(nudge=0.05, floor_mode="clip")


@pytest.mark.slow       # compiles kernels that no other test needs, twice as many at rate 0
@pytest.mark.parametrize("rate", [0.0, 0.3, 30.0])
def test_without_a_cubic_term_edges_are_linear(rate):
    given = {"rule": RULE, "until": None, "t_max": 4.0 / (rate or 1.0), "tolerance": 1e-6}
    cubic = ol.train(NET, TASKS, rate, edges=ol.edges.Cubic(0.0), **given)
    linear = ol.train(NET, TASKS, rate, **given)
    np.testing.assert_allclose(cubic.conductances, linear.conductances, rtol=0, atol=1e-5)
    np.testing.assert_allclose([run.final_cost for run in cubic],
                               [run.final_cost for run in linear], rtol=1e-4)


@pytest.mark.slow
def test_a_pulled_clamp_of_a_cubic_law_against_scipy():
    """The equations as they stand: dv/dt, dw/dt with κ (V_T - v_T - share w_T) at targets, dG/dt."""
    rule, rate = ol.Rule(nudge=0.1, clamp="pulled", clamp_rate=0.7, clamp_share=0.3, floor_mode="clip"), 2.0
    task, law, m = TASKS[1], ol.edges.Cubic(0.5), NET.n_edges
    a, b = NET.edges.T

    def current(g, drop):
        return g * drop + 0.5 * drop**3

    def out(i):
        return np.bincount(a, i, 16) - np.bincount(b, i, 16)

    def slopes(t, y):
        v, w, g = y[:16], y[16:32], y[32:]
        dv, dw = v[a] - v[b], w[a] - w[b]
        i = current(g, dv)
        kv, kw = -out(i), -out((current(g, dv + 0.1 * dw) - i) / 0.1)
        kw[task.targets] += 0.7 * (task.target_voltages - v[task.targets] - 0.3 * w[task.targets])
        kv[task.sources] = kw[task.sources] = 0.0
        return np.concatenate([kv, kw, -rate * dw * (2 * dv + 0.1 * dw)])

    start = np.zeros(32 + m)
    start[task.sources], start[32:] = task.source_voltages, 1.0
    still = solve_ivp(lambda t, y: np.where(np.arange(32 + m) < 32, slopes(t, y), 0), (0, 400), start, rtol=1e-10,
                      atol=1e-12, method="LSODA").y[:, -1]
    end = solve_ivp(slopes, (0, 1.5), still, rtol=1e-10, atol=1e-12, method="LSODA").y[:, -1]
    run = ol.train(NET, task, rate, edges=law, rule=rule, until=None, t_max=1.5, tolerance=1e-8)
    np.testing.assert_allclose(run.voltages, end[:16], rtol=0, atol=1e-6)
    np.testing.assert_allclose(run.difference, end[16:32], rtol=0, atol=1e-6)
    np.testing.assert_allclose(run.conductances, end[32:], rtol=0, atol=1e-6)


def test_other_variants_are_refused():
    with pytest.raises(NotImplementedError, match="by a clamp that holds or pulls"):
        ol.train(NET, TASKS[0], 1.0, edges=ol.edges.Cubic(0.5), rule=ol.Rule(clamp="moving", nudge=0.1))
