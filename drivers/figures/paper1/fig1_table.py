"""The table of Fig. 1: training times and error floors of the lab circuit, what is expected of them, what passes."""
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from ohmlearn.drivers.analysis.training_times import MARGIN, fit_slope
from ohmlearn.drivers.figures.verdicts import judge, median_error

if TYPE_CHECKING:
    from .fig1_data import Fig1, LabSweep

SLOPES = {(0.0, 0.1): (-1.0, 0.1), (1.0, 100.0): (-0.5, 0.2)}     # range of R -> slope of τ(R) and its tolerance
FLOOR = 2e-4, 1e-3                                              # range of the mean error floor, any R
MEDIANS = {(0.0, 0.032): 59, (1.0, 1.0): 37, (10.0, 10.0): 165, (100.0, 100.0): 485}
SLOW = 0.1                                                      # up to this R learning is slow
TABLED = (0.01, 1.0, 10.0, 100.0)                               # R of the table of variants
FACTOR = 2.0                                                    # medians of other tasks agree within this factor

TITLE = """The lab circuit of paper 1, Fig. 1b-f. Board: a 3×3 periodic grid without two edges, as the paper shows its
own graph in a picture only; its learning rates are not printed, but R says all that matters. Tasks: 2
sources at 0 and 5 V, 2 targets, C(0) >= 1 V². τ: first of 10 steps with C < 1e-3 C(0), mean and error,
median. Floor: C/C(0) over the last third of the run, mean, and quartiles over tasks and steps; width: third over
first quartile of a circuit's own, geometric mean over tasks. C*: median of C*/C(0) at the end, with the voltages at
equilibrium."""


def table(data: Fig1) -> str:
    """The figure as text: its numbers, the verdicts, and the circuit with one difference each."""
    return "\n".join([TITLE, "", *settings_table(data.sweep), "", *verdicts(data.sweep), "",
                      *variants_table(data.variants)]) + "\n"


def settings_table(found: LabSweep) -> list[str]:
    """A line per setting, panels e and f."""
    lines = [f"{'R':>9}{'c (µF)':>8}{'γl (1/s)':>10}{'reached':>9}{'steps':>8}{'median':>8}{'τ (1/γp)':>11}{'error':>9}"
             f"{'floor':>10}{'quartiles':>20}{'width':>7}{'C*':>9}"]
    n, times = len(found.steps), found.times
    order = np.argsort(found.rate)                  # that of `times`
    for k, column in enumerate(order):
        rate, (low, _, high) = found.rate[column], found.quartiles[:, column]
        lines.append(
            f"{rate:>9.4g}{found.capacitance[column] * 1e6:>8.4g}{found.learning_rate[column]:>10.3g}"
            f"{f'{times.reached[k]}/{n}':>9}{times.mean[k] * rate:>8.1f}{times.median[k] * rate:>8.1f}"
            f"{times.mean[k]:>11.4g}{times.error[k]:>9.2g}{found.floors[:, column].mean():>10.2g}"
            f"{f'{low:.2g} to {high:.2g}':>20}{10 ** found.widths[:, column].mean():>7.2f}"
            f"{np.median(found.settled[:, column]):>9.2g}")
    return lines


def verdicts(found: LabSweep) -> list[str]:
    """One line per figure: what was measured, what is expected, and how it stands."""
    return [*judge_slopes(found), judge_floor(found), *judge_medians(found), *judge_errors(found)]


def judge_slopes(found: LabSweep) -> list[str]:
    """The two power laws of Fig. 1f."""
    lines = []
    for within, (expected, tolerance) in SLOPES.items():
        mean, median = (fit_slope(found.times, within, what) for what in ("mean", "median"))
        if mean is not None and median is not None:
            lines.append(judge(abs(mean.value - expected) - tolerance, mean.error,
                               f"slope of τ(R) over R = {mean.low:.3g} to {mean.high:.3g}: {mean}, of medians {median};"
                               f" expected {expected:g} ± {tolerance:g}"))
    return lines


def judge_floor(found: LabSweep) -> str:
    """The mean error floor at every setting, against the range of an independent simulation of the circuit."""
    floors = found.floors.mean(axis=0)
    error = found.floors.std(axis=0, ddof=min(1, len(found.floors) - 1)) / np.sqrt(len(found.floors))
    low, high = FLOOR
    misses = np.maximum(low - floors, floors - high)
    worst = int(np.argmax(misses))
    return judge(misses[worst], error[worst],
                 f"mean error floor between {floors.min():.2g} and {floors.max():.2g} of C(0); "
                 f"expected {low:g} to {high:g}")


def judge_medians(found: LabSweep) -> list[str]:
    """Median steps to the threshold, against those of 12 other tasks on another board."""
    lines = []
    for (low, high), expected in MEDIANS.items():
        columns = (found.rate >= low / MARGIN) & (found.rate <= high * MARGIN)
        if columns.any():
            steps = found.steps[:, columns]
            median = float(np.median(steps[np.isfinite(steps)])) if np.isfinite(steps).any() else np.nan
            where = f"R = {high:g}" if low else f"R <= {high:g}"
            lines.append(judge(abs(np.log(median / expected)) - np.log(FACTOR), median_error(np.log(steps)),
                               f"median steps to the threshold at {where}: {median:g}; expected {expected} within a "
                               f"factor {FACTOR:g}, the median of 12 other tasks"))
    return lines


def judge_errors(found: LabSweep) -> list[str]:
    """Fig. 1e: fast learning widens the distribution of errors, and leaves higher ones; task by task."""
    slow, fast = found.rate <= SLOW * MARGIN, found.rate >= 1 / MARGIN
    if not (slow.any() and fast.any()):
        return []

    def apart(values: NDArray[np.float64]) -> tuple[float, float, float, float]:
        """Means at slow and fast R, their difference, and its error by the choice of tasks."""
        one, other = values[:, slow].mean(axis=1), values[:, fast].mean(axis=1)
        error = np.std(other - one, ddof=min(1, len(one) - 1)) / np.sqrt(len(one))
        return float(one.mean()), float(other.mean()), float(np.mean(other - one)), float(error)

    low, high, wider, error = apart(found.widths)
    lines = [judge(-wider, error,
                   f"1e: third over first quartile of C in a run, geometric mean over tasks: {10**low:.2f} at "
                   f"R <= {SLOW:g}, {10**high:.2f} at R >= 1; expected wider: oscillations widen the distribution")]
    low, high, above, error = apart(np.log10(found.floors))
    lines.append(judge(-above, error,
                       f"1e: mean C in a run, geometric mean over tasks: {10**low:.2g} at R <= {SLOW:g}, "
                       f"{10**high:.2g} at R >= 1; expected higher, as oscillations last: here they decay, and "
                       "voltages average what the potentiometers do"))
    return lines


def variants_table(variants: dict[str, LabSweep]) -> list[str]:
    """The circuit with one difference each: tasks that reached the threshold, median steps, mean floor, width of the
    distribution of C, at four R."""
    rates = next(iter(variants.values())).rate
    shown = [k for k, rate in enumerate(rates) if rate in TABLED]
    lines = ["One difference at a time: reached, median steps, mean floor, width",
             f"{'':<48}" + "".join(f"{f'R = {rates[k]:g}':>27}" for k in shown)]
    for name, found in variants.items():
        cells = []
        for column in shown:
            steps = found.steps[:, column]
            reached = np.isfinite(steps)
            median = f"{np.median(steps[reached]):.0f}" if reached.any() else "-"
            cells.append(f"{f'{reached.sum()}/{len(steps)}':>8}{median:>6}{found.floors[:, column].mean():>8.1e}"
                         f"{10 ** found.widths[:, column].mean():>5.1f}")
        lines.append(f"{name:<48}" + "".join(cells))
    return lines
