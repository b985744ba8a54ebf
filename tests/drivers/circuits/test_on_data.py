"""Training on data: batches, losses and orders against a plain loop, and what results may not depend on."""
import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.drivers.circuits.imperfections import drawn
from ohmlearn.edges import NMOS, NonlinearEquilibrium, train_chips
from ohmlearn.learn import train_on_data

NET = ol.Network.grid(3, 3)
LAW = NMOS(gain=0.5, leak=1e-3, highest=4.0)
RNG = np.random.default_rng(7)
X = RNG.uniform(0.0, 0.4, (22, 2))
CLASSES = np.where(X[:, 0] > X[:, 1] + 0.1, 2, np.where(X[:, 0] < X[:, 1] - 0.1, 0, 1))
NUMBERS = 0.1 + 0.3 * X[:, :1] + 0.2 * X[:, 1:]
WIRED = {"inputs": [0, 2], "held": {8: 0.3}, "edges": LAW}
OUTPUTS = [4, (3, 5), 7]


def errors_of(loss, outputs, wanted, label, margin):
    """Minus the derivative of the loss by the outputs, by central differences."""
    def value(z):
        if loss == "squared":
            return 0.5 * np.sum((wanted - z) ** 2)
        if loss == "hinge":
            return max(0.0, margin - z[label] + np.delete(z, label).max())
        return -margin * np.log(np.exp(z[label] / margin) / np.exp(z / margin).sum())
    return np.array([(value(outputs - h) - value(outputs + h)) / 2e-6 for h in 1e-6 * np.eye(len(outputs))])


def plain(order, batch, loss, *, step, nudge, margin, over=0.0, power=0.0, rule="contrast", wanted=None, clamp=100.0):
    """One chip, batch after batch, with the solver of single equilibria; clamps are edges to held nodes."""
    gates, (a, b) = np.full(12, LAW.start), NET.edges.T
    free = NonlinearEquilibrium(NET, [0, 2, 8], LAW)
    nodes = [4, 3, 5, 7]
    more = ol.Network(np.concatenate([NET.edges, [(node, 9 + k) for k, node in enumerate(nodes)]]), 13)

    def drops(held, voltages, pulled):
        moved = {4: pulled[0], 3: pulled[1] / 2, 5: -pulled[1] / 2, 7: pulled[2]}
        used = [k for k, node in enumerate(nodes) if loss == "squared" or moved[node] != 0]
        clamps = np.zeros(4)
        clamps[used] = clamp
        laws = ol.edges.PerEdge([LAW, ol.edges.Linear()], [0] * 12 + [1] * 4)
        circuit = NonlinearEquilibrium(more, [0, 2, 8, 9, 10, 11, 12], laws)
        at = [voltages[node] + moved[node] for node in nodes]
        v = circuit.solve(np.r_[gates, clamps], [*held, *at])
        return v[a] - v[b]

    for batch_of in [order[i:i + batch] for i in range(0, len(order), batch)]:
        change = np.zeros(12)
        for k in batch_of:
            held = [*X[k], 0.3]
            v = free.solve(gates, held)
            error = errors_of(loss, np.array([v[4], v[3] - v[5], v[7]]), wanted[k], CLASSES[k], margin)
            error[np.abs(error) < 1e-6] = 0.0
            change += power * (v[a] - v[b]) ** 2
            if not error.any():
                continue
            moved = nudge * error + over * np.sign(error)
            if rule == "centred":
                change += (drops(held, v, moved) ** 2 - drops(held, v, -moved) ** 2) / (2 * nudge)
            else:
                change += (drops(held, v, moved) ** 2 - (v[a] - v[b]) ** 2) / nudge
        gates = np.clip(gates - step * change / len(batch_of), 0.0, 4.0)
    return gates


@pytest.mark.parametrize(("batch", "loss", "options"), [
    (1, "hinge", {"nudge": 0.03, "margin": 0.05}),
    (3, "squared", {"nudge": 0.5, "margin": 1.0, "over": 0.01}),
    (11, "cross entropy", {"nudge": 0.05, "margin": 0.1, "power": 0.02}),
    (4, "hinge", {"nudge": 0.03, "margin": 0.2, "rule": "centred", "power": 0.01}),
])
def test_updates_are_those_of_a_plain_loop(batch, loss, options):
    wanted = 0.1 * np.eye(3)[CLASSES]
    order = np.random.default_rng(batch).permutation(len(X))[None]
    learned = train_on_data(NET, X, CLASSES, outputs=OUTPUTS, loss=loss, batch=batch, order=order, epochs=1, step=0.5,
                            **WIRED, **options)
    right = plain(order[0], batch, loss, step=0.5, wanted=wanted, **options)
    assert not learned.failures.any()
    assert np.abs(right - LAW.start).max() > 1e-3
    np.testing.assert_allclose(learned.values[0], right, rtol=0, atol=2e-8)


def test_the_gradient_rule_follows_the_gradient_of_every_loss():
    """A small step lowers the mean loss by step |gradient|², to first order."""
    for loss, margin in (("squared", 1.0), ("hinge", 0.2), ("cross entropy", 0.1)):
        options = {"outputs": OUTPUTS, "loss": loss, "margin": margin, "batch": 22, "rule": "gradient", **WIRED}
        begin = np.full(12, 2.0)
        moved = train_on_data(NET, X, CLASSES, step=1e-3, epochs=1, values=begin, **options)
        again = train_on_data(NET, X, CLASSES, step=1e-3, epochs=1, values=moved.values, **options)
        squared = np.sum((moved.values[0] - begin) ** 2) / 1e-3
        assert abs((moved.loss[0, 0] - again.loss[0, 0]) / squared - 1) < 0.05


def test_tasks_and_data_are_the_same_samples():
    tasks = [ol.Task({0: x[0], 2: x[1], 8: 0.3}, {4: y[0]}) for x, y in zip(X, NUMBERS, strict=True)]
    chips = train_chips(NET, tasks, edges=LAW, epochs=3, step=1.0, order="shuffled", seed=4)
    learned = train_on_data(NET, X, NUMBERS, outputs=[4], epochs=3, step=1.0, nudge=0.5, seed=4, **WIRED)
    assert np.array_equal(chips.values, learned.values)
    assert np.array_equal(chips.final, learned.outputs(X)) or np.abs(chips.final - learned.outputs(X)).max() < 1e-12


@pytest.mark.parametrize("batch", [1, 3, 20])
def test_chips_depend_on_themselves_alone(batch):
    options = {"outputs": OUTPUTS, "loss": "cross entropy", "margin": 0.1, "epochs": 4, "step": 0.5, "nudge": 0.05,
               "batch": batch, "validation": 0.3, "patience": 2, **WIRED}
    begin = np.random.default_rng(1).uniform(1.0, 3.0, (11, 12))
    many = train_on_data(NET, X, CLASSES, values=begin, threads=2, order="cyclic", **options)
    for chip in (0, 7, 10):
        one = train_on_data(NET, X, CLASSES, values=begin[chip], order="cyclic", **options)
        assert np.array_equal(one.values[0], many.values[chip])
        assert np.array_equal(one.validation_score[:, 0], many.validation_score[:, chip], equal_nan=True)
        assert one.stopped[0] == many.stopped[chip]


def test_early_stopping_keeps_the_best():
    learned = train_on_data(NET, X, CLASSES, outputs=OUTPUTS, loss="hinge", margin=0.05, epochs=30, step=2.0,
                            nudge=0.05, validation=(X[:9], CLASSES[:9]), patience=3, chips=3, **WIRED)
    for chip in range(3):
        score = learned.validation_score[:, chip]
        assert learned.stopped[chip] == np.nanargmax(score) + 1
        assert learned.score_of(X[:9], CLASSES[:9])[chip] == np.nanmax(score)
        ran = np.isfinite(score).sum()
        assert ran in (30, learned.stopped[chip] + 3)


def test_weights_count_samples_and_confusion_counts_classes():
    twice = np.concatenate([X, X[:5]])
    options = {"outputs": OUTPUTS, "loss": "cross entropy", "margin": 0.1, "epochs": 1, "nudge": 0.05,
               "order": "cyclic", "power": 0.05, **WIRED}
    doubled = train_on_data(NET, twice, np.concatenate([CLASSES, CLASSES[:5]]), batch=27, step=27.0, **options)
    weighted = train_on_data(NET, X, CLASSES, batch=22, step=22.0, sample_weight=1.0 + (np.arange(22) < 5), **options)
    np.testing.assert_allclose(doubled.values, weighted.values, rtol=0, atol=1e-9)
    table = weighted.confusion(X, CLASSES)[0]
    assert table.sum(axis=1).tolist() == np.bincount(CLASSES).tolist()
    assert np.trace(table) / len(X) == weighted.score_of(X, CLASSES)[0]


def test_resistors_learn_a_linear_map():
    learned = train_on_data(NET, X, NUMBERS, inputs=[0, 2], outputs=[4], held={8: 0.3, 6: 0.0}, batch=8, epochs=200,
                            step=2.0, nudge=0.1)
    assert learned.score_of(X, NUMBERS)[0] > 0.98
    assert learned.predict(X).shape == (1, 22, 1)


@pytest.mark.parametrize(("options", "error", "words"), [
    ({"loss": "guess"}, ValueError, "'squared', 'hinge'"),
    ({"batch": 0}, ValueError, "batch must be a whole number"),
    ({"step": [1.0, 2.0, 3.0]}, ValueError, "one an epoch"),
    ({"patience": 2}, ValueError, "needs validation samples"),
    ({"validation": 1.5}, ValueError, "fraction between 0 and 1"),
    ({"inputs": [0]}, ValueError, r"X must be \(n_samples, 1\)"),
    ({"outputs": [4, 5]}, ValueError, "no more than the 2 outputs"),
    ({"outputs": [0, 5, 4]}, ValueError, "node 0 is an output and is held"),
    ({"held": {2: 1.0}}, ValueError, "is an input"),
    ({"imperfections": 3}, TypeError, "imperfections must be"),
    ({"sample_weight": [1.0]}, ValueError, "sample_weight must be"),
])
def test_what_is_refused(options, error, words):
    with pytest.raises(error, match=words):
        train_on_data(NET, X, CLASSES, **({"outputs": OUTPUTS, "loss": "hinge", "epochs": 2} | WIRED | options))


def test_power_is_what_sources_deliver():
    learned = train_on_data(NET, X, NUMBERS, inputs=[0, 2], outputs=[4], held={8: 0.3}, epochs=3, step=1.0, chips=2,
                            imperfections=ol.learn.Imperfections(gain=0.2))
    found, v = learned.power(X), learned.voltages(X)
    for chip in range(2):
        g = learned.values[chip] * drawn(ol.learn.Imperfections(gain=0.2), 12, 0, chip).gains[0]
        circuit = ol.Equilibrium(NET, [0, 2, 8])
        delivered = np.mean([circuit_power(circuit, g, x, v[chip, k]) for k, x in enumerate(X)])
        assert abs(found[chip] / delivered - 1) < 1e-9


def circuit_power(circuit, g, x, voltages):
    """Power that the held nodes deliver."""
    held = np.array([*x, 0.3])
    v = circuit.solve(g, held)
    np.testing.assert_allclose(voltages, v, rtol=0, atol=1e-10)
    a, b = NET.edges.T
    current = g * (v[a] - v[b])
    out = np.bincount(a, current, 9) - np.bincount(b, current, 9)
    return float(out[[0, 2, 8]] @ held)


def test_the_error_grows_with_the_square_of_the_weight_of_power():
    """At rest the pull of the error balances that of the power, so the error is proportional to the weight."""
    drawn_g, held = np.random.default_rng(0).uniform(0.3, 3.0, 24), np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    wanted = ol.Equilibrium(ol.Network.grid(4, 4), [0, 3, 15]).solve(drawn_g, held)[[5, 9]].T     # within reach
    inputs, errors = np.eye(2), []
    for weight in (5e-5, 1e-4):
        learned = train_on_data(ol.Network.grid(4, 4), inputs, wanted, inputs=[0, 3], outputs=[5, 9], held={15: 0.0},
                                batch=2, order="cyclic", epochs=4000, step=3.0, nudge=0.1, power=weight, every=4000)
        errors.append(np.sum((learned.outputs(inputs)[0] - wanted) ** 2))
    assert abs(np.log2(errors[1] / errors[0]) - 2) < 0.2
