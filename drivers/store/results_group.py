"""The folded results: one zarr 3 group that says what it consists of, so that nothing in it can change or go unseen.

Every chunk carries its CRC-32C, which zarr compares when it reads. The group's attributes hold the size of every file
and the SHA-256 of every description, and a SHA-256 of themselves. All of that is compared before zarr is asked: a
group of a stranger may name only the codecs and kinds of numbers that we write.
"""
from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .errors import StoreError

CODECS = {"bytes", "zstd", "crc32c", "sharding_indexed"}
KINDS = {"float64", "int64", "int8", "uint8", "uint32", "bool"}
DESCRIPTION, FILES, SEAL = "zarr.json", "files", "seal"
LARGEST = 1 << 26       # bytes of a description


def codecs() -> Any:
    """How chunks are written: compressed, then with a checksum."""
    from zarr.codecs import Crc32cCodec, ZstdCodec

    return ZstdCodec(level=0), Crc32cCodec()


def open_group(path: Path, whole: bool = True) -> Any:
    """The group, its descriptions and the sizes of its files verified; chunks are verified when they are read.

    whole : False opens what is left of a group that was changed, if it is safe to read.

    Raises StoreError.
    """
    import zarr

    verify(path, whole)
    return zarr.open_group(path, mode="r", zarr_format=3, use_consolidated=False)


def verify(path: Path, whole: bool = True) -> dict[str, Any]:
    """The attributes of a group that is as it was written, as far as its chunks need not be read. Raises StoreError."""
    try:
        attributes = described(path / DESCRIPTION, "group").get("attributes", {})
        found = dict(files(path))
        for name in found:
            if name.endswith(DESCRIPTION):
                check_array(path / name)
        if whole and attributes.get("results_format", 1) > 1:
            compare(found, attributes, path)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise StoreError(f"{path} is damaged ({error}); `ohmlearn check {path.parent}` keeps what is sound") from None
    return dict(attributes)


def compare(found: Mapping[str, int], attributes: Mapping[str, Any], path: Path) -> None:
    """Raise ValueError unless the files are those that the attributes tell."""
    if attributes[SEAL] != sealed(attributes):
        raise ValueError("its attributes were changed")
    said = json.loads(attributes[FILES])
    if set(said) != set(found):
        name = min(set(said) ^ set(found))
        raise ValueError(f"{name} is {'missing' if name in said else 'none of its files'}")
    for name, (size, digest) in said.items():
        if size != found[name] or (digest is not None and digest != digest_of(path / name)):
            raise ValueError(f"{name} was changed")


def files(path: Path) -> Iterator[tuple[str, int]]:
    """Names and sizes of all files of a group but its own description. Raises ValueError at a symbolic link."""
    for folder, folders, names in os.walk(path):
        for name in (*folders, *names):
            place = Path(folder, name)
            if place.is_symlink():
                raise ValueError(f"{place.relative_to(path)} is a symbolic link, which is not followed")
            if name in names and place != path / DESCRIPTION:
                yield place.relative_to(path).as_posix(), place.stat().st_size


def described(path: Path, kind: str) -> dict[str, Any]:
    """The description of an array or group. Raises ValueError unless it is one of zarr 3."""
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path.name} is too large")
    found = json.loads(path.read_text())
    if found.get("zarr_format") != 3 or found.get("node_type") != kind:
        raise ValueError(f"{path.parent.name}/{path.name} does not describe a zarr 3 {kind}")
    return dict(found)


def check_array(path: Path) -> None:
    """Raise ValueError unless an array is of plain numbers and written by codecs that we use."""
    found = described(path, "array")
    if found["data_type"] not in KINDS:
        raise ValueError(f"{path.parent.name} has numbers of the kind {str(found['data_type'])[:40]!r}")
    shape, chunks = found["shape"], found["chunk_grid"]["configuration"]["chunk_shape"]
    if found["chunk_grid"]["name"] != "regular" or len(shape) != len(chunks) or \
            not all(type(n) is type(m) is int and n >= 0 and 1 <= m <= max(n, 1)
                    for n, m in zip(shape, chunks, strict=True)):
        raise ValueError(f"{path.parent.name} has chunks that do not fit its shape")
    strange = {str(name) for name in codec_names(found["codecs"])} - CODECS
    if strange or found.get("storage_transformers"):
        raise ValueError(f"{path.parent.name} is written by {min(strange, default='a transformer')[:40]!r}, which no "
                         "store of ours uses, so that it is not run")


def codec_names(given: Any) -> Iterator[Any]:
    """The names of codecs, those within others too."""
    for codec in given:
        yield codec["name"]
        inside = codec.get("configuration", {})
        for key in ("codecs", "index_codecs"):
            yield from codec_names(inside.get(key, ()))


def seal(path: Path) -> None:
    """Write down what a group that is complete consists of."""
    import zarr

    said = {name: (size, digest_of(path / name) if name.endswith(DESCRIPTION) else None)
            for name, size in sorted(files(path))}
    group = zarr.open_group(path, mode="r+", zarr_format=3, use_consolidated=False)
    attributes = {**group.attrs.asdict(), FILES: json.dumps(said)}
    group.attrs.update({**attributes, SEAL: sealed(attributes)})


def sealed(attributes: Mapping[str, Any]) -> str:
    """SHA-256 of attributes but the seal itself."""
    text = json.dumps({key: value for key, value in attributes.items() if key != SEAL}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
