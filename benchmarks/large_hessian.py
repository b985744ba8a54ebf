"""Gradient, top three cost modes and six soft modes of one large network, on one core.

    python benchmarks/large_hessian.py [nodes] [--extras]

Optional backends are hidden unless `--extras` is given, so that what is timed is the default of a plain installation.
"""
from __future__ import annotations

import os
import resource
import sys
from time import perf_counter

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"
if "--extras" not in sys.argv:
    sys.modules["sksparse"] = sys.modules["apxchol"] = None        # type: ignore[assignment]

import numpy as np  # noqa: E402
import ohmlearn as ol  # noqa: E402


def problem(nodes: int) -> tuple[ol.Network, np.ndarray, ol.Task]:
    """Thinned Delaunay network, conductances U(0.5, 1.5), unit current in and out, three drops not yet as desired."""
    network = ol.Network.delaunay(nodes, seed=3)
    rng = np.random.default_rng(0)
    a, b, *outputs = rng.choice(nodes, 8, replace=False).tolist()
    task = ol.Task(currents={a: 1.0, b: -1.0}, targets=np.reshape(outputs, (3, 2)), target_voltages=[0.3, -0.2, 0.1])
    return network, rng.uniform(0.5, 1.5, network.n_edges), task


def main(nodes: int) -> None:
    """Time the three parts, and say how well the modes solve their equations."""
    small, g, task = problem(1000)
    ol.hessian(small, task, g, "approximate-cholesky") @ g         # compiled or read from the cache
    network, g, task = problem(nodes)
    begin = perf_counter()
    h = ol.hessian(network, task, g)
    clock = [perf_counter()]
    values, modes = h.stiff_modes(3)
    clock.append(perf_counter())
    soft = ol.soft.soft_modes(network, g, 6)
    clock.append(perf_counter())
    gradient, stiff, softest = np.diff(clock, prepend=begin)
    wrong = np.linalg.norm(h @ modes - modes * values, axis=0).max() / values[0]
    print(f"{network!r}: gradient of {len(h.errors)} outputs {gradient:.2f} s, three cost modes {stiff:.2f} s "
          f"(residual {wrong:.0e}), six soft modes {softest:.2f} s ({soft.method}); together {clock[-1] - begin:.2f} s")
    print("λ of the cost", values, " soft λ", soft.eigenvalues)
    print(f"solved with {h._circuits[0]._solver.stats.method}, {h._circuits[0]._solver.stats.n_solves} solves; "
          f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    main(int(float(next((x for x in sys.argv[1:] if x[0] != "-"), "1e5"))))
