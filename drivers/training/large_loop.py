"""One run on a large network, from one evaluation of the cost to the next.

The rules of evaluations, steps, thresholds and ends are those of the lanes (kernels/ensemble/step_control.py,
kernels/ensemble/cost_evaluation.py), called on a block of one lane whose nodes are the targets; only what is solved and
stepped is large.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.drivers.checks.earlier_runs import fits
from ohmlearn.drivers.recording.recorded_states import Recording, State
from ohmlearn.kernels.ensemble import (
    block_loop,
    block_state,
    cost_evaluation,
    manifold_control,
    step_control,
    threshold_crossing,
)
from ohmlearn.kernels.ensemble.block_state import MEMBER, Lanes
from ohmlearn.kernels.ensemble.rk4 import ROWS
from ohmlearn.run import STATUSES, Run
from ohmlearn.solvers.equilibrium.equilibrium import Equilibrium
from ohmlearn.solvers.large.quasistatic import QuasistaticFlow
from ohmlearn.solvers.large.rk4 import Stepper
from ohmlearn.task import Task

from .ensemble import Ensemble, reason, record_of

Floats = NDArray[np.float64]
EVEN = 0.1      # of the bends between which the lanes change their stretches: beyond them, C* must be smoother still
MOST = 16       # stretches of step_control.LONGEST steps between two evaluations, where all is smooth


class OneMachine:
    """What a run on one machine steps and solves with. Another class of the same face serves a run over ranks."""

    def __init__(self, ensemble: Ensemble, threads: int) -> None:
        self.ensemble, self.threads = ensemble, threads

    def stepper(self, task: Task, rate: float) -> Any:
        """The state of the network, and its RK4 steps."""
        return Stepper(self.ensemble.network, task, self.ensemble.rule, rate, self.threads)

    def circuit(self, held: NDArray[np.int64]) -> Any:
        """What solves for voltages with some nodes held."""
        return Equilibrium(self.ensemble.network, held, self.ensemble.solver, threads=self.threads)

    def flow(self, task: Task) -> Any:
        """The quasistatic flow of the conductances."""
        return QuasistaticFlow(self.ensemble.network, task, self.ensemble.rule, self.ensemble.solver,
                               threads=self.threads)

    def recording(self, task: Task, keep: tuple[str, ...]) -> Any:
        """What writes down states."""
        network = self.ensemble.network
        return Recording(network, (task,), keep, (network.n_nodes,))

    def anywhere(self, found: bool) -> bool:
        """Whether something was found in any part of the network."""
        return found


class LargeRun:
    """One run as a lane of its own: `me` is its record, `p` the arrays beside it, with the targets as its nodes.

    machine : what it steps and solves with, a OneMachine or one of the same face.
    """

    def __init__(self, ensemble: Ensemble, number: int, machine: Any) -> None:
        self.machine = machine
        self.ensemble, self.number = ensemble, number
        self.network, self.task, self.rule = ensemble.network, ensemble.task(number), ensemble.rule
        self.rate = float(ensemble.rates[number])
        count, times = self.task.n_targets, ensemble.times(number)
        rows = step_control.LONGEST * MOST + 1
        column: Callable[..., NDArray[np.float64]] = lambda *shape: np.zeros((*shape, 1))  # noqa: E731
        self.p = Lanes(np.zeros(1, dtype=MEMBER), np.arange(count)[:, None].copy(),
                       self.task.target_voltages[:, None].copy(), column(count), column(count), column(count),
                       column(count), column(rows, count), times[:, None].copy(), column(len(times)),
                       column(len(times)), column(2 * count), column(0))
        self.p.each[0] = record_of(ensemble, number)
        self.me = self.p.each[0]
        self.me["method"] = block_state.RK4 if self.rate else block_state.SLOW
        self.law = column(ROWS)
        self.bounds = column(2)
        self.small = column(2 * count)      # v and w at the targets, as the lanes' kernels want them
        self.kept: State = {}               # the run as it was saved last
        keep = ensemble.record.keep if ensemble.record else ()
        self.recording = machine.recording(self.task, tuple(keep))
        self.why = ""                       # why no equilibrium could be solved for
        self.p.equilibrium[:] = self.p.nonequilibrium[:] = np.nan
        start = ensemble.going_on(number)
        if start is not None:
            self.me["time"], self.me["initial"] = start.time, start.initial_cost
            if fits(start, (self.network.n_nodes,)):
                self.me["status"] = block_state.CONTINUED

    def begin(self) -> None:
        """Bring the network to its start and take the first evaluation."""
        raise NotImplementedError

    def advance(self) -> None:
        """Go on to the next evaluation."""
        raise NotImplementedError

    def renew(self) -> None:
        """Drop what the solver keeps, so that the state alone decides the bits from here on."""
        raise NotImplementedError

    def large(self) -> dict[str, Floats]:
        """Arrays that a run needs to go on, besides its lane."""
        raise NotImplementedError

    def take_up(self, large: dict[str, Floats]) -> None:
        """Go on from such arrays."""
        raise NotImplementedError

    def result(self) -> tuple[Floats, Floats, Floats]:
        """v, w (n_nodes,) and G (n_edges,)."""
        raise NotImplementedError

    def go_on_while_restless(self, last: Floats, now: Floats, h: float) -> None:
        """Let a run whose cost stands still go on if a conductance of the network moved in its last stretch h."""
        if self.me["status"] == block_state.STALLED:
            cost_evaluation.go_on_while_restless(self.me, last[:, None], now[:, None], 0, h)
            if self.machine.anywhere(self.me["status"] != block_state.STALLED):
                self.me["status"] = block_state.RUNNING

    def write_down(self) -> None:
        """Write down the state at this evaluation if it is one to record."""
        if self.me["pause"]:
            voltages, _, conductances = self.result()
            self.recording.add(int(self.me["recorded"]), voltages, conductances)
            self.me["pause"] = 0

    def saved(self) -> State:
        """Copies of all that the run is at this evaluation."""
        lane = {f"lane.{name}": array for name, array in self.p._asdict().items()}
        lane |= {"law": self.law, "bounds": self.bounds} | {f"large.{name}": x for name, x in self.large().items()}
        return {name: np.array(array) for name, array in lane.items()} | self.recording.saved()

    def restore(self, saved: State) -> None:
        """Go on from what `saved` gave."""
        for name, array in self.p._asdict().items():
            array[...] = saved[f"lane.{name}"]
        self.law[:], self.bounds[:] = saved["law"], saved["bounds"]
        self.recording.restore(saved)
        self.take_up({name[6:]: array for name, array in saved.items() if name.startswith("large.")})

    def run(self) -> Run:
        """The run as it ended."""
        me, p = self.me, self.p
        status = STATUSES[int(me["status"]) - block_state.REACHED]
        made = slice(int(me["recorded"]))
        voltages, difference, conductances = self.result()
        return Run(
            rate=self.rate, status=status, reason=self._reason(status), training_time=float(me["first"]),
            sustained_time=float(me["sustained"]), nonequilibrium_time=float(me["instant"]), time=float(me["time"]),
            conductances=conductances, voltages=voltages, difference=difference, times=p.times[made, 0].copy(),
            equilibrium_cost=p.equilibrium[made, 0].copy(), cost=p.nonequilibrium[made, 0].copy(),
            initial_cost=float(me["initial"]), final_cost=float(me["cost"]), n_steps=int(me["steps"]),
            n_looks=int(me["evaluations"]), network=self.network, task=self.task, rule=self.rule,
            recorded=self.recording.result())

    def _reason(self, status: str) -> str:
        said = reason(self.me, status, self.rate, self.ensemble.dt)
        return f"{said} ({self.why})" if self.why else said


class LargeRK4(LargeRun):
    """A run by RK4. Evaluations are as rare as C* allows: `many` times stepping.LONGEST steps where it is smooth."""

    def __init__(self, ensemble: Ensemble, number: int, machine: Any) -> None:
        super().__init__(ensemble, number, machine)
        self.stepper = machine.stepper(self.task, self.rate)
        self.circuit = machine.circuit(self.task.sources)
        self.many = 1
        self._still: Floats | None = None
        self._drifting: Floats | None = None
        self._last_x, self._last_g = np.empty_like(self.stepper.state.x), np.empty_like(self.stepper.state.g)

    def begin(self) -> None:
        conductances = self.ensemble.initial_conductances(self.number)
        if self.me["status"] == block_state.FRESH:
            voltages = self.circuit.solve(conductances, self.task.source_voltages)
            missing = self.task.target_voltages - self.stepper.of_targets(voltages)
            clamped = self.machine.circuit(np.append(self.task.sources, self.task.targets))
            difference = clamped.solve(conductances, np.append(np.zeros(self.task.sources.size), missing))
        else:
            start = self.ensemble.starts[self.number]  # type: ignore[index]
            voltages, difference = start.voltages, start.difference
        self.stepper.put(voltages, difference, conductances)
        step_control.set_step(self.me, self.law, 0, 1.0)        # slopes per unit of time
        self.me["span"] = step_control.SHORTEST
        cost = self._measure()
        self._remember()
        over = block_loop.begin(self.me, self.p, 0, cost)
        step_control.choose_step(self.me, self.law, self.bounds, 0)
        if over:
            self.me["status"] = block_state.REACHED

    def _measure(self) -> float:
        """C*, δ and dδ/dt by two solves, and the bounds on the step."""
        stepper = self.stepper
        conductances = stepper.conductances
        still = self.circuit.solve(conductances, self.task.source_voltages, start=self._still)
        drifting = self.circuit.solve(conductances, currents=stepper.drift(still), start=self._drifting)
        self._still, self._drifting = still, drifting
        self.bounds[:, 0] = stepper.bounds()
        self.small[:, 0] = stepper.at_targets()
        drifted = stepper.of_targets(drifting) * self.me["dt"]
        return step_control.measure(self.me, self.p, stepper.of_targets(still)[:, None], drifted[:, None], 0)

    def _remember(self) -> None:
        step_control.clamp(self.p, self.small, 0, None)
        self.stepper.clamp(self.task.target_voltages)
        step_control.remember(self.me, self.p, self.small, self.p.last_G, 0, None)
        self._last_x[:], self._last_g[:] = self.stepper.state.x, self.stepper.state.g

    def advance(self) -> None:
        me, aimed = self.me, bool(np.isfinite(self.me["aim"]))
        left = float(min(me["limit"], me["aim"]) - me["time"])
        span = int(me["span"])
        count = min(span * self.many, max(1 if aimed else span, int(np.ceil(left / me["dt"] * (1 - 1e-9)))))
        if count * me["dt"] > left:
            step_control.set_step(me, self.law, 0, left / count)
        trace = self.stepper.steps(count, float(me["dt"]))
        self.p.errors[1:count + 1, :, 0] = self.task.target_voltages - trace
        me["taken"] = count
        if not np.all(np.isfinite(trace)):      # no equilibrium to look at: take it again, or end
            self._retreat() if np.isnan(me["fixed"]) else self._end_diverged()
            return
        cost = self._measure()
        h = count * float(me["dt"])
        rough = cost_evaluation.bend(me, 0, h, self.p)
        found = step_control.judge(me, self.p, 0, h, cost, rough, float(me["dt"] * self.bounds[0, 0]), False)
        if found != step_control.KEEP:
            self._retreat() if found == step_control.HALVE else self._take_back()
            return
        self.go_on_while_restless(self._last_g, self.stepper.state.g, h)
        step_control.adapt_span(me, rough)
        self._look_as_often_as_needed(rough, span)
        self._remember()
        step_control.choose_step(me, self.law, self.bounds, 0)

    def _look_as_often_as_needed(self, rough: float, span: int) -> None:
        finer = EVEN * float(self.me["tolerance"] / 1e-3) ** 0.75
        if step_control.SMOOTHER * rough < step_control.ROUGH * finer and span == step_control.LONGEST:
            self.many = min(2 * self.many, MOST)
        elif rough > step_control.ROUGH * finer and self.many > 1:
            self.many //= 2
            self.me["span"] = step_control.LONGEST

    def _retreat(self) -> None:
        self.many = 1
        self._take_back()
        step_control.retreat(self.me, self.p, self.law, self.small, self.p.last_G, 0)

    def _take_back(self) -> None:
        """Bring the network back to where its stretch began."""
        self.me["taken"] = 0
        self.stepper.state.x[:], self.stepper.state.g[:] = self._last_x, self._last_g

    def _end_diverged(self) -> None:
        self.me["steps"] += self.me["taken"]
        self.me["status"] = block_state.DIVERGED

    def renew(self) -> None:
        self.circuit.forget()
        self._still = self._drifting = None

    def large(self) -> dict[str, Floats]:
        return {"x": self.stepper.state.x, "g": self.stepper.state.g, "many": np.array(self.many)}

    def take_up(self, large: dict[str, Floats]) -> None:
        self.stepper.state.x[:], self.stepper.state.g[:] = large["x"], large["g"]
        self._last_x[:], self._last_g[:] = large["x"], large["g"]
        self.small[:, 0] = self.stepper.at_targets()
        self.many = int(large["many"])

    def result(self) -> tuple[Floats, Floats, Floats]:
        return self.stepper.voltages, self.stepper.difference, self.stepper.conductances


class LargeQuasistatic(LargeRun):
    """A run in the quasistatic limit: every step is an evaluation."""

    def __init__(self, ensemble: Ensemble, number: int, machine: Any) -> None:
        super().__init__(ensemble, number, machine)
        self.flow = machine.flow(self.task)

    def begin(self) -> None:
        self.flow.begin(self.ensemble.initial_conductances(self.number))
        self.me["gliding"] = 1
        self._take_over()
        self.p.errors[0] = self.p.delta
        self._remember()
        over = block_loop.begin(self.me, self.p, 0, float(np.sum(self.flow.delta**2)))
        self.me["reach"] = self.flow.first_length
        if over:
            self.me["status"] = block_state.REACHED

    def _take_over(self) -> None:
        self.p.delta[:, 0], self.p.slope[:, 0] = self.flow.delta, self.flow.slope

    def _remember(self) -> None:
        self.me["taken"] = 0
        self.p.last_delta[:], self.p.last_slope[:], self.p.errors[0] = self.p.delta, self.p.slope, self.p.delta

    def advance(self) -> None:
        me = self.me
        length = min(float(me["reach"]), float(min(me["limit"], me["aim"]) - me["time"]))
        took, me["reach"] = self.flow.step(length, float(me["tolerance"]))
        me["evaluations"] += 1
        if took == 0.0:
            if manifold_control.too_short(float(me["reach"]), float(me["time"])):
                me["status"] = block_state.DIVERGED
            return
        self._take_over()
        self.p.errors[1] = self.p.delta
        me["dt"], me["taken"] = took, 1
        me["steps"] += 1
        if not threshold_crossing.stands(me, 0, took, self.p):
            self.flow.take_back()
            me["taken"] = 0
            return
        cost_evaluation.note(me, 0, took, self.p)
        self.go_on_while_restless(self.flow.g_before, self.flow.g, took)
        self._remember()

    def renew(self) -> None:
        self.flow.refresh()

    def large(self) -> dict[str, Floats]:
        return self.flow.saved()

    def take_up(self, large: dict[str, Floats]) -> None:
        self.flow.restore(large)

    def result(self) -> tuple[Floats, Floats, Floats]:
        return self.flow.voltages.copy(), self.flow.difference, self.flow.conductances
