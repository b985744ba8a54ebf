"""The laws of a network's edges as the kernels take them."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.edges import EdgeLaw, PerEdge
from ohmlearn.kernels.law import edge_laws as edge_laws     # fills the table of laws
from ohmlearn.kernels.law import law_type
from ohmlearn.kernels.simd.vectors import aligned
from ohmlearn.network import Network

Floats = NDArray[np.float64]
Edges = EdgeLaw | PerEdge


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
    for law in laws_of(edges):
        wrong = law.sizes() - {network.n_edges}
        if wrong:
            raise ValueError(f"a parameter of {type(law).__name__} has {wrong.pop()} entries, but the network has "
                             f"{network.n_edges} edges")
    return edges


def laws_of(edges: Edges) -> list[EdgeLaw]:
    """The laws that occur."""
    return [edges] if isinstance(edges, EdgeLaw) else list(edges.laws)


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
    return np.bincount(network.edges.ravel(), np.repeat(at_ends, 2), network.n_nodes) + everywhere


def kernel_law(edges: Edges, n_edges: int, lanes: int) -> Any:
    """The EdgeLaw or MixedLaw of the kernels, with parameters for so many lanes; 0 lanes: as numbers."""
    if isinstance(edges, PerEdge):
        return _mixed([_single(law, n_edges, lanes) for law in edges.laws], edges.which)
    return _single(edges, n_edges, lanes)


def _single(law: EdgeLaw, n_edges: int, lanes: int) -> law_type.EdgeLaw:
    given = law.parameters
    one_an_edge = any(np.ndim(value) for value in given)
    columns = [np.broadcast_to(value, n_edges if one_an_edge else 1) for value in given]
    values = np.stack(columns, axis=1).ravel()          # the parameters of edge after edge
    rows = values.copy() if lanes == 0 else aligned(values.size, lanes)
    if lanes:
        rows[:] = values[:, None]
    return law_type.EdgeLaw(law_type.LawName(law.kernel), rows, len(given) if one_an_edge else 0)


def _mixed(laws: list[law_type.EdgeLaw], which: NDArray[np.int64]) -> Any:
    if len(laws) == 1:
        return laws[0]
    return law_type.MixedLaw(np.ascontiguousarray(which, dtype=np.int32), laws[0], _mixed(laws[1:], which - 1))
