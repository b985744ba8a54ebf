"""The first crossing of the threshold, against an integration that shares nothing with the kernels (tests/direct.py).

    python benchmarks/first_crossings.py [--tasks 8] [--tolerance 1e-3] [--seed 0] [--worst 20]

For 1, 2, 3 and 5 targets, R from 0.1 to 1e8, both floors, and networks of four families: the fraction of runs whose τ
is within the tolerance of the direct one, the largest error, and the runs that are off by more than the tolerance, with
the nearest miss before their crossing: the least C* of a dip that did not cross, over the threshold. Where that is 1.00
the task itself is undecided at the tolerance.
"""
from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import ohmlearn as ol

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
import direct

RATES = (0.1, 1.0, 10.0, 1e2, 1e4, 1e6, 1e8)
TARGETS = (1, 2, 3, 5)


def networks(seed: int) -> list[tuple[str, ol.Network]]:
    """One network of every family."""
    return [("packing", ol.Network.packing(48, seed=seed)), ("grid", ol.Network.grid(5 + seed % 3, 6)),
            ("delaunay", ol.Network.delaunay(40, seed=seed)), ("random", ol.Network.random(36, 4.5, seed=seed))]


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--tasks", type=int, default=8)
    words.add_argument("--tolerance", type=float, default=1e-3)
    words.add_argument("--seed", type=int, default=0)
    words.add_argument("--worst", type=int, default=20)
    words.add_argument("--method", default="auto")
    words.add_argument("--floors", nargs="+", default=["relax", "clip"])
    given = words.parse_args()
    rows, begun = [], time.perf_counter()
    for seed in range(given.seed, given.seed + given.tasks):
        for family, net in networks(seed):
            for count in TARGETS:
                task = ol.Task.allosteric(net, 6, count, seed=seed, feasible=True)
                for floor in given.floors:
                    rule = ol.Rule(floor_mode=floor)
                    for rate in RATES:
                        limit = 300 / (rate if rate < 1 else rate ** 0.5)
                        run = ol.train(net, task, rate, rule=rule, t_max=limit, tolerance=given.tolerance,
                                       method=given.method)
                        exact, missed, _, _ = direct.first_crossing(net, task, rule, rate, limit)
                        rows.append((family, count, floor, rate, seed, run.training_time, exact, missed, run.status))
    errors = np.array([abs(row[5] / row[6] - 1) for row in rows])
    one, other = np.isnan([row[5] for row in rows]), np.isnan([row[6] for row in rows])
    errors[one & other] = 0.0
    errors[one != other] = np.inf
    reached = ~(one & other)
    print(f"{len(rows)} runs in {time.perf_counter() - begun:.0f} s, {reached.sum()} that cross; tolerance "
          f"{given.tolerance:g}")
    for name, column in (("targets", 1), ("floor", 2), ("R", 3), ("network", 0)):
        for value in dict.fromkeys(row[column] for row in rows):
            mine = np.array([row[column] == value for row in rows]) & reached
            found = errors[mine]
            within = np.mean(found <= given.tolerance)
            print(f"{name:8s} {value!s:9s} {mine.sum():5d} runs: within tolerance {within:.4f}, "
                  f"over 10 times {np.sum(found > 10 * given.tolerance)}, largest {found.max():.2e}, "
                  f"median {np.median(found):.1e}")
    print(f"all: within tolerance {np.mean(errors[reached] <= given.tolerance):.4f}; off by more than 10 times: "
          f"{np.sum(errors > 10 * given.tolerance)}")
    for k in np.argsort(-errors)[:given.worst]:
        if errors[k] > given.tolerance:
            family, count, floor, rate, seed, mine, exact, missed, status = rows[k]
            print(f"  {family} seed {seed}, {count} targets, {floor}, R = {rate:g}: {mine:.8g} for {exact:.8g} "
                  f"({errors[k]:.1e}), {status}; nearest miss {missed:.6g}")


if __name__ == "__main__":
    main()
