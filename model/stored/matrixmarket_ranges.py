"""MatrixMarket files by ranges of bytes: every process reads a range of the lines of one file."""
from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from ohmlearn.checks.file_text import short
from ohmlearn.io.matrixmarket import WIDTH

Floats = NDArray[np.float64]
PIECE = 1 << 26         # bytes that are read and understood at once
HEAD = 1 << 16          # bytes of comments before the first entry, at most


@dataclass(frozen=True)
class Head:
    """What a file says about itself. start, end : first byte of its entries, and its size; width : numbers on a line.
    """

    path: Path
    n_nodes: int
    n_entries: int
    symmetric: bool
    width: int
    start: int
    end: int


def read_head(path: str | os.PathLike[str]) -> Head:
    """The first lines of a file. Raises ValueError where they are not those of a square sparse matrix."""
    path = Path(path)
    with open(path, "rb") as file:
        lines = file.read(HEAD).split(b"\n")
    banner = lines[0].decode("latin-1").lower().split()
    if len(banner) != 5 or banner[:3] != ["%%matrixmarket", "matrix", "coordinate"] or banner[3] not in WIDTH \
            or banner[4] not in ("general", "symmetric"):
        raise ValueError(f"{path}, line 1: expected '%%MatrixMarket matrix coordinate real symmetric' or the like, got "
                         f"{short(lines[0].decode('latin-1'))}")
    number = next((k for k, line in enumerate(lines, start=1) if line.strip() and not line.lstrip().startswith(b"%")),
                  len(lines))
    line, start = lines[number - 1], sum(len(line) + 1 for line in lines[:number])
    try:
        rows, columns, count = map(int, line.split())
    except ValueError:
        raise ValueError(f"{path}, line {number}: expected the numbers of rows, columns and entries") from None
    if rows != columns or not 2 <= rows < 2**62 or count < 1:
        raise ValueError(f"{path}, line {number}: a {rows} × {columns} matrix of {count} entries is no network; it "
                         "takes a square one with entries")
    return Head(path, rows, count, banner[4] == "symmetric", WIDTH[banner[3]], start, path.stat().st_size)


def read_entries(head: Head, rank: int, size: int) -> tuple[NDArray[np.int64], Floats | None]:
    """(e, 2) rows and columns from 0, and (e,) values or None, of the lines that begin in one of `size` ranges of
    bytes.

    Raises ValueError for lines that are no entries of the matrix; lines are told by the byte at which they begin.
    """
    begin, end = (head.start + (head.end - head.start) * k // size for k in (rank, rank + 1))
    tables = []
    with open(head.path, "rb") as file:
        at = _next_line(file, begin, head)
        end = _next_line(file, end, head)
        while at < end:
            stop = min(_next_line(file, at + PIECE, head), end)
            file.seek(at)
            tables.append(_parsed(file.read(stop - at), at, head))
            at = stop
    table = np.concatenate([np.empty((0, head.width)), *tables])
    return table[:, :2].astype(np.int64) - 1, table[:, 2].copy() if head.width == 3 else None


def _next_line(file: object, at: int, head: Head) -> int:
    """The byte at which the first line begins that begins at or after a byte."""
    if at <= head.start:
        return head.start
    if at >= head.end:
        return head.end
    file.seek(at - 1)       # type: ignore[attr-defined]
    return at - 1 + len(file.readline())        # type: ignore[attr-defined]


def _parsed(text: bytes, at: int, head: Head) -> Floats:
    """(n, width) numbers of whole lines."""
    lines = [line for line in text.split(b"\n") if line.strip()]
    try:
        table = np.array(b" ".join(lines).split(), dtype=np.float64).reshape(len(lines), head.width)
        good = np.isfinite(table).all() and (table[:, :2] == np.floor(table[:, :2])).all()
        if good and table[:, :2].min(initial=1) >= 1 and table[:, :2].max(initial=1) <= head.n_nodes:
            return table
    except ValueError:
        pass
    for line in lines:      # say which one
        try:
            row = [float(word) for word in line.split()]
            good = len(row) == head.width and all(x == int(x) and 1 <= x <= head.n_nodes for x in row[:2]) \
                and np.isfinite(row[-1])
        except (ValueError, OverflowError):
            good = False
        if not good:
            raise ValueError(f"{head.path}, in the lines from byte {at}: expected {head.width} finite numbers, rows "
                             f"and columns from 1 to {head.n_nodes}, got {short(line.decode('latin-1').strip())}")
    raise ValueError(f"{head.path}, in the lines from byte {at}: entries do not stand one on a line")
