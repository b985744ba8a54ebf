"""Whether any conductances give a task: decided exactly, by voltages without extrema.

Voltages are those of some positive conductances exactly if no free node is an extremum: each has a neighbour at a
higher and one at a lower voltage, or all of its neighbours are at its own. (Where they are, every edge lies on a
falling path from a held node to a held node; a current along each of these paths, over the drops, is a set of
conductances.) How low the floor is does not matter where there is no ceiling. So a task asks for an order of the nodes,
and of the desired voltages nothing but their order matters: a mixed-integer linear program decides.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.checks.kinds import whole
from ohmlearn.network import Network
from ohmlearn.solvers.hessian.circuit import voltages
from ohmlearn.task import Task

NONE = "no order of the nodes leaves every free one a higher and a lower neighbour"
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Satisfiable:
    """Whether some positive conductances give a task.

    answer : "yes", "no", or "undecided" where more branches would be needed. reason : why, in words.
    voltages : (n_nodes,) in V, without extrema at free nodes and with the desired ones at the targets, None but for
        "yes". conductances : (n_edges,) >= 1 that give them, in any unit.

    >>> import ohmlearn as ol
    >>> path = ol.Network.from_edges([(0, 1), (1, 2), (2, 3)])
    >>> ol.tasks.satisfiable(path, ol.Task({0: 1.0, 3: 0.0}, {1: 0.3, 2: 0.6})).answer
    'no'
    """

    answer: Literal["yes", "no", "undecided"]
    reason: str
    voltages: Floats | None = None
    conductances: Floats | None = None


def satisfiable(network: Network, task: Task, conductances: ArrayLike | None = None, *,
                max_branches: int = 5000) -> Satisfiable:
    """Whether any conductances > 0 without an upper bound give the desired voltages exactly, whoever finds them.

    conductances : (n_edges,) that may show it, such as those of a training that came near, in G₀: it is enough that
        their voltages have the desired order. max_branches : of the mixed-integer linear program that decides
        otherwise; it takes about 200 of them a second at 64 nodes.

    Returns :class:`Satisfiable`, with conductances that do it. Time grows fast where about a third of the nodes are
    targets: some 10 s at 64 nodes.
    Raises ValueError where two desired voltages, or one and a source's, are equal; NotImplementedError for outputs that
    are no nodes.

    >>> import ohmlearn as ol
    >>> net, task = ol.Network.grid(3, 3), ol.Task({0: 1.0, 8: 0.0}, {2: 0.7, 4: 0.6, 6: 0.2})
    >>> found = ol.tasks.satisfiable(net, task)
    >>> found.answer, ol.voltages(net, task, found.conductances)[[2, 4, 6]].round(9).tolist()
    ('yes', [0.7, 0.6, 0.2])
    """
    task.require_nodal("satisfiable")
    task.check(network)
    if whole("max_branches", max_branches) < 1:
        raise ValueError(f"max_branches must be >= 1, not {max_branches}")
    volts = np.unique(task.source_voltages)
    levels = np.unique(np.concatenate([volts, task.target_voltages]))
    if levels.size < volts.size + task.n_targets:
        raise ValueError("desired voltages must differ from each other and from those of the sources; move equal ones "
                         "apart by a little")
    if not task.feasible:
        return Satisfiable("no", task.unreachable[0])
    rank = dict(zip(np.concatenate([task.sources, task.targets]).tolist(), np.searchsorted(
        levels, np.concatenate([task.source_voltages, task.target_voltages])).tolist(), strict=True))
    if conductances is not None:
        v = voltages(network, task, conductances)
        known = np.array(sorted(rank, key=lambda node: (rank[node], node)))
        if np.all((np.diff(v[known]) > 0) | (np.diff([rank[node] for node in known.tolist()]) == 0)):
            found = _given(network, task, _spread(np.interp(v, np.unique(v[known]), np.arange(levels.size)), levels))
            if found is not None:
                return Satisfiable("yes", "the conductances given put the targets in the desired order", *found)
    core = _core(network, rank, task.sources.tolist())
    if isinstance(core, str):
        return Satisfiable("no", core)
    places = _labelling(core, max_branches)
    if isinstance(places, str):
        return Satisfiable("no", places) if places == NONE else Satisfiable("undecided", places)
    found = _given(network, task, _spread(places, levels)[core.where])
    if found is None:
        return Satisfiable("undecided", "the program's voltages are too close to each other for its tolerance")
    return Satisfiable("yes", "an order of the nodes was found without extrema", *found)


class _Core(NamedTuple):
    """What decides: n vertices, of which those that are held at one voltage count as one, without parts that hang on a
    single vertex. edges : (m, 2). ranks : {vertex: rank}, of held ones and targets. held : vertices. where :
    (n_nodes,) the vertex whose voltage a node has."""

    n: int
    edges: Integers
    ranks: dict[int, int]
    held: set[int]
    where: Integers


def _core(network: Network, rank: dict[int, int], sources: list[int]) -> _Core | str:
    import networkx as nx

    first: dict[int, int] = {}
    merged = {node: first.setdefault(rank[node], node) for node in sources}
    one = np.arange(network.n_nodes)
    one[sources] = [merged[node] for node in sources]
    graph = nx.Graph((a, b) for a, b in one[network.edges].tolist() if a != b)
    graph.add_nodes_from(one.tolist())
    held = sorted(set(merged.values()))
    joined = graph.copy()
    joined.add_edges_from((a, b) for a in held for b in held if a < b)
    kept = set(held).union(*(block for block in nx.biconnected_components(joined) if len(block & set(held)) > 1))
    where, ranks = one.copy(), dict(rank)
    outside = graph.subgraph(set(graph) - kept)
    for part in nx.connected_components(outside):
        root = next(b for a in sorted(part) for b in sorted(graph[a]) if b in kept)
        for node in sorted(part):
            where[node] = root
            if node in ranks and ranks.setdefault(root, ranks[node]) != ranks[node]:
                what = "a source" if root in held else "another target"
                return (f"target {network.label(node)} hangs on node {network.label(root)} alone, where "
                        f"{what} at another voltage is")
    where = where[where]
    order = sorted(kept)
    number = {node: k for k, node in enumerate(order)}
    edges = np.array([(number[a], number[b]) for a, b in sorted(graph.subgraph(kept).edges)], dtype=np.int64)
    known = {number[node]: ranks[node] for node in order if node in ranks}
    return _Core(len(order), edges.reshape(-1, 2), known, {number[node] for node in held},
                 np.array([number[node] for node in where.tolist()]))


def _labelling(core: _Core, max_branches: int) -> Floats | str:
    """(n,) places of the vertices among the ranks without extrema, or why there are none."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    n, top, gap = core.n, max(core.ranks.values()), 1.0 / (core.n + 1)
    arcs = np.concatenate([core.edges, core.edges[:, ::-1]])        # from a higher to a lower vertex, if it is chosen
    place = np.array([core.ranks.get(k, -1) for k in range(n)])
    above, below = place[arcs].T
    possible = (above < 0) | (below < 0) | (above > below)
    high, low = arcs[possible].T
    count = high.size
    rows = np.arange(count)                                         # v_high - v_low >= gap where the arc is chosen
    falls = csr_array((np.concatenate([np.ones(count), -np.ones(count), np.full(count, -(top + gap))]),
                       (np.tile(rows, 3), np.concatenate([high, low, n + rows]))), (count, n + count))
    free = np.setdiff1d(np.arange(n), list(core.held))
    number = np.full(n, -1)
    number[free] = np.arange(free.size)
    constraints = [LinearConstraint(falls, gap - (top + gap), np.inf)]
    for ends in (high, low):
        mine = number[ends] >= 0
        some = csr_array((np.ones(mine.sum()), (number[ends[mine]], n + rows[mine])), (free.size, n + count))
        constraints.append(LinearConstraint(some, 1, np.inf))
    known = place >= 0
    lowest, highest = np.where(known, place, 0.0), np.where(known, place, float(top))
    found: Any = milp(np.zeros(n + count), constraints=constraints, integrality=np.repeat([0, 1], [n, count]),
                      bounds=Bounds(np.append(lowest, np.zeros(count)), np.append(highest, np.ones(count))),
                      options={"node_limit": max_branches})
    if found.x is not None:
        return np.round(found.x[:n] * (4 / gap)) / (4 / gap)        # beyond the program's tolerance all are equal
    return NONE if found.status == 2 else f"the program was not decided in {max_branches} branches; allow more"


def _spread(places: Floats, levels: Floats) -> Floats:
    """Voltages in the order of places among the ranks, evenly between the levels."""
    every, number = np.unique(places.round(9), return_inverse=True)
    low = np.floor(every).astype(np.int64)              # the level below or at it; levels themselves are among them
    _, first, which, sizes = np.unique(low, return_index=True, return_inverse=True, return_counts=True)
    begin, count = first[which], sizes[which]
    width = levels[np.minimum(low + 1, levels.size - 1)] - levels[low]
    return np.asarray((levels[low] + width * (np.arange(every.size) - begin) / count)[number])


def _given(network: Network, task: Task, v: Floats) -> tuple[Floats, Floats] | None:
    """Voltages with the desired ones put in, and conductances that give them: a current along a falling path through
    every edge, over its drop. None where a free node is an extremum."""
    v[task.sources], v[task.targets] = task.source_voltages, task.target_voltages
    n, flow = network.n_nodes, np.zeros(network.n_edges)
    drop = v[network.edges[:, 0]] - v[network.edges[:, 1]]
    high = np.where(drop > 0, *network.edges.T)
    low = np.where(drop > 0, network.edges[:, 1], network.edges[:, 0])
    steep = np.flatnonzero(drop != 0)
    up, down = np.full(n, -1), np.full(n, -1)                       # an edge to the highest, and one to the lowest node
    for j in steep:
        if up[low[j]] < 0 or v[high[j]] > v[high[up[low[j]]]]:
            up[low[j]] = j
        if down[high[j]] < 0 or v[low[j]] < v[low[down[high[j]]]]:
            down[high[j]] = j
    free = np.setdiff1d(np.concatenate([high[steep], low[steep]]), task.sources)
    if np.any(up[free] < 0) or np.any(down[free] < 0):
        return None
    held = set(task.sources.tolist())
    for j in steep:
        flow[j] += 1.0
        for edge, ends, node in ((up, high, high[j]), (down, low, low[j])):
            while node not in held:
                flow[edge[node]] += 1.0
                node = ends[edge[node]]
    g = np.divide(flow, np.abs(drop), out=np.ones_like(flow), where=drop != 0)
    return v, g / g.min()
