"""RK4 steps of one large network against the slow twin, an independent integration, and themselves on threads."""
import numpy as np
import pytest
import reference as twin
from ohmlearn import Network, Rule, Task
from ohmlearn.kernels.large import rk4_pipeline
from ohmlearn.solvers.equilibrium.node_order import Layout
from ohmlearn.solvers.large.rk4 import Stepper
from scipy.sparse.linalg import eigsh

RULES = {
    "relax": Rule(floor=0.05, nudge=0.1),
    "relax, floor rate": Rule(floor=0.05, nudge=0.1, floor_rate=0.25),
    "clip": Rule(floor=0.6, floor_mode="clip"),
    "relax, ceiling": Rule(floor=0.05, ceiling=1.2),
    "clip, ceiling": Rule(floor=0.6, ceiling=1.1, floor_mode="clip", prefactor=0.5),
    "frozen": Rule(frozen=np.ones(1, dtype=bool)),
}
STRIP, EXPANDER = "strip", "expander"


def a_network(kind, n):
    """A long strip, whose edges reach little; or a random graph, whose edges reach all over. Nodes shuffled."""
    rng = np.random.default_rng(n)
    chain = np.c_[np.arange(n - 1), np.arange(1, n)]
    more = np.c_[np.arange(n - 7), np.arange(7, n)] if kind == STRIP else rng.integers(0, n, (n, 2))
    edges = np.r_[chain, more[more[:, 0] != more[:, 1]], chain[:5]]
    edges = rng.permutation(n)[rng.permutation(edges)]
    turned = rng.random(len(edges)) < 0.5
    edges[turned] = edges[turned, ::-1]
    return Network(edges, n), rng


def a_state(kind, n, rule):
    net, rng = a_network(kind, n)
    if rule.frozen is not None:
        rule = Rule(frozen=rng.random(net.n_edges) < 0.3)
    task = Task.allosteric(net, 6, 3, seed=1)
    v, w, g = rng.normal(size=n), rng.normal(size=n), rng.uniform(0.6, 1.1, net.n_edges)
    v[task.sources], w[task.sources] = task.source_voltages, 0
    w[task.targets] = task.target_voltages - v[task.targets]
    return net, task, rule, (v, w, g)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize(("kind", "n"), [(STRIP, 5000), (EXPANDER, 3000)])
def test_steps_are_those_of_the_twin(kind, n, rule):
    net, task, rule, state = a_state(kind, n, rule)
    stepper = Stepper(net, task, rule, 2.0, threads=2)
    assert stepper.in_turn == (kind == EXPANDER)
    stepper.put(*state)
    trace = stepper.steps(3, 0.05)
    for k in range(3):
        state = twin.gill_step(net, task, rule, 2.0, state, 0.05)
        np.testing.assert_allclose(trace[k], state[0][task.targets], atol=1e-12)
    for mine, theirs in zip((stepper.voltages, stepper.difference, stepper.conductances), state, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-12)


def test_threads_change_no_bit():
    net, task, rule, state = a_state(STRIP, 30_000, RULES["relax"])
    ends = []
    for threads in (1, 2, 3, 5):
        stepper = Stepper(net, task, rule, 2.0, threads)
        assert stepper.threads == threads
        stepper.put(*state)
        trace = np.vstack([stepper.steps(7, 0.05), stepper.steps(2, 0.05)])
        ends.append((trace, stepper.voltages, stepper.difference, stepper.conductances))
    for end in ends[1:]:
        for mine, first in zip(end, ends[0], strict=True):
            np.testing.assert_array_equal(mine, first)


def test_numbering_and_orientation_do_not_matter():
    net, task, rule, (v, w, g) = a_state(STRIP, 3000, RULES["relax"])
    rng = np.random.default_rng(5)
    new = rng.permutation(net.n_nodes)
    old = np.argsort(new)
    order = rng.permutation(net.n_edges)
    other = Network(new[net.edges][order][:, ::-1], net.n_nodes)
    moved = Task(new[task.sources], task.source_voltages, new[task.targets], task.target_voltages)
    one, two = Stepper(net, task, rule, 1.0), Stepper(other, moved, rule, 1.0)
    one.put(v, w, g)
    two.put(v[old], w[old], g[order])
    one.steps(5, 0.05)
    two.steps(5, 0.05)
    np.testing.assert_allclose(two.voltages[new], one.voltages, atol=1e-13)
    np.testing.assert_allclose(two.conductances, one.conductances[order], atol=1e-13)


def test_order_four():
    net, task, rule, state = a_state(STRIP, 2500, Rule(floor=1e-6, nudge=0.1))
    state = (state[0] * 0.1, state[1] * 0.1, state[2])
    ends = []
    for count in (8, 16, 128):
        stepper = Stepper(net, task, rule, 1.0)
        stepper.put(*state)
        stepper.steps(count, 0.4 / count)
        ends.append(stepper.conductances)
    coarse, fine = (np.abs(end - ends[2]).max() for end in ends[:2])
    assert np.log2(coarse / fine) == pytest.approx(4, abs=0.35)


def test_symmetry_of_voltage_and_rate_holds_bit_for_bit():
    """V → 4V with R → R/16 leaves G as it is."""
    net, task, rule, (v, w, g) = a_state(STRIP, 2500, RULES["relax"])
    ends = []
    for a in (1.0, 4.0):
        scaled = Task(task.sources, a * task.source_voltages, task.targets, a * task.target_voltages)
        stepper = Stepper(net, scaled, rule, 2.0 / a**2)
        stepper.put(a * v, a * w, g)
        stepper.steps(5, 0.05)
        ends.append(stepper.conductances)
    np.testing.assert_array_equal(*ends)


def test_bounds_and_drift():
    net, task, rule, (v, w, g) = a_state(STRIP, 3000, Rule(floor=1e-6, nudge=0.1))
    stepper = Stepper(net, task, rule, 2.0)
    stepper.put(v, w, g)
    free = np.setdiff1d(np.arange(net.n_nodes), task.sources)
    incidence = net.incidence
    full = (incidence.T @ (incidence * g[:, None])).tocsr()
    largest = eigsh(full[free][:, free], 1, return_eigenvectors=False)[0]
    relaxation, learning = stepper.bounds()
    assert largest <= relaxation <= 1.6 * largest
    squares = np.zeros(net.n_nodes)
    drop = v[net.edges[:, 0]] - v[net.edges[:, 1]]
    np.add.at(squares, net.edges, drop[:, None] ** 2)
    assert learning == pytest.approx(2 * squares[free].max(), rel=1e-12)
    slope = twin.slopes(net, task, rule, 2.0, v, w, g)[2]
    still = np.random.default_rng(0).normal(size=net.n_nodes)
    wanted = np.zeros(net.n_nodes)
    for side, sign in ((0, -1.0), (1, 1.0)):
        np.add.at(wanted, net.edges[:, side], sign * slope * (still[net.edges[:, 0]] - still[net.edges[:, 1]]))
    np.testing.assert_allclose(stepper.drift(still), wanted, atol=1e-12)


def test_bounds_after_steps_are_those_of_the_state():
    """The registers that a step leaves behind do not count."""
    net, task, rule, state = a_state(STRIP, 3000, Rule(floor=1e-6, nudge=0.1))
    stepper, other = Stepper(net, task, rule, 2.0), Stepper(net, task, rule, 2.0)
    stepper.put(*state)
    stepper.steps(3, 0.05)
    assert stepper.state.qx.any()
    other.put(stepper.voltages, stepper.difference, stepper.conductances)
    assert stepper.bounds() == other.bounds()


def test_nan_is_not_hidden():
    net, task, rule, (v, w, g) = a_state(STRIP, 2500, RULES["clip, ceiling"])
    g[7] = np.nan
    stepper = Stepper(net, task, rule, 2.0)
    stepper.put(v, w, g)
    stepper.steps(2, 0.05)
    assert np.isnan(stepper.conductances[7])
    assert np.isnan(stepper.voltages[net.edges[7]]).any()


def test_layout():
    net, _ = a_network(STRIP, 4000)
    layout = Layout.of(net)
    assert Layout.of(net) is layout
    np.testing.assert_array_equal(np.sort(layout.rank[net.edges[layout.edges]], axis=1), layout.ends)
    np.testing.assert_array_equal(layout.rank[layout.nodes], np.arange(4000))
    assert np.all(np.diff(layout.ends[:, 0].astype(int)) >= 0)
    spans = layout.ends[:, 1].astype(int) - layout.ends[:, 0]
    assert layout.bandwidth == spans.max() < 40
    assert layout.lag == (layout.ends[:, 1] // rk4_pipeline.BLOCK - layout.ends[:, 0] // rk4_pipeline.BLOCK).max() == 1
    assert layout.thin
    assert not Layout.of(a_network(EXPANDER, 4000)[0]).thin


def test_only_nodal_tasks():
    net, _ = a_network(STRIP, 2500)
    task = Task([0], [1.0], targets=[(5, 9)], target_voltages=[0.1], ground=1)
    with pytest.raises(NotImplementedError, match="held nodes and target nodes"):
        Stepper(net, task, Rule(), 1.0)
