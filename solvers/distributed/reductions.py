"""What all ranks make of their parts' values: the same bits on each, and for any number of ranks."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BITS = 31       # of a term that one sum of integers takes: 2³¹ terms fit into 62 bits
LEVELS = 4      # of such sums: the smallest is 2⁻¹²⁴ of the largest term


def replicated(comm: Any, places: NDArray[np.int64], values: Floats) -> Floats:
    """Rows of values that some rank owns, on every rank.

    places : (count,) where each row stands in `values` on the rank that owns it, -1 elsewhere. values : (n, ...).
    """
    from mpi4py import MPI

    rows = np.zeros((places.size, *values.shape[1:]))
    here = places >= 0
    rows[here] = values[places[here]]
    comm.Allreduce(MPI.IN_PLACE, rows.view(np.uint64), MPI.BOR)     # every row has one owner; bits stay, NaN too
    return rows


def exact_sum(comm: Any, terms: Floats) -> float:
    """The sum of the terms of all ranks, of the same bits however they are dealt out.

    Terms are cut into integers of 31 bits, whose sums are exact; what is left out of a term is 2⁻¹²⁴ of the largest.
    """
    from mpi4py import MPI

    top = float(RankSums(comm).largest(float(np.max(np.abs(terms), initial=0.0)))[0])
    if top == 0.0 or not np.isfinite(top):
        return top
    rest = np.ldexp(terms, BITS - int(np.frexp(top)[1]))
    sums = np.empty(LEVELS, dtype=np.int64)
    for level in range(LEVELS):
        whole = np.trunc(rest)
        sums[level] = whole.astype(np.int64).sum()
        rest = np.ldexp(rest - whole, BITS)
    comm.Allreduce(MPI.IN_PLACE, sums)
    total = sum(int(part) << BITS * (LEVELS - 1 - level) for level, part in enumerate(sums))
    return float(np.ldexp(float(total), int(np.frexp(top)[1]) - BITS * LEVELS))


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
