"""Whether the RK4 step depends on where its arrays lie in memory: time over random placements of its five arrays.

    taskset -c 0 python benchmarks/placements.py [--placements 200]

Each placement puts v, w and G and their scratch (x, y, q, G, Gq of a block of 8 members at N = 64) in another order,
with gaps of random multiples of 64 bytes up to 8 KiB between them. Each is timed several times in turns with the
others, and its least time counts, since whatever else the machine does only adds to it. Printed: worst over best, and
where the placement that blocks have (`lane_arrays.allocate`: one after the other) stands.
"""
from __future__ import annotations

import argparse
import time

import numpy as np
from ensembles import a_block
from lane_work import march
from ohmlearn.kernels.ensemble import step_control
from ohmlearn.kernels.simd.vectors import aligned

STEPS, ROUNDS = 400, 12
NAMES = ("x", "y", "q", "G", "Gq")


def placed(block, rng):
    """The block with its five arrays elsewhere."""
    shapes = [getattr(block, name).shape for name in NAMES]
    gaps = rng.integers(0, 129, len(NAMES) + 1) * 8                     # in rows of 64 bytes: multiples of 8 numbers
    buffer = aligned(int(sum(np.prod(shape) for shape in shapes) + gaps.sum()) + 64)
    arrays, begin = {}, 0
    for k in rng.permutation(len(NAMES)):
        begin += int(gaps[k])
        size = int(np.prod(shapes[k]))
        arrays[NAMES[k]] = buffer[begin:begin + size].reshape(shapes[k])
        arrays[NAMES[k]][:] = getattr(block, NAMES[k])
        begin += size
    return block._replace(**arrays)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--placements", type=int, default=200)
    given = words.parse_args()
    block = a_block(64, follow=False).block
    for lane in range(8):
        step_control.set_step(block.lanes.each[lane], block.law.rows, lane, 1e-4)
    rng = np.random.default_rng(0)
    blocks = [block] + [placed(block, rng) for _ in range(given.placements)]
    least = np.full(len(blocks), np.inf)
    march(block, STEPS)
    for _ in range(ROUNDS):
        for k in rng.permutation(len(blocks)):
            begin = time.perf_counter()
            march(blocks[k], STEPS)
            least[k] = min(least[k], time.perf_counter() - begin)
    times = least / STEPS / 8 * 1e9
    low, middle, high = np.quantile(times[1:], [0.1, 0.5, 0.9])
    best, worst = times[1:].min(), times[1:].max()
    print(f"{given.placements} placements: {best:.1f} to {worst:.1f} ns a member-step, worst over best "
          f"{worst / best:.3f}; median {middle:.1f} ({low:.1f} to {high:.1f})\n"
          f"as blocks are allocated: {times[0]:.1f} ns, {times[0] / best:.3f} of the best")


if __name__ == "__main__":
    main()
