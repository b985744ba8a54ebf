"""The sum of the squared conductances, and the eigenvalues that follow it, drawn from data."""
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ohmlearn.drivers.analysis.published import HESSIAN_EIGENVALUES
from ohmlearn.drivers.display import plots
from ohmlearn.run import Runs

from .conservation_data import FAST, Array, Conserved, middle

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUM = r"\Sigma G^2/\Sigma G_0^2"


def draw(data: Conserved) -> Figure:
    """The figure, 7 inches wide."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(plots.STYLE):
        figure = Figure(figsize=(7.0, 5.0), layout="constrained")
        a, b, c, d = figure.subplots(2, 2).flat
        draw_along(a, data.traces)
        draw_excess(b, data)
        draw_flatness(c, data)
        draw_drift(d, data)
        plots.panel_letters([a, b, c, d])
    return figure


def draw_along(ax: Axes, runs: Runs) -> None:
    """Panel a: the sum against training steps, up to τ."""
    scale = plots.rate_colors(runs.rate)
    for number, run in enumerate(runs):
        shown = run.times > 0
        x = run.rate * np.append(run.times[shown], run.time)
        y = np.append(run.recorded["squared_norm"][shown], np.sum(run.conductances**2)) / run.conductances.size
        ax.plot(x, y, "--" if number == 0 else "-", lw=1.6 if number == 0 else 1.1, color=scale.to_rgba(run.rate),
                zorder=3 - 0.1 * number, label=f"$R = 10^{{{np.log10(run.rate):g}}}$")
        ax.plot(x[-1], y[-1], "o", ms=3, color=scale.to_rgba(run.rate))
    ax.set(xscale="log", yscale="log", xlabel=r"training steps $\gamma_\ell t$", ylabel=f"${SUM}$")
    ax.legend(loc="upper left")


def scatter(ax: Axes, x: Array, values: Array, color: str) -> None:
    """Every task as a dot."""
    ax.plot(np.broadcast_to(x, values.shape).ravel(), values.ravel(), ".", ms=3.0, color=color, alpha=0.4, mew=0)


def draw_excess(ax: Axes, data: Conserved) -> None:
    """Panel b: how far the sum has grown at τ, against R."""
    excess = np.abs(data.squares - 1)
    low, high = np.nanquantile(excess, [0.25, 0.75], axis=0)
    ax.fill_between(data.rate, low, high, color=plots.OURS, alpha=0.2, lw=0, label="quartiles")
    scatter(ax, data.rate, excess, plots.OURS)
    ax.plot(data.rate, middle(excess), "o-", ms=3, color=plots.OURS, label="median")
    if data.rate[-1] > FAST:
        at = int(np.argmin(np.abs(data.rate - FAST)))
        plots.guide(ax, (FAST, float(data.rate[-1])), 0.25 * middle(excess)[at], 1, "$R$", below=True)
    ax.set(xscale="log", yscale="log", xlabel=r"$R = \gamma_\ell/\gamma_p$", ylabel=f"$|{SUM} - 1|$ at $\\tau$")
    ax.legend(loc="upper left")


def draw_flatness(ax: Axes, data: Conserved) -> None:
    """Panel c: the largest eigenvalue falls as 1/ΣG²."""
    theirs = HESSIAN_EIGENVALUES
    ax.errorbar(theirs["rate"], theirs["lambda1"], theirs["error1"], fmt="s", ms=3, mfc="white", lw=0.7,
                color=plots.PUBLISHED, label=r"published $\lambda_1$ (Fig. 3b)")
    ax.plot(data.rate, middle(1 / data.squares), "-", lw=1.2, color=plots.GUIDE, label=r"$\Sigma G_0^2/\Sigma G^2$")
    for scaled, color, shape, words in ((False, plots.OURS, "o", r"$\lambda_1$ of $2J^TJ$"),
                                        (True, plots.OURS_THREE, "^", r"$\lambda_1\,\Sigma G^2$")):
        values = data.relative(scaled)
        scatter(ax, data.rate, values, color)
        ax.plot(data.rate, middle(values), shape + "-", ms=3, color=color, label=words)
    ax.set(xscale="log", yscale="log", xlabel=r"$R = \gamma_\ell/\gamma_p$",
           ylabel=f"relative to $R$ = {data.rate[0]:g}")
    ax.legend(loc="lower left")


def draw_drift(ax: Axes, data: Conserved) -> None:
    """Panel d: what is left at R = 0, against the nudge; η = 0 stands at the left as a line."""
    drifts = np.abs(data.drift)
    scatter(ax, data.nudge[1:], drifts[:, 1:], plots.OURS)
    ax.plot(data.nudge[1:], middle(drifts)[1:], "o-", ms=3, color=plots.OURS, label="$R = 0$, median")
    ax.axhline(middle(drifts)[0], color=plots.OURS_THREE, lw=1.0, label=r"$\eta = 0$: error of the integration")
    start = float(data.nudge[1])
    plots.guide(ax, (start, float(data.nudge[-1])), 0.3 * middle(drifts)[1], 1, r"$\eta$", below=True)
    ax.set(xscale="log", yscale="log", xlabel=r"nudge $\eta$", ylabel=f"$|{SUM} - 1|$")
    ax.legend(loc="upper left")
