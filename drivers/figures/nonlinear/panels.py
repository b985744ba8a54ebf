"""The panels of the figure of nonlinear edges, drawn from data."""
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ohmlearn.drivers.display import plots

from .table import first_felt

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .data import Ends, Nonlinear, Quality, Xor

MARKS = {"linear": ("0.25", "o"), "mean": (plots.OURS_TOO, "s"), "square": (plots.OURS, "^"),
         "level 1": (plots.PUBLISHED, "D")}
RATE = r"$R = \gamma_\ell/\gamma_p$"


def draw(data: Nonlinear) -> Figure:
    """The figure, 7 inches wide."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(plots.STYLE):
        figure = Figure(figsize=(7.0, 4.8), layout="constrained")
        axes = figure.subplot_mosaic("AAB\nCDE")
        draw_times(axes["A"], data.laws)
        draw_ceilings(axes["B"], data)
        draw_largest(axes["C"], data.laws)
        draw_xor(axes["D"], data.xor)
        draw_quality(axes["E"], data.quality)
        plots.panel_letters([axes[letter] for letter in "ABCDE"])
    return figure


def draw_times(ax: Axes, laws: dict[str, Ends]) -> None:
    """Geometric means against R, with guides of both power laws."""
    for name, found in laws.items():
        color, mark = MARKS[name]
        ax.plot(found.times.rate, found.times.geometric_mean, mark + "-", ms=3.5, color=color, label=name, mfc="none")
    rates, most = laws["linear"].times.rate, np.nanmax(laws["linear"].times.geometric_mean)
    plots.guide(ax, (rates[0], 1.0), 0.4 * most, -1, "$R^{-1}$", below=True)
    if rates[-1] > 1e4:
        at_1 = laws["square"].times.geometric_mean[rates >= 1][0]
        plots.guide(ax, (1e2, rates[-1]), 0.25 * at_1, -0.5, "$R^{-1/2}$", below=True)
    ax.set(xscale="log", yscale="log", xlabel=RATE, ylabel=r"training time $\gamma_p\tau$")
    ax.legend()


def draw_ceilings(ax: Axes, data: Nonlinear) -> None:
    """Fraction of tasks that reached the threshold; as lines, the R from which the ceiling is felt."""
    styles = ("-", "--", ":")
    for (name, c), found in data.ceilings.items():
        ceilings = sorted({c for _, c in data.ceilings})
        color, mark = MARKS[name]
        ax.plot(found.times.rate, found.times.reached / len(found.times.times), mark + styles[ceilings.index(c)],
                ms=3.5, mfc="none", color=color, label=f"{name}, {c:g}")
        ax.axvline(first_felt(data.laws[name], c), color=color, lw=0.6, ls=styles[ceilings.index(c)], alpha=0.5)
    ax.set(xscale="log", xlabel=RATE, ylabel="fraction that reached", ylim=(-0.03, 1.03))
    ax.legend(title="law, ceiling", title_fontsize=6.5, loc="lower left")


def draw_largest(ax: Axes, laws: dict[str, Ends]) -> None:
    """Largest overdrive over √R of the tasks that reached the threshold: median."""
    for name, found in laws.items():
        color, mark = MARKS[name]
        ax.plot(found.times.rate, found.relative_overdrive, mark + "-", ms=3.5, mfc="none", color=color)
    ax.set(xscale="log", yscale="log", xlabel=RATE, ylabel=r"largest overdrive $/\,(A\sqrt{R})$")


def draw_xor(ax: Axes, xor: Xor) -> None:
    """Root of the mean squared error over epochs, seed by seed; those that solve XOR in colour."""
    for k in np.argsort(xor.solved, kind="stable"):
        ax.plot(xor.epochs, 1e3 * xor.errors[:, k], color=plots.OURS if xor.solved[k] else "0.7", lw=0.9)
    ax.plot([], [], color=plots.OURS, label=f"solves XOR ({xor.solved.sum()} of {len(xor.seeds)})")
    if not xor.solved.all():
        ax.plot([], [], color="0.7", label="does not")
    ax.set(xscale="log", yscale="log", xlabel="epochs", ylabel="error of the outputs (mV)")
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter("{x:g}")
    ax.legend(loc="lower left")


def draw_quality(ax: Axes, quality: Quality) -> None:
    """Median and quartiles of the cosine against η."""
    for name, found in quality.cosines.items():
        color, mark = MARKS[name]
        low, middle, high = np.quantile(found, [0.25, 0.5, 0.75], axis=0)
        ax.fill_between(quality.nudges, low, high, color=color, alpha=0.12, lw=0)
        ax.plot(quality.nudges, middle, mark + "-", ms=3.5, mfc="none", color=color)
    ax.set(xscale="log", xlabel=r"nudge $\eta$", ylabel="cosine with the gradient")
