"""Panels of Fig. 3 of paper 1, drawn from data."""
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ohmlearn.drivers.analysis.flatness import KINDS, MODES, Flatness
from ohmlearn.drivers.analysis.oscillation_strength import Swings
from ohmlearn.drivers.analysis.oscillations import Oscillations
from ohmlearn.drivers.analysis.published import HESSIAN_EIGENVALUES, OSCILLATION_FREQUENCY
from ohmlearn.drivers.display import plots
from ohmlearn.run import Runs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .fig3_data import Fig3

COLORS = (plots.OURS, plots.OURS_THREE, "#CC79A7")      # λ₁, λ₂, λ₃
SHAPES = "o", "^", "v"


def draw(data: Fig3) -> Figure:
    """The figure, 7.4 inches wide."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(plots.STYLE):
        figure = Figure(figsize=(7.4, 4.8), layout="constrained")
        a, b, c, d, e, f = figure.subplots(2, 3).flat
        draw_frequency(a, data.oscillations)
        draw_eigenvalues(b, data.flatness)
        draw_kinds(c, data.flatness)
        draw_oscillations(figure, d, data.traces)
        draw_swings(e, data.swings)
        draw_moved(f, data.swings)
        for ax in (a, b, c, e, f):
            ax.set(xscale="log", yscale="log", xlabel=r"$R = \gamma_\ell/\gamma_p$")
        plots.panel_letters([a, b, c, d, e, f])
    return figure


def draw_frequency(ax: Axes, found: Oscillations) -> None:
    """Panel a: the readings of a frequency, the published one, and √R."""
    theirs, ours, way = OSCILLATION_FREQUENCY, found.frequency, found.published_way
    ax.errorbar(theirs["rate"], theirs["frequency"], theirs["error"], fmt="s", ms=4.5, mfc="white", lw=0.8,
                color=plots.PUBLISHED, label="published")
    ax.errorbar(found.rate, way.mean, np.nan_to_num(way.error), fmt="o", ms=2.8, lw=0.8, color=plots.OURS,
                label=r"$1/\langle T\rangle$, maxima of $C^*$")
    ax.plot(ours.rate, ours.mean, "-", lw=0.8, color=plots.OURS_TOO, label=r"$\langle f\rangle$, extrema of $C$")
    ax.plot(ours.rate, found.harmonic.mean, ":", lw=1.0, color=plots.OURS_TOO,
            label=r"$1/\langle 1/f\rangle$ of these")
    if found.sampled.size:
        ax.plot(found.sampled, np.nanmean(found.crossings, axis=0), "^", ms=3.5, color=plots.OURS_THREE,
                label="zero crossings, cycles")
        ax.plot(found.sampled, np.nanmedian(found.peaks, axis=0), "x", ms=3.5, color="#CC79A7",
                label="peak of the spectrum")
    plots.guide(ax, (1e3, 1e12), 0.5 * np.sqrt(1e3), 0.5, "$R^{1/2}$")
    ax.set(ylabel=r"frequency of $C$ ($\gamma_p$)", xticks=10.0 ** np.arange(0, 13, 3), ylim=(1e-8, 1e6))
    ax.minorticks_off()
    ax.legend(loc="lower right")


def draw_eigenvalues(ax: Axes, found: Flatness) -> None:
    """Panel b: means of λ(R)/λ(0.01) of 2JᵀJ, medians, and the published means."""
    for mode, (color, shape) in enumerate(zip(COLORS, SHAPES, strict=True)):
        theirs = HESSIAN_EIGENVALUES[f"lambda{mode + 1}"]
        ax.plot(HESSIAN_EIGENVALUES["rate"], theirs, shape, ms=4.5, mfc="none", mew=0.7, color=color)
        ratios = found.ratios("2JᵀJ", mode)
        ax.errorbar(ratios.rate, ratios.mean, np.nan_to_num(ratios.error), fmt=shape + "-", ms=2.6, lw=0.9,
                    color=color, label=rf"$\lambda_{mode + 1}$")
        ax.plot(ratios.rate, ratios.median, ":", lw=0.9, color=color)
    plots.guide(ax, (1e3, 1e8), 1.0, -1, "$R^{-1}$")
    ax.plot([], [], ":", color="0.3", label="medians")
    ax.plot([], [], "o", ms=4.5, mfc="none", mew=0.7, color="0.3", label="published")
    ax.set(ylabel=r"$\lambda(R)/\lambda(0.01)$ of $2J^TJ$")
    ax.legend(loc="lower left")


def draw_swings(ax: Axes, found: Swings) -> None:
    """Panel e: the largest swing of C*, whole and late, medians and quartiles."""
    for values, shape, color, words in ((found.whole, "s", plots.OURS_TOO, "whole run"),
                                        (found.late, "o", plots.OURS, "once $C^* < 10^{-2}$")):
        low, middle, high = np.nanquantile(values, [0.25, 0.5, 0.75], axis=0)
        ax.fill_between(found.rate, low, high, color=color, alpha=0.2, lw=0)
        ax.plot(found.rate, middle, shape + "-", ms=2.6, lw=0.9, color=color, label=words)
    ax.set(ylabel="largest swing of $C^*/C^*(0)$", ylim=(1e-7, 2e3))
    ax.legend(loc="upper left")


def draw_moved(ax: Axes, found: Swings) -> None:
    """Panel f: how far conductances move."""
    low, middle, high = np.quantile(found.moved, [0.25, 0.5, 0.75], axis=0)
    ax.fill_between(found.rate, low, high, color=plots.OURS, alpha=0.2, lw=0)
    ax.plot(found.rate, middle, "o-", ms=2.6, lw=0.9, color=plots.OURS)
    plots.guide(ax, (1e2, float(found.rate[-1])), 0.5 * float(middle[-1]) * np.sqrt(1e2 / found.rate[-1]), 0.5,
                "$R^{1/2}$", below=True)
    ax.set(ylabel="conductances moved, rms ($G_0$)")


def draw_kinds(ax: Axes, found: Flatness) -> None:
    """Panel c: median of the three eigenvalues of the three Hessians."""
    looks = (("-", plots.OURS), ("", plots.OURS_TOO), ("-", plots.PUBLISHED))
    names = ("$2J^TJ$", "Hessian of $C^*$", "contrastive Hessian")
    for kind, (line, color), name in zip(KINDS, looks, names, strict=True):
        for mode, shape in zip(range(MODES), SHAPES, strict=True):
            ax.plot(found.rate, found.ratios(kind, mode).median, shape + line, ms=2.6 if line else 5, color=color,
                    mfc=color if line else "none", lw=0.8, label=name if mode == 0 else None)
    plots.guide(ax, (1e3, 1e8), 3e-3, -1, "$R^{-1}$", below=True)
    ax.set(ylabel=r"$\lambda(R)/\lambda(0.01)$, medians")
    ax.legend(loc="lower left")


def draw_oscillations(figure: Figure, ax: Axes, runs: Runs) -> None:
    """Panel d: C of one task against time in 1/√R, where its oscillations keep their pace."""
    scale = plots.rate_colors(runs.rate)
    for run in runs:
        ax.plot(run.times * np.sqrt(run.rate), run.cost, color=scale.to_rgba(run.rate), lw=0.8)
    ends = [run.times[-1] * np.sqrt(run.rate) for run in runs if len(run.times)]
    ax.set(yscale="log", xlabel=r"time $\sqrt{R}\,\gamma_p t$", ylabel="cost $C/C^*(0)$", ylim=(1e-7, 3),
           xlim=(0, max(ends, default=1)))
    figure.colorbar(scale, ax=ax, label=r"$R$", pad=0.02, aspect=25)
