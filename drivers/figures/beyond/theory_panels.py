"""The panels of the figure of the theory, drawn from data."""
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ohmlearn.drivers.display import plots

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .theory_data import Compared, Shown

SLOWEST = 40        # modes drawn in the spectrum
TURNS = 1e-6        # Im ω over |ω| from which a mode counts as oscillating


def draw(shown: Shown, found: Compared) -> Figure:
    """The figure, 7 inches wide."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(plots.STYLE):
        figure = Figure(figsize=(7.0, 5.2), layout="constrained")
        (a, b), (c, d) = figure.subplots(2, 2)
        draw_spectrum(a, b, shown)
        draw_traces(c, shown)
        draw_onsets(d, found)
        plots.panel_letters([a, b, c, d])
    return figure


def draw_spectrum(decay: Axes, turn: Axes, shown: Shown) -> None:
    """Re ω and Im ω of the slowest modes against R; R_c as a line."""
    from .theory_data import SHOWN

    rates = np.array(SHOWN)
    modes = np.array(shown.spectra)[:, :SLOWEST]
    turning = modes.imag > TURNS * np.abs(modes)
    steady = np.abs(modes.imag) <= TURNS * np.abs(modes)
    where = np.broadcast_to(rates[:, None], modes.shape)
    decay.plot(where[steady], modes.real[steady], ".", ms=1.6, color=plots.OURS, label="decay only")
    decay.plot(where[turning], modes.real[turning], ".", ms=1.6, color=plots.PUBLISHED, label="oscillate")
    decay.set(xscale="log", yscale="log", xlabel="$R$", ylabel=r"rate of decay Re $\omega/\gamma_p$",
              ylim=(modes.real[modes.real > 0].min() / 2, np.median(modes.real[:, -1]) * 2))
    decay.legend(loc="lower right", markerscale=4, handletextpad=0.2)
    turn.plot(where[turning], modes.imag[turning], ".", ms=1.6, color=plots.PUBLISHED)
    top = float(modes.imag[-1].max())
    plots.power_law(turn, (rates[-1] / 100, rates[-1]), 2 * top / 10, 0.5, r"$\sqrt{R}$")
    turn.set(xscale="log", yscale="log", xlabel="$R$", ylabel=r"frequency |Im $\omega|/\gamma_p$",
             ylim=(top / 1e4, 4 * top), xlim=decay.get_xlim())
    for ax in (decay, turn):
        ax.axvline(shown.critical, color="black", lw=0.8)
        ax.axvline(shown.observed, color="black", lw=0.8, ls=":")
    turn.annotate("$R_c$", (shown.critical, top / 5e3), xytext=(-3, 0), textcoords="offset points", ha="right")
    turn.annotate("observed", (shown.observed, top / 5e3), xytext=(3, 0), textcoords="offset points")


def draw_traces(ax: Axes, shown: Shown) -> None:
    """C(t) of the task around R_c, simulated and by the linear dynamics about the start."""
    scale = plots.rate_colors([run.rate for run in shown.traces])
    for run in shown.traces:
        color = scale.to_rgba(run.rate)
        seen = (run.times > 0) & (run.cost > 0)
        ax.plot(run.times[seen], run.cost[seen], color=color, label=f"$R$ = {run.rate / shown.critical:.2g} $R_c$")
        times, cost = shown.theory.response(run.rate)
        ax.plot(times, cost, "--", lw=0.8, color=color)
    ax.plot([], [], "--", lw=0.8, color="black", label="linear, about the start")
    ends = [float(run.times[-1]) for run in shown.traces]
    ax.set(xscale="log", yscale="log", xlabel=r"time $\gamma_p t$", ylabel="cost $C/C(0)$", ylim=(1e-7, 3),
           xlim=(min(ends) / 300, 2 * max(ends)))
    ax.legend(loc="lower left")


def draw_onsets(ax: Axes, found: Compared) -> None:
    """Observed against predicted onset; the band is a factor two."""
    predicted, used = found.predicted, found.used & np.isfinite(found.observed)
    first = found.start < found.slowest
    ends = np.nanmin([predicted[used], found.observed[used]]) / 1.5, np.nanmax([predicted[used],
                                                                               found.observed[used]]) * 1.5
    ends = float(ends[0]), float(ends[1])
    ax.fill_between(ends, [x / 2 for x in ends], [x * 2 for x in ends], color="0.9", lw=0, label="factor 2")
    ax.plot(ends, ends, color=plots.GUIDE, lw=0.8)
    for here, marker, color, words in ((~first, "o", plots.OURS, "slowest mode when trained"),
                                       (first, "D", plots.PUBLISHED, "response at the start")):
        ax.plot(predicted[used & here], found.observed[used & here], marker, ms=3.5, color=color, mfc="none",
                label=words)
    ax.set(xscale="log", yscale="log", xlabel="predicted $R_c$", ylabel="observed onset $R$", xlim=ends, ylim=ends)
    ax.legend(loc="upper left")
