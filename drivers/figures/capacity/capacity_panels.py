"""The panels of the figure of capacity, drawn from data."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from ohmlearn.drivers.display import plots
from ohmlearn.drivers.figures.paper2.landscape import Array

LINES = "s--", "o-"

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .capacity_data import Halves, Tried


def draw(every: Sequence[Tried], found: Mapping[str, Halves], ways: Sequence[str]) -> Figure:
    """The figure, 7.2 inches wide; panel b shows the first two of the ways to train, panel d the second."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(plots.STYLE):
        figure = Figure(figsize=(7.2, 5.0), layout="constrained")
        (a, b), (c, d) = figure.subplots(2, 2)
        scale = plots.rate_colors([tried.disks for tried in every])
        decided = [tried for tried in every if np.isfinite(tried.possible).any()]
        for tried in decided:
            x = np.unique(tried.targets) / tried.disks
            low, high = (_fractions(tried, np.nan_to_num(tried.possible, nan=end)) for end in (0.0, 1.0))
            a.fill_between(x, low, high, color=scale.to_rgba(tried.disks), alpha=0.3, lw=0)
            a.plot(x, (low + high) / 2, "o-", ms=2.5, color=scale.to_rgba(tried.disks))
        for tried in every:
            for k, line in enumerate(LINES):
                b.plot(np.unique(tried.targets) / tried.disks, _fractions(tried, tried.learned[k]), line, ms=2.5,
                       color=scale.to_rgba(tried.disks))
        for way, line in zip(ways, LINES, strict=False):
            b.plot([], [], line, ms=2.5, color="black", label=way)
        b.legend()
        a.set(ylabel="tasks that can be met")
        b.set(ylabel="tasks learned")
        for ax in (a, b):
            ax.set(xlabel="targets over $N$", ylim=(-0.04, 1.04), xlim=(0, 0.54))
        bar = figure.colorbar(scale, ax=[a, b], label="$N$", pad=0.02)
        bar.set_ticks([tried.disks for tried in every], labels=[str(tried.disks) for tried in every])
        bar.minorticks_off()
        _halves(c, found)
        _collapse(d, every, decided, found, ways[1], scale)
        plots.panel_letters([a, b, c, d])
    return figure


def _fractions(tried: Tried, success: Array) -> Array:
    """Of successful tasks, at each number of targets."""
    return np.array([success[tried.targets == count].mean() for count in np.unique(tried.targets)])


def _halves(ax: Axes, found: Mapping[str, Halves]) -> None:
    colours = plots.OURS, plots.OURS_TOO, plots.PUBLISHED, "#CC79A7", plots.OURS_THREE
    for (name, half), colour in zip(found.items(), colours, strict=False):
        if half.disks.size == 0:
            continue
        slope, error = half.exponent()
        ax.errorbar(half.disks, half.targets, half.errors, fmt="o", ms=3, color=colour, capsize=2, lw=0.8,
                    label=f"{name}: $N^{{{slope:.2f} \\pm {error:.2f}}}$")
        good = np.isfinite(half.targets) & (half.errors > 0)
        if good.sum() > 1:
            x = half.disks[good]
            level = np.average(np.log(half.targets[good]) - slope * np.log(x),
                               weights=(half.targets[good] / half.errors[good]) ** 2)
            ax.plot(x, np.exp(level) * x**slope, color=colour, lw=0.8)
    ax.set(xscale="log", yscale="log", xlabel="$N$", ylabel="targets $N_{1/2}$ at one half")
    disks = np.unique(np.concatenate([half.disks for half in found.values()]))
    ax.set_xticks(disks, [f"{n:g}" for n in disks])
    ax.minorticks_off()
    low, high = ax.get_ylim()
    ax.set_ylim(low, 3 * high)
    ticks = [n for n in (1, 2, 3, 5, 8, 10, 15, 20, 30, 50, 80) if low <= n <= high]
    ax.set_yticks(ticks, [str(n) for n in ticks])
    ax.legend(loc="upper left")


def _collapse(ax: Axes, every: Sequence[Tried], decided: Sequence[Tried], found: Mapping[str, Halves], way: str,
              scale: Any) -> None:
    """Fractions against the number of targets over that at one half."""
    for tried in decided:
        _over(ax, tried, np.nan_to_num(tried.possible, nan=0.0), next(iter(found.values())), "o-", scale)
    for tried in every:
        _over(ax, tried, tried.learned[1], found[f"learned, {way}"], "s--", scale)
    ax.plot([], [], "o-", ms=2.5, color="black", label="can be met")
    ax.plot([], [], "s--", ms=2.5, color="black", label=f"learned, {way}")
    ax.set(xlabel="$N_T / N_{1/2}$", ylabel="fraction of tasks", xlim=(0, 2.2), ylim=(-0.04, 1.04))
    ax.legend()


def _over(ax: Axes, tried: Tried, success: Array, half: Halves, line: str, scale: Any) -> None:
    at = half.targets[half.disks == tried.disks]
    if at.size and np.isfinite(at[0]):
        ax.plot(np.unique(tried.targets) / at[0], _fractions(tried, success), line, ms=2.5, lw=0.8,
                color=scale.to_rgba(tried.disks))
