"""Training times against R: means, slopes, and the comparison with the published ones (paper 1, Fig. 2d)."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.drivers.published import SOURCE, TRAINING_TIME

SLOW, FAST = (0.0, 0.1), (1e2, 1e12)    # ranges of R of the two power laws, expected slopes -1 and -1/2
EXPECTED = {SLOW: -1.0, FAST: -0.5}
SLOPE_TOLERANCE = 0.05
FACTOR, FACTOR_BELOW = 1.6, 0.25        # a decade agrees within this factor; looked at below this published error
MEAN_RANGE, MEAN_BELOW = (0.75, 1.33), 0.35  # range of the geometric mean of the ratios, over these decades
REACHED_SHARE = 0.88                    # 44 of 50 tasks
MARGIN = 1 + 1e-6                       # rates are compared as numbers that went through logarithms


@dataclass(frozen=True, eq=False)
class TrainingTimes:
    """τ in 1/γp of an ensemble, per rate; over the tasks that reached the threshold.

    rate : (n_rates,) R, increasing. times : (n_tasks, n_rates), NaN where the threshold was not reached.
    """

    rate: NDArray[np.float64]
    times: NDArray[np.float64]

    def __post_init__(self) -> None:
        rate, times = np.asarray(self.rate, dtype=np.float64), np.asarray(self.times, dtype=np.float64)
        if rate.ndim != 1 or times.ndim != 2 or times.shape[1] != len(rate):
            raise ValueError(f"times must be (n_tasks, n_rates); got {times.shape} for {rate.shape} rates")
        order = np.argsort(rate)
        object.__setattr__(self, "rate", rate[order])
        object.__setattr__(self, "times", times[:, order])

    @property
    def reached(self) -> NDArray[np.int64]:
        """(n_rates,) number of tasks that reached the threshold."""
        return np.isfinite(self.times).sum(axis=0)

    @property
    def mean(self) -> NDArray[np.float64]:
        """(n_rates,) mean τ, NaN where no task reached the threshold."""
        with np.errstate(invalid="ignore"):
            return np.nansum(self.times, axis=0) / np.where(self.reached > 0, self.reached, np.nan)

    @property
    def error(self) -> NDArray[np.float64]:
        """(n_rates,) standard error of the mean, NaN for fewer than two tasks."""
        n = np.where(self.reached > 1, self.reached, np.nan)
        return np.sqrt(np.nansum((self.times - self.mean) ** 2, axis=0) / (n - 1) / n)

    @property
    def median(self) -> NDArray[np.float64]:
        """(n_rates,) median τ, NaN where no task reached the threshold."""
        columns = (column[np.isfinite(column)] for column in self.times.T)
        return np.array([np.median(column) if column.size else np.nan for column in columns])


@dataclass(frozen=True)
class Slope:
    """Exponent of a power law in R over low <= R <= high, its error, and the number of rates fitted."""

    value: float
    error: float
    low: float
    high: float
    n_rates: int

    def __str__(self) -> str:
        return f"{self.value:+.3f} ± {self.error:.3f}  (R = {self.low:g} to {self.high:g}, {self.n_rates} rates)"


def line_slope(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Slope of the least-squares line through (x, y), and its standard error by the scatter about the line."""
    x = x - x.mean()
    slope = float(x @ y / (x @ x))
    rest = y - y.mean() - slope * x
    return slope, float(np.sqrt(rest @ rest / max(len(x) - 2, 1) / (x @ x)))


def fit_slope(data: TrainingTimes, within: tuple[float, float], what: str = "mean") -> Slope | None:
    """Slope of log τ against log R over the rates within a range, of the "mean" or the "median"; None below 3 rates.

    The error joins two in quadrature: the scatter about the line, and the choice of tasks (jackknife over them:
    the same tasks are trained at every rate, so their slow members move all means together).
    """
    rates = (data.rate >= within[0] / MARGIN) & (data.rate <= within[1] * MARGIN) & (data.rate > 0)

    def fit(times: NDArray[np.float64]) -> tuple[float, float, NDArray[np.float64]] | None:
        some = TrainingTimes(data.rate[rates], times[:, rates])
        tau = getattr(some, what)
        usable = np.isfinite(tau) & (tau > 0)
        if usable.sum() < 3:
            return None
        return *line_slope(np.log(some.rate[usable]), np.log(tau[usable])), some.rate[usable]

    found = fit(data.times)
    if found is None:
        return None
    slope, scatter, fitted = found
    n = len(data.times)
    left_out = [one[0] for k in range(n) if (one := fit(np.delete(data.times, k, axis=0))) is not None]
    choice = np.sqrt((n - 1) * np.var(left_out)) if len(left_out) > 1 else 0.0
    return Slope(slope, float(np.hypot(scatter, choice)), float(fitted[0]), float(fitted[-1]), len(fitted))


@dataclass(frozen=True, eq=False)
class Comparison:
    """Our mean τ over the published one, per rate of `data`; NaN where nothing is published.

    published, published_error : (n_rates,) in 1/γp. ratio : (n_rates,) ours over published.
    judged : decades whose published error is under 25 %; agrees : those of them within a factor 1.6.
    geometric_mean : of the ratios over the decades whose published error is under 35 %, NaN if there are none.
    """

    published: NDArray[np.float64]
    published_error: NDArray[np.float64]
    ratio: NDArray[np.float64]
    judged: NDArray[np.bool_]
    agrees: NDArray[np.bool_]
    geometric_mean: float


def compare(data: TrainingTimes) -> Comparison:
    """Compare with the published training times of Fig. 2d at the rates that both have."""
    published, published_error = np.full((2, len(data.rate)), np.nan)
    for rate, mean, error in zip(*TRAINING_TIME.values(), strict=True):
        at = np.isclose(data.rate, rate, rtol=MARGIN - 1, atol=0)
        published[at], published_error[at] = mean, error
    ratio = data.mean / published
    relative = np.where(np.isfinite(ratio), published_error / published, np.inf)
    judged = relative < FACTOR_BELOW
    agrees = judged & (ratio <= FACTOR) & (ratio >= 1 / FACTOR)
    meant = relative < MEAN_BELOW
    mean = float(np.exp(np.log(ratio[meant]).mean())) if meant.any() else np.nan
    return Comparison(published, published_error, ratio, judged, agrees, mean)


HEADER = ("R", "reached", "mean", "error", "median", "published", "error", "ratio", "")


def table(data: TrainingTimes) -> str:
    """The training times as text, published ones beside them, then slopes and verdicts."""
    found = compare(data)
    lines = ["Training time τ in 1/γp, first time with C* < 1e-6 C*(0); mean over the tasks that reached it.",
             f"Published: Fig. 2d of paper 1, {SOURCE}.", "", "{:>10} {:>9}{:>11}{:>10}{:>11}{:>11}{:>10}{:>7}  {}"
             .format(*HEADER)]
    for k, rate in enumerate(data.rate):
        row = f"{rate:>10.4g} {f'{data.reached[k]}/{len(data.times)}':>9}"
        row += f"{data.mean[k]:>11.4g}{data.error[k]:>10.2g}{data.median[k]:>11.4g}"
        if np.isfinite(found.published[k]):
            verdict = ("within 1.6" if found.agrees[k] else "OUTSIDE 1.6") if found.judged[k] else ""
            row += f"{found.published[k]:>11.4g}{found.published_error[k]:>10.2g}{found.ratio[k]:>7.2f}  {verdict}"
        lines.append(row.rstrip())
    return "\n".join([*lines, "", *verdicts(data, found)]) + "\n"


def verdicts(data: TrainingTimes, found: Comparison) -> list[str]:
    """One line per check: what was measured, what is expected, pass or fail."""
    lines = []

    def judge(passed: bool, text: str) -> None:
        lines.append(f"{'pass' if passed else 'FAIL'}  {text}")

    for within, expected in EXPECTED.items():
        for what in ("mean", "median"):
            slope = fit_slope(data, within, what)
            if slope is None:
                continue
            text = f"slope of the {what + ' τ(R)':<12} {slope}"
            if what == "mean":
                judge(abs(slope.value - expected) <= SLOPE_TOLERANCE,
                      f"{text}, expected {expected:g} ± {SLOPE_TOLERANCE:g}")
            else:
                lines.append(f"      {text}")
    if found.judged.any():
        judge(bool(found.agrees.sum() >= found.judged.sum() - 1),
              f"{found.agrees.sum()} of {found.judged.sum()} decades with a published error under {FACTOR_BELOW:.0%} "
              f"within a factor {FACTOR:g} of the published mean, one may be outside")
    if np.isfinite(found.geometric_mean):
        low, high = MEAN_RANGE
        judge(low <= found.geometric_mean <= high,
              f"geometric mean of the ratios {found.geometric_mean:.3f} over the decades with a published error under "
              f"{MEAN_BELOW:.0%}, expected {low:g} to {high:g}")
    least = min(data.reached.tolist(), default=0)
    judge(least >= REACHED_SHARE * len(data.times),
          f"at least {least} of {len(data.times)} tasks reached the threshold at every R, expected {REACHED_SHARE:.0%}")
    return lines


def rows(data: TrainingTimes) -> tuple[str, NDArray[np.float64]]:
    """Column names and the table as (n_rates, n_columns) numbers, to be saved."""
    found = compare(data)
    columns: dict[str, ArrayLike] = {
        "R": data.rate, "reached": data.reached, "tasks": np.full(len(data.rate), len(data.times)),
        "tau_mean": data.mean, "tau_error": data.error, "tau_median": data.median,
        "published_mean": found.published, "published_error": found.published_error, "ratio": found.ratio,
    }
    return ",".join(columns), np.column_stack([np.asarray(column, dtype=np.float64) for column in columns.values()])
