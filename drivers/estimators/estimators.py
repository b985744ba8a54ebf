"""Networks that learn from data, as estimators that follow scikit-learn's rules."""
from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .best_response import best_response
from .coupled import Coupled, mean_and_spread, weights_of
from .wiring import Array, condense

# After the base, which says what to install where scikit-learn is missing.
# isort: split
from sklearn.base import ClassifierMixin, MultiOutputMixin, RegressorMixin, clone
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data


class CoupledRegressor(RegressorMixin, MultiOutputMixin, Coupled):
    """A resistor network that learns y from X.

    net : the network; by default a crossbar made to size, which joins every output to every held node.
    inputs : one entry a feature: the node held at its voltage x, or a pair of nodes held at x and -x.
    outputs : one entry an output: the node, or the pair of nodes whose drop, is the answer.
    bias : a node held at 1 V, or a pair of nodes held at 1 and -1 V. ground : a node held at 0 V. None for neither.
    rate : R = γl/γp of coupled learning, with all samples side by side (paper 1); 0 is its quasistatic limit. None
        minimises the mean cost by a quasi-Newton method within the bounds of a gradient flow, which is quicker.
    rule : bounds of the conductances and more, a :class:`Rule`; for rate None a :class:`GradientFlow`, which is then
        followed in place of the quasi-Newton method, as it is in networks of more than 1000 nodes.
    scale : held voltages are the standardised features, outputs `swing` V times the standardised y. False: X and y are
        voltages as they stand.
    max_steps : most steps of the minimisation, or most training steps at a rate.
    verbose : print how far training is.

    Conductances are not negative, so an output at a node is a mean of the held voltages with weights >= 0 that sum
    to 1 (maximum principle): pairs of inputs or outputs give both signs, `swing` keeps the weights small enough.

    Fitted: `network_`, `conductances_` (n_edges,), `response_` (n_outputs, n_features + 1), which takes (x, 1) in V to
    the outputs in V, `wiring_`, and `seen_`: few samples that say all that those seen so far do, and their weight.

    >>> import numpy as np
    >>> import ohmlearn as ol
    >>> X = np.random.default_rng(0).normal(size=(40, 2))
    >>> y = 0.5 * X[:, 0] - 0.2 * X[:, 1]
    >>> round(ol.learn.CoupledRegressor().fit(X, y).score(X, y), 3)
    1.0
    """

    def __init__(self, net: Any = None, inputs: Any = None, outputs: Any = None, *, bias: Any = None,
                 ground: Any = None, rate: float | None = None, rule: Any = None, scale: bool = True,
                 swing: float = 0.2, max_steps: int = 1000, verbose: bool = False) -> None:
        self.net = net
        self.inputs = inputs
        self.outputs = outputs
        self.bias = bias
        self.ground = ground
        self.rate = rate
        self.rule = rule
        self.scale = scale
        self.swing = swing
        self.max_steps = max_steps
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on features X (n_samples, n_features) and answers y (n_samples,) or (n_samples, n_outputs).

        sample_weight : (n_samples,) factors >= 0 of the samples' costs.

        Returns the estimator itself.

        >>> import ohmlearn as ol
        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(40, 2))
        >>> y = 0.5 * X[:, 0] - 0.2 * X[:, 1]
        >>> model = ol.learn.CoupledRegressor().fit(X, y)
        >>> model.conductances_.shape
        (7,)
        """
        drive, desired, weights = self._wanted(X, y, sample_weight)
        self._say(f"{self.network_!r}, {len(drive)} samples")
        self.seen_ = *condense(drive, desired, weights / weights.sum()), weights.sum()
        end = self._learn(drive, desired, None, weights / weights.sum())
        self._say(f"{end.status}: {end.reason}")
        return self

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on further samples, from the present conductances, without forgetting the earlier ones: a linear
        network sees samples through their second moments alone, which are kept. Scales are those of the first call.

        X, y, sample_weight : as for :meth:`fit`.

        Returns the estimator itself.

        >>> import ohmlearn as ol
        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(40, 2))
        >>> y = 0.5 * X[:, 0] - 0.2 * X[:, 1]
        >>> model = ol.learn.CoupledRegressor().partial_fit(X[:20], y[:20]).partial_fit(X[20:], y[20:])
        >>> round(model.score(X, y), 3)
        1.0
        """
        if not hasattr(self, "seen_"):
            return self.fit(X, y, sample_weight)
        drive, desired, weights = self._wanted(X, y, sample_weight, first=False)
        features, answers, before = self.seen_
        total = before + weights.sum()
        every = np.append(np.full(len(features), before), weights) / total
        few = condense(np.vstack([features, drive]), np.vstack([answers, desired]), every)
        self.seen_ = *few, total
        end = self._learn(*few, self.conductances_, np.ones(len(few[0])))
        self._say(f"{len(drive)} samples more, {end.status}: {end.reason}")
        return self

    def ideal(self, X: Any, y: Any) -> Self:
        """The best that any network with this drive and readout can do, as a fitted estimator without conductances.

        Found by a convex fit, see :func:`ohmlearn.drivers.estimators.best_response.best_response`; `cost_` is its mean
        cost in V².

        Returns a new estimator, which predicts and has no network.

        >>> import ohmlearn as ol
        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(40, 2))
        >>> y = 0.5 * X[:, 0] - 0.2 * X[:, 1]
        >>> model = ol.learn.CoupledRegressor().fit(X, y)
        >>> best = model.ideal(X, y)
        >>> round(best.score(X, y), 3)
        1.0
        """
        best: Self = clone(self)
        drive, desired, _ = best._wanted(X, y)
        best.cost_, best.response_ = best_response(best.wiring_, drive, lambda _: desired)
        return best

    def _wanted(self, X: Any, y: Any, sample_weight: Any = None, first: bool = True) -> tuple[Array, Array, Array]:
        """What drives the network, the desired outputs in V, and the weights. first : set the scales by these samples.
        """
        X, y = validate_data(self, X, y, multi_output=True, y_numeric=True, dtype=np.float64, reset=first)
        wanted, weights = np.asarray(y, dtype=np.float64).reshape(len(X), -1), weights_of(sample_weight, X)
        if first:
            drive = self._start(X, wanted.shape[1], weights)
            self.y_offset_, self.y_scale_ = np.zeros(wanted.shape[1]), np.ones(wanted.shape[1])
            if self.scale:
                self.y_offset_, spread = mean_and_spread(wanted, weights)
                self.y_scale_ = np.where(spread > 0, spread, 1.0) / self.swing
            self.y_ndim_ = np.ndim(y)
        elif wanted.shape[1] == self.y_scale_.size:
            drive = self._drive(X)
        else:
            raise ValueError(f"y has {wanted.shape[1]} outputs, but that of the first call had {self.y_scale_.size}")
        return drive, (wanted - self.y_offset_) / self.y_scale_, weights

    def predict(self, X: Any) -> NDArray[np.float64]:
        """(n_samples,) or (n_samples, n_outputs), as y was.

        >>> import ohmlearn as ol
        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(40, 2))
        >>> y = 0.5 * X[:, 0] - 0.2 * X[:, 1]
        >>> model = ol.learn.CoupledRegressor().fit(X, y)
        >>> bool(np.abs(model.predict(X) - y).max() < 0.05)
        True
        """
        answers = self._answers(X) * self.y_scale_ + self.y_offset_
        return answers[:, 0] if self.y_ndim_ == 1 else answers


class CoupledClassifier(ClassifierMixin, Coupled):
    """A resistor network that learns classes, one output each; the largest output tells.

    margin : V by which the right output should lead. The desired outputs of a sample are the nearest ones that do;
        a sample whose right output leads by the margin already is left alone. Small against the held voltages, so that
        conductances that are not negative can give it.
    epochs, max_steps : how often the desired outputs are set anew, and most steps in between.
    tol : training ends when an epoch lowers the mean cost by less than this fraction.
    verbose : print the cost of every epoch.
    Others as for :class:`CoupledRegressor`; scale=False takes X as voltages.

    The decision does not change when all outputs gain the same voltage, nor with their scale, so weights >= 0 that sum
    to 1 are no bound on it: any linear classifier can be had, if the network has enough paths.

    Fitted: `classes_`, `network_`, `conductances_`, `response_`, `wiring_`, `n_iter_`, and `costs_`, the mean cost in
    V² before every epoch.

    >>> import ohmlearn as ol
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> ol.learn.CoupledClassifier(epochs=20).fit(X, y).score(X, y) > 0.8
    True
    """

    def __init__(self, net: Any = None, inputs: Any = None, outputs: Any = None, *, bias: Any = None,
                 ground: Any = None, rate: float | None = None, rule: Any = None, scale: bool = True,
                 margin: float = 0.05, epochs: int = 100, max_steps: int = 20, tol: float = 1e-4,
                 verbose: bool = False) -> None:
        self.net = net
        self.inputs = inputs
        self.outputs = outputs
        self.bias = bias
        self.ground = ground
        self.rate = rate
        self.rule = rule
        self.scale = scale
        self.margin = margin
        self.epochs = epochs
        self.max_steps = max_steps
        self.tol = tol
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on features X (n_samples, n_features) and class labels y (n_samples,).

        sample_weight : (n_samples,) factors >= 0 of the samples' costs.

        Returns the estimator itself.

        >>> import ohmlearn as ol
        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(40, 2))
        >>> y = np.where(X[:, 0] > 0, "right", "left")
        >>> model = ol.learn.CoupledClassifier(epochs=10).fit(X, y)
        >>> model.classes_.tolist()
        ['left', 'right']
        """
        drive, right, weights = self._wanted(X, y, sample_weight)
        weights = weights / weights.sum()
        self._learned(self.network_.conductances())
        self.costs_: list[float] = []
        for _ in range(self.epochs):
            outputs = drive @ self.response_.T
            desired = leading(outputs, right, self.margin)
            self.costs_.append(0.5 * float(weights @ np.sum((desired - outputs) ** 2, axis=1)))
            if self.costs_[-1] == 0 or (len(self.costs_) > 1 and
                                        self.costs_[-1] > (1 - self.tol) * self.costs_[-2]):
                break
            self._say(f"epoch {len(self.costs_)} of at most {self.epochs}: cost {self.costs_[-1]:.4g} V²")
            self._learn(drive, desired, self.conductances_, weights)
        self.n_iter_ = len(self.costs_)
        self._say(f"ended after epoch {self.n_iter_}: cost {self.costs_[-1]:.4g} V²")
        return self

    def ideal(self, X: Any, y: Any) -> Self:
        """The best that any network with this drive and readout can do, as for :meth:`CoupledRegressor.ideal`.

        Returns a new estimator, which predicts and has no network.

        >>> import ohmlearn as ol
        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(40, 2))
        >>> y = np.where(X[:, 0] > 0, "right", "left")
        >>> model = ol.learn.CoupledClassifier(epochs=10).fit(X, y)
        >>> model.ideal(X, y).score(X, y) > 0.9
        True
        """
        best: Self = clone(self)
        drive, right, _ = best._wanted(X, y)
        best.cost_, best.response_ = best_response(best.wiring_, drive,
                                                   lambda outputs: leading(outputs, right, self.margin))
        return best

    def _wanted(self, X: Any, y: Any, sample_weight: Any = None) -> tuple[Array, NDArray[np.int64], Array]:
        """What drives the network, the number of every sample's class, and the weights."""
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, right = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"the data have one class only, {self.classes_[0]}; a classifier needs two")
        weights = weights_of(sample_weight, X)
        return self._start(X, len(self.classes_), weights), right, weights

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """(n_samples, n_classes) outputs in V; of two classes (n_samples,) how far the second leads.

        >>> import ohmlearn as ol
        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(40, 2))
        >>> y = np.where(X[:, 0] > 0, "right", "left")
        >>> model = ol.learn.CoupledClassifier(epochs=10).fit(X, y)
        >>> model.decision_function(X).shape
        (40,)
        """
        outputs = self._answers(X)
        return outputs[:, 1] - outputs[:, 0] if outputs.shape[1] == 2 else outputs

    def predict(self, X: Any) -> NDArray[Any]:
        """(n_samples,) the classes whose outputs are largest.

        >>> import ohmlearn as ol
        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(40, 2))
        >>> y = np.where(X[:, 0] > 0, "right", "left")
        >>> model = ol.learn.CoupledClassifier(epochs=10).fit(X, y)
        >>> model.predict(X[:2]).shape
        (2,)
        """
        best = self._answers(X).argmax(axis=1)
        return np.asarray(self.classes_[best])


def leading(outputs: Array, right: NDArray[Any], margin: float) -> Array:
    """The nearest outputs (n, n_classes) at which the right one leads every other by the margin."""
    rows = np.arange(len(outputs))
    rivals = outputs + margin
    rivals[rows, right] = -np.inf
    order = np.sort(rivals, axis=1)[:, ::-1]
    # The right output rises, and those that come too near fall, to a common level: the mean over as many as that takes.
    level = outputs[rows, right]
    total = level.copy()
    for k in range(outputs.shape[1] - 1):
        total = total + np.where(np.isfinite(order[:, k]), order[:, k], 0.0)
        level = np.where(order[:, k] > level, total / (k + 2), level)
    desired = np.minimum(outputs, level[:, None] - margin)
    desired[rows, right] = level
    return desired
