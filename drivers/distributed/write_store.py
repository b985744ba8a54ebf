"""Writing the store of a large network, each rank its blocks; no rank holds all of the network."""
from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from ohmlearn.checks.kinds import check_kinds, whole
from ohmlearn.io.raster import read_raster
from ohmlearn.network import Network
from ohmlearn.parallel.communicator import World
from ohmlearn.stored.block_arrays import BlockArrays
from ohmlearn.stored.delaunay_strips import DelaunayBlocks
from ohmlearn.stored.lattice_blocks import LatticeBlocks, network_blocks
from ohmlearn.stored.network_store import (
    BLOCK,
    NAMES,
    Blocks,
    NetworkWriter,
    StoredNetwork,
    block_count,
    open_network,
)
from ohmlearn.stored.raster_blocks import RasterBlocks

from .matrix_blocks import matrix_blocks
from .new_store import write_new
from .ranks import ranks

PathLike = str | os.PathLike[str]


@check_kinds
def store_grid(path: PathLike, *shape: int, periodic: bool = False, conductances: float = 1.0,
               block: int = BLOCK) -> StoredNetwork:
    """Write a hypercubic lattice as :func:`ohmlearn.generators.grid` makes it.

    path : folder to be made, by custom NAME.zarr. shape : one side or more. periodic : join opposite faces.
    conductances : in G₀, one number for all edges. block : nodes of a block.

    Under an MPI launcher all ranks must call it, and each writes its fraction of the blocks. Raises FileExistsError
    where the store exists, ValueError for sides that make no grid.

    Returns a :class:`StoredNetwork`.

    >>> import ohmlearn as ol
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     ol.distributed.store_grid(f"{folder}/grid.zarr", 30, 40)
    <StoredNetwork '30×40 grid': 1200 nodes, 2330 edges, 1 blocks>
    """
    return _stored(path, lambda world: LatticeBlocks(*shape, periodic=periodic, conductances=conductances,
                                                     block=_block(block)))


@check_kinds
def store_delaunay(path: PathLike, n_nodes: int, seed: int = 0, *, block: int = BLOCK) -> StoredNetwork:
    """Write the Delaunay triangulation of random points in the unit square, made by strips.

    The points are drawn by strips and are others than those of :func:`ohmlearn.generators.delaunay`, and no edges are
    left out: the mean degree is just below 6. The same seed gives the same network on any number of ranks.

    path, block : as of `store_grid`.

    Returns a :class:`StoredNetwork`, with positions in units of the square's side.

    >>> import ohmlearn as ol
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     ol.distributed.store_delaunay(f"{folder}/net.zarr", 1000, seed=1).n_nodes
    1000
    """
    return _stored(path, lambda world: DelaunayBlocks(n_nodes, seed, _block(block)))


def store_raster(path: PathLike, values: Any, neighbours: Literal[4, 8] = 8, *,
                 quantity: Literal["resistance", "conductance"] = "resistance",
                 average: Literal["resistance", "conductance"] = "resistance", block: int = BLOCK) -> StoredNetwork:
    """Write the network of a raster, as :func:`ohmlearn.io.raster.raster_network` makes it, without regions.

    values : (rows, cols) of anything that gives rows as values[first:last], a memory map or a zarr array say, of which
        each rank reads its rows; or the name of a file: .npy, which is mapped, or a GeoTIFF or ASCII grid, which every
        rank reads whole.
    neighbours : of a cell, 4 or 8. quantity : what the cells hold. average : an edge has the mean of its cells'
        resistances, or of their conductances.
    path, block : as of `store_grid`.

    Returns a :class:`StoredNetwork`; positions are (column, -row).

    >>> import ohmlearn as ol
    >>> import numpy as np
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     ol.distributed.store_raster(f"{folder}/land.zarr", np.ones((20, 30)), neighbours=4)
    <StoredNetwork 'raster': 600 nodes, 1150 edges, 1 blocks>
    """
    name = Path(values).stem if isinstance(values, str | os.PathLike) else "raster"
    if isinstance(values, str | os.PathLike):
        values = np.load(values, mmap_mode="r") if Path(values).suffix == ".npy" else read_raster(Path(values)).values
    blocks = RasterBlocks(values, neighbours, quantity=quantity, average=average, name=name, block=_block(block))

    def make(world: World) -> RasterBlocks:
        blocks.number(world.everywhere(world.together(lambda: blocks.count(world.rank, world.size))))
        return blocks

    return _stored(path, make)


def store_matrix(path: PathLike, file: PathLike, *, quantity: Literal["conductance", "resistance"] = "conductance",
                 block: int = BLOCK) -> StoredNetwork:
    """Write the network of a MatrixMarket file, which the ranks read by ranges of bytes.

    file : an adjacency matrix or a Laplacian, as of :meth:`Network.read`; nodes keep their numbers, from 0. quantity :
        what the entries of an adjacency matrix are.
    path, block : as of `store_grid`.

    Steps are quickest where the ends of edges have near numbers. Raises ValueError for a file that is no network.

    Returns a :class:`StoredNetwork`.

    >>> import ohmlearn as ol
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     ol.Network.grid(3, 4).write(f"{folder}/grid.mtx")
    ...     ol.distributed.store_matrix(f"{folder}/grid.zarr", f"{folder}/grid.mtx")
    <StoredNetwork 'grid': 12 nodes, 17 edges, 1 blocks>
    """
    return _stored(path, lambda world: matrix_blocks(world, file, quantity, _block(block)))


def store_network(path: PathLike, network: Network, conductances: ArrayLike | None = None, *,
                  block: int = BLOCK) -> StoredNetwork:
    """Write a network in memory. Nodes keep their numbers; edges are sorted by their lower, then upper ends.

    conductances : (n_edges,) in G₀ or a number, by default the initial ones of the network.
    path, block : as of `store_grid`. Names of nodes and edges and a periodic box are not kept.

    Returns a :class:`StoredNetwork`.

    >>> import ohmlearn as ol
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     ol.distributed.store_network(f"{folder}/net.zarr", ol.Network.delaunay(100, seed=1)).n_edges
    225
    """
    return _stored(path, lambda world: network_blocks(network, conductances, _block(block)))


def store_from(path: PathLike, source: str, options: dict[str, Any], *, neighbours: Any, quantity: Any,
               block: int) -> StoredNetwork:
    """Write what a command names: a generator by its name and options, a raster, a matrix, or a network's file."""
    suffix = Path(source).suffix.lower()
    if source == "grid":
        shape = options.pop("shape", ())
        return store_grid(path, *(shape if isinstance(shape, list) else [shape]), **options, block=block)
    if source == "delaunay":
        return store_delaunay(path, **options, block=block)
    if suffix in (".npy", ".asc", ".tif", ".tiff"):
        return store_raster(path, source, neighbours, quantity=quantity or "resistance", block=block)
    if suffix == ".mtx":
        return store_matrix(path, source, quantity=quantity or "conductance", block=block)
    if quantity:
        raise ValueError("--quantity is for rasters and matrices; leave it out")
    if ":" in source and not Path(source).exists():
        raise ValueError(f"{source!r} is neither a file nor a generator that is stored by blocks, which are grid and "
                         "delaunay; write others to a file first")
    return store_network(path, Network.read(source), block=block)


def _stored(path: PathLike, make: Callable[[World], Blocks]) -> StoredNetwork:
    write_store(ranks(), path, make)
    return open_network(path)


def write_store(world: World, path: PathLike, make: Callable[[World], Blocks]) -> None:
    """Write a store on all ranks; `make(world)` gives the blocks, on every rank. An error on any is raised on all."""
    if world.first(Path(path).exists):      # before the blocks are made, which may take long
        raise FileExistsError(17, "it exists already; remove it, or choose another name", str(path))
    blocks = make(world)

    def write(arrays: BlockArrays) -> dict[str, Any]:
        writer, count = NetworkWriter(blocks, arrays), block_count(blocks)
        numbers = range(count * world.rank // world.size, count * (world.rank + 1) // world.size)
        every = world.everywhere(world.together(lambda: writer.write(numbers)))
        return world.first(lambda: writer.describe(np.concatenate(every)))

    write_new(world, path, NAMES, write)


def _block(block: int) -> int:
    """A checked number of nodes of a block."""
    block = whole("block", block)
    if not 1 <= block <= 2**24:
        raise ValueError(f"block is {block}; it must be a number of nodes from 1 to {2**24}")
    return block
