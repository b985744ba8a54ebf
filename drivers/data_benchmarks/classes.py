"""Benchmarks with classes: data sets of scikit-learn or files, held-out samples, seeds, and a peer beside."""
from __future__ import annotations

import gzip
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.drivers.circuits.imperfections import Imperfections
from ohmlearn.drivers.circuits.learned import Learned
from ohmlearn.drivers.circuits.on_data import train_on_data
from ohmlearn.edges.laws import NMOS, EdgeLaw
from ohmlearn.network import Network

from .comparison import Row, spread

Floats = NDArray[np.float64]
GATES = 0.5, 4.5        # V, between which gates are drawn at the start
# What mismatch times so much, and read noise of so many mV, took away from 0.9806 in the published simulations.
MISMATCH_LOST, NOISE_LOST = ((1, 0.011), (10, 0.008), (50, 0.093)), ((10, 0.033), (30, 0.081))


class Rails(NamedTuple):
    """A circuit that joins every input to two rails an output, whose difference is the output."""

    network: Network
    inputs: Sequence[int]
    outputs: list[tuple[int, int]]


def rails(n_inputs: int, n_outputs: int) -> Rails:
    """The circuit of the published digits: edges input by input, rails that count up before those that count down."""
    edges = [(i, n_inputs + k) for i in range(n_inputs) for k in range(2 * n_outputs)]
    return Rails(Network(np.array(edges), name="rails"), range(n_inputs),
                 [(n_inputs + k, n_inputs + n_outputs + k) for k in range(n_outputs)])


def transistors() -> NMOS:
    """Transistors of the published circuits by the square law, without body effect and series resistance."""
    return NMOS(gain=NMOS.ald1106().gain, threshold=0.75, leak=1e-8, lowest=0.4, highest=8.0)


@dataclass(frozen=True)
class Training:
    """How a benchmark trains. step : of the first half of the epochs, in units of the nudge; it then falls to a 50th.
    chips : how many begin differently. splits : of the data into learned and held-out samples."""

    loss: Literal["squared", "hinge", "cross entropy"] = "hinge"
    epochs: int = 30
    step: float = 1.0
    nudge: float = 0.05
    margin: float = 0.05
    swing: float = 0.1
    batch: int = 1
    chips: int = 5
    splits: int = 5
    held_out: float = 0.2
    threads: int | None = None

    def steps(self) -> Floats:
        """(epochs,) steps."""
        first = self.epochs // 2
        return self.step * self.nudge * np.r_[np.ones(first), np.linspace(1, 0.02, self.epochs - first)]

    def shortened(self, epochs: int | None) -> Training:
        """The same with so many epochs, if any are asked for."""
        return self if epochs is None else replace(self, epochs=epochs)


def linear(how: Training) -> Training:
    """The same for resistors, whose outputs are small: a network in which every node has ten edges averages."""
    return replace(how, step=30.0, margin=0.005, batch=8, epochs=12)


class Outcome(NamedTuple):
    """accuracies : (splits, chips) of held-out samples after the last epoch, best : of the best epoch. peer : (splits,)
    accuracy of logistic regression. seconds : a sample and chip, of training alone, and `peer_seconds` of a fit."""

    accuracies: Floats
    best: Floats
    peer: Floats
    seconds: float
    peer_seconds: float


def held_out(X: Floats, y: NDArray[Any], circuit: Rails, law: EdgeLaw, how: Training, **options: Any) -> Outcome:
    """Train on several splits of the data, and test on what was held out."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split

    low, high = (GATES if law.learns == "gate voltage" else (0.5, 1.5))
    begin = np.stack([np.random.default_rng(chip).uniform(low, high, circuit.network.n_edges)
                      for chip in range(how.chips)])
    # One epoch compiles what the others are timed with.
    train_once(X, y, circuit, law, replace(how, epochs=1), begin[:1], **options)
    found, best, peer, seconds, peer_seconds, samples = [], [], [], 0.0, 0.0, 0
    for split in range(how.splits):
        learn, test, wanted, right = train_test_split(X, y, test_size=how.held_out, random_state=split, stratify=y)
        begun = time.perf_counter()
        learned = train_once(learn, wanted, circuit, law, how, begin, validation=(test, right), **options)
        seconds += time.perf_counter() - begun
        samples += how.chips * how.epochs * len(learn)
        found.append(learned.validation_score[-1])
        best.append(learned.validation_score.max(axis=0))
        begun = time.perf_counter()
        peer.append(LogisticRegression(max_iter=5000).fit(learn, wanted).score(test, right))
        peer_seconds += time.perf_counter() - begun
    return Outcome(np.array(found), np.array(best), np.array(peer), seconds / max(samples, 1),
                   peer_seconds / how.splits)


def train_once(X: Floats, y: NDArray[Any], circuit: Rails, law: EdgeLaw, how: Training, begin: Floats,
               **options: Any) -> Learned:
    """One training of all chips."""
    return train_on_data(circuit.network, X, y, inputs=circuit.inputs, outputs=circuit.outputs, edges=law,
                         loss=how.loss, epochs=how.epochs, step=how.steps(), nudge=how.nudge, margin=how.margin,
                         swing=how.swing, batch=how.batch, values=begin, threads=how.threads, **options)


def rows(name: str, found: Outcome, published: float | None = None) -> list[Row]:
    """What is said of an outcome."""
    count = f"{found.accuracies.shape[0]} splits × {found.accuracies.shape[1]} seeds"
    return [Row(f"{name}: held-out accuracy, {count}", spread(found.accuracies),
                "" if published is None else f"{published:.4f}", f"logistic regression {found.peer.mean():.4f}"),
            Row(f"{name}: the same at its best epoch", spread(found.best)),
            Row(f"{name}: time of a sample, evaluations included", f"{1e6 * found.seconds:.0f} µs")]


def scaled(X: Floats) -> Floats:
    """Features from 0 to 1 V."""
    low, high = X.min(axis=0), X.max(axis=0)
    return np.asarray((X - low) / np.where(high > low, high - low, 1.0))


def flowers_and_wines(name: str, how: Training) -> list[Row]:
    """Iris or wine: features as they are and turned round, which 10 or 32 inputs and rails of transistors separate."""
    from sklearn import datasets

    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    both = with_turned(scaled(X))
    found = held_out(both, y, rails(both.shape[1], 3), transistors(), how)
    return rows(name, found)


def with_turned(X: Floats) -> Floats:
    """Features x, and 1 V - x, and nodes held at 1 and 0 V."""
    ends = np.broadcast_to([1.0, 0.0], (len(X), 2))
    return np.concatenate([X, 1 - X, ends], axis=1)


def digits(how: Training, losses: Sequence[str] = ("hinge", "cross entropy", "squared")) -> list[Row]:
    """Scikit-learn's digits on 64 pixels and 20 rails, 1280 transistors."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    published = {"hinge": 0.9806, "cross entropy": 0.9556, "squared": 0.9194}
    numbers: dict[str, dict[str, Any]] = {
        "hinge": {}, "cross entropy": {"margin": 0.02}, "squared": {"nudge": 0.5, "step": 2.0}}
    every = []
    for loss in losses:
        given: Any = {"loss": loss} | numbers[loss]
        every += rows(f"digits, {loss}", held_out(X / 16.0, y, rails(64, 10), transistors(), replace(how, **given)),
                      published[loss])
    return every


def imperfect_digits(how: Training) -> list[Row]:
    """What imperfections take away from the digits (hinge loss), of devices that both networks share and of twins."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    device, twin = Imperfections(threshold=5e-3, gain=0.01), Imperfections(twin_threshold=5e-3, twin_gain=0.01)
    cases = [("perfect devices", None, 0.0),
             *((f"mismatch × {k} of 5 mV and 1 %", device.scaled(k), lost) for k, lost in MISMATCH_LOST),
             *((f"mismatch × {k} of free and clamped twin", twin.scaled(k), None) for k in (0.1, 1)),
             *((f"read noise of {k} mV", Imperfections(read_noise=1e-3 * k), lost) for k, lost in NOISE_LOST)]
    every, perfect = [], 0.0
    for words, flaws, lost in cases:
        found = held_out(X / 16.0, y, rails(64, 10), transistors(), how, imperfections=flaws)
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
        from sklearn.datasets import load_digits

        X, y = load_digits(return_X_y=True)
        X, name = X / 16.0, "digits 0 to 2"
    else:
        X, y = read_idx(images).reshape(len(read_idx(labels)), -1) / 255.0, read_idx(labels)
        X, name = pooled(X), "MNIST 0 to 2"
    some = y < 3
    circuit = random_network(X.shape[1])
    return rows(name, held_out(X[some], y[some], circuit, Linear(), how, held={circuit.network.n_nodes - 1: 0.0}))


def random_network(n_inputs: int, n_nodes: int = 300, n_edges: int = 1500, seed: int = 0) -> Rails:
    """A random network with three outputs that are differences of two nodes; the last node is for ground."""
    network = Network.random(n_nodes, 2 * n_edges / n_nodes, seed=seed)
    nodes = np.random.default_rng(seed).permutation(n_nodes - 1)
    pairs = nodes[n_inputs:n_inputs + 6].reshape(3, 2)
    return Rails(network, nodes[:n_inputs].tolist(), [(int(a), int(b)) for a, b in pairs])


def pooled(X: Floats, side: int = 14) -> Floats:
    """Square images with means over squares of pixels, side × side of them."""
    full = int(np.sqrt(X.shape[1]))
    factor = full // side
    if full * full != X.shape[1] or factor * side != full:
        raise ValueError(f"images must be squares of a multiple of {side} pixels a side, not of {X.shape[1]} pixels")
    return np.asarray(X.reshape(len(X), side, factor, side, factor).mean(axis=(2, 4)).reshape(len(X), -1))


def read_idx(path: Path) -> NDArray[np.uint8]:
    """The array of a file in the format of MNIST, with or without gzip."""
    raw = path.read_bytes()
    data = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    if len(data) < 4 or data[:3] != b"\x00\x00\x08":
        raise ValueError(f"{path} is no IDX file of bytes, the format of MNIST")
    shape = np.frombuffer(data, ">u4", data[3], 4)
    body = np.frombuffer(data, np.uint8, offset=4 + 4 * data[3])
    if body.size != np.prod(shape, dtype=np.int64):
        raise ValueError(f"{path} says {'×'.join(map(str, shape))} bytes and holds {body.size}")
    return body.reshape(shape)
