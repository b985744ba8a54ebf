"""What estimators that follow scikit-learn's rules share: wiring, scales, and a network's answer to samples."""
from __future__ import annotations

from typing import Any

import numpy as np

try:
    from sklearn.base import BaseEstimator
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
except ImportError as error:
    raise ImportError("CoupledRegressor and CoupledClassifier need scikit-learn 1.6 or newer: "
                      "pip install 'ohmlearn[learn]'") from error

from ohmlearn.task import Task

from .learn import learn
from .wiring import Array, Wiring, crossbar, with_ones


class Coupled(BaseEstimator):
    """The base of both estimators, without what they learn: numbers or classes."""

    def _wire(self, n_features: int, n_outputs: int) -> Wiring:
        """The wiring for so many features and outputs."""
        if self.net is None:
            if self.inputs is not None or self.outputs is not None:
                raise ValueError("inputs and outputs are nodes of a network: give net too, or leave all three out")
            return crossbar(n_features, n_outputs)
        if self.inputs is None or self.outputs is None:
            raise ValueError("a network that is given needs inputs and outputs: the nodes for features and answers")
        for what, nodes, count in (("features", self.inputs, n_features), ("outputs", self.outputs, n_outputs)):
            if len(nodes) != count:
                raise ValueError(f"the data have {count} {what}, but {len(nodes)} are wired to the network; "
                                 f"give {'inputs' if what == 'features' else 'outputs'} one entry each")
        return Wiring(self.net, self.inputs, self.outputs, self.bias, self.ground)

    def _start(self, X: Array, n_outputs: int, weights: Array) -> Array:
        """Scales and wiring from the data; returns what drives the network."""
        self.offset_, self.scale_ = np.zeros(X.shape[1]), np.ones(X.shape[1])
        if self.scale:
            self.offset_, spread = mean_and_spread(X, weights)
            self.scale_ = np.where(spread > 1e-12 * np.abs(self.offset_), spread, 1.0)
        self.wiring_ = self._wire(X.shape[1], n_outputs)
        self.network_ = self.wiring_.network
        return self._drive(X)

    def _drive(self, X: Array) -> Array:
        return with_ones((X - self.offset_) / self.scale_)

    def _learned(self, conductances: Array) -> None:
        self.conductances_ = conductances
        self.response_ = self.wiring_.response(conductances)

    def _learn(self, drive: Array, desired: Array, conductances: Array | None, weights: Array) -> Any:
        """Train from given conductances on samples with weights (n_samples,); returns the Run or Descent."""
        end = learn(self.wiring_, drive, desired, conductances, rate=self.rate, rule=self.rule,
                    max_steps=self.max_steps, weights=weights)
        self._learned(end.conductances)
        return end

    def _say(self, text: str) -> None:
        """A line on how far training is, where `verbose` asks for it."""
        if self.verbose:
            print(f"[{type(self).__name__}] {text}", flush=True)

    def _driven(self, X: Any) -> Array:
        """(n_samples, n_features + 1) what drives the fitted network."""
        check_is_fitted(self)
        return self._drive(validate_data(self, X, reset=False, dtype=np.float64))

    def _answers(self, X: Any) -> Array:
        """(n_samples, n_outputs) the network's outputs in V."""
        return np.asarray(self._driven(X) @ self.response_.T)

    def tasks(self, X: Any) -> tuple[Task, ...]:
        """The samples as tasks of `network_`: held nodes with their voltages, and as targets what the network answers.

        X : (n_samples, n_features) features.

        Returns (n_samples,) tasks, whose cost at `conductances_` is 0: `ol.voltages(model.network_, model.tasks(X)[0],
        model.conductances_)` are the voltages that the first sample makes. Raises NotFittedError before `fit`.

        >>> import ohmlearn as ol
        >>> model = ol.learn.CoupledRegressor().fit([[0.0], [1.0], [2.0]], [1.0, 2.0, 3.0])
        >>> len(model.tasks([[0.5], [1.5]]))
        2
        """
        drive = self._driven(X)
        return self.wiring_.tasks(drive, drive @ self.response_.T)

    def to_spice(self, x: Any, **options: Any) -> str:
        """The trained network driven by one sample, as a deck for SPICE.

        x : (n_features,) features of one sample.
        options : as for :func:`ohmlearn.io.spice.to_spice`, `path`, `units` and `capacitors` among them.

        Returns the text of the deck. Raises NotFittedError before `fit`, and ValueError for several samples.

        >>> import ohmlearn as ol
        >>> model = ol.learn.CoupledRegressor().fit([[0.0], [1.0], [2.0]], [1.0, 2.0, 3.0])
        >>> model.to_spice([0.5]).splitlines()[0]
        '* crossbar: 6 nodes, 5 edges'
        """
        sample = np.asarray(x)
        if sample.ndim != 1:
            raise ValueError(f"to_spice takes one sample of shape (n_features,), not an array of shape {sample.shape}; "
                             "call it for each row")
        (task,) = self.tasks(sample[None])
        if not hasattr(self, "conductances_"):
            raise ValueError("ideal() gives a response without a network; a deck needs one that was trained by fit()")
        return self.network_.to_spice(task, self.conductances_, **options)


def weights_of(sample_weight: Any, X: Array) -> Array:
    """(n_samples,) checked weights, 1 where none are given."""
    weights: Array = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    if not weights.any():
        raise ValueError("all of sample_weight are 0; give one sample at least a weight")
    return weights


def mean_and_spread(values: Array, weights: Array) -> tuple[Array, Array]:
    """Weighted means and standard deviations of the columns of (n, k) values."""
    mean = np.average(values, axis=0, weights=weights)
    return mean, np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weights))
