"""States of running members as bytes: what a checkpoint in a store is made of."""
from __future__ import annotations

import json
import struct
import zlib
from functools import cache
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

State = dict[str, NDArray[Any]]


def encode(state: State, maker: str = "") -> bytes:
    """A state as bytes: CRC-32, a header with names, kinds and shapes, then the numbers (npy's headers cost more).

    maker : what made it, and whose it is; nothing else can resume from it.
    """
    head = json.dumps([maker, [(name, described(array.dtype), array.shape) for name, array in state.items()]]).encode()
    body = b"".join([struct.pack("<I", len(head)), head, *(array.tobytes() for array in state.values())])
    return struct.pack("<I", zlib.crc32(body)) + body


def intact(data: object) -> bool:
    """Whether bytes are those of a state as it was written."""
    return isinstance(data, bytes) and len(data) >= 8 and \
        struct.unpack_from("<I", data)[0] == zlib.crc32(memoryview(data)[4:])


def decode(data: object, maker: str = "") -> State | None:
    """The state that was encoded, None when the bytes are damaged or another's."""
    if not isinstance(data, bytes) or not intact(data):
        return None
    place = 8 + struct.unpack_from("<I", data, 4)[0]
    state: State = {}
    try:
        made_by, arrays = json.loads(data[8:place])
        if made_by != maker:
            return None
        for name, said, shape in arrays:
            kind = np.dtype(said if isinstance(said, str) else [(n, k, *map(tuple, more)) for n, k, *more in said])
            if kind.hasobject:
                return None
            state[name] = np.frombuffer(data, kind, prod(shape), place).reshape(shape).copy()
            place += state[name].nbytes
    except (ValueError, TypeError):     # made to look like a state
        return None
    return state


@cache
def described(kind: np.dtype[Any]) -> Any:
    """A dtype in JSON's words; fields with names, kinds and shapes."""
    return kind.str if kind.fields is None else kind.descr
