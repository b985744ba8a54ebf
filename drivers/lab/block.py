"""A block of lab circuits from outside: tasks in the kernel's coordinates, circuits put into lanes, costs taken out."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.lab import circuit as kernels
from ohmlearn.kernels.lab.relaxation import Propagator
from ohmlearn.kernels.simd.vectors import aligned, n_lanes
from ohmlearn.lab.circuit import COMPARATORS, LabCircuit
from ohmlearn.network import Network
from ohmlearn.task import Task

Array = NDArray[np.float64]
LANES = n_lanes(np.float64)


@dataclass(frozen=True, eq=False)
class Whitened:
    """A task on its board in the coordinates x = Cᵀ v of `kernels/lab/circuit.py`, K = C Cᵀ, the k targets last
    of the n free nodes.

    vectors (m, n), sources (m,), targets (m, k), divider (n - k, k), readout (k, n), desired (k,), span (2,) as there.
    """

    vectors: Array
    sources: Array
    targets: Array
    divider: Array
    readout: Array
    desired: Array
    span: Array

    @classmethod
    def of(cls, network: Network, task: Task, capacitors: str) -> Whitened:
        """Raises unless the task fits the network and consists of held nodes and target nodes."""
        task.require_nodal("the lab circuit")
        task.check(network)
        incidence = np.zeros((network.n_edges, network.n_nodes))
        np.put_along_axis(incidence, network.edges, [[1.0, -1.0]], axis=1)
        inner = np.ones(network.n_nodes, dtype=bool)
        inner[task.sources] = inner[task.targets] = False
        free, n = np.append(np.flatnonzero(inner), task.targets), int(inner.sum())
        plain = incidence[:, free].T @ incidence[:, free]
        capacitance = plain if capacitors == "edges" else np.eye(free.size)
        spectrum = [1.0, 1.0] if capacitors == "edges" else np.linalg.eigvalsh(plain)[[0, -1]].tolist()
        inverse = np.linalg.inv(np.linalg.cholesky(capacitance))
        return cls(incidence[:, free] @ inverse.T, incidence[:, task.sources] @ task.source_voltages,
                   incidence[:, task.targets], -inverse[:n, :n] @ capacitance[:n, n:], inverse[:, n:].T,
                   task.target_voltages, np.array(spectrum))

    @property
    def shape(self) -> tuple[int, int, int]:
        """m edges, n free nodes, k targets."""
        return *self.vectors.shape, self.desired.size

    def settle(self, g: Array, nudge: float) -> tuple[Array, Array, Array]:
        """At equilibrium: x of the free network, x of the clamped one, and its held targets in V."""
        free = currents_vanish(g, self.vectors, self.sources)
        outputs = self.readout @ free
        held = outputs + nudge * (self.desired - outputs)
        inner = self.vectors[:, :self.vectors.shape[1] - held.size]
        return free, currents_vanish(g, inner, self.sources + self.targets @ held), held

    def equilibrium_cost(self, g: Array) -> float:
        """C* in V²."""
        miss = self.desired - self.readout @ currents_vanish(g, self.vectors, self.sources)
        return float(miss @ miss)


def currents_vanish(g: Array, vectors: Array, drops: Array) -> Array:
    """x at which M x = f."""
    return np.asarray(np.linalg.solve((vectors.T * g) @ vectors, -vectors.T @ (g * drops)), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Member:
    """One circuit to train. rate : R. taps : (n_edges,) at the start."""

    number: int
    task: Whitened
    rate: float
    seed: int
    taps: Array


def keys_of(seed: int, n_edges: int) -> NDArray[np.uint64]:
    """(2, n_edges) keys of the comparators' noise, first comparators first."""
    keys: NDArray[Any] = np.random.SeedSequence(seed).generate_state(2 * n_edges, np.uint64)
    return keys.reshape(2, n_edges)


def bias_of(seed: int, n_edges: int, circuit: LabCircuit) -> Array:
    """(2, n_edges) constant offsets of the comparators, V."""
    bias = np.asarray(circuit.bias)
    if not np.any(bias):
        return np.zeros((2, n_edges))
    return np.random.default_rng([seed, 1]).normal(0.0, bias, (2, n_edges)) if bias.ndim == 0 else bias


def rows(**counts: int) -> dict[str, Array]:
    """Arrays of so many rows of lanes."""
    return {name: aligned(count, LANES) for name, count in counts.items()}


class LabBlock:
    """8 circuits whose tasks have one shape."""

    def __init__(self, shape: tuple[int, int, int], circuit: LabCircuit) -> None:
        m, n, k = self.shape = shape
        self.circuit = circuit
        self.wiring = kernels.Wiring(
            **rows(vectors=m * n, sources=m, targets=m * k, divider=(n - k) * k, readout=k * n, desired=k,
                   bias=2 * m, pause=1, span=2), keys=np.zeros(2 * m * LANES, dtype=np.uint64))
        self.state = kernels.State(**rows(free=n, clamped=n - k, held=k, taps=m, conductances=m))
        scratch = Propagator(**rows(matrices=5 * n * n, scaled=m * n, force=n, drift=n, moved=n, length=1),
                             doublings=np.zeros(LANES, dtype=np.int64))
        self.work = kernels.Work(**rows(drops=m, noise=2 * m, readings=2 * m,
                                       late=2 * m * circuit.delay, outputs=k), propagator=scratch)
        self.settings = kernels.Settings(
            COMPARATORS[circuit.comparators], circuit.signed, circuit.discrete, circuit.pause != "turn",
            circuit.pause != "clamp", circuit.nudge, circuit.noise, circuit.step, circuit.gain / circuit.nudge,
            float(circuit.levels), circuit.unit, circuit.delay)

    def insert(self, lane: int, member: Member) -> None:
        """Put a circuit into a lane, both networks at equilibrium."""
        task, wiring, state = member.task, self.wiring, self.state
        m = self.shape[0]
        for name in ("vectors", "sources", "targets", "divider", "readout", "desired", "span"):
            getattr(wiring, name)[:, lane] = getattr(task, name).ravel()
        wiring.bias[:, lane] = bias_of(member.seed, m, self.circuit).ravel()
        wiring.pause[:, lane] = 1 / member.rate
        wiring.keys.reshape(2 * m, LANES)[:, lane] = keys_of(member.seed, m).ravel()
        g = self.circuit.unit / member.taps
        for array, values in zip(state, (*task.settle(g, self.circuit.nudge), member.taps, g), strict=True):
            array[:, lane] = values

    def train(self, members: list[Member], steps: int) -> tuple[Array, Array]:
        """Train up to 8 circuits: C in V² (steps + 1, n_members), and taps at the end (n_members, n_edges)."""
        for lane in range(LANES):
            self.insert(lane, members[min(lane, len(members) - 1)])
        costs = aligned(steps + 1, LANES)
        train = kernels.train_board if self.shape == kernels.BOARD else kernels.train
        train(costs, self.state, self.wiring, self.settings, self.work)
        return costs[:, :len(members)], self.state.taps.T[:len(members)].copy()
