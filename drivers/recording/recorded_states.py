"""What is written down of a run besides its costs: a row of numbers for every time to record."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.network import Network
from ohmlearn.task import Task

State = dict[str, NDArray[Any]]


Array = NDArray[np.float64]
ROWS = "recorded"       # the entry of a state that was set aside


class Recording:
    """The states of one member at the times to record, reduced to the quantities in `keep` (see
    :class:`ohmlearn.Record`).

    shape : of its voltages, (n_nodes,) or (n_samples, n_nodes). saved : a state to resume from.
    """

    def __init__(self, network: Network, samples: Sequence[Task], keep: Sequence[str], shape: tuple[int, ...],
                 saved: State | None = None) -> None:
        self.keep, self._edges = tuple(keep), network.edges
        linear = "outputs" in self.keep and samples[0].is_linear
        self._matrix = samples[0].output_matrix(network.n_nodes) if linear else None
        self._floats = samples[0].sources.size == 0
        self._shapes = {"outputs": (*shape[:-1], samples[0].n_targets), "voltages": shape,
                        "conductances": (network.n_edges,), "power": shape[:-1], "squared_norm": ()}
        self._rows: list[Array] = []
        if saved is not None:
            self.restore(saved)

    def add(self, count: int, voltages: Array, conductances: Array, outputs: Array | None = None) -> None:
        """Write down a state (v in V, G in G₀) for all times up to number `count` that have none yet. outputs : in V,
        if they are no linear ones of v."""
        row = np.concatenate([np.ravel(self._measure(name, voltages, conductances, outputs)) for name in self.keep])
        self._rows += [row] * (count - len(self._rows))

    def _measure(self, name: str, v: Array, g: Array, outputs: Array | None) -> Array:
        if name == "conductances":
            return g
        if name == "voltages":
            return v
        if name == "squared_norm":
            return np.asarray(np.sum(g**2))
        if name == "power":
            return np.asarray(np.sum(g * (v[..., self._edges[:, 0]] - v[..., self._edges[:, 1]]) ** 2, axis=-1))
        if outputs is not None:
            return outputs
        assert self._matrix is not None
        if self._floats:                        # only differences of voltages mean anything
            v = v - v.mean(axis=-1, keepdims=True)
        return np.asarray((self._matrix @ v.T).T)

    def saved(self) -> State:
        """What has to be kept with the state of a member that is set aside."""
        return {ROWS: np.array(self._rows)} if self.keep else {}

    def restore(self, saved: State) -> None:
        """Go on from what `saved` gave."""
        self._rows = list(saved[ROWS]) if self.keep else []

    def result(self) -> dict[str, Array]:
        """{name: (n_times, ...)} of what was kept."""
        if not self.keep:
            return {}
        sizes = [int(np.prod(self._shapes[name])) for name in self.keep]
        rows = np.array(self._rows).reshape(len(self._rows), sum(sizes))
        parts = np.split(rows, np.cumsum(sizes)[:-1], axis=1)
        return {name: part.reshape(len(rows), *self._shapes[name]) for name, part in zip(self.keep, parts, strict=True)}
