"""Fig. 2 of paper 2: the cost Hessian while the cost falls, and where its satisfied part takes over.

With one output near its soft mode, H_dyn/H_sat = 2 |c| / V_out, so the two are equal at |c| = b/3, C* = b²/18: below,
the satisfied part is the Hessian. C* follows λ₁⁻² as b does, but is not λ₁⁻² itself. That needs a soft mode that
stands alone; with b of order one (the paper's task) it does not yet when the two parts cross, so the crossover is
measured over 2.5 decades of b.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ohmlearn.drivers.descent.descend import Descent
from ohmlearn.drivers.display import plots
from ohmlearn.drivers.figures.catalogue import PAPER_2, Entry
from ohmlearn.drivers.figures.paper2 import landscape
from ohmlearn.drivers.figures.paper2.landscape import Array, Problem
from ohmlearn.drivers.figures.verdicts import median_error, verdict
from ohmlearn.rule import GradientFlow
from ohmlearn.solvers.hessian.hessian import hessian
from ohmlearn.solvers.hessian.hessian_trajectory import HessianTrajectory, hessian_trajectory

if TYPE_CHECKING:
    from matplotlib.figure import Figure

N_NODES = 64
TARGETS, WIDE = (0.5, 1.5), (10**0.5, 10**3.0)      # b of the figure; of the crossover, evenly in its logarithm
COSTS = 10.0 ** np.arange(0, -14.1, -0.5)           # states looked at, V²
FITTED = 1e-11, 1e-3                                # range of C in which the ratio and dH/dt follow √C
ALIGNED = 1e-8, 1e-3                                # the same for 1 - alignment, which ends in rounding
RULE = GradientFlow(floor=1e-6, ceiling=10.0, fraction=0.2)


@dataclass(frozen=True)
class Size:
    """networks : of the figure and of the crossover."""

    networks: int


QUICK, FULL = Size(24), Size(300)


@dataclass(frozen=True, eq=False)
class Crossover:
    """Where ‖H_dyn‖ = ‖H_sat‖, one row per network: b, C there, λ₁ at the end of training."""

    target: Array
    cost: Array
    soft: Array


def courses(count: int, threads: int | None = None) -> tuple[list[Problem], list[Descent], list[HessianTrajectory]]:
    """The networks of the figure, followed from before training down to C = 1e-14 V²."""
    problems = [landscape.problem(k, N_NODES, "current", TARGETS) for k in range(count)]
    descents = landscape.optimise(problems, RULE, threads, until=0.0, error=1e-7, costs=COSTS)
    return problems, descents, landscape.each(_course, problems, descents, threads)


def _course(problem: Problem, descent: Descent) -> HessianTrajectory:
    return hessian_trajectory(problem.network, problem.task, np.vstack([problem.conductances, descent.history]))


def crossovers(count: int, threads: int | None = None) -> Crossover:
    """The crossover of networks whose drop b spans 2.5 decades, found between states close by."""
    problems = [landscape.problem(k, N_NODES, "current", WIDE, log=True) for k in range(count)]
    rows = []
    for problem in problems:      # every task has its own costs to look at, around b²/18
        around = problem.target**2 / 18 * np.geomspace(8, 1 / 8, 13)
        rows.append(landscape.optimise([problem], RULE, 1, costs=around)[0])
    found = landscape.each(_crossing, problems, rows, threads)
    return Crossover(*np.array([row for row in found if np.isfinite(row).all()]).T)


def _crossing(problem: Problem, descent: Descent) -> tuple[float, float, float]:
    looks = [hessian(problem.network, problem.task, g) for g in descent.history]
    cost = crossing(np.array([h.cost for h in looks]), np.array([h.ratio for h in looks]))
    return problem.target, cost, float(landscape.account(problem, descent).soft.eigenvalues[0])


def crossing(cost: Array, ratio: Array) -> float:
    """C where a falling ratio last passes 1, by interpolation in logarithms; NaN if it does not."""
    passed = np.flatnonzero((ratio[:-1] > 1) & (ratio[1:] <= 1))
    if not passed.size:
        return np.nan
    k = passed[-1]
    part = np.log(ratio[k]) / np.log(ratio[k] / ratio[k + 1])
    return float(np.exp(np.log(cost[k]) + part * np.log(cost[k + 1] / cost[k])))


def fitted_slope(course: HessianTrajectory, values: Array, within: tuple[float, float]) -> float:
    """Slope of log values against log C over a range of C."""
    used = (course.cost > within[0]) & (course.cost < within[1])
    return landscape.slope(course.cost[used], values[used])[0]


def verdicts(problems: Sequence[Problem], found: Sequence[HessianTrajectory], wide: Crossover) -> list[str]:
    """What was measured beside what is expected."""
    ratio = [fitted_slope(c, c.ratio, FITTED) for c in found]
    align = [fitted_slope(c, 1 - c.alignment, ALIGNED) for c in found]
    speed = [fitted_slope(c, c.speed, FITTED) for c in found]
    crossed = wide.cost * 18 / wide.target**2
    first, last = (np.array([c.alignment[k] for c in found]) for k in (0, -1))
    own = np.array([crossing(c.cost, c.ratio) / p.target**2 * 18 for p, c in zip(problems, found, strict=True)])
    power, error = landscape.slope(wide.soft, wide.cost)
    return [f"Fig. 2: {len(found)} networks of {N_NODES} nodes, unit current in, target drop b = {TARGETS[0]} to "
            f"{TARGETS[1]}; crossover: {len(wide.cost)} networks, b = {WIDE[0]:.3g} to {WIDE[1]:.3g}.", "",
            verdict(float(np.median(ratio)), 0.49, 0.51, "‖H_dyn‖/‖H_sat‖ ∝ C^x, x (median)", median_error(ratio)),
            verdict(float(np.median(align)), 0.95, 1.05, "1 − alignment ∝ C^x, x (median)", median_error(align)),
            verdict(float(np.median(speed)), 0.48, 0.52, "‖dH/dt‖ ∝ C^x, x (median)", median_error(speed)),
            verdict(float(np.median(crossed)), 0.8, 1.2, "crossover C*/(b²/18)", median_error(crossed)),
            verdict(power, -2.35, -1.65, f"crossover C* ∝ λ₁^x, x (± {error:.2f})", error),
            f"      C* λ₁² = {np.median(wide.cost * wide.soft**2):.3g} (median): the crossover is not λ₁⁻² itself",
            f"      with b of order one the parts cross at {np.nanmedian(own):.2f} b²/18 (median)",
            f"      alignment before training: median {np.median(first):.2f}, negative in {np.mean(first < 0):.0%}; "
            f"1 − alignment after: {np.median(1 - last):.1g}"]


def draw(problems: Sequence[Problem], descents: Sequence[Descent], found: Sequence[HessianTrajectory],
         wide: Crossover) -> Figure:
    """Alignment and ratio against C; dH/dt; crossover; the Hessians of one network before and after."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(plots.STYLE):
        figure = Figure(figsize=(9.2, 5.0), layout="constrained")
        upper, lower = figure.subfigures(2, 1, height_ratios=[1.1, 1])
        a, b, c, d = upper.subplots(1, 4)
        for course in found[:60]:
            a.plot(course.cost, course.alignment, color="0.75", lw=0.4)
            b.plot(course.cost, course.ratio, color="0.75", lw=0.4)
            c.plot(course.cost, course.speed, color="0.75", lw=0.4)
        soft = np.array([course.soft[-1] for course in found])
        _medians(a, found, [course.alignment for course in found], "black")
        _medians(b, found, [course.ratio for course in found], plots.OURS)
        _medians(c, found, [course.speed for course in found], plots.OURS)
        a.axvspan(*np.quantile(soft, [0.25, 0.75])**-2.0, color=plots.PUBLISHED, alpha=0.25, lw=0)
        a.axvline(float(np.median(soft))**-2, color=plots.PUBLISHED, lw=0.8, label=r"$\lambda_1^{-2}$")
        a.axvline(float(np.median([p.target for p in problems]))**2 / 18, color=plots.OURS, lw=0.8, label="$b^2/18$")
        a.set(xscale="log", ylabel=r"alignment $\mathcal{H}^{sat}:\mathcal{H}$", ylim=(-1.05, 1.05))
        a.legend(loc="center right")
        b.set(xscale="log", yscale="log", ylabel=r"$\|\mathcal{H}^{dyn}\| / \|\mathcal{H}^{sat}\|$")
        c.set(xscale="log", yscale="log", ylabel=r"$\|dH/dt\|$")
        for ax, start in ((b, 6e-8), (c, 1e-7)):
            plots.power_law(ax, (1e-12, 1e-3), start, 0.5, r"$\sqrt{C}$")
        for ax in (a, b, c):
            ax.set_xlabel("cost $C$ (V$^2$)")
            ax.invert_xaxis()
        d.loglog(wide.soft, wide.cost, ".", ms=3, color=plots.OURS, label="$C^*$, parts equal")
        d.loglog(wide.soft, wide.target**2 / 18, "x", ms=3, mew=0.6, color=plots.PUBLISHED, label="$b^2/18$")
        d.set(xlabel=r"$\lambda_1$", ylabel="cost $C^*$ (V$^2$)")
        d.legend()
        panels = lower.subplots(1, 4)
        _hessians(panels, problems[0], descents[0])
        plots.panel_letters([a, b, c, d, panels[0]])
    return figure


def _medians(ax: Any, found: Sequence[HessianTrajectory], values: Sequence[Array], color: str) -> None:
    """Median over networks in half decades of C."""
    cost, value = np.concatenate([c.cost for c in found]), np.concatenate(values)
    place = np.round(2 * np.log10(np.maximum(cost, 1e-15)))
    bins = np.unique(place)
    middle = [np.median(value[place == k]) for k in bins]
    ax.plot(10 ** (bins / 2), middle, color=color, lw=1.8)


def _hessians(panels: Sequence[Any], problem: Problem, descent: Descent) -> None:
    """Full and satisfied Hessian before and after, on their own scales; edges ordered by the gradient at the end."""
    order = np.argsort(-np.abs(hessian(problem.network, problem.task, descent.conductances).gradient[0]))[:60]
    for k, (g, words) in enumerate(((problem.conductances, "before"), (descent.conductances, "after"))):
        h = hessian(problem.network, problem.task, g)
        full, satisfied = (x[np.ix_(order, order)] for x in (h.total(), h.satisfied()))
        reach = np.abs(full).max()
        for ax, matrix, name in ((panels[2 * k], full, "full"), (panels[2 * k + 1], satisfied, "satisfied")):
            shown = np.sign(matrix) * np.abs(matrix / reach)**0.25
            ax.imshow(shown, cmap="RdBu_r", vmin=-1, vmax=1) 
            ax.set(title=f"{name}, {words}", xticks=[], yticks=[]) 


def make(size: Size, folder: Path, threads: int | None = None) -> list[Path]:
    """Compute Fig. 2 and write picture, verdicts and data into a folder; returns what was written."""
    problems, descents, found = courses(size.networks, threads)
    wide = crossovers(size.networks, threads)
    columns = {name: np.concatenate([getattr(course, name) for course in found])
               for name in ("cost", "alignment", "ratio", "soft", "gap", "crack", "overlap", "stiff", "speed")}
    number = np.repeat(np.arange(len(found)), [len(course.cost) for course in found])
    return landscape.save(folder, "landscape2", draw(problems, descents, found, wide), verdicts(problems, found, wide),
                          {"network": number, **columns})


FIGURE = Entry(
    "landscape2", "The cost Hessian and its satisfied part while the cost falls", PAPER_2,
    {"a": "alignment of the satisfied part with the Hessian against C", "b": "dynamic over satisfied part against C",
     "c": "how fast the physical Hessian changes, against C", "d": "where the two parts cross, against λ₁",
     "e": "both of one network before and after training"},
    {"quick": QUICK, "usual": FULL, "full": FULL}, lambda size, folder, given: make(size, folder, given.threads))
