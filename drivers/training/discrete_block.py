"""A block of lanes whose conductances are updated from time to time, and what such runs do not take."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.discrete import Discrete
from ohmlearn.kernels.ensemble.rk4 import DT, FALL, LEARN
from ohmlearn.kernels.general import discrete_updates as kernels
from ohmlearn.kernels.general.lane_steps import GeneralBlock as Arrays
from ohmlearn.run import Run

from .general_block import GeneralBlock
from .update_checks import between

WORK = 100_000          # updates or RK4 steps, times edges and samples shown, in a slice: a few hundredths of a second
KEYS, ORDER_KEY = 1, 2  # what random numbers are for, beside the noise of the rule


class DiscreteBlock(GeneralBlock):
    """8 lanes over one graph under discrete updates, of any linear task."""

    def _allocate(self, width: int) -> Arrays:
        held, at = super()._allocate(width), self.layout.at
        self.counters = kernels.Updates(np.zeros(width, dtype=kernels.UPDATE), np.zeros((at.m, width), dtype=np.uint64),
                                    np.zeros((at.S, width), dtype=np.int64), np.zeros(width, dtype=np.uint64))
        return held

    @property
    def updates(self) -> Discrete:
        """What the runs are told of their updates."""
        assert self.ensemble.updates is not None
        return self.ensemble.updates

    def _fill(self, number: int, lane: int) -> None:
        super()._fill(number, lane)
        batch = self.updates.batch or len(self.ensemble.samples(number))
        weight = self._rows("weight", lane, self.layout.at.C)
        weight[:], weight[:batch] = 0.0, 1 / batch
        for purpose, keys in ((KEYS, self.counters.key[:, lane]), (ORDER_KEY, self.counters.order_key[lane:lane + 1])):
            keys[:] = np.random.SeedSequence(
                [purpose, self.updates.seed, int(self.ensemble.task_of[number]),
                 self.ensemble.rates[number:number + 1].view(int)[0]]).generate_state(keys.size, np.uint64)

    def _start(self, number: int, lane: int) -> None:
        super()._start(number, lane)
        me, mine, rows = self.block.lanes.each[lane], self.counters.each[lane], self.general.law.rows
        me["dt"] = between(self.updates, float(self.ensemble.rates[number]))
        mine["count"] = round(float(me["time"] / me["dt"]))
        mine["origin"] = me["time"] - mine["count"] * me["dt"]
        mine["batch"] = self.updates.batch or len(self.ensemble.samples(number))
        mine["random"], mine["probability"] = self.updates.order == "random", self.updates.probability
        rows[DT, lane], rows[LEARN, lane] = me["dt"], -self.ensemble.rule.prefactor * self.updates.step
        rows[FALL, lane] = -np.expm1(-self.ensemble.fall(number) * me["dt"])

    def _voltages(self, lane: int, x: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        shown = (self.block.x if x is None else x)[:-1, lane].reshape(self.layout.at.C, self.layout.at.n, 2)
        batch = self.counters.each[lane]["batch"]
        return shown[:batch] if batch > 1 else shown[0]

    def _columns(self, lane: int) -> dict[str, NDArray[Any]]:
        return super()._columns(lane) | {"updates": self.counters.each[lane:lane + 1]}

    def follow(self) -> int:
        """Go on for a slice of time or until a lane is done. Returns the updates of all members."""
        work = max(1, WORK // (self.layout.at.m * self.layout.at.C))
        done = kernels.run(self.general, self.solves, self.counters, self.clock, self.block.lanes, work)
        return int(done) * self.occupied

    def _run(self, lane: int) -> Run:
        run = super()._run(lane)
        return replace(run, reason=reason(run, self.ensemble.until))


def reason(run: Run, until: float | None) -> str:
    """Why a run ended, in words."""
    cost, when = f"C*/C*(0) = {run.final_cost:.3g}", f"after {run.n_steps} updates, t = {run.time:.6g}"
    if run.status == "reached":
        return f"C* was below {until or 0.0:g} C*(0) at the update at t = {run.training_time:.6g}"
    if run.status == "out of time":
        short = "; it is shorter than the time between two updates" if run.n_steps == 0 else ""
        return f"{cost} at the time limit, {when}{short}"
    return f"{cost} is no number any more {when}; take a smaller step, raise the floor or lower the ceiling"
