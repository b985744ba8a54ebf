"""Training: one run, or an ensemble of them in one call."""
from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from ohmlearn.network import Network
from ohmlearn.rule import Rule
from ohmlearn.run import Record, Run, Runs
from ohmlearn.task import Task

from .ensemble import Deliver, Ensemble, State
from .members import LongestFirst, Queue

LOOK = 12       # steps that a look costs its block: to the order of the queue only


class Diverged(RuntimeError):
    """A run blew up; the message names the rate, the step and the stable bound."""


def train(network: Network, task: Task | Sequence[Task], rate: ArrayLike, *, rule: Rule | None = None,
          until: float | None = 1e-6, t_max: float | None = None, dt: float | Literal["auto"] = "auto",
          conductances: ArrayLike | Run | Sequence[Run] | None = None, record: Record | None = None,
          method: Literal["auto", "rk4", "slow"] = "auto", tolerance: float = 1e-3, go_on: bool = False,
          threads: int | None = None) -> Any:
    """Train a network by coupled learning while its voltages relax (paper 1, Eq. 3).

    task, rate : one of each gives a :class:`Run`; several of either, taken together like NumPy arrays, give
        :class:`Runs` in their order. rate is R = γl/γp; 0 is the quasistatic limit (Eq. 1), timed in training steps.
    rule : nudge and bounds on the conductances.
    until : threshold on C*/C*(0), None to run for `t_max`. go_on : do not stop at the threshold.
    t_max : time limit in 1/γp; by default 3000/R for R <= 1 and 3000/√R above.
    dt : step in 1/γp, "auto" for the largest that `tolerance`, the relative error of τ, allows.
    conductances : G at the start, 1 by default: (n_edges,) or (n_runs, n_edges); or earlier runs to go on from.
    record : when to write the costs down; None keeps only the end.
    method : "rk4" steps v, w and G; "slow" follows G alone, with v and w on the slow manifold (small R); "auto" takes
        the manifold where it is accurate.
    threads : by default as many as the process may use.

    Raises Diverged when a single run diverges; in an ensemble such a member has that status.
    """
    single = isinstance(task, Task) and np.ndim(rate) == 0
    tasks = [task] if isinstance(task, Task) else list(task)
    rates = np.atleast_1d(np.asarray(rate, dtype=np.float64))
    if not tasks or not rates.size:
        raise ValueError("train needs one task and one rate at least")
    try:
        which, rates = np.broadcast_arrays(np.arange(len(tasks)), rates)
    except ValueError as error:
        raise ValueError(f"{len(tasks)} tasks and {rates.size} rates do not go together; "
                         "give one of either, or as many of both") from error
    starts = _starts(conductances, rates.size)
    g = None if starts is not None or conductances is None else np.asarray(conductances, dtype=np.float64)
    ensemble = Ensemble(network, tasks, which.ravel(), np.array(rates).ravel(), rule or Rule(), until, t_max,
                        None if dt == "auto" else dt, record, g, starts, tolerance, go_on, method)
    runs: list[Run | None] = [None] * len(ensemble)
    queue = LongestFirst(np.arange(len(ensemble)), ensemble.task_of, ensemble.rates)
    run_members(ensemble, queue, runs.__setitem__, threads=threads)
    if single and runs[0] is not None and runs[0].status == "diverged":
        raise Diverged(runs[0].reason)
    return runs[0] if single else Runs([run for run in runs if run is not None])


def _starts(conductances: Any, count: int) -> list[Run] | None:
    """The runs to go on from, one a member, if runs were given in place of conductances."""
    if isinstance(conductances, Run):
        return [conductances] * count
    if isinstance(conductances, Iterable) and not isinstance(conductances, np.ndarray):
        runs = list(conductances)
        if runs and all(isinstance(run, Run) for run in runs):
            if len(runs) != count:
                raise ValueError(f"{len(runs)} runs to go on from, but {count} to train")
            return runs
    return None


def available_threads() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_members(ensemble: Ensemble, queue: Queue, deliver: Deliver, *, threads: int | None = None,
                resume: Callable[[int], State | None] | None = None,
                suspend: Callable[[int, State], None] | None = None, stop: Callable[[], bool] | None = None,
                progress: Callable[[int, int], None] | None = None, checkpoint: float = np.inf) -> None:
    """Run the members that a queue gives, 8 side by side in each thread.

    deliver(number, run) is called, one call at a time, for every member that ends. When stop() is true the running
    members are handed to suspend(number, state) and the call returns; resume(number) gives such a state back, or None.
    suspend is also called every `checkpoint` seconds, for members that then go on.
    progress(running, member_steps) is told after every slice how many members run and what the slice took.
    """
    from .allocation import Prepared
    from .large import run_large
    from .paths import training_path
    from .worker import Worker

    if training_path(ensemble.network)[0] == "large":
        run_large(ensemble, queue, deliver, threads=threads or available_threads(), resume=resume, suspend=suspend,
                  stop=stop, progress=progress, checkpoint=checkpoint)
        return
    prepared = Prepared(ensemble)
    threads = max(1, min(threads or available_threads(), -(-len(ensemble) // 2)))
    lock, ended = threading.Lock(), threading.Event()
    failures: list[BaseException] = []
    workers = [Worker(ensemble, prepared, queue, resume) for _ in range(threads)]

    def slice_of(worker: Worker) -> bool:
        """Refill, follow, deliver; False when there is nothing left to do."""
        if not worker.refill():
            return False
        done, steps = worker.follow()
        for number, run in done:
            queue.finished(number, run.n_steps + LOOK * run.n_looks)
            with lock:
                deliver(number, run)
        if progress:
            with lock:
                progress(sum(worker.occupied for worker in workers), steps)
        return True

    def set_aside(worker: Worker) -> None:
        for number, state in worker.states().items():
            if suspend:
                suspend(number, state)

    def work(worker: Worker) -> None:
        due = time.monotonic() + checkpoint
        try:
            while not ended.is_set() and slice_of(worker):
                if stop and stop():
                    ended.set()
                elif suspend and time.monotonic() > due:
                    set_aside(worker)
                    due = time.monotonic() + checkpoint
        except BaseException as error:
            failures.append(error)
            ended.set()

    if threads == 1:
        work(workers[0])
    else:
        running = [threading.Thread(target=work, args=(worker,), daemon=True) for worker in workers]
        for thread in running:
            thread.start()
        try:
            for thread in running:
                thread.join()
        except BaseException as error:        # Ctrl-C reaches the main thread only
            failures.append(error)
            ended.set()
            for thread in running:
                thread.join()
    if suspend and ended.is_set():
        for worker in workers:
            set_aside(worker)
    if failures:
        raise failures[0]
