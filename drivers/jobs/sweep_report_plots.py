"""The pictures of a sweep's summary."""
from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from ohmlearn.drivers.analysis.training_times import TrainingTimes
from ohmlearn.drivers.display.plots import GUIDE, OURS, OURS_THREE, OURS_TOO, PUBLISHED, STYLE, power_law, rate_colors
from ohmlearn.drivers.sweeps.member_status import ALL_STATUSES

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

MOST_POINTS, MOST_TRACES = 20_000, 400      # that are drawn
COLOURS = dict(zip((*ALL_STATUSES, "to do"), (OURS, OURS_TOO, OURS_THREE, PUBLISHED, "#CC79A7", "0.85"), strict=True))


Made = TypeVar("Made")


def styled(draw: Callable[[xarray.Dataset], Made]) -> Callable[[xarray.Dataset], Made]:
    """Draw in the style of the project's figures."""
    @wraps(draw)
    def within(data: xarray.Dataset) -> Made:
        with rc_context(STYLE):
            return draw(data)

    return within


def axes_of(height: float = 3.6) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(6.5, height), layout="constrained")
    return figure, figure.subplots()


@styled
def training_times(data: xarray.Dataset) -> Figure:
    """τ of every task against R, means and medians; rate 0 has no place on a logarithmic axis."""
    figure, ax = axes_of()
    positive = data["rate"].values > 0
    times = TrainingTimes(data["rate"].values[positive], data["training_time"].values[:, positive])
    stride = -(-times.times.size // MOST_POINTS)
    rates = np.broadcast_to(times.rate, times.times.shape)
    ax.plot(rates.ravel()[::stride], times.times.ravel()[::stride], ".", color="0.7", ms=3, zorder=1)
    some = times.reached > 0
    rate, mean = times.rate[some], times.mean[some]
    ax.errorbar(rate, mean, np.nan_to_num(times.error[some]), color=OURS, marker="o", label="mean")
    ax.plot(rate, times.median[some], "--", color=OURS, lw=0.9, label="median")
    for within, exponent, label in ((rate <= 1, -1, "$R^{-1}$"), (rate >= 1, -0.5, "$R^{-1/2}$")):
        if within.sum() > 1:
            power_law(ax, (rate[within][0], rate[within][-1]), float(mean[within][0]), exponent, label)
    ax.set(xscale="log", yscale="log", xlabel=r"$R = \gamma_\ell/\gamma_p$", ylabel=r"training time $\gamma_p\tau$")
    if some.any():
        ax.legend()
    return figure


@styled
def traces(data: xarray.Dataset) -> tuple[Figure, int]:
    """C*/C*(0) against training steps, coloured by R, and how many runs are shown."""
    figure, ax = axes_of()
    rates, done = data["rate"].values, np.argwhere(data["status"].values != "to do")
    some = done[::-(-len(done) // MOST_TRACES)]
    scale = rate_colors(rates)
    for i, j in some.tolist():
        n = int(data["trace_length"].values[i, j])
        steps, cost = data["training_steps"].values[j, :n], data["equilibrium_cost"].values[i, j, :n]
        shown = (steps > 0) & (cost > 0)
        ax.plot(steps[shown], cost[shown], color=scale.to_rgba(rates[j]) if rates[j] > 0 else GUIDE, lw=0.6)
    ax.set(xscale="log", yscale="log", xlabel=r"training steps $\gamma_\ell t$", ylabel="cost $C^*/C^*(0)$")
    if np.any(rates > 0):
        figure.colorbar(scale, ax=ax, label=r"$R = \gamma_\ell/\gamma_p$")
    return figure, len(some)


@styled
def endings(data: xarray.Dataset) -> Figure:
    """How many runs of every rate ended how."""
    figure, ax = axes_of(height=2.4)
    status, below = data["status"].values, np.zeros(data.sizes["rate"])
    for name, colour in COLOURS.items():
        count = np.sum(status == name, axis=0)
        if count.any():
            ax.bar(np.arange(count.size), count, bottom=below, color=colour, label=name)
            below = below + count
    label_rates(ax, data)
    ax.set_ylabel("members")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


@styled
def timing(data: xarray.Dataset) -> Figure:
    """Steps and looks of every rate, all members together."""
    figure, ax = axes_of(height=2.4)
    done = data["status"].values != "to do"
    place = np.arange(data.sizes["rate"])
    for shift, name, colour in ((-0.2, "n_steps", OURS), (0.2, "n_looks", OURS_TOO)):
        ax.bar(place + shift, np.where(done, data[name].values, 0).sum(axis=0), width=0.4, color=colour,
               label=name.removeprefix("n_"))
    label_rates(ax, data)
    ax.set(yscale="log", ylabel="all members")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def label_rates(ax: Axes, data: xarray.Dataset) -> None:
    """Rates below bars, not too many."""
    rates = data["rate"].values
    every = -(-rates.size // 16)
    ax.set_xticks(np.arange(rates.size)[::every], [f"{rate:g}" for rate in rates[::every]], rotation=45)
    ax.set_xlabel("$R$")
