"""A block of chips that learn by discrete updates: their circuit, their state, and the settings of an update."""
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.law.law_type import EdgeLaw
from ohmlearn.kernels.linalg.block_ldlt import Elimination
from ohmlearn.kernels.linalg.graph import Graph

from .flaws import Flaws


class Settings(NamedTuple):
    """Of the updates. loss, margin : see `losses.errors`. over : V by which outputs are clamped beyond `nudge` of their
    errors. power : weight of the dissipated power, Σ Δv² of the free network, beside the contrast."""

    nudge: float
    clamp: float
    rule: int
    limit: float
    loss: int
    margin: float
    over: float
    power: float


class Circuit(NamedTuple):
    """What all chips share, and the laws of the free and of the clamped network. free : (n_nodes,) a bit for every lane
    where the node is not held."""

    graph: Graph
    pattern: Elimination
    free: NDArray[np.uint16]
    law: EdgeLaw
    twin: EdgeLaw


class Chips(NamedTuple):
    """A block of chips; n nodes, m edges, s samples, h held nodes, o outputs of one node or two; rows of lanes.

    u : (m,) what learns. low, high, factor : (m,) plain arrays, its bounds and the factor of the step.
    leak, toward, inject : (n,) of the circuit alone; clamped_leak, clamped_toward : with the clamps.
    v, read, clamped : (n,) voltages, v as it is measured, and those with clamps. seen : (m,) what learns as a network
    with mismatch has it. found : (s, chips, n), v of every sample when it was presented last. kept : (s, chips, m)
    likewise, see Newton; (0, chips, m) where laws keep nothing, or it would take too much memory. contrast : (m,).
    error : (o,).
    weight : (2,) of the samples of a pass, those with an error, and all. held : (h,) nodes. held_voltages : (s, h).
    first, second : (o,) nodes of the outputs, -1 for none. wanted : (s, o). labels : (s,). weights : (s,).
    group : lanes of a chip. eta : (1,) unused η of the equilibria. failed : (lanes,) equilibria that were not found.
    loss, n_clamped : (chips,) sum of the losses of samples, and number of those with an error.
    """

    u: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    factor: NDArray[np.float64]
    leak: NDArray[np.float64]
    toward: NDArray[np.float64]
    inject: NDArray[np.float64]
    clamped_leak: NDArray[np.float64]
    clamped_toward: NDArray[np.float64]
    v: NDArray[np.float64]
    read: NDArray[np.float64]
    clamped: NDArray[np.float64]
    seen: NDArray[np.float64]
    found: NDArray[np.float64]
    kept: NDArray[np.float64]
    contrast: NDArray[np.float64]
    error: NDArray[np.float64]
    weight: NDArray[np.float64]
    held: NDArray[np.int64]
    held_voltages: NDArray[np.float64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    wanted: NDArray[np.float64]
    labels: NDArray[np.int64]
    weights: NDArray[np.float64]
    group: int
    eta: NDArray[np.float64]
    failed: NDArray[np.int64]
    loss: NDArray[np.float64]
    n_clamped: NDArray[np.int64]
    flaws: Flaws
