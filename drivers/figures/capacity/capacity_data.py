"""What the figure of capacity shows, and where a fraction of tasks falls to one half."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ohmlearn.drivers.figures.paper2.landscape import Array

RESAMPLED = 200


@dataclass(frozen=True, eq=False)
class Tried:
    """Tasks on networks of one size. disks : N, of a packing before rattlers went. targets : (n_tasks,) numbers of
    targets. network : (n_tasks,) number of the network. possible : (n_tasks,) 1 where conductances exist, 0 where none
    do, NaN where that is not known. learned : (n_rates, n_tasks) whether training came there."""

    disks: int
    targets: Array
    network: Array
    possible: Array
    learned: Array


def half(targets: Array, success: Array) -> float:
    """Number of targets at which a logistic curve through successes falls to one half; NaN if there is no such."""
    from scipy.optimize import minimize

    if success.min() == success.max():
        return np.nan
    scale = targets.mean()

    def cost(x: Array) -> float:
        z = np.clip((targets / scale - x[0]) * np.exp(-x[1]), -500, 500)
        return float(np.logaddexp(0, np.where(success > 0.5, z, -z)).sum())
    found = minimize(cost, [1.0, np.log(0.3)], method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-6})
    return float(found.x[0] * scale) if 0 < found.x[0] * scale < 2 * targets.max() else np.nan


def half_with_error(tried: Tried, success: Array) -> tuple[float, float]:
    """The same, and its standard error by drawing networks anew."""
    rng, networks = np.random.default_rng(0), np.unique(tried.network)
    found = []
    for _ in range(RESAMPLED):
        some = rng.choice(networks, networks.size)
        rows = np.concatenate([np.flatnonzero(tried.network == k) for k in some])
        found.append(half(tried.targets[rows], success[rows]))
    known = np.array(found)[np.isfinite(found)]
    return half(tried.targets, success), float(known.std()) if known.size > 1 else np.nan


@dataclass(frozen=True, eq=False)
class Halves:
    """Capacities of networks of several sizes. disks : (n_sizes,) N. targets, errors : (n_sizes,) the number at which
    one half of the tasks is met, and its standard error."""

    disks: Array
    targets: Array
    errors: Array

    def exponent(self) -> tuple[float, float]:
        """δ of N½ ∝ N^δ, and its standard error, by weighted least squares of the logarithms."""
        good = np.isfinite(self.targets) & (self.errors > 0)
        if good.sum() < 2:
            return np.nan, np.nan
        x, y = np.log(self.disks[good]), np.log(self.targets[good])
        weight = (self.targets[good] / self.errors[good]) ** 2
        middle = np.average(x, weights=weight)
        spread = np.sum(weight * (x - middle) ** 2)
        return float(np.sum(weight * (x - middle) * y) / spread), float(spread**-0.5)


def halves(every: Sequence[Tried], success: Sequence[Array]) -> Halves:
    """Of networks of all sizes, from successes of their tasks; those with NaN are left out."""
    found = [(tried.disks, *half_with_error(tried, some)) for tried, some in zip(every, success, strict=True)
             if np.isfinite(some).all()]
    return Halves(*np.array(found, dtype=np.float64).reshape(-1, 3).T)
