"""The four panels of Fig. 2 of paper 1, drawn from data; nothing is computed here but means and quartiles."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from ohmlearn.drivers.analysis.published import FINAL_COST, TRAINING_TIME
from ohmlearn.drivers.analysis.training_times import TrainingTimes
from ohmlearn.drivers.display import plots

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from ohmlearn.drivers.figures.paper1.fig2_map import QuasistaticMap
    from ohmlearn.run import Run, Runs

ROUNDING = 1e-32  # final costs below are rounding; they enter geometric means as this


@dataclass(frozen=True, eq=False)
class FinalCosts:
    """C*/C*(0) where runs were ended. rate : (n_rates,) R. costs : (n_tasks, n_rates), NaN for failed runs."""

    rate: NDArray[np.float64]
    costs: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.costs.ndim != 2 or self.costs.shape[1] != len(self.rate):
            raise ValueError(f"costs must be (n_tasks, n_rates); got {self.costs.shape} for {len(self.rate)} rates")

    @property
    def geometric_mean(self) -> NDArray[np.float64]:
        """(n_rates,)"""
        return np.exp(np.nanmean(np.log(np.maximum(self.costs, ROUNDING)), axis=0))

    @property
    def quartiles(self) -> NDArray[np.float64]:
        """(2, n_rates) lower and upper."""
        return np.nanquantile(np.maximum(self.costs, ROUNDING), [0.25, 0.75], axis=0)


@dataclass(frozen=True, eq=False)
class Fig2:
    """What Fig. 2 shows. traces : runs of one task over R (a, b). final : protocol in words -> costs (c).
    times : training times (d). map : the quasistatic map of unit step (a), or None."""

    traces: Runs
    final: Mapping[str, FinalCosts]
    times: TrainingTimes
    map: QuasistaticMap | None = None


def draw(data: Fig2) -> Figure:
    """The figure, 5.2 inches wide; R of panels c and d spans what is published."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(plots.STYLE):
        figure = Figure(figsize=(5.2, 4.7), layout="constrained")
        axes = figure.subplots(2, 2)
        a, b, c, d = axes.flat
        draw_traces(figure, (a, b), data.traces, unit_steps=None if data.map is None else data.map.run)
        draw_final_cost(c, data.final)
        draw_training_time(d, data.times)
        for ax in (c, d):
            ax.set(xlim=(3e-4, 3e12), xticks=10.0 ** np.arange(-3, 13, 3), xlabel=r"$R = \gamma_\ell/\gamma_p$")
            ax.minorticks_off()
        plots.panel_letters([a, b, c, d])
    return figure


def draw_traces(figure: Figure, axes: tuple[Axes, Axes], runs: Runs, equilibrium: bool = True,
                unit_steps: Run | None = None) -> None:
    """Two panels: C* (or C out of equilibrium) of one task over R, against training steps and against time; on the
    first one also the quasistatic map of unit step, a point for an update, later updates thinned out."""
    a, b = axes
    scale = plots.rate_colors([run.rate for run in runs])
    for ax, against in ((a, "steps"), (b, "time")):
        plots.draw_traces(ax, runs, against, scale, equilibrium)
        ax.set_ylim(3e-7, max(ax.get_ylim()[1], 2))
        ax.axhline(1e-6, color=plots.GUIDE, lw=0.6, zorder=0)
    b.set_ylabel("")
    if unit_steps is not None:
        last = unit_steps.times.size - 1
        shown = np.unique(np.rint(np.geomspace(1, max(last, 1), 10 * len(str(last)))).astype(int))
        shown = shown[shown <= last]
        a.plot(unit_steps.times[shown], unit_steps.equilibrium_cost[shown], "o", ms=2.2, mew=0.5, mfc="white",
               color="black", zorder=4, label="unit-step map")
    if any(run.rate == 0 for run in runs):
        a.legend(loc="lower left", bbox_to_anchor=(-0.02, 0.08), handlelength=1.3, handletextpad=0.4)
    figure.colorbar(scale, ax=[a, b], label=r"$R = \gamma_\ell/\gamma_p$", pad=0.02, aspect=25)


def draw_final_cost(ax: Axes, final: Mapping[str, FinalCosts]) -> None:
    """Panel c: geometric mean over tasks of the final cost, quartiles as a band; published ones with bars."""
    looks = [(plots.OURS, "o-"), (plots.OURS_TOO, "^-"), (plots.OURS_THREE, "v-")]
    for (protocol, costs), (color, line) in zip(final.items(), looks, strict=False):
        ax.fill_between(costs.rate, *costs.quartiles, color=color, alpha=0.15, lw=0)
        ax.plot(costs.rate, costs.geometric_mean, line, color=color, ms=3, label=protocol)
    mean = FINAL_COST["geometric_mean"]
    bars = [mean - FINAL_COST["lower"], FINAL_COST["upper"] - mean]
    ax.errorbar(FINAL_COST["rate"], mean, bars, fmt="s", color=plots.PUBLISHED, mfc="white", ms=2.5, lw=0.7,
                mew=0.7, label="published", zorder=1.5)
    ax.set(xscale="log", yscale="log", ylabel="final $C^*/C^*(0)$")
    # The one corner that stays free: above the rounding of equal times, below what is published.
    ax.set_ylim(1e-33, 1e2)
    ax.legend(loc="lower right", bbox_to_anchor=(1.03, 0.17), handlelength=1.3, handletextpad=0.4, fontsize=6)


def draw_training_time(ax: Axes, data: TrainingTimes) -> None:
    """Panel d: mean and median τ(R), the published mean, and the two power laws."""
    ax.errorbar(TRAINING_TIME["rate"], TRAINING_TIME["mean"], TRAINING_TIME["error"], fmt="s", ms=4.5,
                color=plots.PUBLISHED, mfc="white", lw=0.9, label="published mean")
    ax.errorbar(data.rate, data.mean, np.nan_to_num(data.error), fmt="o-", color=plots.OURS, ms=3, label="mean")
    ax.plot(data.rate, data.median, "D", color=plots.OURS_TOO, ms=2.6, label="median", zorder=3)
    slow, fast = TRAINING_TIME["rate"][[0, 3]], TRAINING_TIME["rate"][[4, -1]]
    at = dict(zip(TRAINING_TIME["rate"], TRAINING_TIME["mean"], strict=True))
    plots.power_law(ax, tuple(slow), 4 * at[slow[0]], -1, r"$R^{-1}$")
    plots.power_law(ax, tuple(fast), 4 * at[fast[0]], -0.5, r"$R^{-1/2}$")
    ax.set(xscale="log", yscale="log", ylabel=r"training time $\gamma_p\tau$")
    ax.legend(loc="lower left")
