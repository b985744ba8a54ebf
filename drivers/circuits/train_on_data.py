"""Circuits that learn data: batches of samples in lanes, losses of classes and numbers, imperfect devices."""
from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.checks.kinds import check_kinds, whole
from ohmlearn.drivers.display.progress import EpochState, RunProgress
from ohmlearn.drivers.estimators.wiring import Wiring
from ohmlearn.drivers.recording.checkpoint_file import digest_of
from ohmlearn.edges.laws import Linear
from ohmlearn.learn.flow import Flow
from ohmlearn.learn.losses import Loss, Squared, check_loss
from ohmlearn.learn.terminals import Terminals
from ohmlearn.learn.update import Update
from ohmlearn.learn.validation import Validation, split
from ohmlearn.network import Network
from ohmlearn.solvers.nonlinear.equilibrium import LANES

from .block_states import block_states
from .block_training import BlockTraining
from .chip_block import in_blocks
from .chip_design import ChipDesign
from .dynamics import Dynamics
from .imperfections import Imperfections
from .learned import Learned, labels_of
from .samples import Samples, checked_features, of_data, wired

Floats = NDArray[np.float64]


@check_kinds
def train_on_data(network: Network, terminals: Terminals, X: ArrayLike, y: ArrayLike, *, edges: Any = None,
                  loss: Loss | None = None, dynamics: Update | Flow | None = None, epochs: int = 10,
                  values: ArrayLike | Learned | None = None, chips: int | None = None,
                  imperfections: Imperfections | None = None, sample_weight: ArrayLike | None = None,
                  validation: Validation | None = None, every: int = 1, seed: int = 0, threads: int | None = None,
                  progress: bool = False, checkpoint: str | os.PathLike[str] | None = None) -> Learned:
    """Train circuits on data, whatever the law of their edges: by discrete updates at equilibrium, or continuously.

    By updates, for one batch after another the free voltages v of its samples are found, then v' with the outputs
    clamped by nudge times their errors, and every edge changes what it learns by -step times the mean over the batch
    of (Δv'² - Δv²)/nudge. Errors are minus the derivatives of the loss by the outputs, in V. One kernel finds eight
    equilibria at once: those of eight samples of a batch, or of eight chips.

    terminals : where features enter and outputs are read (:class:`ohmlearn.learn.Terminals`).
    X : (n_samples, n_features) features in V. y : (n_samples,) classes, of anything that sorts, or for the squared loss
    also numbers, (n_samples,) or (n_samples, n_outputs) in V, if they are floating-point numbers.
    edges : law of the edges (`ohmlearn.edges`), or one for every edge; by default resistors.
    loss : :class:`ohmlearn.learn.Squared` (default), :class:`ohmlearn.learn.Hinge` or
        :class:`ohmlearn.learn.CrossEntropy`.
    dynamics : updates, with step, nudge, clamps, batches and order of the samples (:class:`ohmlearn.learn.Update`, the
        default); or :class:`ohmlearn.learn.Flow`, learning at a finite rate while samples are presented in turn.
        Records of a flow have the outputs at the end of every presentation; those of validation are at equilibrium.
    epochs : presentations of all samples, >= 0.
    values : (n_edges,) or (n_chips, n_edges) at the start, by default that of the law; or circuits that have learned
        (:class:`Learned`), whose training goes on with the edges that they have. chips : their number where values are
        alike, each with its own order and imperfections.
    imperfections : of the devices (:class:`ohmlearn.learn.Imperfections`). sample_weight : (n_samples,) factors >= 0.
    validation : samples that are not learned, and when a chip stops (:class:`ohmlearn.learn.Validation`).
    every : epochs from one record to the next. seed : of orders, imperfections, noise and samples that are put aside.
    progress : show on stderr how far training is.
    checkpoint : file that keeps the state of the training, half a minute apart and on Ctrl-C, SIGTERM and SIGUSR1; the
        same call goes on from it, with the same bits, and it is gone at the end. A call with other arguments or data is
        refused.

    Returns :class:`Learned`. Results depend on the chip, its seed and the arguments alone, not on other chips or
    threads. Raises ValueError where data do not fit the network, or values lie beyond the bounds of the law.

    >>> import numpy as np, ohmlearn as ol
    >>> X = np.random.default_rng(0).uniform(0, 0.4, (50, 1))
    >>> terminals = ol.learn.Terminals(inputs=[2], outputs=[4], held={0: 0.0, 8: 0.4})
    >>> learned = ol.learn.train_on_data(
    ...     ol.Network.grid(3, 3), terminals, X, 0.1 + 0.5 * X, edges=ol.edges.NMOS(gain=0.5, leak=1e-3), epochs=20,
    ...     dynamics=ol.learn.Update(step=20.0, nudge=0.5, batch=8))
    >>> bool(learned.score[-1, 0] > 0.99)
    True
    """
    begun = time.perf_counter()
    loss, dynamics = Squared() if loss is None else loss, Update() if dynamics is None else dynamics
    check_loss(loss)
    epochs, every = whole("epochs", epochs, 0), whole("every", every, 1)
    for name, noun, kind in (("imperfections", imperfections, Imperfections), ("validation", validation, Validation)):
        if noun is not None and not isinstance(noun, kind):
            raise TypeError(f"{name} must be an ohmlearn.learn.{kind.__name__}, not {noun!r}")
    learn, check, classes = _samples(wired(terminals, network), terminals, X, y, loss, sample_weight, validation, seed)
    values, lost = (values.values, values.lost) if isinstance(values, Learned) else (values, None)
    design = ChipDesign(network, learn, Linear() if edges is None else edges, imperfections, seed, lost)
    begin = design.start(values, chips)
    learning = Dynamics(dynamics, design, loss, epochs, len(begin))
    shown = _Shown(progress, epochs, len(begin))

    patience = None if validation is None else validation.patience

    def owner() -> str:
        return digest_of(network, learn, check, design.edges, loss, dynamics, epochs, begin, imperfections, every, seed,
                         patience, lost)

    def of_block(numbers: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
        training = BlockTraining(learning.block(numbers, begin[numbers]), learning.orders.of_block(numbers),
                                 learning.steps, every, check, patience, classes is not None)
        pause = None if states is None else states.resume(int(numbers[0]), training)
        training.run(lambda done, record: shown.show(numbers, done, record), pause)
        return training.found()

    with block_states(None if checkpoint is None else Path(checkpoint), owner) as states:
        try:
            learned, curves, stopped, failures = in_blocks(of_block, len(begin), LANES // learning.orders.group,
                                                           threads, axes=(0, 2, 0, 0))
        finally:
            shown.close()
    loss_, score, clamped, validation_loss, validation_score = curves
    return Learned(learned, classes, np.arange(every, epochs + 1, every), loss_, score, clamped, validation_loss,
                   validation_score, stopped, failures, time.perf_counter() - begun, design, terminals,
                   learning.settings)


def _samples(wiring: Wiring, terminals: Terminals, X: ArrayLike, y: ArrayLike, loss: Loss, weights: ArrayLike | None,
             validation: Validation | None, seed: int) -> tuple[Samples, Samples | None, NDArray[Any] | None]:
    """Samples to learn and to check by, and the classes."""
    features, answers = checked_features(wiring, X), np.asarray(y)
    if not len(features):
        raise ValueError("there are no samples")
    if answers.ndim == 0 or len(answers) != len(features):
        raise ValueError(f"X has {len(features)} samples, but y is of shape {answers.shape}")
    numbers = isinstance(loss, Squared) and answers.dtype.kind == "f"
    classes = None if numbers else np.unique(answers)
    count = len(wiring.outputs)
    if classes is not None and (answers.ndim != 1 or len(classes) < 2 or len(classes) > count):
        raise ValueError(f"y has {len(classes)} classes in an array of shape {answers.shape}; classes must be "
                         f"(n_samples,), two at least, and no more than the {count} outputs")

    def made(features: Any, answers: Any, factors: ArrayLike | None = None) -> Samples:
        if classes is None:
            wanted = np.asarray(answers, dtype=np.float64)
            wanted = wanted.reshape(len(wanted), -1)
            if wanted.shape != (len(features), count) or not np.all(np.isfinite(wanted)):
                raise ValueError(f"y must be ({len(features)}, {count}) finite numbers, one column for each output, "
                                 f"not of shape {np.shape(answers)}")
            labels = np.zeros(len(wanted), dtype=np.int64)
        else:
            labels = labels_of(answers, classes)
            wanted = (loss.swing if isinstance(loss, Squared) else 1.0) * np.eye(count)[labels]
        return of_data(wiring, terminals.held, features, np.ascontiguousarray(wanted), labels, factors)

    if validation is None:
        return made(features, answers, weights), None, classes
    if isinstance(validation.samples, tuple):
        return made(features, answers, weights), made(*validation.samples), classes
    learn, check = split(validation.samples, len(features), seed)
    factors = None if weights is None else np.asarray(weights)[learn]
    return made(features[learn], answers[learn], factors), made(features[check], answers[check]), classes


class _Shown:
    """Shows how far a training of several chips is, which blocks on threads take part in."""

    def __init__(self, asked: bool, epochs: int, chips: int) -> None:
        self.progress, self.lock, self.begun = RunProgress(quiet=not asked), threading.Lock(), time.monotonic()
        self.epochs, self.done = epochs, np.zeros(chips, dtype=np.int64)

    def show(self, chips: NDArray[np.int64], epoch: int, record: Floats) -> None:
        """That chips have done so many epochs, with a record of them."""
        with self.lock:
            self.done[chips] = epoch
            loss, score, _, _, validation = (float(np.median(row[np.isfinite(row)])) if np.isfinite(row).any()
                                             else np.nan for row in record)
            state = EpochState(epoch, self.epochs, self.done.sum() / max(1, self.epochs * self.done.size), loss, score,
                               validation, time.monotonic() - self.begun)
            self.progress.show(state, last=bool(np.all(self.done == self.epochs)))

    def close(self) -> None:
        """End what is shown."""
        self.progress.close()
