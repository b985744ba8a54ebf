"""The lab circuit of paper 1: its hardware and rule as data, and a board and tasks like those that it is shown with."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.checks.kinds import Frozen, check_fields, check_kinds, check_sign, reals
from ohmlearn.network import Network
from ohmlearn.task import Task

SUPPLY = 5.0        # V, between the two sources of the paper's tasks
LEAST = 1.0         # V², C(0) of a task that is worth training

COMPARATORS = {
    "eq5": (1.0, -1.0, 1.0, 1.0),
    "earlier": (1.0, -1.0, 0.0, 1.0),
    "eq6": (-1.0, 1.0, 0.0, 1.0),
}
"""Forms of the sign rule: a, b, c, d of XOR[a Δv^F + b Δv^C > 0, c Δv^F + d Δv^C > 0], which raises the resistance.

eq5 : XOR[Δv^F > Δv^C, Δv^F > -Δv^C] of footnote 1, which is |Δv^C| > |Δv^F| of Eq. 5 (equality apart).
earlier : XOR[Δv^F > Δv^C, Δv^C > 0] of footnote 1 and Ref. 14; the same while both drops have one sign.
eq6 : XOR[Δv^C > Δv^F, 0 < Δv^C], Eq. 6 as printed; while both drops have one sign, the opposite of Eq. 5.
"""


@dataclass(frozen=True, eq=False)
class LabCircuit(Frozen):
    """Hardware and learning rule of the lab circuit (paper 1, Fig. 1 and Methods). The defaults are the paper's.

    capacitors : c in parallel to every resistor ("edges"), or from every node to ground ("nodes"), the global
        capacitance of the paper's simulations.
    comparators : form of the sign rule, a key of COMPARATORS.
    signed : resistances change by `step` taps in the direction that the comparators tell. If not, conductances change
        by `gain` [(Δv^F)² - (Δv^C)²]/η per training step, in 1/R0 (Eq. 3); that needs the comparators of "eq5".
    discrete, levels : the values of a potentiometer are 1 ... levels taps; or continuous between those ends (`discrete`
        False).
    tap, start, reference : Ω of a tap, of all resistors at the start, and R0, which sets γp = 1/(R0 c).
    step : taps per training step. gain : in 1/(R0 V²).
    nudge : η. noise : standard deviation of every comparator reading, V. bias : of their constant offsets over edges
        and comparators, V; or the (2, n_edges) offsets themselves.
    pause : 1/γl passes after the clamp moves ("clamp"), after the potentiometers turn ("turn"), or after "both".
    delay : training steps by which the potentiometers lag behind their comparators; they stand still for so long at
        first. 0 in the paper's description; a loop with a delay oscillates for good at R >= 1.

    >>> import ohmlearn as ol
    >>> circuit = ol.lab.LabCircuit(noise=0.0, capacitors="nodes")
    >>> board = ol.lab.lab_network()
    >>> ol.lab.train(board, ol.lab.lab_task(board), 0.1, circuit=circuit, steps=200).n_steps
    200
    """

    capacitors: Literal["edges", "nodes"] = "edges"
    comparators: str = "eq5"
    signed: bool = True
    discrete: bool = True
    levels: int = 128
    tap: float = 781.25
    start: float = 50e3
    reference: float = 10e3
    step: float = 1.0
    gain: float = 0.01
    nudge: float = 0.5
    noise: float = 0.01
    bias: float | ArrayLike = 0.0
    pause: Literal["clamp", "turn", "both"] = "clamp"
    delay: int = 0

    def __post_init__(self) -> None:
        check_fields(self)
        for key, allowed in (("capacitors", ("edges", "nodes")), ("comparators", tuple(COMPARATORS)),
                             ("pause", ("clamp", "turn", "both"))):
            if getattr(self, key) not in allowed:
                raise ValueError(f"{key} must be one of {', '.join(allowed)}, not {getattr(self, key)!r}")
        for key in ("tap", "start", "reference", "step", "gain", "nudge"):
            check_sign(key, getattr(self, key))
        check_sign("noise", self.noise, ">= 0", " V")
        if not 0 <= self.delay <= 1000:
            raise ValueError(f"delay must be a whole number of training steps from 0 to 1000, not {self.delay!r}")
        if self.levels < 2:
            raise ValueError(f"a potentiometer needs two levels at least, not {self.levels}")
        if self.discrete and self.signed and self.step != round(self.step):
            raise ValueError(f"step {self.step}: discrete potentiometers turn by whole taps; use discrete=False")
        if not self.signed and self.comparators != "eq5":
            raise ValueError(f"the unsigned rule takes the readings of comparators='eq5', not {self.comparators!r}")
        bias = reals(self.bias, "bias")
        if not np.all(np.isfinite(bias)) or (bias.ndim == 0 and bias < 0) or bias.ndim not in (0, 2):
            raise ValueError("bias must be a spread >= 0 in V, or finite (2, n_edges) offsets")
        bias.setflags(write=False)
        object.__setattr__(self, "bias", bias)

    @property
    def pauses(self) -> int:
        """Pauses 1/γl in a training step."""
        return 2 if self.pause == "both" else 1

    @property
    def unit(self) -> float:
        """Conductance of one tap, in 1/R0."""
        return self.reference / self.tap

    def turns(self, taps: ArrayLike | None = None) -> NDArray[np.float64]:
        """Checked copy of taps at the start, of any shape; None gives those of `start`.

        Returns (...) taps, floats. Raises ValueError for taps that no potentiometer has.

        >>> import ohmlearn as ol
        >>> circuit = ol.lab.LabCircuit()
        >>> circuit.turns([64, 64]).tolist()
        [64.0, 64.0]
        """
        found = np.array(self.start / self.tap if taps is None else taps, dtype=np.float64)
        if not np.all((found >= 1) & (found <= self.levels)):
            raise ValueError(f"taps must lie between 1 and {self.levels}; resistances between {self.tap:g} and "
                             f"{self.tap * self.levels:g} Ω")
        if self.discrete and np.any(found != np.rint(found)):
            raise ValueError("discrete potentiometers stand at whole taps: choose `start` as a multiple of `tap`, "
                             "or discrete=False")
        return found


def lab_network() -> Network:
    """The board: 9 nodes, 16 edges. The paper shows its graph only in a picture, so this is one like it, a periodic
    3×3 grid without the edges 0-2 and 1-7, which wrap around.

    Returns a :class:`Network`.

    >>> import ohmlearn as ol
    >>> ol.lab.lab_network()
    <Network 'lab board': 9 nodes, 16 edges>
    """
    grid = Network.grid(3, 3, periodic=True)
    ends = np.sort(grid.edges, axis=1)
    kept = ~((ends == [0, 2]).all(axis=1) | (ends == [1, 7]).all(axis=1))
    assert grid.positions is not None
    return Network(grid.edges[kept], 9, grid.positions + 0.5, grid.box, "lab board")


@check_kinds
def lab_task(network: Network, seed: int = 0, *, targets: int = 2, supply: float = SUPPLY,
             least: float = LEAST) -> Task:
    """A random task of the lab's kind: two sources at 0 and `supply` V, and 2 targets or more. Same seed, same task.

    The desired voltages are those that the board gives with every potentiometer at a level drawn at random, so they can
    be had. Draws are repeated (`task.rejected` times) until C(0) with all conductances alike is at least `least` V²:
    below 1 V², a thousandth of it is less than what comparators with 0.01 V of noise can tell at η = 0.5.

    network : the board. seed : of the draw. supply : V between the sources. least : V².

    Returns a :class:`Task`, voltages in V.

    >>> import ohmlearn as ol
    >>> task = ol.lab.lab_task(ol.lab.lab_network(), seed=1)
    >>> task.source_voltages.tolist(), task.n_targets
    ([0.0, 5.0], 2)
    """
    n = network.n_nodes
    if targets < 1 or targets + 2 > n:
        raise ValueError(f"cannot draw 2 sources and {targets} targets from {n} nodes")
    rng = np.random.default_rng([seed, n])
    for rejected in range(10_000):
        nodes = rng.choice(n, 2 + targets, replace=False)
        resistances = rng.integers(1, LabCircuit.levels + 1, network.n_edges)
        now, then = (_divided(network, nodes[:2], supply, g)[nodes[2:]]
                     for g in (np.ones(network.n_edges), 1 / resistances))
        if np.sum((now - then) ** 2) >= least:
            return Task(nodes[:2], np.array([0.0, supply]), nodes[2:], then, rejected)
    raise ValueError(f"no task with C(0) >= {least:g} V² in 10000 draws; lower least, or raise supply ({supply:g} V)")


def _divided(network: Network, sources: NDArray[np.int64], supply: float,
             g: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n_nodes,) equilibrium voltages with the two sources at 0 and `supply` V."""
    incidence = network.incidence.toarray()
    laplacian = (incidence.T * g) @ incidence
    free = np.setdiff1d(np.arange(network.n_nodes), sources)
    v = np.zeros(network.n_nodes)
    v[sources[1]] = supply
    v[free] = np.linalg.solve(laplacian[np.ix_(free, free)], -laplacian[np.ix_(free, sources)] @ v[sources])
    return v
