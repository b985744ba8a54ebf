"""Rows of arrays sent to the ranks that need them."""
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


def route(comm: Any, to: Integers, *arrays: NDArray[Any]) -> tuple[Integers, list[NDArray[Any]]]:
    """Send row i of every array to rank `to[i]`; all ranks of an mpi4py communicator must call it.

    arrays : (n, ...) each, of the same n and of items of any plain type.

    Returns how many rows came from every rank, (size,), and the rows of each array in the order of the ranks that
    sent them, those of one rank in the order in which they stood there.
    """
    sent = np.bincount(to, minlength=comm.size).astype(np.int64)
    received = np.empty_like(sent)
    comm.Alltoall(sent, received)
    order = None if np.all(to[1:] >= to[:-1]) else np.argsort(to, kind="stable")
    return received, [_rows(comm, sent, received, array if order is None else array[order]) for array in arrays]


def give_back(comm: Any, received: Integers, to: Integers, *answers: NDArray[Any]) -> list[NDArray[Any]]:
    """Answer rows that came by `route`: answer i goes to the rank that sent row i, and stands at its place there.

    received, to : what `route` returned and was given. answers : (n_received, ...) each.
    """
    asked = np.bincount(to, minlength=comm.size).astype(np.int64)
    order = np.argsort(to, kind="stable")
    found = []
    for array in answers:
        rows = _rows(comm, received, asked, array)
        placed = np.empty_like(rows)
        placed[order] = rows
        found.append(placed)
    return found


def _rows(comm: Any, sent: Integers, received: Integers, array: NDArray[Any]) -> NDArray[Any]:
    """The rows that come when every rank sends its rows, sorted by the rank that they go to."""
    from mpi4py import MPI

    array = np.ascontiguousarray(array)
    into = np.empty((int(received.sum()), *array.shape[1:]), dtype=array.dtype)
    if not array.dtype.itemsize * int(np.prod(array.shape[1:])):
        return into     # rows of no columns
    row = MPI.BYTE.Create_contiguous(array.dtype.itemsize * int(np.prod(array.shape[1:])))
    row.Commit()        # counts are of rows: more than 2 GiB may be sent
    comm.Alltoallv([array, (sent, _starts(sent)), row], [into, (received, _starts(received)), row])
    row.Free()
    return into


def _starts(counts: Integers) -> Integers:
    return np.append(0, np.cumsum(counts)[:-1])
