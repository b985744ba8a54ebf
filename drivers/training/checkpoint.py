"""One run that takes long: what it shows, and its state in a file, from which the same call goes on."""
from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from ohmlearn.drivers.display.progress import RunProgress, RunState
from ohmlearn.drivers.recording import checkpoint_file
from ohmlearn.drivers.recording.checkpoint_file import CheckpointFile, alone, digest_of, stopped
from ohmlearn.parallel.signals import Stopping
from ohmlearn.run import Run

from .ensemble import Ensemble
from .work_queue import LongestFirst


def train_one(ensemble: Ensemble, threads: int | None, checkpoint: Path | None, progress: bool) -> Run:
    """Carry out an ensemble of one run; arguments as for :func:`ohmlearn.train`.

    With a checkpoint, Ctrl-C and the signals of a batch system first write the state; then KeyboardInterrupt is
    raised, or SystemExit(75).
    """
    from .thread_pool import run_members

    ended: list[Run] = []
    shown = RunProgress(quiet=not progress)
    begin, until = time.monotonic(), ensemble.until

    def tell(cost: float, reached: float, steps: int, last: bool = False) -> None:
        shown.show(RunState(cost, until, reached, ensemble.limit(0), steps, time.monotonic() - begin), last)

    queue = LongestFirst(np.arange(1), ensemble.task_of, ensemble.rates)
    deliver = lambda number, run: ended.append(run)  # noqa: E731
    try:
        if checkpoint is None:
            run_members(ensemble, queue, deliver, threads=threads, tell=tell)
            return ended[0]
        kept = CheckpointFile(checkpoint, digest_of(ensemble), "run")
        with alone(checkpoint), Stopping() as stopping:
            kept.resume()       # what is wrong with the file is said before the work starts
            stopping.ready = True
            run_members(ensemble, queue, deliver, threads=threads, tell=tell, resume=lambda number: kept.resume(),
                        suspend=lambda number, state: kept.suspend(state), stop=lambda: stopping.asked is not None,
                        checkpoint=checkpoint_file.EVERY)
            stopping.heeded = not ended
    finally:
        for run in ended:
            tell(run.final_cost, run.time, run.n_steps, last=True)
        shown.close()
    if ended:
        kept.done()
        return ended[0]
    stopped(stopping, checkpoint)
