"""Stores changed at random: every change is noticed when the store is read or by `check`, and none comes out as data.

    python tests/fuzz_stores.py [COUNT] [SEED]

A byte of a file is flipped, a file cut short or taken away, over stores whose members are in parts and stores that are
folded. What then is read must be what was read before, or be refused. A change that neither is noticed nor changes
what is read must have fallen into bytes of an SQLite file that hold nothing: in what was deleted or never used of its
pages, or in fields of its header that only count changes and name versions.
"""
from __future__ import annotations

import random
import shutil
import struct
import warnings
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import ohmlearn as ol
from fuzz_counts import told
from ohmlearn.drivers.store import consolidate
from ohmlearn.drivers.store.repair import check
from sweeps import small


def make(folder: Path) -> None:
    """Two stores of the small sweep, `parts` and `folded`."""
    fold = consolidate.fold
    consolidate.fold = lambda store: None
    try:
        small().run(folder / "parts", threads=1, progress=False)
    finally:
        consolidate.fold = fold
    shutil.copytree(folder / "parts", folder / "folded")
    small().run(folder / "folded", threads=1, progress=False)


def everything(path: Path) -> dict[str, bytes]:
    """All that a store says, as bytes by name; statuses and reasons too."""
    data = ol.open_results(path).load()
    found = {name: (str(data[name].values.tolist()).encode() if data[name].dtype.kind in "OU" else
                    np.ascontiguousarray(data[name].values).tobytes()) for name in data.variables}
    return found | {f"attribute {name}": repr(value).encode() for name, value in data.attrs.items()}


def damage(rng: random.Random, file: Path) -> tuple[str, int]:
    """Change a file; returns how, and where a byte was flipped, else -1."""
    data = bytearray(file.read_bytes())
    how = rng.choice(["a flip"] * 6 + ["cut short", "taken away", "bytes put in"])
    if how == "taken away" or not data:
        file.unlink()
        return "taken away", -1
    place = -1
    if how == "a flip":
        place = rng.randrange(len(data))
        data[place] ^= 1 << rng.randrange(8)
    elif how == "cut short":
        del data[rng.randrange(len(data)):]
    else:
        at = rng.randrange(len(data) + 1)
        data[at:at] = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 9)))
    file.write_bytes(data)
    return how, place


def holds_nothing(data: bytes, place: int) -> bool:
    """Whether a byte of an SQLite file (https://www.sqlite.org/fileformat.html, 1.3 to 1.6) is in a field of the file's
    header that says nothing of its content, in a page that is free, or in a gap of one that is not."""
    if place < 100:
        return 18 <= place < 20 or 24 <= place < 28 or 40 <= place < 52 or 56 <= place < 60 or place >= 72
    size, = struct.unpack_from(">H", data, 16)
    page, within = divmod(place, size)
    trunk, = struct.unpack_from(">I", data, 32)
    while trunk:        # pages that are free: some of them list the others
        after, count = struct.unpack_from(">II", data, (trunk - 1) * size)
        if page == trunk - 1:
            return within >= 8 + 4 * count
        if page + 1 in struct.unpack_from(f">{count}I", data, (trunk - 1) * size + 8):
            return True
        trunk = after
    head = page * size + (100 if page == 0 else 0)
    kind, block, cells, content = struct.unpack_from(">BHHH", data, head)
    if kind not in (2, 5, 10, 13):
        return False
    pointers = head + (12 if kind in (2, 5) else 8) + 2 * cells
    if pointers <= place < page * size + (content or 65536):
        return True
    while block:        # what was deleted within a page: the next one, and how long it is
        after, length = struct.unpack_from(">HH", data, page * size + block)
        if block + 4 <= within < block + length:
            return True
        block = after
    return False


def noticed(path: Path, before: dict[str, bytes]) -> str:
    """Where a change was noticed. Raises AssertionError where other data came out."""
    try:
        found = everything(path)
    except ValueError:
        return "when it was read"
    todo = found.pop("attribute members_to_do") != b"0"     # a part that is gone: its members are to be computed again
    if not todo:
        assert found == {key: value for key, value in before.items() if key != "attribute members_to_do"}, \
            [key for key in before if found.get(key) != before[key]]
        if not check(path, repair=False).lines:
            return "nowhere: it fell into bytes that hold nothing"
        return "by check"
    return "as members to do"


def fuzz(count: int, seed: int = 0) -> Counter[str]:
    """How many changes were noticed where; raises AssertionError with the first that was not."""
    rng, done = random.Random(seed), Counter[str]()
    warnings.simplefilter("ignore")
    with TemporaryDirectory() as name:
        folder = Path(name)
        make(folder)
        before = {kind: everything(folder / kind) for kind in ("parts", "folded")}
        for number in range(count):
            kind = rng.choice(["parts", "folded"])
            path = folder / kind
            file = rng.choice(sorted(file for file in path.rglob("*") if file.is_file() and "lock" not in file.name
                                     and "journal" not in file.name))
            whole = file.read_bytes()
            how, place = damage(rng, file)
            try:
                where = noticed(path, before[kind])
            except Exception as error:
                raise AssertionError(f"change {number} of seed {seed}, {how} in {file.name} of {kind}") from error
            if where.startswith("nowhere"):
                unused = place >= 0 and file.suffix == ".sqlite" and holds_nothing(whole, place)
                assert unused, f"change {number} of seed {seed}: {how} at {place} of {file.name} was not noticed"
            done[f"{kind:7} {how:13} noticed {where}"] += 1
            file.write_bytes(whole)
            for other in path.glob("*-journal"):
                other.unlink()
    return done


if __name__ == "__main__":
    told(fuzz)
