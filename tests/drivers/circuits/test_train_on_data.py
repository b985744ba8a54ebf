"""Training on data: batches, losses and orders against a plain loop, and what results may not depend on."""
import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.drivers.circuits.imperfections import drawn
from ohmlearn.edges import NMOS, NonlinearEquilibrium, train_chips
from ohmlearn.learn import CrossEntropy, Hinge, Imperfections, Squared, Terminals, Update, Validation, train_on_data

NET = ol.Network.grid(3, 3)
LAW = NMOS(gain=0.5, leak=1e-3, highest=4.0)
RNG = np.random.default_rng(7)
X = RNG.uniform(0.0, 0.4, (22, 2))
CLASSES = np.where(X[:, 0] > X[:, 1] + 0.1, 2, np.where(X[:, 0] < X[:, 1] - 0.1, 0, 1))
NUMBERS = 0.1 + 0.3 * X[:, :1] + 0.2 * X[:, 1:]
TERMINALS = Terminals([0, 2], [4, (3, 5), 7], held={8: 0.3})
ONE = Terminals([0, 2], [4], held={8: 0.3})


def errors_of(loss, outputs, wanted, label):
    """Minus the derivative of the loss by the outputs, by central differences."""
    def value(z):
        if isinstance(loss, Squared):
            return 0.5 * np.sum((wanted - z) ** 2)
        if isinstance(loss, Hinge):
            return max(0.0, loss.margin - z[label] + np.delete(z, label).max())
        return -loss.temperature * np.log(np.exp(z[label] / loss.temperature) / np.exp(z / loss.temperature).sum())
    return np.array([(value(outputs - h) - value(outputs + h)) / 2e-6 for h in 1e-6 * np.eye(len(outputs))])


def plain(order, loss, *, batch, step, nudge, power=0.0, rule="contrast", wanted=None, clamp=100.0):
    """One chip, batch after batch, with the solver of single equilibria; clamps are edges to held nodes."""
    gates, (a, b) = np.full(12, LAW.start), NET.edges.T
    free = NonlinearEquilibrium(NET, [0, 2, 8], LAW)
    nodes = [4, 3, 5, 7]
    more = ol.Network(np.concatenate([NET.edges, [(node, 9 + k) for k, node in enumerate(nodes)]]), 13)

    def drops(held, voltages, pulled):
        moved = {4: pulled[0], 3: pulled[1] / 2, 5: -pulled[1] / 2, 7: pulled[2]}
        used = [k for k, node in enumerate(nodes) if isinstance(loss, Squared) or moved[node] != 0]
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
            error = errors_of(loss, np.array([v[4], v[3] - v[5], v[7]]), wanted[k], CLASSES[k])
            error[np.abs(error) < 1e-6] = 0.0
            change += power * (v[a] - v[b]) ** 2
            if not error.any():
                continue
            moved = nudge * error + loss.over * np.sign(error)
            if rule == "centred":
                change += (drops(held, v, moved) ** 2 - drops(held, v, -moved) ** 2) / (2 * nudge)
            else:
                change += (drops(held, v, moved) ** 2 - (v[a] - v[b]) ** 2) / nudge
        gates = np.clip(gates - step * change / len(batch_of), 0.0, 4.0)
    return gates


@pytest.mark.parametrize(("loss", "options"), [
    (Hinge(margin=0.05), {"nudge": 0.03, "batch": 1}),
    (Squared(over=0.01), {"nudge": 0.5, "batch": 3}),
    (CrossEntropy(temperature=0.1), {"nudge": 0.05, "power": 0.02, "batch": 11}),
    (Hinge(margin=0.2), {"nudge": 0.03, "rule": "centred", "power": 0.01, "batch": 4}),
])
def test_updates_are_those_of_a_plain_loop(loss, options):
    wanted = 0.1 * np.eye(3)[CLASSES]
    order = np.random.default_rng(options["batch"]).permutation(len(X))[None]
    learned = train_on_data(NET, TERMINALS, X, CLASSES, edges=LAW, loss=loss, epochs=1,
                            dynamics=Update(step=0.5, order=order, **options))
    right = plain(order[0], loss, step=0.5, wanted=wanted, **options)
    assert not learned.failures.any()
    assert np.abs(right - LAW.start).max() > 1e-3
    np.testing.assert_allclose(learned.values[0], right, rtol=0, atol=2e-8)


def test_the_gradient_rule_follows_the_gradient_of_every_loss():
    """A small step lowers the mean loss by step |gradient|², to first order."""
    for loss in (Squared(), Hinge(margin=0.2), CrossEntropy(temperature=0.1)):
        options = {"edges": LAW, "loss": loss, "dynamics": Update(step=1e-3, batch=22, rule="gradient"), "epochs": 1}
        begin = np.full(12, 2.0)
        moved = train_on_data(NET, TERMINALS, X, CLASSES, values=begin, **options)
        again = train_on_data(NET, TERMINALS, X, CLASSES, values=moved.values, **options)
        squared = np.sum((moved.values[0] - begin) ** 2) / 1e-3
        assert abs((moved.loss[0, 0] - again.loss[0, 0]) / squared - 1) < 0.05


def test_tasks_and_data_are_the_same_samples():
    tasks = [ol.Task({0: x[0], 2: x[1], 8: 0.3}, {4: y[0]}) for x, y in zip(X, NUMBERS, strict=True)]
    update = Update(step=1.0, nudge=0.5)
    chips = train_chips(NET, tasks, edges=LAW, epochs=3, dynamics=update, seed=4)
    learned = train_on_data(NET, ONE, X, NUMBERS, edges=LAW, epochs=3, dynamics=update, seed=4)
    assert np.array_equal(chips.values, learned.values)
    assert np.array_equal(chips.final, learned.outputs(X)) or np.abs(chips.final - learned.outputs(X)).max() < 1e-12


@pytest.mark.parametrize("batch", [1, 3, 20])
def test_chips_depend_on_themselves_alone(batch):
    options = {"edges": LAW, "loss": CrossEntropy(temperature=0.1), "epochs": 4,
               "dynamics": Update(step=0.5, nudge=0.05, batch=batch, order="cyclic"),
               "validation": Validation(0.3, patience=2)}
    begin = np.random.default_rng(1).uniform(1.0, 3.0, (11, 12))
    many = train_on_data(NET, TERMINALS, X, CLASSES, values=begin, threads=2, **options)
    for chip in (0, 7, 10):
        one = train_on_data(NET, TERMINALS, X, CLASSES, values=begin[chip], **options)
        assert np.array_equal(one.values[0], many.values[chip])
        assert np.array_equal(one.validation_score[:, 0], many.validation_score[:, chip], equal_nan=True)
        assert one.stopped[0] == many.stopped[chip]


def test_early_stopping_keeps_the_best():
    learned = train_on_data(NET, TERMINALS, X, CLASSES, edges=LAW, loss=Hinge(margin=0.05), epochs=30, chips=3,
                            dynamics=Update(step=2.0, nudge=0.05),
                            validation=Validation((X[:9], CLASSES[:9]), patience=3))
    for chip in range(3):
        score = learned.validation_score[:, chip]
        assert learned.stopped[chip] == np.nanargmax(score) + 1
        assert learned.score_of(X[:9], CLASSES[:9])[chip] == np.nanmax(score)
        ran = np.isfinite(score).sum()
        assert ran in (30, learned.stopped[chip] + 3)


def test_weights_count_samples_and_confusion_counts_classes():
    twice = np.concatenate([X, X[:5]])
    options = {"edges": LAW, "loss": CrossEntropy(temperature=0.1), "epochs": 1}
    update = {"nudge": 0.05, "order": "cyclic", "power": 0.05}
    doubled = train_on_data(NET, TERMINALS, twice, np.concatenate([CLASSES, CLASSES[:5]]), **options,
                            dynamics=Update(batch=27, step=27.0, **update))
    weighted = train_on_data(NET, TERMINALS, X, CLASSES, sample_weight=1.0 + (np.arange(22) < 5), **options,
                             dynamics=Update(batch=22, step=22.0, **update))
    np.testing.assert_allclose(doubled.values, weighted.values, rtol=0, atol=1e-9)
    table = weighted.confusion(X, CLASSES)[0]
    assert table.sum(axis=1).tolist() == np.bincount(CLASSES).tolist()
    assert np.trace(table) / len(X) == weighted.score_of(X, CLASSES)[0]


def test_resistors_learn_a_linear_map():
    learned = train_on_data(NET, Terminals([0, 2], [4], held={8: 0.3, 6: 0.0}), X, NUMBERS, epochs=200,
                            dynamics=Update(step=2.0, nudge=0.1, batch=8))
    assert learned.score_of(X, NUMBERS)[0] > 0.98
    assert learned.predict(X).shape == (1, 22, 1)


@pytest.mark.parametrize(("options", "error", "words"), [
    ({"loss": "squared"}, TypeError, "loss must be an ohmlearn.learn.Squared, Hinge"),
    ({"dynamics": 1.0}, TypeError, "dynamics must be an ohmlearn.learn.Update"),
    ({"dynamics": Update(step=[1.0, 2.0, 3.0])}, ValueError, "one an epoch"),
    ({"validation": 0.3}, TypeError, "validation must be an ohmlearn.learn.Validation"),
    ({"validation": Validation(0.01)}, ValueError, "leaves none"),
    ({"terminals": [0, 2]}, TypeError, "terminals must be"),
    ({"terminals": Terminals([0], [4, 5, 7])}, ValueError, r"X must be \(n_samples, 1\)"),
    ({"terminals": Terminals([0, 2], [4, 5])}, ValueError, "no more than the 2 outputs"),
    ({"terminals": Terminals([0, 2], [0, 5, 4])}, ValueError, "node 0 is an output and is held"),
    ({"terminals": Terminals([0, 2], [4, 5, 7], {2: 1.0})}, ValueError, "is an input"),
    ({"terminals": Terminals([0, 22], [4, 5, 7])}, ValueError, "22"),
    ({"imperfections": 3}, TypeError, "imperfections must be"),
    ({"sample_weight": [1.0]}, ValueError, "sample_weight must be"),
    ({"epochs": 2.5}, TypeError, "epochs must be a whole number"),
])
def test_what_is_refused(options, error, words):
    every = {"terminals": TERMINALS, "edges": LAW, "loss": Hinge(), "epochs": 2} | options
    with pytest.raises(error, match=words):
        train_on_data(NET, X=X, y=CLASSES, **every)


@pytest.mark.parametrize(("noun", "options", "error", "words"), [
    (Hinge, {"margin": 0.0}, ValueError, "margin must be finite and > 0 V"),
    (Squared, {"over": -1.0}, ValueError, "over must be finite and >= 0 V"),
    (Squared, {"swing": np.inf}, ValueError, "swing must be finite"),
    (CrossEntropy, {"temperature": "hot"}, TypeError, "temperature must be a number"),
    (Validation, {"samples": 1.5}, ValueError, "fraction between 0 and 1"),
    (Validation, {"patience": 0}, ValueError, "patience must be at least 1"),
    (Validation, {"samples": (X,)}, ValueError, r"pair \(X, y\)"),
    (Terminals, {"inputs": [0], "outputs": [1], "held": {"a": 1.0}}, TypeError, "held node must be"),
    (Terminals, {"inputs": [0], "outputs": [1], "held": {2: None}}, TypeError, "held voltage of node 2"),
])
def test_nouns_check_themselves(noun, options, error, words):
    with pytest.raises(error, match=words):
        noun(**options)


def test_progress_goes_to_stderr(capsys):
    train_on_data(NET, ONE, X, NUMBERS, edges=LAW, epochs=3, progress=True, chips=9, threads=2)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines()[-1].startswith("epoch 3 of 3: loss ")


def test_power_is_what_sources_deliver():
    flaws = Imperfections(gain=0.2)
    learned = train_on_data(NET, ONE, X, NUMBERS, epochs=3, chips=2, imperfections=flaws)
    found, v = learned.power(X), learned.voltages(X)
    for chip in range(2):
        g = learned.values[chip] * drawn(flaws, 12, 0, chip).gains[0]
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
        learned = train_on_data(ol.Network.grid(4, 4), Terminals([0, 3], [5, 9], held={15: 0.0}), inputs, wanted,
                                dynamics=Update(step=3.0, batch=2, order="cyclic", power=weight), epochs=4000,
                                every=4000)
        errors.append(np.sum((learned.outputs(inputs)[0] - wanted) ** 2))
    assert abs(np.log2(errors[1] / errors[0]) - 2) < 0.2
