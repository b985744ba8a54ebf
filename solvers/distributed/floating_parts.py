"""Whether every component of a network over ranks has a held node."""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from ohmlearn.network import connected_components

from .rank_rows import RankRows
from .reductions import RankSums


def check_floating(rows: RankRows, sums: RankSums, open_edges: NDArray[np.bool_], one: bool) -> None:
    """Raise ValueError, on all ranks, where a component of the network has no held node.

    open_edges : (edges,) of the edges worked with, whether they conduct. one : whether no node is held by the user, so
    that the network must be one component.

    Each rank finds the components of what it holds; only their joins across ranks go to all of them.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components as joined_components

    part, n = rows.part, rows.places.size
    nodes = np.full(part.nodes.size, -1)        # component of every node worked with, numbered over all ranks
    label, count = np.empty(0, dtype=np.int64), 0
    if rows.network is not None:
        label = connected_components(rows.network.edges[open_edges], n).astype(np.int64)
        count = int(label.max()) + 1
    counts = sums.gathered([float(count)])[:, 0].astype(np.int64)
    first = int(counts[:part.comm.rank].sum())
    nodes[rows.places] = label + first
    here = nodes[rows.places]
    mine = nodes.copy()
    part.halo.exchange([nodes])                 # neighbours' labels of their nodes
    shared = (part.layer[rows.places] > 0) & (nodes[rows.places] >= 0)
    joins = np.unique(np.column_stack([here[shared], nodes[rows.places][shared]]), axis=0)
    held = np.unique(mine[rows.held_places])
    joins, held = sums.joined(joins), sums.joined(held[held >= 0])
    total = int(counts.sum())
    whole = coo_array((np.ones(len(joins)), (joins[:, 0], joins[:, 1])), shape=(total, total))
    component = joined_components(whole, directed=False)[1] if total else np.empty(0, dtype=np.int64)
    is_held = np.isin(component, component[held])
    own = mine[rows.free_own]
    own_held = np.zeros(own.size, dtype=bool)   # nodes without an edge are not
    own_held[own >= 0] = is_held[own[own >= 0]]
    floating = rows.free_own[~own_held]
    number = float(part.nodes[floating].min()) if floating.size else np.inf
    every = sums.gathered([float(floating.size), -number])
    if not every[:, 0].any():
        return
    node, count = int(-every[:, 1].max()), int(every[:, 0].sum())
    if one:
        raise ValueError(f"no node is held, and node {node} is in another part of the network than node 0 ({count} "
                         "such nodes); hold a node in each part")
    raise ValueError(f"node {node} floats: no held node in its part of the network ({count} such nodes), so its "
                     "voltage is undefined; hold a node there")
