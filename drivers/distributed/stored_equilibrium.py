"""Equilibrium of a network in a store, over the ranks of the launcher that started this process."""
from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.parallel.communicator import World
from ohmlearn.solvers.distributed.equilibrium import DistributedEquilibrium
from ohmlearn.solvers.distributed.stored_part import StoredPart
from ohmlearn.stored.block_arrays import BlockArrays
from ohmlearn.stored.network_store import StoredNetwork
from ohmlearn.stored.voltages import KIND, NAME, VERSION

from .new_store import write_new
from .ranks import ranks

Floats = NDArray[np.float64]


class StoredEquilibrium(DistributedEquilibrium):
    """:class:`ohmlearn.Equilibrium` of a network in a store: each rank reads its part of it, and none holds all.

    network : the store. held : (n_held,) nodes whose voltages are given, alike on all ranks; none at all lets the
        voltages have the mean 0. method : "auto" and "approximate-cholesky" need mpi4py alone, "petsc" takes PETSc's
        multigrid. rtol, keep : as of :class:`ohmlearn.Equilibrium`.
    partition : which rank owns which nodes: "tiles" of the plane, by "metis", "slabs" of the numbering, or "auto".
    world : the ranks, by default those of the launcher.

    nodes : (k,) numbers of the nodes that this rank holds, its own and their neighbours. conductances : (e,) those in
        the store of the edges that it holds, in G₀; their numbers are `part.edge_numbers`.

    All ranks call every method together. Without a launcher there is one rank, which holds the whole network.

    >>> import ohmlearn as ol
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     stored = ol.distributed.store_grid(f"{folder}/grid.zarr", 4, 4)
    ...     circuit = ol.distributed.StoredEquilibrium(stored, held=[0, 15])
    >>> circuit.solve(held_voltages=[1.0, 0.0]).round(3).tolist()[:4]
    [1.0, 0.731, 0.577, 0.5]
    """

    def __init__(self, network: StoredNetwork, held: ArrayLike, method: str = "auto", rtol: float = 1e-10, *,
                 keep: bool = True, partition: str = "auto", world: World | None = None) -> None:
        self.world = ranks() if world is None else world
        self.stored = network
        here = self.world.together(lambda: StoredPart.of(network, self.world.comm, partition))
        self.here, self.nodes = here, here.part.nodes
        self.conductances = self.world.together(here.conductances)
        super().__init__(here.part, held, method, rtol, keep=keep)

    def solve(self, conductances: ArrayLike | None = None, held_voltages: ArrayLike | None = None,
              currents: ArrayLike | None = None, *, start: ArrayLike | None = None) -> Floats:
        """Voltages (k,) of `nodes`, or (k, n) for n right-hand sides.

        conductances : (n_edges_here,) G >= 0 in G₀ of the edges that this rank holds, one number, or None for
            those in the store.
        held_voltages : (n_held,) or (n_held, n) in V, alike on all ranks; None holds all at 0.
        currents : (k,) or (k, n) in units of conductance times volt, injected at `nodes`; those of neighbours are not
            looked at.
        start : (k,) or (k, n) guess in V, by default the last solution.

        Returns (k,) or (k, n) voltages in V. Raises NotConverged, on all ranks, as :class:`ohmlearn.Equilibrium` does.

        >>> import ohmlearn as ol
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     stored = ol.distributed.store_grid(f"{folder}/grid.zarr", 3, conductances=2.0)
        ...     circuit = ol.distributed.StoredEquilibrium(stored, held=[0])
        >>> circuit.solve(currents=[0.0, 0.0, 1.0]).round(9).tolist()
        [0.0, 0.5, 1.0]
        """
        return super().solve(self.conductances if conductances is None else conductances, held_voltages, currents,
                             start=start)

    def effective_resistance(self, pairs: ArrayLike, conductances: ArrayLike | None = None) -> Floats:
        """(n_pairs,) resistances between pairs of nodes in 1/G₀, with all held nodes joined to one; a solve for each
        pair, or for each node in them where these are fewer.

        pairs : (n_pairs, 2) numbers of nodes, alike on all ranks. conductances : (n_edges_here,) in G₀, as of `solve`.

        Returns (n_pairs,) floats, the same on every rank.

        >>> import ohmlearn as ol
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     circuit = ol.distributed.StoredEquilibrium(ol.distributed.store_grid(f"{folder}/grid.zarr", 2, 2), [])
        >>> circuit.effective_resistance([(0, 1), (0, 3)]).round(9).tolist()
        [0.75, 1.0]
        """
        return super().effective_resistance(pairs, self.conductances if conductances is None else conductances)

    def save(self, path: str | os.PathLike[str], voltages: Floats) -> None:
        """Write voltages (k,) of `nodes` into a store, a folder by custom named NAME.zarr, each rank its blocks;
        :func:`ohmlearn.distributed.open_voltages` reads it.

        Raises FileExistsError where it exists, OSError where it cannot be written.

        >>> import ohmlearn as ol
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     circuit = ol.distributed.StoredEquilibrium(ol.distributed.store_grid(f"{folder}/grid.zarr", 2), [0, 1])
        ...     circuit.save(f"{folder}/v.zarr", circuit.solve(held_voltages=[1.0, 0.0]))
        ...     ol.distributed.open_voltages(f"{folder}/v.zarr")[0].tolist()
        [1.0, 0.0]
        """
        world = self.world
        if np.shape(voltages) != self.nodes.shape:
            raise ValueError(f"voltages must have shape {self.nodes.shape}, one for each of `nodes`, not "
                             f"{np.shape(voltages)}")
        said = {"kind": KIND, "version": VERSION, "n_nodes": self.stored.n_nodes, "block": self.stored.block,
                "error": self.stats.error,
                "method": self.stats.method, "iterations": max(self.stats.iterations, default=0)}

        def write(arrays: BlockArrays) -> dict[str, Any]:
            values = self.here.nodes_out(np.ascontiguousarray(voltages, dtype=np.float64))
            world.together(lambda: self.here.write(arrays, NAME, values, False))
            return said

        write_new(world, path, (NAME,), write)


def over_ranks(network: StoredNetwork, held: ArrayLike, method: str = "auto", rtol: float = 1e-10, *,
               keep: bool = True, **options: Any) -> StoredEquilibrium | None:
    """What an :class:`ohmlearn.Equilibrium` of a network in a store is on several ranks; None for one process.

    options : further ones of one process, which are errors on ranks.
    """
    world = ranks()
    if world.size == 1:
        return None
    if options:
        raise TypeError(f"an Equilibrium over ranks takes no {next(iter(options))}; leave it out")
    return StoredEquilibrium(network, held, method, rtol, keep=keep, world=world)
