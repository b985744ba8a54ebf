"""The panels of the figure of tasks in turn, drawn from data."""
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from ohmlearn.drivers.display import plots

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from ohmlearn.run import Run

    from .switching_data import Switched

TOGETHER = "at once"


def draw(found: Switched, traced: Mapping[float | None, Run]) -> Figure:
    """The figure, 7.2 inches wide."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(plots.STYLE):
        figure = Figure(figsize=(7.2, 2.9), layout="constrained")
        a, b, c = figure.subplots(1, 3, width_ratios=[1.25, 1, 1])
        draw_shares(a, found)
        draw_costs(b, found)
        draw_traces(c, traced)
        plots.panel_letters([a, b, c])
    return figure


def draw_shares(ax: Axes, found: Switched) -> None:
    """Share of the pairs learned, in per cent; the line is σ = γp."""
    sigma = found.switching[:-1]
    plots.fraction_map(ax, found.fraction, [*(f"{s:g}" for s in sigma), TOGETHER], found.rate)
    ax.tick_params(axis="x", rotation=60)
    ax.axvline(float(np.interp(0.0, np.log(sigma), np.arange(sigma.size))), color=plots.PUBLISHED, lw=1)
    ax.axvline(sigma.size - 0.5, color="white", lw=2.5)
    ax.set_xlabel(r"switching rate $\sigma/\gamma_p$")
    ax.set_title("pairs learned (%)", loc="right", fontsize=7)


def draw_costs(ax: Axes, found: Switched) -> None:
    """Median C* at the end against σ; at the right edge both tasks at once."""
    scale, sigma = plots.rate_colors(found.rate), found.switching[:-1]
    beyond = sigma[-1] * 6
    for k, rate in enumerate(found.rate):
        cost, color = np.median(found.cost[k], axis=1), scale.to_rgba(rate)
        ax.plot(sigma, cost[:-1], "o-", ms=3, color=color, label=f"{rate:g}")
        ax.plot(beyond, cost[-1], "s", ms=3.5, color=color)
    ax.axvline(1.0, color=plots.PUBLISHED, lw=1)
    ax.text(beyond, 1.15, TOGETHER, ha="center", va="bottom", fontsize=6)
    ax.set(xscale="log", yscale="log", xlabel=r"switching rate $\sigma/\gamma_p$", ylabel="median $C^*/C^*(0)$, end")
    ax.legend(title="$R$", ncols=2, handlelength=1, loc="lower left")


def draw_traces(ax: Axes, traced: Mapping[float | None, Run]) -> None:
    """C* of one pair against training steps, by σ."""
    scale = plots.rate_colors([sigma for sigma in traced if sigma is not None])
    for sigma, run in traced.items():
        color = "black" if sigma is None else scale.to_rgba(sigma)
        shown = run.times > 0
        ax.plot(run.training_steps[shown], run.equilibrium_cost[shown], color=color, lw=0.9,
                ls=":" if sigma is None else "-", label=TOGETHER if sigma is None else rf"$\sigma$ = {sigma:g}")
    rate = next(iter(traced.values())).rate
    ax.set(xscale="log", yscale="log", xlabel=r"training steps $\gamma_\ell t$", ylabel="cost $C^*/C^*(0)$",
           xlim=(0.1, None))
    ax.set_title(f"R = {rate:g}", loc="right", fontsize=7)
    ax.legend(loc="lower left")
