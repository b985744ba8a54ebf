"""Panels b to f of Fig. 1 of paper 1, and two more on its oscillations, drawn from data."""
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ohmlearn.drivers.display import plots

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

    from .fig1_data import Fig1, LabSweep

THRESHOLD = 1e-3
DRAWN = {"as built": ("o-", "black"), "potentiometers a step late": ("s-", plots.OURS_TOO),
         "potentiometers 3 steps late": ("s-", plots.OURS), "steps of 3 taps": ("^-", plots.PUBLISHED),
         "steps of a quarter tap": ("v-", "#E69F00"), "no comparator noise": ("x--", plots.OURS_THREE)}
SHAPES = {2.2e-6: "o", 22e-6: "s", 220e-6: "^", 2200e-6: "D"}


def draw(data: Fig1) -> Figure:
    """The figure, 7 inches wide."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(plots.STYLE):
        figure = Figure(figsize=(7.0, 7.0), layout="constrained")
        upper, lower = figure.subfigures(2, 1, height_ratios=[1.0, 2.1])
        b, c, d = upper.subplots(1, 3, width_ratios=[0.85, 1.0, 1.0])
        e, f, g, h = lower.subplots(2, 2).flat
        draw_board(b, data)
        scale = plots.rate_colors(data.sweep.rate)
        draw_traces(c, data, "steps", scale)
        draw_traces(d, data, "seconds", scale)
        upper.colorbar(scale, ax=d, label=r"$R = R_0 c\,\gamma_\ell$", pad=0.02, aspect=25)
        draw_floor(e, data, scale)
        draw_times(f, data.sweep, scale)
        draw_variants(g, h, data)
        for ax, letter in zip((b, c, d, e, f, g, h), "bcdefgh", strict=True):
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


def draw_variants(floor: Axes, width: Axes, data: Fig1) -> None:
    """Panels g and h: mean error floor, and third over first quartile of C, of the circuit with one difference."""
    for name, (look, color) in DRAWN.items():
        if name not in data.variants:
            continue
        found = data.variants[name]
        floor.plot(found.rate, found.floors.mean(axis=0), look, ms=3, lw=0.9, color=color, label=name)
        if name == "no comparator noise":           # limit cycles of every width
            continue
        middle, error = found.widths.mean(axis=0), found.widths.std(axis=0) / np.sqrt(len(found.widths))
        width.errorbar(found.rate, 10**middle, 10**middle * np.log(10) * error, fmt=look, ms=3, lw=0.9, color=color)
    for ax, label in ((floor, "mean error floor $C/C(0)$"), (width, "quartiles of $C$, third over first")):
        ax.set(xscale="log", xlabel=r"$R = R_0 c\,\gamma_\ell$", ylabel=label)
    floor.set(yscale="log")
    floor.set_ylim(None, 30 * floor.get_ylim()[1])
    floor.legend(loc="upper left", ncols=2, columnspacing=1.0)
    width.set_ylim(0, None)
