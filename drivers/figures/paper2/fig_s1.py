"""Fig. S1 of paper 2: the stiff eigenvalue of the cost against the soft eigenvalue of the power, λ^L ∝ λ₁⁻⁴.

Unit current in, a target drop b over 2.5 decades. Divided by (i₁o₁)² Σ (Δv₁)⁴ the stiff eigenvalue falls as λ₁⁻⁴
(Eq. 15, corrected), and so it does by itself when one network learns one drop after the other. Two controls show
when λ₁⁻⁴ is not what a plot of λ^L against λ₁ gives: at one b for all networks, and under voltage drive.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ohmlearn.drivers.descent.descend import Descent
from ohmlearn.drivers.display import plots
from ohmlearn.drivers.figures.catalogue import PAPER_2, Entry
from ohmlearn.drivers.figures.paper2 import landscape
from ohmlearn.drivers.figures.paper2.landscape import Array, Problem
from ohmlearn.drivers.figures.verdicts import median_error, verdict
from ohmlearn.rule import GradientFlow

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

N_NODES = 100
TARGETS = (10**0.5, 10**3.0)        # b of the ensemble, evenly in its logarithm
FIXED = 30.0                        # b of the control
RULE = GradientFlow(floor=1e-6, ceiling=10.0)
VOLTAGE_RULE = replace(RULE, floor=1e-4)
GAP = 10.0                          # above this λ₂/λ₁ the soft mode stands alone


@dataclass(frozen=True)
class Size:
    """networks : of the ensemble. controls : of each control. swept : networks that learn `steps` drops in turn."""

    networks: int
    controls: int
    swept: int
    steps: int = 16


QUICK, FULL = Size(80, 40, 3), Size(1000, 200, 8)


@dataclass(frozen=True, eq=False)
class Stiffness:
    """One row per trained network. soft, stiff : λ₁ and λ^L. gap : λ₂/λ₁. reach : (i₁o₁)² Σ(Δv₁)⁴.
    overlap : of the stiff mode with (Δv₁)². crack : fraction of g² in the crack. reached : 1 where the task was met."""

    target: Array
    soft: Array
    stiff: Array
    gap: Array
    reach: Array
    overlap: Array
    crack: Array
    reached: Array

    @property
    def scaled(self) -> Array:
        """λ^L / [(i₁o₁)² Σ(Δv₁)⁴], which is λ₁⁻⁴ by Eq. 15."""
        return self.stiff / self.reach


def measure(problems: Sequence[Problem], rule: GradientFlow, threads: int | None = None, **stops: float) -> Stiffness:
    """Train and analyse."""
    return Stiffness(*np.array(landscape.trained(_row, problems, rule, threads, **stops)).T)


def _row(problem: Problem, descent: Descent) -> tuple[float, ...]:
    account = landscape.account(problem, descent)
    soft = account.soft
    reach = (account.inputs[0] * account.outputs[0])**2 * np.sum(soft.pattern**2)
    return (problem.target, soft.eigenvalues[0], account.stiff[0], soft.gap, reach, account.overlap,
            account.crack_fraction, descent.status == "reached")


def ensemble(count: int, threads: int | None = None) -> Stiffness:
    """The networks of Fig. S1."""
    return measure([landscape.problem(k, N_NODES, "current", TARGETS, log=True) for k in range(count)], RULE, threads)


def single(seed: int, steps: int, threads: int | None = None) -> Stiffness:
    """One network and task, trained for one drop b after the other."""
    problem = landscape.problem(seed, N_NODES, "current", 1.0)
    pair, inputs = problem.task.targets[0].tolist(), list(problem.task.currents)
    inputs = sorted(inputs, key=lambda node: -problem.task.currents[node])
    tasks = [landscape.pair_task((inputs[0], inputs[1]), (pair[0], pair[1]), "current", float(b))
             for b in np.geomspace(*TARGETS, steps)]
    return measure([replace(problem, task=task) for task in tasks], RULE, threads)


def controls(count: int, threads: int | None = None) -> dict[str, Stiffness]:
    """The same drop for all networks; and a unit voltage drop in, equal to the drop out, as in Fig. 1."""
    fixed = [landscape.problem(k, N_NODES, "current", FIXED) for k in range(count)]
    voltage = [landscape.problem(k, N_NODES, "voltage", 1.0) for k in range(count)]
    return {f"b = {FIXED:g} for all": measure(fixed, RULE, threads),
            "voltage drive": measure(voltage, VOLTAGE_RULE, threads, error=1e-2)}


def verdicts(data: Stiffness, sweeps: Sequence[Stiffness], others: Mapping[str, Stiffness]) -> list[str]:
    """What was measured beside what is expected."""
    alone = data.gap > GAP
    scaled, plain = landscape.slope(data.soft, data.scaled), landscape.slope(data.soft, data.stiff)
    lines = [f"Fig. S1: {len(data.soft)} networks of {N_NODES} nodes, unit current in, target drop b = "
             f"{TARGETS[0]:.3g} to {TARGETS[1]:.3g}, {data.reached.mean():.1%} met.", "",
             verdict(float(np.median(data.overlap)), 0.999, np.inf,
                               "median overlap of stiff mode and (Δv₁)²", median_error(data.overlap)),
             verdict(float(data.overlap[alone].min()), 0.99, np.inf,
                               f"smallest overlap where λ₂/λ₁ > {GAP:g} ({alone.mean():.0%} of the networks)"),
             verdict(scaled[0], -4.15, -3.85, "slope of λ^L / [(i₁o₁)² Σ(Δv₁)⁴] against λ₁", scaled[1]),
             f"      plain λ^L against λ₁: slope {plain[0]:.3f} ± {plain[1]:.3f}"]
    for k, sweep in enumerate(sweeps):
        used = sweep.gap > GAP                    # the law is about a soft mode that stands alone
        words = f"one network over b, sweep {k}, {used.sum()} of {used.size} drops with λ₂/λ₁ > {GAP:g}"
        if used.sum() < 4:
            lines.append(f"      {words}: too few to fit")
            continue
        value, error = landscape.slope(sweep.soft[used], sweep.scaled[used])
        lines.append(verdict(value, -4.08, -3.92, words, error))
    lines += [f"      one network over b, sweep {k}, plain λ^L: slope {landscape.slope(s.soft, s.stiff)[0]:.3f}"
              for k, s in enumerate(sweeps)]
    for name, other in others.items():
        value, error = landscape.slope(other.soft, other.stiff)
        lines.append(verdict(value, -1.0, np.inf,
                                       f"control, {name}: slope of λ^L against λ₁ (± {error:.2f})", error))
    return lines


def draw(data: Stiffness, sweeps: Sequence[Stiffness], others: Mapping[str, Stiffness]) -> Figure:
    """The scaled law, single networks, controls, overlap against gap."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(plots.STYLE):
        figure = Figure(figsize=(6.4, 5.2), layout="constrained")
        a, b, c, d = figure.subplots(2, 2).flat
        _law(a, data.soft, data.scaled, "all networks")
        a.set_ylabel(r"$\lambda^L / [(i_1 o_1)^2 \sum (\Delta v_1)^4]$")
        for k, sweep in enumerate(sweeps):
            order = np.argsort(sweep.soft)
            b.plot(sweep.soft[order], sweep.stiff[order], "o-", ms=2.5, lw=0.7, label=f"network {k}")
        _guide(b, np.concatenate([s.soft for s in sweeps]), np.concatenate([s.stiff for s in sweeps]))
        b.set(ylabel=r"$\lambda^L$", title="one network, one drop after the other")
        for (name, other), color in zip(others.items(), (plots.OURS, plots.PUBLISHED), strict=True):
            c.plot(other.soft, other.stiff, ".", ms=3, color=color, label=name)
        c.set(ylabel=r"$\lambda^L$", title=r"controls: not $\lambda_1^{-4}$")
        c.legend()
        for ax in (a, b, c):
            ax.set(xscale="log", yscale="log", xlabel=r"$\lambda_1$")
        d.plot(data.gap, np.maximum(1 - data.overlap, 1e-16), ".", ms=2.5, color=plots.OURS)
        d.axvline(GAP, color=plots.GUIDE, lw=0.7)
        d.set(xscale="log", yscale="log", xlabel=r"gap $\lambda_2/\lambda_1$",
              ylabel="1 − overlap of stiff mode and $(\\Delta v_1)^2$")
        plots.panel_letters([a, b, c, d])
    return figure


def _law(ax: Axes, x: Array, y: Array, label: str) -> None:
    ax.plot(x, y, ".", ms=2.5, color=plots.OURS, label=label)
    _guide(ax, x, y)


def _guide(ax: Axes, x: Array, y: Array) -> None:
    middle = float(np.exp(np.median(np.log(y)) - 4 * (np.log(x.min()) - np.median(np.log(x)))))
    plots.power_law(ax, (float(x.min()), float(x.max())), 4 * middle, -4, r"$\lambda_1^{-4}$")


def make(size: Size, folder: Path, threads: int | None = None) -> list[Path]:
    """Compute Fig. S1 and write picture, verdicts and data into a folder; returns what was written."""
    data = ensemble(size.networks, threads)
    sweeps = [single(k, size.steps, threads) for k in range(size.swept)]
    others = controls(size.controls, threads)
    return landscape.save(folder, "landscapeS1", draw(data, sweeps, others), verdicts(data, sweeps, others), vars(data))


FIGURE = Entry(
    "landscapeS1", "The stiff eigenvalue of the cost against the soft one of the power", PAPER_2,
    {"a": "λ^L / [(i₁o₁)² Σ(Δv₁)⁴] against λ₁ of an ensemble", "b": "single networks that learn one drop after the "
     "other", "c": "controls without the power law", "d": "overlap of stiff mode and (Δv₁)² against the gap"},
    {"quick": QUICK, "usual": FULL, "full": FULL}, lambda size, folder, given: make(size, folder, given.threads))
