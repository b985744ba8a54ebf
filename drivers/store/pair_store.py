"""The store of effective resistances: the pairs in blocks, each a member of a part as a run is of a sweep's store."""
from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn import __version__
from ohmlearn.checks.file_text import brief, read_arrays
from ohmlearn.io.replacing import replacing

from . import part_file, results_group
from .consolidate import put_in_place
from .errors import StoreError
from .record import FORMAT, Layout, Row
from .store import INPUTS, SEALED, seal, sealed_file

HEADER, RESULTS = "pairs.json", "resistances.zarr"
BLOCK = 256     # pairs of a block, which one rank takes at a time
DONE = "reached"

Arrays = dict[str, NDArray[Any]]


class Blocks(Layout):
    """What a block is in a part: the member of the task of its number at rate 0, its numbers resistances."""

    def has_room(self, data: bytes) -> bool:
        return len(data) % 8 == 0 and 0 < len(data) <= 8 * BLOCK

    def row(self, block: int, values: NDArray[np.float64]) -> Row:
        """A block of resistances, with its checksum."""
        return self.sealed(Row(block, 0.0, DONE, "", values.astype("<f8").tobytes(), 0))


@dataclass(frozen=True, eq=False)
class PairStore:
    """A store on the disk. given : edges, n_nodes, conductances, held and pairs. method : how they are solved for."""

    path: Path
    digest: str
    method: str
    given: Arrays

    @classmethod
    def prepare(cls, path: Path, given: Arrays, method: str) -> PairStore:
        """The store of these inputs, made or opened. Call it alone. Raises StoreError where it is of others."""
        if (path / HEADER).exists():
            store = cls.open(path)
            if store.digest != digest_of(given):
                raise StoreError(f"{path} holds resistances of another network, other conductances or other pairs; "
                                 "name another store")
            return store
        header = {"format": FORMAT, "version": __version__, "digest": digest_of(given), "method": method}
        header["seal"] = seal(header)
        with replacing(path / INPUTS, "wb") as file:
            file.write(sealed_file(given))
        with replacing(path / HEADER) as file:
            json.dump(header, file, indent=1)
        return cls(path, str(header["digest"]), method, given)

    @classmethod
    def open(cls, path: Path) -> PairStore:
        """An existing store, verified. Raises StoreError."""
        try:
            header = json.loads((path / HEADER).read_text())
        except (FileNotFoundError, NotADirectoryError):
            raise StoreError(f"{path} is not a store of resistances: it has no {HEADER}; name the folder that "
                             "`ohmlearn resistances` wrote") from None
        except (OSError, ValueError, RecursionError) as error:
            raise StoreError(f"{path / HEADER} is damaged ({brief(error)}); compute into a new store") from None
        if not isinstance(header, dict) or header.get("format") != FORMAT or header.get("seal") != seal(header):
            raise StoreError(f"{path / HEADER} was changed or is of another version; compute into a new store")
        try:
            data = (path / INPUTS).read_bytes()
            given = read_arrays(data)
            if hashlib.sha256(data[:-SEALED]).hexdigest().encode() != data[-SEALED:] or \
                    digest_of(given) != header["digest"]:
                raise ValueError("it was changed")
        except (OSError, ValueError, KeyError) as error:
            raise StoreError(f"{path / INPUTS} is damaged ({brief(error)}); restore it, or compute into a new "
                             "store") from error
        return cls(path, header["digest"], header["method"], given)

    @property
    def pairs(self) -> NDArray[np.int64]:
        return self.given["pairs"]

    @property
    def n_blocks(self) -> int:
        return -(-len(self.pairs) // BLOCK)

    def block(self, number: int) -> NDArray[np.int64]:
        """The pairs of a block."""
        return self.pairs[number * BLOCK:(number + 1) * BLOCK]

    @cached_property
    def layout(self) -> Blocks:
        return Blocks(0, 0, 0, keep_state=False, digest=self.digest)

    def part(self, rank: int) -> Path:
        """The file of one rank."""
        return self.path / f"part-1of1-rank{rank:04d}.sqlite"

    def parts(self) -> list[Path]:
        """The files of the ranks."""
        return sorted(self.path.glob("part-*.sqlite"))

    @property
    def results(self) -> Path:
        """The folded results; their former name while folding was cut off between two names."""
        place, old = self.path / RESULTS, self.path / f"{RESULTS}.old"
        return place if place.exists() or not old.exists() else old

    def read(self) -> NDArray[np.float64]:
        """(n_pairs,) resistances, verified; NaN where they are still to compute. Raises StoreError."""
        if self.results.exists():
            group = results_group.open_group(self.results)
            try:
                if group.attrs["digest"] != self.digest:
                    raise ValueError("it is of other pairs")
                return np.asarray(group["resistance"][:], dtype=np.float64).reshape(len(self.pairs))
            except Exception as error:      # of zarr, where a chunk was changed
                raise StoreError(f"{self.results} is damaged ({brief(error)}); remove it and repeat the "
                                 "command") from error
        found = np.full(len(self.pairs), np.nan)
        for part in self.parts():
            for (number, _), row in part_file.rows(part, self.layout):
                if row is None or row.task >= self.n_blocks or len(row.data) != 8 * len(self.block(row.task)):
                    raise StoreError(f"{part} is damaged at block {number}; remove the file and repeat the command, "
                                     "which computes again what was in it")
                found[row.task * BLOCK:(row.task + 1) * BLOCK] = np.frombuffer(row.data, dtype="<f8")
        return found

    def todo(self) -> NDArray[np.int64]:
        """Numbers of the blocks that are still to compute."""
        missing = np.isnan(self.read())
        return np.flatnonzero(np.logical_or.reduceat(missing, np.arange(0, missing.size, BLOCK)))

    def fold(self) -> None:
        """One zarr group in place of the parts. Cut off anywhere, it can be repeated."""
        put_in_place(self.path / RESULTS, self.results.exists(), self._write, self.parts())

    def _write(self, path: Path) -> None:
        import zarr

        group = zarr.create_group(path, zarr_format=3)
        for name, values, dims in (("pair", self.pairs, ("pair", "end")), ("resistance", self.read(), ("pair",))):
            group.create_array(name, data=values, dimension_names=dims, compressors=results_group.codecs(),
                               config={"write_empty_chunks": True})
        group.attrs.update({"digest": self.digest, "results_format": FORMAT, "ohmlearn_versions": [__version__]})


def digest_of(given: Arrays) -> str:
    """SHA-256 of the inputs."""
    text = hashlib.sha256()
    for name in ("edges", "n_nodes", "conductances", "held", "pairs"):
        values = np.ascontiguousarray(given[name])
        text.update(f"{name} {values.dtype.str} {values.shape} ".encode() + values.tobytes())
    return text.hexdigest()
