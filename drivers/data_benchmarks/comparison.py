"""Rows of a benchmark: what was measured here, beside what others published or reach."""
from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class Row(NamedTuple):
    """what : in words. measured : here. published : by others, empty where nothing comparable is. beside : what a peer
    reaches on the same data, or a remark."""

    what: str
    measured: str
    published: str = ""
    beside: str = ""


def spread(values: ArrayLike, digits: int = 4) -> str:
    """Mean, and smallest and largest of some values."""
    found = np.asarray(values, dtype=np.float64)
    return f"{found.mean():.{digits}f} ({found.min():.{digits}f} to {found.max():.{digits}f})"


def table(rows: list[Row]) -> list[str]:
    """Lines of a table."""
    every = [Row("what", "here", "published", "beside"), *rows]
    widths = [max(len(row[k]) for row in every) for k in range(4)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in every]
