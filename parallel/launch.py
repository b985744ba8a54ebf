"""How a process finds the others of its job."""
from __future__ import annotations

import os
from collections.abc import Mapping

from .communicator import World, no_library

# set by a launcher in each process that it starts: Hydra and PMI, PMIx, Open MPI, MVAPICH, PALS
LAUNCHED = ("PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK", "PALS_RANKID")
SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS")


def launched(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether an MPI launcher started this process, by the environment that it leaves.

    A Slurm batch script without srun does not count, nor does a step of one task.
    """
    if "SLURM_STEP_ID" in environment and environment.get("SLURM_STEP_NUM_TASKS") == "1" and \
            environment.get("PMI_SIZE", "1") == "1" and "OMPI_COMM_WORLD_SIZE" not in environment:
        return False        # srun sets PMI_RANK or PMIX_RANK in a shell of one task too, `srun --pty bash`
    if any(name in environment for name in LAUNCHED):
        return True
    return "SLURM_STEP_ID" in environment and expected_size(environment) > 1


def expected_size(environment: Mapping[str, str] = os.environ) -> int:
    """How many processes the launcher says it started, 1 when it says nothing."""
    return max([int(environment[name]) for name in SIZES if environment.get(name, "").isdigit()], default=1)


_joined: list[World] = []


def this_rank() -> int:
    """Rank of this process among those that it has joined last, 0 when it is alone."""
    return _joined[-1].rank if _joined else 0


def join(mpi: bool | None = None) -> World:
    """The world that this process belongs to. `mpi` forces MPI or forbids it; None asks the launcher's environment."""
    if not (launched() if mpi is None else mpi):
        return World()
    try:
        from .mpi import MpiWorld

        world = MpiWorld()
    except (ImportError, RuntimeError) as error:
        raise no_library(error) from error
    _joined.append(world)
    if world.size == 1 and expected_size() > 1:
        raise OSError(
            f"the launcher started {expected_size()} processes, but the MPI library ({world.library}) sees only one: "
            "they do not belong together. Use the mpiexec that comes with the library, or name the launcher's "
            "library in MPI4PY_LIBMPI; --no-mpi runs without MPI")
    return world
