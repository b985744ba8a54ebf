"""Sums, maxima and errors over all ranks, the same on every rank bit for bit."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class RankSums:
    """What the ranks of a communicator agree on; all of them must make every call, in the same order.

    Numbers are gathered on every rank and added there in the order of the ranks. A reduction of MPI would be free to
    give other bits on other ranks, and decisions that are made from them would then differ.
    """

    def __init__(self, comm: Any) -> None:
        self.comm = comm

    def gathered(self, values: Sequence[float] | Floats) -> Floats:
        """(size, k) the (k,) values of every rank."""
        mine = np.ascontiguousarray(values, dtype=np.float64)
        if self.comm.size == 1:
            return mine[None]
        every = np.empty((self.comm.size, mine.size))
        self.comm.Allgather(mine, every)
        return every

    def sum(self, *values: float) -> Floats:
        """(k,) sums over the ranks."""
        return np.asarray(self.gathered(values).sum(axis=0))

    def largest(self, *values: float) -> Floats:
        """(k,) largest values of any rank; NaN where any rank has one."""
        return np.asarray(self.gathered(values).max(axis=0))

    def joined(self, values: NDArray[Any]) -> NDArray[Any]:
        """The (k,) or (k, columns) values of all ranks one after the other; k may differ between ranks."""
        if self.comm.size == 1:
            return values
        return np.concatenate(self.comm.allgather(values))

    def agree(self, trouble: Exception | None) -> None:
        """Raise on all ranks what went wrong on any: the error of the lowest rank that has one."""
        for error in self.comm.allgather(trouble) if self.comm.size > 1 else [trouble]:
            if error is not None:
                raise error
