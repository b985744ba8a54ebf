"""Which rank owns which node: tiles where positions are known, METIS or slabs of the numbering otherwise."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Owner = NDArray[np.int32]
BINS, ROUNDS = 256, 3       # of the counts by which a cut is found, each finer by so much
FEW = 30_000_000            # nodes up to which METIS cuts a network, which it needs whole on one rank
KINDS = ("auto", "tiles", "metis", "slabs")


def slabs(n_nodes: int, first: int, last: int, size: int) -> Owner:
    """Owners of the nodes first to last of slabs of near numbers."""
    return (np.arange(first, last, dtype=np.int64) * size // n_nodes).astype(np.int32)


def tiles(comm: Any, positions: Floats, size: int) -> Owner:
    """Owners by recursive bisection of the plane: rank groups are halved, and their nodes cut across the longer side.

    positions : (n, 2) of some of the nodes on each rank; all ranks must call it. Parts have the same number of nodes
    up to those at equal coordinates. They depend on the positions and on `size`, not on who holds which.
    """
    from mpi4py import MPI

    owner = np.zeros(len(positions), dtype=np.int64)
    width = np.zeros(size, dtype=np.int64)          # ranks of the group that begins at a rank
    width[0] = size
    while width.max() > 1:
        low, high = np.full((size, 2), np.inf), np.full((size, 2), -np.inf)
        np.minimum.at(low, owner, positions)
        np.maximum.at(high, owner, positions)
        comm.Allreduce(MPI.IN_PLACE, low, MPI.MIN)
        comm.Allreduce(MPI.IN_PLACE, high, MPI.MAX)
        empty = ~(high >= low).all(axis=1)
        low[empty], high[empty] = 0.0, 0.0
        axis = np.argmax(high - low, axis=1)
        x = positions[np.arange(len(positions)), axis[owner]]
        begin, end = (side[np.arange(size), axis] for side in (low, high))
        cut = _cuts(comm, owner, x, begin, np.nextafter(end, np.inf), (width // 2) / np.maximum(width, 1))
        halved = width > 1
        upper = halved[owner] & (x >= cut[owner])
        owner[upper] += (width // 2)[owner[upper]]
        groups = np.flatnonzero(halved)
        width[groups + width[groups] // 2] = width[groups] - width[groups] // 2
        width[groups] //= 2
    return owner.astype(np.int32)


def _cuts(comm: Any, owner: Integers, x: Floats, begin: Floats, end: Floats, fraction: Floats) -> Floats:
    """(size,) where to cut the coordinates x of every group, so that a fraction of its nodes lies below."""
    from mpi4py import MPI

    size = begin.size
    below = np.zeros(size)
    total = np.bincount(owner, minlength=size)
    comm.Allreduce(MPI.IN_PLACE, total)
    wanted = fraction * total
    for _ in range(ROUNDS):
        step = (end - begin) / BINS
        with np.errstate(divide="ignore", invalid="ignore"):
            place = np.floor((x - begin[owner]) / step[owner])
        inside = (x >= begin[owner]) & (x < end[owner])
        bins = np.nan_to_num(place[inside]).clip(0, BINS - 1).astype(np.int64)
        count = np.bincount(owner[inside] * BINS + bins, minlength=size * BINS)
        comm.Allreduce(MPI.IN_PLACE, count)
        running = below[:, None] + np.cumsum(count.reshape(size, BINS), axis=1)
        chosen = np.argmax(running >= wanted[:, None] - 0.5, axis=1)
        last = running[np.arange(size), chosen]
        below = last - count.reshape(size, BINS)[np.arange(size), chosen]
        begin, end = begin + chosen * step, begin + (chosen + 1) * step
    return np.where(wanted - below < last - wanted, begin, end)


def metis(comm: Any, n_nodes: int, ends: Integers, counts: Integers) -> Owner:
    """Owners by METIS, which rank 0 finds from all edges.

    ends : (m, 2) edges whose lower ends this rank holds. counts : (size,) nodes that each rank holds, in order.
    """
    import pymetis

    every = comm.gather(ends.astype(np.int32 if n_nodes < 2**31 else np.int64))
    owner = None
    if comm.rank == 0:
        from scipy.sparse import coo_array

        edges = np.concatenate(every)
        del every
        graph = coo_array((np.ones(len(edges), dtype=np.int8), (edges[:, 0], edges[:, 1])), shape=(n_nodes, n_nodes))
        graph = (graph + graph.T).tocsr()
        owner = np.array(pymetis.part_graph(comm.size, pymetis.CSRAdjacency(graph.indptr, graph.indices))[1], np.int32)
    mine = np.empty(int(counts[comm.rank]), dtype=np.int32)
    comm.Scatterv(None if owner is None else [owner, counts], mine)
    return mine


def partition(comm: Any, kind: str, n_nodes: int, bounds: Integers, ends: Integers,
              positions: Callable[[], Floats] | None) -> Owner:
    """Owners of the nodes bounds[rank]..bounds[rank + 1]; all ranks must call it.

    kind : "tiles" by positions, "metis", "slabs", or "auto", the first of these that can be had. ends : (m, 2) edges
    whose lower ends are among these nodes. positions : gives (n, 2), or None where they are not known.
    """
    if kind not in KINDS:
        raise ValueError(f"a partition is one of {', '.join(KINDS)}, not {kind!r}")
    first, last = bounds[comm.rank:comm.rank + 2].tolist()
    if kind == "tiles" and positions is None:
        raise ValueError("tiles need the positions of the nodes, which the store does not have; take metis or slabs")
    if comm.size == 1:
        return np.zeros(last - first, dtype=np.int32)
    if positions is not None and kind in ("auto", "tiles"):
        return tiles(comm, positions(), comm.size)
    if kind == "metis" or (kind == "auto" and n_nodes <= FEW and _has_pymetis(comm)):
        if not _has_pymetis(comm):
            raise ValueError("metis needs the package pymetis on every rank: pip install pymetis")
        return metis(comm, n_nodes, ends, np.diff(bounds))
    return slabs(n_nodes, first, last, comm.size)


def _has_pymetis(comm: Any) -> bool:
    from importlib.util import find_spec

    return bool(np.all(comm.allgather(find_spec("pymetis") is not None)))
