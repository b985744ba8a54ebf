"""When to write down what along a training run."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal, localcontext
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checks.kinds import Frozen, check_fields, reals

KEPT = ("outputs", "voltages", "conductances", "power", "squared_norm")     # what may be recorded besides the costs
DIGITS = Context(prec=40)
MOST_TIMES = 100_000        # that a Record may space by decades: there is memory for each in every run


@dataclass(frozen=True, eq=False)
class Record(Frozen):
    """When to write down the costs along a run, and what else. Give exactly one of `per_decade` and `times`.

    per_decade : this many times per decade, evenly in log t, from `start` training times to the end.
    times : (n_times,) increasing times in 1/γp.
    start : first time of `per_decade`, as a fraction of the time limit.
    keep : names of further quantities, which `Run.recorded` then holds at `Run.times`. Steps end at every such time, so
        that the states are those of the run itself and not interpolated. v is the free network as it is at that
        moment, which is at equilibrium at rate 0 only.

        "outputs" : (n_times, n_targets) what the targets read from v, in V.
        "voltages" : (n_times, n_nodes) v in V.
        "conductances" : (n_times, n_edges) G in G₀.
        "power" : (n_times,) Σ G (Δv)² = vᵀ L(G) v, dissipated in all edges of the free network, in V² G₀ (twice the
        power P of paper 1, below Eq. 1; the VᵀHV of paper 2).
        "squared_norm" : (n_times,) Σ G² in G₀².

        The first two and the power have an axis n_samples behind the first where samples are learned side by side.

    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(3, 3)
    >>> task = ol.Task([0, 8], [1.0, 0.0], [4], [0.4])
    >>> run = ol.train(net, task, 1.0, record=ol.Record(times=[0.0, 1.0], keep=("outputs", "power")))
    >>> run.recorded["outputs"].shape, run.recorded["power"].round(3).tolist()
    ((2, 1), [0.667, 0.666])
    """

    per_decade: int | None = None
    times: ArrayLike | None = None
    start: float = 1e-6
    keep: Sequence[str] = ()

    def __post_init__(self) -> None:
        check_fields(self)
        if (self.per_decade is None) == (self.times is None):
            raise ValueError("Record takes either per_decade or times")
        if self.per_decade is not None and self.per_decade < 1:
            raise ValueError(f"per_decade must be at least 1, not {self.per_decade}")
        if self.per_decade is not None and not -np.log10(max(self.start, 1e-300)) * self.per_decade < MOST_TIMES:
            raise ValueError(f"per_decade={self.per_decade} from start={self.start} on would record more than "
                             f"{MOST_TIMES} times; 10 to 100 per decade show a run")
        if not 0 < self.start < 1:
            raise ValueError(f"start must lie between 0 and 1, not {self.start}")
        object.__setattr__(self, "keep", (self.keep,) if isinstance(self.keep, str) else tuple(self.keep))
        for number, name in enumerate(self.keep):
            if name not in KEPT:
                raise ValueError(f"keep={name!r} is not known; give names out of {', '.join(KEPT)}")
            if name in self.keep[:number]:
                raise ValueError(f"keep names {name!r} twice; leave one out")
        if self.times is not None:
            times = reals(self.times, "times")
            if times.ndim != 1 or times.size == 0 or not np.all(np.isfinite(times)):
                raise ValueError("times must be a 1-d array of finite numbers")
            if times[0] < 0 or np.any(np.diff(times) <= 0):
                raise ValueError("times must be >= 0 and increase")
            times.setflags(write=False)
            object.__setattr__(self, "times", times)

    def times_until(self, t_max: float) -> NDArray[np.float64]:
        """(n_times,) the times to record within a limit t_max (1/γp), 0 first when they are spaced by decades.

        >>> import ohmlearn as ol
        >>> ol.Record(per_decade=1, start=1e-2).times_until(100.0).tolist()
        [0.0, 1.0, 10.0, 100.0]
        """
        if self.times is not None:
            times = np.asarray(self.times, dtype=np.float64)
            return times[times <= t_max]
        assert self.per_decade is not None
        with localcontext(DIGITS):
            limit = Decimal(repr(float(t_max)))
            return np.array([0.0, *(float(limit * factor) for factor in decades(self.per_decade, self.start))])


@lru_cache(maxsize=16)
def decades(per_decade: int, start: float) -> tuple[Decimal, ...]:
    """Factors 10^(k/per_decade) from `start` on to 1 as decimals: powers of NumPy differ from processor to processor in
    their last bit, and so would traces."""
    with localcontext(DIGITS):
        places = -Decimal(repr(float(start))).log10() * per_decade
        count = int(places.to_integral_value(ROUND_CEILING))
        steps = [Decimal(10) ** (Decimal(k) / per_decade) for k in range(per_decade)]
        return tuple(steps[k % per_decade].scaleb(k // per_decade) for k in range(-count, 1))
