"""Networks that learn several outputs, and what their soft modes say of the stiff modes where there is no gap.

By Eq. 12 of paper 2, g = Σ_ab (i/λ)_a (o/λ)_b (Δv_a)(Δv_b): what the k softest modes say about the edges is the span
of all products (Δv_a)(Δv_b), a <= b <= k, of k (k+1)/2 dimensions.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Any

import numpy as np
from ohmlearn.drivers.descent.descend import Descent, descend
from ohmlearn.drivers.figures.paper2.landscape import Array, Problem
from ohmlearn.network import Network
from ohmlearn.rule import GradientFlow
from ohmlearn.solvers.hessian.hessian import hessian
from ohmlearn.task import Task

N_NODES = 64
FAMILIES: dict[str, Callable[[int, int], Network]] = {
    "Delaunay": lambda n, seed: Network.delaunay(n, seed=seed, mean_degree=None, spacing=0.7, longest=2.2),
    "packing": lambda n, seed: Network.packing(n, seed=seed),
    "grid": lambda n, seed: Network.grid(isqrt(n), isqrt(n)),
    "random graph": lambda n, seed: Network.random(n, 4.5, seed=seed)}
TEACHER = 0.2, 5.0                              # conductances of the network whose outputs are asked for
FAR = 5.0                                       # outputs so many times those of the teacher
COSTS = 10.0 ** np.arange(0, -14.1, -0.5)       # states looked at, in C(0)
RULE = GradientFlow(floor=1e-6, ceiling=10.0, fraction=0.2)
SOFT = (1, 2, 3, 4, 5, 6, 8, 10, 12)            # numbers of soft modes
GAP = 3.0                                       # below this λ₂/λ₁ no soft mode stands alone


def problem(family: str, seed: int, outputs: int, times: float = 1.0, n_nodes: int = N_NODES) -> Problem:
    """Unit current through two nodes of a network, and `outputs` drops between others: `times` those that the network
    gives with random conductances. At the start G ~ U(0.5, 1.5)."""
    network = FAMILIES[family](n_nodes, seed)
    rng = np.random.default_rng([seed, outputs, 5])
    nodes = rng.choice(network.n_nodes, 2 + 2 * outputs, replace=False).tolist()
    teacher = np.exp(rng.uniform(np.log(TEACHER[0]), np.log(TEACHER[1]), network.n_edges))
    start = rng.uniform(0.5, 1.5, network.n_edges)
    inputs, pairs = {nodes[0]: 1.0, nodes[1]: -1.0}, list(zip(nodes[2::2], nodes[3::2], strict=True))
    given = hessian(network, Task(currents=inputs, targets=pairs, target_voltages=np.zeros(outputs)), teacher).errors
    return Problem(network, start, Task(currents=inputs, targets=pairs, target_voltages=times * given))


def train(given: Problem) -> Descent:
    """Train to the last of COSTS; states at all of them are kept."""
    initial = hessian(given.network, given.task, given.conductances).cost
    return descend(given.network, given.task, rule=RULE, conductances=given.conductances, until=COSTS[-1] / 2,
                   costs=initial * COSTS, threads=1)


def modes_of(network: Network, conductances: Array) -> tuple[Array, Array]:
    """Eigenvalues above zero of L(G), softest first, and the drops (n_edges, n_nodes - 1) of their modes."""
    incidence = network.incidence.toarray()
    values, modes = np.linalg.eigh((incidence.T * conductances) @ incidence)
    return values[1:], incidence @ modes[:, 1:]


def products(drops: Array, k: int) -> Array:
    """(n_edges, k (k+1)/2) products (Δv_a)(Δv_b) of the first k modes."""
    a, b = np.triu_indices(k)
    return drops[:, a] * drops[:, b]


def held(stiff: Array, span: Array) -> tuple[float, float]:
    """What a span (n_edges, d) holds of the subspace of orthonormal columns `stiff`: the mean and the least squared
    cosine of their principal angles."""
    base, _ = np.linalg.qr(span)
    cosines = np.linalg.svd(base.T @ stiff, compute_uv=False)
    return float(np.sum(cosines**2) / stiff.shape[1]), float(cosines[-1]**2 if len(cosines) == stiff.shape[1] else 0.0)


@dataclass(frozen=True, eq=False)
class Spans:
    """Networks without a gap, one row each. outputs, gap : n_T, and λ₂/λ₁ when trained. fractions, least : (n_networks,
    4, n_soft) mean and least squared cosine between the stiff modes and what SOFT soft modes hold: trained
    to FAR outputs; the same task before training; trained to the outputs of the teacher; random modes in their place.
    dimensions : (n_networks, n_soft) of the span, over the edges."""

    outputs: Array
    gap: Array
    fractions: Array
    least: Array
    dimensions: Array


def spans(count: int, outputs: Sequence[int], n_nodes: int = N_NODES) -> Spans:
    """Delaunay networks that learn several outputs far from those at the start; those without a gap count."""
    rows = [row for many in outputs for seed in range(count) if (row := _row(seed, many, n_nodes))[1] < GAP]
    if not rows:
        raise ValueError(f"all of {count * len(outputs)} networks of {n_nodes} nodes have a gap; take larger ones")
    return Spans(*(np.array(column) for column in zip(*rows, strict=True)))


def _row(seed: int, many: int, n_nodes: int) -> tuple[Any, ...]:
    """One network for :class:`Spans`."""
    far, near = (problem("Delaunay", seed, many, times, n_nodes) for times in (FAR, 1.0))
    network, start = far.network, far.conductances
    trained, taught = (train(one).conductances for one in (far, near))
    values, drops = modes_of(network, trained)
    loose = np.random.default_rng([seed, 6]).standard_normal((network.n_nodes, max(SOFT)))
    mixed = network.incidence @ np.linalg.qr(loose - loose.mean(axis=0))[0]
    sides = ((far, trained, drops), (far, start, modes_of(network, start)[1]),
             (near, taught, modes_of(network, taught)[1]), (far, trained, mixed))
    stiff = [hessian(network, one.task, g).satisfied_modes(many)[1] for one, g, _ in sides]
    found = np.array([[held(modes, products(d, k)) for k in SOFT]
                      for modes, (_, _, d) in zip(stiff, sides, strict=True)])
    soft = np.array(SOFT)
    return many, values[1] / values[0], found[..., 0], found[..., 1], soft * (soft + 1) / 2 / network.n_edges
