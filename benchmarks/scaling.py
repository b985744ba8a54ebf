"""How the step, a solve and six soft modes grow with the network, and the exponents fitted to them.

    python benchmarks/scaling.py N_NODES [N_NODES ...] [--plot FILE]

Processor time of one thread, best of three; set OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1 first.
"""
from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import ohmlearn as ol
from ohmlearn.solvers.modes import soft_modes
from ohmlearn.solvers.stepper import Stepper


def best(work: Callable[[], object], repeats: int = 3) -> float:
    times = []
    for _ in range(repeats):
        begin = time.thread_time()
        work()
        times.append(time.thread_time() - begin)
    return min(times)


def measure(n_nodes: int) -> dict[str, float]:
    """Seconds of a step, of a first solve at uniform conductances and over 4 decades, of six floating modes."""
    network = ol.Network.delaunay(n_nodes, seed=3)
    rng = np.random.default_rng(0)
    stepper = Stepper(network, ol.Task.allosteric(network), ol.Rule(), 0.01)
    stepper.put(rng.normal(size=n_nodes), rng.normal(size=n_nodes), np.ones(network.n_edges))
    count = max(1, 1_000_000 // n_nodes)
    found = {"step": best(lambda: stepper.steps(count, 0.01)) / count}
    spread = 10 ** rng.uniform(-2, 2, network.n_edges)
    solve = lambda g: ol.Equilibrium(network, [0, n_nodes - 1]).solve(g, [1.0, 0.0])  # noqa: E731
    found |= {"solve, uniform": best(lambda: solve(1.0)), "solve, 4 decades": best(lambda: solve(spread))}
    return found | {"six modes": best(lambda: soft_modes(network, spread, 6), 1)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("sizes", type=int, nargs="+")
    parser.add_argument("--plot")
    given = parser.parse_args()
    measure(3000)                                    # compiles
    rows = []
    for n_nodes in given.sizes:
        rows.append(measure(n_nodes))
        print(f"{n_nodes:>9} " + "  ".join(f"{name} {value:.4g} s" for name, value in rows[-1].items()), flush=True)
    x = np.log(given.sizes)
    for name in rows[0]:
        y = np.log([row[name] for row in rows])
        if len(x) > 1:
            print(f"{name}: N^{np.polyfit(x, y, 1)[0]:.2f}")
    if given.plot:
        import matplotlib.pyplot as plt

        for name in rows[0]:
            plt.loglog(given.sizes, [row[name] for row in rows], "o-", label=name)
        plt.xlabel("nodes")
        plt.ylabel("seconds, one core")
        plt.legend()
        plt.savefig(given.plot, bbox_inches="tight")


if __name__ == "__main__":
    main()
