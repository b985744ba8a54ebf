"""How wide the numbers are by which rows, edges and entries are counted."""
from __future__ import annotations

from typing import Any

import numpy as np

LARGEST = 2**31 - 1     # that an index of 32 bits can count; they take half the memory traffic of 64 bits


def index_type(count: int) -> type[np.signedinteger[Any]]:
    """The narrowest of 32 and 64 bits in which indices below `count`, and `count` itself, can be written."""
    return np.int32 if count <= LARGEST else np.int64
