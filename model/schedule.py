"""What changes during a training run: samples in turn, and a learning rate that varies with time."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .checks.kinds import Frozen, check_fields, reals

MOST = 1e100        # of rates and factors: their products with others are numbers still


@dataclass(frozen=True, eq=False)
class Schedule(Frozen):
    """Which sample is presented when, and how the learning rate varies. Times are in 1/γp, in training steps at rate 0.

    switching : σ/γp. Samples are presented in turn, each for 1/σ. None presents all at once, each to its own pair of
        networks; these share the conductances, which learn from the mean.
    blend : change to the next sample linearly while the present one is presented, instead of suddenly.
    ramp_times, ramp_factors : (n,) R is multiplied by a factor, piecewise linear in time and constant beyond.
    slow_down : d ln R/dt = -slow_down while the nonequilibrium cost C grows, as in the authors' code.
    speed_up : d ln R/dt = speed_up while it falls.

    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(4, 4)
    >>> both = (ol.Task({0: 1.0, 15: 0.0}, {6: 0.6}), ol.Task({0: 0.0, 15: 1.0}, {6: 0.4}))
    >>> in_turn = ol.Schedule(switching=10.0, ramp_times=[0.0, 100.0], ramp_factors=[1.0, 0.1])
    >>> ol.train(net, both, 0.1, until=1e-2, schedule=in_turn).status
    'out of time'
    """

    switching: float | None = None
    blend: bool = False
    ramp_times: ArrayLike | None = None
    ramp_factors: ArrayLike | None = None
    slow_down: float = 0.0
    speed_up: float = 0.0

    def __post_init__(self) -> None:
        check_fields(self)
        if self.switching is not None and not 0 < self.switching <= MOST:
            raise ValueError(f"switching={self.switching} must be a positive rate up to {MOST:g}, or None for all "
                             "samples at once")
        if self.blend and self.switching is None:
            raise ValueError("blend goes over from sample to sample: give the rate `switching`")
        if (self.ramp_times is None) != (self.ramp_factors is None):
            raise ValueError("a ramp takes both ramp_times and ramp_factors")
        for key in ("slow_down", "speed_up"):
            if not 0 <= getattr(self, key) <= MOST:
                raise ValueError(f"{key}={getattr(self, key)} must be a rate >= 0, up to {MOST:g}")
        if self.ramp_times is None:
            return
        times, factors = (reals(getattr(self, key), key) for key in ("ramp_times", "ramp_factors"))
        if times.ndim != 1 or times.size == 0 or times.shape != factors.shape:
            raise ValueError(f"ramp_times and ramp_factors must be equally long, got shapes {times.shape} "
                             f"and {factors.shape}")
        if not np.all(np.isfinite(times)) or np.any(np.diff(times) <= 0):
            raise ValueError("ramp_times must be finite and increase")
        if not np.all((factors >= 0) & (factors <= MOST)):
            raise ValueError(f"ramp_factors must be finite and >= 0, up to {MOST:g}")
        for key, values in (("ramp_times", times), ("ramp_factors", factors)):
            values.setflags(write=False)
            object.__setattr__(self, key, values)

    @property
    def adapts(self) -> bool:
        """Whether the rate answers to the cost."""
        return self.slow_down > 0 or self.speed_up > 0

    @property
    def constant(self) -> bool:
        """Whether the rate stays what it is."""
        return not self.adapts and self.ramp_times is None
