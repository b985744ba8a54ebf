"""Drawing that more than one figure needs: R as colour, guides to the eye, and the traces of runs."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.image import AxesImage
    from ohmlearn.lab.run import LabRun
    from ohmlearn.run import Run

# Colours that keep apart for every kind of colour vision, and in grey.
OURS, OURS_TOO, OURS_THREE, PUBLISHED, GUIDE = "#0072B2", "#56B4E9", "#009E73", "#D55E00", "0.45"
STYLE = {
    "font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8, "legend.fontsize": 6.5, "xtick.labelsize": 7,
    "ytick.labelsize": 7, "lines.linewidth": 1.1, "lines.markersize": 4, "legend.frameon": False,
    "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.7,
}


def rate_colors(rates: ArrayLike) -> ScalarMappable:
    """Perceptual colour scale over the logarithm of the positive rates: `.to_rgba(rate)`, and good for a colour bar."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, LogNorm

    rates = np.asarray(rates, dtype=np.float64)
    rates = rates[rates > 0]
    low, high = (rates.min(), rates.max()) if rates.size else (1.0, 1.0)
    if low == high:
        low, high = low / 10, high * 10
    # The last tenth of viridis is too light for lines on white.
    return ScalarMappable(LogNorm(low, high), ListedColormap(colormaps["viridis"](np.linspace(0, 0.9, 256))))


def power_law(ax: Axes, x: tuple[float, float], y: float, exponent: float, label: str) -> None:
    """Dashed guide y (x/x₀)^exponent from x₀ to x₁, its label at the middle."""
    ends = np.array(x)
    ax.plot(ends, y * (ends / ends[0]) ** exponent, "--", color=GUIDE, lw=0.9, zorder=1)
    middle = np.sqrt(ends[0] * ends[1])
    ax.annotate(label, (middle, y * (middle / ends[0]) ** exponent), xytext=(3, 2), textcoords="offset points",
                color=GUIDE, fontsize=7)


def guide(ax: Axes, x: tuple[float, float], y: float, exponent: float, label: str, below: bool = False) -> None:
    """A power law with its label beside the line, not on it."""
    power_law(ax, x, y, exponent, "")
    middle = np.sqrt(x[0] * x[1])
    left = (exponent > 0) != below
    ax.annotate(label, (middle, y * (middle / x[0]) ** exponent), xytext=(-4 if left else 4, -5 if below else 5),
                textcoords="offset points", color=GUIDE, fontsize=7, va="center", ha="right" if left else "left")


def draw_traces(ax: Axes, runs: Iterable[Run], against: str, scale: ScalarMappable, equilibrium: bool = True) -> None:
    """C*/C*(0) of every run against "steps" or "time", coloured by R, the quasistatic limit (rate 0) dotted black.

    equilibrium : False shows the nonequilibrium C in its place, which at rate 0 is the same.

    Logarithmic axes have no place for the start at time 0: it is left out. Traces go on to where their runs ended.
    """
    for run in runs:
        unit = (run.rate or 1.0) if against == "steps" else 1.0
        x, cost = unit * np.append(run.times, run.time), np.append(run.equilibrium_cost, run.final_cost)
        if not equilibrium:
            x, cost = unit * run.times, run.cost
        shown = (x > 0) & (cost > 0)
        if run.rate > 0:
            ax.plot(x[shown], cost[shown], color=scale.to_rgba(run.rate))
        elif against == "steps":
            ax.plot(x[shown], cost[shown], ":", color="black", lw=1.4, zorder=3, label="quasistatic")
    ax.set(xscale="log", yscale="log", ylabel="cost $C^*/C^*(0)$" if equilibrium else "cost $C/C^*(0)$",
           xlabel=r"training steps $\gamma_\ell t$" if against == "steps" else r"time $\gamma_p t$")


def plot_runs(runs: Iterable[Run], ax: Axes | None = None, against: str = "steps") -> Axes:
    """C*/C*(0) of every run against training steps, or against="time" in 1/γp; returns the axes.

    A single run shows C/C*(0) beside it, dashed. Several rates are told apart by colour, with a colour bar; the
    quasistatic limit (rate 0) is dotted, and has no time in 1/γp. The runs must have been recorded.
    """
    runs = list(runs)
    if not runs:
        raise ValueError("no runs to plot")
    if against not in ("steps", "time"):
        raise ValueError(f"against must be 'steps' or 'time', not {against!r}")
    short = [run for run in runs if len(run.times) < 2]
    if short:
        raise ValueError(f"{len(short)} of {len(runs)} runs hold no trace of C*, first at R={short[0].rate:g}; "
                         "train them with record=ol.Record(per_decade=20)")
    if against == "time" and all(run.rate == 0 for run in runs):
        raise ValueError("runs at rate 0 have no time in 1/γp; plot them against='steps'")
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(layout="constrained")
    scale = rate_colors([run.rate for run in runs])
    draw_traces(ax, runs, against, scale)
    if len(runs) == 1:
        only = runs[0]
        ax.lines[-1].set_label("$C^*$, at equilibrium")
        x = only.training_steps if against == "steps" else only.times
        ax.plot(x[x > 0], only.cost[x > 0], "--", color=PUBLISHED, lw=0.9, label="$C$, out of equilibrium")
        ax.legend(title=f"R = {only.rate:g}")
    elif len({run.rate for run in runs if run.rate > 0}) > 1:
        ax.figure.colorbar(scale, ax=ax, label=r"$R = \gamma_\ell/\gamma_p$")
    return ax


LAB_TIMES = {"steps": r"training steps $\gamma_\ell t$", "time": r"time $\gamma_p t$", "seconds": "lab time (s)"}


def draw_lab_traces(ax: Axes, runs: Iterable[LabRun], against: str, scale: ScalarMappable) -> None:
    """C/C(0) of lab circuits against "steps", "time" or "seconds", coloured by R; the start is left out."""
    for run in runs:
        if run.cost is None:
            raise ValueError(f"the circuit at R={run.rate:g} kept no trace; train it with traces=True")
        x = {"steps": run.times / run.step_time, "time": run.times, "seconds": run.seconds}[against]
        ax.plot(x[1:], run.cost[1:], color=scale.to_rgba(run.rate), lw=0.7)
    ax.set(xscale="log", yscale="log", xlabel=LAB_TIMES[against], ylabel="cost $C/C(0)$")


def plot_lab_runs(runs: Iterable[LabRun], ax: Axes | None = None, against: str = "steps") -> Axes:
    """The same as a picture of its own, with a colour bar where rates differ; returns the axes."""
    runs = list(runs)
    if against not in LAB_TIMES:
        raise ValueError(f"against must be one of {', '.join(LAB_TIMES)}, not {against!r}")
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(layout="constrained")
    scale = rate_colors([run.rate for run in runs])
    draw_lab_traces(ax, runs, against, scale)
    if len({run.rate for run in runs}) > 1:
        ax.figure.colorbar(scale, ax=ax, label=r"$R = R_0 c\,\gamma_\ell$")
    return ax


def fraction_map(ax: Axes, fraction: NDArray[np.float64], columns: Sequence[str], rates: ArrayLike) -> AxesImage:
    """Shares (n_rates, n_columns) as coloured cells with their per cent, NaN as blank ones, R upwards; returns the
    image."""
    image = ax.imshow(100 * fraction, origin="lower", aspect="auto", cmap="viridis", vmin=0, vmax=100)
    for k, i in np.argwhere(np.isfinite(fraction)):
        ax.text(i, k, f"{100 * fraction[k, i]:.0f}", ha="center", va="center", fontsize=5.5,
                color="black" if fraction[k, i] > 0.55 else "white")
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(fraction)), [f"{rate:g}" for rate in np.asarray(rates)])
    ax.set_ylabel(r"$R = \gamma_\ell/\gamma_p$")
    ax.spines[:].set_visible(False)
    return image


def panel_letters(axes: Sequence[Axes]) -> None:
    """a, b, c ... at the upper left of every panel."""
    for ax, letter in zip(axes, "abcdefgh", strict=False):
        ax.set_title(letter, loc="left", fontweight="bold", pad=3)
