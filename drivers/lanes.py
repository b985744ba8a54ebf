"""A block of lanes from outside: members go in, runs come out, and a lane can be set aside and taken up again."""
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels import blocks, slow, state, stepping
from ohmlearn.kernels.dynamics import DT, FALL, FLOOR, LEARN, NUDGE, ROWS, Law
from ohmlearn.kernels.equilibrium import Factor
from ohmlearn.kernels.graphs import prepare
from ohmlearn.kernels.lanes import ROW_BYTES, n_lanes
from ohmlearn.kernels.slow import SLOW_ROWS, Slow
from ohmlearn.kernels.state import Block, Lanes
from ohmlearn.kernels.wmethod import Stages
from ohmlearn.run import STATUSES, Run

from .ensemble import Ensemble, State

METHODS = ("auto", "rk4", "slow")
STRIDES = 500_000       # strides times edges in a slice, a few hundredths of a second


def aligned(*shape: int, dtype: Any = np.float64) -> NDArray[Any]:
    """Array of zeros that begins at a multiple of 64 bytes, as the kernels' rows must."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.zeros(size + ROW_BYTES, dtype=np.uint8)
    begin = -raw.ctypes.data % ROW_BYTES
    return raw[begin:begin + size].view(dtype).reshape(shape)


class Prepared:
    """What all blocks over one graph share: the order of the nodes, the graph, the pattern of the factor."""

    def __init__(self, ensemble: Ensemble) -> None:
        network = ensemble.network
        self.order, self.graph, self.pattern = prepare(network.edges, network.n_nodes)
        self.position = np.empty(network.n_nodes, dtype=np.int64)
        self.position[self.order] = np.arange(network.n_nodes)
        self.n_targets = max(len(task.targets) for task in ensemble.tasks)
        self.n_times = max(len(ensemble.times(k)) for k in range(len(ensemble))) if ensemble.record else 0


class LaneBlock:
    """8 lanes over one graph. Idle lanes are fixed in place and cost nothing but their share of the block."""

    def __init__(self, ensemble: Ensemble, prepared: Prepared) -> None:
        self.ensemble, self.prepared = ensemble, prepared
        n, m, lanes = ensemble.network.n_nodes, ensemble.network.n_edges, n_lanes(np.float64)
        self.numbers: list[int | None] = [None] * lanes
        bits = lambda: np.zeros(n, dtype=np.uint16)  # noqa: E731
        rule = ensemble.rule
        law = Law(bits(), bits(), bits(), aligned(ROWS, lanes), None if rule.ceiling is None else aligned(1, lanes),
                  None if rule.frozen is None else aligned(m, lanes))
        if law.ceiling is not None:
            law.ceiling[:] = rule.ceiling
        if law.learning is not None and rule.frozen is not None:
            law.learning[:] = np.where(rule.frozen, 0.0, 1.0)[:, None]
        law.rows[NUDGE], law.rows[FLOOR] = rule.nudge, rule.floor
        matrix = aligned(n + prepared.pattern.row.size, lanes)
        self.block = Block(prepared.graph, prepared.pattern, law, self._lanes(lanes),
                           *(aligned(2 * n, lanes) for _ in range(3)), *(aligned(m, lanes) for _ in range(2)),
                           np.full(lanes, rule.floor_rate if rule.floor_mode == "relax" else np.inf),
                           np.zeros((2 * n, lanes)), np.zeros((m, lanes)), aligned(2, lanes), aligned(3 * n, lanes),
                           Factor(matrix, aligned(n, lanes)), self._slow(n, m, lanes), self._stages(m, lanes))
        self.block.G[:] = 1.0

    def _slow(self, n: int, m: int, lanes: int) -> Slow:
        t, rule = self.prepared.n_targets, self.ensemble.rule
        rows = {"rows": SLOW_ROWS, "psi": t * n, "phi": t * n, "delta": t, "slope": t, "given": t, "couple": t * t,
                "still": m, "rate": m}
        work = Slow(**{name: aligned(rows.get(name, n), lanes) for name in Slow._fields})
        work.rows[slow.FALL] = rule.floor_rate if rule.floor_mode == "relax" else stepping.AT_ONCE
        work.rows[slow.NUDGE], work.rows[slow.FLOOR] = rule.nudge, rule.floor
        return work

    def _stages(self, m: int, lanes: int) -> Stages:
        t = self.prepared.n_targets
        rows = {"U": t * m, "Q": t * m, "matrix": t * t, "along": t, "h": 1, "error": 1, "moved": 1}
        return Stages(**{name: aligned(rows.get(name, m), lanes) for name in Stages._fields})

    def _lanes(self, lanes: int) -> Lanes:
        targets, times = self.prepared.n_targets, self.prepared.n_times
        tall = {"target": (targets,), "desired": (targets,), "delta": (targets,), "slope": (targets,),
                "errors": (stepping.LONGEST + 1, targets), "times": (times,), "equilibrium": (times,),
                "nonequilibrium": (times,)}
        kinds = {"status": np.int64, "steps": np.int64, "looks": np.int64, "span": np.int64, "taken": np.int64,
                 "recorded": np.int64, "target": np.int64, "method": np.int64, "stop": np.bool_, "gliding": np.bool_}
        return Lanes(**{name: np.zeros((*tall.get(name, ()), lanes), dtype=kinds.get(name, np.float64))
                        for name in Lanes._fields})

    def insert(self, number: int, saved: State | None = None) -> None:
        """Give a member to an idle lane; with a saved state, it goes on where it was set aside."""
        lane = self.numbers.index(None)
        self.numbers[lane] = number
        ensemble, block, p = self.ensemble, self.block, self.block.lanes
        task = ensemble.task(number)
        position = self.prepared.position
        bit = np.uint16(1 << lane)
        law = block.law
        for mask in (law.free_v, law.free_w):
            mask |= bit
            mask[position[task.sources]] &= ~bit
        law.free_w[position[task.targets]] &= ~bit
        law.target[:] &= ~bit
        law.target[position[task.targets]] |= bit
        rate = ensemble.rates[number]
        block.slow.rows[slow.RATE, lane] = -ensemble.rule.prefactor * (rate or 1.0)
        block.slow.rows[slow.LAG, lane] = float(rate > 0)
        if saved is not None:
            for name, column in self._columns(lane).items():
                column[...] = saved[name]
            return
        for name in Lanes._fields:
            getattr(p, name)[..., lane] = 0
        p.rate[lane] = ensemble.rule.prefactor * (rate or 1.0)
        p.method[lane] = METHODS.index(ensemble.method if rate else "slow")
        p.until[lane] = ensemble.until or 0.0
        p.stop[lane] = not ensemble.go_on
        p.limit[lane] = ensemble.limit(number)
        p.fixed[lane] = np.nan if ensemble.dt is None else ensemble.dt
        p.tolerance[lane], p.caution[lane], p.span[lane] = ensemble.tolerance, 1.0, stepping.SHORTEST
        p.first[lane] = p.sustained[lane] = p.instant[lane] = np.nan
        p.target[:, lane] = -1
        p.target[:len(task.targets), lane] = position[task.targets]
        p.desired[:len(task.targets), lane] = task.target_voltages
        times = ensemble.times(number)
        p.times[:, lane] = np.inf
        p.times[:len(times), lane] = times
        p.equilibrium[:, lane] = p.nonequilibrium[:, lane] = np.nan
        block.G[:, lane] = ensemble.initial_conductances(number)
        block.x[:, lane] = 0.0
        block.x[2 * position[task.sources], lane] = task.source_voltages
        p.status[lane] = state.FRESH
        if ensemble.starts is not None:
            self._go_on_from(ensemble.starts[number], lane)

    def _go_on_from(self, run: Run, lane: int) -> None:
        """v, w, time and C*(0) of an earlier run."""
        p, order = self.block.lanes, self.prepared.order
        self.block.x[0::2, lane], self.block.x[1::2, lane] = run.voltages[order], run.difference[order]
        p.time[lane], p.initial[lane], p.status[lane] = run.time, run.initial_cost, state.CONTINUED

    def _columns(self, lane: int) -> dict[str, NDArray[Any]]:
        """Views of all that a lane is."""
        block = self.block
        columns = {name: getattr(block.lanes, name)[..., lane] for name in Lanes._fields}
        names = ("x", "G", "last_x", "last_G")
        columns |= {"block." + name: getattr(block, name)[..., lane] for name in names}
        columns |= {f"law.{row}": block.law.rows[row, lane:lane + 1] for row in (DT, LEARN, FALL)}
        return columns

    def states(self) -> dict[int, State]:
        """Copies of the running lanes, by member number; `insert` takes them up again, bit for bit."""
        return {number: {name: np.array(column) for name, column in self._columns(lane).items()}
                for lane, number in enumerate(self.numbers) if number is not None}

    def follow(self) -> int:
        """Go on for a slice of time or until a lane is done. Returns the member-steps taken."""
        strides = max(4, STRIDES // self.ensemble.network.n_edges)
        return int(blocks.run(self.block, strides)) * stepping.SHORTEST * sum(k is not None for k in self.numbers)

    def harvest(self) -> list[tuple[int, Run]]:
        """Take the finished members out of their lanes."""
        done = []
        for lane, number in enumerate(self.numbers):
            if number is not None and self.block.lanes.status[lane] > state.RUNNING:
                done.append((number, self._run(number, lane)))
                self._idle(lane)
        return done

    def _idle(self, lane: int) -> None:
        bit = np.uint16(1 << lane)
        for mask in (self.block.law.free_v, self.block.law.free_w, self.block.law.target):
            mask &= ~bit
        self.block.law.rows[:NUDGE, lane] = self.block.law.rows[FALL, lane] = 0.0
        self.block.x[:, lane], self.block.G[:, lane] = 0.0, 1.0
        self.block.lanes.status[lane] = state.IDLE
        self.numbers[lane] = None

    def _run(self, number: int, lane: int) -> Run:
        block, p, ensemble = self.block, self.block.lanes, self.ensemble
        status = STATUSES[int(p.status[lane]) - state.REACHED]
        made, back = slice(int(p.recorded[lane])), self.prepared.position
        x = block.x[:, lane]
        return Run(
            rate=float(ensemble.rates[number]), status=status, reason=self._reason(number, lane, status),
            training_time=float(p.first[lane]), sustained_time=float(p.sustained[lane]),
            nonequilibrium_time=float(p.instant[lane]), time=float(p.time[lane]),
            conductances=block.G[:, lane].copy(), voltages=x[0::2][back], difference=x[1::2][back],
            times=p.times[made, lane].copy(), equilibrium_cost=p.equilibrium[made, lane].copy(),
            cost=p.nonequilibrium[made, lane].copy(), initial_cost=float(p.initial[lane]),
            final_cost=float(p.cost[lane]), n_steps=int(p.steps[lane]), n_looks=int(p.looks[lane]),
            network=ensemble.network, task=ensemble.task(number), rule=ensemble.rule)

    def _reason(self, number: int, lane: int, status: str) -> str:
        p, rate = self.block.lanes, self.ensemble.rates[number]
        cost, time = f"C*/C*(0) = {p.cost[lane]:.3g}", f"t = {p.time[lane]:.6g}"
        if status == "reached":
            return f"C* fell below {p.until[lane]:g} C*(0) at t = {p.first[lane]:.6g}"
        if status == "out of time":
            return f"{cost} at the time limit, {time}"
        if status == "stalled":
            return f"{cost} has not moved for a tenth of the time limit, at {time}"
        if self.ensemble.dt is not None:
            bound = stepping.STABLE / p.bound[lane]
            return f"R = {rate:g} diverged at {time} with dt = {self.ensemble.dt:g}; the stable bound is {bound:.3g}"
        return f"R = {rate:g} diverged at {time}, {cost}; raise the floor or lower the rate"
