"""The table of Fig. 3: oscillation frequencies and eigenvalues beside the published ones, and what passes."""
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from ohmlearn.drivers.figures.flatness import KINDS, MODES, Flatness
from ohmlearn.drivers.figures.judging import judge
from ohmlearn.drivers.figures.oscillations import Oscillations
from ohmlearn.drivers.figures.training_times import MARGIN, fit_slope
from ohmlearn.drivers.published import HESSIAN_EIGENVALUES, OSCILLATION_FREQUENCY, SOURCE

if TYPE_CHECKING:
    from .fig3 import Fig3

Array = NDArray[np.float64]
LAW, LAW_TOLERANCE = (1e4, 1e12), 0.03        # range of the fit of √R, and how far its exponent may be off
FREQUENCY_FROM, FREQUENCY_WITHIN = 1e6, 0.25  # from this R on, frequencies agree within this share
COMPARED, FACTOR = (630.957344, 2.5e3), 2.5   # R at which eigenvalues are compared, within this factor
FLAT, FLAT_TOLERANCE = (1e3, 1e6), 0.1        # range of λ ~ 1/R, and how far its exponent may be off
FLATTER = (1e5, 1e8)                          # the same further out: the fall from the plateau is steeper than 1/R
FASTEST = 2 / 3                               # Fig. 3a has 29 to 35 runs of 50 at R >= 100: not all were trained

TITLE = f"""Fig. 3 of paper 1. Published: {SOURCE}. Both panels: tasks with 10 sources and 3 targets.
a: rate of extrema of C(t) from the start to τ, mean over the runs that have any, its error, and the median;
crossings: zero crossings of v_T - V_T in cycles, mean; peak: of the spectrum of v_T - V_T, median; all in γp."""


def published_at(name: str, rate: float) -> tuple[float, float]:
    """A published eigenvalue and its error at an R between those published, by interpolation in logarithms."""
    x, at = np.log(HESSIAN_EIGENVALUES["rate"]), np.log(rate)
    value = np.exp(np.interp(at, x, np.log(HESSIAN_EIGENVALUES[name])))
    return float(value), float(np.interp(at, x, HESSIAN_EIGENVALUES[name.replace("lambda", "error")]))


def published_frequency(rates: Array) -> tuple[Array, Array]:
    """Published frequency and its error at these R, NaN where there is none."""
    found = np.full((2, len(rates)), np.nan)
    for rate, *values in zip(*(OSCILLATION_FREQUENCY[k] for k in ("rate", "frequency", "error")), strict=True):
        found[:, np.isclose(rates, rate, rtol=1e-6, atol=0)] = np.array(values)[:, None]
    return found[0], found[1]


def table(data: Fig3, title: str = "") -> str:
    """The figure as text."""
    return "\n".join([title, TITLE, "", *frequency_rows(data.oscillations), "", *eigenvalue_rows(data.flatness), "",
                      *verdicts(data)]) + "\n"


def frequency_rows(found: Oscillations) -> list[str]:
    """Panel a, a line per R."""
    frequency, (published, error) = found.frequency, published_frequency(found.rate)
    lines = [f"{'R':>10}{'trained':>9}{'oscillate':>10}{'extrema':>11}{'error':>9}{'/√R':>8}{'median':>11}"
             f"{'crossings':>11}{'peak':>11}{'published':>11}{'error':>9}{'ratio':>7}"]
    for k, rate in enumerate(found.rate):
        row = (f"{rate:>10.4g}{found.reached[k]:>9}{frequency.reached[k]:>10}{frequency.mean[k]:>11.4g}"
               f"{frequency.error[k]:>9.2g}{frequency.mean[k] / np.sqrt(rate):>8.4f}{frequency.median[k]:>11.4g}")
        side = np.flatnonzero(found.sampled == rate)
        row += (f"{np.nanmean(found.crossings[:, side[0]]):>11.4g}{np.nanmedian(found.peaks[:, side[0]]):>11.4g}"
                if side.size else f"{'-':>11}{'-':>11}")
        if np.isfinite(published[k]):
            row += f"{published[k]:>11.4g}{error[k]:>9.2g}{frequency.mean[k] / published[k]:>7.2f}"
        lines.append(row)
    return lines


def eigenvalue_rows(found: Flatness) -> list[str]:
    """Panel b, a line per R and Hessian."""
    lines = [f"b: top three eigenvalues at the state where C* = 1e-6 C*(0), relative to R = {found.rate[0]:g}: mean "
             "and error, median, over tasks",
             f"{'R':>10}{'tasks':>6}  {'Hessian':<12}" + "".join(f"{f'λ{k + 1}':>11}{'error':>9}{'median':>10}"
                                                                   for k in range(MODES))]
    for column, rate in enumerate(found.rate):
        for kind in KINDS:
            ratios = [found.ratios(kind, mode) for mode in range(MODES)]
            lines.append(f"{rate:>10.4g}{ratios[0].reached[column]:>6}  {kind:<12}" + "".join(
                f"{r.mean[column]:>11.3g}{r.error[column]:>9.1g}{r.median[column]:>10.2g}" for r in ratios))
    return lines


def verdicts(data: Fig3) -> list[str]:
    """One line per figure that must come out."""
    return [*judge_law(data.oscillations), *judge_frequency(data.oscillations), *judge_eigenvalues(data.flatness),
            *judge_slopes(data.flatness)]


def judge_law(found: Oscillations) -> list[str]:
    """Frequency against √R."""
    law = fit_slope(found.frequency, LAW)
    if law is None:
        return []
    median = fit_slope(found.frequency, LAW, "median")
    shown = (found.rate >= LAW[0] / MARGIN) & (found.rate <= LAW[1] * MARGIN)
    size = np.exp(np.nanmean(np.log((found.frequency.mean / np.sqrt(found.rate))[shown])))
    return [judge(abs(law.value - 0.5) - LAW_TOLERANCE, law.error,
                  f"3a: exponent of the rate of extrema in R over {law.low:g} to {law.high:g}: {law}, of medians "
                  f"{median}, {size:.4f} √R on the mean; expected 0.5 ± {LAW_TOLERANCE:g}")]


def judge_frequency(found: Oscillations) -> list[str]:
    """Every rate of extrema from R = 1e6 on against the published frequency."""
    frequency, (published, error) = found.frequency, published_frequency(found.rate)
    at = np.isfinite(published) & (found.rate >= FREQUENCY_FROM / MARGIN)
    if not at.any():
        return []
    ratio = (frequency.mean / published)[at]
    spread = np.hypot(frequency.error / frequency.mean, error / published)[at]
    worst = int(np.argmax(np.abs(ratio - 1)))
    return [judge(abs(ratio[worst] - 1) - FREQUENCY_WITHIN, spread[worst],
                  f"3a: rate of extrema over the published frequency at {at.sum()} R >= {FREQUENCY_FROM:g}: "
                  f"{ratio.min():.2f} to {ratio.max():.2f}; expected 1 ± {FREQUENCY_WITHIN:g}")]


def judge_eigenvalues(found: Flatness) -> list[str]:
    """Means of ratios against the published ones; of all tasks, and of the fastest ones."""
    lines = []
    for rate in COMPARED:
        if not np.any(at := np.isclose(found.rate, rate, rtol=1e-3)):
            continue
        for fastest, words in ((1.0, "all trained tasks"), (FASTEST, "the fastest 2/3 of them")):
            ratios = [found.ratios("2JᵀJ", mode, fastest) for mode in range(MODES)]
            mean, error, median = (np.array([getattr(r, what)[at][0] for r in ratios])
                                   for what in ("mean", "error", "median"))
            theirs = np.array([published_at(f"lambda{k + 1}", rate) for k in range(MODES)])
            off = np.abs(np.log(mean / theirs[:, 0])) - np.log(FACTOR)
            worst = int(np.argmax(off))
            spread = np.hypot(error / mean, theirs[:, 1] / theirs[:, 0])[worst]
            lines.append(judge(off[worst], spread,
                               f"3b: R = {rate:.4g}, {words}: mean ratios {several(mean)} ± {several(error)}, over the "
                               f"published {several(mean / theirs[:, 0])} (medians {several(median / theirs[:, 0])}); "
                               f"expected within a factor {FACTOR:g} of {several(theirs[:, 0])}"))
    return lines


def judge_slopes(found: Flatness) -> list[str]:
    """λ ~ 1/R, over the range of the paper and further out, where the law has settled; the contrastive function, whose
    K grows as G does, falls more slowly and is not judged."""
    lines = []
    for within in (FLAT, FLATTER):
        for mode in range(MODES):
            value, error = found.slope("2JᵀJ", mode, within)
            if np.isfinite(value):
                own, spread = found.own_slopes("2JᵀJ", mode, within)
                words = (f"3b: exponent in R of the mean λ{mode + 1} of 2JᵀJ, R = {within[0]:g} to {within[1]:g}: "
                         f"{value:+.3f} ± {error:.3f} (of single tasks {own:+.3f} ± {spread:.3f})")
                lines.append(judge(abs(value + 1) - FLAT_TOLERANCE, error,
                                   f"{words}; expected -1 ± {FLAT_TOLERANCE:g}"))
    for kind in ("C*", "contrastive"):
        values = [found.slope(kind, mode, FLAT) for mode in range(MODES)]
        if np.isfinite(values).all():
            lines.append(f"      3b: the same of the {KINDS[kind]}, R = {FLAT[0]:g} to {FLAT[1]:g}: "
                         + ", ".join(f"{value:+.2f} ± {error:.2f}" for value, error in values))
    return lines


def several(values: Sequence[float] | Array) -> str:
    return "/".join(f"{value:.2g}" for value in values)
