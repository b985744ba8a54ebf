"""The operating point of a circuit that was read: voltages of all nodes, currents of all branches."""
from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from time import perf_counter
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.edges.laws import EdgeLaw, PerEdge
from ohmlearn.network import Network, connected_components
from ohmlearn.outputs import Ties

from .cards.spice_cards import GROUND, Card

FORWARD = -0.3      # V below which a junction to a bulk at ground conducts more than 1e-9 A

Floats = NDArray[np.float64]
Nodes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Branch:
    """An element between two nodes. ends : node numbers, -1 for a ground that is no node of the network.

    value : ohm, V, A or F. card : where it stands. factor : value over what the card says, for copies in parallel.
    """

    name: str
    ends: tuple[int, int]
    value: float
    card: Card
    factor: float = 1.0


class Circuit(Protocol):
    """What of a circuit says its operating point; a :class:`ohmlearn.Netlist` is one."""

    @property
    def network(self) -> Network: ...
    @property
    def sources(self) -> Mapping[int, float]: ...
    @property
    def drops(self) -> Mapping[tuple[int, int], float]: ...
    @property
    def capacitors(self) -> Nodes: ...
    @property
    def capacitances(self) -> Floats: ...
    @property
    def branches(self) -> Mapping[str, Sequence[Branch]]: ...
    @property
    def edges(self) -> EdgeLaw | PerEdge: ...


@dataclass(frozen=True, eq=False)
class OperatingPoint(Mapping[str, float]):
    """Voltages of a circuit at rest in V, by the nodes' names in any case.

    names : (n_nodes,) of the nodes. array : (n_nodes,) their voltages in V, NaN where they are undefined.
    currents : {element: current in A that flows through it from its first to its second node}, as in SPICE, of
        resistors, voltage and current sources; NaN in a loop of voltage sources, which leaves it open.
    method, seconds : how the solve was made, and how long it took.

    >>> import ohmlearn as ol
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "divider.cir")
    ...     _ = path.write_text("* divider\\nV1 in 0 5\\nR1 in out 1k\\nR2 out 0 4k\\n")
    ...     circuit = ol.read_spice(path)
    >>> point = circuit.voltages()
    >>> sorted(point), round(point.currents["r1"], 9)
    (['0', 'in', 'out'], 0.001)
    """

    names: Sequence[str]
    array: Floats
    currents: Mapping[str, float]
    method: str = ""
    seconds: float = 0.0

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: k for k, name in enumerate(self.names)}

    def __getitem__(self, name: str) -> float:
        return float(self.array[self._numbers[name.lower()]])

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def operating_point(circuit: Circuit, g: Floats) -> OperatingPoint:
    """Voltages and currents at rest of a circuit at conductances g (n_edges,) in S.

    Nodes that voltage sources and shorts tie together move as one: the reduced Laplacian is solved, and the currents
    of the sources follow from Kirchhoff's law along a spanning forest of them.
    """
    from ohmlearn import Equilibrium

    network = circuit.network
    n = network.n_nodes                                 # node n stands for a ground that is none of the nodes
    tie = _tie(circuit, n)
    group, level, known = tie
    edges = group[network.edges]
    used = (edges[:, 0] != edges[:, 1]) & (g > 0)
    part = connected_components(edges[used], int(group.max()) + 1).astype(np.int64)
    rest = level[network.edges]
    injected = np.zeros(n + 1)
    for x in circuit.branches.get("i", ()):
        np.add.at(injected, [k if k >= 0 else n for k in x.ends], [-x.value, x.value])
    pushed = np.bincount(group, injected).astype(np.float64, copy=False)
    flow = -g * (rest[:, 0] - rest[:, 1])
    pushed += np.bincount(edges[:, 0], flow, pushed.size) - np.bincount(edges[:, 1], flow, pushed.size)
    _check_balance(circuit, group, part, known, pushed, injected)
    held = np.array([known, *first_of(part, part[known])])
    solver = Equilibrium(Network(edges[used], part.size), held) if used.any() else None
    v = np.zeros(part.size) if solver is None else solver.solve(g[used], np.zeros(held.size), pushed)
    voltages = v[group] + level
    floating = part[group] != part[known]
    if floating[:n].any():
        _by_capacitors(circuit, voltages, part[group], part[known])
    a, b = network.edges.T
    currents = _currents(circuit, g * (voltages[a] - voltages[b]), np.zeros(n), n)
    stats = None if solver is None else solver.stats
    names = network.node_names or tuple(map(str, range(n)))
    return OperatingPoint(names, voltages[:n], currents, stats.method if stats else "",
                          stats.setup_seconds + stats.solve_seconds if stats else 0.0)


def nonlinear_point(circuit: Circuit, values: ArrayLike) -> OperatingPoint:
    """Voltages and currents at rest of a circuit with diodes or transistors. values : (n_edges,), what learns.

    Nodes that voltage sources tie to ground are held, and those that sources of 0 V and shorts tie together are one.
    """
    from ohmlearn.edges import NonlinearEquilibrium

    begin, network = perf_counter(), circuit.network
    n = network.n_nodes
    group, level, known = _tie(circuit, n)
    if (lifted := np.flatnonzero((group != known) & (level != 0))).size:
        raise ValueError(f"a voltage source lifts node {network.label(int(lifted[0]))!r} above one that is not held; "
                         "with diodes and transistors voltage sources lead to ground, directly or by others: give it "
                         "one side at ground")
    heights, height = np.unique(level[group == known], return_inverse=True)
    seat = group.copy()
    seat[group == known] = group.max() + 1 + height
    seats = np.unique(seat, return_inverse=True)[1]
    edges, held = seats[network.edges], np.unique(seats[group == known])
    used = edges[:, 0] != edges[:, 1]
    touched = np.union1d(edges[used], held)
    if (lonely := np.setdiff1d(seats[:n], touched)).size:
        raise ValueError(f"node {network.label(int(np.argmax(seats[:n] == lonely[0])))!r} has no resistor, diode or "
                         "transistor, so its voltage is undefined; take it out")
    place = np.searchsorted(touched, np.arange(seats.max() + 1))
    solver = NonlinearEquilibrium(Network(place[edges[used]], touched.size), place[held], _part(circuit.edges, used))
    learned = np.array(values, dtype=np.float64)
    if learned.shape != (network.n_edges,):
        raise ValueError(f"give one value for each of the {network.n_edges} edges, not shape {learned.shape}")
    pushed = np.zeros(n + 1)
    for x in circuit.branches.get("i", ()):
        np.add.at(pushed, [k if k >= 0 else n for k in x.ends], [-x.value, x.value])
    voltages = solver.solve(learned[used], heights, np.bincount(place[seats], pushed, touched.size))
    through = np.zeros(network.n_edges)
    through[used] = solver.derivatives(learned[used], voltages).current
    at = voltages[place[seats[:n]]]
    _warn_of_bulks(circuit, at)
    leaking = np.zeros(n)
    leaking[np.unique(place[seats[:n]], return_index=True)[1]] = solver.leak[np.unique(place[seats[:n]])]
    names = network.node_names or tuple(map(str, range(n)))
    return OperatingPoint(names, at, _currents(circuit, through, leaking * at, n), "newton", perf_counter() - begin)


def _part(edges: EdgeLaw | PerEdge, used: NDArray[np.bool_]) -> EdgeLaw | PerEdge:
    """The law of some of the edges."""
    if isinstance(edges, PerEdge):
        parts = [_part(law, used) for law in edges.laws]
        return PerEdge([law for law in parts if isinstance(law, EdgeLaw)], edges.which[used])
    return replace(edges, **{field.name: value[used] for field in fields(edges)
                             if np.ndim(value := getattr(edges, field.name)) == 1})


def _warn_of_bulks(circuit: Circuit, voltages: Floats) -> None:
    """Say where junctions between terminals and bulk, which the law leaves out, would conduct."""
    for x in circuit.branches.get("m", ()):
        v, node = min(((voltages[k], k) for k in x.ends if k >= 0), default=(0.0, -1))
        if v < FORWARD:
            warnings.warn(f"node {circuit.network.label(node)!r} of {x.name} is at {v:.3g} V: below {FORWARD} V its "
                          "junction with the bulk at ground conducts, which the law leaves out", stacklevel=4)
            return


def first_of(part: NDArray[Any], but: int) -> list[int]:
    """The first node of every part but one."""
    numbers, first = np.unique(part, return_index=True)
    return [int(k) for k in first[numbers != but]]


def _tie(circuit: Circuit, n: int) -> tuple[Nodes, Floats, int]:
    """Group of every node (n_nodes + 1,), its voltage within the group, and the group of ground."""
    ties = Ties()
    for (a, b), drop in circuit.drops.items():
        ties.tie(a, b, drop)
    for node, voltage in circuit.sources.items():
        ties.tie(node, n, voltage)
    found = [ties.find(k) for k in range(n + 1)]
    roots = np.array([root for root, _ in found])
    group = np.unique(roots, return_inverse=True)[1]
    level = np.array([offset for _, offset in found])
    zero = level[n]
    known = int(group[n])
    level[group == known] -= zero
    for node, voltage in circuit.sources.items():
        level[node] = voltage
    return group, level, known


def _check_balance(circuit: Circuit, group: Nodes, part: Nodes, known: int, pushed: Floats, injected: Floats) -> None:
    """Raise where more current enters a part without ground than leaves it."""
    total, size = np.bincount(part, pushed), np.bincount(part[group], np.abs(injected), part.max() + 1)
    for p in np.flatnonzero(np.abs(total) > 1e-9 * size.max(initial=0.0)):
        if p != part[known] and abs(total[p]) > 1e-9 * size[p]:
            name = circuit.network.label(int(np.argmax(part[group] == p)))
            raise ValueError(f"the currents into the part of node {name!r}, which has no path to ground, add up to "
                             f"{total[p]:g} A, not to 0; ground a node there, or balance them")


def _by_capacitors(circuit: Circuit, voltages: Floats, part: Nodes, known: int) -> None:
    """Set the voltages of parts without ground: as a capacitive divider, or to NaN with a warning."""
    from ohmlearn import Equilibrium

    n = voltages.size - 1
    ends = np.where(circuit.capacitors < 0, n, circuit.capacitors)
    # parts become nodes; that of ground, whose nodes have different voltages, is one of known voltage 0
    a, b = part[ends].T
    joins = a != b
    reached = connected_components(np.stack([a, b], axis=1)[joins], int(part.max()) + 1) if joins.any() else \
        np.arange(part.max() + 1)
    lost = reached[part] != reached[known]
    if joins.any():
        c = circuit.capacitances[joins]
        push = c * (voltages[ends[joins, 1]] - voltages[ends[joins, 0]])
        charge = np.bincount(a[joins], push, part.max() + 1) - np.bincount(b[joins], push, part.max() + 1)
        held = np.array([known, *first_of(reached, reached[known])])
        shift = Equilibrium(Network(np.stack([a, b], axis=1)[joins], int(part.max()) + 1), held).solve(
            c, np.zeros(held.size), charge)
        voltages += shift[part]
    voltages[lost] = np.nan
    if lost[:n].any():
        names = [circuit.network.label(int(k)) for k in np.flatnonzero(lost[:n])[:10]]
        warnings.warn(f"{int(lost[:n].sum())} nodes have no path to ground, not even through capacitors, so that their "
                      f"voltages are undefined: {', '.join(names)}{', ...' if lost[:n].sum() > 10 else ''}",
                      stacklevel=5)


def _currents(circuit: Circuit, through: Floats, leaking: Floats, n: int) -> dict[str, float]:
    """Currents from first to second node of resistors and devices, current sources and voltage sources.

    through : (n_edges,) currents of the edges. leaking : (n_nodes,) from the nodes to ground.
    """
    network, branches = circuit.network, circuit.branches
    a, b = network.edges.T
    names = network.edge_names or map(str, range(network.n_edges))
    found = dict(zip(names, through.tolist(), strict=True))
    found |= {x.name: 0.0 for kind in "rdm" for x in branches.get(kind, ()) if x.ends[0] == x.ends[1]}
    found |= {x.name: x.value for x in branches.get("i", ())}
    leaves = np.zeros(n + 1) + np.bincount(a, through, n + 1) - np.bincount(b, through, n + 1)
    leaves[:n] += leaking
    known = list(network.node_names or ())
    leaves[known.index(GROUND) if GROUND in known else n] -= leaking.sum()
    for x in branches.get("i", ()):
        np.add.at(leaves, [k if k >= 0 else n for k in x.ends], [x.value, -x.value])
    shorts = [*branches.get("v", ()), *(x for x in branches["r"] if x.value == 0 and x.ends[0] != x.ends[1])]
    return found | _along(shorts, leaves, n)


def _along(shorts: Sequence[Branch], leaves: Floats, n: int) -> dict[str, float]:
    """Currents of the voltage sources: those of a spanning forest by Kirchhoff's law, from its leaves inwards.

    leaves : (n_nodes + 1,) current that leaves a node through all else. Sources in loops have no definite current.
    A random number for every source outside the forest, put on both its ends, marks the loop: the branches beyond
    which these numbers do not cancel.
    """
    ground = {k: k for k in range(n)} | {-1: n}
    at: dict[int, list[tuple[int, int]]] = {}
    for j, x in enumerate(shorts):
        for one, other in (x.ends, x.ends[::-1]):
            at.setdefault(ground[one], []).append((ground[other], j))
    above: dict[int, tuple[int, int]] = {}
    order: list[int] = []
    for start in ([n] if n in at else []) + list(at):
        if start in above:
            continue
        above[start] = start, -1
        order.append(start)
        at_end = len(order) - 1
        while at_end < len(order):
            node = order[at_end]
            at_end += 1
            for other, j in at[node]:
                if other not in above:
                    above[other] = node, j
                    order.append(other)
    used = {j for _, j in above.values()}
    rng, marks = np.random.default_rng(0), dict.fromkeys(order, 0)
    found: dict[str, float] = {}
    for j, x in enumerate(shorts):
        if j not in used:
            found[x.name] = np.nan if x.ends[0] != x.ends[1] else 0.0
            if x.ends[0] != x.ends[1]:
                mark = int(rng.integers(1, 2**62))
                for end in x.ends:
                    marks[ground[end]] ^= mark
    sums = leaves.tolist()
    for node in reversed(order):
        parent, j = above[node]
        if j >= 0:
            x = shorts[j]
            into = sums[node]                   # what leaves the node's side must come through the branch
            found[x.name] = np.nan if marks[node] else (-into if ground[x.ends[0]] == node else into) + 0.0
            sums[parent] += into
            marks[parent] ^= marks[node]
    return found
