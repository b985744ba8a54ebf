"""What `ohmlearn solve` and `ohmlearn resistances` do with a network in a store, on all ranks there are."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from ohmlearn.parallel.communicator import RankError, World
from ohmlearn.solvers.not_converged import NotConverged
from ohmlearn.stored.network_store import StoredNetwork, open_network

from .ranks import ranks
from .stored_equilibrium import StoredEquilibrium

T = TypeVar("T")


def on_ranks(job: Callable[[World], T]) -> T:
    """What a job gives on this rank. An error is raised on all ranks as one that rank 0 tells."""
    world = ranks()

    def attempt() -> T:
        try:
            return job(world)
        except NotConverged as error:       # on all ranks alike
            raise RankError(str(error)) from error
    return world.together(attempt)


def solve_store(path: str, held: Callable[[StoredNetwork], dict[int, float]],
                injected: Callable[[StoredNetwork], dict[int, float]], method: str, rtol: float, output: Path) -> str:
    """Solve for the voltages of a network in a store, write them into another one, and say how it went.

    held, injected : voltages and currents {node: value} for the network. With nothing held the voltages have mean 0.
    """
    def job(world: World) -> str:
        stored = open_network(path)
        at, into = held(stored), injected(stored)
        circuit = StoredEquilibrium(stored, list(at), method, rtol, world=world)
        currents = np.zeros(circuit.nodes.size)
        place = circuit.part.owned_places(list(into))
        currents[place[place >= 0]] = np.array(list(into.values()))[place >= 0]
        circuit.save(output, circuit.solve(None, list(at.values()) if at else None, currents))
        stats = circuit.stats
        return (f"{stored!r}, {stats.method} over {world.size} rank{'s' if world.size > 1 else ''}: "
                f"{stats.iterations[0]} iterations, error {stats.error:.1e} V, setup {stats.setup_seconds:.3g} s, "
                f"solve {stats.solve_seconds:.3g} s; voltages in {output}")
    return on_ranks(job)


def resistances_of_store(path: str, pairs: Callable[[StoredNetwork], Sequence[tuple[int, int]]], hold: Sequence[str],
                         method: str) -> tuple[Sequence[tuple[int, int]], NDArray[np.float64]]:
    """Pairs of nodes of a network in a store, and their resistances (n_pairs,), with the held nodes joined to one."""
    def job(world: World) -> tuple[Sequence[tuple[int, int]], NDArray[np.float64]]:
        stored = open_network(path)
        wanted, held = pairs(stored), [stored.node(name) for name in hold]
        return wanted, StoredEquilibrium(stored, held, method, world=world).effective_resistance(wanted)
    return on_ranks(job)
