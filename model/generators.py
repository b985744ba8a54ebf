"""Networks made by a rule: lattices, random graphs, thinned Delaunay triangulations, jammed packings."""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .jamming import packing as packing
from .network import Network

Edges = NDArray[np.int64]


def grid(*shape: int, periodic: bool = False) -> Network:
    """Hypercubic lattice of the given sides, nodes numbered as in np.arange(n).reshape(shape).

    shape : one number or more: a chain, a square lattice (rows, columns), a cubic one, ...
    periodic : join opposite faces; sides must then be at least 3 (a ring, a torus, ...).
    Positions are given in one and two dimensions, in units of the lattice constant; a ring lies on a circle.
    """
    if not shape or any(side < 1 for side in shape) or np.prod(shape) < 2:
        raise ValueError(f"a grid needs sides of at least 1 and two nodes, not {shape}")
    if periodic and min(shape) < 3:
        raise ValueError(f"a periodic grid needs sides of at least 3, not {shape}: "
                         "with 2, opposite edges would join the same nodes")
    numbers = np.arange(np.prod(shape)).reshape(shape)
    edges = []
    for axis, side in enumerate(shape):
        reach = np.arange(side if periodic else side - 1)
        ends = numbers.take(reach, axis), numbers.take((reach + 1) % side, axis)
        edges.append(np.stack([end.ravel() for end in ends], axis=1))
    positions: NDArray[np.float64] | None = None
    box: float | tuple[float, float] | None = None
    if len(shape) == 1 and periodic:
        angle = 2 * np.pi * numbers / shape[0]
        positions = np.stack([np.cos(angle), np.sin(angle)], axis=1) / (2 * np.sin(np.pi / shape[0]))
    elif len(shape) <= 2:
        row, column = np.divmod(np.arange(numbers.size), shape[-1])
        positions = np.stack([column, row], axis=1).astype(float)
        box = (float(shape[1]), float(shape[0])) if periodic else None
    name = ("periodic " if periodic else "") + "×".join(map(str, shape)) + " grid"
    return Network(_tidy(np.concatenate(edges), numbers.size), numbers.size, positions, box, name)


def random(n_nodes: int, mean_degree: float = 4.5, seed: int = 0) -> Network:
    """Random graph with exactly round(n_nodes × mean_degree / 2) edges, connected.

    Edges arrive in random order, as in the random graph of Erdős and Rényi; kept are those that join two
    parts which were separate until then, and the first of the others up to the number wanted.
    No positions. Same seed, same network. Raises ValueError where no such graph exists.
    """
    wanted = _wanted_edges(n_nodes, mean_degree, most=n_nodes * (n_nodes - 1) // 2)
    rng = np.random.default_rng(seed)
    draws = int(1.2 * wanted + 0.5 * n_nodes * np.log(n_nodes) + 3 * n_nodes)
    keys = np.empty(0, dtype=np.int64)
    while True:      # more and more edges of one random sequence, until they join all nodes
        pairs = np.sort(rng.integers(n_nodes, size=(draws, 2)), axis=1)
        keys = np.append(keys, (pairs[:, 0] * n_nodes + pairs[:, 1])[pairs[:, 0] < pairs[:, 1]])
        keys = keys[np.sort(np.unique(keys, return_index=True)[1])]
        edges = np.stack(np.divmod(keys, n_nodes), axis=1)
        if len(edges) >= wanted:
            tree = spanning_tree(edges, n_nodes, np.arange(len(edges)))
            if tree.sum() == n_nodes - 1:
                break
    keep = tree.copy()
    keep[np.flatnonzero(~tree)[:wanted - n_nodes + 1]] = True
    return Network(_tidy(edges[keep], n_nodes), n_nodes, name=f"random graph of {n_nodes} nodes, seed {seed}")


def delaunay(n_nodes: int, seed: int = 0, *, mean_degree: float | None = 4.5, periodic: bool = False,
             spacing: float = 0.0, longest: float | None = 3.0) -> Network:
    """Delaunay triangulation of random points in the unit square, thinned to a mean degree, connected.

    mean_degree : of the network, by default about that of a packing; None leaves all edges (just below 6;
        exactly 6 when periodic). Edges go in random order, none from a node with three or fewer
        as long as others can go.
    periodic : opposite sides of the square are joined.
    spacing : smallest distance between two points in units of n_nodes**-0.5, up to 0.75; 0 draws them
        independently.
    longest : edges longer than this many median lengths go first of all, whatever `mean_degree`
        (they lie along the hull), except where they alone hold the network together; None keeps them.
    Nodes are numbered row by row, to and fro, so that neighbours have near numbers. Same seed, same network.
    Raises ValueError where the mean degree or the spacing cannot be had.
    """
    if n_nodes < (12 if periodic else 3):
        raise ValueError(f"n_nodes = {n_nodes} is too few to triangulate; take 3 at least, 12 if periodic")
    rng = np.random.default_rng(seed)
    points = _by_rows(_scatter(n_nodes, spacing, periodic, rng))
    edges, length = _triangulate(points, periodic)
    too_long = np.zeros(len(edges), bool) if longest is None else length > longest * np.median(length)
    order = rng.permutation(len(edges))
    tree = spanning_tree(edges, n_nodes, order + len(edges) * too_long)
    whole = tree | ~too_long
    edges, tree, order = edges[whole], tree[whole], order[whole]
    if mean_degree is not None:
        kept = thin(edges, n_nodes, _wanted_edges(n_nodes, mean_degree, most=len(edges)), order, tree)
        edges = edges[kept]
    return Network(edges, n_nodes, points, 1.0 if periodic else None, f"Delaunay network, seed {seed}")


def thin(edges: ArrayLike, n_nodes: int, n_edges: int, order: NDArray[np.int64], protected: NDArray[np.bool_],
         ) -> NDArray[np.bool_]:
    """Mask (all edges,) of the `n_edges` that stay when edges go one by one in the given order.

    order : (all edges,) distinct numbers, lowest goes first. protected : (all edges,) those that must stay.
    An edge goes only while both its nodes have more than three; when no such edge is left, more than two,
    then more than one. In rounds, each taking the edges that come first at both their nodes, so no loop
    over edges; the edges of one round touch no node twice.
    """
    a, b = np.asarray(edges).T
    stays = np.ones(len(a), dtype=bool)
    degree = np.bincount(np.concatenate([a, b]), minlength=n_nodes)
    excess, fewest = len(a) - n_edges, 3
    while excess > 0:
        loose = np.flatnonzero(stays & ~protected & (degree[a] > fewest) & (degree[b] > fewest))
        if not loose.size:
            fewest -= 1      # ends: with fewest = 0 every unprotected edge may go
            if fewest < 0:
                raise ValueError(f"only {len(a) - protected.sum()} of {len(a)} edges may go, "
                                 f"which leaves more than the {n_edges} wanted")
            continue
        first = np.full(n_nodes, np.iinfo(np.int64).max)
        np.minimum.at(first, a[loose], order[loose])
        np.minimum.at(first, b[loose], order[loose])
        goes = loose[(first[a[loose]] == order[loose]) & (first[b[loose]] == order[loose])]
        goes = goes[np.argsort(order[goes])[:excess]]
        stays[goes] = False
        degree[a[goes]] -= 1
        degree[b[goes]] -= 1
        excess -= goes.size
    return stays


def spanning_tree(edges: ArrayLike, n_nodes: int, order: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mask (n_edges,) of the spanning forest that takes edges in the given order. Edges must be distinct."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import minimum_spanning_tree

    a, b = np.asarray(edges, dtype=np.int32).T         # SciPy 1.15 takes no other indices here
    rank = np.empty(len(a))
    rank[np.argsort(order, kind="stable")] = np.arange(1, len(a) + 1)       # zero would mean no edge
    chosen = minimum_spanning_tree(csr_array((rank, (a, b)), shape=(n_nodes, n_nodes))).data
    return np.isin(rank, chosen, assume_unique=True)


def _wanted_edges(n_nodes: int, mean_degree: float, most: int) -> int:
    """Number of edges for a mean degree, between a tree's and the most that there can be."""
    if n_nodes < 2:
        raise ValueError(f"n_nodes must be at least 2, not {n_nodes}")
    wanted = round(n_nodes * mean_degree / 2) if np.isfinite(mean_degree) else -1
    if not n_nodes - 1 <= wanted <= most:
        raise ValueError(f"mean_degree {mean_degree} cannot be had with these {n_nodes} nodes: connected, they have "
                         f"{2 - 2 / n_nodes:.6g} to {2 * most / n_nodes:.6g}; choose one in between")
    return wanted


def _tidy(edges: Edges, n_nodes: int) -> Edges:
    """The edges, lower node first, sorted."""
    a, b = np.sort(edges, axis=1).T
    return np.stack(np.divmod(np.sort(a * n_nodes + b), n_nodes), axis=1)


def _scatter(n: int, spacing: float, periodic: bool, rng: np.random.Generator) -> NDArray[np.float64]:
    """(n, 2) random points in the unit square, no two nearer than spacing/√n: those too near are drawn anew."""
    from scipy.spatial import cKDTree

    if not 0 <= spacing <= 0.75:
        raise ValueError(f"spacing is {spacing}; it must lie between 0 and 0.75, as random points cannot be denser")
    points = rng.random((n, 2))
    for _ in range(10_000 if spacing else 0):
        tree = cKDTree(points, boxsize=1.0 if periodic else None)
        near = tree.query_pairs(spacing / np.sqrt(n), output_type="ndarray")
        if not near.size:
            break
        again = np.unique(near.max(axis=1))
        points[again] = rng.random((again.size, 2))
    else:
        if spacing:
            raise ValueError(f"{n} points did not find room at spacing {spacing}; take a smaller one")
    return points


def _by_rows(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The points in rows of about √n, to and fro, so that neighbours get near numbers."""
    n_rows = max(1, round(np.sqrt(len(points) / 2)))
    row = np.floor(points[:, 1] * n_rows).astype(np.int64)
    return points[np.lexsort((np.where(row % 2, -points[:, 0], points[:, 0]), row))]


def _triangulate(points: NDArray[np.float64], periodic: bool) -> tuple[Edges, NDArray[np.float64]]:
    """Delaunay edges, lower node first, sorted, and their lengths."""
    from scipy.spatial import Delaunay

    n = len(points)
    number = np.arange(n)
    places = points
    if periodic:      # a rim of copies, wide enough that no empty circle reaches across it
        rim = min(1.0, 4 * np.sqrt((np.log(n) + 4) / (np.pi * n)))
        shifts = np.array([(x, y) for x in (0, -1, 1) for y in (0, -1, 1)], dtype=float)
        copies = (points + shifts[:, None]).reshape(-1, 2)
        within = ((copies >= -rim) & (copies <= 1 + rim)).all(axis=1)
        within[:n] = True
        places, number = copies[within], np.tile(number, 9)[within]
    triangles = Delaunay(places).simplices.astype(np.int64)
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    edges = edges[(edges < n).any(axis=1)]
    # copies of one edge differ in their ends; their nodes tell that they are one
    edges = _tidy(number[edges], n)
    edges = edges[(edges[:, 0] < edges[:, 1]) & np.append(True, (np.diff(edges, axis=0) != 0).any(axis=1))]
    apart = points[edges[:, 0]] - points[edges[:, 1]]
    if periodic:
        apart -= np.round(apart)
    return edges, np.sqrt((apart * apart).sum(axis=1))
