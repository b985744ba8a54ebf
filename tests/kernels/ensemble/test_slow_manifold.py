"""The slow manifold against scipy's integration of Eq. 3, and its equilibria and drifts against slow NumPy twins."""
import numpy as np
import pytest
import reference as twin
from ohmlearn import Network, Rule, Task
from ohmlearn.drivers.training.ensemble import Ensemble
from ohmlearn.drivers.training.lane_arrays import Prepared
from ohmlearn.drivers.training.lane_block import LaneBlock
from ohmlearn.kernels.ensemble import slow_manifold
from scipy.integrate import solve_ivp

NET = Network.from_edges([(a, b) for a in range(8) for b in range(a) if (a + b) % 3])
TASKS = [Task([0, 5], [1.0, -0.2], [3, 6][:count], [0.5, 0.1][:count]) for count in (2, 1)]
RULE = Rule(nudge=0.1, floor=0.01)


def on_the_manifold(rates, conductances):
    """v*, w*, v, w and both dG/dt of lanes of these rates at (n_edges,) conductances, in the order of the network."""
    numbers = np.arange(len(rates))
    ensemble = Ensemble(NET, TASKS, numbers % 2, np.array(rates), RULE)
    block = LaneBlock(ensemble, Prepared(ensemble), manifold=True)
    for number in numbers:
        block.insert(number)
    b, position = block.block, block.prepared.position
    b.G[:, :len(rates)] = conductances[:, None]
    slow_manifold.quasistatic(b.graph, b.pattern, b.law, b.lanes, b.G, b.x, b.slow, b.factor)
    slow_manifold.lagging(b.graph, b.pattern, b.law, b.lanes, b.G, b.slow, b.factor)
    s, p = b.slow, b.lanes
    return [dict(task=TASKS[k % 2], v=s.v[position, k], w=s.w[position, k], v_lag=s.v_lag[position, k],
                 w_lag=s.w_lag[position, k], still=s.still[:, k].copy(), rate=s.rate[:, k].copy(),
                 delta=p.delta[:, k].copy(), slope=p.slope[:, k].copy()) for k in numbers]


def start():
    return np.random.default_rng(2).uniform(0.5, 2.0, NET.n_edges)


def test_equilibria_and_drifts_are_those_of_the_twin():
    G, rates = start(), [0.3, 0.02, 0.0, 0.0]
    for rate, lane in zip(rates, on_the_manifold(rates, G), strict=True):
        task, count = lane["task"], lane["task"].n_targets
        v, w = twin.beginning(NET, task, G)
        np.testing.assert_allclose(lane["v"], v, atol=1e-13)
        np.testing.assert_allclose(lane["w"], w, atol=1e-13)
        np.testing.assert_allclose(lane["still"], twin.slopes(NET, task, RULE, rate or 1.0, v, w, G)[2], atol=1e-13)
        np.testing.assert_allclose(lane["delta"][:count], task.target_voltages - v[task.targets], atol=1e-13)
        h = 1e-6
        ahead, behind = (twin.beginning(NET, task, G + s * h * lane["rate"])[0] for s in (1, -1))
        drifted = (ahead - behind)[task.targets] / (2 * h)
        np.testing.assert_allclose(lane["slope"][:count], -drifted, rtol=1e-6, atol=1e-9)
        if rate == 0:                                           # no lag in the quasistatic limit
            np.testing.assert_array_equal(lane["rate"], lane["still"])


def test_the_lag_is_that_of_the_equations():
    """-L v on the manifold is dv*/dt, and w at the targets what is left of V_T."""
    G, rate, h = start(), 0.3, 1e-6
    for lane in on_the_manifold([rate, rate], G):
        task = lane["task"]
        v_dot = twin.slopes(NET, task, RULE, rate, lane["v_lag"], lane["w_lag"], G)[0]
        ahead, behind = (twin.beginning(NET, task, G + s * h * lane["still"])[0] for s in (1, -1))
        np.testing.assert_allclose(v_dot, (ahead - behind) / (2 * h), atol=1e-8)
        assert np.abs(v_dot).max() > 1e-3
        np.testing.assert_allclose(lane["w_lag"][task.targets], task.target_voltages - lane["v_lag"][task.targets],
                                   atol=1e-13)


@pytest.mark.parametrize("number", [0, 1])
def test_runs_come_to_the_manifold_to_second_order(number):
    """Eq. 3 integrated by scipy from equilibrium, until the beginning is forgotten: off by R², the equilibria by R."""
    n, task, off, lag = NET.n_nodes, TASKS[number], [], []

    def equations(t, y):
        return np.concatenate(twin.slopes(NET, task, RULE, rate, y[:n], y[n:2 * n], y[2 * n:]))

    for rate in (0.04, 0.02):
        G = start()
        done = solve_ivp(equations, (0.0, 12.0), np.concatenate([*twin.beginning(NET, task, G), G]), method="DOP853",
                         rtol=1e-12, atol=1e-14).y[:, -1]
        lane = on_the_manifold([rate, rate], done[2 * n:])[number]
        off.append(np.abs(np.r_[lane["v_lag"], lane["w_lag"]] - done[:2 * n]).max())
        lag.append(np.abs(np.r_[lane["v"], lane["w"]] - done[:2 * n]).max())
    assert np.log2(off[0] / off[1]) == pytest.approx(2.0, abs=0.3)
    assert np.log2(lag[0] / lag[1]) == pytest.approx(1.0, abs=0.3)
    assert off[1] < 0.1 * lag[1]
