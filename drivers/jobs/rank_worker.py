"""One rank's part in a sweep: take members, follow them, write them down, stop when told to."""
from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from ohmlearn import __version__
from ohmlearn.drivers.display.progress import NOTE, Progress
from ohmlearn.drivers.recording.recorded_states import State
from ohmlearn.drivers.store import part_file
from ohmlearn.drivers.store.locks import find_token
from ohmlearn.drivers.store.part_writer import PartWriter
from ohmlearn.drivers.store.record import Row
from ohmlearn.drivers.store.states import encode
from ohmlearn.drivers.store.store import Store
from ohmlearn.drivers.sweeps.member_status import FAILURES
from ohmlearn.drivers.training.ensemble import Ensemble
from ohmlearn.drivers.training.regime import training_path
from ohmlearn.drivers.training.thread_pool import run_members
from ohmlearn.drivers.training.work_queue import LongestFirst, Queue, bands
from ohmlearn.parallel.communicator import RankError, World
from ohmlearn.parallel.self_scheduling import Dealer, WorkList
from ohmlearn.parallel.signals import Stopping
from ohmlearn.parallel.threads import available_threads, cores
from ohmlearn.parallel.timeline import OTHERS, STARTING, WAITING, Span, Timeline
from ohmlearn.run import Run

from .job_counters import SLOTS, JobCounters

if TYPE_CHECKING:
    from ohmlearn.drivers.sweeps.sweep import Sweep

CHECKPOINT = 0.25   # seconds between checkpoints of running members, at least


@dataclass(frozen=True)
class Plan:
    """What rank 0 found: members to do, ln of the time expected of each, and where the states of some are.

    token : a word that all ranks must find in the store. total : members of this job. before : those done already, and
    failed ones among them.
    """

    store: Store
    shard: tuple[int, int]
    token: str
    todo: NDArray[np.int64]
    expected: NDArray[np.float64]
    states: dict[int, tuple[Path, int]]
    total: int
    before: tuple[int, int]


@dataclass(frozen=True)
class Outcome:
    """What one rank did: members it stored, the signal or the error that ended it early, and its time line."""

    computed: int
    stopped: str | None
    error: Exception | None
    spans: list[Span]


class Rank:
    """One rank of a job that carries out a plan. The methods that all ranks call together are `__init__` and `run`."""

    def __init__(self, plan: Plan, world: World, stopping: Stopping, *, threads: int | None = None,
                 checkpoint: float = CHECKPOINT, quiet: bool = False, timeline: bool = False) -> None:
        self.checkpoint, self.timeline = checkpoint, Timeline(timeline, world.size)
        self.plan, self.world, self.stopping = plan, world, stopping
        world.together(lambda: find_token(plan.store.path, plan.shard, plan.token))
        self.sweep, self.layout = plan.store.sweep, plan.store.layout
        self.path = plan.store.part(plan.shard, world.rank)
        progress = None
        if world.rank == 0:
            progress = Progress(plan.store.path / NOTE if plan.todo.size else None, quiet or not plan.todo.size)
        self.threads = available_threads(threads, world.share_of_cores(cores()))
        workers = sum(world.everywhere(self.threads))
        n_rates = self.sweep.rates.size
        tasks, rates = np.divmod(plan.todo, n_rates)
        stages = bands(self.sweep.rates)[rates]
        self.work_list = WorkList(plan.todo, plan.expected, (tasks, rates), workers, stages, tasks)
        room = self.work_list.size if world.size > 1 else 0
        self.counters = JobCounters(world, stopping, plan.total, plan.before, progress, room)
        self.dealer: Dealer | None = None
        self.open: set[int] = set()         # taken and not yet delivered
        self.kept: dict[int, State] = {}    # states of members that another's failure interrupted
        self.resumed: set[int] = set()      # members that went on from a state
        self.progress_of = {number: count for number, (_, count) in plan.states.items()}

    def run(self) -> list[Outcome]:
        """Carry out this rank's part. Returns all ranks' outcomes on rank 0."""
        computed, error = 0, None
        if self.plan.todo.size:
            with self.timeline.span(STARTING):
                self.world.together(self.prepare)
                self.warm()
            computed, error = self._work()
            if self.counters.adrift():
                os._exit(1)
        with self.timeline.span(OTHERS):
            self.counters.finish()
        return self.world.gather(Outcome(computed, self.stopping.asked, error, self.timeline.finish()))

    def _work(self) -> tuple[int, Exception | None]:
        self.writer, error = PartWriter(self.path, self.timeline), None
        self.stopping.ready = True
        try:
            self.follow(self.queue())
        except Exception as met:
            self.counters.stop()
            error = met if self.world.rank == 0 else RankError.told(met, self.world.rank)
        finally:
            self.writer.close()
        return self.writer.written, self.writer.error or error

    def prepare(self) -> None:
        """Make this rank's part."""
        part_file.prepare(self.path, self.layout, __version__)

    def warm(self) -> None:
        """Have the kernels compiled once, not by all ranks at the same time; then all load them side by side."""
        from ohmlearn.drivers.training import lane_block  # noqa: F401  (all ranks load the compiler's library side by side)

        ensemble = self.sweep.ensemble
        first = dataclasses.replace(ensemble, task_of=ensemble.task_of[:1], rates=ensemble.rates[:1], t_max=1e-9)

        def job() -> None:
            run_members(first, Only([0]), lambda number, run: None, threads=1)

        note = compiled_note(self.sweep)
        if not all(self.world.everywhere(note is None or note.exists())):
            self.world.once_a_node(job)
            if note is not None:
                with contextlib.suppress(OSError):
                    note.touch()
        self.stopping.ready = self.world.size > 1   # others may be at work already, whom a hasty end here would kill
        plain = self.sweep.ensemble.plain
        if training_path(self.sweep.network, plain)[0] == "lanes":  # a large network would be solved once for nothing
            job()

    def queue(self) -> Queue:
        """Where this rank gets its members from: what all ranks share, or when it is alone a queue of its own."""
        ensemble = self.sweep.ensemble
        if self.world.size == 1:
            return LongestFirst(self.plan.todo, ensemble.task_of, ensemble.rates)
        self.dealer = Dealer(self.work_list, self.counters.shared, SLOTS, self.world.rank == 0)
        return self.dealer

    def follow(self, queue: Queue) -> None:
        """Run members until there are none left. One that raises is recorded, and the others go on."""
        ensemble = self.sweep.ensemble
        while True:
            try:
                return self._run(ensemble, Watched(queue, self), self.threads)
            except Exception:
                suspects = sorted(self.open)
                if not suspects or self.writer.error:
                    raise
            for number in suspects:
                try:
                    self._alone(ensemble, number)
                except Exception as error:
                    self._failed(number, error)

    def _alone(self, ensemble: Ensemble, number: int) -> None:
        """Run one member; anew, where the state that it goes on from is at fault."""
        try:
            self._run(ensemble, Watched(Only([number]), self), 1)
        except Exception:
            if number not in self.resumed or self.writer.error:
                raise
            self.plan.states.pop(number, None)
            self.kept.pop(number, None)
            self._run(ensemble, Watched(Only([number]), self), 1)

    def _run(self, ensemble: Ensemble, queue: Queue, threads: int) -> None:
        run_members(ensemble, queue, self._deliver, threads=threads, resume=self._resume, suspend=self._suspend,
                    stop=self._stop, progress=self._slice, checkpoint=self.checkpoint)

    def _slice(self, running: int, steps: int) -> None:
        self.timeline.touch()
        self.counters.slice(running, steps)

    def _key(self, number: int) -> tuple[int, float]:
        task, rate = divmod(number, self.sweep.rates.size)
        return task, float(self.sweep.rates[rate])

    def _deliver(self, number: int, run: Run) -> None:
        self._store(number, self.layout.pack(self._key(number)[0], run))

    def _failed(self, number: int, error: BaseException) -> None:
        self._store(number, self.layout.failed(*self._key(number), f"{type(error).__name__}: {error}"))

    def _store(self, number: int, row: Row) -> None:
        self.open.discard(number)
        self.kept.pop(number, None)
        self.writer.add(row)
        self.counters.member(row.status in FAILURES)

    def _resume(self, number: int) -> State | None:
        if number in self.kept:
            self.resumed.add(number)
            return self.kept.pop(number)
        if number not in self.plan.states:
            return None
        state = part_file.read_state(self.plan.states[number][0], self.layout.digest, *self._key(number),
                                     self._maker(number))
        if state is not None:
            self.resumed.add(number)
        return state

    def _maker(self, number: int) -> str:
        """What a member's state says of its origin: program, sweep and member."""
        task, rate = self._key(number)
        return f"{maker()} {self.layout.digest} {task} {rate.hex()}"

    def _suspend(self, number: int, state: State) -> None:
        self.kept[number] = state
        self.progress_of[number] = self.progress_of.get(number, 0) + 1
        self.writer.checkpoint(*self._key(number), self.progress_of[number], encode(state, self._maker(number)))

    def _stop(self) -> bool:
        if self.writer.error and not self.counters.stopped:
            self.counters.stop()
        if self.dealer is not None and self.world.rank == 0:
            self.dealer.deal_anew()
        return self.counters.poll()


@cache
def maker() -> str:
    """What a member's state belongs to: the program's version and the sources of its kernels."""
    from ohmlearn.kernels.simd.compile_cache import digest

    return f"{__version__} {digest()}"


def compiled_note(sweep: Sweep) -> Path | None:
    """A file that is there once a sweep's kernels are compiled for this processor; None when nothing is kept."""
    from numba.core.registry import cpu_target
    from ohmlearn.kernels.simd.compile_cache import cache_folder

    ensemble = sweep.ensemble
    variant = [cpu_target.target_context.codegen().magic_tuple(), training_path(ensemble.network, ensemble.plain)[0],
               ensemble.rule.ceiling is None, ensemble.rule.frozen is None, "" if ensemble.plain else sweep.digest]
    folder = cache_folder()
    return None if folder is None else folder / f"compiled-{hashlib.sha256(repr(variant).encode()).hexdigest()[:16]}"


class Only:
    """A queue of given members."""

    def __init__(self, numbers: list[int]) -> None:
        self._numbers = list(numbers)

    def take(self) -> int | None:
        return self._numbers.pop(0) if self._numbers else None

    def finished(self, number: int, steps: int) -> None:
        """Nothing is learned from it."""


class Watched:
    """A queue that notes which members of a rank are out, and how long it waits for them."""

    def __init__(self, queue: Queue, rank: Rank) -> None:
        self._queue, self._rank = queue, rank

    def take(self) -> int | None:
        self._rank.timeline.touch()
        with self._rank.timeline.span(WAITING):
            number = self._queue.take()
        if number is not None:
            self._rank.open.add(number)
        return number

    def finished(self, number: int, steps: int) -> None:
        self._queue.finished(number, steps)
