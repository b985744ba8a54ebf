"""Arrays in files of the IDX format, that of MNIST."""
from __future__ import annotations

import gzip
import os
import zlib
from math import prod
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray
from ohmlearn.checks.file_text import LARGEST, reading

DENSEST = 1032      # bytes that a byte of a gzip file can stand for


def read_idx(path: str | os.PathLike[str], dimensions: int) -> NDArray[np.uint8]:
    """Array of unsigned bytes in an IDX file, compressed by gzip or not, with this many dimensions.

    Raises OSError if the file cannot be read, ValueError naming it if it is something else, damaged, shorter or longer
    than its header says, or larger than LARGEST.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "labels").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
    ...     read_idx(Path(folder, "labels"), 1).tolist()
    [7, 2, 1]
    """
    with reading(path), open(path, "rb") as file:
        packed, size = file.read(2) == b"\x1f\x8b", os.fstat(file.fileno()).st_size
        file.seek(0)
        if not packed:
            return _array(path, file, dimensions, size)
        try:
            with gzip.open(file) as unpacked:
                return _array(path, cast(IO[bytes], unpacked), dimensions, DENSEST * size)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{path} is a damaged gzip file ({error}); download or copy it again") from error


def _array(path: str | os.PathLike[str], file: IO[bytes], dimensions: int, most: int) -> NDArray[np.uint8]:
    """The array, of which no more is read than the header says. most : bytes that the file can hold."""
    head = file.read(4 + 4 * dimensions)
    if len(head) < 4 or head[:3] != b"\x00\x00\x08":
        raise ValueError(f"{path} is no IDX file of bytes, the format of MNIST")
    if head[3] != dimensions:
        raise ValueError(f"{path} holds an array of {head[3]} dimensions, where {dimensions} are needed; images have 3 "
                         "and labels 1")
    if len(head) < 4 + 4 * dimensions:
        raise ValueError(f"{path} ends within its header; download or copy it again")
    shape = tuple(int.from_bytes(head[at:at + 4], "big") for at in range(4, len(head), 4))
    size = prod(shape)
    said = f"{path} says that it holds {'×'.join(map(str, shape))} bytes"
    if size > LARGEST:
        raise ValueError(f"{said}, more than {LARGEST}")
    body = file.read(min(size, most) + 1)
    if len(body) != size:
        holds = "more" if len(body) > size else str(len(body))
        raise ValueError(f"{said}, but holds {holds}; download or copy it again")
    return np.frombuffer(body, np.uint8).reshape(shape)
