"""The panels of the figure of digits at a finite rate, drawn from data."""
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from ohmlearn.drivers.display import plots

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw(found: Mapping[str, Any]) -> Figure:
    """The figure, 7.2 inches wide: a column for every law."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(plots.STYLE):
        figure = Figure(figsize=(7.2, 4.4), layout="constrained")
        axes = figure.subplots(2, len(found), squeeze=False, sharey="row")
        for column, (name, one) in enumerate(found.items()):
            draw_accuracy(axes[0, column], one, name)
            draw_times(axes[1, column], one)
        axes[0, 0].set_ylabel("$R$")
        axes[1, 0].set_ylabel(r"time to 95 % $\times\,\gamma$")
        axes[1, 0].legend(title="$R$", ncols=2, handlelength=1, loc="upper right")
        plots.panel_letters(list(axes.ravel()))
    return figure


def draw_accuracy(ax: Axes, one: Any, name: str) -> None:
    """Mean accuracy in per cent; the line is σ = γ."""
    sigma = np.array(one.switching)
    plots.fraction_map(ax, one.accuracy.mean(axis=2), [f"{s:g}" for s in sigma], one.rates)
    ax.axvline(float(np.interp(0.0, np.log(sigma), np.arange(sigma.size))), color=plots.PUBLISHED, lw=1)
    ax.set(xlabel=r"switching rate $\sigma/\gamma$", ylabel=None)
    ax.set_title(f"{name}; at rest {100 * one.rest.mean(axis=1).max():.0f}", loc="right", fontsize=7)


def draw_times(ax: Axes, one: Any) -> None:
    """Median time until 95 % of the last accuracy, against σ; hollow where that is less than half."""
    from matplotlib.ticker import LogLocator, NullFormatter

    scale = plots.rate_colors(one.rates)
    for k, rate in enumerate(one.rates):
        times, learned = np.median(one.time[k], axis=1), one.accuracy[k].mean(axis=1) >= 0.5    # NaN: not drawn
        color = scale.to_rgba(rate)
        ax.plot(one.switching, times, "-", lw=0.9, color=color, label=f"{rate:g}")
        for s, t, good in zip(one.switching, times, learned, strict=True):
            ax.plot(s, t, "o", ms=3.5, color=color, mfc=color if good else "white")
    ax.axvline(1.0, color=plots.PUBLISHED, lw=1)
    ax.set(xscale="log", yscale="log", xlabel=r"switching rate $\sigma/\gamma$")
    ax.set_xticks(one.switching, [f"{s:g}" for s in one.switching])
    ax.minorticks_off()
    ax.yaxis.set_minor_locator(LogLocator(subs="all"))
    ax.yaxis.set_minor_formatter(NullFormatter())
