"""Benchmarks with classes: data sets of scikit-learn or files, held-out samples, seeds, and a peer beside."""
from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.drivers.circuits.imperfections import Imperfections
from ohmlearn.drivers.circuits.learned import Learned
from ohmlearn.drivers.circuits.train_on_data import train_on_data
from ohmlearn.edges.laws import NMOS, EdgeLaw
from ohmlearn.io.idx import read_idx
from ohmlearn.learn.losses import CrossEntropy, Hinge, Loss, Squared
from ohmlearn.learn.terminals import Terminals
from ohmlearn.learn.update import Update
from ohmlearn.learn.validation import Validation
from ohmlearn.network import Network

from . import data_sets
from .comparison import Row, spread

Floats = NDArray[np.float64]
GATES = 0.5, 4.5        # V, between which gates are drawn at the start
# What mismatch times so much, and read noise of so many mV, took away from 0.9806 in the published simulations.
MISMATCH_LOST, NOISE_LOST = ((1, 0.011), (10, 0.008), (50, 0.093)), ((10, 0.033), (30, 0.081))


class Wired(NamedTuple):
    """A network, and where data enter it."""

    network: Network
    terminals: Terminals


def rails(n_inputs: int, n_outputs: int) -> Wired:
    """Every input joined to two rails an output, whose difference is the output, as in the published circuit of the
    digits: edges input by input, rails that count up before those that count down."""
    edges = [(i, n_inputs + k) for i in range(n_inputs) for k in range(2 * n_outputs)]
    pairs = [(n_inputs + k, n_inputs + n_outputs + k) for k in range(n_outputs)]
    return Wired(Network(np.array(edges), name="rails"), Terminals(range(n_inputs), pairs))


def transistors() -> NMOS:
    """Transistors of the published circuits by the square law, without body effect and series resistance."""
    return NMOS(gain=NMOS.ald1106().gain, threshold=0.75, leak=1e-8, lowest=0.4, highest=8.0)


@dataclass(frozen=True)
class Training:
    """How a benchmark trains. rate : γ = step/nudge, in V⁻¹, of the first half of the epochs; it then falls to a 50th.
    chips : how many begin differently. splits : of the data into learned and held-out samples. progress : whether it is
    shown how far every training is."""

    loss: Loss = field(default_factory=lambda: Hinge(margin=0.05))
    epochs: int = 30
    rate: float = 1.0
    nudge: float = 0.05
    batch: int = 1
    chips: int = 5
    splits: int = 5
    held_out: float = 0.2
    threads: int | None = None
    progress: bool = False

    def update(self) -> Update:
        """The update, with its steps."""
        first = self.epochs // 2
        falling = np.r_[np.ones(first), np.linspace(1, 0.02, self.epochs - first)]
        return Update(step=self.rate * self.nudge * falling, nudge=self.nudge, batch=self.batch)

    def shortened(self, epochs: int | None) -> Training:
        """The same with so many epochs, if any are asked for."""
        return self if epochs is None else replace(self, epochs=epochs)


def linear(how: Training) -> Training:
    """The same for resistors, whose outputs are small: a network in which every node has ten edges averages."""
    return replace(how, rate=30.0, loss=Hinge(margin=0.005), batch=8, epochs=12)


class Outcome(NamedTuple):
    """accuracies : (splits, chips) of held-out samples after the last epoch, best : of the best epoch. peer : (splits,)
    accuracy of logistic regression. seconds : a sample and chip, of training alone, and `peer_seconds` of a fit."""

    accuracies: Floats
    best: Floats
    peer: Floats
    seconds: float
    peer_seconds: float


def held_out(X: Floats, y: NDArray[Any], circuit: Wired, law: EdgeLaw, how: Training, **options: Any) -> Outcome:
    """Train on several splits of the data, and test on what was held out."""
    regression = data_sets.scikit_learn("linear_model").LogisticRegression
    low, high = (GATES if law.learns == "gate voltage" else (0.5, 1.5))
    begin = np.stack([np.random.default_rng(chip).uniform(low, high, circuit.network.n_edges)
                      for chip in range(how.chips)])
    # One epoch compiles what the others are timed with.
    train_once(X, y, circuit, law, replace(how, epochs=1, progress=False), begin[:1], **options)
    found, best, peer, seconds, peer_seconds, samples = [], [], [], 0.0, 0.0, 0
    for split in range(how.splits):
        learn, test, wanted, right = data_sets.split(X, y, split, test_size=how.held_out)
        begun = time.perf_counter()
        learned = train_once(learn, wanted, circuit, law, how, begin, validation=Validation((test, right)), **options)
        seconds += time.perf_counter() - begun
        samples += how.chips * how.epochs * len(learn)
        found.append(learned.validation_score[-1])
        best.append(learned.validation_score.max(axis=0))
        begun = time.perf_counter()
        peer.append(regression(max_iter=5000).fit(learn, wanted).score(test, right))
        peer_seconds += time.perf_counter() - begun
    return Outcome(np.array(found), np.array(best), np.array(peer), seconds / max(samples, 1),
                   peer_seconds / how.splits)


def train_once(X: Floats, y: NDArray[Any], circuit: Wired, law: EdgeLaw, how: Training, begin: Floats,
               **options: Any) -> Learned:
    """One training of all chips."""
    return train_on_data(circuit.network, circuit.terminals, X, y, edges=law, loss=how.loss, dynamics=how.update(),
                         epochs=how.epochs, values=begin, threads=how.threads, progress=how.progress, **options)


def rows(name: str, found: Outcome, published: float | None = None) -> list[Row]:
    """What is said of an outcome."""
    count = f"{found.accuracies.shape[0]} splits × {found.accuracies.shape[1]} seeds"
    return [Row(f"{name}: held-out accuracy, {count}", spread(found.accuracies),
                "" if published is None else f"{published:.4f}", f"logistic regression {found.peer.mean():.4f}"),
            Row(f"{name}: the same at its best epoch", spread(found.best)),
            Row(f"{name}: time of a sample, evaluations included", f"{1e6 * found.seconds:.0f} µs")]


def flowers_and_wines(name: str, how: Training) -> list[Row]:
    """Iris or wine: features as they are and turned round, which 10 or 32 inputs and rails of transistors separate."""
    X, y = data_sets.table(name)
    both = with_turned(X)
    found = held_out(both, y, rails(both.shape[1], 3), transistors(), how)
    return rows(name, found)


def ionosphere_like(how: Training) -> list[Row]:
    """Good and bad radar returns, made here, as iris and wine are: 70 inputs and two pairs of rails."""
    X, y = data_sets.radar_returns()
    both = with_turned((X + 1) / 2)
    return rows("ionosphere-like (made here)", held_out(both, y, rails(both.shape[1], 2), transistors(), how))


def with_turned(X: Floats) -> Floats:
    """Features x, and 1 V - x, and nodes held at 1 and 0 V."""
    ends = np.broadcast_to([1.0, 0.0], (len(X), 2))
    return np.concatenate([X, 1 - X, ends], axis=1)


def digits(how: Training, losses: Iterable[str] = ("hinge", "cross entropy", "squared")) -> list[Row]:
    """Scikit-learn's digits on 64 pixels and 20 rails, 1280 transistors."""
    X, y = data_sets.digits()
    published = {"hinge": 0.9806, "cross entropy": 0.9556, "squared": 0.9194}
    trainings = {"hinge": how, "cross entropy": replace(how, loss=CrossEntropy(temperature=0.02)),
                 "squared": replace(how, loss=Squared(), nudge=0.5, rate=2.0)}
    every = []
    for loss in losses:
        found = held_out(X, y, rails(64, 10), transistors(), trainings[loss])
        every += rows(f"digits, {loss}", found, published[loss])
    return every


def imperfect_digits(how: Training) -> list[Row]:
    """What imperfections take away from the digits (hinge loss), of devices that both networks share and of twins."""
    X, y = data_sets.digits()
    device, twin = Imperfections(threshold=5e-3, gain=0.01), Imperfections(twin_threshold=5e-3, twin_gain=0.01)
    cases = [("perfect devices", None, 0.0),
             *((f"mismatch × {k} of 5 mV and 1 %", device.scaled(k), lost) for k, lost in MISMATCH_LOST),
             *((f"mismatch × {k} of free and clamped twin", twin.scaled(k), None) for k in (0.1, 1)),
             *((f"read noise of {k} mV", Imperfections(read_noise=1e-3 * k), lost) for k, lost in NOISE_LOST)]
    every, perfect = [], 0.0
    for words, flaws, lost in cases:
        found = held_out(X, y, rails(64, 10), transistors(), how, imperfections=flaws)
        accuracy = float(found.accuracies.mean())
        perfect = accuracy if flaws is None else perfect
        every.append(Row(f"digits, {words}: held-out accuracy", spread(found.accuracies),
                         "" if lost is None else f"{0.9806 - lost:.4f}", f"{perfect - accuracy:+.4f} lost"))
    return every


def mnist_subset(how: Training, images: Path | None, labels: Path | None) -> list[Row]:
    """Digits 0 to 2 on a linear network of 300 nodes and 1500 edges: of the user's own MNIST files, or of
    scikit-learn's digits."""
    from ohmlearn.edges.laws import Linear

    if (images is None) != (labels is None):
        raise ValueError("give both files, --images and --labels, or neither")
    if images is None or labels is None:
        (X, y), name = data_sets.digits(), "digits 0 to 2"
    else:
        pixels, y = read_idx(images, dimensions=3), read_idx(labels, dimensions=1)
        if len(pixels) != len(y):
            raise ValueError(f"{images} has {len(pixels)} images, but {labels} {len(y)} labels")
        X, name = pooled(pixels / 255.0), "MNIST 0 to 2"
    some = y < 3
    circuit = random_network(X.shape[1])
    return rows(name, held_out(X[some], y[some], circuit, Linear(), how))


def random_network(n_inputs: int, n_nodes: int = 300, n_edges: int = 1500, seed: int = 0) -> Wired:
    """A random network with three outputs that are differences of two nodes; the last node is grounded."""
    network = Network.random(n_nodes, 2 * n_edges / n_nodes, seed=seed)
    nodes = np.random.default_rng(seed).permutation(n_nodes - 1)
    pairs = [(int(a), int(b)) for a, b in nodes[n_inputs:n_inputs + 6].reshape(3, 2)]
    terminals = Terminals(nodes[:n_inputs].tolist(), pairs, held={n_nodes - 1: 0.0})
    return Wired(network, terminals)


def pooled(images: Floats, side: int = 14) -> Floats:
    """(n_images, side²) means over squares of pixels of images (n_images, height, width), which are square."""
    count, high, wide = images.shape
    factor = high // side
    if high != wide or factor * side != high or factor == 0:
        raise ValueError(f"images must be squares of a multiple of {side} pixels a side, not {high} × {wide}")
    return np.asarray(images.reshape(count, side, factor, side, factor).mean(axis=(2, 4)).reshape(count, -1))
