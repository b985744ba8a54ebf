"""Learning while voltages relax, from samples presented in turn: against scipy's integrator, and against updates at
equilibrium in the slow limit."""
from dataclasses import replace

import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.drivers.circuits import chip_block, flow_block
from ohmlearn.drivers.circuits.imperfections import drawn
from ohmlearn.edges import NMOS, Linear, NonlinearEquilibrium, Sinh
from ohmlearn.learn import CrossEntropy, Flow, Hinge, Imperfections, Squared, Terminals, Update, train_on_data
from scipy.integrate import solve_ivp

NET = ol.Network.grid(3, 3)
A, B = NET.edges.T
HELD = [0, 2, 8]
LAWS = {"linear": Linear(), "square": NMOS(gain=0.5, leak=1e-3, highest=30.0), "sinh": Sinh(0.2)}
# a law is long in compiling
QUICK_AND_SLOW = [pytest.param(law, marks=() if law == "square" else pytest.mark.slow) for law in LAWS]
X = np.array([[0.05, 0.3], [0.25, 0.1], [0.15, 0.02]])
NUMBERS = np.array([[0.2], [0.1], [0.12]])
CLASSES = np.array([0, 1, 1])
ONE, TWO = Terminals([0, 2], [4], held={8: 0.3}), Terminals([0, 2], [4, (3, 5)], held={8: 0.3})


def outputs_of(terminals, v):
    return np.array([v[o] if np.ndim(o) == 0 else v[o[0]] - v[o[1]] for o in terminals.outputs])


def errors_of(loss, out, wanted, label):
    if isinstance(loss, Squared):
        return wanted - out
    if isinstance(loss, Hinge):
        lead = out[label] - out[1 - label]
        return (np.eye(2)[label] * 2 - 1) * (lead < loss.margin)
    p = np.exp(out / loss.temperature)
    return np.eye(2)[label] - p / p.sum()


def flow_of_scipy(law, terminals, loss, flow, order, u, wanted):
    """What is learned from the samples in order, by DOP853, which begins anew where samples change."""
    circuit, free = NonlinearEquilibrium(NET, HELD, law), np.setdiff1d(np.arange(9), HELD)
    v, w = circuit.solve(u, [*X[order[0]], 0.3]), np.zeros(9)

    def contrast(v, w):
        drop, moved = v[A] - v[B], w[A] - w[B]
        return moved * (2 * drop + flow.nudge * moved)

    def out_of(u, v):
        current = circuit.derivatives(u, v).current
        return np.bincount(A, current, 9) - np.bincount(B, current, 9)

    for k in order:
        v[HELD] = [*X[k], 0.3]

        def slopes(t, z, k=k, v=v, w=w):
            v[free], w[free], u = z[:6], z[6:12], z[12:]
            error = errors_of(loss, outputs_of(terminals, v), wanted[k], CLASSES[k])
            into = np.zeros(9)
            for output, e in zip(terminals.outputs, error, strict=True):
                if e == 0 and not isinstance(loss, Squared):
                    continue
                e = e + loss.over / flow.nudge * np.sign(e)
                nodes = [(output, e)] if np.ndim(output) == 0 else [(output[0], e / 2), (output[1], -e / 2)]
                for node, aim in nodes:
                    into[node] += flow.clamp * (aim - w[node])
            dw = into - (out_of(u, v + flow.nudge * w) - out_of(u, v)) / flow.nudge
            learning = 0.0 if flow.discrete else flow.rate
            return np.r_[-out_of(u, v)[free], dw[free], -learning * contrast(v, w)]

        z = solve_ivp(slopes, (0, flow.duration), np.r_[v[free], w[free], u], "DOP853", rtol=1e-9, atol=1e-12).y[:, -1]
        v[free], w[free], u = z[:6], z[6:12], z[12:]
        if flow.discrete:
            u = u - flow.rate * flow.duration * contrast(v, w)
    return u


@pytest.mark.parametrize(("rate", "switching"), [(0.1, 0.5), (10.0, 2.0), (1e4, 100.0)])
@pytest.mark.parametrize("samples", [2, 3])
@pytest.mark.parametrize("law", QUICK_AND_SLOW)
def test_numbers_are_learned_as_by_scipy(law, samples, rate, switching):
    flow = Flow(rate=rate, switching=switching, clamp=20.0, order="cyclic", tolerance=1e-8)
    begin = np.linspace(2.0, 4.0, 12)
    learned = train_on_data(NET, ONE, X[:samples], NUMBERS[:samples], edges=LAWS[law], dynamics=flow, values=begin,
                            epochs=2)
    u = flow_of_scipy(LAWS[law], ONE, Squared(), flow, [*range(samples)] * 2, begin, NUMBERS)
    moved = np.abs(u - begin).max()
    assert not learned.failures.any()
    assert moved > 1e-3
    np.testing.assert_allclose(learned.values[0], u, rtol=0, atol=3e-6 * moved)


@pytest.mark.parametrize(("rate", "switching"), [(1.0, 0.5), (20.0, 4.0), (1e3, 100.0)])
@pytest.mark.parametrize("law", QUICK_AND_SLOW)
def test_relaxed_updates_are_those_of_scipy(law, rate, switching):
    """Voltages relax at constant u, and u changes at once at the end of a presentation."""
    flow = Flow(rate=rate, switching=switching, clamp=20.0, order="cyclic", tolerance=1e-8, discrete=True)
    begin = np.linspace(2.0, 4.0, 12)
    learned = train_on_data(NET, ONE, X, NUMBERS, edges=LAWS[law], dynamics=flow, values=begin, epochs=2)
    u = flow_of_scipy(LAWS[law], ONE, Squared(), flow, [0, 1, 2] * 2, begin, NUMBERS)
    moved = np.abs(u - begin).max()
    assert moved > 1e-3
    np.testing.assert_allclose(learned.values[0], u, rtol=0, atol=3e-6 * moved)


@pytest.mark.parametrize(("terminals", "y", "loss"), [(ONE, NUMBERS, Squared()), (TWO, CLASSES, Hinge(0.5, over=0.02))])
@pytest.mark.parametrize("law", QUICK_AND_SLOW)
def test_relaxed_updates_after_a_long_time_are_updates(law, terminals, y, loss):
    """However large they are, where a flow would feel what it has learned."""
    begin, options = np.linspace(2.0, 4.0, 12), {"edges": LAWS[law], "loss": loss, "epochs": 3}
    flow = Flow(rate=0.02, switching=0.01, clamp=20.0, order="cyclic", discrete=True)
    update = Update(step=2.0, clamp=20.0, order="cyclic")
    one, other, flowing = (train_on_data(NET, terminals, X, y, dynamics=dynamics, values=begin, **options).values[0]
                           for dynamics in (flow, update, replace(flow, discrete=False)))
    moved = np.abs(other - begin).max()
    assert moved > 0.05
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-7 * moved)
    assert np.abs(flowing - other).max() > 1e-3 * moved


@pytest.mark.parametrize("loss", [Squared(swing=0.2), Hinge(margin=1.0, over=0.02), CrossEntropy(0.1, over=0.01)])
def test_classes_are_learned_as_by_scipy(loss):
    """A margin that no sample reaches, and differences of nodes as outputs."""
    flow = Flow(rate=0.5, switching=1.0, nudge=0.05, clamp=20.0, order=[[2, 0, 1], [1, 1, 2]], tolerance=1e-8)
    begin = np.linspace(2.0, 4.0, 12)
    learned = train_on_data(NET, TWO, X, CLASSES, edges=LAWS["square"], loss=loss, dynamics=flow, values=begin,
                            epochs=2)
    wanted = getattr(loss, "swing", 1.0) * np.eye(2)[CLASSES]
    u = flow_of_scipy(LAWS["square"], TWO, loss, flow, [2, 0, 1, 1, 1, 2], begin, wanted)
    np.testing.assert_allclose(learned.values[0], u, rtol=0, atol=3e-6 * np.abs(u - begin).max())


@pytest.mark.parametrize("law", QUICK_AND_SLOW)
def test_the_slow_limit_is_that_of_updates(law):
    """At constant R/σ what a flow learns differs from the update by terms of first order in σ, as relaxation takes
    time, and in R/σ, as what an update changes is not felt within it; both are halved."""
    off = []
    for slower in (1, 2):
        step, switching = 0.02 / slower, 0.01 / slower
        options = {"edges": LAWS[law], "values": np.linspace(2.0, 4.0, 12), "epochs": 1}
        flow = Flow(rate=step * switching, switching=switching, clamp=20.0, order="cyclic")
        update = Update(step=step, clamp=20.0, order="cyclic")
        one, other = (train_on_data(NET, ONE, X, NUMBERS, dynamics=dynamics, **options).values[0] - options["values"]
                      for dynamics in (flow, update))
        off.append(np.abs(one - other).max() / np.abs(other).max())
    assert off[0] < 0.05
    assert 1.7 < off[0] / off[1] < 2.3


def test_chips_depend_on_themselves_alone(monkeypatch):
    begin = np.random.default_rng(1).uniform(2.0, 4.0, (11, 12))
    options = {"edges": LAWS["square"], "loss": Hinge(0.05), "epochs": 6, "dynamics": Flow(rate=5.0, switching=3.0)}
    many = train_on_data(NET, TWO, X, CLASSES, values=begin, threads=2, seed=3, **options)
    monkeypatch.setattr(chip_block, "PIECE", 1)         # an epoch at a time
    some = train_on_data(NET, TWO, X, CLASSES, values=begin[:3], every=4, seed=3, **options)
    assert np.array_equal(some.values, many.values[:3])
    assert np.array_equal(some.loss[0], many.loss[3, :3])
    assert np.abs(many.values[:3] - begin[:3]).max() > 1e-2


def test_tasks_and_data_are_the_same_samples():
    tasks = [ol.Task({0: x[0], 2: x[1], 8: 0.3}, {4: y[0]}) for x, y in zip(X, NUMBERS, strict=True)]
    options = {"edges": LAWS["square"], "epochs": 3, "seed": 4, "dynamics": Flow(rate=2.0)}
    chips = ol.edges.train_chips(NET, tasks, every=1, **options)
    learned = train_on_data(NET, ONE, X, NUMBERS, **options)
    assert np.array_equal(chips.values, learned.values)
    loss = 0.5 * np.mean((chips.outputs[:, 0, :, 0] - NUMBERS[:, 0]) ** 2, axis=1)     # at the ends of presentations
    np.testing.assert_allclose(learned.loss[:, 0], loss, rtol=1e-12)
    assert np.abs(chips.outputs[-1] - chips.final).max() > 1e-4                         # which are not at rest


def test_mismatch_is_a_law_of_its_own():
    flaws = Imperfections(threshold=0.05, gain=0.2)
    options = {"dynamics": Flow(rate=1.0, order="cyclic"), "epochs": 2}
    many = train_on_data(NET, ONE, X, NUMBERS, edges=LAWS["square"], imperfections=flaws, chips=3, seed=5, **options)
    device = drawn(flaws, 12, 5, 2)
    law = NMOS(gain=0.5 * device.gains[0], threshold=device.thresholds[0], leak=1e-3, lowest=0.0, highest=30.0)
    one = train_on_data(NET, ONE, X, NUMBERS, edges=law, values=np.full(12, LAWS["square"].start), **options)
    assert np.array_equal(one.values[0], many.values[2])


@pytest.mark.parametrize("discrete", [False, True])
def test_what_learns_stays_within_its_bounds(discrete):
    law, flow = NMOS(gain=0.5, leak=1e-3, lowest=1.9, highest=2.1), Flow(rate=1e4, switching=2.0, discrete=discrete)
    learned = train_on_data(NET, ONE, X, NUMBERS, edges=law, dynamics=flow, epochs=5)
    assert learned.values.min() == 1.9
    assert learned.values.max() == 2.1


def test_a_chip_without_numbers_is_told_and_alone(monkeypatch):
    begin = flow_block.FlowBlock.__init__

    def spoilt(self, *given):
        begin(self, *given)
        self.flow.begun[0] = True
        self.flow.x[:, 1] = np.nan
    monkeypatch.setattr(flow_block.FlowBlock, "__init__", spoilt)
    learned = train_on_data(NET, ONE, X, NUMBERS, edges=LAWS["square"], dynamics=Flow(), epochs=2, chips=3)
    assert learned.failures.tolist() == [0, 6, 0]
    assert np.isnan(learned.values[1]).any()
    assert np.isfinite(learned.values[[0, 2]]).all()


def test_rates_of_epochs_and_weights_of_samples():
    options = {"edges": LAWS["square"], "epochs": 2}
    fading = train_on_data(NET, ONE, X, NUMBERS, dynamics=Flow(rate=[1.0, 0.0], order="cyclic"), **options)
    once = train_on_data(NET, ONE, X, NUMBERS, dynamics=Flow(rate=1.0, order="cyclic"), **options | {"epochs": 1})
    assert np.array_equal(fading.values, once.values)
    twice = train_on_data(NET, ONE, X, NUMBERS, dynamics=Flow(rate=2.0), **options)
    weighted = train_on_data(NET, ONE, X, NUMBERS, dynamics=Flow(rate=1.0), sample_weight=[2.0] * 3, **options)
    assert np.array_equal(twice.values, weighted.values)


@pytest.mark.parametrize(("options", "error", "words"), [
    ({"rate": 0.0}, ValueError, "rate must be finite and > 0"), ({"rate": [-1.0]}, ValueError, ">= 0"),
    ({"rate": [[1.0]]}, ValueError, "one an epoch"), ({"switching": 0.0}, ValueError, "switching must be"),
    ({"nudge": -0.1}, ValueError, "nudge must be"), ({"clamp": np.inf}, ValueError, "clamp must be"),
    ({"discrete": 1}, TypeError, "discrete must be True or False"),
    ({"tolerance": 1.0}, ValueError, "tolerance=1.0 must lie"), ({"order": "random"}, ValueError, "order must be"),
])
def test_flows_that_are_refused(options, error, words):
    with pytest.raises(error, match=words):
        Flow(**options)


def test_imperfections_that_are_refused():
    for flaws, edges in ((Imperfections(read_noise=0.1), LAWS["square"]), (Imperfections(gain=0.1), None)):
        with pytest.raises(NotImplementedError, match="take updates"):
            train_on_data(NET, ONE, X, NUMBERS, edges=edges, imperfections=flaws, dynamics=Flow())
    with pytest.raises(ValueError, match=r"rate must be a number > 0, or \(3,\)"):
        train_on_data(NET, ONE, X, NUMBERS, dynamics=Flow(rate=[1.0, 1.0]), epochs=3)


def test_damaged_transistors_go_on_by_a_flow():
    law, options = LAWS["square"], {"dynamics": Flow(rate=2.0, switching=0.3, clamp=20.0), "epochs": 300}
    circuit = NonlinearEquilibrium(NET, HELD, law)
    wanted = np.array([[circuit.solve(np.linspace(4.0, 1.0, 12), [*x, 0.3])[4]] for x in X])

    def error_of(learned):
        return np.sum((learned.outputs(X)[0] - wanted) ** 2)
    learned = train_on_data(NET, ONE, X, wanted, edges=law, **options)
    damaged = learned.perturbed(noise=1.5, lost=0.1)
    again = train_on_data(NET, ONE, X, wanted, edges=law, values=damaged, **options)
    assert np.array_equal(again.lost, damaged.lost)
    assert error_of(learned) < 0.1 * error_of(damaged)
    assert error_of(again) < 0.1 * error_of(damaged)
    resistors = train_on_data(NET, ONE, X, wanted, epochs=1).perturbed(lost=0.1)
    with pytest.raises(NotImplementedError, match="lost edges"):
        train_on_data(NET, ONE, X, wanted, values=resistors, dynamics=Flow())
