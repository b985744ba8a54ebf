"""Which discrete updates an ensemble can have."""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from ohmlearn.discrete import Discrete
from ohmlearn.rule import Rule
from ohmlearn.run import Record
from ohmlearn.schedule import Schedule


def between(updates: Discrete, rate: float) -> float:
    """Time between two updates, in 1/γp; in training steps at rate 0."""
    return updates.step / (rate or 1.0)


def check_updates(updates: Discrete, rule: Rule, schedule: Schedule | None,
                  record: Record | None, rates: NDArray[np.float64], few: int, is_flow: bool) -> None:
    """Raise unless the members of an ensemble can be updated so: what is not known is refused, not ignored.

    few : the fewest samples of a task. is_flow : whether a method or a step is given, as for a flow.
    """
    if not isinstance(updates, Discrete):
        raise TypeError("updates must be an ohmlearn.rules.Discrete, such as Discrete(step=1.0), or None, not "
                        f"{updates!r}")
    if is_flow:
        raise ValueError("method and dt are those of a flow; with discrete updates leave them at 'auto'. The time "
                         "from one update to the next is Discrete.step/R")
    if record is not None and record.keep:
        raise NotImplementedError(f"discrete updates record costs only, not keep={record.keep}; leave keep "
                                  "out, or train to each time and go on from that run (conductances=run)")
    if schedule is not None and schedule.switching is not None:
        raise ValueError("schedule.switching (and blend) show samples in turn to a flow; with discrete updates "
                         "Discrete(batch=1) shows them in turn, update by update")
    if schedule is not None and schedule.adapts:
        raise ValueError("schedule.slow_down and speed_up need a cost that changes continuously; with discrete updates "
                         "give the rate's course by ramp_times and ramp_factors")
    quasistatic = rates == 0
    if rule.clamp == "moving" and quasistatic.any():
        raise ValueError("clamp='moving' follows in time, and at rate 0 all is at equilibrium at every update: give a "
                         "rate > 0, or clamp='held', to which it comes there")
    if updates.batch is not None and updates.batch > few:
        raise ValueError(f"batch={updates.batch}, but a task has {few} samples; give a smaller batch, or None for all")
    for rate in rates.tolist():
        pause = between(updates, rate)
        if not 1e-300 < pause < 1e300:
            raise ValueError(f"at R = {rate:g} there would be an update every {pause:g}/γp; step/R is out of range")
