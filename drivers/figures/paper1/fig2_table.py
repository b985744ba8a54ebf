"""The table of Fig. 2: training times beside the published ones, slopes, and what passes."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.drivers.analysis.published import SOURCE, TRAINING_TIME
from ohmlearn.drivers.analysis.training_times import (
    FACTOR,
    FACTOR_BELOW,
    FAST,
    MARGIN,
    MEAN_BELOW,
    SLOW,
    TrainingTimes,
    compare,
    fit_slope,
)
from ohmlearn.drivers.figures.verdicts import SIGMAS, judge

EXPECTED = {SLOW: -1.0, FAST: -0.5}     # slopes of the mean τ(R), paper 1
SLOPE_TOLERANCE = 0.05
DECADES = {SLOW: 1.0, FAST: 4.0}        # a shorter range is not judged: the published slope over 1e2 to 1e4 is -0.39
GEOMETRIC_MEAN = 0.75, 1.33             # range of the geometric mean of the ratios
REACHED_SHARE = 0.88                    # 44 of 50 tasks

HEADER = ("R", "reached", "mean", "error", "median", "published", "error", "ratio", "")


def table(data: TrainingTimes, title: str = "", more: Sequence[str] = ()) -> str:
    """The training times as text, published ones beside them, then slopes, verdicts, and `more` lines of them."""
    found = compare(data)
    lines = [line for line in (title, "Training time τ in 1/γp: first time with C* < 1e-6 C*(0), mean over the tasks "
                               "that reached it.", f"Published: Fig. 2d of paper 1, {SOURCE}.") if line]
    lines += ["", "{:>10} {:>9}{:>11}{:>10}{:>11}{:>11}{:>10}{:>7}{}".format(*HEADER)]
    for k, rate in enumerate(data.rate):
        row = f"{rate:>10.4g} {f'{data.reached[k]}/{len(data.times)}':>9}"
        row += f"{data.mean[k]:>11.4g}{data.error[k]:>10.2g}{data.median[k]:>11.4g}"
        if np.isfinite(found.published[k]):
            row += f"{found.published[k]:>11.4g}{found.published_error[k]:>10.2g}{found.ratio[k]:>7.2f}"
            if found.judged[k]:
                row += "  within" if found.agrees[k] else "  OUTSIDE"
                row += f" a factor {FACTOR:g}"
        lines.append(row)
    judged = [*verdicts(data), *more]
    if any(line.startswith("open") for line in judged):
        judged += ["", f"open: missed by less than {SIGMAS:g} errors, so that {len(data.times)} tasks do not decide it"]
    return "\n".join([*lines, "", *judged]) + "\n"


def verdicts(data: TrainingTimes) -> list[str]:
    """One line per figure: what was measured, what is expected, and how it stands."""
    return [*judge_slopes(data), *judge_ratios(data), judge_reached(data)]


def judge_slopes(data: TrainingTimes) -> list[str]:
    """The two power laws of Fig. 2d, where three rates at least were run; judged over enough decades."""
    published = TrainingTimes(TRAINING_TIME["rate"], TRAINING_TIME["mean"][None])
    lines = []
    for within, expected in EXPECTED.items():
        mean, median = fit_slope(data, within, "mean"), fit_slope(data, within, "median")
        if mean is None or median is None:
            continue
        text = f"slope of τ(R) over R = {mean.low:g} to {mean.high:g}: {mean}, of medians {median}"
        theirs = fit_slope(published, (mean.low, mean.high))
        if theirs is not None:
            text += f", published {theirs}"
        if mean.high < mean.low * 10 ** DECADES[within] / MARGIN:
            lines.append(f"      {text}; not judged under {DECADES[within]:g} decades")
        else:
            lines.append(judge(abs(mean.value - expected) - SLOPE_TOLERANCE, mean.error,
                               f"{text}; expected {expected:g} ± {SLOPE_TOLERANCE:g}"))
    return lines


def judge_ratios(data: TrainingTimes) -> list[str]:
    """Our means against the published ones, decade by decade and on the whole."""
    found, lines = compare(data), []
    if found.judged.any():
        # In errors of the ratio. One decade may be outside, so the second worst counts.
        missed = (np.abs(np.log(found.ratio)) - np.log(FACTOR)) / found.ratio_error
        worst = np.sort(np.where(found.judged & ~found.agrees, missed, -np.inf))
        lines.append(judge(worst[-2] if worst.size > 1 else -np.inf, 1.0,
                           f"{found.agrees.sum()} of {found.judged.sum()} decades with a published error under "
                           f"{FACTOR_BELOW:.0%} within a factor {FACTOR:g} of the published mean; one may be outside"))
    if np.isfinite(found.geometric_mean):
        low, high = GEOMETRIC_MEAN
        log = np.log(found.geometric_mean)
        lines.append(judge(max(np.log(low) - log, log - np.log(high)), found.geometric_error,
                           f"geometric mean of the ratios over decades with a published error under {MEAN_BELOW:.0%}: "
                           f"{found.geometric_mean:.3f} ± {found.geometric_error:.0%}; expected {low:g} to {high:g}"))
    return lines


def judge_reached(data: TrainingTimes) -> str:
    """A mean over the tasks that reached the threshold says little when few did."""
    n, least = len(data.times), min(data.reached.tolist(), default=0)
    return judge(REACHED_SHARE * n - least, np.sqrt(n * REACHED_SHARE * (1 - REACHED_SHARE)),
                 f"at least {least} of {n} tasks reached the threshold at every R; expected {REACHED_SHARE:.0%}")


def rows(data: TrainingTimes) -> tuple[str, NDArray[np.float64]]:
    """Column names and the table as (n_rates, n_columns) numbers, to be saved."""
    found = compare(data)
    columns: dict[str, ArrayLike] = {
        "R": data.rate, "reached": data.reached, "tasks": np.full(len(data.rate), len(data.times)),
        "tau_mean": data.mean, "tau_error": data.error, "tau_median": data.median,
        "published_mean": found.published, "published_error": found.published_error, "ratio": found.ratio,
    }
    return ",".join(columns), np.column_stack([np.asarray(column, dtype=np.float64) for column in columns.values()])
