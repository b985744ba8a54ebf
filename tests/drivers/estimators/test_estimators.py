"""Estimators that learn from data: scikit-learn's own checks, closed forms, the bound that G >= 0 sets."""
import subprocess
import sys
import warnings

import numpy as np
import ohmlearn as ol
import pytest

pytest.importorskip("sklearn", reason="needs scikit-learn: pip install 'ohmlearn[learn]'")

from ohmlearn.drivers.estimators.best_response import onto_simplex
from ohmlearn.drivers.estimators.estimators import leading
from ohmlearn.drivers.estimators.quasi_newton import MeanCost
from ohmlearn.drivers.estimators.wiring import Wiring, condense, with_ones
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import check_estimator

RNG = np.random.default_rng(0)
STAR = ol.Network.from_edges([(0, 3), (1, 3), (2, 3)])      # node 3 sees three held nodes


@pytest.mark.parametrize("estimator", [ol.learn.CoupledRegressor(), ol.learn.CoupledClassifier(epochs=5)],
                         ids=["regressor", "classifier"])
def test_rules_of_scikit_learn(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(estimator, on_fail=None, on_skip=None)
    assert len(results) > 40
    assert [r["check_name"] for r in results if r["status"] == "failed"] == []


def test_what_a_crossbar_can_reach_is_least_squares():
    X, y = load_diabetes(return_X_y=True)
    y = np.stack([y, y[::-1]], axis=1)
    learned, best = ol.learn.CoupledRegressor().fit(X, y), LinearRegression().fit(X, y)
    np.testing.assert_allclose(learned.predict(X), best.predict(X), atol=1e-3 * y.std())
    ideal = ol.learn.CoupledRegressor().ideal(X, y)
    np.testing.assert_allclose(ideal.predict(X), best.predict(X), atol=0.02 * y.std())


def test_a_voltage_cannot_be_amplified():
    """y = 2x from x and ground: the best of all weights in [0, 1] is 1; of y = x/3 it is 1/3."""
    x = np.linspace(-1, 1, 7)[:, None]
    wired = dict(inputs=[0], outputs=[2], ground=1, scale=False)
    net = ol.Network.from_edges([(0, 2), (1, 2)])
    amplified = ol.learn.CoupledRegressor(net, **wired).fit(x, 2 * x[:, 0])
    np.testing.assert_allclose(amplified.response_, [[1, 0]], atol=1e-4)
    ideal = ol.learn.CoupledRegressor(net, **wired).ideal(x, 2 * x[:, 0])
    np.testing.assert_allclose(ideal.response_, [[1, 0]], atol=1e-12)
    assert ideal.cost_ == pytest.approx(0.5 * np.mean(x**2))
    third = ol.learn.CoupledRegressor(net, **wired).fit(x, x[:, 0] / 3)
    np.testing.assert_allclose(third.response_, [[1 / 3, 0]], atol=1e-5)
    assert third.conductances_[0] / third.conductances_.sum() == pytest.approx(1 / 3, rel=1e-4)


def test_pairs_of_nodes_give_both_signs():
    X = RNG.normal(size=(40, 2))
    net = ol.Network.from_edges([(i, j) for i in range(4) for j in (4, 5)])
    wired = dict(outputs=[(4, 5)], ground=3, scale=False)
    wanted = 0.3 * X[:, 0] - 0.5 * X[:, 1] - 0.1
    by_outputs = ol.learn.CoupledRegressor(net, inputs=[0, 1], bias=2, **wired).fit(X, wanted)
    np.testing.assert_allclose(by_outputs.response_, [[0.3, -0.5, -0.1]], atol=1e-4)
    by_inputs = ol.learn.CoupledRegressor(ol.Network.grid(4, 4), inputs=[(0, 3), (12, 15)], outputs=[5], scale=False)
    y = 0.05 * X[:, 0] - 0.02 * X[:, 1]
    np.testing.assert_allclose(by_inputs.fit(X, y).predict(X), y, atol=2e-5)


def test_a_trained_network_gives_what_the_estimator_says():
    X, y = RNG.normal(size=(30, 3)), RNG.normal(size=30)
    learned = ol.learn.CoupledRegressor().fit(X, y)
    wiring = learned.wiring_
    task = wiring.tasks(learned._drive(X[:1]), np.zeros((1, 1)))[0]
    v = ol.voltages(learned.network_, task, learned.conductances_)[wiring.outputs[0]]
    assert learned.predict(X[:1])[0] == pytest.approx(v * learned.y_scale_[0] + learned.y_offset_[0])


def test_few_samples_say_all():
    """The same trajectory from 50 samples and from the at most 5 that they are condensed to."""
    net = ol.Network.grid(3, 3)
    wiring = Wiring(net, [0, 2], [4, 7], ground=8)
    X, Y = with_ones(RNG.normal(size=(50, 2))), RNG.normal(size=(50, 2))
    few = condense(X, Y)
    assert len(few[0]) == 5
    np.testing.assert_allclose(few[0].T @ few[1], X.T @ Y / 50, atol=1e-14)
    flow = dict(until=0.0, t_max=2.0, max_steps=60)
    many = ol.descend(net, wiring.tasks(X / np.sqrt(50), Y / np.sqrt(50)), **flow)
    less = ol.descend(net, wiring.tasks(*few), **flow)
    assert less.n_steps == many.n_steps
    assert np.abs(many.conductances - 1).max() > 0.1
    np.testing.assert_allclose(less.conductances, many.conductances, rtol=1e-9)
    assert less.cost == pytest.approx(many.cost)


def test_the_nearest_outputs_that_lead():
    outputs = np.array([[0.0, 0.0, 0.0], [0.5, 0.0, 0.0], [0.0, 1.0, -5.0], [0.0, 0.3, 0.3]])
    desired = leading(outputs, np.zeros(4, dtype=int), 0.3)
    np.testing.assert_allclose(desired, [[0.2, -0.1, -0.1], [0.5, 0, 0], [0.65, 0.35, -5.0], [0.4, 0.1, 0.1]])
    outputs, right = RNG.normal(size=(200, 5)), RNG.integers(0, 5, 200)
    desired = leading(outputs, right, 0.1)
    rows = np.arange(200)
    rivals = desired.copy()
    rivals[rows, right] = -np.inf
    assert np.all(desired[rows, right] >= rivals.max(axis=1) + 0.1 - 1e-12)
    for _ in range(50):     # no other point that leads is nearer: the angle at a projection is obtuse
        other = leading(outputs + RNG.normal(size=outputs.shape), right, 0.1)
        assert np.all(np.sum((outputs - desired) * (other - desired), axis=1) < 1e-9)


@pytest.mark.parametrize("rate", [0.0, 1.0, 30.0])
def test_coupled_learning_at_a_rate(rate):
    """One output: the fixed points are those of the gradient flow, the best linear map if it is in reach."""
    X = RNG.normal(size=(30, 2))
    y = 0.3 * X[:, 0] - 0.1 * X[:, 1] + 0.05 * RNG.normal(size=30)
    learned = ol.learn.CoupledRegressor(rate=rate, max_steps=3000).fit(X, y)
    np.testing.assert_allclose(learned.predict(X), LinearRegression().fit(X, y).predict(X), atol=0.01 * y.std())


def test_few_samples_say_all_at_a_rate():
    net, rule = ol.Network.grid(3, 3), ol.Rule(nudge=1e-3)
    wiring = Wiring(net, [0, 2], [4, 7], ground=8)
    X, Y = with_ones(RNG.normal(size=(12, 2))), 0.3 * RNG.normal(size=(12, 2))
    few = condense(X, Y)
    unit = np.sqrt(len(few[0]))
    run = dict(rule=rule, until=None, t_max=2.0, method="rk4", dt=0.02)
    many = ol.train(net, wiring.tasks(X, Y), 3.0, **run)
    less = ol.train(net, wiring.tasks(unit * few[0], unit * few[1]), 3.0, **run)
    assert np.abs(many.conductances - 1).max() > 0.1
    np.testing.assert_allclose(less.conductances, many.conductances, rtol=1e-9)


@pytest.mark.parametrize(("rate", "rule", "message"), [
    (None, ol.Rule(), "at rate=None the rule is an ohmlearn.GradientFlow"),
    (1.0, ol.rules.GradientFlow(), "at rate=1.0 the rule is an ohmlearn.Rule"),
])
def test_wrong_rule(rate, rule, message):
    with pytest.raises(TypeError, match=message):
        ol.learn.CoupledRegressor(rate=rate, rule=rule).fit(RNG.normal(size=(5, 2)), np.arange(5.0))


def test_projection_onto_the_simplex():
    rows = RNG.normal(size=(20, 4))
    onto = onto_simplex(rows)
    assert onto.min() >= 0
    np.testing.assert_allclose(onto.sum(axis=1), 1)
    corners = np.eye(4)
    assert np.all(np.einsum("ij,ikj->ik", rows - onto, corners[None] - onto[:, None]) < 1e-12)


def test_iris_in_a_pipeline_and_cross_validation():
    X, y = load_iris(return_X_y=True)
    names = load_iris().target_names[y]
    pipeline = make_pipeline(MinMaxScaler(), ol.learn.CoupledClassifier(epochs=30))
    score = cross_val_score(pipeline, X, names, cv=3).mean()
    assert score > cross_val_score(LogisticRegression(max_iter=1000), X, names, cv=3).mean() - 0.03
    search = GridSearchCV(ol.learn.CoupledClassifier(epochs=3), {"margin": [0.02, 0.05]}, cv=2).fit(X, names)
    assert search.best_score_ > 0.8
    assert set(search.predict(X)) <= {"setosa", "versicolor", "virginica"}


def test_costs_fall_towards_the_bound():
    X, y = load_iris(return_X_y=True)
    learned = ol.learn.CoupledClassifier(epochs=40).fit(X, y)
    ideal, costs = learned.ideal(X, y), np.array(learned.costs_)
    assert np.all(np.diff(costs) < 0)
    assert ideal.score(X, y) > 0.97
    bound = ideal.cost_
    assert bound < costs[-1] < 5 * bound < 0.2 * costs[0]


@pytest.mark.parametrize(("options", "message"), [
    ({"net": STAR}, "needs inputs and outputs"),
    ({"inputs": [0]}, "inputs and outputs are nodes of a network: give net too"),
    ({"net": STAR, "inputs": [0], "outputs": [3]}, "the data have 2 features, but 1 are wired to the network"),
    ({"net": STAR, "inputs": [0, 1], "outputs": [2, 3]}, "the data have 1 outputs, but 2 are wired"),
    ({"net": STAR, "inputs": [0, 7], "outputs": [3]}, "input 1 7 is not in the network, whose nodes run from 0 to 3"),
    ({"net": STAR, "inputs": [0, 1], "outputs": [3], "bias": 1}, "node 1 is input 1 and bias"),
    ({"net": STAR, "inputs": [0, 1], "outputs": [1], "ground": 2}, "node 1 is both source and target"),
])
def test_wrong_wiring(options, message):
    with pytest.raises(ValueError, match=message):
        ol.learn.CoupledRegressor(**options).fit(RNG.normal(size=(5, 2)), np.arange(5.0))


def test_wrong_data():
    with pytest.raises(ValueError, match="the data have one class only, 1"):
        ol.learn.CoupledClassifier().fit(np.zeros((3, 1)), [1, 1, 1])
    net = ol.Network.from_edges([(0, 1), (1, 2)])
    with pytest.raises(ValueError, match="all features are 0"):
        ol.learn.CoupledRegressor(net, inputs=[0], outputs=[1], ground=2).fit(np.zeros((3, 1)), np.arange(3.0))


def test_without_scikit_learn():
    code = ("import sys; sys.modules['sklearn'] = None; import ohmlearn\n"
            "assert 'CoupledRegressor' not in dir(ohmlearn)\ntry:\n    ohmlearn.CoupledRegressor\n"
            "except ImportError as error:\n    print(error)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "pip install 'ohmlearn[learn]'" in done.stdout, done.stderr


def fitted():
    X = RNG.normal(size=(30, 2))
    return X, ol.learn.CoupledRegressor().fit(X, X @ [[0.3], [-0.2]])


def test_samples_are_tasks_of_the_trained_network():
    X, model = fitted()
    answers = model._answers(X)
    for sample, answer in zip(model.tasks(X[:3]), answers[:3], strict=True):
        v = ol.voltages(model.network_, sample, model.conductances_)
        np.testing.assert_allclose(v[sample.targets], answer, atol=1e-12)
        np.testing.assert_allclose(sample.target_voltages, answer, atol=1e-12)


def test_a_sample_is_a_deck(tmp_path):
    X, model = fitted()
    model.to_spice(X[4], units=ol.Units(conductance="1/10kohm"), path=tmp_path / "x.cir")
    circuit = ol.read_spice(tmp_path / "x.cir")
    np.testing.assert_allclose(circuit.conductances, 1e-4 * model.conductances_, rtol=1e-12)
    out = model.tasks(X[4:5])[0].targets[0]
    assert circuit.voltages()[f"n{out}"] == pytest.approx(model._answers(X[4:5])[0, 0], abs=1e-9)


def test_what_no_deck_is_made_of():
    X, model = fitted()
    with pytest.raises(ValueError, match="one sample"):
        model.to_spice(X[:2])
    with pytest.raises(ValueError, match="fit"):
        model.ideal(X, X[:, :1]).to_spice(X[0])
    with pytest.raises(ValueError, match="not fitted"):
        ol.learn.CoupledRegressor().tasks(X)


def test_verbose_says_how_far_it_is(capsys):
    X, y = load_iris(return_X_y=True)
    quiet = ol.learn.CoupledClassifier(epochs=3).fit(X, y)
    assert capsys.readouterr().out == ""
    told = ol.learn.CoupledClassifier(epochs=3, verbose=True).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"[CoupledClassifier] epoch 1 of at most 3: cost {told.costs_[0]:.4g} V²"
    assert len(lines) == 4
    np.testing.assert_array_equal(quiet.conductances_, told.conductances_)
    ol.learn.CoupledRegressor(verbose=True).fit(X, y)
    assert "150 samples" in capsys.readouterr().out


def test_the_mean_cost_has_the_gradient_of_differences():
    wiring = Wiring(ol.Network.grid(3, 4), [0, (2, 8)], [5, (6, 9)], ground=11)
    X, Y = with_ones(RNG.normal(size=(20, 2))), 0.2 * RNG.normal(size=(20, 2))
    cost, g = MeanCost(wiring, X, Y), RNG.uniform(0.5, 2.0, 17)
    found, slope = cost(g)
    outputs = X @ wiring.response(g).T
    assert found == pytest.approx(0.5 * np.sum((outputs - Y) ** 2))
    differences = [(cost(g + h)[0] - cost(g - h)[0]) / 2e-6 for h in 1e-6 * np.eye(17)]
    np.testing.assert_allclose(slope, differences, atol=1e-8 * np.abs(slope).max() + 1e-9)


def test_the_quasi_newton_method_ends_where_the_flow_does():
    X, y = RNG.normal(size=(40, 3)), RNG.normal(size=40)
    quick, slow = (ol.learn.CoupledRegressor(rule=rule).fit(X, y) for rule in (None, ol.rules.GradientFlow()))
    np.testing.assert_allclose(quick.response_, slow.response_, atol=1e-4)


@pytest.mark.parametrize("kind", [ol.learn.CoupledRegressor, ol.learn.CoupledClassifier])
@pytest.mark.parametrize("options", [{}, {"rate": 0.0, "max_steps": 30}])
def test_a_weight_of_two_is_a_sample_twice_and_one_of_zero_none(kind, options):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(30, 3))
    y = X @ [0.5, -0.2, 0.1] + 0.05 * rng.normal(size=30)
    y = np.where(y > 0, "up", "down") if kind is ol.learn.CoupledClassifier else y
    weights = rng.integers(0, 3, 30)
    options = options | ({"epochs": 3} if kind is ol.learn.CoupledClassifier else {})
    one = kind(**options).fit(X, y, sample_weight=weights)
    two = kind(**options).fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    np.testing.assert_allclose(one.offset_, two.offset_, rtol=1e-12)
    np.testing.assert_allclose(one.response_, two.response_, atol=1e-5)
    plain = kind(**options).fit(X, y)
    assert abs(one.response_ - plain.response_).max() > 1e-4
    with pytest.raises(ValueError, match=r"all of sample_weight are 0|at least one non-zero"):
        kind(**options).fit(X, y, sample_weight=np.zeros(30))


@pytest.mark.parametrize("sizes", [(20, 20, 20), (5, 1, 54), (60,)])
@pytest.mark.parametrize("outputs", [1, 2, 3])
def test_batches_are_learned_without_forgetting_the_earlier_ones(sizes, outputs):
    """As all at once: the moments of a linear network say all, given the same scales."""
    rng = np.random.default_rng(4)
    X = rng.normal(size=(60, 3))
    y = X @ rng.uniform(-0.3, 0.3, (3, outputs)) + 0.1 * rng.normal(size=(60, outputs))
    weights = rng.uniform(0.5, 2.0, 60)
    model, start = ol.learn.CoupledRegressor(scale=False), 0
    for size in sizes:
        part = slice(start, start + size)
        model.partial_fit(X[part], y[part], sample_weight=weights[part])
        start += size
    whole = ol.learn.CoupledRegressor(scale=False).fit(X, y, sample_weight=weights)
    assert model.seen_[2] == pytest.approx(weights.sum())
    np.testing.assert_allclose(model.response_, whole.response_, atol=2e-5)
    with pytest.raises(ValueError, match="outputs, but that of the first call had"):
        model.partial_fit(X, np.zeros((60, outputs + 1)))
    with pytest.raises(ValueError, match="expecting 3 features"):
        model.partial_fit(X[:, :2], y)
