"""What `tolerance` buys: the error of the training time τ, and the steps it takes, against the tolerance asked for.

    python benchmarks/tolerance.py [--network packing_01.txt] [--tasks 20] [--plot docs/tolerance.png]

τ of every task at rates from 1e-3 to 1e12 is compared with that of tolerance 1e-6 by RK4 (of the manifold below
R = 0.1, where RK4 takes long). The table gives the median and the largest relative error over all runs that reach the
threshold, the share of runs within the tolerance, and steps and looks a run.
"""
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import ohmlearn as ol

TOLERANCES = 1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5
RATES = np.logspace(-3, 12, 16)


def study(net: ol.Network, tasks: list[ol.Task]) -> list[tuple[float, ...]]:
    """Rows of tolerance, median, 95 % quantile and largest error, share within tolerance, steps and looks a run."""
    each, rates = [task for task in tasks for _ in RATES], np.tile(RATES, len(tasks))
    exact = ol.train(net, each, rates, tolerance=1e-6).training_time
    rows = []
    for tolerance in TOLERANCES:
        runs = ol.train(net, each, rates, tolerance=tolerance)
        error = np.abs(runs.training_time / exact - 1)
        error = error[np.isfinite(error)]
        rows.append((tolerance, float(np.median(error)), float(np.quantile(error, 0.95)), float(error.max()),
                     float(np.mean(error < tolerance)), float(np.mean([run.n_steps for run in runs])),
                     float(np.mean([run.n_looks for run in runs]))))
    return rows


def plot(rows: list[tuple[float, ...]], path: Path) -> None:
    """Errors and steps against the tolerance."""
    import matplotlib as mpl
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    tolerance, median, most, _, _, steps, looks = np.array(rows).T
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 3), layout="constrained")
    left.loglog(tolerance, most, "o-", color="#0072B2", label="95 % of runs below")
    left.loglog(tolerance, median, "s-", color="#E69F00", label="median")
    left.loglog(tolerance, tolerance, ":", color="0.4", label="tolerance")
    left.set(xlabel="tolerance", ylabel="relative error of τ")
    left.legend(frameon=False)
    right.loglog(tolerance, steps, "o-", color="#0072B2", label="steps a run")
    right.loglog(tolerance, looks, "s-", color="#E69F00", label="looks a run")
    right.set(xlabel="tolerance", ylabel="mean number")
    right.legend(frameon=False)
    for axes in (left, right):
        axes.axvline(1e-3, color="0.8", lw=1, zorder=0)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=160)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--network", type=Path)
    words.add_argument("--tasks", type=int, default=20)
    words.add_argument("--plot", type=Path)
    given = words.parse_args()
    net = ol.Network.read(given.network) if given.network else ol.Network.packing(64, seed=1)
    rows = study(net, [ol.Task.allosteric(net, 10, 3, seed=seed) for seed in range(given.tasks)])
    print("tolerance    median   95 %     largest  within  steps   looks")
    for row in rows:
        print("{:9.0e} {:9.1e} {:8.1e} {:8.1e} {:7.2f} {:7.0f} {:7.0f}".format(*row))
    if given.plot:
        plot(rows, given.plot)


if __name__ == "__main__":
    main()
