"""Samples given as arrays: how they enter a network, and how few of them say all that many do.

A linear network sees samples only through their second moments: at given conductances its voltages are linear in the
held ones and the desired ones, a change of conductance is bilinear in them, and all samples share the conductances.
So n samples may be replaced by the rows of the R of a QR factorisation of (drives, desired outputs), at most as many as
there are columns: cost, gradient and trajectory stay the same.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.network import Network
from ohmlearn.outputs import read_outputs
from ohmlearn.task import Task

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Wiring:
    """Where samples enter a network and where its outputs are read.

    inputs : one entry a feature, the node held at its voltage x, or a pair of nodes held at x and -x.
    outputs : one entry an output, a node or a pair of nodes whose drop is read.
    bias : a node held at 1 V, or a pair held at 1 and -1 V. ground : a node held at 0 V. Either may be None.
    """

    network: Network
    inputs: Sequence[Any]
    outputs: Sequence[Any]
    bias: Any = None
    ground: int | None = None

    def __post_init__(self) -> None:
        used: dict[int, str] = {}
        for node, what in self._held():
            self.network.check_nodes([node], what)
            if node in used:
                raise ValueError(f"node {node} is {used[node]} and {what}; a node is held at one voltage")
            used[node] = what

    def _held(self) -> list[tuple[int, str]]:
        """Held nodes, and what each is for."""
        named = [(node, f"input {k}") for k, entry in enumerate(self.inputs) for node in np.atleast_1d(entry)]
        named += [(node, "bias") for node in ([] if self.bias is None else np.atleast_1d(self.bias))]
        named += [] if self.ground is None else [(self.ground, "ground")]
        return [(int(node), what) for node, what in named]

    @property
    def sources(self) -> list[int]:
        """The held nodes."""
        return [node for node, _ in self._held()]

    @property
    def drive(self) -> Array:
        """(n_sources, n_features + 1) how held voltages follow from the features and a last one that is always 1."""
        columns = [*self.inputs, *([] if self.bias is None else [self.bias])]
        matrix = np.zeros((len(self.sources), len(self.inputs) + 1))
        row = 0
        for k, entry in enumerate(columns):
            for sign in (1.0, -1.0)[:np.size(entry)]:
                matrix[row, k] = sign
                row += 1
        return matrix

    def tasks(self, features: Array, desired: Array) -> tuple[Task, ...]:
        """One task a row of features (n, n_features + 1) and of desired outputs (n, n_outputs)."""
        targets = read_outputs(list(self.outputs))
        return tuple(Task(self.sources, held, targets, wanted)
                     for held, wanted in zip(features @ self.drive.T, desired, strict=True))

    def response(self, conductances: Array) -> Array:
        """(n_outputs, n_features + 1) what the network computes: outputs = response times (features, 1)."""
        from ohmlearn.solvers.hessian.circuit import Circuit

        n = len(self.inputs) + 1
        tasks = self.tasks(np.eye(n), np.zeros((n, len(self.outputs))))
        circuit = Circuit(self.network, tasks[0], self.network.conductances(conductances))
        read = tasks[0].output_matrix(self.network.n_nodes)
        return np.stack([read @ circuit.voltages(task) for task in tasks], axis=1)


def crossbar(n_features: int, n_outputs: int) -> Wiring:
    """A network made to size: every output joined to every held node, two nodes a feature (x and -x) and for the bias,
    and a ground. Its responses are all those with Σ |weights| <= 1 for every output."""
    held = 2 * n_features + 3
    edges = [(i, held + k) for k in range(n_outputs) for i in range(held)]
    pairs = [(2 * i, 2 * i + 1) for i in range(n_features + 1)]
    return Wiring(Network(np.array(edges), name="crossbar"), pairs[:-1],
                  range(held, held + n_outputs), pairs[-1], held - 1)


def with_ones(features: Array) -> Array:
    """(n, n_features + 1) the features and a last one that is always 1."""
    return np.append(features, np.ones((len(features), 1)), axis=1)


def condense(features: Array, desired: Array, weights: Array | None = None) -> tuple[Array, Array]:
    """Few samples that say all that many do: the mean over n rows becomes a sum over at most n_features + n_outputs.

    features (n, p), desired (n, q), weights (n,), by default 1/n -> (k, p), (k, q), whose second moments are the sums
    of those of the rows times their weights.
    """
    both = np.append(features, desired, axis=1)
    factors = np.full(len(both), 1 / np.sqrt(len(both))) if weights is None else np.sqrt(weights)
    rows: Array = np.asarray(np.linalg.qr(both * factors[:, None], mode="r"))
    rows = rows[np.abs(rows).max(axis=1) > 1e-14 * np.abs(rows).max(initial=0.0)]
    return rows[:, :features.shape[1]], rows[:, features.shape[1]:]
