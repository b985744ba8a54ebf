"""Delaunay triangulations of random points, thinned to a mean degree."""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from ohmlearn.checks.kinds import check_kinds
from ohmlearn.network import Network

from .edge_choice import Edges, sorted_edges, spanning_tree, thin, wanted_edges


@check_kinds
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

    Returns a :class:`Network` with positions in units of the square's side.

    >>> import ohmlearn as ol
    >>> net = ol.Network.delaunay(100, seed=1)
    >>> net.n_nodes, net.n_edges
    (100, 225)
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
        kept = thin(edges, n_nodes, wanted_edges(n_nodes, mean_degree, most=len(edges)), order, tree)
        edges = edges[kept]
    return Network(edges, n_nodes, points, 1.0 if periodic else None, f"Delaunay network, seed {seed}")


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
    edges = sorted_edges(number[edges], n)
    edges = edges[(edges[:, 0] < edges[:, 1]) & np.append(True, (np.diff(edges, axis=0) != 0).any(axis=1))]
    apart = points[edges[:, 0]] - points[edges[:, 1]]
    if periodic:
        apart -= np.round(apart)
    return edges, np.sqrt((apart * apart).sum(axis=1))
