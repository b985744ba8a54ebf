"""What circuits have learned from data, and what they answer."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.checks.kinds import check_kinds, check_sign
from ohmlearn.kernels.nonlinear.chips import Settings
from ohmlearn.learn.terminals import Terminals
from ohmlearn.solvers.nonlinear.equilibrium import LANES

from .chip_block import ChipBlock, in_blocks
from .chip_design import ChipDesign
from .samples import Samples, checked_features, of_data, wired

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Learned:
    """Circuits that have learned data.

    values : (n_chips, n_edges) what the edges have learned. classes : (n_classes,) of a classification, else None.
    epochs : (n_records,) epochs done at the records. loss, score : (n_records, n_chips) of the training samples in the
    epoch before, each before its own update: mean loss, in V for classes and V² for numbers, and accuracy or R².
    clamped : (n_records, n_chips) fraction of the samples that had an error, so that their outputs were clamped.
    validation_loss, validation_score : (n_records, n_chips) of the validation samples after the epoch, NaN for none.
    Records of a chip that has stopped are NaN.
    stopped : (n_chips,) the epoch that values are of. seconds : that the training took, evaluations included.
    failures : (n_chips,) equilibria that were not found, or of a flow presentations that led to no numbers or took too
    many steps; such a chip is not to be trusted.

    >>> import numpy as np, ohmlearn as ol
    >>> X = np.random.default_rng(0).uniform(0, 1, (40, 2))
    >>> y = X[:, 0] > 0.5 * X[:, 1]
    >>> learned = ol.learn.train_on_data(
    ...     ol.Network.grid(3, 3), ol.learn.Terminals([0, 2], [8, 6], held={4: 0.0}), X, y, epochs=20,
    ...     loss=ol.learn.Hinge(margin=0.02), dynamics=ol.learn.Update(step=3.0, nudge=0.05))
    >>> learned.predict(X).shape, float(learned.score[-1, 0]) > 0.9
    ((1, 40), True)
    """

    values: Floats
    classes: NDArray[Any] | None
    epochs: NDArray[np.int64]
    loss: Floats
    score: Floats
    clamped: Floats
    validation_loss: Floats
    validation_score: Floats
    stopped: NDArray[np.int64]
    failures: NDArray[np.int64]
    seconds: float
    _design: ChipDesign
    _terminals: Terminals
    _settings: Settings

    def outputs(self, X: ArrayLike) -> Floats:
        """What the circuits answer to samples, without noise of the measurement unless they were trained with it.

        X : (n_samples, n_features) in V.

        Returns (n_chips, n_samples, n_outputs) in V.

        >>> import numpy as np, ohmlearn as ol
        >>> X = np.random.default_rng(0).uniform(0, 1, (20, 2))
        >>> learned = ol.learn.train_on_data(
        ...     ol.Network.grid(3, 3), ol.learn.Terminals([0, 2], [7], held={6: 0.0}), X, 0.4 * X[:, :1] + 0.2,
        ...     dynamics=ol.learn.Update(step=0.5), epochs=5, chips=2)
        >>> learned.outputs(X).shape
        (2, 20, 1)
        """
        return self._of_chips(X, lambda block, samples: block.evaluate(samples).outputs)

    def voltages(self, X: ArrayLike) -> Floats:
        """What samples make of the voltages of all nodes.

        X : (n_samples, n_features) in V.

        Returns (n_chips, n_samples, n_nodes) in V.

        >>> import numpy as np, ohmlearn as ol
        >>> X = np.random.default_rng(0).uniform(0, 1, (20, 2))
        >>> learned = ol.learn.train_on_data(
        ...     ol.Network.grid(3, 3), ol.learn.Terminals([0, 2], [7], held={6: 0.0}), X, 0.4 * X[:, :1] + 0.2,
        ...     dynamics=ol.learn.Update(step=0.5), epochs=5)
        >>> v = learned.voltages(X)
        >>> v.shape, bool(np.all(v[0, :, [0, 2]] == X.T))
        ((1, 20, 9), True)
        """
        return self._of_chips(X, lambda block, samples: block.voltages(samples))

    def power(self, X: ArrayLike) -> Floats:
        """What the edges of every circuit dissipate, Σ I Δv, in the mean over samples.

        X : (n_samples, n_features) in V.

        Returns (n_chips,) in G₀ V².

        >>> import numpy as np, ohmlearn as ol
        >>> X = np.random.default_rng(0).uniform(0, 1, (20, 2))
        >>> terminals = ol.learn.Terminals([0, 2], [7], held={6: 0.0})
        >>> def trained(power):
        ...     return ol.learn.train_on_data(ol.Network.grid(3, 3), terminals, X, 0.4 * X[:, :1] + 0.2, epochs=50,
        ...                                   dynamics=ol.learn.Update(step=0.5, power=power))
        >>> bool(trained(0.1).power(X)[0] < trained(0.0).power(X)[0])
        True
        """
        found, (a, b) = np.empty(len(self.values)), self._design.network.edges.T
        for chip, voltages in enumerate(self.voltages(X)):
            circuit, seen = self._design.free_circuit(chip, self.values[chip])
            found[chip] = np.mean([circuit.derivatives(seen, v).current @ (v[a] - v[b]) for v in voltages])
        return found

    def _of_chips(self, X: ArrayLike, ask: Callable[[ChipBlock, Samples], Floats]) -> Floats:
        """What blocks of one chip each say of samples."""
        wiring = wired(self._terminals, self._design.network)
        features = checked_features(wiring, X)
        count, outputs = len(features), len(self._design.samples.first)
        samples = of_data(wiring, self._terminals.held, features, np.zeros((count, outputs)),
                          np.zeros(count, dtype=np.int64))

        def of_block(chips: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
            return (ask(ChipBlock(self._design, chips, self.values[chips], LANES, self._settings), samples),)

        return in_blocks(of_block, len(self.values), 1, None, axes=(0,))[0]

    @property
    def lost(self) -> NDArray[np.bool_] | None:
        """(n_chips, n_edges) edges that chips have lost, see :meth:`perturbed`; None where none has.

        Returns a boolean array, or None.

        >>> import numpy as np, ohmlearn as ol
        >>> X = np.random.default_rng(0).uniform(0, 1, (20, 2))
        >>> learned = ol.learn.train_on_data(
        ...     ol.Network.grid(3, 3), ol.learn.Terminals([0, 2], [7], held={6: 0.0}), X, 0.4 * X[:, 0] + 0.2, epochs=1)
        >>> learned.lost is None, int(learned.perturbed(lost=0.25).lost.sum())
        (True, 3)
        """
        return self._design.lost

    @check_kinds
    def perturbed(self, noise: float = 0.0, *, fraction: float = 1.0, lost: float = 0.0, seed: int = 0) -> Learned:
        """The circuits with damage: noise on what edges have learned, and edges that are lost.

        noise : standard deviation of what is added to the values of some edges, in V or G₀, within the bounds of the
            law. fraction : of the edges that have such noise.
        lost : fraction of the edges that conduct no more but for a leak beside a channel, and learn no more. Numbers of
            edges are rounded, and which ones they are is drawn for every chip.
        seed : of the draws.

        Returns :class:`Learned`, whose curves are those of the training before. Training goes on from there by
        `train_on_data(..., values=damaged)`. Raises ValueError where a number is out of range.

        >>> import numpy as np, ohmlearn as ol
        >>> X = np.random.default_rng(0).uniform(0, 1, (40, 2))
        >>> y, net, terminals = X @ [[0.4], [0.2]], ol.Network.grid(3, 3), ol.learn.Terminals([0, 2], [7], {6: 0.0})
        >>> options = {"dynamics": ol.learn.Update(step=0.5), "epochs": 30}
        >>> learned = ol.learn.train_on_data(net, terminals, X, y, **options)
        >>> damaged = learned.perturbed(noise=0.5, lost=0.1, seed=1)
        >>> again = ol.learn.train_on_data(net, terminals, X, y, values=damaged, **options)
        >>> [bool(one.score_of(X, y)[0] > 0.9) for one in (learned, damaged, again)]
        [True, False, True]
        """
        check_sign("noise", noise, ">= 0")
        for name, number in (("fraction", fraction), ("lost", lost)):
            if not 0 <= number <= 1:
                raise ValueError(f"{name} must lie between 0 and 1, not {number}")
        chips, m = self.values.shape
        values, gone = self.values.copy(), np.zeros((chips, m), dtype=bool)
        for chip in range(chips):
            draw = np.random.default_rng([seed, chip, 4])
            noisy, dead = draw.permutation(m)[:round(fraction * m)], draw.permutation(m)[:round(lost * m)]
            values[chip, noisy] += noise * draw.standard_normal(len(noisy))
            gone[chip, dead] = True
        values = np.clip(values, self._design.low, self._design.high)
        design = self._design.damaged(gone) if gone.any() else self._design
        return replace(self, values=values, _design=design)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Classes of samples, those of the largest outputs; or, of numbers, the outputs.

        X : (n_samples, n_features) in V.

        Returns (n_chips, n_samples) classes, or (n_chips, n_samples, n_outputs) in V.

        >>> import numpy as np, ohmlearn as ol
        >>> X = np.random.default_rng(0).uniform(0, 1, (40, 2))
        >>> y = np.where(X[:, 0] > 0.5 * X[:, 1], "right", "left")
        >>> learned = ol.learn.train_on_data(
        ...     ol.Network.grid(3, 3), ol.learn.Terminals([0, 2], [8, 6], held={4: 0.0}), X, y, epochs=20,
        ...     loss=ol.learn.Hinge(margin=0.02), dynamics=ol.learn.Update(step=3.0, nudge=0.05))
        >>> learned.predict([[0.9, 0.1]]).tolist()
        [['right']]
        """
        found = self.outputs(X)
        return found if self.classes is None else self.classes[found.argmax(axis=2)]

    def score_of(self, X: ArrayLike, y: ArrayLike) -> Floats:
        """How well samples are answered, by every chip.

        X : (n_samples, n_features) in V. y : classes, or numbers in V.

        Returns (n_chips,) accuracy, or R² (1 less the squared error over that of the mean).

        >>> import numpy as np, ohmlearn as ol
        >>> X = np.random.default_rng(0).uniform(0, 1, (40, 2))
        >>> y = X[:, 0] > 0.5 * X[:, 1]
        >>> learned = ol.learn.train_on_data(
        ...     ol.Network.grid(3, 3), ol.learn.Terminals([0, 2], [8, 6], held={4: 0.0}), X, y, epochs=20,
        ...     loss=ol.learn.Hinge(margin=0.02), dynamics=ol.learn.Update(step=3.0, nudge=0.05))
        >>> bool(learned.score_of(X, y)[0] > 0.9)
        True
        """
        if self.classes is not None:
            return np.mean(self.predict(X) == np.asarray(y), axis=1)
        wanted = np.asarray(y, dtype=np.float64)
        return score_of(self.outputs(X), wanted.reshape(len(wanted), -1), None)

    def confusion(self, X: ArrayLike, y: ArrayLike) -> NDArray[np.int64]:
        """How often which class is taken for which.

        X : (n_samples, n_features) in V. y : (n_samples,) classes.

        Returns (n_chips, n_classes, n_classes) counts, true class first. Raises ValueError for numbers.

        >>> import numpy as np, ohmlearn as ol
        >>> X = np.random.default_rng(0).uniform(0, 1, (40, 2))
        >>> y = X[:, 0] > 0.5 * X[:, 1]
        >>> learned = ol.learn.train_on_data(
        ...     ol.Network.grid(3, 3), ol.learn.Terminals([0, 2], [8, 6], held={4: 0.0}), X, y, epochs=20,
        ...     loss=ol.learn.Hinge(margin=0.02), dynamics=ol.learn.Update(step=3.0, nudge=0.05))
        >>> int(learned.confusion(X, y).sum())
        40
        """
        if self.classes is None:
            raise ValueError("a confusion matrix is for classes, and these circuits learned numbers")
        right = labels_of(y, self.classes)
        counts = np.zeros((len(self.values), len(self.classes), len(self.classes)), dtype=np.int64)
        for chip, found in enumerate(self.outputs(X).argmax(axis=2)):
            np.add.at(counts[chip], (right, found), 1)
        return counts

    def __repr__(self) -> str:
        kind = "R²" if self.classes is None else "accuracy"
        last = np.nanmedian(self.score[-1]) if len(self.epochs) else np.nan
        return (f"<{len(self.values)} chip{'s' if len(self.values) > 1 else ''} after "
                f"{self.epochs[-1] if len(self.epochs) else 0} epochs: {kind} {last:.3f} in the median>")


def labels_of(y: ArrayLike, classes: NDArray[Any]) -> NDArray[np.int64]:
    """(n_samples,) numbers of classes."""
    given = np.asarray(y)
    place = np.minimum(np.searchsorted(classes, given), len(classes) - 1)
    wrong = np.flatnonzero(classes[place] != given)
    if wrong.size:
        raise ValueError(f"{given[wrong[0]]!r} is none of the classes that were learned: {classes.tolist()}")
    return place.astype(np.int64)


def score_of(outputs: Floats, wanted: Floats, labels: NDArray[np.int64] | None) -> Floats:
    """(n_chips,) accuracy by labels, or R² where there are none."""
    if labels is not None:
        return np.mean(outputs.argmax(axis=2) == labels, axis=1)
    spread = np.sum((wanted - wanted.mean(axis=0)) ** 2)
    return 1 - np.sum((outputs - wanted) ** 2, axis=(1, 2)) / (spread if spread > 0 else 1.0)
