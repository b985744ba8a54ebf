"""A store that all ranks write: beside its place, and moved there when it is complete."""
from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from typing import Any

from ohmlearn.parallel.communicator import World
from ohmlearn.stored.block_arrays import BlockArrays


def write_new(world: World, place: str | os.PathLike[str], names: Sequence[str],
              write: Callable[[BlockArrays], dict[str, Any]]) -> None:
    """Write a store on all ranks; where any of them fails, nothing is left, and all raise.

    names : of its arrays. write(arrays) writes this rank's share, and returns what rank 0 says of the store.
    """
    folder = world.first(lambda: BlockArrays.begin(place, names).path)
    try:
        arrays = BlockArrays(folder, {})
        said = write(arrays)
        world.first(lambda: arrays.finish(place, said))
    except BaseException:
        if world.rank == 0:
            shutil.rmtree(folder, ignore_errors=True)
        raise
