"""What `tolerance` buys: the errors of τ, of G at the end, and of recorded C* and C, against the tolerance asked for.

    python benchmarks/tolerance.py [--tasks 4] [--plot docs/tolerance.png]

Tasks of one, two and three targets on a packing and a Delaunay network. Under the plain rule, at either floor, errors
are against an integration that shares nothing with the kernels (tests/direct.py); under the other clamps, rules and
schedules against the same call at tolerance 1e-8, which tests/drivers/training/test_general_block.py compares with
scipy. The error of a recorded cost is that of √C, the root-mean-square error of the outputs up to a factor, over √C +
t |d√C/dt|: a point (t, C) counts as right to 1e-3 where t or √C is. The table and the figure give the largest error
over the tasks of a case.
"""
from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import ohmlearn as ol

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
import direct

TOLERANCES = 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8
TIGHT = 1e-8
QUANTITIES = "τ", "G at the end", "C*", "C"
AFTER = 1e-5                            # of the time, from a record to the one that gives its slope
FRACTIONS = np.sort(np.outer(np.logspace(-3, 0, 31), [1 - AFTER, 1]).ravel())   # of the time limit, when costs are kept
Case = tuple[str, float, ol.Rule, Any, bool]


def cases(net: ol.Network) -> list[Case]:
    """Name, R, rule, schedule, and whether the plain kernels know it."""
    found: list[Case] = []
    for rate in (0.1, 1.0, 30.0, 1e4):
        found += [(f"relax, R = {rate:g}", rate, ol.Rule(), None, True),
                  (f"clip, R = {rate:g}", rate, ol.Rule(floor_mode="clip"), None, True)]
    found += [("R = 0", 0.0, ol.Rule(), None, False), ("ceiling 2, R = 30", 30.0, ol.Rule(ceiling=2.0), None, True)]
    still = np.zeros(net.n_edges)
    for rate in (0.0, 0.3, 30.0):
        found += [(f"pulled, R = {rate:g}", rate, ol.rules.equilibrium_propagation(), None, False),
                  (f"pulled and clip, R = {rate:g}", rate, ol.rules.equilibrium_propagation(floor_mode="clip"),
                   None, False),
                  (f"general kernels, R = {rate:g}", rate, ol.Rule(bias=still), None, False)]
    for rate in (0.3, 30.0):
        ramp = ol.Schedule(ramp_times=[0, 1, 5], ramp_factors=[0.1, 1, 2])
        found += [(f"moving, R = {rate:g}", rate, ol.Rule(clamp="moving", nudge=0.1), None, False),
                  (f"rates of edges, R = {rate:g}", rate, ol.Rule(edge_scale=0.1), None, False),
                  (f"ramp, R = {rate:g}", rate, ol.Rule(), ramp, False),
                  (f"in turn, R = {rate:g}", rate, ol.Rule(), ol.Schedule(switching=0.7), False),
                  (f"blended, R = {rate:g}", rate, ol.Rule(), ol.Schedule(switching=0.7, blend=True), False)]
    return found


def tasks_of(net: ol.Network, case: Case, count: int) -> list[Any]:
    """Tasks of one, two and three targets; pairs of samples where they are shown in turn."""
    if case[3] is not None and case[3].switching is not None:
        return [ol.tasks.allosteric_samples(net, 2, 5, 1 + seed % 3, seed=seed) for seed in range(count)]
    return [ol.Task.allosteric(net, 6, 1 + seed % 3, seed=seed, feasible=True) for seed in range(count)]


def end_of(rate: float) -> float:
    """Time at which G, C* and C are compared."""
    return 30.0 if rate == 0 else 30 / (rate if rate < 1 else rate ** 0.5)


def measured(net: ol.Network, tasks: list[Any], case: Case, tolerance: float) -> list[tuple[Any, ...]]:
    """τ at the threshold 1e-2, and G, C* and C of a run without one, of every task."""
    _, rate, rule, schedule, _ = case
    end = end_of(rate)
    common = {"rule": rule, "schedule": schedule, "tolerance": tolerance}
    ended = ol.train(net, tasks, rate, until=1e-2, t_max=3 * end, **common)
    whole = ol.train(net, tasks, rate, until=None, t_max=end, record=ol.Record(times=end * FRACTIONS), **common)
    return [(one.training_time, run.conductances, run.equilibrium_cost, run.cost)
            for one, run in zip(ended, whole, strict=True)]


def direct_of(net: ol.Network, tasks: list[Any], case: Case) -> list[tuple[Any, ...]]:
    """The same by the direct integration."""
    _, rate, rule, _, _ = case
    end, found = end_of(rate), []
    for task in tasks:
        tau = direct.first_crossing(net, task, rule, rate, 3 * end, until=1e-2, rtol=1e-11)[0]
        G, still, moving = direct.trace(net, task, rule, rate, end * FRACTIONS, rtol=1e-11)
        found.append((tau, G, still, moving))
    return found


def errors(one: tuple[Any, ...], exact: tuple[Any, ...]) -> list[float]:
    """Of τ and G relative, of C* and C as said above."""
    def of_cost(x: Any, y: Any) -> float:
        mine, right = np.sqrt(x[1::2]), np.sqrt(y).reshape(-1, 2)
        slope = np.abs(right[:, 1] - right[:, 0]) / AFTER
        return float(np.max(np.abs(mine - right[:, 1]) / (right[:, 1] + slope)))

    tau = 0.0 if np.isnan(one[0]) and np.isnan(exact[0]) else abs(one[0] / exact[0] - 1)
    return [tau, float(np.abs(one[1] - exact[1]).max() / np.abs(exact[1]).max()),
            of_cost(one[2], exact[2]), of_cost(one[3], exact[3])]


def study(count: int) -> dict[str, np.ndarray]:
    """(tolerances, quantities) largest errors of every case."""
    found: dict[str, np.ndarray] = {}
    for net in (ol.Network.packing(40, seed=2), ol.Network.delaunay(30, seed=2)):
        for case in cases(net):
            tasks = tasks_of(net, case, count)
            exact = direct_of(net, tasks, case) if case[4] else measured(net, tasks, case, TIGHT)
            rows = []
            for tolerance in TOLERANCES:
                mine = exact if tolerance == TIGHT and not case[4] else measured(net, tasks, case, tolerance)
                rows.append(np.max([errors(a, b) for a, b in zip(mine, exact, strict=True)], axis=0))
            found[case[0]] = np.fmax(found.get(case[0], np.zeros(1)), np.array(rows))
            print(f"{case[0]:32s}", *(f"{t:.0e}: " + " ".join(f"{x:.1e}" for x in row) + " |"
                                      for t, row in zip(TOLERANCES, found[case[0]], strict=True)), flush=True)
    return found


def plot(found: dict[str, np.ndarray], path: Path) -> None:
    """A panel for every quantity: largest error of every case against the tolerance."""
    import matplotlib as mpl
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    kinds = {"plain rule, relax": "#0072B2", "plain rule, clip": "#D55E00", "R = 0": "#009E73",
             "other rules and schedules": "#999999"}

    def kind(name: str) -> str:
        first = name.split(",")[0]
        if name.endswith("R = 0"):
            return "R = 0"
        known = {"relax": "plain rule, relax", "ceiling 2": "plain rule, relax", "clip": "plain rule, clip"}
        return known.get(first, "other rules and schedules")

    figure, all_axes = plt.subplots(1, 4, figsize=(11, 3.2), sharex=True, sharey=True, layout="constrained")
    for k, axes in enumerate(all_axes):
        for name, rows in found.items():
            y = np.where(rows[:, k] > 0, rows[:, k], np.nan)
            axes.loglog(TOLERANCES, y, "-", lw=1, alpha=0.8, color=kinds[kind(name)])
        axes.loglog(TOLERANCES, TOLERANCES, "k:", lw=1.2)
        axes.set(title=QUANTITIES[k], xlabel="tolerance")
        axes.spines[["top", "right"]].set_visible(False)
    all_axes[0].set_ylabel("largest error")
    handles = [plt.Line2D([], [], color=color, label=name) for name, color in kinds.items()]
    handles.append(plt.Line2D([], [], color="k", ls=":", label="tolerance"))
    figure.legend(handles=handles, loc="outside lower center", ncols=5, frameon=False)
    figure.savefig(path, dpi=150)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--tasks", type=int, default=4)
    words.add_argument("--plot", type=Path)
    given = words.parse_args()
    found = study(given.tasks)
    for k, name in enumerate(QUANTITIES):
        ratio = np.max([rows[:, k] / TOLERANCES for rows in found.values()], axis=0)
        print(f"{name}: largest error over tolerance",
              *(f"{t:.0e}: {x:.2f}" for t, x in zip(TOLERANCES, ratio, strict=True)))
    if given.plot:
        plot(found, given.plot)


if __name__ == "__main__":
    main()
