"""Whether the RK4 step depends on where its arrays lie in memory: time over random placements of its five arrays.

    taskset -c 0 python benchmarks/placements.py [--placements 200]

Arrays apart: each placement puts v, w and G and their scratch (x, y, q, G, Gq of a block of 8 members at N = 64) in
another order, with gaps of random multiples of 64 bytes up to 8 KiB between them. As blocks are: one after the other in
the order of `lane_arrays.allocate`, beginning at a random multiple of 64 bytes. These are in the same memory, one after
the other in time, so that only the addresses differ. Other pages: the last again and again, each in memory of its own,
which the system puts where it likes. Other addresses: the same memory of one such, under many addresses.

Each placement is timed several times in turns with the others, and its least time counts, since whatever else the
machine does only adds to it.
"""
from __future__ import annotations

import argparse
import mmap
import os
import time

import numpy as np
from ensembles import a_block
from lane_work import march
from ohmlearn.kernels.ensemble import step_control

STEPS, ROUNDS = 400, 40
NAMES = ("y", "q", "Gq", "x", "G")      # in the order of a block
ROOM = 1 << 17                          # bytes of a piece of memory


def mapped(file):
    """The memory of a file, at an address that no other mapping has."""
    return np.frombuffer(mmap.mmap(file, ROOM), dtype=np.float64)


def memory():
    """A file that is only in memory."""
    file = os.memfd_create("placements")
    os.ftruncate(file, ROOM)
    return file


def placed(block, buffer, names, gaps):
    """The block with its five arrays in `buffer`, one after the other in the order of `names` after these gaps."""
    arrays, begin = {}, 0
    for gap, name in zip(gaps, names, strict=True):
        given = getattr(block, name)
        begin += int(gap)
        arrays[name] = buffer[begin:begin + given.size].reshape(given.shape)
        arrays[name][:] = given
        begin += given.size
    return block._replace(**arrays)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--placements", type=int, default=200)
    count = words.parse_args().placements
    block = a_block(64, follow=False).block
    for lane in range(8):
        step_control.set_step(block.lanes.each[lane], block.law.rows, lane, 1e-4)
    rng, one, first = np.random.default_rng(0), memory(), np.array([1, 0, 0, 0, 0])
    gaps = rng.integers(0, 129, (count, len(NAMES))) * 8            # in numbers: multiples of 64 bytes, up to 8 KiB
    same = mapped(one)
    places = {
        "arrays apart": [(same, rng.permutation(NAMES), apart) for apart in gaps],
        "as blocks are": [(same, NAMES, first * apart) for apart in gaps],
        "other addresses": [(mapped(one), NAMES, 0 * first) for _ in range(count)],
        "other pages": [(mapped(memory()), NAMES, 0 * first) for _ in range(count)],
        "one placement": [(same, NAMES, 0 * first)] * count,
    }
    every = [(name, k) for name in places for k in range(count)]
    least = {name: np.full(count, np.inf) for name in places}
    for _ in range(ROUNDS):
        for turn in rng.permutation(len(every)):
            name, k = every[turn]
            there = placed(block, *places[name][k])
            march(there, STEPS // 10)
            begin = time.perf_counter()
            march(there, STEPS)
            least[name][k] = min(least[name][k], time.perf_counter() - begin)
    for name, seconds in least.items():
        times = seconds / STEPS / 8 * 1e9
        low, middle, high = np.quantile(times, [0.1, 0.5, 0.9])
        print(f"{name}, {count} times: {times.min():.1f} to {times.max():.1f} ns a member-step, worst over best "
              f"{times.max() / times.min():.3f}; median {middle:.1f} ({low:.1f} to {high:.1f})")


if __name__ == "__main__":
    main()
