"""How a measured number stands to what is expected of it: pass, open or FAIL, by one rule for every figure.

A number within its bar passes. One that misses it by less than two standard errors is open: as much as was computed
does not decide it. One that misses it by more fails. Here are the words of such a verdict, and the standard errors of
what figures most often judge; the rule itself is `judge`.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

SIGMAS = 2.0                            # a bar missed by less than this many errors is not decided


def judge(miss: float, error: float, text: str) -> str:
    """A line that says how a figure stands to its bar: missed by `miss` (<= 0: not at all), known within `error`."""
    return f"{'pass' if miss <= 0 else 'open' if miss <= SIGMAS * error else 'FAIL'}  {text}"


def verdict(value: float, low: float, high: float, words: str, error: float = 0.0) -> str:
    """A line that says whether a value, known within a standard error, lies between low and high (infinite: no bar)."""
    ends = f"{low:g} to {high:g}" if np.isfinite(low) and np.isfinite(high) else (
        f"at least {low:g}" if np.isfinite(low) else f"at most {high:g}")
    miss = max(low - value, value - high) if np.isfinite(value) else np.inf
    return judge(miss, error, f"{words}: {value:.4g}; expected {ends}")


def median_error(values: ArrayLike) -> float:
    """Standard error of the median of some values, NaN left out, by their order: whatever they are drawn from.

    The number of n values below the true median is n/2 ± √n/2, so half the distance between these two quantiles is
    one standard error; 0 for fewer than two values.
    """
    found = np.asarray(values, dtype=np.float64).ravel()
    found = found[~np.isnan(found)]
    if found.size < 2:
        return 0.0
    half = min(0.5, 0.5 / np.sqrt(found.size))
    low, high = np.quantile(found, [0.5 - half, 0.5 + half])
    return float(high - low) / 2


def fraction_error(fraction: float, count: int) -> float:
    """Standard error of a fraction of `count` independent cases that is truly `fraction`, such as that of a bar."""
    return float(np.sqrt(fraction * (1 - fraction) / max(count, 1)))
