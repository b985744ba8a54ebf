"""The store of a large network: its edges by fixed blocks of nodes, so that any number of processes can share it."""
from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from ohmlearn.network import Network

from .block_arrays import BlockArrays, DamagedStore

KIND = "ohmlearn network"
VERSION = 1
BLOCK = 1 << 17         # nodes of a block
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Block(NamedTuple):
    """The edges whose lower-numbered ends are in one block of nodes.

    edges : (e, 2) nodes, the lower one first, sorted by lower, then upper end. conductances : (e,) > 0, or None for 1.
    positions : (n, 2) of the block's nodes, or None.
    """

    edges: Integers
    conductances: Floats | None = None
    positions: Floats | None = None


class Blocks(Protocol):
    """A network that can be made block by block: by a generator, or from a file.

    n_nodes, block : number of nodes, of the whole and of a block. name, has_conductances, has_positions : of all
    blocks.
    """

    n_nodes: int
    block: int
    name: str
    has_conductances: bool
    has_positions: bool

    def __getitem__(self, number: int) -> Block:
        """One block; nodes number * block to (number + 1) * block."""


@dataclass(frozen=True, eq=False)
class StoredNetwork:
    """A network in a store, of which only what is asked for is read.

    n_nodes, n_edges : of the whole. block : nodes of a block. first_edge : (n_blocks + 1,) number of the first edge of
    every block, and n_edges. Edges are numbered by their lower, then their upper end.
    has_conductances, has_positions : whether the store has conductances (in G₀, else all are 1) and positions.
    name : for messages. arrays : the group on disk.

    >>> import ohmlearn as ol
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     stored = ol.distributed.store_grid(f"{folder}/grid.zarr", 4, 4)
    ...     stored.n_nodes, stored.n_edges, stored.edges(0)[0].tolist()
    (16, 24, [0, 1])
    """

    arrays: BlockArrays
    n_nodes: int
    n_edges: int
    block: int
    first_edge: Integers
    has_conductances: bool
    has_positions: bool
    name: str = ""
    # module whose `over_ranks` solves for voltages on several ranks, imported when an Equilibrium is asked for
    engine: ClassVar[str] = "ohmlearn.drivers.distributed.stored_equilibrium"

    @property
    def path(self) -> Path:
        """The folder of the store."""
        return self.arrays.path

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return self.first_edge.size - 1

    def edges(self, number: int) -> Integers:
        """(e, 2) edges whose lower ends are in block `number`; lower ends first, sorted. Raises DamagedStore.

        Returns (e, 2) numbers of nodes.

        >>> import ohmlearn as ol
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     stored = ol.distributed.store_grid(f"{folder}/grid.zarr", 2, 2)
        ...     stored.edges(0).tolist()
        [[0, 1], [0, 2], [1, 3], [2, 3]]
        """
        found = self.arrays.read("edges", number, (self._count(number), 2), "int64")
        low, high = number * self.block, min((number + 1) * self.block, self.n_nodes)
        if found.size and not (found[0, 0] >= low and found[-1, 0] < high and found[:, 1].max() < self.n_nodes
                               and np.all(found[:, 0] < found[:, 1]) and np.all(_keys_ascend(found))):
            raise DamagedStore(f"{self.path}: edges of block {number} are not sorted edges of its nodes; write the "
                               "store anew")
        return found

    def conductances(self, number: int) -> Floats:
        """(e,) conductances of the edges of block `number` in G₀, 1 where the store has none. Raises DamagedStore.

        Returns (e,) floats.

        >>> import ohmlearn as ol
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     stored = ol.distributed.store_grid(f"{folder}/grid.zarr", 2, 2, conductances=0.5)
        ...     stored.conductances(0).tolist()
        [0.5, 0.5, 0.5, 0.5]
        """
        if not self.has_conductances:
            return np.ones(self._count(number))
        found = self.arrays.read("conductances", number, (self._count(number),))
        if not np.all(np.isfinite(found) & (found >= 0)):
            raise DamagedStore(f"{self.path}: conductances of block {number} are not all finite and >= 0; write the "
                               "store anew")
        return found

    def positions(self, number: int) -> Floats:
        """(n, 2) positions of the nodes of block `number`. Raises DamagedStore, and ValueError where there are none.

        Returns (n, 2) floats.

        >>> import ohmlearn as ol
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     ol.distributed.store_grid(f"{folder}/grid.zarr", 2, 2).positions(0).tolist()
        [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
        """
        if not self.has_positions:
            raise ValueError(f"{self.path} has no positions of its nodes")
        size = min((number + 1) * self.block, self.n_nodes) - number * self.block
        found = self.arrays.read("positions", number, (size, 2))
        if not np.all(np.isfinite(found)):
            raise DamagedStore(f"{self.path}: positions of block {number} are not all finite; write the store anew")
        return found

    def network(self) -> Network:
        """The whole as a :class:`Network` in memory.

        Returns a :class:`Network`; edges in the order of the store.

        >>> import ohmlearn as ol
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     ol.distributed.store_grid(f"{folder}/grid.zarr", 3, 4).network()
        <Network '3×4 grid': 12 nodes, 17 edges>
        """
        numbers = range(self.n_blocks)
        g = np.concatenate([self.conductances(k) for k in numbers]) if self.has_conductances else None
        at = np.concatenate([self.positions(k) for k in numbers]) if self.has_positions else None
        return Network(np.concatenate([self.edges(k) for k in numbers]), self.n_nodes, at, name=self.name,
                       initial_conductances=g, conductance_source="" if g is None else f"the store {self.path.name}")

    def check_nodes(self, nodes: Any, what: str) -> Integers:
        """Checked copy (n,) of nodes, numbers from 0; errors name `what` they are.

        Returns (n,) integers. Raises ValueError or TypeError.

        >>> import ohmlearn as ol
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     ol.distributed.store_grid(f"{folder}/grid.zarr", 2, 2).check_nodes([0, 3], "source").tolist()
        [0, 3]
        """
        return Network.check_nodes(self, nodes, what)      # type: ignore[arg-type]

    def node(self, name: str | int, what: str = "node") -> int:
        """A node by its number, given as `name`, which may be a text. `what` names it in errors.

        Returns the number. Raises ValueError where there is none.

        >>> import ohmlearn as ol
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     ol.distributed.store_grid(f"{folder}/grid.zarr", 2, 2).node("3")
        3
        """
        try:
            number = int(name)
        except ValueError:
            raise ValueError(f"{what} {name!r} is no number; nodes of a network in a store are called by their "
                             "numbers") from None
        return int(self.check_nodes([number], what)[0])

    def _count(self, number: int) -> int:
        return int(self.first_edge[number + 1] - self.first_edge[number])

    def __repr__(self) -> str:
        name = f" {self.name!r}" if self.name else ""
        return f"<StoredNetwork{name}: {self.n_nodes} nodes, {self.n_edges} edges, {self.n_blocks} blocks>"


def open_network(path: str | os.PathLike[str]) -> StoredNetwork:
    """A network in a store, as `store_grid` and the others write it; its blocks are read when they are needed.

    Raises DamagedStore where it is no such store or parts of it are missing, OSError where there is none.

    Returns a :class:`StoredNetwork`.

    >>> import ohmlearn as ol
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     stored = ol.distributed.store_grid(f"{folder}/grid.zarr", 30, 40)
    ...     ol.distributed.open_network(f"{folder}/grid.zarr")
    <StoredNetwork '30×40 grid': 1200 nodes, 2330 edges, 1 blocks>
    """
    arrays = BlockArrays.open(path, KIND)
    arrays.check_version(VERSION)
    said = arrays.attributes
    try:
        n, m, block = (int(said[name]) for name in ("n_nodes", "n_edges", "block"))
        has_conductances, has_positions, name = bool(said["conductances"]), bool(said["positions"]), str(said["name"])
    except (KeyError, ValueError, TypeError) as error:
        raise DamagedStore(f"{path}: its attributes are not those of a network ({error}); write it anew") from None
    if not (2 <= n < 2**62 and 1 <= m < 2**62 and block >= 1):
        raise DamagedStore(f"{path}: {n} nodes, {m} edges and blocks of {block} are no network; write it anew")
    first = arrays.read("first_edge", 0, (-(-n // block) + 1,), "int64")
    if first[0] != 0 or first[-1] != m or np.any(np.diff(first) < 0):
        raise DamagedStore(f"{path}: the numbers of edges of its blocks do not add up to {m}; write it anew")
    return StoredNetwork(arrays, n, m, block, first, has_conductances, has_positions, name)


NAMES = ("edges", "conductances", "positions", "first_edge")     # of the arrays in a store


class NetworkWriter:
    """Blocks of a network into a store that is being written; several processes write one store."""

    def __init__(self, blocks: Blocks, arrays: BlockArrays) -> None:
        self.blocks, self._arrays = blocks, arrays

    def write(self, numbers: Iterable[int]) -> Integers:
        """Make some blocks and write them. Returns the number of edges of each."""
        counts = []
        for number in numbers:
            block = self.blocks[number]
            self._arrays.write("edges", number, block.edges)
            if block.conductances is not None:
                self._arrays.write("conductances", number, block.conductances)
            if block.positions is not None:
                self._arrays.write("positions", number, block.positions)
            counts.append(len(block.edges))
        return np.array(counts, dtype=np.int64)

    def describe(self, counts: Integers) -> dict[str, Any]:
        """Write the numbers of the edges, by one process; returns what is to be said of the store. counts :
        (n_blocks,) edges of every block.

        Raises ValueError where there are no edges.
        """
        first = np.append(0, np.cumsum(counts))
        if first[-1] == 0:
            raise ValueError("the network has no edges")
        self._arrays.write("first_edge", 0, first)
        return {"kind": KIND, "version": VERSION, "n_nodes": self.blocks.n_nodes, "n_edges": int(first[-1]),
                "block": self.blocks.block, "conductances": self.blocks.has_conductances,
                "positions": self.blocks.has_positions, "name": self.blocks.name}


def block_count(blocks: Blocks) -> int:
    """Number of blocks of a network that is made by blocks."""
    return -(-blocks.n_nodes // blocks.block)


def _keys_ascend(edges: Integers) -> NDArray[np.bool_]:
    """(e - 1,) whether every edge comes after, or is parallel to, the one before it."""
    low, high = np.diff(edges[:, 0]), np.diff(edges[:, 1])
    return (low > 0) | ((low == 0) & (high >= 0))
