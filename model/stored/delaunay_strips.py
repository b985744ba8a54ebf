"""Delaunay triangulations of random points by strips of the unit square: any strip can be made without the others."""
from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .network_store import BLOCK, Block

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
WIDTH = 8       # of a strip, in units of n_nodes**-0.5, the mean distance of the points
GROUP = 8       # strips that are triangulated at once


class DelaunayBlocks:
    """Delaunay triangulation of random points in the unit square, by blocks of nodes.

    Points are drawn strip by strip in x by a generator that counts, and numbered along y in each strip, so that
    neighbours have near numbers. Points near a side of the square are mirrored in it, which leaves no slivers along the
    hull: the edges are those of the Voronoi cells, cut by the square, that touch. A triangle is taken where the circle
    around it lies within the strips at hand, so that it is one of the whole; else more strips are taken.

    seed : of the points. The same seed gives the same network, whatever the blocks and whoever makes them.
    """

    has_conductances, has_positions = False, True

    def __init__(self, n_nodes: int, seed: int = 0, block: int = BLOCK) -> None:
        if n_nodes < 16:
            raise ValueError(f"n_nodes = {n_nodes} is too few to triangulate by strips; take 16 at least")
        self.n_nodes, self.seed, self.block = n_nodes, seed, block
        self.name = f"Delaunay network by strips, seed {seed}"
        self.n_strips = max(1, round(np.sqrt(n_nodes) / WIDTH))
        self._first = np.array([n_nodes * s // self.n_strips for s in range(self.n_strips + 1)], dtype=np.int64)
        self._band = WIDTH / np.sqrt(n_nodes)
        self._group = lru_cache(2)(self._edges_of_group)     # blocks in turn share a group

    def points(self, strip: int) -> Floats:
        """(n, 2) points of one strip, ascending in y."""
        rng = np.random.Generator(np.random.Philox(key=self.seed, counter=[0, 0, 0, strip]))
        xy = rng.random((int(self._first[strip + 1] - self._first[strip]), 2))
        xy[:, 0] = (strip + xy[:, 0]) / self.n_strips
        return xy[np.argsort(xy[:, 1], kind="stable")]

    def __getitem__(self, number: int) -> Block:
        low, high = number * self.block, min((number + 1) * self.block, self.n_nodes)
        first, last = np.searchsorted(self._first, [low, high - 1], side="right") - 1
        edges = np.concatenate([self._group(group) for group in range(int(first) // GROUP, int(last) // GROUP + 1)])
        at = np.concatenate([self.points(strip) for strip in range(int(first), int(last) + 1)])
        begin = low - int(self._first[first])
        return Block(edges[slice(*np.searchsorted(edges[:, 0], [low, high]))], None, at[begin:begin + high - low])

    def _edges_of_group(self, group: int) -> Integers:
        """(e, 2) sorted edges whose lower ends are in a group of strips."""
        first, last = group * GROUP, min((group + 1) * GROUP, self.n_strips)
        margin = 1
        while (found := self._edges_of(first, last, margin)) is None:
            margin *= 2
        return found

    def _edges_of(self, first: int, last: int, margin: int) -> Integers | None:
        """The same from `margin` more strips on both sides, None where they are too few to be sure."""
        from scipy.spatial import Delaunay

        lo, hi = max(0, first - margin), min(self.n_strips, last + margin)
        xy = np.concatenate([self.points(strip) for strip in range(lo, hi)])
        own = slice(int(self._first[first] - self._first[lo]), int(self._first[last] - self._first[lo]))
        real, whole = len(xy), (lo, hi) == (0, self.n_strips)
        for axis, side in ((1, 0.0), (1, 1.0), (0, 0.0), (0, 1.0)):
            near = xy[np.abs(xy[:, axis] - side) < self._band]
            near[:, axis] = 2 * side - near[:, axis]
            xy = np.concatenate([xy, near])
        triangles = Delaunay(xy).simplices.astype(np.int64)
        triangles = triangles[((triangles >= own.start) & (triangles < own.stop)).any(axis=1)]
        if not whole and not self._proved(xy, triangles, lo, hi):
            return None
        ends = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
        ends = ends[(ends[:, 1] < real) & (ends[:, 0] >= own.start) & (ends[:, 0] < own.stop)]
        keys = np.sort(ends @ [real, 1])
        return np.stack(np.divmod(keys[np.append(True, keys[1:] != keys[:-1])], real), axis=1) + self._first[lo]

    def _proved(self, xy: Floats, triangles: Integers, lo: int, hi: int) -> bool:
        """Whether the circles around all triangles lie where all points of the whole are at hand."""
        a, b, c = (xy[triangles[:, corner]] for corner in range(3))
        ab, ac = b - a, c - a
        twice = 2 * (ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0])
        bb, cc = (ab**2).sum(axis=1), (ac**2).sum(axis=1)
        ux, uy = (ac[:, 1] * bb - ab[:, 1] * cc) / twice, (ab[:, 0] * cc - ac[:, 0] * bb) / twice
        r, x, y = np.hypot(ux, uy), a[:, 0] + ux, a[:, 1] + uy
        left = lo / self.n_strips - self._band * (lo == 0)
        right = hi / self.n_strips + self._band * (hi == self.n_strips)
        return bool(np.all((x - r >= left) & (x + r <= right) & (y - r >= -self._band) & (y + r <= 1 + self._band)))
