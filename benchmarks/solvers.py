"""The table of solvers/choice.py: what setup, an iteration and a whole solve take with every installed backend.

    python benchmarks/solvers.py N_NODES [REPEATS] [METHOD ...]

Best of the repeats by the processor time of one thread; set OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1 first.
"""
from __future__ import annotations

import sys
import time

import numpy as np
import ohmlearn as ol
from ohmlearn.solvers import backends
from ohmlearn.solvers.cg import conjugate_gradient, norm
from ohmlearn.solvers.laplacian import Laplacian
from ohmlearn.solvers.layout import Layout


def measure(laplacian: Laplacian, conductances: np.ndarray, method: str) -> tuple[float, float, float, int]:
    """Setup of a new pattern, of new conductances, one iteration (all in seconds), and iterations to 1e-10."""
    matrix, excess = laplacian.matrix(conductances), laplacian.excess(conductances)
    b = laplacian.held_currents(conductances, np.array([1.0, 0.0]))
    backend, clock = backends.make(method), time.thread_time
    begin = clock()
    backend.prepare(matrix, excess)
    first = clock()
    apply = backend.prepare(matrix, excess)
    again = clock()
    _, count, done = conjugate_gradient(matrix, b, apply, None, 0.5e-10 * norm(b), 400)
    end = clock()
    return first - begin, again - first, (end - again) / max(count, 1), count if done else -1


def main(n_nodes: int, repeats: int, methods: list[str]) -> None:
    network = ol.Network.delaunay(n_nodes, seed=3)
    rng = np.random.default_rng(0)
    laplacian = Laplacian(network, np.array([0, n_nodes - 1]), Layout.of(network))
    print(f"{network!r}\n{'decades':>7} {'method':>22} {'new':>9} {'again':>9} {'iteration':>9} {'count':>5} "
          f"{'first':>9} {'later':>9}")
    for decades in (0, 4):
        conductances = 10 ** rng.uniform(-decades / 2, decades / 2, network.n_edges)
        for method in methods or [m for m in backends.BACKENDS if backends.installed(m)]:
            runs = np.array([measure(laplacian, conductances, method) for _ in range(repeats)])
            new, again, iteration, _ = runs.min(axis=0)
            count = int(runs[0, 3])
            print(f"{decades:>7} {method:>22} {new:9.4f} {again:9.4f} {iteration:9.6f} {count:5d} "
                  f"{new + count * iteration:9.4f} {again + count * iteration:9.4f}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 3, sys.argv[3:])
