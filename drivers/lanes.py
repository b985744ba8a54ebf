"""A block of lanes from outside: members go in, runs come out, and a lane can be set aside and taken up again."""
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels import blocks, slow, state, stepping
from ohmlearn.kernels.dynamics import DT, FALL, LEARN
from ohmlearn.kernels.lanes import n_lanes
from ohmlearn.kernels.state import Lanes
from ohmlearn.run import STATUSES, Run
from ohmlearn.task import Task

from .allocation import Prepared, allocate
from .ensemble import METHODS, Ensemble, State, reason

STRIDES = 500_000       # strides times edges in a slice, a few hundredths of a second; on the manifold they are longer
LONGER = 6


class LaneBlock:
    """8 lanes over one graph (16 in single precision), followed by RK4 or on the slow manifold. Idle lanes stay where
    they are and cost nothing but their share of the block."""

    def __init__(self, ensemble: Ensemble, prepared: Prepared, manifold: bool = False) -> None:
        self.ensemble, self.prepared, self.manifold = ensemble, prepared, manifold
        self.numbers: list[int | None] = [None] * n_lanes(ensemble.dtype)
        self.block = self._allocate(len(self.numbers))

    def _allocate(self, width: int) -> Any:
        """The arrays, `lanes`, `x` and `G` among them; see :class:`ohmlearn.kernels.state.Block`."""
        return allocate(self.ensemble, self.prepared, width)

    def insert(self, number: int, saved: State | None = None) -> None:
        """Give a member to an idle lane; with a saved state, it goes on where it was set aside."""
        lane = self.numbers.index(None)
        self.numbers[lane] = number
        self._hold(self.ensemble.task(number), lane)
        rate = float(self.ensemble.rates[number])
        self.block.slow.rows[slow.RATE, lane] = -self.ensemble.rule.prefactor * (rate or 1.0)
        self.block.slow.rows[slow.LAG, lane] = float(rate > 0)
        fall = self.ensemble.fall(number)
        self.block.slow.rows[slow.FALL, lane] = fall if np.isfinite(fall) else stepping.AT_ONCE
        if saved is not None:
            for name, column in self._columns(lane).items():
                column[...] = saved[name]
        else:
            self._begin(number, rate, lane)

    def _hold(self, task: Task, lane: int) -> None:
        """The bits of a lane: which nodes are free, and which are targets."""
        law, position, bit = self.block.law, self.prepared.position, np.uint16(1 << lane)
        for mask in (law.free_v, law.free_w):
            mask |= bit
            mask[position[task.sources]] &= ~bit
        law.free_w[position[task.targets]] &= ~bit
        law.target[:] &= ~bit
        law.target[position[task.targets]] |= bit

    def _begin(self, number: int, rate: float, lane: int) -> None:
        """A member at its start: held voltages, conductances, what it is told and nothing done yet."""
        ensemble, block, p, position = self.ensemble, self.block, self.block.lanes, self.prepared.position
        task = ensemble.task(number)
        self._tell(number, rate, lane)
        p.target[:, lane] = -1
        p.target[:len(task.targets), lane] = position[task.targets]
        p.desired[:len(task.targets), lane] = task.target_voltages
        block.G[:, lane] = ensemble.initial_conductances(number)
        block.x[:, lane] = 0.0
        block.x[2 * position[task.sources], lane] = task.source_voltages
        if ensemble.starts is not None:
            self._go_on_from(ensemble.starts[number], lane)

    def _tell(self, number: int, rate: float, lane: int) -> None:
        """What a member is told: its rate, when it ends, when it is recorded. Nothing is done yet."""
        ensemble, p = self.ensemble, self.block.lanes
        rule, times = ensemble.rule, ensemble.times(number)
        p.each[lane] = 0
        me = p.each[lane]
        me["rate"], me["method"] = rule.prefactor * (rate or 1.0), METHODS.index(ensemble.method if rate else "slow")
        me["fall"] = ensemble.fall(number)
        me["until"], me["stop"], me["limit"] = ensemble.until or 0.0, not ensemble.go_on, ensemble.limit(number)
        me["fixed"] = np.nan if ensemble.dt is None else ensemble.dt
        me["tolerance"], me["caution"], me["span"] = ensemble.tolerance, 1.0, stepping.SHORTEST
        me["first"] = me["sustained"] = me["instant"] = np.nan
        p.times[:, lane] = np.inf
        p.times[:len(times), lane] = times
        p.equilibrium[:, lane] = p.nonequilibrium[:, lane] = np.nan
        me["status"] = state.FRESH

    def _go_on_from(self, run: Run, lane: int) -> None:
        """v, w, time and C*(0) of an earlier run."""
        me, order = self.block.lanes.each[lane], self.prepared.order
        for part, values in enumerate((run.voltages, run.difference)):
            self._voltages(lane)[..., part] = values[..., order]
        me["time"], me["initial"], me["status"] = run.time, run.initial_cost, state.CONTINUED

    def _voltages(self, lane: int) -> NDArray[np.float64]:
        """v and w of a lane, (n_nodes, 2), a view in the order of the kernels."""
        return self.block.x[:, lane].reshape(-1, 2)

    def _columns(self, lane: int) -> dict[str, NDArray[Any]]:
        """Views of all that a lane is."""
        block = self.block
        columns = {name: getattr(block.lanes, name)[..., lane:lane + 1] for name in Lanes._fields}
        columns |= {"x": block.x[:, lane], "G": block.G[:, lane], "peak": block.peak[:, lane]}
        return columns | {f"law.{row}": block.law.rows[row, lane:lane + 1] for row in (DT, LEARN, FALL)}

    def states(self) -> dict[int, State]:
        """Copies of the running lanes, by member number; `insert` takes them up again, bit for bit."""
        return {number: self._copy(lane) for lane, number in enumerate(self.numbers) if number is not None}

    def _copy(self, lane: int) -> State:
        return {name: np.array(column) for name, column in self._columns(lane).items()}

    @property
    def occupied(self) -> int:
        """Members in the block."""
        return sum(number is not None for number in self.numbers)

    def follow(self) -> int:
        """Go on for a slice of time or until a lane is done or belongs elsewhere. Returns the member-steps taken."""
        strides = max(4, STRIDES // self.ensemble.network.n_edges // (LONGER if self.manifold else 1))
        before = int(self.block.tally[state.LANE_STEPS])
        blocks.run(self.block, True if self.manifold else None, strides)
        return int(self.block.tally[state.LANE_STEPS]) - before

    def strays(self) -> list[tuple[int, State]]:
        """Take the members out of their lanes that are to go on in the other kind of block, as they are."""
        each, gone = self.block.lanes.each, []
        for lane, number in enumerate(self.numbers):
            if (number is not None and state.CONTINUED <= each["status"][lane] <= state.RUNNING
                    and bool(each["gliding"][lane]) != self.manifold):
                gone.append((number, self._copy(lane)))
                self._idle(lane)
        return gone

    def harvest(self) -> list[tuple[int, Run]]:
        """Take the finished members out of their lanes."""
        done = []
        for lane, number in enumerate(self.numbers):
            if number is not None and self.block.lanes.each["status"][lane] > state.RUNNING:
                done.append((number, self._run(number, lane)))
                self._idle(lane)
        return done

    def _idle(self, lane: int) -> None:
        bit = np.uint16(1 << lane)
        for mask in (self.block.law.free_v, self.block.law.free_w, self.block.law.target):
            mask &= ~bit
        self.block.law.rows[[DT, LEARN, FALL], lane] = 0.0
        self.block.x[:, lane], self.block.G[:, lane] = 0.0, 1.0
        self.block.lanes.each["status"][lane] = state.IDLE
        self.numbers[lane] = None

    def _run(self, number: int, lane: int) -> Run:
        block, p, ensemble = self.block, self.block.lanes, self.ensemble
        me = p.each[lane]
        status = STATUSES[int(me["status"]) - state.REACHED]
        made, back = slice(int(me["recorded"])), self.prepared.position
        x = self._voltages(lane)[..., back, :].copy()
        return Run(
            rate=float(ensemble.rates[number]), status=status,
            reason=reason(me, status, float(ensemble.rates[number]), ensemble.dt, ensemble.precision),
            training_time=float(me["first"]), sustained_time=float(me["sustained"]),
            nonequilibrium_time=float(me["instant"]), time=float(me["time"]),
            conductances=block.G[:ensemble.network.n_edges, lane].copy(), voltages=x[..., 0], difference=x[..., 1],
            times=p.times[made, lane].copy(), equilibrium_cost=p.equilibrium[made, lane].copy(),
            cost=p.nonequilibrium[made, lane].copy(), initial_cost=float(me["initial"]),
            final_cost=float(me["cost"]), n_steps=int(me["steps"]), n_looks=int(me["looks"]),
            network=ensemble.network, task=ensemble.tasks[int(ensemble.task_of[number])], rule=ensemble.rule)
