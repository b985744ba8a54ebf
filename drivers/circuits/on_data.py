"""Circuits that learn data: batches of samples in lanes, losses of classes and numbers, imperfect devices."""
from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.drivers.estimators.wiring import Wiring
from ohmlearn.edges.laws import Linear
from ohmlearn.network import Network
from ohmlearn.solvers.nonlinear.equilibrium import LANES

from .bench import Bench, Block, Done, in_blocks
from .imperfections import Imperfections
from .learned import Learned, labels_of, score_of
from .orders import BlockOrders, Orders
from .samples import Inlets, Samples
from .settings import finite, settings, steps, whole

Floats = NDArray[np.float64]
LINES = 5.0         # seconds between two lines of progress


def train_on_data(network: Network, X: ArrayLike, y: ArrayLike, *, inputs: Sequence[Any], outputs: Sequence[Any],
                  held: Mapping[int, float] | None = None, edges: Any = None,
                  loss: Literal["squared", "hinge", "cross entropy"] = "squared", epochs: int = 10,
                  step: ArrayLike = 1.0, nudge: float = 0.1, margin: float = 0.02, swing: float = 0.1,
                  over: float = 0.0, power: float = 0.0, clamp: float = 100.0,
                  rule: Literal["contrast", "centred", "gradient"] = "contrast", limit: float = np.inf, batch: int = 1,
                  order: Literal["cyclic", "shuffled", "sampled"] | ArrayLike = "shuffled",
                  values: ArrayLike | None = None, chips: int | None = None,
                  imperfections: Imperfections | None = None, sample_weight: ArrayLike | None = None,
                  validation: float | tuple[ArrayLike, ArrayLike] | None = None, patience: int | None = None,
                  every: int = 1, seed: int = 0, threads: int | None = None, progress: bool = False) -> Learned:
    """Train circuits on data by discrete updates at equilibrium, whatever the law of their edges.

    For one batch after another the free voltages v of its samples are found, then v' with the outputs pulled by nudge
    times their errors, and every edge changes what it learns by -step times the mean over the batch of
    (Δv'² - Δv²)/nudge. Errors are minus the derivatives of the loss by the outputs, in V. One kernel finds eight
    equilibria at once: those of eight samples of a batch, or of eight chips.

    X : (n_samples, n_features) features in V. y : (n_samples,) classes, of anything that sorts, or for the squared loss
    also numbers, (n_samples,) or (n_samples, n_outputs) in V, if they are floating-point numbers.
    inputs : one entry a feature, the node held at x, or a pair of nodes held at x and -x. outputs : one entry a class
    or a number: the node, or the pair of nodes whose difference is read. held : nodes held at the same voltage, in V.
    edges : law of the edges (`ohmlearn.edges`), or one for every edge; by default resistors.
    loss : "squared", ½ Σ (wanted - output)², where the output of the right class should be at `swing` V and the others
        at 0; "hinge", margin - lead where the output of the right class leads its largest rival by less than `margin`
        V: the two are pulled apart by nudge times 1 V; "cross entropy", of p = softmax(output / margin).
    over : over-clamping, V by which outputs are pulled farther in the direction of the error, however small it is.
    power : weight λ ≥ 0 of the dissipated power: every edge also changes by -step λ Δv² (power-efficient learning).
    step : of an update, or one an epoch, (epochs,). limit : largest change in an update.
    clamp, rule : as for :func:`ohmlearn.edges.train_chips`. A clamp of two nodes pulls either by half.
    batch : samples of an update. order : "shuffled", anew for every epoch; "cyclic"; "sampled", with replacement; or
        (epochs, n_samples) or (epochs, n_samples, n_chips) numbers of samples.
    values : (n_edges,) or (n_chips, n_edges) at the start, by default that of the law. chips : their number where
        values are alike, each with its own order and imperfections.
    imperfections : of the devices (:class:`ohmlearn.learn.Imperfections`). sample_weight : (n_samples,) factors >= 0.
    validation : samples (X, y) that are not learned, or the fraction of the data that is put aside, drawn by seed.
    patience : epochs without a better validation score after which a chip stops; its values are then those of the best.
    every : epochs from one record to the next. progress : print a line on how far training is every few seconds.

    Returns :class:`Learned`. Results depend on the chip, its seed and the arguments alone, not on other chips or
    threads. Raises ValueError where data do not fit the network, or values lie beyond the bounds of the law.

    >>> import numpy as np, ohmlearn as ol
    >>> X = np.random.default_rng(0).uniform(0, 0.4, (50, 1))
    >>> learned = ol.learn.train_on_data(ol.Network.grid(3, 3), X, 0.1 + 0.5 * X, inputs=[2], outputs=[4],
    ...     held={0: 0.0, 8: 0.4}, edges=ol.edges.NMOS(gain=0.5, leak=1e-3), epochs=20, step=20.0, nudge=0.5, batch=8)
    >>> bool(learned.score[-1, 0] > 0.99)
    True
    """
    begun = time.perf_counter()
    given = settings(nudge=nudge, clamp=clamp, rule=rule, limit=limit, loss=loss, margin=margin, over=over, power=power)
    moves = steps(step, whole("epochs", epochs, 0))
    for name, number in (("every", every), ("batch", batch), ("patience", 1 if patience is None else patience)):
        whole(name, number, 1)
    if imperfections is not None and not isinstance(imperfections, Imperfections):
        raise TypeError(f"imperfections must be an ohmlearn.learn.Imperfections, not {imperfections!r}")
    inlets = Inlets(Wiring(network, inputs, outputs), dict(held or {}))
    learn, check, classes = _samples(inlets, X, y, loss, finite("swing", swing), sample_weight, validation, seed)
    if patience is not None and check is None:
        raise ValueError("patience needs validation samples: give validation=0.2, or (X, y)")
    bench = Bench(network, learn, Linear() if edges is None else edges, imperfections, seed)
    begin = bench.start(values, chips)
    orders = Orders(order, epochs, len(learn), len(begin), seed, batch)
    teller = _Teller(progress, epochs)

    def of_block(numbers: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
        block = Block(bench, numbers, begin[numbers], orders.group, given)
        course = _Course(block, orders.of_block(numbers), moves, every, check, patience, classes)
        course.run(teller)
        return course.found()

    learned, curves, stopped, failures = in_blocks(of_block, len(begin), LANES // orders.group, threads,
                                                   axes=(0, 2, 0, 0))
    loss_, score, pulled, validation_loss, validation_score = curves
    return Learned(learned, classes, np.arange(every, epochs + 1, every), loss_, score, pulled, validation_loss,
                   validation_score, stopped, failures, time.perf_counter() - begun, bench, inlets, given)


def _samples(inlets: Inlets, X: ArrayLike, y: ArrayLike, loss: str, swing: float, weights: ArrayLike | None,
             validation: Any, seed: int) -> tuple[Samples, Samples | None, NDArray[Any] | None]:
    """Samples to learn and to check by, and the classes."""
    features, answers = inlets.features(X), np.asarray(y)
    if not len(features):
        raise ValueError("there are no samples")
    if answers.ndim == 0 or len(answers) != len(features):
        raise ValueError(f"X has {len(features)} samples, but y is of shape {answers.shape}")
    numbers = loss == "squared" and answers.dtype.kind == "f"
    classes = None if numbers else np.unique(answers)
    count = len(inlets.wiring.outputs)
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
            nothing = np.zeros(len(wanted), dtype=np.int64)
            return inlets.samples(features, np.ascontiguousarray(wanted), nothing, factors)
        labels = labels_of(answers, classes)
        return inlets.samples(features, swing * np.eye(count)[labels], labels, factors)

    if validation is None:
        return made(features, answers, weights), None, classes
    if isinstance(validation, tuple):
        return made(features, answers, weights), made(inlets.features(validation[0]), validation[1]), classes
    if isinstance(validation, bool) or not isinstance(validation, int | float) or not 0 < validation < 1:
        raise ValueError(f"validation must be a fraction between 0 and 1, or samples (X, y), not {validation!r}")
    mixed = np.random.default_rng([seed, 3]).permutation(len(features))
    aside = round(validation * len(features))
    if not 0 < aside < len(features):
        raise ValueError(f"validation={validation:g} of {len(features)} samples leaves none to learn, or to check by")
    check, learn = mixed[:aside], np.sort(mixed[aside:])
    factors = None if weights is None else np.asarray(weights)[learn]
    return made(features[learn], answers[learn], factors), made(features[check], answers[check]), classes


class _Course:
    """The training of a block of chips, record after record."""

    def __init__(self, block: Block, orders: BlockOrders, moves: Floats, every: int,
                 check: Samples | None, patience: int | None, classes: NDArray[Any] | None) -> None:
        self.block, self.orders, self.moves, self.every = block, orders, moves, every
        self.check, self.patience, self.classes = check, patience, classes
        self.curves: list[Floats] = []
        self.kept, self.best = block.values, np.full(block.width, -np.inf)
        self.stopped, self.going = np.zeros(block.width, dtype=np.int64), np.ones(block.width, dtype=bool)

    def run(self, teller: _Teller) -> None:
        """All epochs, or those until every chip has stopped."""
        done = 0
        while done < len(self.moves) and self.going.any():
            count = min(self.every, len(self.moves) - done)
            now = self.block.train(self.orders, self.moves[done:done + count])
            done += count
            after = None if self.check is None else self.block.evaluate(self.check)
            record = self._record(now, after)
            self._keep(done, record[4])
            if count == self.every:
                self.curves.append(record)
            teller.tell(done, record)

    def _record(self, now: Done, after: Done | None) -> Floats:
        learned, none = self.block.bench.samples, np.full(self.block.width, np.nan)
        record = np.stack([now.loss, self._score(now, learned), now.pulled,
                           none if after is None else after.loss,
                           none if after is None or self.check is None else self._score(after, self.check)])
        record[:, ~self.going] = np.nan
        return record

    def _score(self, done: Done, samples: Samples) -> Floats:
        return score_of(done.outputs, samples.wanted, None if self.classes is None else samples.labels)

    def _keep(self, done: int, score: Floats) -> None:
        """Keep what chips have learned that go on: always, or where they are better than before."""
        better = self.going & (True if self.patience is None else score > self.best)
        self.kept[better], self.stopped[better] = self.block.values[better], done
        self.best[better] = score[better]
        if self.patience is not None:
            self.going &= done - self.stopped < self.patience

    def found(self) -> tuple[NDArray[Any], ...]:
        """Values, curves (5, n_records, n_chips), epochs of the values, failures."""
        records = len(self.moves) // self.every
        curves = np.full((5, records, self.block.width), np.nan)
        for k, record in enumerate(self.curves):
            curves[:, k] = record
        return self.kept, curves, self.stopped, self.block.failures


class _Teller:
    """Says how far training is."""

    def __init__(self, asked: bool, epochs: int) -> None:
        self.asked, self.epochs, self.begun, self.last = asked, epochs, time.monotonic(), 0.0

    def tell(self, done: int, record: Floats) -> None:
        """A line, if it is time for one."""
        now = time.monotonic() - self.begun
        if self.asked and (now - self.last > LINES or done == self.epochs):
            self.last = now
            checked = "" if np.isnan(record[4]).all() else f", validation {np.nanmedian(record[4]):.4f}"
            print(f"epoch {done} of {self.epochs}: loss {np.nanmedian(record[0]):.3g}, score "
                  f"{np.nanmedian(record[1]):.4f}{checked}, {now:.0f} s", flush=True)
