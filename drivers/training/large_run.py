"""Training of one large network: RK4 on all threads, or the quasistatic flow at rate 0."""
from __future__ import annotations

import time
from collections.abc import Callable

from ohmlearn.drivers.display.compile_cache import prepare
from ohmlearn.drivers.recording.recorded_states import State
from ohmlearn.kernels.ensemble import block_state
from ohmlearn.run import Run
from ohmlearn.solvers.equilibrium.equilibrium import NotConverged
from ohmlearn.solvers.equilibrium.memory import require

from .ensemble import Deliver, Ensemble
from .large_loop import Follower, Gliding, Stepping
from .regime import bytes_of_training
from .work_queue import Queue, next_due

RENEW = 16      # looks after which what the solver keeps is dropped, so that a run taken up again has the same bits


def train_large(ensemble: Ensemble, number: int = 0, *, threads: int = 1, saved: State | None = None,
                look: Callable[[Follower], bool] | None = None) -> Run | State:
    """Train one member of an ensemble on a network that is too large for lanes.

    threads : for the RK4 steps. saved : state to go on from, with the same bits.
    look(follower) is called after every look; when it returns True the run is set aside, and its state returned.

    Raises MemoryError, before work starts, where the run would not fit.
    """
    network, rate = ensemble.network, float(ensemble.rates[number])
    if ensemble.method == "slow" and rate > 0:
        raise ValueError(f"method 'slow' follows networks small enough for lanes; {network!r} takes 'rk4', or rate 0")
    require(bytes_of_training(network, rate, ensemble.task(number).n_targets), f"training {network!r}",
            "take a smaller network")
    prepare()
    follower: Follower = Stepping(ensemble, number, threads) if rate > 0 else Gliding(ensemble, number)
    if saved is not None:
        follower.restore(saved)
    else:
        follower.begin()
        follower.write_down()
    while follower.me["status"] == block_state.RUNNING:
        if int(follower.me["looks"]) % RENEW == 0:
            follower.renew()
            follower.kept = follower.saved()
        try:
            follower.advance()
            follower.write_down()
        except NotConverged as error:       # where conductances have run away, no voltages can be had any more
            follower.me["status"], follower.why = block_state.DIVERGED, str(error)
        if look is not None and look(follower):
            return follower.kept
    return follower.run()


def run_large(ensemble: Ensemble, queue: Queue, deliver: Deliver, *, threads: int,
              resume: Callable[[int], State | None] | None, suspend: Callable[[int, State], None] | None,
              stop: Callable[[], bool] | None, progress: Callable[[int, int], None] | None,
              checkpoint: float, tell: Callable[[float, float, int], None] | None = None) -> None:
    """Run the members that a queue gives, one after the other; arguments as for `run_members`."""
    due = time.monotonic() + checkpoint

    while (number := queue.take()) is not None:
        steps_before = 0
        kept: State | None = None

        def look(follower: Follower, number: int = number) -> bool:
            nonlocal due, steps_before, kept
            kept = follower.kept
            if tell:
                tell(float(follower.me["cost"]), float(follower.me["time"]), int(follower.me["steps"]))
            if progress:
                progress(1, int(follower.me["steps"]) - steps_before)
                steps_before = int(follower.me["steps"])
            if suspend and (begun := time.monotonic()) > due:
                suspend(number, follower.kept)
                due = next_due(begun, checkpoint)
            return bool(stop and stop())

        try:
            end = train_large(ensemble, number, threads=threads, saved=resume(number) if resume else None, look=look)
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
