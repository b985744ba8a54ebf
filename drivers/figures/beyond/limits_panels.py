"""The panels of the figure of limits, drawn from data."""
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from ohmlearn.drivers.display import plots

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .limits_data import Crowding, Disturbed

LINES = ("-", "--")
LOWEST = 1e-16


def draw(crowd: Crowding, disturbed: Mapping[str, Mapping[str, Disturbed]]) -> Figure:
    """The figure, 7.2 inches wide; disturbed : circuit -> "noise" or "bias" -> what came of it."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(plots.STYLE):
        figure = Figure(figsize=(7.2, 5.0), layout="constrained")
        (a, b, c), (d, e, f) = figure.subplots(2, 3)
        scale = plots.rate_colors(crowd.rate)
        draw_success(a, crowd, "drawn")
        figure.colorbar(draw_success(b, crowd, "of a teacher"), ax=b, label="tasks learned (%)", pad=0.02)
        draw_costs(c, crowd, scale)
        c.set(xlabel="targets", xscale="log")
        c.set_xticks([1, 3, 10, 30], ["1", "3", "10", "30"])
        c.minorticks_off()
        figure.colorbar(scale, ax=c, label=r"$R = \gamma_\ell/\gamma_p$", pad=0.02)
        lab_scale = plots.rate_colors([rate for one in disturbed.values() for two in one.values() for rate in two.rate])
        draw_floors(d, disturbed, "noise", lab_scale)
        draw_floors(e, disturbed, "bias", lab_scale)
        draw_shares(f, disturbed, lab_scale)
        d.legend(handles=_keys(disturbed), loc="lower right", handlelength=2.2)
        figure.colorbar(lab_scale, ax=f, label=r"$R = R_0 c\,\gamma_\ell$", pad=0.02)
        plots.panel_letters([a, b, c, d, e, f])
    return figure


def draw_success(ax: Axes, crowd: Crowding, kind: str) -> Any:
    """Share of tasks that were learned, by number of targets and R, in per cent."""
    image = plots.fraction_map(ax, crowd.reached[kind].mean(axis=2).T, [str(n) for n in crowd.count], crowd.rate)
    ax.set_xlabel("targets")
    ax.set_title({"drawn": "voltages as in the paper", "of a teacher": "voltages of a teacher"}[kind], fontsize=7,
                 loc="right")
    return image


def draw_costs(ax: Axes, crowd: Crowding, scale: Any) -> None:
    """Median of C* where training ended."""
    for kind, line in zip(crowd.cost, LINES, strict=True):
        for k, rate in enumerate(crowd.rate):
            ax.plot(crowd.count, np.maximum(np.median(crowd.cost[kind][:, k], axis=1), LOWEST), line, lw=1,
                    color=scale.to_rgba(rate))
        ax.plot([], [], line, color="black", label={"drawn": "as in the paper", "of a teacher": "teacher"}[kind])
    ax.set(yscale="log", ylabel="median $C^*/C^*(0)$ at the end", ylim=(LOWEST, 3e3))
    ax.legend(loc="upper left")


def draw_floors(ax: Axes, disturbed: Mapping[str, Mapping[str, Disturbed]], what: str, scale: Any) -> None:
    """Error floor against the volts of noise or bias; 0 V stands at the left edge."""
    for found, line in zip((one[what] for one in disturbed.values()), LINES, strict=True):
        for k, rate in enumerate(found.rate):
            ax.plot(_shown(found.volts), np.median(found.floor[:, k], axis=1), line, marker="o", ms=2.5, lw=1,
                    color=scale.to_rgba(rate))
    _volts(ax, found.volts, what)
    ax.set(yscale="log", ylabel="error floor $C/C(0)$, median", ylim=(1e-10, 10))


def draw_shares(ax: Axes, disturbed: Mapping[str, Mapping[str, Disturbed]], scale: Any) -> None:
    """Share of circuits that held the threshold, against noise."""
    for found, line in zip((one["noise"] for one in disturbed.values()), LINES, strict=True):
        for k, rate in enumerate(found.rate):
            ax.plot(_shown(found.volts), found.reached[:, k].mean(axis=1), line, marker="o", ms=2.5, lw=1,
                    color=scale.to_rgba(rate))
    _volts(ax, found.volts, "noise")
    ax.set(ylim=(-0.04, 1.04), ylabel=r"circuits with $C < 10^{-3}C(0)$")


def _shown(volts: np.ndarray) -> np.ndarray:
    """Volts on a logarithmic axis, zero one place to the left."""
    return np.where(volts > 0, volts, volts[volts > 0].min() ** 2 / np.sort(volts[volts > 0])[1])


def _volts(ax: Axes, volts: np.ndarray, what: str) -> None:
    places = _shown(volts)
    ax.set(xscale="log", xlabel=f"comparator {what} (V)")
    some = [0, *range(1, len(volts), 2)]
    ax.set_xticks(places[some], [f"{v:g}" for v in volts[some]])
    ax.minorticks_off()


def _keys(disturbed: Mapping[str, object]) -> list[object]:
    from matplotlib.lines import Line2D

    return [Line2D([], [], ls=line, color="black", label=name) for name, line in zip(disturbed, LINES, strict=True)]
