"""The published sweep (31 rates, 50 tasks) against scipy's `solve_ivp`, on one core.

    taskset -c 0 python benchmarks/peers/plain_sweep.py packing_01.txt [--tasks 6] [--runge-kutta] [--record]

Plain NumPy and scipy: v, w and G in one vector, at the tolerances of `solve_ivp`, an event that solves for the
equilibrium cost and ends the run at the threshold. The paper names the Runge-Kutta method of SciPy, which takes minutes
a run at R = 1e-3: so does `--runge-kutta`. Without it the faster LSODA stands in for R <= 1. Measured on some tasks at
one rate a decade, and scaled to the 1550 runs: tasks differ by factors, so that the interval is over draws of as many
tasks, with that of ours, which is the whole sweep, in the same process between the tasks.
"""
from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"       # of scipy's integrators: processor time counts what waits

import numpy as np
import ohmlearn as ol
from ohmlearn.drivers.training.ensemble import default_limit
from scipy.integrate import solve_ivp

sys.path.insert(0, str(Path(__file__).parents[2] / "docs" / "_ext"))
from measured import record

RATES = np.logspace(-3, 12, 31)
ETA, FLOOR, UNTIL, TASKS = 1e-3, 1e-6, 1e-6, 50


def plain(net: ol.Network, task: ol.Task, rate: float, runge_kutta: bool = False) -> tuple[float, float]:
    """Processor time of one run and the training time that it finds."""
    n, m, D = net.n_nodes, net.n_edges, net.incidence.tocsr()
    ends = net.edges
    held, targets = task.sources, task.targets

    def laplacian(G):
        full = np.zeros((n, n))
        np.add.at(full, (ends[:, 0], ends[:, 0]), G)
        np.add.at(full, (ends[:, 1], ends[:, 1]), G)
        np.add.at(full, (ends[:, 0], ends[:, 1]), -G)
        np.add.at(full, (ends[:, 1], ends[:, 0]), -G)
        return full

    def still(full, x, fixed):
        """Equilibrium with the nodes `fixed` as they are in x."""
        moving = np.setdiff1d(np.arange(n), fixed)
        x = x.copy()
        x[moving] = np.linalg.solve(full[np.ix_(moving, moving)], -full[np.ix_(moving, fixed)] @ x[fixed])
        return x

    v = np.zeros(n)
    v[held] = task.source_voltages
    w = np.zeros(n)
    full = laplacian(np.ones(m))
    v = still(full, v, held)
    w[targets] = task.target_voltages - v[targets]
    w = still(full, w, np.concatenate([held, targets]))
    initial = float(np.sum((task.target_voltages - v[targets]) ** 2))

    def rhs(t, y):
        v, w, G = y[:n], y[n:2 * n].copy(), y[2 * n:]
        w[targets] = task.target_voltages - v[targets]
        dv, dw = D @ v, D @ w
        v_dot, w_dot = -(D.T @ (G * dv)), -(D.T @ (G * dw))
        v_dot[held] = w_dot[held] = 0.0
        w_dot[targets] = -v_dot[targets]
        return np.concatenate([v_dot, w_dot, np.maximum(-rate * dw * (2 * dv + ETA * dw), FLOOR - G)])

    def reached(t, y):
        full = laplacian(y[2 * n:])
        return np.log(np.sum((task.target_voltages - still(full, y[:n], held)[targets]) ** 2) / (UNTIL * initial))

    reached.terminal = True
    begin = time.process_time()
    found = solve_ivp(rhs, (0, default_limit(rate)), np.concatenate([v, w, np.ones(m)]),
                      method="LSODA" if rate <= 1 and not runge_kutta else "RK45", events=reached)
    ended = found.t_events[0]
    return time.process_time() - begin, float(ended[0]) if len(ended) else np.nan


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("network", type=Path)
    words.add_argument("--tasks", type=int, default=6)
    words.add_argument("--runge-kutta", action="store_true", help="RK45 at every rate, also where LSODA is faster")
    words.add_argument("--record", action="store_true", help="write the ratio to docs/measured.toml")
    given = words.parse_args()
    net = ol.Network.read(given.network)
    tasks = [ol.Task.allosteric(net, 10, 3, seed=seed) for seed in range(TASKS)]
    members = [task for task in tasks for _ in RATES]

    def ours() -> float:
        begin = time.process_time()
        ol.train(net, members, np.tile(RATES, TASKS), threads=1)
        return time.process_time() - begin

    ours()
    mine, each = [ours() for _ in range(3)], []
    for number, task in enumerate(tasks[:given.tasks]):
        runs = [plain(net, task, rate, given.runge_kutta) for rate in RATES[::2]]
        seconds = np.array([seconds for seconds, _ in runs])
        exact = np.array([ol.train(net, task, rate).training_time for rate in RATES[::2]])
        tau = np.nanmedian(np.abs(np.array([tau for _, tau in runs]) / exact - 1))
        each.append(float(np.sum(np.exp(np.interp(np.log(RATES), np.log(RATES[::2]), np.log(seconds))))))
        print(f"task {number}: scipy {each[-1]:.2f} s for 31 rates ({seconds.min():.3f} to {seconds.max():.3f} s a "
              f"run); tau as ours within {tau:.1e} in the median", flush=True)
        mine += [ours() for _ in range(2)]
    rng = np.random.default_rng(0)
    drawn = [TASKS * rng.choice(each, len(each)).mean() / rng.choice(mine) for _ in range(4000)]
    scipy_sweep, middle = TASKS * float(np.mean(each)), float(np.median(mine))
    low, high = np.quantile(drawn, [0.1, 0.9])
    print(f"the sweep: scipy {scipy_sweep:.0f} s, ours {middle:.2f} s ({min(mine):.2f} to {max(mine):.2f}): "
          f"{scipy_sweep / middle:.0f} x ({low:.0f} to {high:.0f} over draws of {len(each)} tasks)")
    if given.record:
        name = "sweep_runge_kutta" if given.runge_kutta else "sweep_scipy"
        record(name, f"{scipy_sweep / middle:.0f} times faster ({low:.0f} to {high:.0f}): {middle:.2f} s against "
                     f"{scipy_sweep:.0f} s")


if __name__ == "__main__":
    main()
