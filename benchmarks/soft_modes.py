"""Six soft modes of a trained network: "auto" against shift-invert with every installed factorisation, and LOBPCG.

    python benchmarks/soft_modes.py N_NODES [REPEATS] [TRAINING_STEPS]

Conductances: those of quasistatic training after so many steps (50) from values spread over 4 decades. Processor time
of one thread, in turns; set OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1 first.
"""
from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
import ohmlearn as ol
from ohmlearn.solvers.equilibrium import backends
from ohmlearn.solvers.equilibrium.grounded_laplacian import Laplacian
from ohmlearn.solvers.equilibrium.modes import soft_modes
from ohmlearn.solvers.equilibrium.node_order import Layout
from ohmlearn.solvers.large.quasistatic import QuasistaticFlow
from scipy.sparse.linalg import LinearOperator, eigsh


def trained(network: ol.Network, steps: int) -> np.ndarray:
    flow = QuasistaticFlow(network, ol.Task.allosteric(network, seed=0, feasible=True), ol.Rule())
    flow.begin(10 ** np.random.default_rng(0).uniform(-2, 2, network.n_edges))
    length = flow.first_length
    for _ in range(steps):
        _, length = flow.step(length, 1e-2)
    return flow.conductances


def shift_invert(network: ol.Network, g: np.ndarray, method: str, k: int = 6) -> np.ndarray:
    """Eigenvalues by ARPACK on the pseudo-inverse, written out anew: node 0 grounded, the mean taken out."""
    laplacian = Laplacian(network, np.array([0]), Layout.of(network))
    matrix = laplacian.matrix(g)
    apply = backends.make(method).prepare(matrix, laplacian.excess(g))

    def pseudo(x: np.ndarray) -> np.ndarray:
        x = np.ravel(x) - np.mean(x)
        y = np.append(apply(np.ascontiguousarray(x[:-1])), 0.0)
        return y - y.mean()
    operator = LinearOperator((network.n_nodes,) * 2, matvec=pseudo, dtype=np.float64)
    start = np.random.default_rng(0).standard_normal(network.n_nodes)
    return np.sort(1 / eigsh(operator, k, which="LM", tol=1e-13, v0=start - start.mean(), return_eigenvectors=False))


def main(n_nodes: int, repeats: int, steps: int) -> None:
    network = ol.Network.delaunay(n_nodes, seed=3)
    g = trained(network, steps)
    work: dict[str, Callable[[], np.ndarray]] = {"auto": lambda: soft_modes(network, g, 6).eigenvalues}
    for method in ("cholmod", "superlu"):
        if backends.installed(method):
            work[f"shift-invert, {method}"] = lambda method=method: shift_invert(network, g, method)
    work["lobpcg"] = lambda: soft_modes(network, g, 6, method="lobpcg").eigenvalues
    found: dict[str, np.ndarray] = {}
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(repeats):
        for name, solve in work.items():
            begin = time.thread_time()
            found[name] = solve()
            times[name].append(time.thread_time() - begin)
    reference = next(name for name in work if name.startswith("shift-invert"))
    print(f"{network!r}, G from {g.min():.1e} to {g.max():.1e}; {soft_modes(network, g, 6).reason}")
    for name in work:
        print(f"{name:24} {min(times[name]):.3f} s (median {np.median(times[name]):.3f}), "
              f"{min(times[name]) / min(times[reference]):.2f} of {reference}, eigenvalues off by "
              f"{np.max(abs(found[name] / found[reference] - 1)):.1e}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 3, int(sys.argv[3]) if len(sys.argv) > 3 else 50)
