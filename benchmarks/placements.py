"""Whether the RK4 step depends on where its arrays lie in memory: time over random placements of its five arrays.

    taskset -c 0 python benchmarks/placements.py [--placements 200]

Arrays apart: each placement puts v, w and G and their scratch (x, y, q, G, Gq of a block of 8 members at N = 64) in
another order, with gaps of random multiples of 64 bytes up to 8 KiB between them. As blocks are: one allocation in the
order of `lane_arrays.allocate`, without gaps, that begins at a random multiple of 64 bytes. Each placement is timed
several times in turns with the others, and its least time counts, since whatever else the machine does only adds to it.
"""
from __future__ import annotations

import argparse
import time

import numpy as np
from ohmlearn.kernels.ensemble import step_control
from ohmlearn.kernels.simd.vectors import aligned

STEPS, ROUNDS = 400, 60
NAMES = ("y", "q", "Gq", "x", "G")      # in the order of a block


def placed(block, rng, apart):
    """The block with its five arrays elsewhere: each by itself, or one after the other as in a block."""
    shapes = {name: getattr(block, name).shape for name in NAMES}
    gaps = rng.integers(0, 129, len(NAMES)) * 8                     # in numbers: multiples of 64 bytes, up to 8 KiB
    if not apart:
        gaps[1:] = 0
    buffer = aligned(int(sum(np.prod(shape) for shape in shapes.values()) + gaps.sum()))
    arrays, begin = {}, 0
    for gap, name in zip(gaps, rng.permutation(NAMES) if apart else NAMES, strict=True):
        begin += int(gap)
        size = int(np.prod(shapes[name]))
        arrays[name] = buffer[begin:begin + size].reshape(shapes[name])
        arrays[name][:] = getattr(block, name)
        begin += size
    return block._replace(**arrays)


def main() -> None:
    from ensembles import a_block
    from lane_work import march

    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--placements", type=int, default=200)
    given = words.parse_args()
    block = a_block(64, follow=False).block
    for lane in range(8):
        step_control.set_step(block.lanes.each[lane], block.law.rows, lane, 1e-4)
    rng = np.random.default_rng(0)
    blocks = [placed(block, rng, apart) for apart in (True, False) for _ in range(given.placements)]
    least = np.full(len(blocks), np.inf)
    march(block, STEPS)
    for _ in range(ROUNDS):
        for k in rng.permutation(len(blocks)):
            begin = time.perf_counter()
            march(blocks[k], STEPS)
            least[k] = min(least[k], time.perf_counter() - begin)
    for name, times in zip(("arrays apart", "as blocks are"), np.split(least / STEPS / 8 * 1e9, 2), strict=True):
        low, middle, high = np.quantile(times, [0.1, 0.5, 0.9])
        print(f"{name}, {given.placements} placements: {times.min():.1f} to {times.max():.1f} ns a member-step, worst "
              f"over best {times.max() / times.min():.3f}; median {middle:.1f} ({low:.1f} to {high:.1f})")


if __name__ == "__main__":
    main()
