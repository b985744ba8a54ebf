"""The RK4 step, the equilibrium and the step bounds of a block of lanes against slow NumPy twins."""
import numpy as np
import pytest
import reference as twin
from kernel_calls import find_equilibria
from ohmlearn import Network, Rule, Task
from ohmlearn.drivers.training.ensemble import Ensemble
from ohmlearn.drivers.training.lane_arrays import Prepared
from ohmlearn.drivers.training.lane_block import LaneBlock
from ohmlearn.kernels.ensemble import step_bounds, step_control
from ohmlearn.kernels.ensemble.rk4 import drift, rk4_step
from ohmlearn.kernels.linalg.block_ldlt import assemble, factorise, relax

LANES, EVERYONE = 8, 255
RULES = {
    "relax": Rule(floor=0.05, nudge=0.1),
    "relax, floor rate": Rule(floor=0.05, nudge=0.1, floor_rate=0.25),
    "clip": Rule(floor=0.6, floor_mode="clip"),
    "relax, ceiling": Rule(floor=0.05, ceiling=1.2),
    "clip, ceiling": Rule(floor=0.6, ceiling=1.1, floor_mode="clip", prefactor=0.5),
    "frozen": Rule(frozen=np.arange(60) % 3 == 0),
}


def a_network(seed=0, n=24, m=60):
    rng = np.random.default_rng(seed)
    chain = np.c_[np.arange(n - 1), np.arange(1, n)]
    more = rng.integers(0, n, (4 * m, 2))
    return Network(np.r_[chain, more[more[:, 0] != more[:, 1]]][:m], n)


def a_block(rule, seed=0, rate=0.5, **options):
    """A block whose first 8 lanes hold different tasks, voltages off equilibrium and conductances off 1."""
    net = a_network(seed)
    tasks = [Task.allosteric(net, 3 + s % 4, 1 + s % 3, seed=s) for s in range(LANES)]
    ensemble = Ensemble(net, tasks, np.arange(LANES), rate * 1.5 ** np.arange(LANES), rule, **options)
    block = LaneBlock(ensemble, Prepared(ensemble))
    rng = np.random.default_rng(seed + 100)
    for lane in range(LANES):
        block.insert(lane)
        step_control.set_step(block.block.lanes.each[lane], block.block.law.rows, lane, 0.02 + 0.005 * lane)
    b, task = block.block, ensemble.task
    b.G[:, :LANES] = rng.uniform(0.7, 1.0, (net.n_edges, LANES))
    position = block.prepared.position
    for lane in range(LANES):
        v, w = rng.normal(size=(2, net.n_nodes))
        v[task(lane).sources], w[task(lane).sources] = task(lane).source_voltages, 0.0
        w[task(lane).targets] = task(lane).target_voltages - v[task(lane).targets]
        b.x[2 * position, lane], b.x[2 * position + 1, lane] = v, w
    return ensemble, block


def state(block, lane):
    x, position = block.block.x[:, lane], block.prepared.position
    return x[0::2][position].copy(), x[1::2][position].copy(), block.block.G[:, lane].copy()


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=pytest.mark.slow if name == "frozen" else ()) for name in RULES])      # another kernel
def test_steps_are_those_of_the_equations(name):
    ensemble, block = a_block(RULES[name])
    before = [state(block, lane) for lane in range(LANES)]
    b = block.block
    for _ in range(3):
        rk4_step(b.graph, b.law, b.x, b.y, b.q, b.G, b.Gq)
    for lane in range(LANES):
        expected = before[lane]
        for _ in range(3):
            expected = twin.gill_step(ensemble.network, ensemble.task(lane), ensemble.rule, ensemble.rates[lane],
                                      expected, 0.02 + 0.005 * lane)
        for got, wanted in zip(state(block, lane), expected, strict=True):
            np.testing.assert_allclose(got, wanted, rtol=0, atol=3e-13)
    bounds = np.array([state(block, lane)[2] for lane in range(LANES)])
    assert bounds.min() >= ensemble.rule.floor
    assert bounds.max() <= (ensemble.rule.ceiling or np.inf)


def test_steps_in_single_precision():
    """16 lanes of float32, of which 8 are taken, step as float64 does."""
    found = []
    for precision in ("single", "double"):
        _, block = a_block(RULES["relax"], precision=precision, method="rk4")
        b = block.block
        for _ in range(5):
            rk4_step(b.graph, b.law, b.x, b.y, b.q, b.G, b.Gq)
        found.append(np.concatenate([np.concatenate(state(block, lane)) for lane in range(LANES)]))
    assert found[0].dtype == np.float32
    np.testing.assert_allclose(found[0], found[1], atol=5e-6)


@pytest.mark.parametrize("name", ["relax", "clip, ceiling"])
def test_a_lane_does_not_feel_its_neighbours(name):
    _, block = a_block(RULES[name])
    b = block.block
    b.x[:, 5], b.G[:, 5] = np.nan, np.inf
    _, alone = a_block(RULES[name])
    for lane in (0, 1, 2, 4, 5, 6, 7):
        alone.block.x[:, lane], alone.block.G[:, lane] = 0.0, 1.0
    for block_ in (b, alone.block):
        rk4_step(block_.graph, block_.law, block_.x, block_.y, block_.q, block_.G, block_.Gq)
    for got, wanted in zip(state(block, 3), state(alone, 3), strict=True):
        assert np.array_equal(got, wanted)
    assert np.isnan(b.G[:, 5]).any(), "NaN must not be hidden by the bounds"


@pytest.mark.parametrize("decades", [1, 7])
def test_equilibrium_drift_and_bounds(decades):
    rule = RULES["relax"]
    ensemble, block = a_block(rule)
    b, net = block.block, ensemble.network
    rng = np.random.default_rng(3)
    b.G[:] = 10.0 ** rng.uniform(1 - decades, 1, b.G.shape)
    step_bounds.begin_peak(b.graph, b.law, b.G, EVERYONE, b.peak)
    find_equilibria(b, EVERYONE)
    position = block.prepared.position
    for lane in range(LANES):
        task, (v, w, G) = ensemble.task(lane), state(block, lane)
        expected, _ = twin.beginning(net, task, G)
        np.testing.assert_allclose(b.slow.v[position, lane], expected, atol=1e-10)
        G_dot = twin.slopes(net, task, rule, ensemble.rates[lane], v, w, G)[2]
        h = 1e-6 * G.min() / np.abs(G_dot).max()
        ahead, behind = (twin.beginning(net, task, G + s * h * G_dot)[0] for s in (1, -1))
        moved = b.factor.solution[position, lane] / b.lanes.each["dt"][lane]
        if decades == 1:               # differences lose their digits where conductances differ much
            np.testing.assert_allclose(moved, (ahead - behind) / (2 * h), atol=1e-6 * np.abs(moved).max())
        full, free = twin.laplacian(net.n_nodes, net.edges, G), np.setdiff1d(np.arange(net.n_nodes), task.sources)
        largest = np.linalg.eigvalsh(full[np.ix_(free, free)])[-1]
        assert largest <= b.bounds[0, lane] * (1 + 1e-12)
        assert b.bounds[0, lane] < 2 * largest
        D = net.incidence.toarray()
        coupled = np.linalg.eigvalsh((D.T @ np.diag((D @ v) ** 2) @ D)[np.ix_(free, free)])[-1]
        assert coupled <= b.bounds[1, lane] * (1 + 1e-12)


def test_clamped_difference_at_equilibrium():
    ensemble, block = a_block(RULES["relax"])
    b, position = block.block, block.prepared.position
    assemble(b.graph, b.pattern, b.law.free_w, b.G, b.factor.matrix)
    factorise(b.pattern, b.factor.matrix)
    relax(b.graph, b.pattern, b.law.free_w, b.G, b.x, 1, b.slow.v, b.factor)
    for lane in range(LANES):
        v, _, G = state(block, lane)
        expected = twin.clamped_difference(ensemble.network, ensemble.task(lane), G, v)
        np.testing.assert_allclose(b.slow.v[position, lane], expected, atol=1e-12)


def test_drift_vanishes_where_nothing_learns():
    rule = Rule(frozen=np.ones(60, dtype=bool))
    _, block = a_block(rule)
    b = block.block
    assemble(b.graph, b.pattern, b.law.free_v, b.G, b.factor.matrix)
    factorise(b.pattern, b.factor.matrix)
    relax(b.graph, b.pattern, b.law.free_v, b.G, b.x, 0, b.slow.v, b.factor)
    drift(b.graph, b.pattern, b.law, b.G, b.x, b.slow.v, b.factor)
    assert np.all(b.factor.solution == 0)
