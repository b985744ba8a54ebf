"""Training: one run, or an ensemble of them in one call."""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Unpack, overload

import numpy as np
from numpy.typing import ArrayLike
from ohmlearn.checks.kinds import check_kinds, number, reals
from ohmlearn.discrete import Discrete
from ohmlearn.drivers.checks.call_arguments import Members, check_nouns, members_of
from ohmlearn.drivers.checks.keywords import TrainKeywords
from ohmlearn.drivers.display.compile_cache import compiled
from ohmlearn.drivers.display.progress import MemberProgress
from ohmlearn.network import Network
from ohmlearn.parallel.threads import available_threads
from ohmlearn.rule import GradientFlow, Rule
from ohmlearn.run import Record, Run, Runs
from ohmlearn.schedule import Schedule
from ohmlearn.stored.network_store import StoredNetwork
from ohmlearn.task import Task

from .ensemble import Deliver, Ensemble, is_plain
from .thread_pool import run_members
from .work_queue import LongestFirst

if TYPE_CHECKING:
    from ohmlearn.drivers.distributed.rank_run import RankRun

AnyRun = TypeVar("AnyRun", bound=Run)

# A tuple of tasks is one task of several samples.
Tasks = Task | Sequence[Task | tuple[Task, ...]] | Mapping[str, Task | tuple[Task, ...]]


class Diverged(RuntimeError):
    """A run blew up; the message names the rate, the step and the stable bound.

    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(4, 4)
    >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
    >>> try:
    ...     ol.train(net, task, 1.0, dt=1.0)
    ... except RuntimeError as error:
    ...     print(type(error).__name__)
    Diverged
    """


@overload
def train(network: Network, task: Task | tuple[Task, ...], rate: float, *,
          grid: Literal[False] = False, **keywords: Unpack[TrainKeywords]) -> Run: ...
@overload
def train(network: StoredNetwork, task: Task, rate: float, *, grid: Literal[False] = False,
          **keywords: Unpack[TrainKeywords]) -> RankRun: ...
@overload
def train(network: Network, task: Tasks, rate: ArrayLike, *, grid: bool = False,
          **keywords: Unpack[TrainKeywords]) -> Runs: ...
@check_kinds
def train(network: Network | StoredNetwork, task: Tasks, rate: ArrayLike, *,
          rule: Rule | GradientFlow | None = None, schedule: Schedule | None = None,
          updates: Discrete | None = None, until: float | None = 1e-6, t_max: float | None = None,
          dt: float | Literal["auto"] = "auto",
          conductances: ArrayLike | Run | Sequence[Run] | None = None, record: Record | None = None,
          method: Literal["auto", "rk4", "slow"] = "auto", tolerance: float = 1e-3, go_on: bool = False,
          precision: Literal["double", "single"] = "double", solver: str = "auto", edges: Any = None,
          threads: int | None = None, checkpoint: str | Path | None = None, progress: bool = False,
          grid: bool = False) -> Run | Runs:
    """Train a network by coupled learning while its voltages relax (paper 1, Eq. 3).

    network : a :class:`Network`; or one in a store, of :func:`ohmlearn.distributed.open_network`, which all ranks of
        the MPI launcher that started the process train together: one task and one rate, of held and target nodes.
    task, rate : one of each gives a :class:`Run`; several of either, (n_runs,), taken together like NumPy arrays, give
        :class:`Runs` in their order. rate is R = γl/γp; 0 is the quasistatic limit (Eq. 1), timed in training steps.
        A tuple of Tasks is one task of several samples; costs are then means over them. Currents, held drops and
        outputs of all linear kinds are trained too, by a slower kernel that knows all of it. Tasks may have labels,
        {label: task}, by which their runs are found.
    grid : train every task at every rate; the runs then lie along two axes, "task" and "rate".
    rule : nudge and bounds on the conductances, and variants of the rule; or a GradientFlow, dG/dt = -∂C/∂G at
        equilibrium voltages, whose rate is 0 and whose times are its own: also on nonlinear outputs.
    schedule : samples in turn, a rate that changes with time.
    updates : conductances are updated from time to time, by :class:`Discrete`, instead of all the time; None for Eq. 3.
    until : threshold on C*/C*(0), None to run for `t_max`. go_on : do not stop at the threshold.
    t_max : time limit in 1/γp; by default 3000/R for R <= 1 and 3000/√R above.
    dt : step in 1/γp, "auto" for the largest that `tolerance` allows.
    tolerance : relative error of the training time τ that is accepted.
    conductances : G at the start in G₀, 1 by default: (n_edges,) or (n_runs, n_edges); or earlier runs to go on from,
        one or as many as there are runs. A run of the same task (of equal content) goes on with its time, its C*(0), to
        which `until` refers, and its voltages; `t_max` counts from there. Of a run of another task only conductances
        are taken: time, C*(0) and voltages begin anew. A run of another network raises ValueError.
    record : when to write the costs down, and what else of the state (:class:`Record`); None keeps only the end.
    method : "rk4" steps v, w and G; "slow" follows G alone, with v and w on the slow manifold (small R); "auto" takes
        the manifold where it is accurate.
    precision : "single" steps 16 lanes of float32 in place of 8, with method "rk4": τ at the threshold 1e-6 then
        differs by 1e-4 in the median and up to 2e-3. Where conductances lie too many decades apart for it, at R above
        about 1e5, members end as diverged and say so.
    solver : how the voltages of a network of more than 4000 nodes are solved for, as `method` of :class:`Equilibrium`:
        "auto", "approximate-cholesky", "amg" and others.
    edges : law of the edges (`ohmlearn.edges`), or one law for every edge; None for linear resistors, or for the law of
        the runs to go on from. What learns, a conductance or a gate voltage, then stands wherever conductances do, here
        and in the :class:`Run`.
    threads : by default as many as the process may use.
    checkpoint : file (.npz) that keeps the state of a single run from time to time and when it is interrupted; the
        same call goes on from it, with the same bits. It is gone when the run has ended. Many runs: :class:`Sweep`.
    progress : show how far a run is, or how many of several have ended: a bar on a terminal, else a line now and then.

    Raises Diverged when a single run diverges; in an ensemble such a member has that status.
    Raises ValueError for what cannot be followed in floating point or would not end within days: rates, voltages,
    conductances and times beyond 1e±50 among them.

    Returns a :class:`Run` for one task and one rate, else :class:`Runs`: conductances in G₀, times in 1/γp (training
    steps at rate 0), costs relative to that at the start.

    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(4, 4)
    >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
    >>> run = ol.train(net, task, rate=1.0)
    >>> run.status, round(run.training_time, 2)
    ('reached', 13.42)
    >>> runs = ol.train(net, task, rate=[0.0, 0.1, 1.0], until=1e-3)
    >>> runs.training_time.round(2).tolist()
    [26.11, 235.84, 13.07]
    """
    if isinstance(network, StoredNetwork):
        from .distributed_run import train_over_ranks

        check_nouns(rule=rule, schedule=schedule, updates=updates)
        if grid or isinstance(rule, GradientFlow):
            raise ValueError("over ranks one network learns one task at one rate by a Rule; leave grid out, and take a "
                             "Rule")
        return _ended(train_over_ranks(
            network, task, rate, rule=rule or Rule(), schedule=schedule, updates=updates, until=until, t_max=t_max,
            dt=_step(dt), conductances=conductances, record=record, method=method, tolerance=tolerance, go_on=go_on,
            precision=precision, solver=solver, edges=edges, threads=threads,
            checkpoint=None if checkpoint is None else Path(checkpoint), progress=progress))
    check_nouns(network=network, rule=rule, schedule=schedule, updates=updates)
    asked = members_of(task, rate, grid)
    step = _step(dt)
    if threads is not None:
        available_threads(threads)      # refused before the work starts, where the path has no threads as well
    starts = _starts(conductances, asked.rates.size)
    edges = _law_of(starts) if edges is None else edges
    if isinstance(rule, GradientFlow):
        if edges is not None:
            raise ValueError("gradient flow is for linear edges; leave edges out, or take a Rule")
        if schedule is not None or updates is not None or checkpoint is not None or progress:
            raise ValueError("gradient flow takes no schedule, updates, checkpoint or progress; leave them out")
        return _by_flow(network, asked, dt, method, conductances=conductances, threads=threads,
                        wanted={"rule": rule, "until": until, "t_max": t_max, "record": record, "go_on": go_on})
    tasks, rates, which = asked.tasks, asked.rates, asked.which
    g = None if starts is not None or conductances is None else reals(conductances, "conductances")
    rule = rule or Rule()
    if checkpoint is not None and rates.size > 1:
        raise ValueError(f"checkpoint keeps the state of one run, not of {rates.size}; a Sweep keeps those of many")
    place = {id(task): k for k, task in enumerate(tasks)}      # the same one may stand at many rates
    same = np.array([place[id(task)] for task in tasks])
    ways = {k: updates is None and is_plain(tasks[k], rule, schedule, edges) for k in place.values()}
    plain = np.array([ways[k] for k in same.tolist()])[which]
    which = np.where(plain, same[which], which)                 # the noise of other rules hangs on the number
    runs: list[Run | None] = [None] * rates.size
    shown = MemberProgress(rates.size) if progress and rates.size > 1 else None
    for members in (np.flatnonzero(plain), np.flatnonzero(~plain)):
        if not members.size:
            continue
        used, numbers = np.unique(which[members], return_inverse=True)
        ensemble = Ensemble(
            network, [tasks[k] for k in used], numbers, rates[members], rule, until=until, t_max=t_max,
            dt=step, record=record, tolerance=tolerance, go_on=go_on, method=method,
            conductances=g[members] if g is not None and g.ndim == 2 else g, schedule=schedule, precision=precision,
            starts=None if starts is None else [starts[k] for k in members], updates=updates, solver=solver,
            edges=edges)
        if rates.size == 1 and (checkpoint is not None or progress):
            from .checkpoint import train_one

            runs[0] = train_one(ensemble, threads, None if checkpoint is None else Path(checkpoint), progress)
            continue
        queue = LongestFirst(np.arange(len(ensemble)), ensemble.task_of, ensemble.rates)
        run_members(ensemble, queue, _into(runs, members, shown), threads=threads,
                    progress=None if shown is None else shown.slice)
    compiled()
    if shown is not None:
        shown.close()
    if asked.single and runs[0] is not None:
        return _ended(runs[0])
    return Runs([run for run in runs if run is not None], asked.shape, asked.dims, asked.labels)


def _step(dt: Any) -> float | None:
    """The step in 1/γp, None for "auto"."""
    if isinstance(dt, str) and dt != "auto":
        raise TypeError(f"dt must be a number in 1/γp or 'auto', not {dt!r}")
    return None if dt == "auto" else number("dt", dt)


def _ended(run: AnyRun) -> AnyRun:
    """A single run, unless it diverged."""
    if run.status == "diverged":
        raise Diverged(run.reason)
    return run


def _into(runs: list[Run | None], members: Any, shown: MemberProgress | None) -> Deliver:
    """What puts the runs of an ensemble into the places of its members, and counts them where progress is shown."""
    def deliver(number: int, run: Run) -> None:
        runs[int(members[number])] = run
        if shown is not None:
            shown.ended(run.status == "diverged")

    return deliver


def _by_flow(network: Network, asked: Members, dt: Any, method: str, *, wanted: dict[str, Any],
             **given: Any) -> Run | Runs:
    """Train by gradient flow, which has no RK4 step."""
    from ohmlearn.drivers.descent.as_runs import Wanted, train_by_flow

    if dt != "auto" or method != "auto":
        raise ValueError("gradient flow takes capped steps of its own (GradientFlow's cap and fraction); leave dt and "
                         "method at 'auto'")
    tasks = [asked.tasks[k] for k in asked.which.tolist()]
    if not asked.single:
        several = train_by_flow(network, tasks, asked.rates, Wanted(**wanted), **given)
        assert isinstance(several, Runs)
        return Runs(several.flat, asked.shape, asked.dims, asked.labels)
    found = train_by_flow(network, tasks[0], float(asked.rates[0]), Wanted(**wanted), **given)
    if isinstance(found, Run) and found.status == "diverged":
        raise Diverged(found.reason)
    return found


def _starts(conductances: Any, count: int) -> list[Run] | None:
    """The runs to go on from, one a member, if runs were given in place of conductances."""
    if isinstance(conductances, Run):
        return [conductances] * count
    if isinstance(conductances, Iterable) and not isinstance(conductances, np.ndarray):
        runs = list(conductances.flat if isinstance(conductances, Runs) else conductances)
        if runs and all(isinstance(run, Run) for run in runs):
            if len(runs) != count:
                raise ValueError(f"{len(runs)} runs to go on from, but {count} to train")
            return runs
    return None


def _law_of(starts: list[Run] | None) -> Any:
    """The law of the edges of runs to go on from."""
    laws = {id(run.edges): run.edges for run in starts or ()}
    if len(laws) > 1:
        raise ValueError("the runs to go on from have edges of several laws; name the one that is meant: edges=...")
    return next(iter(laws.values()), None)
