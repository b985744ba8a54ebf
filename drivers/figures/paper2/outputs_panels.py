"""The panels of the figure of several, soft and nonlinear outputs, drawn from data."""
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from ohmlearn.drivers.display import plots

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .output_spans import Spans
    from .outputs_data import Bent, Spectrum

Array = NDArray[np.float64]
COLORS = (plots.OURS, plots.PUBLISHED, plots.OURS_THREE, "#CC79A7", "#E69F00")
SHAPES = "o", "s", "^", "D"


def draw(found: Sequence[Spectrum], spanned: Spans, curved: Sequence[Bent]) -> Figure:
    """The figure, 6.6 inches wide."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(plots.STYLE):
        figure = Figure(figsize=(6.6, 5.4), layout="constrained")
        a, b, c, d = figure.subplots(2, 2).flat
        draw_spectra(a, found)
        draw_rest(b, found)
        draw_spans(c, spanned)
        draw_curves(d, curved)
        plots.panel_letters([a, b, c, d])
    return figure


def draw_spectra(ax: Axes, found: Sequence[Spectrum]) -> None:
    """Panel a: eigenvalues at the end over the largest; medians as lines, families by shape."""
    families = list(dict.fromkeys(one.family for one in found))
    for many, color in zip(sorted({one.outputs for one in found}), COLORS, strict=False):
        ends = {family: np.median([one.values[-1] / one.values[-1, 0] for one in found
                                   if one.outputs == many and one.family == family], axis=0) for family in families}
        place = np.arange(1, len(next(iter(ends.values()))) + 1)
        ax.plot(place, np.exp(np.mean(np.log(list(ends.values())), axis=0)), lw=0.8, color=color)
        for family, shape in zip(families, SHAPES, strict=False):
            ax.plot(place, ends[family], shape, ms=3, mfc="none", mew=0.7, color=color)
        ax.plot([], [], color=color, label=f"$n_T$ = {many}")
    for family, shape in zip(families, SHAPES, strict=False):
        ax.plot([], [], shape, ms=3.5, mfc="none", color="0.3", label=family)
    ax.set(yscale="log", xlabel="number of the eigenvalue", ylabel="eigenvalue over the largest",
           xticks=[1, 3, 5, 7, 9])
    ax.set_ylim(None, 3e2)
    ax.legend(ncols=3, loc="upper center", columnspacing=1.0, handlelength=1.2)


def draw_rest(ax: Axes, found: Sequence[Spectrum]) -> None:
    """Panel b: the first eigenvalue beyond the outputs over the last one of the outputs, along the training."""
    for one in found:
        ax.plot(one.cost, one.rest, color="0.8", lw=0.3, zorder=0)
    for many, color in zip(sorted({one.outputs for one in found}), COLORS, strict=False):
        _medians(ax, [(one.cost, one.rest) for one in found if one.outputs == many], color, f"$n_T$ = {many}")
    plots.power_law(ax, (1e-12, 1e-3), 5e-9, 0.5, r"$\sqrt{C}$")
    ax.set(xscale="log", yscale="log", xlabel="cost $C/C(0)$", ylabel=r"$|\lambda_{n_T+1}| / \lambda_{n_T}$")
    ax.invert_xaxis()
    ax.legend(loc="upper right")


def _medians(ax: Axes, pairs: Sequence[tuple[Array, Array]], color: str, label: str) -> None:
    """Median over networks in half decades of C."""
    cost, value = (np.concatenate(x) for x in zip(*pairs, strict=True))
    place = np.round(2 * np.log10(np.maximum(cost, 1e-16)))
    bins = np.array([k for k in np.unique(place) if np.sum(place == k) >= len(pairs) / 2])
    ax.plot(10 ** (bins / 2), [np.median(value[place == k]) for k in bins], color=color, lw=1.4, label=label)


def draw_spans(ax: Axes, spanned: Spans) -> None:
    """Panel c: what k soft modes hold of the stiff ones; trained networks by number of outputs, and the controls."""
    from .output_spans import SOFT

    for many, color in zip(np.unique(spanned.outputs), COLORS, strict=False):
        ax.plot(SOFT, np.median(spanned.fractions[spanned.outputs == many][:, 0], axis=0), "o-", ms=2.5, color=color)
    ax.plot([], [], "o-", ms=2.5, color="0.3", label="trained, colours as in a")
    for kind, line, words in ((1, "--", "before training"), (2, "-.", "teacher's outputs"), (3, ":", "random modes")):
        ax.plot(SOFT, np.median(spanned.fractions[:, kind], axis=0), line, color="black", lw=1.0, label=words)
    ax.fill_between(SOFT, np.median(spanned.dimensions, axis=0), color="0.9", lw=0, label="dimensions / edges")
    ax.set(xlabel="soft modes $k$", ylabel="fraction of the stiff modes", ylim=(0, 1.4), xticks=SOFT,
           yticks=np.linspace(0, 1, 6))
    ax.legend(ncols=2, loc="upper left", columnspacing=1.0)


def draw_curves(ax: Axes, curved: Sequence[Bent]) -> None:
    """Panel d: dynamic over satisfied part against C."""
    for one in curved:
        ax.plot(one.cost, one.ratio, color="0.8", lw=0.3, zorder=0)
    for curve, color in zip(dict.fromkeys(one.curve for one in curved), COLORS, strict=False):
        _medians(ax, [(one.cost, one.ratio) for one in curved if one.curve == curve], color, curve)
    plots.power_law(ax, (1e-12, 1e-3), 4e-6, 0.5, r"$\sqrt{C}$")
    ax.axhline(1.0, color=plots.GUIDE, lw=0.7)
    ax.set(xscale="log", yscale="log", xlabel="cost $C/C(0)$",
           ylabel=r"$\|\mathcal{H}^{dyn}\| / \|\mathcal{H}^{sat}\|$")
    ax.invert_xaxis()
    ax.legend(loc="upper right")
