"""How the step, a solve and six soft modes grow with the network, and the exponents fitted to them.

    python benchmarks/scaling.py [N_NODES ...] --rows docs/scaling.csv [--plot docs/scaling.png]

Processor time of one thread, best of three (above 1e6 nodes, and modes and the making of the network: once); set
OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1 first. Rows of sizes measured before stay in the file, so sizes may be
taken one by one.
"""
from __future__ import annotations

import argparse
import csv
import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import ohmlearn as ol
from ohmlearn.solvers.equilibrium.modes import soft_modes
from ohmlearn.solvers.large.rk4 import Stepper

Row = dict[str, float]
UNFITTED = ("nodes", "GiB at most")


def best(work: Callable[[], object], repeats: int = 3) -> float:
    times = []
    for _ in range(repeats):
        begin = time.thread_time()
        work()
        times.append(time.thread_time() - begin)
    return min(times)


def measure(n_nodes: int) -> Row:
    """Seconds to make the network, of a step, of a first solve at uniform conductances and over 4 decades, of six
    floating modes; and the memory that all this took."""
    begin = time.thread_time()
    network = ol.Network.delaunay(n_nodes, seed=3)
    found = {"nodes": float(n_nodes), "Delaunay network": time.thread_time() - begin}
    rng = np.random.default_rng(0)
    stepper = Stepper(network, ol.Task.allosteric(network), ol.Rule(), 0.01)
    stepper.put(rng.normal(size=n_nodes), rng.normal(size=n_nodes), np.ones(network.n_edges))
    count = max(1, 1_000_000 // n_nodes)
    found["step"] = best(lambda: stepper.steps(count, 0.01)) / count
    spread = 10 ** rng.uniform(-2, 2, network.n_edges)
    repeats = 3 if n_nodes <= 1_000_000 else 1
    solve = lambda g: ol.Equilibrium(network, [0, n_nodes - 1]).solve(g, [1.0, 0.0])  # noqa: E731
    found["solve, uniform"] = best(lambda: solve(1.0), repeats)
    found["solve, 4 decades"] = best(lambda: solve(spread), repeats)
    found["six modes"] = best(lambda: soft_modes(network, spread, 6), 1)
    return found | {"GiB at most": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20}


def read_rows(path: Path) -> dict[int, Row]:
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        return {int(float(row["nodes"])): {name: float(value) for name, value in row.items()}
                for row in csv.DictReader(file)}


def write_rows(path: Path, rows: list[Row]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows([{name: f"{value:.6g}" for name, value in row.items()} for row in rows])


def fit(rows: list[Row], name: str) -> tuple[float, float]:
    """Exponent and factor of the power law through all sizes."""
    power, log = np.polyfit(np.log([row["nodes"] for row in rows]), np.log([row[name] for row in rows]), 1)
    return float(power), float(np.exp(log))


def plot(rows: list[Row], path: str) -> None:
    import matplotlib.pyplot as plt

    nodes = np.array([row["nodes"] for row in rows])
    figure, axes = plt.subplots(figsize=(6, 4.5))
    for name in rows[0]:
        if name not in UNFITTED:
            power, factor = fit(rows, name)
            (points,) = axes.loglog(nodes, [row[name] for row in rows], "o", label=f"{name}: $N^{{{power:.2f}}}$")
            axes.loglog(nodes, factor * nodes**power, "-", color=points.get_color(), linewidth=1)
    axes.set(xlabel="nodes N", ylabel="seconds, one core")
    axes.legend(loc="upper left", frameon=False)
    figure.savefig(path, bbox_inches="tight", dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("sizes", type=int, nargs="*")
    parser.add_argument("--rows", type=Path, default=Path("scaling.csv"))
    parser.add_argument("--plot")
    given = parser.parse_args()
    measured = read_rows(given.rows)
    if given.sizes:
        measure(5000)                                    # compiles
    for n_nodes in given.sizes:
        measured[n_nodes] = measure(n_nodes)
        print("  ".join(f"{name} {value:.4g}" for name, value in measured[n_nodes].items()), flush=True)
        write_rows(given.rows, [measured[size] for size in sorted(measured)])
    rows = [measured[size] for size in sorted(measured)]
    if len(rows) > 1:
        for name in rows[0]:
            if name not in UNFITTED:
                print(f"{name}: N^{fit(rows, name)[0]:.2f}")
    if given.plot:
        plot(rows, given.plot)


if __name__ == "__main__":
    main()
