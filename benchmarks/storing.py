"""How fast members are stored and folded, and what they take on the disk.

    python benchmarks/storing.py --members 100000

Members are made up (nothing is trained), of the size of the paper's networks, and go the way that a sweep's go.
"""
from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from ohmlearn import Run, Sweep
from ohmlearn.drivers.store import consolidate, part_file
from ohmlearn.drivers.store.part_writer import PartWriter
from ohmlearn.drivers.store.store import Store
from ohmlearn.parallel.timeline import Timeline


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, default=None, help="on the disk to be measured")
    given = parser.parse_args()
    sweep = Sweep.from_tables({
        "network": {"packing": {"n_nodes": 64, "seed": 1}},
        "tasks": {"allosteric": {"count": max(1, given.members // 10)}},
        "sweep": {"rates": {"from": 1.0, "to": 1e9, "per_decade": 1}}})
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        store = Store.prepare(Path(folder), sweep)
        took = store_all(store, sweep)
        n = len(sweep)
        size, files = on_disk(store.path)
        print(f"stored {n} members in {took:.2f} s: {n / took:.0f} members/s, {size / n:.0f} bytes a member, "
              f"{files} files")
        begin = time.perf_counter()
        consolidate.fold(store)
        took = time.perf_counter() - begin
        size, files = on_disk(store.path)
        print(f"folded in {took:.2f} s: {size / n:.0f} bytes a member, {files} files")
        begin = time.perf_counter()
        found = Store.open(store.path).status()
        print(f"all {int((found >= 0).sum())} found again in {time.perf_counter() - begin:.2f} s")


def store_all(store: Store, sweep: Sweep) -> float:
    """Seconds from the first member to all of them on the disk. Their numbers are random and do not compress."""
    path = store.part((1, 1), 0)
    part_file.prepare(path, store.layout, "0")
    rng = np.random.default_rng(0)
    n, m = sweep.network.n_nodes, sweep.network.n_edges
    begin = time.perf_counter()
    writer = PartWriter(path, Timeline())
    for task in range(len(sweep.tasks)):
        for rate in sweep.rates.tolist():
            x = rng.random(5)
            run = Run(rate, "reached", f"C* fell below 1e-06 C*(0) at t = {x[0]:.6g}", *x[:4], rng.random(m),
                      rng.random(n), rng.random(n), np.empty(0), np.empty(0), np.empty(0), x[4], 9e-7, 3765, 400)
            writer.add(store.layout.pack(task, run))
    writer.close()
    assert writer.error is None
    return time.perf_counter() - begin


def on_disk(path: Path) -> tuple[int, int]:
    """Bytes and files of a folder."""
    files = [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files), len(files)


if __name__ == "__main__":
    main()
