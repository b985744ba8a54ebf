"""The threads that carry out an ensemble: each fills blocks from the queue, follows them, hands on what is done."""
from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from ohmlearn.drivers.recording.recorded_states import State
from ohmlearn.parallel.threads import available_threads

from .ensemble import Deliver, Ensemble
from .work_queue import EVALUATION, Queue, next_due

if TYPE_CHECKING:
    from .worker import Worker


def run_members(ensemble: Ensemble, queue: Queue, deliver: Deliver, *, threads: int | None = None,
                resume: Callable[[int], State | None] | None = None,
                suspend: Callable[[int, State], None] | None = None, stop: Callable[[], bool] | None = None,
                progress: Callable[[int, int], None] | None = None, checkpoint: float = np.inf,
                tell: Callable[[float, float, int], None] | None = None) -> None:
    """Run the members that a queue gives, 8 side by side in each block.

    deliver(number, run) is called, one call at a time, for every member that ends. When stop() is true the running
    members are handed to suspend(number, state) and the call returns; resume(number) gives such a state back, or None.
    suspend is also called every `checkpoint` seconds, for members that then go on; less often where it takes long.
    progress(running, member_steps) is told after every slice how many members run and what the slice took.
    tell(C*/C*(0), time, steps) is told of one running member after every slice.
    """
    from .regime import training_path

    if ensemble.edges is None and training_path(ensemble.network, ensemble.plain)[0] == "large":
        from .large_run import run_large

        run_large(ensemble, queue, deliver, threads=available_threads(threads), resume=resume, suspend=suspend,
                  stop=stop, progress=progress, checkpoint=checkpoint, tell=tell)
        return
    from .worker import workers_for

    threads = max(1, min(available_threads(threads), -(-len(ensemble) // 2)))
    ThreadPool(workers_for(ensemble, threads, queue, resume), deliver, suspend, stop, progress, checkpoint, tell).run()


class ThreadPool:
    """Workers of one ensemble, a thread each. Arguments as for :func:`run_members`."""

    def __init__(self, workers: list[Worker], deliver: Deliver, suspend: Callable[[int, State], None] | None,
                 stop: Callable[[], bool] | None, progress: Callable[[int, int], None] | None,
                 checkpoint: float, tell: Callable[[float, float, int], None] | None = None) -> None:
        self.workers, self.deliver, self.suspend, self.tell = workers, deliver, suspend, tell
        self.stop, self.progress, self.checkpoint = stop, progress, checkpoint
        self.lock, self.ended = threading.Lock(), threading.Event()
        self.failures: list[BaseException] = []

    def run(self) -> None:
        """Carry out all there is, or until told to stop; raises what a worker raised."""
        if len(self.workers) == 1:
            self._work(self.workers[0])
        else:
            self._work_in_threads()
        if self.ended.is_set():
            for worker in self.workers:
                self._set_aside(worker)
        if self.failures:
            raise self.failures[0]

    def _work_in_threads(self) -> None:
        threads = [threading.Thread(target=self._work, args=(worker,), daemon=True) for worker in self.workers]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except BaseException as error:        # Ctrl-C reaches the main thread only
            self._fail(error)
            for thread in threads:
                thread.join()

    def _work(self, worker: Worker) -> None:
        due = time.monotonic() + self.checkpoint
        try:
            while not self.ended.is_set() and self._slice(worker):
                if self.stop and self.stop():
                    self.ended.set()
                elif self.suspend and (begun := time.monotonic()) > due:
                    self._set_aside(worker)
                    due = next_due(begun, self.checkpoint)
        except BaseException as error:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        self.failures.append(error)
        self.ended.set()

    def _slice(self, worker: Worker) -> bool:
        """Refill, follow, deliver; False when there is nothing left to do."""
        if not worker.refill():
            return False
        done, steps = worker.follow()
        for number, run in done:
            worker.queue.finished(number, run.n_steps + EVALUATION * run.n_looks)
            with self.lock:
                self.deliver(number, run)
        if self.progress:
            with self.lock:
                self.progress(sum(worker.occupied for worker in self.workers), steps)
        if self.tell and (reached := worker.reached()):
            self.tell(*reached)
        return True

    def _set_aside(self, worker: Worker) -> None:
        if self.suspend:
            for number, state in worker.states().items():
                self.suspend(number, state)
