"""How fast the error oscillates while a network learns (paper 1, Fig. 3a).

The paper does not print what it calls the frequency. The published numbers are 1/⟨1/f⟩ over runs, so 1/⟨T⟩; the time T
from one maximum of the error C* to the next agrees with them. Beside it, over the run from its start to τ: the rate of
extrema of the nonequilibrium cost C(t), whose plain mean ⟨f⟩ comes near the published numbers too, while its 1/⟨1/f⟩
does not; zero crossings of the errors v_T - V_T, in cycles (two crossings); and the peak of the spectrum of these.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from ohmlearn.drivers.analysis.training_times import TrainingTimes
from ohmlearn.drivers.training.train import train
from ohmlearn.network import Network
from ohmlearn.run import Record, Run, Runs
from ohmlearn.task import Task

Array = NDArray[np.float64]
UNTIL = 1e-6
FINE = 0.3        # C is recorded at these steps of 1/√R: extrema come about every 17/√R, in the fastest runs 8/√R
COARSE = 1.0      # v_T is looked at at these
LONGEST = 3000.0  # the time limit in 1/√R


@dataclass(frozen=True, eq=False)
class Inverse:
    """Frequencies as 1 over the mean period over runs. periods : in 1/γp, NaN where a run has none."""

    periods: TrainingTimes

    @property
    def mean(self) -> Array:
        """(n_rates,) 1/⟨T⟩."""
        return 1 / self.periods.mean

    @property
    def error(self) -> Array:
        """(n_rates,) its standard error."""
        return self.periods.error / self.periods.mean**2


@dataclass(frozen=True, eq=False)
class Oscillations:
    """Frequencies in γp over tasks and rates, NaN where a run did not reach the threshold or did not oscillate.

    rate : (n_rates,) R. extrema : (n_tasks, n_rates) rate of extrema of C. periods : (n_tasks, n_rates) mean time from
    one maximum of C* to the next, in 1/γp, NaN below two maxima. reached : (n_rates,) runs that reached the threshold.
    sampled : (n_sampled,) those R at which crossings and peaks (n_tasks, n_sampled) were measured.
    """

    rate: Array
    extrema: Array
    periods: Array
    reached: NDArray[np.int64]
    sampled: Array
    crossings: Array
    peaks: Array

    @property
    def frequency(self) -> TrainingTimes:
        """Rate of extrema with its mean, error and median over the runs that oscillate."""
        return TrainingTimes(self.rate, self.extrema)

    @property
    def published_way(self) -> Inverse:
        """1/⟨T⟩ over the runs with two maxima of C* at least: the published estimator."""
        return Inverse(TrainingTimes(self.rate, self.periods))

    @property
    def harmonic(self) -> Inverse:
        """1/⟨1/f⟩ of the rates of extrema."""
        return Inverse(TrainingTimes(self.rate, 1 / self.extrema))


def count_extrema(cost: Array) -> int:
    """Maxima and minima within a sampled C(t); level stretches do not count."""
    change = np.diff(cost)
    change = change[change != 0]
    return int(np.sum(change[1:] * change[:-1] < 0))


def period_of_maxima(times: Array, cost: Array) -> float:
    """Mean time from one maximum of a sampled cost to the next; NaN below two maxima. Level stretches do not count."""
    moving = np.flatnonzero(np.diff(cost))
    rises = np.diff(cost)[moving] > 0
    at = times[moving[:-1][rises[:-1] & ~rises[1:]] + 1]
    return float((at[-1] - at[0]) / (at.size - 1)) if at.size > 1 else np.nan


def record_costs(network: Network, tasks: Sequence[Task], rate: float, threads: int | None = None) -> Runs:
    """Runs up to the threshold with C at even times, fine enough for its extrema."""
    times = np.arange(0.0, LONGEST, FINE) / np.sqrt(rate)
    return train(network, tasks, rate, until=UNTIL, record=Record(times=times), threads=threads)


def rates_of_extrema(runs: Runs) -> Array:
    """(n_runs,) extrema of C per time up to τ; NaN where τ was not reached, or where there is none."""
    counts = np.array([count_extrema(run.cost) for run in runs], dtype=np.float64)
    return np.where((counts > 0) & np.isfinite(runs.training_time), counts, np.nan) / runs.training_time


def sample_errors(network: Network, tasks: Sequence[Task], rate: float, until: Array, threads: int | None = None
                  ) -> list[Array]:
    """(n_samples, n_targets) v_T - V_T of every task from its start to its time `until`, at steps of 1/√R.

    Each sample is the end of a run that goes on from the one before.
    """
    step = COARSE / np.sqrt(rate)
    held: list[list[Array]] = [[] for _ in tasks]
    latest: list[Run] | None = None
    running = list(range(len(tasks)))
    for k in range(1, int(LONGEST / COARSE)):
        still = [i for i, j in enumerate(running) if until[j] > k * step]      # false for NaN
        if not still:
            break
        latest = None if latest is None else [latest[i] for i in still]
        running = [running[i] for i in still]
        latest = list(train(network, [tasks[j] for j in running], rate, until=None, t_max=step, conductances=latest,
                            threads=threads))
        for j, run in zip(running, latest, strict=True):
            held[j].append(run.voltages[tasks[j].targets] - tasks[j].target_voltages)
    return [np.array(errors) for errors in held]


def cycles(errors: Array) -> float:
    """Zero crossings of (n_samples, n_targets) errors, in cycles per sample, mean over targets; NaN without samples."""
    if len(errors) < 2:
        return np.nan
    return float(np.mean(np.sum(errors[1:] * errors[:-1] < 0, axis=0)) / 2 / len(errors))


def spectral_peak(errors: Array) -> float:
    """Where the spectrum of (n_samples, n_targets) errors, summed over targets, is largest, in cycles per sample.

    Mean and straight line are taken off and a Hann window laid on; NaN for fewer than 8 samples.
    """
    n = len(errors)
    if n < 8:
        return np.nan
    line = np.column_stack([np.ones(n), np.arange(n)])
    rest = errors - line @ np.linalg.lstsq(line, errors, rcond=None)[0]
    power = np.sum(np.abs(np.fft.rfft(rest * np.hanning(n)[:, None], axis=0)) ** 2, axis=1)
    return float(np.argmax(power[1:]) + 1) / n


def measure(network: Network, tasks: Sequence[Task], rates: Sequence[float], sampled: Sequence[float],
            threads: int | None = None) -> Oscillations:
    """All three frequencies; those of the errors themselves at the rates `sampled` only, which are among `rates`."""
    columns, periods, reached, sides = [], [], [], []
    for rate in rates:
        runs = record_costs(network, tasks, rate, threads)
        columns.append(rates_of_extrema(runs))
        periods.append([period_of_maxima(run.times, run.equilibrium_cost) if np.isfinite(run.training_time) else np.nan
                        for run in runs])
        reached.append(int(np.isfinite(runs.training_time).sum()))
        if rate in sampled:
            errors = sample_errors(network, tasks, rate, runs.training_time, threads)
            sides.append(np.array([[cycles(e), spectral_peak(e)] for e in errors]) * np.sqrt(rate) / COARSE)
    beside = np.stack(sides, axis=-1) if sides else np.empty((len(tasks), 2, 0))
    return Oscillations(np.array(rates), np.column_stack(columns), np.array(periods).T, np.array(reached),
                        np.array([rate for rate in rates if rate in sampled]), beside[:, 0], beside[:, 1])
