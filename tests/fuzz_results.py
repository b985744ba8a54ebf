"""Saved runs, checkpoints, sweep files, rasters and images changed at random: read as they were, or refused in words.

    python tests/fuzz_results.py [COUNT] [SEED]

A file of runs, a checkpoint or packed images that were changed must give the very same numbers or a ValueError; a sweep
file, a raster or images must be read or refused with a ValueError that names them, within SLOWEST seconds.
"""
from __future__ import annotations

import gzip
import random
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import ohmlearn as ol
from fuzz_counts import told
from fuzz_files import SLOWEST, damaged
from ohmlearn.drivers.recording import checkpoint_file
from ohmlearn.io.idx import read_idx
from ohmlearn.io.raster import read_raster
from sweeps import TOML

NET = ol.Network.grid(4, 4)
TASK = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
RASTER = "ncols 3\nnrows 2\nxllcorner 0.5\nyllcorner 0\ncellsize 1\nNODATA_value -9999\n1 2 3.5\n4 -9999 1e3\n"
IMAGES = b"\x00\x00\x08\x03" + b"".join(size.to_bytes(4, "big") for size in (3, 4, 5)) + bytes(range(60))
SWEEP = TOML + '[rule]\nnudge = 1e-3\nfloor_mode = "clip"\n'


def numbers(thing: Any) -> list[bytes]:
    """All that a run says, as bytes."""
    return [np.asarray(getattr(thing, name)).tobytes() for name in
            ("times", "cost", "equilibrium_cost", "conductances", "voltages", "training_time", "n_steps", "rate")] + [
        repr((thing.status, thing.reason, thing.task, thing.rule, thing.network.edges.tolist())).encode()]


def a_checkpoint(path: Path) -> None:
    """A state of a run as it is stored on the way; the run itself ends."""
    suspend = checkpoint_file.CheckpointFile.suspend

    def keep(self: checkpoint_file.CheckpointFile, state: Any) -> None:
        suspend(self, state)
        self.done = lambda: None        # type: ignore[method-assign]

    checkpoint_file.CheckpointFile.suspend, every = keep, checkpoint_file.EVERY     # type: ignore[method-assign]
    checkpoint_file.EVERY = 0.0
    try:
        trained(path)
    finally:
        checkpoint_file.CheckpointFile.suspend = suspend    # type: ignore[method-assign]
        checkpoint_file.EVERY = every


def trained(path: Path) -> list[bytes]:
    """The run that a checkpoint belongs to, and what came of it."""
    return numbers(ol.train(NET, TASK, 2.0, until=None, t_max=3.0, dt=1e-5, checkpoint=path))


def files(folder: Path) -> dict[str, tuple[bytes, Callable[[Path], Any], Any]]:
    """By kind: the sound file, how it is read, and what must come of it (None: anything)."""
    run = ol.train(NET, [TASK] * 2, [0.0, 2.0], until=1e-3, record=ol.Record(per_decade=5))[1]
    run.save(folder / "run.npz")
    a_checkpoint(folder / "state.npz")
    whole = (folder / "state.npz").read_bytes()
    return {
        "run.npz": ((folder / "run.npz").read_bytes(), lambda path: numbers(ol.load(path)), numbers(run)),
        "state.npz": (whole, trained, trained(folder / "state.npz")),
        "sweep.toml": (SWEEP.encode(), ol.Sweep.read, None),
        "grid.asc": (RASTER.encode(), read_raster, None),
        "images": (IMAGES, lambda path: read_idx(path, 3), None),
        "images.gz": (gzip.compress(IMAGES, mtime=0), lambda path: read_idx(path, 3).tolist(),
                      np.arange(60).reshape(3, 4, 5).tolist()),
    }


def wrong(path: Path, data: bytes, read: Callable[[Path], Any], expected: Any) -> str:
    """What is wrong with how a file is read, nothing where all is well."""
    path.write_bytes(data)
    begin = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = read(path)
    except ValueError as error:
        said = str(error)
        return "" if path.name in said and len(said) < 1000 else f"odd message: {said[:300]}"
    except Exception:
        return traceback.format_exc()
    if time.process_time() - begin > SLOWEST:
        return f"took {time.process_time() - begin:.1f} s"
    return "" if expected is None or found == expected else "other numbers came out"


def fuzz(count: int, seed: int = 0) -> Counter[str]:
    """How many files of each kind went well; raises AssertionError with the first that did not."""
    rng, done = random.Random(seed), Counter[str]()
    with TemporaryDirectory() as name:
        folder = Path(name)
        kinds = files(folder)
        for number in range(count):
            kind = rng.choice(list(kinds))
            sound, read, expected = kinds[kind]
            data = sound
            if expected is not None and rng.random() < 0.7:
                at = rng.randrange(len(data))
                data = data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1:]
            else:
                data = damaged(rng, data)
            found = wrong(folder / kind, data, read, expected)
            assert not found, f"file {number} of seed {seed}, {kind}: {found}\n{data[:2000]!r}"
            done[kind] += 1
    return done


if __name__ == "__main__":
    told(fuzz)
