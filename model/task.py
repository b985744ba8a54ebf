"""The task: what drives the network, and which voltages it should learn to give."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checks.kinds import Frozen, check_fields, check_sign, flag, number, reals, whole
from .network import Network
from .outputs import (
    Constraint,
    Held,
    Ties,
    check_pairing,
    node_values,
    output_matrix,
    pair_values,
    places_and_voltages,
    read_outputs,
    weights,
    words,
)

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True, eq=False)
class Task(Frozen):
    """What drives a network, and what it should give in return.

    sources, source_voltages : (n_sources,) nodes held at these voltages; ground is a source at 0.
    targets, target_voltages : (n_targets,) outputs and the voltages that they should reach. An output is a
        node, a pair of nodes (the drop V_a - V_b), a mapping {node: weight} or a :class:`Constraint`; kept as
        an (n_targets,) array of nodes, an (n_targets, 2) array of pairs, or a tuple where kinds are mixed.
        Mappings may stand for both: Task({0: 1.0, 15: 0.0}, {6: 0.7}), or Task({0: 1.0}, {(5, 8): 0.4}, ground=15).
    rejected : draws that a sampler threw away before this one, because no conductances could meet them.
    currents : {node: current injected there}, in units of conductance times volt.
    drops : {(a, b): voltage drop V_a - V_b held there}.
    ground : node held at 0 V; a shorthand, it becomes the last source.

    Without a held node the network floats: currents must balance, and voltages are relative to their mean.
    Several training samples are a list of Tasks with the same outputs.

    >>> import ohmlearn as ol
    >>> task = ol.Task(sources=[0, 15], source_voltages=[1.0, 0.0], targets=[6], target_voltages=[0.7])
    >>> same = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
    >>> same.targets.tolist(), same.feasible, same.bounds.tolist()
    ([6], True, [[0.0, 1.0]])
    """

    sources: NDArray[np.int64] = field(default_factory=lambda: np.array([], dtype=np.int64))
    source_voltages: NDArray[np.float64] = field(default_factory=lambda: np.array([]))
    targets: Any = ()
    target_voltages: NDArray[np.float64] = field(default_factory=lambda: np.array([]))
    rejected: int = 0
    currents: Mapping[int, float] = field(default_factory=dict)
    drops: Mapping[tuple[int, int], float] = field(default_factory=dict)
    ground: int | None = None

    if TYPE_CHECKING:       # what may be given; the attributes are as declared above
        def __init__(self, sources: ArrayLike | Mapping[int, float] = (),
                     source_voltages: ArrayLike | Mapping[Any, float] = (), targets: Any = (),
                     target_voltages: ArrayLike = (), rejected: int = 0, currents: Mapping[int, float] = ...,
                     drops: Mapping[tuple[int, int], float] = ..., ground: int | None = None) -> None: ...

    def __post_init__(self) -> None:
        check_fields(self)
        sources, voltages, targets, target_voltages = places_and_voltages(
            self.sources, self.source_voltages, self.targets, self.target_voltages)
        sources = np.atleast_1d(np.array(sources))
        if sources.size == 0:
            sources = sources.astype(np.int64)
        if self.ground is not None and self.ground not in sources:
            sources, voltages = np.append(sources, self.ground), np.append(voltages, 0.0)
        if sources.dtype.kind not in "iu":
            raise TypeError(f"sources must be integer node numbers, got {sources.dtype}")
        self._set("sources", sources.astype(np.int64))
        self._set("source_voltages", np.atleast_1d(reals(voltages, "source_voltages")))
        self._set("targets", read_outputs(targets))
        self._set("target_voltages", np.atleast_1d(reals(target_voltages, "target_voltages")))
        self._set("currents", node_values(self.currents, "currents"))
        self._set("drops", pair_values(self.drops))
        if not (len(self.sources) or self.currents or self.drops):
            raise ValueError("a task needs sources; got none, and no currents or drops either")
        if len(self.targets) == 0:
            raise ValueError("a task needs targets; got none")
        check_pairing("sources", self.sources, "source_voltages", self.source_voltages)
        check_pairing("targets", self.targets, "target_voltages", self.target_voltages)
        if self.ground is not None and self.source_voltages[self.sources == self.ground][0] != 0:
            raise ValueError(f"ground {self.ground} is a source at another voltage than 0")
        self._check_learnable()

    def _set(self, key: str, value: Any) -> None:
        if isinstance(value, np.ndarray):
            value.setflags(write=False)
        object.__setattr__(self, key, value)

    def _check_learnable(self) -> None:
        held = self._held
        for output in self.targets:
            if isinstance(output, Constraint) or not held.determines(weights(output)):
                continue
            if np.ndim(output) == 0 and not isinstance(output, Mapping):
                raise ValueError(f"node {output} is both source and target; a held voltage cannot be learned")
            raise ValueError(f"output {words(output)} is fixed by the held voltages, so no conductance can change "
                             "it; read another pair of nodes")

    @cached_property
    def _held(self) -> Held:
        return Held(dict(zip(self.sources.tolist(), self.source_voltages.tolist(), strict=True)), self.drops)

    @property
    def n_targets(self) -> int:
        """Number of outputs."""
        return len(self.targets)

    @property
    def is_nodal(self) -> bool:
        """Whether the task is nothing but held nodes and target nodes."""
        return not self.currents and not self.drops and isinstance(self.targets, np.ndarray) and self.targets.ndim == 1

    @property
    def is_linear(self) -> bool:
        """Whether every output is linear in the voltages."""
        return not any(isinstance(output, Constraint) for output in self.targets)

    def require_nodal(self, what: str) -> None:
        """Raise unless the task is nothing but held nodes and target nodes; `what` names who asks.

        >>> import ohmlearn as ol
        >>> ol.Task({0: 1.0, 15: 0.0}, {6: 0.7}).require_nodal("the slow manifold")
        """
        if not self.is_nodal:
            has = "injected currents" if self.currents else "held drops" if self.drops else "outputs that are no nodes"
            raise NotImplementedError(f"{what} knows held nodes and target nodes only; this task has {has}")

    def output_matrix(self, n_nodes: int) -> csr_array:
        """(n_targets, n_nodes) CSR matrix O of linear outputs; the outputs are O V.

        >>> import ohmlearn as ol
        >>> task = ol.Task({0: 1.0}, {(5, 8): 0.4}, ground=15)
        >>> task.output_matrix(16).toarray()[0, [5, 8]].tolist()
        [1.0, -1.0]
        """
        return output_matrix(self.targets, n_nodes)

    def injected(self, n_nodes: int) -> NDArray[np.float64]:
        """(n_nodes,) injected currents.

        >>> import ohmlearn as ol
        >>> task = ol.Task({0: 1.0}, {6: 0.7}, currents={3: 0.5})
        >>> task.injected(16)[3]
        np.float64(0.5)
        """
        current = np.zeros(n_nodes)
        current[list(self.currents)] = list(self.currents.values())
        return current

    @property
    def bounds(self) -> NDArray[np.float64]:
        """(n_targets, 2) lowest and highest value of every output at any conductances (maximum principle).

        Infinite for current drive and for nonlinear outputs, where the drive sets no bound.
        """
        rows = np.full((self.n_targets, 2), [-np.inf, np.inf])
        if any(self.currents.values()):
            return rows
        low, high, drop = self._held.range()
        for row, output in zip(rows, self.targets, strict=True):
            if not isinstance(output, Constraint):
                given = np.array(list(weights(output).values()))
                up, down = given[given > 0].sum(), given[given < 0].sum()
                balanced = abs(up + down) <= 1e-14 * up
                row[:] = (-up * drop, up * drop) if balanced else (up * low + down * high, up * high + down * low)
        return rows

    @property
    def feasible(self) -> bool:
        """Whether all target voltages lie within the bounds that the held ones set (maximum principle)."""
        return not self.unreachable

    @property
    def unreachable(self) -> list[str]:
        """What of the targets no conductances can give, in words with the bounds."""
        rows = zip(self.target_voltages, self.bounds, strict=True)
        return [f"target {q}: {wanted:g} V desired, but the held voltages allow {low:g} to {high:g} V "
                "at any conductances"
                for q, (wanted, (low, high)) in enumerate(rows) if not low <= wanted <= high]

    def check(self, network: Network) -> None:
        """Raise unless the task fits the network: nodes exist, and the drive settles every node's voltage.

        >>> import ohmlearn as ol
        >>> net = ol.Network.grid(4, 4)
        >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
        >>> task.check(net)
        """
        network.check_nodes(self.sources, "source node")
        network.check_nodes(list(self.currents), "node of a current")
        network.check_nodes(list(chain(*self.drops)), "node of a held drop")
        for output in self.targets:
            if not isinstance(output, Constraint):
                network.check_nodes(list(weights(output)), "target node")
        part = network.components
        held = np.isin(part, part[self.sources])
        driven = held if self.is_nodal else np.isin(part, part[[*self.sources, *self.currents, *chain(*self.drops)]])
        floating = np.flatnonzero(~driven)
        if floating.size:
            name = network.label(int(floating[0]))
            raise ValueError(f"node {name} lies in a part of the network that no source touches "
                             f"({floating.size} such nodes), so its voltage is undefined; "
                             "hold a node there, or take network.largest_component()")
        self._check_balance(network, part, held)

    def _check_balance(self, network: Network, part: NDArray[np.int32], held: NDArray[np.bool_]) -> None:
        """Raise if more current enters a part without a held node than leaves it."""
        ties = Ties()                                         # parts that a held drop joins balance together
        for a, b in self.drops:
            ties.tie(int(part[a]), int(part[b]), 0.0)
        total: dict[int, float] = {}
        for node, current in self.currents.items():
            root = ties.find(int(part[node]))[0]
            total[root] = total.get(root, 0.0) + current
        grounded = {ties.find(int(p))[0] for p in np.unique(part[held])}
        scale = sum(abs(c) for c in self.currents.values())
        for root, current in total.items():
            if root not in grounded and abs(current) > 1e-12 * scale:
                node = min(int(np.argmax(part == p)) for p in np.unique(part) if ties.find(int(p))[0] == root)
                raise ValueError(f"the currents into the floating part of node {network.label(node)} add up to "
                                 f"{current:g}, not to 0; balance them or ground a node there")

    @classmethod
    def read(cls, path: Any, network: Network | None = None) -> Task:
        """Task from a TOML file of one sample; :func:`ohmlearn.tasks.read_tasks` reads the samples of a file.

        network : whose names of nodes the file may use in place of numbers.

        Returns a :class:`Task`. Raises ValueError, which names the key, for what a task does not take.

        >>> import ohmlearn as ol
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     ol.Task({0: 1.0, 15: 0.0}, {6: 0.7}).write(f"{folder}/task.toml")
        ...     again = ol.Task.read(f"{folder}/task.toml")
        >>> again.sources.tolist(), again.target_voltages.tolist()
        ([0, 15], [0.7])
        """
        from ohmlearn.io.task_toml import read_tasks

        tasks = read_tasks(path, network)
        if len(tasks) > 1:
            raise ValueError(f"{path} holds {len(tasks)} samples; ohmlearn.tasks.read_tasks gives them all")
        return tasks[0]

    def write(self, path: Any) -> None:
        """Write the task to a TOML file, which :meth:`read` reads; :func:`ohmlearn.tasks.write_tasks` writes several
        samples.

        >>> import ohmlearn as ol
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     ol.Task({0: 1.0, 15: 0.0}, {6: 0.7}).write(f"{folder}/task.toml")
        ...     again = ol.Task.read(f"{folder}/task.toml")
        >>> again.sources.tolist(), again.target_voltages.tolist()
        ([0, 15], [0.7])
        """
        from ohmlearn.io.task_toml import write_tasks

        write_tasks([self], path)

    @classmethod
    def allosteric(cls, network: Network, sources: int = 10, targets: int = 3, seed: int = 0, *,
                   ground: int | None = -1, source_spread: float = 1.0, target_spread: float = 0.2,
                   feasible: bool = False) -> Task:
        """Random allosteric task as in paper 1 (Simulation results).

        `ground` (by default the last node, None for no ground) is held at 0 V. `sources` and `targets`
        nodes are drawn from the others without replacement; source voltages from N(0, `source_spread`²),
        desired ones from N(0, `target_spread`²), in V. `feasible` draws anew until the maximum principle
        allows the targets; the number of rejected draws is `task.rejected`. Same `seed`, same task.

        Returns a :class:`Task`. Raises ValueError where the network has too few nodes.

        >>> import ohmlearn as ol
        >>> net = ol.Network.grid(4, 4)
        >>> task = ol.Task.allosteric(net, sources=3, targets=2, seed=1, feasible=True)
        >>> task.sources.size, task.targets.size, task.feasible
        (4, 2, True)
        """
        sources, targets, seed = whole("sources", sources), whole("targets", targets), whole("seed", seed, 0)
        ground = None if ground is None else whole("ground", ground)
        feasible = flag("feasible", feasible)
        for key, spread in (("source_spread", source_spread), ("target_spread", target_spread)):
            check_sign(key, number(key, spread), ">= 0", " V")
        n = network.n_nodes
        if ground is not None and not -n <= ground < n:
            raise ValueError(f"ground is node {ground}, but nodes run from 0 to {n - 1}; -1 is the last, None for none")
        grounded = [] if ground is None else [ground % n]
        free = np.delete(np.arange(n), grounded)
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


def as_tasks(tasks: Task | Iterable[Task]) -> list[Task]:
    """The tasks as a list, whether one or several were given."""
    several = [tasks] if isinstance(tasks, Task) else list(tasks)
    for task in several:
        if not isinstance(task, Task):
            raise TypeError(f"expected an ohmlearn.Task or a sequence of them, got {task!r}")
    return several
