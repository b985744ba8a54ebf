"""Solves while conductances drift by 1 % each time: with what is kept, against a new factor every time.

    python benchmarks/drift.py N_NODES [SOLVES] [METHOD ...]

Processor time of one thread for all solves, in turns within one run; set OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1
first. The first solve of each, which analyses the pattern, is left out of both.
"""
from __future__ import annotations

import sys
import time

import numpy as np
import ohmlearn as ol
from ohmlearn.solvers.equilibrium import backends

DRIFT = 0.01


def main(n_nodes: int, solves: int, methods: list[str]) -> None:
    network = ol.Network.delaunay(n_nodes, seed=3)
    print(f"{network!r}, {solves} solves, G drifting by {DRIFT:g} each time\n{'decades':>7} {'method':>22} {'kept':>8} "
          f"{'new':>8} {'ratio':>6} {'setups':>6} {'iterations':>10}  in use at the end")
    for decades in (0, 4):
        for method in methods or ["auto", *(m for m in backends.BACKENDS if backends.installed(m))]:
            rng = np.random.default_rng(0)
            g = 10 ** rng.uniform(-decades / 2, decades / 2, network.n_edges)
            kept = ol.Equilibrium(network, [0, n_nodes - 1], method)
            used, times = method, np.zeros((2, solves))
            for k in range(-1, solves):
                g = g * np.exp(DRIFT * rng.normal(size=g.size))
                begin = time.thread_time()
                kept.solve(g, [1.0, 0.0])
                middle = time.thread_time()
                if used != kept.stats.method or k < 0:        # the same backend beside it, whichever "auto" takes
                    used = kept.stats.method
                    new = ol.Equilibrium(network, [0, n_nodes - 1], used, keep=False)
                    new.solve(g, [1.0, 0.0])
                if k >= 0:
                    times[0, k] = middle - begin
                    if k % 3 == 0:
                        begin = time.thread_time()
                        new.solve(g * (1 + 1e-15), [1.0, 0.0])
                        times[1, k] = time.thread_time() - begin
            every = times[1, ::3]
            print(f"{decades:>7} {method:>22} {times[0].mean():8.4f} {every.mean():8.4f} "
                  f"{times[0].mean() / every.mean():6.3f} {kept.stats.n_setups:6d} {kept.stats.total_iterations:10d}  "
                  f"{kept.stats.method}; new: median over best {np.median(every) / every.min():.2f}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 100, sys.argv[3:])
