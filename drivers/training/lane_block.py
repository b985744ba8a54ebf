"""A block of lanes from outside: members go in, runs come out, and a lane can be set aside and taken up again."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import typeof
from numpy.typing import NDArray
from ohmlearn.drivers.checks.earlier_runs import fits
from ohmlearn.drivers.recording.recorded_states import Recording, State
from ohmlearn.kernels.ensemble import block_loop, block_state, slow_manifold
from ohmlearn.kernels.law.bounds import AT_ONCE
from ohmlearn.kernels.nonlinear.edges import Pull
from ohmlearn.kernels.simd.vectors import n_lanes
from ohmlearn.run import STATUSES, Run

from .ensemble import Ensemble, reason, record_of
from .lane_arrays import Prepared, allocate

STRIDES = 500_000       # strides times edges in a slice, a few hundredths of a second; on the manifold they are longer
LONGER = 6


class LaneBlock:
    """8 lanes over one graph (16 in single precision), followed by RK4 or on the slow manifold. Idle lanes stay where
    they are and cost nothing but their share of the block."""

    pull: Pull | None = None        # of nonlinear edges, where a clamp pulls targets

    def __init__(self, ensemble: Ensemble, prepared: Prepared, manifold: bool = False) -> None:
        self.ensemble, self.prepared, self.manifold = ensemble, prepared, manifold
        self.numbers: list[int | None] = [None] * n_lanes(ensemble.dtype)
        self.recordings: list[Recording | None] = [None] * len(self.numbers)
        self.block = self._allocate(len(self.numbers))
        self._entry: Callable[..., int] | None = None
        each = self.block.lanes.each
        self._status, self._gliding = each["status"], each["gliding"]
        self._strides = max(4, STRIDES // ensemble.network.n_edges // (LONGER if manifold else 1))

    def _allocate(self, width: int) -> Any:
        """The arrays, `lanes`, `x` and `G` among them; see :class:`ohmlearn.kernels.ensemble.block_state.Block`."""
        quasistatic = self.manifold and self.ensemble.edges is not None
        block, self.columns = allocate(self.ensemble, self.prepared, width, quasistatic)
        self.pull = None if block.edges is None else block.edges.pull
        self._cleared = self.columns.numbers[:, 0].copy()
        return block

    def insert(self, number: int, saved: State | None = None) -> None:
        """Give a member to an idle lane; with a saved state, it goes on where it was set aside."""
        lane = self.numbers.index(None)
        self.numbers[lane] = number
        self.columns.masks[:] |= self.prepared.places(int(self.ensemble.task_of[number])).bits << lane
        self._pull(number, lane)
        if saved is not None:
            for name, column in self._columns(lane).items():
                column[...] = saved[name]
        else:
            self._begin(number, lane)
        self._begin_recording(lane, saved)

    def _pull(self, number: int | None, lane: int) -> None:
        """Join w of a lane to the desired voltages of a member where a clamp pulls targets; None for none."""
        if (pull := self.pull) is not None:
            pull.rate[:, lane] = pull.desired[:, lane] = 0.0
            if number is not None:
                targets = self.prepared.places(int(self.ensemble.task_of[number])).targets
                pull.rate[targets, lane] = self.ensemble.rule.clamp_rate
                pull.desired[targets, lane] = self.ensemble.task(number).target_voltages

    def _begin(self, number: int, lane: int) -> None:
        """A member at its start: held voltages, conductances, what it is told and nothing done yet."""
        ensemble, block, p, task = self.ensemble, self.block, self.block.lanes, self.ensemble.task(number)
        rate, count, rows = float(ensemble.rates[number]), task.n_targets, block.slow.rows
        _, held, targets = self.prepared.places(int(ensemble.task_of[number]))
        p.target[:, lane] = -1
        p.target[:count, lane] = targets
        p.desired[:count, lane] = task.target_voltages
        block.G[:, lane] = ensemble.initial_conductances(number)
        block.x[held, lane] = task.source_voltages
        rows[slow_manifold.RATE, lane] = -ensemble.rule.prefactor * (rate or 1.0)
        rows[slow_manifold.LAG, lane] = rate > 0
        self._tell(number, lane)
        fall = ensemble.fall(number)
        rows[slow_manifold.FALL, lane] = fall if np.isfinite(fall) else AT_ONCE
        self._go_on(number, lane)

    def _tell(self, number: int, lane: int) -> None:
        """What a member is told: its rate, when it ends, when it is recorded. Nothing is done yet."""
        ensemble, p = self.ensemble, self.block.lanes
        p.each[lane] = record_of(ensemble, number)
        if ensemble.record is not None:
            times = ensemble.times(number)
            p.times[:, lane] = np.inf
            p.times[:len(times), lane] = times
            p.equilibrium[:, lane] = p.nonequilibrium[:, lane] = np.nan

    def _go_on(self, number: int, lane: int) -> None:
        """v, w, time and C*(0) of the earlier run that a member goes on from. Where its v and w do not fit, as between
        samples in turn and side by side, they begin at equilibrium."""
        if (run := self.ensemble.going_on(number)) is None:
            return
        me, order = self.block.lanes.each[lane], self.prepared.order
        me["time"], me["initial"] = run.time, run.initial_cost
        if fits(run, self._voltages(lane).shape[:-1]):
            for part, values in enumerate((run.voltages, run.difference)):
                self._voltages(lane)[..., part] = values[..., order]
            me["status"] = block_state.CONTINUED

    def _voltages(self, lane: int, x: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """v and w of a lane, (n_nodes, 2), a view in the order of the kernels; as they are now, or of rows x."""
        return (self.block.x if x is None else x)[:, lane].reshape(-1, 2)

    def _begin_recording(self, lane: int, saved: State | None) -> None:
        """Make ready to write down what is kept of a member besides its costs."""
        number, record = self.numbers[lane], self.ensemble.record
        assert number is not None
        if record is not None and record.keep:
            self.recordings[lane] = Recording(self.ensemble.network, self.ensemble.samples(number), record.keep,
                                              self._voltages(lane)[..., 0].shape, saved)

    def write_down(self) -> None:
        """Write down the states of the lanes that pause for it."""
        if not self.ensemble.beginning["keeps"]:
            return
        p = self.block.lanes
        for lane in np.flatnonzero(p.each["pause"]).tolist():
            recording = self.recordings[lane]
            assert recording is not None
            voltages = self._voltages(lane, p.last_x)[..., self.prepared.position, 0]
            recording.add(p.each[lane]["recorded"], voltages, p.last_G[:self.ensemble.network.n_edges, lane])
            p.each[lane]["pause"] = 0

    def _columns(self, lane: int) -> dict[str, NDArray[Any]]:
        """Views of all that a lane is."""
        numbers, notes, _ = self.columns
        return {"each": self.block.lanes.each[lane:lane + 1], "numbers": numbers[:, lane], "notes": notes[:, lane]}

    def states(self) -> dict[int, State]:
        """Copies of the running lanes, by member number; `insert` takes them up again, bit for bit."""
        return {number: self._copy(lane) for lane, number in enumerate(self.numbers) if number is not None}

    def _copy(self, lane: int) -> State:
        recording = self.recordings[lane]
        return {name: column.copy() for name, column in self._columns(lane).items()} | (
            {} if recording is None else recording.saved())

    @property
    def occupied(self) -> int:
        """Members in the block."""
        return len(self.numbers) - self.numbers.count(None)

    def follow(self) -> int:
        """Go on for a slice of time or until a lane is done or belongs elsewhere. Returns the member-steps taken."""
        if self._entry is None:         # Numba would find the types of some fifty arrays anew at every call
            self._entry = compiled(block_loop.run, self.block, self._way, self._strides)
        before = int(self.block.tally[block_state.LANE_STEPS])
        self._entry(self.block, self._way, self._strides)
        return int(self.block.tally[block_state.LANE_STEPS]) - before

    @property
    def _way(self) -> bool | None:
        return True if self.manifold and self.ensemble.edges is None else None

    def strays(self) -> list[tuple[int, State]]:
        """Take the members out of their lanes that are to go on in the other kind of block, as they are."""
        gone = []
        for lane, (status, gliding) in enumerate(zip(self._status.tolist(), self._gliding.tolist(), strict=True)):
            if block_state.CONTINUED <= status <= block_state.RUNNING and gliding != (self._way is not None):
                saved = self._copy(lane)
                gone.append((self._leave(lane), saved))
        return gone

    def harvest(self) -> list[tuple[int, Run]]:
        """Take the finished members out of their lanes."""
        done = []
        for lane, status in enumerate(self._status.tolist()):
            if status > block_state.RUNNING:
                run = self._run(lane)
                done.append((self._leave(lane), run))
        return done

    def _leave(self, lane: int) -> int:
        """Make a lane idle; returns the number of the member that was in it."""
        number = self.numbers[lane]
        assert number is not None
        self._idle(lane)
        self._status[lane], self.numbers[lane], self.recordings[lane] = block_state.IDLE, None, None
        return number

    def _idle(self, lane: int) -> None:
        self.columns.masks[:] &= ~np.uint16(1 << lane)
        self.columns.numbers[:, lane] = self._cleared
        self._pull(None, lane)

    def _run(self, lane: int) -> Run:
        p, ensemble, number = self.block.lanes, self.ensemble, self.numbers[lane]
        assert number is not None
        me = dict(zip(block_state.MEMBER.names or (), p.each[lane].item(), strict=True))
        status, rate = STATUSES[me["status"] - block_state.REACHED], float(ensemble.rates[number])
        made, x = slice(me["recorded"]), self._voltages(lane)[..., self.prepared.position, :]
        recording = self.recordings[lane]
        return Run(
            rate=rate, status=status, reason=reason(me, status, rate, ensemble.dt, ensemble.precision),
            training_time=me["first"], sustained_time=me["sustained"], nonequilibrium_time=me["instant"],
            time=me["time"], conductances=self.block.G[:ensemble.network.n_edges, lane].copy(),
            voltages=x[..., 0], difference=x[..., 1],
            times=p.times[made, lane].copy(), equilibrium_cost=p.equilibrium[made, lane].copy(),
            cost=p.nonequilibrium[made, lane].copy(), initial_cost=me["initial"], final_cost=me["cost"],
            n_steps=me["steps"], n_looks=me["evaluations"],
            network=ensemble.network, task=ensemble.tasks[int(ensemble.task_of[number])], rule=ensemble.rule,
            recorded={} if recording is None else recording.result(), edges=ensemble.edges)


def compiled(kernel: Any, *arguments: Any) -> Callable[..., int]:
    """A kernel as it is compiled for arguments of these types."""
    entry: Callable[..., int] = kernel.compile(tuple(typeof(argument) for argument in arguments))
    return entry
