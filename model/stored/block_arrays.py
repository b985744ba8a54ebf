"""Arrays of a large network by blocks of nodes: one zarr 3 group on disk, which many processes write and read at once.

Every array is one chunk with its CRC-32C. A group may come from anybody: only the kinds of numbers and codecs that are
written here are read, and every shape is compared before a chunk is.
"""
from __future__ import annotations

import json
import math
import os
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

CODECS = {"bytes", "zstd", "crc32c"}
DESCRIPTION = "zarr.json"
LARGEST = 1 << 24       # bytes of a description


class DamagedStore(ValueError):
    """A store of a large network of which a part is missing or not as it was written; the message says which.

    >>> import ohmlearn as ol
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     try:
    ...         ol.distributed.open_network(folder)
    ...     except ol.distributed.DamagedStore as error:
    ...         print("holds no" in str(error))
    True
    """


class BlockArrays:
    """A group of arrays `name/block`, with attributes.

    path : the folder. attributes : what was said when it was made.
    """

    def __init__(self, path: Path, attributes: Mapping[str, Any]) -> None:
        self.path, self.attributes = path, dict(attributes)

    @classmethod
    def create(cls, path: Path, names: Sequence[str], attributes: Mapping[str, Any]) -> BlockArrays:
        """A new group on disk, with the names of the arrays to come. Raises OSError where it cannot be made."""
        import zarr

        try:
            path.mkdir()
            group = zarr.create_group(path, zarr_format=3, attributes=dict(attributes))
            for name in names:
                group.create_group(name)
        except OSError as error:
            raise type(error)(error.errno, f"cannot make a store there ({error.strerror}); choose a folder that "
                              "exists, is writable and has room", str(path)) from error
        return cls(path, attributes)

    @classmethod
    def begin(cls, place: str | os.PathLike[str], names: Sequence[str]) -> BlockArrays:
        """A new group beside its place, of no kind that is read, until `finish` moves it there. Raises OSError,
        FileExistsError where something is in its place."""
        place = Path(place)
        if place.exists():
            raise FileExistsError(17, "it exists already; remove it, or choose another name", str(place))
        return cls.create(place.with_name(f"{place.name[:200]}.tmp{uuid.uuid4().hex[:12]}"), names,
                          {"kind": "unfinished"})

    def finish(self, place: str | os.PathLike[str], attributes: Mapping[str, Any]) -> None:
        """Say what is in a group that was begun, and move it to its place."""
        import zarr

        zarr.open_group(self.path, mode="r+", zarr_format=3).attrs.update(dict(attributes))
        os.rename(self.path, place)

    @classmethod
    def open(cls, path: str | os.PathLike[str], kind: str) -> BlockArrays:
        """A group on disk whose attribute `kind` is as given. Raises DamagedStore, and OSError where it is absent."""
        path = Path(path)
        if not path.exists():
            raise FileNotFoundError(2, f"there is no {kind} of that name", str(path))
        try:
            attributes = _described(path / DESCRIPTION, "group")["attributes"]
            found = str(attributes["kind"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DamagedStore(f"{path} holds no {kind} ({_brief(error)}); write it anew, or name another "
                               "one") from None
        if found != kind:
            raise DamagedStore(f"{path} holds {found[:60]!r}, not the {kind} that is wanted; name another one")
        return cls(path, attributes)

    def check_version(self, version: int) -> None:
        """Raise DamagedStore unless the attribute `version`, of the layout, is this one."""
        found = self.attributes.get("version")
        if found != version:
            raise DamagedStore(f"{self.path} has format {found}, this version of ohmlearn reads format {version}; "
                               "write it anew")

    def write(self, name: str, block: int, array: NDArray[Any]) -> None:
        """Write one array of floats or integers."""
        import zarr
        from zarr.codecs import Crc32cCodec, ZstdCodec

        zarr.create_array(self._place(name, block), data=np.ascontiguousarray(array), zarr_format=3,
                          chunks=tuple(max(1, side) for side in array.shape),
                          compressors=(ZstdCodec(level=1), Crc32cCodec()), config={"write_empty_chunks": True})

    def read(self, name: str, block: int, shape: tuple[int, ...], dtype: str = "float64") -> NDArray[Any]:
        """Read one array, which has this shape and kind of numbers. Raises DamagedStore."""
        import zarr

        place = self._place(name, block)
        try:
            _check(_described(place / DESCRIPTION, "array"), shape, dtype)
            if math.prod(shape) and not place.joinpath("c", *("0" for _ in shape)).is_file():
                raise ValueError("its numbers are missing")
            array = np.asarray(zarr.open_array(place, mode="r", zarr_format=3)[...])
        except Exception as error:      # of zarr's codecs too, where a chunk was changed
            raise DamagedStore(f"{self.path}: {name} of block {block} is damaged or missing ({_brief(error)}); write "
                               "the store anew") from None
        return array

    def _place(self, name: str, block: int) -> Path:
        return self.path / name / f"{block:07d}"


def _described(path: Path, node: str) -> dict[str, Any]:
    """The description of an array or group, as it stands in its file."""
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path.name} has {path.stat().st_size} bytes")
    found = json.loads(path.read_text("utf-8"))
    if found.get("zarr_format") != 3 or found.get("node_type") != node:
        raise ValueError(f"{path.name} does not describe a zarr 3 {node}")
    return dict(found)


def _check(found: Mapping[str, Any], shape: tuple[int, ...], dtype: str) -> None:
    """Raise ValueError unless an array is one that `write` wrote, of this shape and kind."""
    if tuple(found["shape"]) != shape or found["data_type"] != dtype:
        raise ValueError(f"{found['data_type']} of shape {tuple(found['shape'])}, not {dtype} of shape {shape}")
    if tuple(found["chunk_grid"]["configuration"]["chunk_shape"]) != tuple(max(1, side) for side in shape):
        raise ValueError("it is not one chunk")
    codecs = {str(codec["name"]) for codec in found["codecs"]}
    if not codecs <= CODECS:
        raise ValueError(f"codecs {sorted(codecs - CODECS)} are not read")


def _brief(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
