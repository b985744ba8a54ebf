"""Effective resistances of many pairs into a store, on one process or on all ranks of an MPI job."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn import __version__
from ohmlearn.checks.kinds import check_kinds
from ohmlearn.drivers.store import part_file
from ohmlearn.drivers.store.locks import alone, claim, find_token, leave_token, token_place
from ohmlearn.drivers.store.pair_store import HEADER, Arrays, PairStore
from ohmlearn.drivers.store.part_writer import PartWriter
from ohmlearn.drivers.store.store import make_folder
from ohmlearn.network import Network
from ohmlearn.parallel.communicator import RankError, World
from ohmlearn.parallel.file_locks import Lock
from ohmlearn.parallel.launch import join
from ohmlearn.parallel.self_scheduling import Dealer, WorkList
from ohmlearn.parallel.signals import Stopping
from ohmlearn.parallel.threads import available_threads, cores, in_threads
from ohmlearn.parallel.timeline import Timeline
from ohmlearn.solvers.equilibrium.equilibrium import Equilibrium
from ohmlearn.solvers.equilibrium.network_responses import pairs_of

from .job import one_job
from .job_counters import SLOTS, JobCounters

WHOLE = (1, 1)      # there are no shards


@dataclass(frozen=True, eq=False)
class PairReport:
    """What came of :func:`pair_resistances`.

    pairs : (n_pairs, 2) nodes. resistances : (n_pairs,) in 1/G₀, NaN where the job was stopped before. computed :
    blocks that this call computed. stopped : the signal that ended it early, or None.

    >>> import ohmlearn as ol
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     ol.stores.pair_resistances(ol.Network.grid(3), folder, [(0, 2)]).resistances.round(9).tolist()
    [2.0]
    """

    pairs: NDArray[np.int64]
    resistances: NDArray[np.float64]
    computed: int
    stopped: str | None


@check_kinds
def pair_resistances(network: Network, store: str | Path, pairs: ArrayLike | str = "edges",
                     conductances: ArrayLike | None = None, *, held: ArrayLike = (0,), method: str = "auto",
                     threads: int | None = None, mpi: bool | None = None) -> PairReport:
    """Effective resistances of many pairs, computed into a store: what it has already is not computed again.

    Under an MPI launcher all ranks share the pairs, dealt in blocks as a sweep's members are; each makes the factor of
    the network for itself. The results are the same bits for any number of ranks, stopped and resumed or not.

    network, pairs, held, method : as for :meth:`ohmlearn.Equilibrium.effective_resistance`; held nodes are joined to
        one. A store goes on by the method that it began with.
    conductances : (n_edges,) G >= 0 in S, or any unit G₀, by default the network's initial ones, else 1.
    store : folder that all ranks see. threads : threads of each process; by default what the launcher says, else all
        cores that it may use; they share a direct factor, and take turns where pairs are solved for. mpi : whether to
        use MPI; by default if a launcher started this process.

    Returns a :class:`PairReport`. Raises StoreError when the store is of other inputs or cannot be used.

    >>> import ohmlearn as ol
    >>> from tempfile import TemporaryDirectory
    >>> net = ol.Network.grid(3, 3)
    >>> with TemporaryDirectory() as folder:
    ...     found = ol.stores.pair_resistances(net, folder, [(0, 8), (0, 1)])
    >>> found.resistances.round(9).tolist()
    [1.5, 0.708333333]
    """
    path, world = Path(store), join(mpi)
    holds: list[Lock] = []      # on rank 0
    factors: list[Equilibrium] = []
    with one_job(world, holds, token_place(path, WHOLE)) as stopping:
        found, token, todo = world.first(lambda: begin(network, path, pairs, conductances, held, method, holds,
                                                              factors))
        told = work(found, token, todo, world, stopping, available_threads(threads, world.share_of_cores(cores())),
                    factors)
        report = world.first(lambda: finish(found, told, holds))
        stopping.heeded = report.stopped is not None
    return report


def read_resistances(store: str | Path) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Pairs (n_pairs, 2) and their effective resistances (n_pairs,) in 1/G₀ from a store; NaN for those still to do.

    Returns both. Raises StoreError where the store is damaged.

    >>> import ohmlearn as ol
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     report = ol.stores.pair_resistances(ol.Network.grid(3), folder, [(0, 2), (0, 1)])
    ...     pairs, resistances = ol.stores.read_resistances(folder)
    >>> resistances.round(9).tolist()
    [2.0, 1.0]
    """
    found = PairStore.open(Path(store))
    return found.pairs, found.read()


def begin(network: Network, path: Path, pairs: ArrayLike | str, conductances: ArrayLike | None, held: ArrayLike,
          method: str, holds: list[Lock], factors: list[Equilibrium]) -> tuple[PairStore, str, NDArray[np.int64]]:
    """On rank 0: check the inputs, choose how to solve, claim and make the store, and find what is to do. A direct
    factor that was made for this goes into `factors`."""
    circuit = Equilibrium(network, held, method)
    nodes, g = pairs_of(network, pairs), network.conductances(conductances)
    if not len(nodes):
        raise ValueError("pairs has no pair")
    given: Arrays = {"edges": network.edges, "n_nodes": np.array(network.n_nodes), "conductances": g,
                     "held": circuit.held, "pairs": nodes}
    circuit.effective_resistance(nodes[:8], g)
    if not circuit.stats.method:        # nothing was solved for
        factors.append(circuit)
    make_folder(path, HEADER)
    with alone(path):
        holds.append(claim(path, WHOLE))
        found = PairStore.prepare(path, given, circuit.stats.method or method)      # the same on all ranks
        return found, leave_token(path, WHOLE), found.todo()


def work(store: PairStore, token: str, todo: NDArray[np.int64], world: World, stopping: Stopping, threads: int,
         factors: list[Equilibrium]) -> list[tuple[int, str | None, Exception | None]]:
    """One rank's part: blocks done, the signal and the error that ended it; those of all ranks on rank 0.

    factors : on rank 0, what `begin` left.
    """
    world.together(lambda: find_token(store.path, WHOLE, token))
    work_list = WorkList(todo, np.zeros(todo.size), (), sum(world.everywhere(threads)))
    counters = JobCounters(world, stopping, todo.size, (0, 0), None, work_list.size)
    dealer = Dealer(work_list, counters.shared, SLOTS, world.rank == 0)
    done, error = 0, None
    if todo.size:
        part, given = store.part(world.rank), store.given
        world.together(lambda: part_file.prepare(part, store.layout, __version__))
        writer = PartWriter(part, Timeline(False))
        stopping.ready = True
        try:
            circuit = factors[0] if factors else Equilibrium(Network(given["edges"], int(given["n_nodes"])),
                                                             given["held"], store.method, threads=threads)

            def take_blocks(thread: int) -> None:
                while not counters.poll() and (block := dealer.take()) is not None:
                    found = circuit.effective_resistance(store.block(block), given["conductances"])
                    writer.add(store.layout.row(block, found))
                    dealer.finished(block, 1)
                    if writer.error:
                        counters.stop()

            in_threads(take_blocks, range(threads), threads)
        except Exception as met:
            counters.stop()
            error = met if world.rank == 0 else RankError.told(met, world.rank)
        finally:
            writer.close()
        done, error = writer.written, writer.error or error
    counters.finish()
    return world.gather((done, stopping.asked, error))


def finish(store: PairStore, told: list[tuple[int, str | None, Any]], holds: list[Lock]) -> PairReport:
    """On rank 0: fold the store if it is complete."""
    for hold in holds:
        hold.give_back()
    with alone(store.path):
        for _, _, error in told:
            if error is not None:
                raise error
        found = store.read()
        if not np.isnan(found).any():
            store.fold()
    signals = [signal for _, signal, _ in told if signal and np.isnan(found).any()]
    return PairReport(store.pairs, found, sum(done for done, _, _ in told), signals[0] if signals else None)
