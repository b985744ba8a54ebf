"""Imperfections of real devices, as data, and what every chip draws of them."""
from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.edges.laws import NMOS, EdgeLaw, PerEdge
from ohmlearn.kernels.law.law_type import EdgeLaw as KernelLaw
from ohmlearn.kernels.nonlinear.flaws import Flaws
from ohmlearn.kernels.simd.vectors import aligned
from ohmlearn.solvers.nonlinear.edge_arrays import Edges, kernel_law
from ohmlearn.solvers.nonlinear.equilibrium import LANES

Floats = NDArray[np.float64]
OPEN = 1e-9             # factor of the current of an edge that is open
MOST_SPREAD = 0.99      # a gain is not drawn below 1 - 0.99 of what it should be


@dataclass(frozen=True)
class Imperfections:
    """What real devices add to a circuit that learns. All are 0 (probability: 1) unless given.

    threshold, gain : standard deviations of the thresholds of transistors, in V, and of the gains of edges, relative
        to what the law says; of edges whose conductance learns, the gain is a factor of the conductance.
    twin_threshold, twin_gain : likewise between the free and the clamped network, which are then two circuits.
    read_noise : standard deviation of every measured voltage, in V.
    update_noise, bias : standard deviation of what is added to every change of what learns, anew every time, and the
        same every time, in V or G₀.
    dead_zone : smaller changes are not made. quantum : changes are whole multiples of it. In V or G₀.
    leakage : fraction of the way back to the value at the start that what learns goes with every update.
    probability : of an edge to take part in an update (desynchronous updates).
    open, stuck : fractions of the edges that do not conduct, and of those that do not learn.

    One draw of all this is a chip: chip number k of a training with a seed is always the same.

    >>> import ohmlearn as ol
    >>> ol.learn.Imperfections(threshold=0.01, read_noise=1e-3).scaled(10).threshold
    0.1
    """

    threshold: float = 0.0
    gain: float = 0.0
    twin_threshold: float = 0.0
    twin_gain: float = 0.0
    read_noise: float = 0.0
    update_noise: float = 0.0
    bias: float = 0.0
    dead_zone: float = 0.0
    quantum: float = 0.0
    leakage: float = 0.0
    probability: float = 1.0
    open: float = 0.0
    stuck: float = 0.0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value: Any = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 <= value < np.inf:
                raise ValueError(f"{field.name} must be a finite number >= 0, not {value!r}")
        for name in ("leakage", "probability", "open", "stuck"):
            if getattr(self, name) > 1:
                raise ValueError(f"{name} must be <= 1, not {getattr(self, name):g}")

    def scaled(self, factor: float) -> Imperfections:
        """The same with mismatch, threshold, gain and those of the twin, times a factor.

        Returns :class:`Imperfections`.

        >>> import ohmlearn as ol
        >>> ol.learn.Imperfections(gain=0.02, bias=1e-4).scaled(5)
        Imperfections(gain=0.1, bias=0.0001)
        """
        names = "threshold", "gain", "twin_threshold", "twin_gain"
        return dataclasses.replace(self, **{name: factor * getattr(self, name) for name in names})

    def __repr__(self) -> str:
        given = [f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self)
                 if getattr(self, field.name) != field.default]
        return f"Imperfections({', '.join(given)})"


class Device(NamedTuple):
    """What one chip has drawn, (n_edges,) arrays: additions to thresholds and factors of gains of the free and of the
    clamped network, additions to every change, and whether an edge learns."""

    thresholds: tuple[Floats, Floats]
    gains: tuple[Floats, Floats]
    bias: Floats
    learns: NDArray[np.bool_]


def drawn(flaws: Imperfections | None, n_edges: int, seed: int, chip: int,
          lost: NDArray[np.bool_] | None = None) -> Device:
    """The device of a chip. lost : (n_edges,) edges that are open beside those that are drawn."""
    flaws = Imperfections() if flaws is None else flaws
    draw = np.random.default_rng([seed, chip, 1])
    threshold, twin_threshold, gain, twin_gain, bias = draw.standard_normal((5, n_edges))
    open_, stuck = draw.random((2, n_edges))
    free = flaws.threshold * threshold
    own = 1 + np.maximum(flaws.gain * gain, -MOST_SPREAD)
    other = own * (1 + np.maximum(flaws.twin_gain * twin_gain, -MOST_SPREAD))
    cut = open_ < flaws.open if lost is None else (open_ < flaws.open) | lost
    shut, learns = np.where(cut, OPEN, 1.0), ~cut & (stuck >= flaws.stuck)
    return Device((free, free + flaws.twin_threshold * twin_threshold), (shut * own, shut * other), flaws.bias * bias,
                  learns)


def shifted_law(edges: Edges, thresholds: Floats, gains: Floats) -> Edges:
    """The laws with what a device has drawn, where they have such parameters; others take gains as factors of what
    learns."""
    if isinstance(edges, PerEdge):
        laws = [shifted_law(law, thresholds, gains) for law in edges.laws]
        return PerEdge([law for law in laws if isinstance(law, EdgeLaw)], edges.which)
    if isinstance(edges, NMOS):
        return dataclasses.replace(edges, threshold=edges.threshold + thresholds, gain=edges.gain * gains,
                                   lowest=edges.bounds[0])
    return edges


def has_gain(edges: Edges, n_edges: int) -> NDArray[np.bool_]:
    """(n_edges,) whether the law of an edge has a gain of its own."""
    if isinstance(edges, PerEdge):
        return np.array([isinstance(law, NMOS) for law in edges.laws])[edges.which]
    return np.full(n_edges, isinstance(edges, NMOS))


def laws_in_lanes(edges: Edges, n_edges: int, turned: NDArray[np.bool_], devices: list[Device], twin: int) -> KernelLaw:
    """The laws of the free (twin 0) or of the clamped network (1), with a device in every lane."""
    every = [kernel_law(shifted_law(edges, device.thresholds[twin], device.gains[twin]), n_edges, 0, turned)
             for device in devices]
    rows = aligned(every[0].rows.size, LANES)
    rows[:] = np.stack([law.rows for law in every], axis=1)
    return every[0]._replace(rows=rows)


def kernel_flaws(flaws: Imperfections | None, edges: Edges, start: Floats, devices: list[Device],
                 keys: NDArray[np.uint64]) -> Flaws:
    """Imperfections as the kernels take them. start : (n_edges, lanes) what learns at the start."""
    m = len(start)
    given = flaws or Imperfections()
    still = any(not device.learns.all() for device in devices)
    beside = any((given.update_noise, given.bias, given.dead_zone, given.quantum, given.leakage, given.open,
                  given.stuck, given.probability < 1, still))
    bias, rest, learns = (aligned(m, LANES) for _ in range(3))
    rest[:], learns[:] = start, 1.0
    scales = [aligned(0, LANES), aligned(0, LANES)]
    if devices:
        bias[:] = np.stack([device.bias for device in devices], axis=1)
        learns[:] = np.stack([device.learns for device in devices], axis=1)
        own = has_gain(edges, m)
        if not own.all() and (given.gain or given.twin_gain or given.open or still):
            for k in (0, 1):
                scales[k] = aligned(m, LANES)
                scales[k][:] = np.stack([np.where(own, 1.0, device.gains[k]) for device in devices], axis=1)
    return Flaws(float(given.read_noise), float(given.update_noise), float(given.dead_zone), float(given.quantum),
                 float(given.leakage), float(given.probability), beside, bias, rest, learns, scales[0], scales[1], keys,
                 np.zeros(LANES, dtype=np.uint64))
