"""Running a sweep into its store, on one process or on all ranks of an MPI job."""
from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from warnings import warn

import numpy as np
from numpy.typing import NDArray
from ohmlearn.checks.kinds import check_kinds, whole
from ohmlearn.drivers.display.compile_cache import hush
from ohmlearn.drivers.store import consolidate
from ohmlearn.drivers.store.locks import alone, claim, leave_token, running, token_place
from ohmlearn.drivers.store.store import Store, make_folder
from ohmlearn.drivers.sweeps.member_status import MISSING
from ohmlearn.drivers.sweeps.report import FAILURE_CODES, MOST_TOLD, Report
from ohmlearn.drivers.training.work_queue import expected_log_steps
from ohmlearn.parallel.file_locks import Lock
from ohmlearn.parallel.launch import join

from .job import one_job
from .rank_worker import CHECKPOINT, Outcome, Plan, Rank
from .timeline_plot import write_timeline

if TYPE_CHECKING:
    from ohmlearn.drivers.sweeps.sweep import Sweep


@check_kinds
def run_sweep(load: Callable[[], Sweep], path: str | Path, *, threads: int | None = None, mpi: bool | None = None,
              shard: tuple[int, int] = (1, 1), retry_failed: bool = False, checkpoint_every: float = CHECKPOINT,
              timeline: Path | None = None, progress: bool = True, **old: Any) -> Report:
    """Compute what the store does not have yet.

    load : function that returns the sweep; it is called on rank 0, and the other ranks read the sweep from the store.
    path : folder of the store.
    threads : threads of each process; by default what the launcher says, else all cores that it may use.
    mpi : whether to use MPI; by default MPI is used if a launcher started this process.
    shard : (i, n) computes the i-th of n parts of the members, i from 1, for jobs side by side.
    retry_failed : train members again that failed before.
    checkpoint_every : seconds after which the states of running members are stored again; more where that would take
        more than 2 % of the time.
    timeline : file into which is written what each rank did when, a table (.csv) or a picture.
    progress : whether to show how far the sweep is.
    old : names of version 0.1, quiet and checkpoint, which give a DeprecationWarning.

    Raises StoreError when the store cannot be used (any more); what was finished until then is kept. Under MPI
    every rank raises what any rank met.

    Returns a :class:`Report`: how all members of the store ended, and what this call computed, in s.

    >>> import ohmlearn as ol
    >>> from tempfile import TemporaryDirectory
    >>> tables = {"network": {"grid": {"shape": [4, 4]}}, "sweep": {"rates": [0, 1], "until": 1e-3},
    ...           "tasks": {"tables": [{"sources": {"0": 1.0, "15": 0.0}, "targets": {"6": 0.7}}]}}
    >>> sweep = ol.Sweep.from_tables(tables)
    >>> with TemporaryDirectory() as folder:
    ...     report = ol.stores.run_sweep(lambda: sweep, folder, threads=1, progress=False)
    >>> report.computed, report.n_failed, report.n_missing
    (2, 0, 0)
    """
    if not isinstance(shard, tuple | list) or len(shard) != 2:   # type: ignore[redundant-expr]
        raise TypeError(f"shard must be a pair as in (3, 8), not {shard!r}")
    if not 1 <= whole("shard", shard[0]) <= whole("shard", shard[1]):
        raise ValueError(f"invalid shard {shard[0]}/{shard[1]}: need 1 <= i <= n")
    for name, new in (("quiet", "progress, its opposite"), ("checkpoint", "checkpoint_every")):
        if name in old:
            warn(f"{name} is now {new}; the old name will be removed in the next version", DeprecationWarning,
                 stacklevel=3)
    progress, checkpoint_every = not old.pop("quiet", not progress), old.pop("checkpoint", checkpoint_every)
    if threads is not None:
        whole("threads", threads, 1)
    if not checkpoint_every >= 0:
        raise ValueError(f"checkpoint_every must be >= 0 s, not {checkpoint_every}")
    if old:
        raise TypeError(f"run_sweep takes no option {next(iter(old))!r}")
    path = Path(path)
    if not progress:
        hush()
    world = join(mpi)
    holds: list[Lock] = []  # on rank 0
    begun = time.monotonic()
    with one_job(world, holds, token_place(path, shard)) as stopping:
        plan = world.first(lambda: begin(load(), path, shard, retry_failed, holds))
        told = Rank(plan, world, stopping, threads=threads, checkpoint=checkpoint_every, quiet=not progress,
                    timeline=timeline is not None).run()
        if timeline is not None and world.rank == 0:
            write_timeline([outcome.spans for outcome in told], timeline)
        report = world.first(lambda: finish(path, plan, told, holds, time.monotonic() - begun))
        stopping.heeded = report.stopped is not None
    return report


def begin(sweep: Sweep, path: Path, shard: tuple[int, int], retry_failed: bool, holds: list[Lock]) -> Plan:
    """Claim the store, make or extend it, and find what is to do."""
    make_folder(path)
    with alone(path):
        holds.append(claim(path, shard))
        store = Store.prepare(path, sweep)
        if retry_failed:
            consolidate.forget_failures(store)
            store = Store.prepare(path, sweep)
        status, states = store.status(), store.checkpoints()
        token = leave_token(path, shard)
    rates = store.sweep.ensemble.rates
    expected, order = expected_log_steps(rates), np.argsort(-rates, kind="stable")
    mine = order[shards(store.sweep, shard[1])[order] == shard[0] - 1]
    todo = mine[status[mine] == MISSING]
    failed = int(np.isin(status[mine], FAILURE_CODES).sum())
    return Plan(store, shard, token, todo, expected[todo], {k: states[k] for k in todo.tolist() if k in states},
                mine.size, (mine.size - todo.size, failed))


def shards(sweep: Sweep, n: int) -> NDArray[np.int64]:
    """(n_members,) number of the shard, from 0, that each member belongs to.

    It depends on the member's task and rate alone, so that jobs of an array that started before and after the sweep
    grew do not give a member to two shards. The tasks of one rate, which take alike, are dealt round.
    """
    tasks = np.repeat(np.arange(len(sweep.tasks)), sweep.rates.size)
    begin = np.array([zlib.crc32(rate.hex().encode()) for rate in sweep.rates.tolist()], dtype=np.int64)
    return (tasks + np.tile(begin, len(sweep.tasks))) % n


def finish(path: Path, plan: Plan, told: list[Outcome], holds: list[Lock], elapsed: float) -> Report:
    """Fold the store if this job completed it, and say what came of it."""
    for hold in holds:
        hold.give_back()
    with alone(path):
        store = Store.open(path)
        if store.header == plan.store.header:       # else another shard's job has let it grow
            store = plan.store
        status = store.status()
        if not (status == MISSING).any() and not running(store.path):
            consolidate.fold(store)
        failures = describe_failures(store, status)
    for outcome in told:
        if outcome.error is not None:
            raise outcome.error
    signals = [outcome.stopped for outcome in told if outcome.stopped and (status == MISSING).any()]
    report = Report(store.path, status, sum(outcome.computed for outcome in told), elapsed,
                    signals[0] if signals else None, failures)
    if not report.stopped:
        report.lost.extend(describe_lost(store, status, plan))
    return report


def describe_lost(store: Store, status: NDArray[np.int8], plan: Plan) -> list[str]:
    """Members that this job had to do and that are not in the store although nothing stopped it, the first few."""
    rates = plan.store.sweep.rates.tolist()
    column = {rate: j for j, rate in enumerate(store.sweep.rates.tolist())}      # the store may have grown meanwhile
    there = status.reshape(-1, len(column))
    keys = [(number // len(rates), rates[number % len(rates)]) for number in np.sort(plan.todo).tolist()]
    lost = [f"task {task} at R = {rate:g}" for task, rate in keys if there[task, column[rate]] == MISSING]
    return lost[:MOST_TOLD] + ([f"and {len(lost) - MOST_TOLD} more"] if len(lost) > MOST_TOLD else [])


def describe_failures(store: Store, status: NDArray[np.int8]) -> list[str]:
    """The first few members that failed: task, rate and reason."""
    numbers = np.flatnonzero(np.isin(status, FAILURE_CODES))
    sweep, told = store.sweep, []
    for number in numbers[:MOST_TOLD].tolist():
        task, rate = divmod(number, sweep.rates.size)
        row = consolidate.find(store, task, rate)
        told.append(f"task {task} at R = {sweep.rates[rate]:g} {row.status}: {row.reason}" if row else "")
    if numbers.size > MOST_TOLD:
        told.append(f"and {numbers.size - MOST_TOLD} more failed; `status` and `reason` in the results tell all")
    return told
