"""Samples that circuits learn, as arrays: what is held, which outputs are read, and what is wanted of them."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.drivers.estimators.wiring import Wiring, with_ones
from ohmlearn.learn.terminals import Terminals
from ohmlearn.network import Network
from ohmlearn.outputs import read_outputs
from ohmlearn.task import Task

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Samples:
    """s samples with h held nodes and o outputs.

    sources : (h,) nodes. held_voltages : (s, h) in V. first, second : (o,) nodes of the outputs, second -1 for none.
    wanted : (s, o) in V. labels : (s,) numbers of the outputs that should be largest. weights : (s,) factors.
    """

    sources: NDArray[np.int64]
    held_voltages: Floats
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    wanted: Floats
    labels: NDArray[np.int64]
    weights: Floats

    def __len__(self) -> int:
        return len(self.held_voltages)

    def __add__(self, more: Samples) -> Samples:
        """These samples, and then others of the same wiring."""
        parts = {name: np.concatenate([getattr(self, name), getattr(more, name)])
                 for name in ("held_voltages", "wanted", "labels", "weights")}
        return Samples(self.sources, first=self.first, second=self.second, **parts)


def of_tasks(tasks: Sequence[Task], network: Network) -> Samples:
    """Samples given as tasks that hold the same nodes and read the same outputs."""
    if not tasks or not all(isinstance(task, Task) for task in tasks):
        raise TypeError("samples must be a list of ohmlearn.Task, one at least")
    first = tasks[0]
    for number, task in enumerate(tasks):
        task.check(network)
        if task.currents or task.drops:
            raise NotImplementedError(f"sample {number} injects currents or holds drops; chips hold nodes only")
        if not np.array_equal(task.sources, first.sources) or repr(task.targets) != repr(first.targets):
            raise ValueError(f"sample {number} holds other nodes or reads other outputs than sample 0")
    wanted = np.stack([task.target_voltages for task in tasks])
    return Samples(first.sources, np.stack([task.source_voltages for task in tasks]), *nodes_of(first.targets), wanted,
                   np.zeros(len(tasks), dtype=np.int64), np.ones(len(tasks)))


def nodes_of(targets: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(o,) first and second nodes of outputs that are nodes or pairs of nodes; -1 for no second one."""
    entries = [(entry, -1) if np.ndim(entry) == 0 else entry for entry in targets]
    if not all(isinstance(entry, tuple | np.ndarray) and len(entry) == 2 and
               all(isinstance(node, int | np.integer) for node in entry) for entry in entries):
        raise NotImplementedError("outputs of chips are nodes or pairs of nodes")
    nodes = np.array(entries, dtype=np.int64).reshape(-1, 2)
    return nodes[:, 0].copy(), nodes[:, 1].copy()


def wired(terminals: Terminals, network: Network) -> Wiring:
    """The inputs and outputs of a network. Raises ValueError where it has no such node, or a node is held twice, or
    held and an output."""
    if not isinstance(terminals, Terminals):
        raise TypeError(f"terminals must be an ohmlearn.learn.Terminals, not {terminals!r}")
    wiring = Wiring(network, terminals.inputs, terminals.outputs)
    for node, voltage in terminals.held.items():
        network.check_nodes([node], "held node")
        if node in wiring.sources:
            raise ValueError(f"node {node} is held at {voltage:g} V and is an input; a node is held at one voltage")
    outputs = {int(node) for entry in terminals.outputs for node in np.atleast_1d(entry)}
    wrong = outputs & {*wiring.sources, *terminals.held}
    if wrong:
        raise ValueError(f"node {min(wrong)} is an output and is held")
    return wiring


def of_data(wiring: Wiring, held: Mapping[int, float], X: Any, wanted: Floats, labels: NDArray[np.int64],
            weights: ArrayLike | None = None) -> Samples:
    """Samples with features X (s, n_features) in V, on nodes held at them and at constant voltages."""
    features = checked_features(wiring, X)
    levels = np.array(list(held.values()), dtype=np.float64)
    constant = np.broadcast_to(levels, (len(features), levels.size))
    voltages = np.concatenate([with_ones(features) @ wiring.drive.T, constant], axis=1)
    factors = np.ones(len(features)) if weights is None else np.asarray(weights, dtype=np.float64)
    if factors.shape != (len(features),) or not np.all(np.isfinite(factors)) or (factors < 0).any():
        raise ValueError(f"sample_weight must be ({len(features)},) finite numbers >= 0, not of shape {factors.shape}")
    sources = np.array([*wiring.sources, *held], dtype=np.int64)
    return Samples(sources, np.ascontiguousarray(voltages), *nodes_of(read_outputs(list(wiring.outputs))), wanted,
                   labels, factors)


def checked_features(wiring: Wiring, X: Any) -> Floats:
    """(s, n_features) finite features."""
    features = np.asarray(X, dtype=np.float64)
    count = len(wiring.inputs)
    if features.ndim != 2 or features.shape[1] != count:
        raise ValueError(f"X must be (n_samples, {count}), one column for each input, not of shape {features.shape}")
    if not np.all(np.isfinite(features)):
        raise ValueError("X must be finite")
    return features
