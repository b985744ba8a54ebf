"""The two floors side by side, drawn from data."""
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ohmlearn.drivers.display import plots

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .floors_data import Ends, Floors

LOOKS = {"relax": (plots.OURS, "o"), "clip": (plots.PUBLISHED, "s")}
PANELS = {"times": r"training time $\gamma_p\tau$", "mean": "mean conductance at the end",
          "cut": "fraction of cut edges",
          "stiffness": r"largest eigenvalue of $2J^TJ$ (V$^2$)", "highest": "largest $C^*/C^*(0)$"}


def draw(data: Floors) -> Figure:
    """The figure, 7 inches wide."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(plots.STYLE):
        figure = Figure(figsize=(7.0, 4.6), layout="constrained")
        axes = list(figure.subplots(2, 3).flat)
        for ax, (name, label) in zip(axes, PANELS.items(), strict=False):
            draw_over(ax, data.over, name, label)
        plots.guide(axes[1], (1e2, 1e5), 0.6, 0.5, "$R^{1/2}$", below=True)
        plots.guide(axes[3], (1e2, 1e5), 4e-3, -1, "$R^{-1}$", below=True)
        axes[0].legend()
        draw_between(axes[5], data)
        plots.panel_letters(axes)
    return figure


def draw_over(ax: Axes, over: dict[str, Ends], name: str, label: str) -> None:
    """Medians against R, and every task as a dot."""
    for rule, found in over.items():
        color, shape = LOOKS[rule]
        values = getattr(found, name)
        side = 1.15 if rule == "clip" else 1 / 1.15
        ax.plot(np.broadcast_to(side * found.values, values.shape).ravel(), values.ravel(), ".", ms=2.5, color=color,
                alpha=0.5, mew=0)
        ax.plot(found.values, found.middle(name), shape + "-", ms=3, color=color, label=rule,
                mfc="white" if rule == "clip" else color)
    ax.set(xscale="log", xlabel=r"$R = \gamma_\ell/\gamma_p$", ylabel=label)
    if name != "cut":
        ax.set_yscale("log")
    if name == "stiffness":
        ax.set_ylim(1e-6, 1e2)      # single tasks under clip lie far above


def draw_between(ax: Axes, data: Floors) -> None:
    """Cut edges at R = 1e4 against how fast conductances may fall; the fraction under clip as a line."""
    found, clip = data.between, data.over["clip"]
    low, high = np.nanquantile(found.cut, [0.25, 0.75], axis=0)
    ax.fill_between(found.values, low, high, color=plots.OURS, alpha=0.2, lw=0)
    ax.plot(found.values, found.middle("cut"), "o-", ms=3, color=plots.OURS, label="relax, at that rate")
    at = np.flatnonzero(np.isclose(clip.values, 1e4))
    if at.size:
        ax.axhline(clip.middle("cut")[at[0]], color=plots.PUBLISHED, ls="--", lw=0.9, label="clip")
    ax.set(xscale="log", xlabel=r"rate of relaxation ($\gamma_p$)", ylabel="fraction of cut edges, $R = 10^4$")
    ax.legend(loc="lower right")
