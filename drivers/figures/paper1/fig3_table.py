"""The table of Fig. 3: oscillation frequencies and eigenvalues beside the published ones, and what passes."""
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from ohmlearn.drivers.analysis.flatness import KINDS, MODES, Flatness
from ohmlearn.drivers.analysis.oscillation_strength import Swings
from ohmlearn.drivers.analysis.oscillations import Oscillations
from ohmlearn.drivers.analysis.published import HESSIAN_EIGENVALUES, OSCILLATION_FREQUENCY, SOURCE
from ohmlearn.drivers.analysis.training_times import MARGIN, TrainingTimes, fit_slope
from ohmlearn.drivers.figures.verdicts import judge, median_error

if TYPE_CHECKING:
    from .fig3_data import Fig3

Array = NDArray[np.float64]
LAW, LAW_TOLERANCE = (1e4, 1e12), 0.03        # range of the fit of √R, and how far its exponent may be off
FREQUENCY_FROM, FREQUENCY_WITHIN = 1e6, 0.25  # from this R on, frequencies agree within this fraction
COMPARED, FACTOR = (630.957344, 2.5e3), 2.5   # R at which eigenvalues are compared, within this factor
STRONGER, MOVED_TOLERANCE = 3.0, 0.05         # rise and fall of oscillations; exponent of how far G moves
FLAT, FLAT_TOLERANCE = (1e3, 1e6), 0.1        # range of λ ~ 1/R, and how far its exponent may be off
FLATTER = (1e5, 1e8)                          # the same further out: the fall from the plateau is steeper than 1/R
FASTEST = 2 / 3                               # Fig. 3a has 29 to 35 runs of 50 at R >= 100: not all were trained

TITLE = f"""Fig. 3 of paper 1. Published: {SOURCE}. Both panels: tasks with 10 sources and 3 targets.
a: 1/⟨T⟩, T the mean time from one maximum of C* to the next up to τ, mean over the runs that have two, and its error:
the published estimator. Extrema: of C(t) from the start to τ, per time, over the runs that have any: mean ⟨f⟩, its
error, and 1/⟨1/f⟩. Crossings: zero crossings of v_T - V_T in cycles, mean; peak: of the spectrum of v_T - V_T,
median; all in γp.
e, f: medians over tasks of the largest swing of C*, its rise above the least value so far, in C*(0), over 1500/√R; of
the same once C* has been below 1e-2 C*(0), and its quartiles; and of the root mean square of G - G(0) at the end."""


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
    return "\n".join([title, TITLE, "", *frequency_rows(data.oscillations), "", *swing_rows(data.swings), "",
                      *eigenvalue_rows(data.flatness), "",
                      *verdicts(data)]) + "\n"


def frequency_rows(found: Oscillations) -> list[str]:
    """Panel a, a line per R."""
    frequency, theirs, (published, error) = found.frequency, found.published_way, published_frequency(found.rate)
    lines = [f"{'R':>10}{'trained':>9}{'maxima':>8}{'1/⟨T⟩':>11}{'error':>9}{'/√R':>8}{'extrema':>9}{'⟨f⟩':>11}"
             f"{'error':>9}{'1/⟨1/f⟩':>11}{'crossings':>11}{'peak':>11}{'published':>11}{'error':>9}{'ratio':>7}"]
    for k, rate in enumerate(found.rate):
        row = (f"{rate:>10.4g}{found.reached[k]:>9}{theirs.periods.reached[k]:>8}{theirs.mean[k]:>11.4g}"
               f"{theirs.error[k]:>9.2g}{theirs.mean[k] / np.sqrt(rate):>8.4f}{frequency.reached[k]:>9}"
               f"{frequency.mean[k]:>11.4g}{frequency.error[k]:>9.2g}{found.harmonic.mean[k]:>11.4g}")
        side = np.flatnonzero(found.sampled == rate)
        row += (f"{np.nanmean(found.crossings[:, side[0]]):>11.4g}{np.nanmedian(found.peaks[:, side[0]]):>11.4g}"
                if side.size else f"{'-':>11}{'-':>11}")
        if np.isfinite(published[k]):
            row += f"{published[k]:>11.4g}{error[k]:>9.2g}{theirs.mean[k] / published[k]:>7.2f}"
        lines.append(row)
    return lines


def swing_rows(found: Swings) -> list[str]:
    """Panels e and f, a line per R."""
    lines = ["e, f: amplitudes",
             f"{'R':>10}{'swing of C*':>13}{'late swing':>12}{'quartiles':>20}{'tasks':>7}{'G moved':>9}{'/√R':>8}"]
    for k, rate in enumerate(found.rate):
        low, late, high = np.nanquantile(found.late[:, k], [0.25, 0.5, 0.75])
        moved = np.median(found.moved[:, k])
        lines.append(f"{rate:>10.4g}{np.median(found.whole[:, k]):>13.2g}{late:>12.2g}{f'{low:.2g} to {high:.2g}':>20}"
                     f"{np.isfinite(found.late[:, k]).sum():>7}{moved:>9.3g}{moved / np.sqrt(rate):>8.3f}")
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
    return [*judge_law(data.oscillations), *judge_frequency(data.oscillations), *judge_swings(data.swings),
            *judge_eigenvalues(data.flatness), *judge_slopes(data.flatness)]


def judge_law(found: Oscillations) -> list[str]:
    """Frequency against √R, by the published estimator."""
    theirs = found.published_way
    law, beside = fit_slope(theirs.periods, LAW), fit_slope(found.frequency, LAW)
    if law is None or beside is None:
        return []
    shown = (found.rate >= LAW[0] / MARGIN) & (found.rate <= LAW[1] * MARGIN)
    size = np.exp(np.nanmean(np.log((theirs.mean / np.sqrt(found.rate))[shown])))
    return [judge(abs(law.value + 0.5) - LAW_TOLERANCE, law.error,
                  f"3a: exponent in R of 1/⟨T⟩, T from one maximum of C* to the next, over {law.low:g} to "
                  f"{law.high:g}: {-law.value:+.3f} ± {law.error:.3f}, {size:.4f} √R on the mean (⟨f⟩ of extrema of C "
                  f"{beside}); expected 0.5 ± {LAW_TOLERANCE:g}")]


def judge_frequency(found: Oscillations) -> list[str]:
    """The published estimator at every R from 1e6 on, against the published frequency; other readings beside it."""
    frequency, (published, error) = found.published_way, published_frequency(found.rate)
    at = np.isfinite(published) & (found.rate >= FREQUENCY_FROM / MARGIN)
    if not at.any():
        return []
    ratio = (frequency.mean / published)[at]
    spread = np.hypot(frequency.error / frequency.mean, error / published)[at]
    worst = int(np.argmax(np.abs(ratio - 1)))
    lines = [judge(abs(ratio[worst] - 1) - FREQUENCY_WITHIN, spread[worst],
                   f"3a: 1/⟨T⟩ over the published frequency, which is such a mean, at {at.sum()} R >= "
                   f"{FREQUENCY_FROM:g}: {ratio.min():.2f} to {ratio.max():.2f}; expected 1 ± {FREQUENCY_WITHIN:g}")]
    for words, other in (("⟨f⟩", found.frequency), ("1/⟨1/f⟩", found.harmonic)):
        beside = (other.mean / published)[at]
        lines.append(f"      3a: {words} of the rate of extrema of C over the published frequency there: "
                     f"{beside.min():.2f} to {beside.max():.2f}")
    return lines


def judge_swings(found: Swings) -> list[str]:
    """Oscillations strengthen and then weaken; conductances move as √R."""
    if found.rate.size < 3:
        return []
    logs = np.log(found.late)
    middle, errors = np.nanmedian(logs, axis=0), np.array([median_error(column) for column in logs.T])
    top = int(np.argmax(middle))
    ends = [(np.log(STRONGER) - (middle[top] - middle[end]), np.hypot(errors[top], errors[end])) for end in (0, -1)]
    miss, error = max(ends, key=lambda end: end[0])
    values, whole = np.exp(middle), np.median(found.whole, axis=0)
    lines = [judge(miss, error,
                   f"3: late swings of C*, median: {values[0]:.2g} at R = {found.rate[0]:g}, most, {values[top]:.2g}, "
                   f"at R = {found.rate[top]:g}, {values[-1]:.2g} at R = {found.rate[-1]:g}; expected to strengthen "
                   f"and then to weaken by more than a factor {STRONGER:g}"),
             f"      3: the first swing of C* strengthens only: {whole[0]:.2g} at R = {found.rate[0]:g}, "
             f"{whole[top]:.2g} at R = {found.rate[top]:g}, {whole[-1]:.2g} at R = {found.rate[-1]:g}"]
    law = fit_slope(TrainingTimes(found.rate, found.moved), LAW, "median")
    if law is not None:
        lines.append(judge(abs(law.value - 0.5) - MOVED_TOLERANCE, law.error,
                           f"3: exponent in R of how far conductances move, over {law.low:g} to {law.high:g}, medians: "
                           f"{law}; expected 0.5 ± {MOVED_TOLERANCE:g}"))
    return lines


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
            shown = "; ".join(
                f"λ{k + 1} {mean[k]:.2g} ± {error[k]:.2g}, {mean[k] / theirs[k, 0]:.2g} times the published "
                f"{theirs[k, 0]:.2g} (median {median[k]:.2g})" for k in range(MODES))
            lines.append(judge(off[worst], spread, f"3b: R = {rate:.4g}, {words}, mean ratios: {shown}; expected "
                                                   f"within a factor {FACTOR:g}"))
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
