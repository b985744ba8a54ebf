"""Panels b to f of Fig. 1 of paper 1, drawn from data."""
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ohmlearn.drivers import plots

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

    from .fig1 import Fig1, LabSweep

THRESHOLD = 1e-3
SHAPES = {2.2e-6: "o", 22e-6: "s", 220e-6: "^", 2200e-6: "D"}


def draw(data: Fig1) -> Figure:
    """The figure, 7 inches wide."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(plots.STYLE):
        figure = Figure(figsize=(7.0, 4.8), layout="constrained")
        axes = figure.subplot_mosaic([["b", "b", "c", "c", "d", "d"], ["e", "e", "e", "f", "f", "f"]],
                                     height_ratios=[1.1, 1.0])
        b, c, d, e, f = (axes[letter] for letter in "bcdef")
        draw_board(b, data)
        scale = plots.rate_colors(data.sweep.rate)
        draw_traces(c, data, "steps", scale)
        draw_traces(d, data, "seconds", scale)
        figure.colorbar(scale, ax=d, label=r"$R = R_0 c\,\gamma_\ell$", pad=0.02, aspect=25)
        draw_floor(e, data, scale)
        draw_times(f, data.sweep, scale)
        for ax, letter in zip((b, c, d, e, f), "bcdef", strict=True):
            ax.set_title(letter, loc="left", fontweight="bold", pad=3)
    return figure


def draw_board(ax: Axes, data: Fig1) -> None:
    """Panel b: the board, its sources and targets with their voltages; edges that wrap around are drawn as stubs."""
    data.network.plot(ax, task=data.task)
    ax.set_title("")
    legend = ax.get_legend()
    if legend is not None:
        legend.remove()
    places = data.network.positions
    assert places is not None
    marked = [*zip(data.task.sources, data.task.source_voltages, ["black"] * 2, strict=True),
              *zip(data.task.targets, data.task.target_voltages, ["tab:red"] * 2, strict=True)]
    for node, volts, color in marked:
        ax.annotate(f"{volts:.2g} V", places[node], xytext=(0, 13), textcoords="offset points", color=color,
                    fontsize=7, ha="center", va="center", bbox={"fc": "white", "ec": "none", "pad": 0.5}, zorder=5)
    ax.text(0.5, -0.02, "squares: sources, rings: targets", transform=ax.transAxes, ha="center", va="top", fontsize=6.5)
    ax.set_xlim(-0.1, 3.1)
    ax.set_ylim(-0.1, 3.3)


def draw_traces(ax: Axes, data: Fig1, against: str, scale: ScalarMappable) -> None:
    """Panels c and d: C of one task at five R, against training steps or lab time, and the threshold of f."""
    plots.draw_lab_traces(ax, data.traces, against, scale)
    ax.axhline(THRESHOLD, color="black", ls=":", lw=0.9)
    ax.set(ylim=(1e-6, 5), ylabel="cost $C/C(0)$" if against == "steps" else "")


def beside(rate: float, capacitance: float) -> float:
    """Where to draw an R, so that capacitors that share it stand side by side."""
    return rate * 1.12 ** (list(SHAPES).index(capacitance) - 1.5)


def draw_floor(ax: Axes, data: Fig1, scale: ScalarMappable) -> None:
    """Panel e: mean error floor against R, bars between the quartiles, shapes by capacitor; hollow where traced."""
    found = data.sweep
    traced = set(zip(data.traces.rate.tolist(), data.traces.capacitance.tolist(), strict=True))
    for k, (rate, c) in enumerate(zip(found.rate, found.capacitance, strict=True)):
        color, (low, _, high) = scale.to_rgba(rate), found.quartiles[:, k]
        x = beside(rate, c)
        ax.plot([x, x], [low, high], color=color, lw=0.9)
        ax.plot(x, found.floors[:, k].mean(), SHAPES[c], color=color, ms=5,
                mfc="white" if (rate, c) in traced else color)
    for c, shape in SHAPES.items():
        ax.plot([], [], shape, color="0.3", label=f"{c * 1e6:g} µF")
    ax.set(xscale="log", yscale="log", xlabel=r"$R = R_0 c\,\gamma_\ell$", ylabel="error floor $C/C(0)$")
    ax.set_ylim(ax.get_ylim()[0] / 5, None)
    ax.legend(title="mean; bars: quartiles; hollow: traced", title_fontsize=6.5, ncols=4, loc="lower left",
              columnspacing=1.0, handletextpad=0.1)


def draw_times(ax: Axes, found: LabSweep, scale: ScalarMappable) -> None:
    """Panel f: mean τ against R, shapes by capacitor, and the two power laws."""
    with np.errstate(invalid="ignore"):
        times = found.steps / found.rate
        mean = np.array([np.mean(column[np.isfinite(column)]) if np.isfinite(column).any() else np.nan
                         for column in times.T])
    for rate, c, tau in zip(found.rate, found.capacitance, mean, strict=True):
        ax.plot(beside(rate, c), tau, SHAPES[c], color=scale.to_rgba(rate), ms=5)
    first = int(np.nanargmin(np.abs(np.log(found.rate))))
    low, high = found.rate.min(), found.rate.max()
    plots.power_law(ax, (low, 0.3), 1.7 * mean[first] / low, -1, r"$R^{-1}$")
    plots.power_law(ax, (1.0, high), 1.7 * mean[first], -0.5, r"$R^{-1/2}$")
    ax.set(xscale="log", yscale="log", xlabel=r"$R = R_0 c\,\gamma_\ell$", ylabel=r"training time $\gamma_p\tau$")
