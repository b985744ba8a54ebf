"""The laws of a network's edges as the kernels take them."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.edges.laws import EdgeLaw, PerEdge
from ohmlearn.kernels.law import edge_laws as edge_laws  # fills the table of laws
from ohmlearn.kernels.law import law_type
from ohmlearn.kernels.linalg.graph import Graph
from ohmlearn.kernels.simd.vectors import aligned
from ohmlearn.network import Network

Floats = NDArray[np.float64]
Edges = EdgeLaw | PerEdge


class Derivatives(NamedTuple):
    """Of the currents of edges, (n_edges,): currents from first to second node, by the two voltages, by what learns."""

    current: Floats
    by_first: Floats
    by_second: Floats
    by_learned: Floats


def as_edges(edges: Any, network: Network) -> Edges:
    """Checked laws of the edges of a network: one law, a PerEdge, or a sequence with one law an edge."""
    if isinstance(edges, Sequence) and not isinstance(edges, str):
        laws = list({id(law): law for law in edges}.values())
        number = {id(law): k for k, law in enumerate(laws)}
        edges = PerEdge(laws, [number[id(law)] for law in edges])
    if not isinstance(edges, Edges):
        raise TypeError(f"edges must be a law of ohmlearn.edges, such as ohmlearn.edges.NMOS(), or one law for every "
                        f"edge, not {edges!r}")
    if isinstance(edges, PerEdge) and edges.which.size != network.n_edges:
        raise ValueError(f"laws are given for {edges.which.size} edges, but the network has {network.n_edges}")
    for law in all_laws(edges):
        wrong = law._sizes() - {network.n_edges}
        if wrong:
            raise ValueError(f"a parameter of {type(law).__name__} has {wrong.pop()} entries, but the network has "
                             f"{network.n_edges} edges")
    return edges


def all_laws(edges: Edges) -> list[EdgeLaw]:
    """The laws that are listed."""
    return [edges] if isinstance(edges, EdgeLaw) else list(edges.laws)


def laws_of(edges: Edges) -> list[EdgeLaw]:
    """The laws that some edge obeys."""
    return [edges] if isinstance(edges, EdgeLaw) else [edges.laws[k] for k in np.unique(edges.which)]


def of_edges(edges: Edges, n_edges: int, value: Any) -> Floats:
    """(n_edges,) numbers, value(law) of the law of every edge."""
    if isinstance(edges, EdgeLaw):
        return np.array(np.broadcast_to(value(edges), n_edges), dtype=np.float64)
    every = np.stack([np.broadcast_to(value(law), n_edges) for law in edges.laws]).astype(np.float64)
    return np.ascontiguousarray(every[edges.which, np.arange(n_edges)])


def start(edges: Edges, n_edges: int) -> Floats:
    """(n_edges,) what learns at the start."""
    return of_edges(edges, n_edges, lambda law: law.start)


def learning(edges: Edges, n_edges: int) -> Floats:
    """(n_edges,) 1 where an edge learns, else 0."""
    return of_edges(edges, n_edges, lambda law: float(law.learns is not None))


def bounds(edges: Edges, n_edges: int, floor: float, ceiling: float | None) -> tuple[Floats, Floats]:
    """(n_edges,) lowest and highest values of what learns: those of the laws, else floor and ceiling. What does not
    learn has none."""
    default = floor, np.inf if ceiling is None else ceiling

    def bound(law: EdgeLaw, k: int) -> Any:
        if law.learns is None:
            return (-np.inf, np.inf)[k]
        return (law.bounds or default)[k]

    return of_edges(edges, n_edges, lambda law: bound(law, 0)), of_edges(edges, n_edges, lambda law: bound(law, 1))


def leaks(edges: Edges, network: Network) -> Floats:
    """(n_nodes,) conductances to ground that the laws bring with them."""
    at_ends = of_edges(edges, network.n_edges, lambda law: law.leaks[0])
    everywhere = max(float(np.max(law.leaks[1])) for law in laws_of(edges))
    of_ends: Any = np.bincount(network.edges.ravel(), np.repeat(at_ends, 2), network.n_nodes)
    return of_ends + everywhere


def kernel_law(edges: Edges, n_edges: int, lanes: int, turned: NDArray[np.bool_] | None = None) -> law_type.EdgeLaw:
    """The laws of the edges for the kernels, with parameters for so many lanes; 0 lanes: as numbers. turned :
    (n_edges,) edges whose second node comes first in the kernels, None for none."""
    laws = all_laws(edges)
    which = np.zeros(n_edges) if isinstance(edges, EdgeLaw) else edges.which
    sets = [_parameters(law, n_edges, turned) for law in laws]
    values = np.concatenate([given.ravel() for given in sets])
    rows = values.copy() if lanes == 0 else aligned(values.size, lanes)
    if lanes:
        rows[:] = values[:, None]
    return law_type.EdgeLaw(
        law_type.LawName(*(law.kernel for law in laws)), np.ascontiguousarray(which, dtype=np.int32),
        np.cumsum([0, *(given.size for given in sets[:-1])]),
        np.array([given.shape[1] if len(given) > 1 else 0 for given in sets]), rows)


def upwards(graph: Graph) -> tuple[Graph, NDArray[np.bool_]]:
    """A graph whose edges all lead from a node to a later one, and (n_edges,) which ones were turned for it."""
    ends = graph.ends.reshape(-1, 2)
    return graph._replace(ends=np.sort(ends, axis=1).ravel()), ends[:, 0] > ends[:, 1]


def _parameters(law: EdgeLaw, n_edges: int, turned: NDArray[np.bool_] | None) -> Floats:
    """(1, n_parameters) of all edges, or (n_edges, n_parameters) one set an edge."""
    given = law.parameters if turned is None else law._turned(turned)
    count = n_edges if any(np.ndim(value) for value in given) else 1
    return np.stack([np.broadcast_to(value, count) for value in given], axis=1).astype(np.float64)
