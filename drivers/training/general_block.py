"""A block of lanes for every linear task, rule and schedule: what `lanes.LaneBlock` is for the plain ones."""
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.drivers.recording.recorded_states import State
from ohmlearn.kernels.ensemble import block_state
from ohmlearn.kernels.ensemble.block_state import Lanes
from ohmlearn.kernels.ensemble.rk4 import FLOOR, NUDGE
from ohmlearn.kernels.general import stages as rows
from ohmlearn.kernels.general.lane_steps import GeneralBlock as Arrays
from ohmlearn.kernels.general.schedule import SHOW, Clock
from ohmlearn.task import Task

from .ensemble import Ensemble
from .general_arrays import GeneralLayout, allocate, lanes_of
from .lane_block import LaneBlock

Array = NDArray[np.float64]
STEPS = 150_000         # steps times edges in a slice, a few hundredths of a second


class GeneralBlock(LaneBlock):
    """8 lanes over one graph that each follow any linear task; the same to its callers as a plain block."""

    def __init__(self, ensemble: Ensemble, layout: GeneralLayout) -> None:
        self.layout = layout
        super().__init__(ensemble, layout)
        self._strides = max(12, STEPS // (self.layout.at.m * self.layout.at.C))

    def _allocate(self, width: int) -> Arrays:
        self.general, self.solves = allocate(self.layout, width)
        lanes, m = lanes_of(self.layout, width), self.layout.at.m
        self.clock = Clock(lanes.each, np.zeros(width, dtype=SHOW), np.zeros(width, dtype=SHOW),
                           np.zeros((m, width), dtype=np.uint64))
        counts = np.zeros(1, dtype=np.int64), np.zeros(block_state.TALLIES, dtype=np.int64)
        return Arrays(lanes, self.general.x, self.general.G[:m], *counts, self.general, self.solves, self.clock)

    def _rows(self, name: str, lane: int, *shape: int) -> Array:
        """The rows of a name in `Places` as an array of a shape, a view."""
        begin = getattr(self.layout.at, name)
        return self.general.rows[begin:begin + int(np.prod(shape)), lane].reshape(shape)

    def insert(self, number: int, saved: State | None = None) -> None:
        """Give a member to an idle lane; with a saved state, it goes on where it was set aside."""
        lane = self.numbers.index(None)
        self.numbers[lane] = number
        self._fill(number, lane)
        if saved is not None:
            for name, column in self._columns(lane).items():
                column[...] = saved[name]
        else:
            self._start(number, lane)
        self._begin_recording(lane, saved)

    def _fill(self, number: int, lane: int) -> None:
        """All that a member is told and that does not change."""
        samples, at, position = self.ensemble.samples(number), self.layout.at, self.layout.position
        bit, free = np.uint16(1 << lane), np.ones(at.n, dtype=bool)
        free[position[samples[0].sources]] = False
        self._check_parts(samples[0])
        for mask in (self.general.law.free_v, self.solves.free):
            mask[free] |= bit
            mask[~free] &= ~bit
        if samples[0].sources.size == 0:
            self.solves.free[0] &= ~bit
        self.general.rows[:, lane] = 0.0
        self._fill_outputs(samples[0], free, lane)
        self._fill_rule(number, lane)
        for s, sample in enumerate(samples):
            self._fill_sample(sample, s, lane)
        self._rows("share", lane, at.S)[:len(samples)] = 1 / np.sqrt(len(samples))
        turn = self._in_turn(len(samples))
        self._rows("weight", lane, at.C)[:1 if turn else len(samples)] = 1.0 if turn else 1 / len(samples)

    def _in_turn(self, count: int) -> bool:
        schedule = self.ensemble.schedule
        return count > 1 and schedule is not None and schedule.switching is not None

    def _check_parts(self, task: Task) -> None:
        part = self.ensemble.network.components
        held = np.unique(part[task.sources])
        if held.size != part.max() + 1 and (held.size or part.max() > 0):
            raise NotImplementedError("training takes networks that are held in all their parts or float in one piece; "
                                      "hold a node in every part, or take network.largest_component()")

    def _fill_outputs(self, task: Task, free: NDArray[np.bool_], lane: int) -> None:
        """C, A and D (DᵀD)⁻¹ of a lane."""
        layout, at, n = self.layout, self.layout.at, free.size
        matrix = task.output_matrix(n).toarray()[:, layout.order]
        if task.sources.size == 0:
            matrix -= matrix.mean(axis=1, keepdims=True)
            self._rows("rule", lane, rows.RULE_ROWS)[rows.FLOATS] = 1 / n
        drops = np.zeros((len(task.drops), n))
        for row, (a, c) in zip(drops, task.drops, strict=True):
            row[layout.position[a]], row[layout.position[c]] = 1.0, -1.0
        spread_v = inverse_of(drops * free)
        if self.ensemble.rule.clamp == "pulled":
            pulled = matrix * free
            spread = np.concatenate([pulled - pulled @ drops.T @ spread_v, spread_v])
        else:
            spread = inverse_of(np.concatenate([matrix, drops]) * free)
        there = np.r_[np.arange(len(matrix)), at.K + np.arange(len(drops))]
        self._rows("column", lane, at.K + at.D, n)[there] = np.concatenate([matrix, drops])
        self._rows("spread", lane, at.K + at.D, n)[there] = spread
        self._rows("spread_v", lane, at.D, n)[:len(drops)] = spread_v
        self._rows("used", lane, at.K + at.D)[there] = 1.0
        self._list_nodes()

    def _list_nodes(self) -> None:
        """The nodes that the columns of C, A and D (DᵀD)⁻¹ touch in any lane."""
        general, at = self.general, self.layout.at
        for q in range(general.counts.size):
            column = general.rows[at.column + q * at.n:at.column + (q + 1) * at.n]
            touched = np.flatnonzero(column.any(axis=1))
            general.counts[q] = touched.size
            general.nodes[q * at.n:q * at.n + touched.size] = touched

    def _fill_rule(self, number: int, lane: int) -> None:
        """The clamp, the bounds and what is special of the edges."""
        rule, schedule, law = self.ensemble.rule, self.ensemble.schedule, self.general.law
        row, at = self._rows("rule", lane, rows.RULE_ROWS), self.layout.at
        pulled, moving = rule.clamp == "pulled", rule.clamp == "moving"
        row[rows.TRACK] = 0.0 if pulled else 1 / rule.nudge if moving else 1.0
        row[rows.HOLD], row[rows.FOLLOW] = float(not pulled), float(rule.clamp == "held")
        row[rows.KAPPA] = rule.clamp_rate if pulled or moving else 0.0
        row[rows.BACK] = rule.clamp_share if pulled else 1.0
        row[rows.UNIT], row[rows.SHARE] = (1 / rule.clamp_rate, rule.clamp_share) if pulled else (0.0, 1.0)
        row[rows.AGE] = rule.aging
        row[rows.STEEP] = 0.0 if rule.edge_scale is None else rule.edge_scale ** -2.0
        row[rows.FADE] = 0.0 if rule.memory is None else 1 / rule.memory
        law.rows[[NUDGE, FLOOR], lane] = rule.nudge, rule.floor
        assert law.ceiling is not None
        assert law.learning is not None
        law.ceiling[0, lane] = np.inf if rule.ceiling is None else rule.ceiling
        law.learning[:, lane] = 1.0 if rule.frozen is None else np.where(rule.frozen, 0.0, 1.0)
        self._rows("bias", lane, at.m)[:] = 0.0 if rule.bias is None else rule.bias
        if rule.noise > 0:
            seed = [rule.seed, int(self.ensemble.task_of[number]), self.ensemble.rates[number:number + 1].view(int)[0]]
            self.clock.key[:, lane] = np.random.SeedSequence(seed).generate_state(at.m, np.uint64)
        times, factors = self._rows("times", lane, at.knots), self._rows("factors", lane, at.knots)
        times[:], factors[:] = np.inf, 1.0
        if schedule is not None:
            row[rows.QUICK], row[rows.SLOW] = schedule.speed_up, -schedule.slow_down
            if schedule.ramp_times is not None:
                times[:], factors[:] = schedule.ramp_times, schedule.ramp_factors

    def _fill_sample(self, task: Task, s: int, lane: int) -> None:
        """Held voltages, currents, desired outputs and held drops of a sample."""
        layout, at = self.layout, self.layout.at
        drive, desired = self._rows("drive", lane, at.S, at.n), self._rows("desired", lane, at.S, at.K + at.D)
        drive[s] = task.injected(at.n)[layout.order]
        drive[s, layout.position[task.sources]] = task.source_voltages
        desired[s, :task.n_targets] = task.target_voltages
        desired[s, at.K:at.K + len(task.drops)] = list(task.drops.values())

    def _start(self, number: int, lane: int) -> None:
        """A member at its start: its place in the schedule, conductances, and nothing done yet."""
        ensemble, p, rule, schedule = self.ensemble, self.block.lanes, self.ensemble.rule, self.ensemble.schedule
        rate, count = float(ensemble.rates[number]), len(ensemble.samples(number))
        self._tell(number, lane)
        p.each[lane]["method"] = block_state.RK4
        for name in ("delta", "slope", "last_delta", "last_slope", "errors"):
            getattr(p, name)[..., lane] = 0.0
        p.target[:, lane] = -1
        self.block.x[:, lane] = self.general.G[:, lane] = 0.0
        self.block.G[:, lane] = ensemble.initial_conductances(number)
        self.clock.show[lane] = 0
        show, spread = self.clock.show[lane], self._rows("spread", lane, self.layout.at.K * self.layout.at.n)
        show["samples"], show["length"] = count, np.inf
        if schedule is not None:
            show["varied"] = not schedule.constant
            if count > 1 and schedule.switching is not None:
                show["turn"], show["length"], show["blend"] = True, 1 / schedule.switching, schedule.blend
        show["quasistatic"], show["noise"] = rate == 0, rule.noise * np.sqrt(rule.prefactor)
        show["stiff"] = {"held": 0.0, "moving": rule.clamp_rate,
                         "pulled": rule.clamp_rate * rule.clamp_share * float(spread @ spread)}[rule.clamp]
        self._go_on(number, lane)
        if show["turn"]:
            shown = float(p.each[lane]["time"]) / show["length"]
            show["shown"], show["phase"] = int(shown), shown - int(shown)

    def _voltages(self, lane: int, x: Array | None = None) -> Array:
        """v and w of a lane: (n_nodes, 2), or (n_samples, n_nodes, 2) of samples side by side."""
        show, at = self.clock.show[lane], self.layout.at
        x = (self.block.x if x is None else x)[:-1, lane].reshape(at.C, at.n, 2)
        return x[:int(show["samples"])] if show["samples"] > 1 and not show["turn"] else x[0]

    def _columns(self, lane: int) -> dict[str, NDArray[Any]]:
        """Views of all that a lane is."""
        at, Q = self.layout.at, self.layout.at.K + self.layout.at.D
        columns = {name: getattr(self.block.lanes, name)[..., lane:lane + 1] for name in Lanes._fields}
        columns |= {"x": self.block.x[:, lane], "G": self.general.G[:, lane], "law": self.general.law.rows[:, lane]}
        columns |= {name: getattr(self.clock, name)[lane:lane + 1] for name in ("show", "last")}
        columns |= {name: self._rows(name, lane, at.C * at.n) for name in ("now", "trend")}
        columns |= {name: self._rows(name, lane, at.C * Q) for name in ("aim", "turn")}
        return columns | {"rule": self._rows("rule", lane, rows.RULE_ROWS)}

    def _idle(self, lane: int) -> None:
        bit = np.uint16(1 << lane)
        for mask in (self.general.law.free_v, self.solves.free):
            mask &= ~bit
        for array in (self.general.law.rows, self.general.rows, self.block.x, self.general.G):
            array[:, lane] = 0.0
        self.block.G[:, lane] = 1.0
        self.clock.show[lane] = 0


def inverse_of(columns: Array) -> Array:
    """(CᵀC)⁻¹ Cᵀ for the rows of `columns` (k, n_nodes). Raises ValueError where they depend on each other."""
    gram = columns @ columns.T
    if len(gram) and np.linalg.cond(gram) > 1e12:
        raise ValueError("the outputs and held drops of the task depend on each other, so the clamp cannot hold them "
                         "all; leave one out")
    return np.asarray(np.linalg.solve(gram, columns)) if len(gram) else columns
