"""Training times against R: means, slopes, and the comparison with the published ones (paper 1, Fig. 2d)."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from ohmlearn.drivers.analysis.published import TRAINING_TIME

SLOW, FAST = (0.0, 0.1), (1e2, 1e12)    # ranges of R of the two power laws, slopes -1 and -1/2
FACTOR, FACTOR_BELOW = 1.6, 0.25        # a decade agrees within this factor; judged below this published error
MEAN_BELOW = 0.35                       # decades of the geometric mean of the ratios: below this published error
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

    @property
    def geometric_mean(self) -> NDArray[np.float64]:
        """(n_rates,) geometric mean of τ, NaN where no task reached the threshold."""
        columns = (column[np.isfinite(column)] for column in self.times.T)
        return np.array([np.exp(np.log(column).mean()) if column.size else np.nan for column in columns])


@dataclass(frozen=True)
class Slope:
    """Exponent of a power law in R over low <= R <= high, its error, and the number of rates fitted."""

    value: float
    error: float
    low: float
    high: float
    n_rates: int

    def __str__(self) -> str:
        return f"{self.value:+.3f} ± {self.error:.3f}"


def line_slope(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Slope of the least-squares line through (x, y), and its standard error by the scatter about the line."""
    x = x - x.mean()
    slope = float(x @ y / (x @ x))
    rest = y - y.mean() - slope * x
    return slope, float(np.sqrt(rest @ rest / max(len(x) - 2, 1) / (x @ x)))


def fit_slope(data: TrainingTimes, within: tuple[float, float], what: str = "mean", fewest: int = 3) -> Slope | None:
    """Slope of log τ against log R over the rates within a range, of the "mean", the "median" or the "geometric_mean";
    None below so few rates.

    The error joins two in quadrature: the scatter about the line, and the choice of tasks (jackknife over them:
    the same tasks are trained at every rate, so their slow members move all means together).
    """
    rates = (data.rate >= within[0] / MARGIN) & (data.rate <= within[1] * MARGIN) & (data.rate > 0)

    def fit(times: NDArray[np.float64]) -> tuple[float, float, NDArray[np.float64]] | None:
        some = TrainingTimes(data.rate[rates], times[:, rates])
        tau = getattr(some, what)
        usable = np.isfinite(tau) & (tau > 0)
        if usable.sum() < fewest:
            return None
        return *line_slope(np.log(some.rate[usable]), np.log(tau[usable])), some.rate[usable]

    found = fit(data.times)
    if found is None:
        return None
    slope, scatter, fitted = found

    def value(times: NDArray[np.float64]) -> float:
        one = fit(times)
        return np.nan if one is None else one[0]

    error = float(np.hypot(scatter, jackknife(value, data.times)))
    return Slope(slope, error, float(fitted[0]), float(fitted[-1]), len(fitted))


def jackknife(statistic: Callable[[NDArray[np.float64]], float], times: NDArray[np.float64]) -> float:
    """Standard error of a statistic of (n_tasks, n_rates) times by the choice of tasks: each is left out once."""
    n = len(times)
    values = np.array([statistic(np.delete(times, k, axis=0)) for k in range(n)] if n > 1 else [])
    values = values[np.isfinite(values)]
    return float(np.sqrt((n - 1) * np.var(values))) if values.size > 1 else 0.0


@dataclass(frozen=True, eq=False)
class Comparison:
    """Our mean τ over the published one, per rate of `data`; NaN where nothing is published.

    published, published_error : (n_rates,) in 1/γp.
    ratio, ratio_error : (n_rates,) ours over published, and the error of its logarithm by both errors of the means.
    judged : decades whose published error is under 25 %; agrees : those of them within a factor 1.6.
    geometric_mean : of the ratios over the decades whose published error is under 35 %, NaN if there are none;
        geometric_error : that of its logarithm, by our choice of tasks and by the mean published error, which is one
        choice of tasks too and does not average out over the decades.
    """

    published: NDArray[np.float64]
    published_error: NDArray[np.float64]
    ratio: NDArray[np.float64]
    ratio_error: NDArray[np.float64]
    judged: NDArray[np.bool_]
    agrees: NDArray[np.bool_]
    geometric_mean: float
    geometric_error: float


def compare(data: TrainingTimes) -> Comparison:
    """Compare with the published training times of Fig. 2d at the rates that both have."""
    published, published_error = np.full((2, len(data.rate)), np.nan)
    for rate, mean, error in zip(*TRAINING_TIME.values(), strict=True):
        at = np.isclose(data.rate, rate, rtol=MARGIN - 1, atol=0)
        published[at], published_error[at] = mean, error
    ratio = data.mean / published
    relative = np.where(np.isfinite(ratio), published_error / published, np.inf)
    judged = relative < FACTOR_BELOW
    meant = relative < MEAN_BELOW

    def log_mean(times: NDArray[np.float64]) -> float:
        return float(np.log(TrainingTimes(data.rate, times).mean / published)[meant].mean())

    some = bool(meant.any())
    return Comparison(
        published, published_error, ratio, np.hypot(np.nan_to_num(data.error / data.mean), published_error / published),
        judged, judged & (ratio <= FACTOR) & (ratio >= 1 / FACTOR),
        float(np.exp(log_mean(data.times))) if some else np.nan,
        float(np.hypot(jackknife(log_mean, data.times), relative[meant].mean())) if some else np.nan)
