"""Training of one large network: RK4 on all threads, or the quasistatic flow at rate 0."""
from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ohmlearn.drivers.display.compile_cache import prepare
from ohmlearn.drivers.recording.recorded_states import State
from ohmlearn.kernels.ensemble import block_state
from ohmlearn.run import Run
from ohmlearn.solvers.equilibrium.equilibrium import NotConverged
from ohmlearn.solvers.equilibrium.memory import require

from .ensemble import Deliver, Ensemble
from .large_loop import LargeQuasistatic, LargeRK4, LargeRun, OneMachine
from .regime import bytes_of_training
from .work_queue import Queue, next_due

RENEW = 16      # evaluations after which what the solver keeps is dropped: a run taken up again has the same bits


def train_large(ensemble: Ensemble, number: int = 0, *, threads: int = 1, saved: State | None = None,
                observe: Callable[[LargeRun], bool] | None = None) -> Run | State:
    """Train one member of an ensemble on a network that is too large for lanes.

    threads : for steps and solves. saved : state to go on from, with the same bits.
    observe(run) is called after every evaluation; when it returns True the run is set aside, and its state returned.

    Raises MemoryError, before work starts, where the run would not fit.
    """
    network, rate = ensemble.network, float(ensemble.rates[number])
    if ensemble.method == "slow" and rate > 0:
        raise ValueError(f"method 'slow' follows networks small enough for lanes; {network!r} takes 'rk4', or rate 0")
    require(bytes_of_training(network, rate, ensemble.task(number).n_targets), f"training {network!r}",
            "take a smaller network")
    return follow(run_on(ensemble, number, OneMachine(ensemble, threads)), saved, observe)


def run_on(ensemble: Ensemble, number: int, machine: Any) -> LargeRun:
    """A run that has not begun. machine : what it steps and solves with, see `OneMachine`."""
    prepare()
    kind = LargeRK4 if ensemble.rates[number] > 0 else LargeQuasistatic
    return kind(ensemble, number, machine)


def follow(run: LargeRun, saved: State | None, observe: Callable[[LargeRun], bool] | None, keep: bool = True
           ) -> Run | State:
    """Follow a run to its end, or until `observe` sets it aside. saved, observe : as of `train_large`.

    keep : whether states are kept to be set aside, which takes memory.
    """
    if saved is not None:
        run.restore(saved)
    else:
        run.begin()
        run.write_down()
    while run.me["status"] == block_state.RUNNING:
        if int(run.me["evaluations"]) % RENEW == 0:
            run.renew()
            run.kept = run.saved() if keep else {}
        try:
            run.advance()
            run.write_down()
        except NotConverged as error:       # where conductances have run away, no voltages can be had any more
            run.me["status"], run.why = block_state.DIVERGED, str(error)
        if observe is not None and observe(run):
            return run.kept
    return run.run()


def run_large(ensemble: Ensemble, queue: Queue, deliver: Deliver, *, threads: int,
              resume: Callable[[int], State | None] | None, suspend: Callable[[int, State], None] | None,
              stop: Callable[[], bool] | None, progress: Callable[[int, int], None] | None,
              checkpoint: float, tell: Callable[[float, float, int], None] | None = None) -> None:
    """Run the members that a queue gives, one after the other; arguments as for `run_members`."""
    due = time.monotonic() + checkpoint

    while (number := queue.take()) is not None:
        steps_before = 0
        kept: State | None = None

        def observe(run: LargeRun, number: int = number) -> bool:
            nonlocal due, steps_before, kept
            kept = run.kept
            if tell:
                tell(float(run.me["cost"]), float(run.me["time"]), int(run.me["steps"]))
            if progress:
                progress(1, int(run.me["steps"]) - steps_before)
                steps_before = int(run.me["steps"])
            if suspend and (begun := time.monotonic()) > due:
                suspend(number, run.kept)
                due = next_due(begun, checkpoint)
            return bool(stop and stop())

        try:
            end = train_large(ensemble, number, threads=threads, saved=resume(number) if resume else None,
                              observe=observe)
        except KeyboardInterrupt:
            if suspend and kept:
                suspend(number, kept)
            raise
        if not isinstance(end, Run):
            if suspend:
                suspend(number, end)
            return
        queue.finished(number, end.n_steps)
        deliver(number, end)
