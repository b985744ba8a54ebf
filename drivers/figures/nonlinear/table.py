"""The table of nonlinear edges: power laws of the training time, ceilings, XOR, and the quality of the gradient."""
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ohmlearn.drivers.analysis.training_times import MARGIN, fit_slope, line_slope
from ohmlearn.drivers.figures.verdicts import fraction_error, judge, median_error, verdict

if TYPE_CHECKING:
    from .data import Ends, Nonlinear

SLOW, FAST, FASTEST = (1e-2, 0.1), (1e2, 1e6), (1e6, 1e8)      # ranges of R of the power laws
GROWTH = 1e2                        # from this R on the largest overdrive at τ grows as √R
PUBLISHED_SOLVED = {0: False, 1: False, 2: False, 3: True, 4: True}     # XOR of the published runs, by seed
ALIKE = 1.5                         # within this factor the laws take as long as each other

TITLE = """τ of four laws of edges: resistors; transistors of the mean and the square law and of SPICE's level 1, with
an overdrive of A = 2 V at the start and a gain of 1/A. Geometric means over the tasks that reached C* = 1e-6 C*(0)."""


def coefficient(found: Ends) -> float:
    """The largest overdrive at τ over √R A: median over the rates at which it grows so."""
    fast = found.times.rate >= GROWTH / MARGIN
    return float(np.nanmedian(found.relative_overdrive[fast])) if fast.any() else np.nan


def first_felt(found: Ends, c: float) -> float:
    """R at which the largest overdrive that half of the tasks come to without a ceiling is a ceiling c A."""
    return float((c / coefficient(found)) ** 2)


def table(data: Nonlinear, title: str = "") -> str:
    """All that was found, as text."""
    lines = [title, TITLE, "", *rows(data), "", *ceilings(data), "", *xor(data), "", *quality(data), ""]
    return "\n".join([*lines, *verdicts(data)]) + "\n"


def rows(data: Nonlinear) -> list[str]:
    """A line per rate: τ and the number of tasks that reached it, of every law."""
    lines = [f"{'R':>10}" + "".join(f"{name:>20}" for name in data.laws)]
    for k, rate in enumerate(data.laws["linear"].times.rate):
        cells = (f"{found.times.geometric_mean[k]:.4g} ({found.times.reached[k]}/{len(found.times.times)})"
                 for found in data.laws.values())
        lines.append(f"{rate:>10.4g}" + "".join(f"{cell:>20}" for cell in cells))
    return lines


def ceilings(data: Nonlinear) -> list[str]:
    """A line per law and ceiling: how many reached the threshold at each R."""
    lines = ["tasks that reached the threshold, with a ceiling of c times what learns at the start"]
    for (name, c), found in data.ceilings.items():
        counts = ", ".join(f"{rate:g}: {count}" for rate, count in zip(found.times.rate, found.times.reached,
                                                                     strict=True))
        lines.append(f"  {name}, c = {c:g}, felt from R = {first_felt(data.laws[name], c):.2g} on: {counts}")
    return lines


def xor(data: Nonlinear) -> list[str]:
    """How many seeds solve XOR."""
    found = data.xor
    solved = [seed for seed, right in zip(found.seeds, found.solved, strict=True) if right]
    return [f"XOR after {found.epochs[-1]:g} epochs: seeds {', '.join(map(str, solved)) or 'none'} of "
            f"{len(found.seeds)} solve it; errors of the outputs "
            f"{', '.join(f'{1e3 * error:.2f}' for error in found.errors[-1][:10])} mV"]


def quality(data: Nonlinear) -> list[str]:
    """Median and smallest cosine of every law, over η."""
    lines = ["cosine of coupled learning's direction with the exact gradient: median (smallest)"]
    lines.append(f"{'η':>10}" + "".join(f"{name:>20}" for name in data.quality.cosines))
    for k, nudge in enumerate(data.quality.nudges):
        cells = (f"{np.median(found[:, k]):.3f} ({found[:, k].min():.3f})" for found in data.quality.cosines.values())
        lines.append(f"{nudge:>10.4g}" + "".join(f"{cell:>20}" for cell in cells))
    return lines


def verdicts(data: Nonlinear) -> list[str]:
    """Slopes of every law, how the laws compare, and the published outcome of XOR."""
    return [*judge_slopes(data), *judge_laws(data), *judge_growth(data), *judge_ceilings(data), *judge_xor(data),
            *judge_quality(data)]


def judge_slopes(data: Nonlinear) -> list[str]:
    """Power laws of the geometric mean."""
    lines = []
    for name, found in data.laws.items():
        for within, expected, margin in ((SLOW, -1.0, 0.05), (FAST, -0.5, 0.1), (FASTEST, -0.5, 0.1)):
            if (slope := fit_slope(found.times, within, "geometric_mean", 2)) is not None:
                lines.append(verdict(slope.value, expected - margin, expected + margin,
                                     f"{name}: exponent of τ in R from {slope.low:g} to {slope.high:g} "
                                     f"(± {slope.error:.2g})", slope.error))
    return lines


def judge_laws(data: Nonlinear) -> list[str]:
    """Transistors take about as long as resistors, from R = 1 on, task by task."""
    linear, lines = data.laws["linear"].times, []
    fast = linear.rate >= 1 / MARGIN
    for name, found in data.laws.items():
        if name != "linear":
            ratios = np.log(found.times.times / linear.times)[:, fast]
            each = np.array([np.median(row[np.isfinite(row)]) for row in ratios if np.isfinite(row).any()])
            middle, error = float(np.median(each)), median_error(each)
            lines.append(judge(abs(middle) - np.log(ALIKE), error,
                               f"{name}: τ over that of resistors from R = 1 on, median over rates and tasks: "
                               f"{np.exp(middle):.3f}; expected 1 within a factor {ALIKE:g}"))
    return lines


def judge_growth(data: Nonlinear) -> list[str]:
    """The largest overdrive, as the largest conductance of resistors, grows as √R."""
    lines = []
    for name, found in data.laws.items():
        fast = found.times.rate >= GROWTH / MARGIN
        if fast.sum() >= 3:
            slope, error = line_slope(np.log(found.times.rate[fast]), np.log(found.relative_overdrive[fast]))
            lines.append(verdict(slope + 0.5, 0.45, 0.55, f"{name}: exponent in R of the largest overdrive, "
                                 f"{coefficient(found):.2f} √R A", error))
    return lines


def half_lost(data: Nonlinear, name: str, c: float) -> float:
    """R at which half of the tasks that reach the threshold without a ceiling do not reach it any more, between rates
    along the logarithm; NaN where that is not seen."""
    found, whole = data.ceilings[name, c].times, data.laws[name].times
    fraction = found.reached / np.maximum(whole.reached[np.isin(whole.rate, found.rate)], 1)
    below = np.flatnonzero(fraction < 0.5)
    if not below.size or below[0] == 0:
        return np.nan
    k, logs = below[0], np.log(found.rate)
    part = (fraction[k - 1] - 0.5) / (fraction[k - 1] - fraction[k])
    return float(np.exp(logs[k - 1] + part * (logs[k] - logs[k - 1])))


def judge_ceilings(data: Nonlinear) -> list[str]:
    """Where a ceiling c ends training: at an R that grows as c², as the largest overdrive grows as √R."""
    lines = []
    for name in {name: None for name, _ in data.ceilings}:
        ceilings = np.array(sorted(c for law, c in data.ceilings if law == name))
        lost = np.array([half_lost(data, name, c) for c in ceilings])
        seen = ", ".join(f"{rate:.2g} at c = {c:g} ({rate / c**2:.3g} c²)"
                         for c, rate in zip(ceilings, lost, strict=True))
        lines.append(f"      {name}: half of the tasks are lost at R = {seen}")
        if len(ceilings) > 1 and np.isfinite(lost).all():
            slope = float(np.polyfit(np.log(ceilings), np.log(lost), 1)[0])
            lines.append(verdict(slope, 1.7, 2.3, f"{name}: exponent in c of the R at which half are lost"))
    return lines


def judge_xor(data: Nonlinear) -> list[str]:
    """Seeds of the published runs, and the fraction of all."""
    found, lines = data.xor, []
    known = [(seed, right) for seed, right in zip(found.seeds, found.solved.tolist(), strict=True)
             if seed in PUBLISHED_SOLVED]
    if found.epochs[-1] >= 10_000 and known:
        wrong = [seed for seed, right in known if right != PUBLISHED_SOLVED[seed]]
        lines.append(judge(float(len(wrong)), 0.0,
                           f"XOR: seeds {', '.join(str(seed) for seed, right in known if right)} of "
                           f"{', '.join(str(seed) for seed, _ in known)} solve it; expected 3 and 4, as published"))
    if len(found.seeds) > 20:
        fraction = float(found.solved.mean())
        lines.append(f"      XOR: {found.solved.sum()} of {len(found.seeds)} seeds solve it, {fraction:.3f} ± "
                     f"{fraction_error(fraction, len(found.seeds)):.3f}")
    return lines


def judge_quality(data: Nonlinear) -> list[str]:
    """At small nudges coupled learning goes nearly down the gradient, for transistors too."""
    return [verdict(float(np.median(found[:, 0])), 0.95, np.inf,
                    f"{name}: cosine with the gradient at η = {data.quality.nudges[0]:g}, median",
                    median_error(found[:, 0])) for name, found in data.quality.cosines.items()]
