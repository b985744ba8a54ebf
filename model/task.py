"""The task: which voltages are held, and which ones the network should learn to give."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .network import Network


@dataclass(frozen=True, eq=False)
class Task:
    """Held nodes and their voltages (ground among them), targets and their desired voltages.

    sources, source_voltages : (n_sources,) nodes held at these voltages; ground is a source at 0.
    targets, target_voltages : (n_targets,) nodes and the voltages that they should reach.
    rejected : draws that a sampler threw away before this one, because no conductances could meet them.
    """

    sources: NDArray[np.int64]
    source_voltages: NDArray[np.float64]
    targets: NDArray[np.int64]
    target_voltages: NDArray[np.float64]
    rejected: int = 0

    def __post_init__(self) -> None:
        for nodes, voltages in (("sources", "source_voltages"), ("targets", "target_voltages")):
            a = np.atleast_1d(np.array(getattr(self, nodes)))
            v = np.atleast_1d(np.array(getattr(self, voltages), dtype=np.float64))
            if a.size == 0:
                raise ValueError(f"a task needs {nodes}; got none")
            if a.dtype.kind not in "iu":
                raise TypeError(f"{nodes} must be integer node numbers, got {a.dtype}")
            if a.ndim != 1 or a.shape != v.shape:
                raise ValueError(f"{nodes} and {voltages} must be equally long, got shapes {a.shape} and {v.shape}")
            bad = np.flatnonzero(~np.isfinite(v))
            if bad.size:
                raise ValueError(f"{voltages}[{bad[0]}] is {v[bad[0]]}; voltages must be finite")
            unique, counts = np.unique(a, return_counts=True)
            if (counts > 1).any():
                raise ValueError(f"node {unique[counts > 1][0]} is listed twice among the {nodes}")
            if (a < 0).any():
                raise ValueError(f"node {a[a < 0][0]} among the {nodes}: nodes are numbered from 0")
            a = a.astype(np.int64)
            a.setflags(write=False)
            v.setflags(write=False)
            object.__setattr__(self, nodes, a)
            object.__setattr__(self, voltages, v)
        both = np.intersect1d(self.sources, self.targets)
        if both.size:
            raise ValueError(f"node {both[0]} is both source and target; a held voltage cannot be learned")

    @property
    def feasible(self) -> bool:
        """Whether all target voltages lie within the range of the held ones (maximum principle)."""
        low, high = self.source_voltages.min(), self.source_voltages.max()
        return bool(np.all((self.target_voltages >= low) & (self.target_voltages <= high)))

    def check(self, network: Network) -> None:
        """Raise unless the task fits the network: nodes exist, every component has a held node."""
        network.check_nodes(self.sources, "source node")
        network.check_nodes(self.targets, "target node")
        held = np.unique(network.components[self.sources])
        floating = np.flatnonzero(~np.isin(network.components, held))
        if floating.size:
            raise ValueError(f"node {floating[0]} lies in a part of the network that no source touches "
                             f"({floating.size} such nodes), so its voltage is undefined; "
                             "hold a node there or drop that part")

    @classmethod
    def allosteric(cls, network: Network, sources: int = 10, targets: int = 3, seed: int = 0, *,
                   ground: int | None = -1, source_spread: float = 1.0, target_spread: float = 0.2,
                   feasible: bool = False) -> Task:
        """Random allosteric task as in paper 1 (Simulation results).

        `ground` (by default the last node, None for no ground) is held at 0 V. `sources` and `targets`
        nodes are drawn from the others without replacement; source voltages from N(0, source_spread²),
        desired ones from N(0, target_spread²). `feasible` draws anew until the maximum principle allows
        the targets; the number of rejected draws is `task.rejected`.
        """
        n = network.n_nodes
        grounded = [] if ground is None else [int(np.arange(n)[ground])]
        free = np.setdiff1d(np.arange(n), grounded)
        if sources < 1 or targets < 1 or sources + targets > free.size:
            raise ValueError(f"cannot draw {sources} sources and {targets} targets from {free.size} free nodes")
        rng = np.random.default_rng(seed)
        for rejected in range(10_000):
            nodes = rng.choice(free, sources + targets, replace=False)
            held = np.append(nodes[:sources], grounded).astype(np.int64)
            voltages = np.append(rng.normal(0, source_spread, sources), np.zeros(len(grounded)))
            task = cls(held, voltages, nodes[sources:], rng.normal(0, target_spread, targets), rejected)
            if task.feasible or not feasible:
                return task
        raise ValueError(f"no feasible task in 10000 draws with {sources} sources and {targets} targets; "
                         "lower target_spread or add sources")


def as_tasks(tasks: Task | ArrayLike) -> list[Task]:
    """The tasks as a list, whether one or several were given."""
    return [tasks] if isinstance(tasks, Task) else list(tasks)  # type: ignore[arg-type]
