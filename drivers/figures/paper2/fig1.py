"""Fig. 1 of paper 2: voltages, conductances, stiff cost mode and soft physical mode of a network that learned to
give the voltage drop of its inputs at its outputs, and the same over an ensemble.

The task cannot be met exactly: a drop between two other nodes stays below the one applied (maximum principle), and
over-training lowers the overlap. So training ends at |c| = 1e-2 V.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
from ohmlearn.solvers.hessian.soft_mode import soft_mode

if TYPE_CHECKING:
    from matplotlib.figure import Figure

N_NODES = 100
RULE = GradientFlow(floor=1e-4, ceiling=10.0)
ERROR = 1e-2


@dataclass(frozen=True)
class Size:
    """networks : of the ensemble."""

    networks: int


QUICK, FULL = Size(60), Size(60)


@dataclass(frozen=True, eq=False)
class Cracks:
    """One row per trained network. overlap : of the stiff cost mode with (Δv₁)². gap, gap_before : λ₂/λ₁.
    crack : conductance of the crack relative to the rest. fraction : of g² in the crack. reached : 1 where met."""

    overlap: Array
    gap: Array
    gap_before: Array
    crack: Array
    fraction: Array
    reached: Array


def ensemble(count: int, threads: int | None = None) -> tuple[list[Problem], list[Descent], Cracks]:
    """The networks of Fig. 1, trained."""
    problems = [landscape.problem(k, N_NODES, "voltage", 1.0) for k in range(count)]
    descents = landscape.optimise(problems, RULE, threads, error=ERROR)
    return problems, descents, Cracks(*np.array(landscape.each(_row, problems, descents, threads)).T)


def _row(problem: Problem, descent: Descent) -> tuple[float, ...]:
    account = landscape.account(problem, descent)
    before = soft_mode(problem.network, problem.conductances)
    return (account.overlap, account.soft.gap, before.gap, account.soft.crack_conductance, account.crack_fraction,
            descent.status == "reached")


def verdicts(data: Cracks) -> list[str]:
    """What was measured beside what is expected."""
    return [f"Fig. 1: {len(data.gap)} networks of {N_NODES} nodes, voltage drop in = voltage drop out, "
            f"{data.reached.mean():.1%} met within {ERROR:g} V.", "",
            verdict(float(np.median(data.overlap)), 0.85, 0.96, "median overlap of stiff mode and (Δv₁)²",
                    median_error(data.overlap)),
            verdict(float(np.median(data.gap)), 10, np.inf, "median gap λ₂/λ₁ after training",
                    median_error(data.gap)),
            verdict(float(np.median(data.fraction)), 0.95, np.inf, "median fraction of g² on the sign(v₁) cut",
                    median_error(data.fraction)),
            f"      median gap before training {np.median(data.gap_before):.2f}",
            f"      median conductance of the crack relative to the rest {np.median(data.crack):.2g}"]


def draw(problem: Problem, descent: Descent, data: Cracks) -> Figure:
    """The four maps of one network; the ensemble's overlaps and gaps below."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    account = landscape.account(problem, descent)
    mode, voltages = account.stiff[1], account.hessian.voltages[0]
    voltages = voltages - voltages.min()
    soft = account.soft.mode * np.sign(account.soft.mode @ voltages)     # the mode has mean 0
    mode = mode * np.sign(mode[np.argmax(np.abs(mode))])
    with rc_context(plots.STYLE):
        figure = Figure(figsize=(7.0, 8.6), layout="constrained")
        axes = figure.subplots(3, 2, height_ratios=[1, 1, 0.62])
        maps = (("voltages", {"nodes": voltages, "node_label": "voltage"}),
                ("conductances", {"edges": descent.conductances, "edge_label": "conductance"}),
                ("stiff mode of the cost", {"edges": mode, "edge_label": "component"}),
                ("soft mode of the power", {"nodes": soft, "node_label": "component"}))
        for ax, (title, values) in zip(axes.flat[:4], maps, strict=True):
            problem.network.plot(ax, task=problem.task, **values)
            ax.set_title(title)
        for ax in axes.flat[1:4]:
            ax.get_legend().remove()
        axes[2, 0].hist(data.overlap, np.linspace(0, 1, 21), color=plots.OURS)
        axes[2, 0].set(xlabel="overlap of stiff mode and $(\\Delta v_1)^2$", ylabel="networks")
        bins = np.geomspace(1, 1.1 * data.gap.max(), 25)
        axes[2, 1].hist(data.gap_before, bins, color="0.75", label="before")
        axes[2, 1].hist(data.gap, bins, color=plots.OURS, alpha=0.8, label="after training")
        axes[2, 1].set(xscale="log", xlabel=r"gap $\lambda_2/\lambda_1$", ylabel="networks")
        axes[2, 1].legend()
        plots.panel_letters(axes.flat)
    return figure


def shown(problems: Sequence[Problem], descents: Sequence[Descent], data: Cracks) -> int:
    """Number of the network to be shown: of those with a clear crack, the one cut most evenly."""
    clear = (data.overlap >= np.quantile(data.overlap, 0.4)) & (data.gap >= np.quantile(data.gap, 0.4))
    evenness = [abs(landscape.account(p, d).soft.sectors.mean() - 0.5) for p, d in zip(problems, descents, strict=True)]
    return int(np.argmin(np.where(clear, evenness, np.inf)))


def make(size: Size, folder: Path, threads: int | None = None) -> list[Path]:
    """Compute Fig. 1 and write picture, verdicts and data into a folder; returns what was written."""
    problems, descents, data = ensemble(size.networks, threads)
    k = shown(problems, descents, data)
    return landscape.save(folder, "landscape1", draw(problems[k], descents[k], data), verdicts(data), vars(data))


FIGURE = Entry(
    "landscape1", "A network that learned a voltage drop: its stiff cost mode and its soft mode", PAPER_2,
    {"a": "voltages", "b": "conductances", "c": "stiff mode of the cost", "d": "soft mode of the power",
     "e": "overlap of stiff mode and (Δv₁)² over an ensemble", "f": "gap λ₂/λ₁ before and after training"},
    {"quick": QUICK, "usual": FULL, "full": FULL}, lambda size, folder, given: make(size, folder, given.threads))
