"""Steps and the stretches between two evaluations of the cost, against eigenvalues and the stability of RK4."""
import numpy as np
import pytest
import reference as twin
from kernel_calls import find_equilibria
from ohmlearn import Network, Rule, Task
from ohmlearn.drivers.training.ensemble import Ensemble
from ohmlearn.drivers.training.lane_arrays import Prepared
from ohmlearn.drivers.training.lane_block import LaneBlock
from ohmlearn.kernels.ensemble import step_bounds, step_control
from ohmlearn.kernels.ensemble.block_state import DIVERGED, RUNNING
from ohmlearn.kernels.ensemble.rk4 import DT, FALL, LEARN

NET = Network.grid(4, 4)
TASK = Task([0, 15], [1.0, 0.0], [6, 9], [0.7, 0.2])
LANE = 2


@pytest.fixture
def block():
    """Lanes of R = 0.5 at equilibrium, evaluated once; lane 2 is looked at."""
    ensemble = Ensemble(NET, [TASK], np.zeros(8, dtype=int), np.full(8, 0.5), Rule(), until=1e-6)
    made = LaneBlock(ensemble, Prepared(ensemble))
    for number in range(8):
        made.insert(number)
        made.block.lanes.each[number]["status"] = RUNNING
    b = made.block
    b.G[:] = np.random.default_rng(5).uniform(0.2, 2.0, b.G.shape)
    step_bounds.begin_peak(b.graph, b.law, b.G, 255, b.peak)
    for _ in range(20):
        find_equilibria(b, 255)
    return b


def free_laplacian(block):
    matrix = twin.laplacian(NET.n_nodes, NET.edges, block.G[:, LANE])
    free = np.setdiff1d(np.arange(NET.n_nodes), TASK.sources)
    return matrix[np.ix_(free, free)]


def test_steps_are_as_long_as_the_stability_of_rk4_allows(block):
    """dt λ_max, by a dense eigensolver, is what RELAX says, and stays where |1 + z + z²/2 + z³/6 + z⁴/24| < 1."""
    me, fastest = block.lanes.each[LANE], np.linalg.eigvalsh(free_laplacian(block))[-1]
    step_control.choose_step(me, block.law.rows, block.bounds, LANE)
    assert 0.9 * step_control.RELAX <= me["dt"] * fastest <= step_control.RELAX * (1 + 1e-9)
    grown = np.polynomial.Polynomial([1, 1, 1 / 2, 1 / 6, 1 / 24])
    assert abs(grown(-step_control.STABLE)) < 1.0 < abs(grown(-1.001 * step_control.STABLE))
    me["span"] = step_control.LONGEST
    step_control.choose_step(me, block.law.rows, block.bounds, LANE)
    assert me["dt"] * fastest == pytest.approx(step_control.RELAX_MOST, rel=0.1)
    assert me["dt"] * fastest < step_control.STABLE


def test_a_step_sets_all_rows_of_a_lane(block):
    me, rows = block.lanes.each[LANE], block.law.rows
    step_control.set_step(me, rows, LANE, 0.125)
    assert rows[DT, LANE] == 0.125
    assert rows[LEARN, LANE] == -me["rate"] * 0.125
    assert rows[FALL, LANE] == 0.125 * me["fall"]


@pytest.mark.parametrize(("tolerance", "factor"), [(1e-3, 1.0), (1e-7, 0.1)])
def test_steps_follow_the_tolerance_and_the_learning(block, tolerance, factor):
    """At a high rate √(2aR) times the bound on Σ Δv² limits the step; at fourth order it follows tolerance^¼."""
    me = block.lanes.each[LANE]
    me["rate"], me["tolerance"], me["fall"] = 1e6, tolerance, 1.0
    step_control.choose_step(me, block.law.rows, block.bounds, LANE)
    drops = np.zeros(NET.n_nodes)
    voltages = block.x[:, LANE].reshape(-1, 2)[:, 0]
    for a, b in block.graph.ends.reshape(-1, 2):
        drops[[a, b]] += (voltages[a] - voltages[b]) ** 2
    free = block.law.free_v >> LANE & 1 == 1
    highest = np.sqrt(2 * 1e6 * 2 * drops[free].max())
    sharp = min(factor, 2 * (tolerance / 1e-3) ** 0.7)
    assert me["dt"] * highest == pytest.approx(step_control.LEARN * sharp, rel=1e-9)


def test_a_given_step_beyond_stability_ends_the_run(block):
    me, fastest = block.lanes.each[LANE], np.linalg.eigvalsh(free_laplacian(block))[-1]
    for beyond, status in ((0.9, RUNNING), (1.1, DIVERGED)):
        me["fixed"] = beyond * step_control.STABLE / fastest
        step_control.choose_step(me, block.law.rows, block.bounds, LANE)
        assert me["status"] == status


def test_a_stretch_taken_back_leaves_nothing(block):
    me, p = block.lanes.each[LANE], block.lanes
    step_control.remember(me, p, block.x, block.G, LANE, None)
    x, G, others = block.x[:, LANE].copy(), block.G[:, LANE].copy(), block.G[:, :LANE].copy()
    step_control.set_step(me, block.law.rows, LANE, 0.5)
    block.x[:, LANE], block.G[:, LANE], me["taken"] = np.nan, np.inf, 5
    step_control.retreat(me, p, block.law.rows, block.x, block.G, LANE)
    assert np.array_equal(block.x[:, LANE], x)
    assert np.array_equal(block.G[:, LANE], G)
    assert np.array_equal(block.G[:, :LANE], others)
    assert (me["dt"], me["caution"], me["taken"], me["span"]) == (0.25, 0.5, 0, step_control.SHORTEST)


def test_spans_grow_where_the_cost_is_smooth_and_shrink_where_it_bends(block):
    me = block.lanes.each[LANE]
    me["caution"], spans = 0.25, []
    for rough in (0.0, 0.0, 0.0, 0.0, 0.02, 0.1, 0.1):
        step_control.adapt_span(me, rough)
        spans.append(int(me["span"]))
    assert spans == [3, 3, 6, 12, 12, 6, 3]         # the step grows back to its full length first
    assert me["caution"] == 1.0
    for _ in range(9):
        step_control.adapt_span(me, 0.0)
    assert me["span"] == step_control.LONGEST


@pytest.mark.parametrize(("rough", "cost", "fixed", "wanted"), [
    (0.0, 0.5, np.nan, step_control.KEEP), (0.5, 0.5, np.nan, step_control.HALVE),
    (0.0, np.inf, np.nan, step_control.HALVE), (0.0, np.inf, 0.1, step_control.KEEP)])
def test_what_becomes_of_a_stretch(block, rough, cost, fixed, wanted):
    me, p = block.lanes.each[LANE], block.lanes
    me["fixed"], me["initial"], me["taken"] = fixed, 1.0, 3
    step_control.remember(me, p, block.x, block.G, LANE, None)
    assert step_control.judge(me, p, LANE, 0.3, cost, rough, 1.0, False) == wanted
    assert (me["status"] == DIVERGED) == (wanted == step_control.KEEP and not np.isfinite(cost))
