"""Voltages of a large network in a store, by the blocks of nodes of the network's own."""
from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .block_arrays import BlockArrays, DamagedStore

KIND = "ohmlearn voltages"
VERSION = 1     # of its layout
NAME = "voltages"
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class StoredVoltages:
    """Voltages in a store, of which only what is asked for is read.

    arrays : the group on disk. n_nodes : of the network. block : nodes of a block. error : estimate of the largest
    error in V. method, iterations : how they were solved for.

    >>> import ohmlearn as ol
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     stored = ol.distributed.store_grid(f"{folder}/grid.zarr", 3)
    ...     circuit = ol.distributed.StoredEquilibrium(stored, held=[0, 2])
    ...     circuit.save(f"{folder}/v.zarr", circuit.solve(held_voltages=[1.0, 0.0]))
    ...     ol.distributed.open_voltages(f"{folder}/v.zarr").whole().tolist()
    [1.0, 0.5, 0.0]
    """

    arrays: BlockArrays
    n_nodes: int
    block: int
    error: float
    method: str
    iterations: int

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return -(-self.n_nodes // self.block)

    def __getitem__(self, number: int) -> Floats:
        """(n,) voltages in V of the nodes number * block to (number + 1) * block. Raises DamagedStore."""
        size = min((number + 1) * self.block, self.n_nodes) - number * self.block
        if number < 0 or size <= 0:
            raise IndexError(f"block {number} does not exist; blocks run from 0 to {self.n_blocks - 1}")
        return self.arrays.read(NAME, number, (size,))

    def whole(self) -> Floats:
        """(n_nodes,) all voltages in memory, in V. Raises DamagedStore.

        Returns (n_nodes,) floats.

        >>> import ohmlearn as ol
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     circuit = ol.distributed.StoredEquilibrium(ol.distributed.store_grid(f"{folder}/grid.zarr", 2), [0, 1])
        ...     circuit.save(f"{folder}/v.zarr", circuit.solve(held_voltages=[1.0, 0.0]))
        ...     ol.distributed.open_voltages(f"{folder}/v.zarr").whole().tolist()
        [1.0, 0.0]
        """
        return np.concatenate([self[number] for number in range(self.n_blocks)])


def open_voltages(path: str | os.PathLike[str]) -> StoredVoltages:
    """Voltages in a store, as :meth:`StoredEquilibrium.save` and `ohmlearn solve` write them.

    Raises DamagedStore where it is no such store or parts of it are missing, OSError where there is none.

    Returns a :class:`StoredVoltages`.

    >>> import ohmlearn as ol
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     circuit = ol.distributed.StoredEquilibrium(ol.distributed.store_grid(f"{folder}/grid.zarr", 2), held=[0, 1])
    ...     circuit.save(f"{folder}/v.zarr", circuit.solve(held_voltages=[1.0, 0.0]))
    ...     ol.distributed.open_voltages(f"{folder}/v.zarr").n_nodes
    2
    """
    arrays = BlockArrays.open(path, KIND)
    arrays.check_version(VERSION)
    said = arrays.attributes
    try:
        found = StoredVoltages(arrays, int(said["n_nodes"]), int(said["block"]), float(said["error"]),
                               str(said["method"]), int(said["iterations"]))
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedStore(f"{path} does not say what it holds ({type(error).__name__}: {error}); write it "
                           "anew") from None
    if found.n_nodes < 1 or found.block < 1:
        raise DamagedStore(f"{path} says that it holds {found.n_nodes} voltages in blocks of {found.block}; write it "
                           "anew")
    return found
