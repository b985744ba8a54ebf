"""What a task reads out of a network: node voltages, voltage drops, linear functionals, nonlinear constraints."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .checks.kinds import number, shown

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True)
class Constraint:
    """A nonlinear output f(V), given with its derivatives, for gradient flow and Hessians.

    value : V (n_nodes,) in volt -> number.
    gradient : V -> (n_nodes,) array ∂f/∂V.
    second : V -> (n_nodes, n_nodes) array or sparse array ∂²f/∂V∂V; None where f is linear.

    >>> import numpy as np
    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(4, 4)
    >>> def square(v):
    ...     return v[6] ** 2
    >>> def slope(v):
    ...     return np.where(np.arange(16) == 6, 2 * v[6], 0.0)
    >>> def bend(v):
    ...     return np.diag(np.where(np.arange(16) == 6, 2.0, 0.0))
    >>> output = ol.tasks.Constraint(square, slope, bend)
    >>> task = ol.Task({0: 1.0, 15: 0.0}, targets=[output], target_voltages=[0.36])
    >>> ol.descend(net, task, until=1e-8).status
    'reached'
    """

    value: Callable[[NDArray[Any]], Any]
    gradient: Callable[[NDArray[Any]], Any]
    second: Callable[[NDArray[Any]], Any] | None = None

    def __post_init__(self) -> None:
        for key in ("value", "gradient", "second"):
            given = getattr(self, key)
            if not (callable(given) or (key == "second" and given is None)):
                raise TypeError(f"{key} of a constraint must be a function of the node voltages, not {given!r}")


Output = int | tuple[int, int] | Mapping[int, float] | Constraint


def read_outputs(given: Any) -> NDArray[np.int64] | tuple[Output, ...]:
    """Canonical form of targets: (n,) nodes, (n, 2) node pairs whose drop V_a - V_b is read, or a mixed tuple.

    Entries are a node, a pair of nodes, a mapping {node: weight} (the functional Σ weight V), or a Constraint.
    """
    if isinstance(given, (Constraint, Mapping, Integral)) or (isinstance(given, np.ndarray) and given.ndim == 0):
        given = [given]
    if not isinstance(given, Iterable) or isinstance(given, str | bytes):
        raise TypeError("targets must be node numbers, pairs of them, {node: weight} or a Constraint, not "
                        f"{shown(given)}")
    entries = list(given)
    kinds = {_kind(entry) for entry in entries}
    if kinds == {"node"} or kinds == {"pair"}:
        array = np.array(entries).astype(np.int64)
        array.setflags(write=False)
        return array
    return tuple(_plain(entry) for entry in entries)


def _kind(entry: Any) -> str:
    if isinstance(entry, Constraint):
        return "constraint"
    if isinstance(entry, Mapping):
        return "functional"
    nodes = np.asarray(entry)
    if nodes.dtype.kind not in "iu":
        raise TypeError(f"targets must be integer node numbers, pairs of them, {{node: weight}} or a Constraint; "
                        f"got {entry!r}")
    if nodes.shape == ():
        return "node"
    if nodes.shape == (2,):
        return "pair"
    raise ValueError(f"a target is one node or a pair of nodes, not {entry!r}; a functional is {{node: weight}}")


def _plain(entry: Any) -> Output:
    """One entry of a mixed list as plain Python, so that tasks compare and travel well."""
    kind = _kind(entry)
    if kind == "constraint":
        return entry
    if kind == "node":
        return int(entry)
    if kind == "pair":
        return int(entry[0]), int(entry[1])
    return node_values(entry, "weights of a functional")


def node_values(given: Mapping[Any, Any], what: str) -> dict[int, float]:
    """Checked {node: finite number} as a plain dict in the order of the nodes."""
    if not isinstance(given, Mapping):
        raise TypeError(f"{what} must be a mapping {{node: value}}, not {shown(given)}")
    for node, value in given.items():
        value = number(f"{what}: the value at node {node}", value)
        if not isinstance(node, Integral) or node < 0:
            raise ValueError(f"{what} belong to nodes numbered from 0, not to {node!r}")
        if not np.isfinite(value):
            raise ValueError(f"{what}: the value at node {node} is {value}; it must be finite")
    return {int(node): float(given[node]) for node in sorted(given)}


def pair_values(given: Mapping[Any, Any]) -> dict[tuple[int, int], float]:
    """Checked {(a, b): finite drop} as a plain dict."""
    drops: dict[tuple[int, int], float] = {}
    if not isinstance(given, Mapping):
        raise TypeError(f"drops must be a mapping {{(a, b): volts}}, not {shown(given)}")
    for pair, drop in given.items():
        drop = number(f"the drop held across {pair!r}", drop)
        nodes = np.asarray(pair)
        if nodes.shape != (2,) or nodes.dtype.kind not in "iu" or nodes.min() < 0 or nodes[0] == nodes[1]:
            raise ValueError(f"a held drop belongs to a pair of different nodes numbered from 0, not to {pair!r}")
        if not np.isfinite(drop):
            raise ValueError(f"the drop held across {pair!r} is {drop}; it must be finite")
        drops[int(nodes[0]), int(nodes[1])] = float(drop)
    return drops


def places_and_voltages(sources: Any, source_voltages: Any, targets: Any, target_voltages: Any) -> tuple[Any, ...]:
    """The four arguments of a task, of which {node: voltage} and {output: voltage} may stand for two each.

    Task({0: 1.0}, {6: 0.7}) gives the targets in the second place. A mapping of targets with target_voltages beside it
    is one functional {node: weight}.
    """
    if isinstance(sources, Mapping):
        if isinstance(source_voltages, Mapping) and np.size(targets) == 0:
            source_voltages, targets = (), source_voltages
        if np.size(source_voltages):
            raise ValueError("sources are given as {node: voltage}, so leave source_voltages out")
        sources, source_voltages = list(sources), list(sources.values())
    elif isinstance(source_voltages, Mapping):
        raise TypeError("source_voltages must be numbers in the order of the sources; as a mapping, write "
                        "Task({node: voltage}, {target: voltage})")
    if isinstance(targets, Mapping) and np.size(target_voltages) == 0:
        targets, target_voltages = list(targets), list(targets.values())
    return sources, source_voltages, targets, target_voltages


def check_pairing(nodes: str, a: Any, voltages: str, v: NDArray[np.float64]) -> None:
    """Raise unless there is one finite voltage per node or pair, each listed once."""
    if len(a) != len(v) or v.ndim != 1 or (nodes == "sources" and a.ndim != 1):
        raise ValueError(f"{nodes} and {voltages} must be equally long, got shapes {np.shape(a)} and {v.shape}")
    bad = np.flatnonzero(~np.isfinite(v))
    if bad.size:
        raise ValueError(f"{voltages}[{bad[0]}] is {v[bad[0]]}; voltages must be finite")
    if not isinstance(a, np.ndarray):
        return
    if (a < 0).any():
        raise ValueError(f"node {a[a < 0][0]} among the {nodes}: nodes are numbered from 0")
    if a.ndim == 2 and (a[:, 0] == a[:, 1]).any():
        raise ValueError(f"a target pair names node {a[a[:, 0] == a[:, 1]][0, 0]} twice; its drop is always 0")
    unique, counts = np.unique(np.sort(a, axis=1) if a.ndim == 2 else a, axis=0, return_counts=True)
    if (counts > 1).any():
        what = unique[counts > 1][0]
        raise ValueError(f"{'pair' if a.ndim == 2 else 'node'} {what} is listed twice among the {nodes}")


def words(output: Any) -> str:
    """A pair or functional as it is written."""
    return str(dict(output)) if isinstance(output, Mapping) else f"({output[0]}, {output[1]})"


def weights(output: Any) -> dict[int, float]:
    """{node: weight} of a linear output."""
    kind = _kind(output)
    if kind == "constraint":
        raise TypeError("a nonlinear constraint has no fixed weights; use its gradient at given voltages")
    if kind == "node":
        return {int(output): 1.0}
    if kind == "pair":
        return {int(output[0]): 1.0, int(output[1]): -1.0}
    return dict(output)


def output_matrix(outputs: Iterable[Any], n_nodes: int) -> csr_array:
    """(n_outputs, n_nodes) CSR matrix O of linear outputs; their values are O V."""
    from scipy.sparse import csr_array

    rows = [weights(output) for output in outputs]
    indptr = np.cumsum([0, *(len(row) for row in rows)])
    nodes = np.array([node for row in rows for node in row], dtype=np.int64)
    values = np.array([value for row in rows for value in row.values()], dtype=np.float64)
    return csr_array((values, nodes, indptr), shape=(len(rows), n_nodes))


class Ties:
    """Nodes whose voltages differ by given amounts: sets of them, merged in near-linear time (union-find)."""

    def __init__(self) -> None:
        self._above: dict[int, tuple[int, float]] = {}      # node -> a node of its set, and V(node) - V(that)
        self._size: dict[int, int] = {}

    def find(self, node: int) -> tuple[int, float]:
        """The representative of a node's set, and V(node) - V(representative) in volt."""
        path = []
        while node in self._above:
            path.append(node)
            node = self._above[node][0]
        total = 0.0
        for below in reversed(path):
            total += self._above[below][1]
            self._above[below] = node, total
        return node, total

    def tie(self, a: int, b: int, drop: float) -> float | None:
        """Tie V_a - V_b = drop; where both are in one set already, nothing changes and their V_a - V_b is returned."""
        (one, va), (two, vb) = self.find(a), self.find(b)
        if one == two:
            return va - vb
        gap = drop - va + vb        # V(one) - V(two)
        if self._size.get(one, 1) > self._size.get(two, 1):
            one, two, gap = two, one, -gap
        self._above[one] = two, gap
        self._size[two] = self._size.get(one, 1) + self._size.get(two, 1)
        return None


class Held:
    """Which voltages a drive ties together: nodes held at a voltage, and nodes held apart by a drop.

    cluster : {node: number} of the tied groups; group 0 are the nodes whose voltage is known.
    potential : {node: V} within its group, in volt.
    """

    def __init__(self, voltages: Mapping[int, float], drops: Mapping[tuple[int, int], float]) -> None:
        ties, ground = Ties(), -1
        for node, voltage in voltages.items():
            ties.tie(node, ground, voltage)
        for (a, b), drop in drops.items():
            if ties.tie(a, b, drop) is not None:
                raise ValueError(f"the drop held across nodes {a} and {b} follows from the other held voltages "
                                 "or contradicts them; leave it out")
        known, zero = ties.find(ground)
        first: dict[int, tuple[int, float]] = {known: (0, zero)}
        self.cluster, self.potential = dict[int, int](), dict[int, float]()
        for node in dict.fromkeys(chain(voltages, chain.from_iterable(drops))):
            root, voltage = ties.find(node)
            number, level = first.setdefault(root, (len(first), voltage))
            self.cluster[node], self.potential[node] = number, voltage - level
        self.potential |= voltages      # as given, without rounding

    def determines(self, output: Mapping[int, float]) -> bool:
        """Whether a linear output is a combination of held voltages, so that no conductance can change it."""
        left: dict[int, float] = {}
        for node, weight in output.items():
            if node not in self.cluster:
                return False
            left[self.cluster[node]] = left.get(self.cluster[node], 0.0) + weight
        scale = 1e-14 * sum(abs(weight) for weight in output.values())
        return all(abs(value) <= scale for number, value in left.items() if number != 0)

    def range(self) -> tuple[float, float, float]:
        """Lowest and highest voltage without injected currents, and the largest drop (maximum principle).

        Groups tied by drops alone draw no net current, so that their ranges overlap; without a held node
        the voltages are relative to their mean, which lies anywhere in their range.
        """
        spans: dict[int, list[float]] = {}
        for node, group in self.cluster.items():
            spans.setdefault(group, []).append(self.potential[node])
        loose = sum(max(v) - min(v) for group, v in spans.items() if group != 0)
        if 0 not in spans:
            return -loose, loose, loose
        low, high = min(spans[0]) - loose, max(spans[0]) + loose
        return low, high, high - low
