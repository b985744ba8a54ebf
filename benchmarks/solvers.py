"""The table of solvers/equilibrium/backend_table.py: what setup, an iteration and a whole solve take with every
installed backend.

    python benchmarks/solvers.py N_NODES [REPEATS] [METHOD ...]

Backends work on the core that star–mesh transformations leave: its plan and its making are timed beside them and are
part of "first" and "later". Best of the repeats by the processor time of one thread; set OMP_NUM_THREADS=1 and
OPENBLAS_NUM_THREADS=1 first.
"""
from __future__ import annotations

import sys
import time

import numpy as np
import ohmlearn as ol
from ohmlearn.solvers.equilibrium import backends
from ohmlearn.solvers.equilibrium.conjugate_gradient import conjugate_gradient
from ohmlearn.solvers.equilibrium.grounded_laplacian import Laplacian
from ohmlearn.solvers.equilibrium.node_order import Layout
from ohmlearn.solvers.equilibrium.star_mesh import StarMesh

clock = time.thread_time


def measure(laplacian: Laplacian, mesh: StarMesh, conductances: np.ndarray, method: str) -> list[float]:
    """Seconds: the core made, setup of a new pattern, of new conductances, one iteration; and iterations to 1e-10."""
    b = laplacian.held_currents(conductances, np.array([1.0, 0.0]))
    backend, times = backends.make(method), [clock()]
    core, ground = mesh.reduce(conductances)
    times.append(clock())
    backend.prepare(core, ground)
    times.append(clock())
    apply = backend.prepare(core, ground)
    times.append(clock())
    rhs, handed = mesh.restrict(b)
    x, count, done = conjugate_gradient(core, ground, rhs, apply, None, 0.8e-10, 400)
    mesh.extend(x, handed)
    times.append(clock())
    made, new, again, solve = np.diff(times)
    return [made, new, again, solve / max(count, 1), count if done else -1]


def main(n_nodes: int, repeats: int, methods: list[str]) -> None:
    network = ol.Network.delaunay(n_nodes, seed=3)
    rng = np.random.default_rng(0)
    layout = Layout.of(network)
    laplacian = Laplacian(network, np.array([0, n_nodes - 1]), layout)
    mesh, plans = StarMesh(laplacian, layout.thin), []
    for _ in range(repeats):
        begin = clock()
        StarMesh(laplacian, layout.thin)
        plans.append(clock() - begin)
    plan = min(plans)
    print(f"{network!r}: {mesh.n_rows} rows in the core, planned in {plan:.4f} s\n{'decades':>7} {'method':>22} "
          f"{'core':>9} {'new':>9} {'again':>9} {'iteration':>9} {'count':>5} {'first':>9} {'later':>9}")
    for decades in (0, 4):
        conductances = 10 ** rng.uniform(-decades / 2, decades / 2, network.n_edges)
        for method in methods or [m for m in backends.BACKENDS if backends.installed(m)]:
            runs = np.array([measure(laplacian, mesh, conductances, method) for _ in range(repeats)])
            made, new, again, iteration, _ = runs.min(axis=0)
            count = int(runs[0, 4])
            solve = made + count * iteration
            print(f"{decades:>7} {method:>22} {made:9.2e} {new:9.2e} {again:9.2e} {iteration:9.2e} {count:5d} "
                  f"{plan + new + solve:9.4f} {again + solve:9.4f}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 3, sys.argv[3:])
