"""Gradient flow on conductances: one descent, or an ensemble of them over networks and tasks in one call."""
from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.checks.kinds import check_kinds
from ohmlearn.drivers.checks.keywords import StopKeywords
from ohmlearn.network import Network
from ohmlearn.parallel.threads import available_threads, in_threads
from ohmlearn.rule import GradientFlow
from ohmlearn.run import STATUSES, Run
from ohmlearn.task import Task, as_tasks

if TYPE_CHECKING:
    from ohmlearn.solvers.hessian.hessian import Hessian

Array = NDArray[np.float64]
REASONS = {
    "reached": "C/C(0) = {ratio:.3g}, as asked, after {steps} steps",
    "out of time": "C/C(0) = {ratio:.3g} after {steps} steps, the limit; raise max_steps or t_max",
    "stalled": "C/C(0) = {ratio:.3g} no longer falls: no conductance within its bounds lowers the cost",
    "diverged": "the cost is no number any more; check the drive and the bounds",
}


@dataclass(frozen=True, eq=False, repr=False)
class Descent:
    """One gradient flow. Costs are C = ½ Σ c² in V², times those of dG/dt = -∂C/∂G.

    status, reason : "reached", "out of time", "stalled" or "diverged", and why in words.
    conductances : (n_edges,) G at the end in G₀.
    initial_cost, cost : C at the start and at the end in V².
    time, n_steps : of the whole descent, in the time of dG/dt = -∂C/∂G.
    network, tasks, rule : what was trained, and how.
    times, costs, history : (n_kept,), (n_kept,), (n_kept, n_edges) the states asked for along the way.

    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(4, 4)
    >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
    >>> end = ol.descend(net, task)
    >>> end.status, end.conductances.shape
    ('reached', (24,))
    """

    status: str
    reason: str
    conductances: Array
    initial_cost: float
    cost: float
    time: float
    n_steps: int
    times: Array
    costs: Array
    history: Array
    network: Network
    tasks: Sequence[Task]
    rule: GradientFlow

    def hessian(self) -> Hessian:
        """The cost Hessian at the end.

        Returns a :class:`Hessian`.

        >>> import ohmlearn as ol
        >>> net = ol.Network.grid(4, 4)
        >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
        >>> end = ol.descend(net, task)
        >>> end.hessian().alignment > 0.9
        True
        """
        from ohmlearn.solvers.hessian.hessian import hessian

        return hessian(self.network, self.tasks, self.conductances)

    def show(self, path: str | os.PathLike[str] | None = None) -> Path:
        """Interactive page of the trained network, written to `path` or opened in the browser; returns where it is.

        >>> import ohmlearn as ol
        >>> net = ol.Network.grid(4, 4)
        >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
        >>> end = ol.descend(net, task)
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     print(end.show(f"{folder}/net.html").name)
        net.html
        """
        from ohmlearn.drivers.display.network_page import show

        return show(self.network, self.conductances, self.tasks, path, f"trained to C = {self.cost:.3g} V²")

    def __repr__(self) -> str:
        return f"<Descent: {self.status}, C={self.cost:.3g} from {self.initial_cost:.3g} after {self.n_steps} steps>"


@dataclass(frozen=True, eq=False)
class Stops:
    """When a descent ends, and which states it keeps; see :func:`descend`."""

    until: float = 1e-12
    error: float = 0.0
    t_max: float = np.inf
    max_steps: int = 20_000
    times: Array = field(default_factory=lambda: np.empty(0))
    costs: Array = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        if not (0 <= self.until < 1 and self.error >= 0):
            raise ValueError(f"until={self.until} must lie in [0, 1) and error={self.error} be >= 0")
        if not self.t_max > 0 or self.max_steps < 1:
            raise ValueError(f"t_max={self.t_max} must be > 0 and max_steps={self.max_steps} at least 1")
        for key, sign, words in (("times", 1, "increase"), ("costs", -1, "fall")):
            marks = np.array(getattr(self, key), dtype=np.float64).reshape(-1)
            if not np.all(np.isfinite(marks)) or np.any(marks < 0) or np.any(sign * np.diff(marks) <= 0):
                raise ValueError(f"{key} must be finite, >= 0 and {words}")
            object.__setattr__(self, key, marks)


Start = Array | float | Run | None        # a list is one for each of several


@overload
def descend(network: Network, task: Task | tuple[Task, ...], *,     # type: ignore[overload-overlap]
            rule: GradientFlow | None = None, conductances: Start = None, threads: int | None = None,
            **stops: Unpack[StopKeywords]) -> Descent: ...
@overload
def descend(network: Network | Sequence[Network], task: Task | tuple[Task, ...] | list[Any], *,
            rule: GradientFlow | None = None, conductances: Start | list[Any] = None, threads: int | None = None,
            **stops: Unpack[StopKeywords]) -> list[Descent]: ...
@check_kinds
def descend(network: Network | Sequence[Network], task: Any, *, rule: GradientFlow | None = None,
            conductances: ArrayLike | Run | Sequence[ArrayLike] | None = None, threads: int | None = None,
            **stops: Unpack[StopKeywords]) -> Descent | list[Descent]:
    """Train by gradient flow on conductances, bounded and in capped steps (paper 2).

    network, task, conductances : one of each gives a :class:`Descent`, lists (taken together, single ones repeated)
        a list of them. A tuple of Tasks is one task of several samples. Conductances are (n_edges,) at the start in
        G₀, 1 by default.
    rule : bounds and caps.
    stops : any of the keywords that follow.
    until, error : stop where C <= until C(0), by default 1e-12, or where all |c| <= error (V).
    t_max, max_steps : limits on the time of dG/dt = -∂C/∂G and on the steps, by default none and 20000.
    times, costs : (n_kept,) states to keep along the way, when a time (of dG/dt = -∂C/∂G) or a cost (V², falling) is
        reached.
    threads : by default as many as the process may use.

    Linear tasks whose samples hold the same places run compiled; others, nonlinear constraints among them, by one
    :class:`Hessian` a step.

    Returns a :class:`Descent`, or a list of them where lists were given: conductances at the end in G₀, costs in V²,
    and the states that were asked for.

    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(4, 4)
    >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
    >>> end = ol.descend(net, task, until=1e-6)
    >>> end.status, end.cost < 1e-6 * end.initial_cost
    ('reached', True)
    """
    from ohmlearn.drivers.display.compile_cache import compiled, prepare

    threads = available_threads(threads)
    rule, given = rule or GradientFlow(), Stops(**stops)     # type: ignore[arg-type]
    several = [isinstance(network, Sequence), isinstance(task, list), isinstance(conductances, list)]
    networks = list(network) if isinstance(network, Sequence) else [network]
    tasks = list(task) if isinstance(task, list) else [task]
    starts = list(conductances) if isinstance(conductances, list) else [conductances]
    count = max(len(networks), len(tasks), len(starts))
    if any(len(x) not in (1, count) for x in (networks, tasks, starts)):
        raise ValueError(f"{len(networks)} networks, {len(tasks)} tasks and {len(starts)} conductances "
                         "do not go together; give one of each, or as many of all")
    members = list(zip(*(x * count if len(x) == 1 else x for x in (networks, tasks, starts)), strict=True))

    prepare()

    def one(member: tuple[Network, Any, Any]) -> Descent:
        return _descend(member[0], as_tasks(member[1]), member[0].conductances(member[2]), rule, given)

    if not any(several):
        found: Descent | list[Descent] = one(members[0])
    else:
        found = in_threads(one, members, min(threads, count))
    compiled()
    return found


def _descend(network: Network, tasks: list[Task], g: Array, rule: GradientFlow, stops: Stops) -> Descent:
    from ohmlearn.kernels.descent import gradient_flow as kernels
    from ohmlearn.solvers.hessian.contraction import places

    outside = np.flatnonzero((g < rule.floor) | (g > rule.ceiling))
    if outside.size:
        raise ValueError(f"conductance {g[outside[0]]} of edge {outside[0]} is outside the rule's bounds, "
                         f"{rule.floor} to {rule.ceiling}")
    limits = kernels.Limits(*map(float, (rule.cap, rule.fraction, rule.floor, rule.ceiling, stops.until, stops.error,
                                         stops.t_max, stops.max_steps)))    # numbers of one type: compiled once
    compiled = all(task.is_linear for task in tasks) and len({places(task) for task in tasks}) == 1
    follow = _compiled if compiled else _by_hessians
    status, end, history, times, costs, state = follow(network, tasks, g, rule, limits, stops)
    n, name = int(state[kernels.KEPT]), STATUSES[status]
    cost, first, steps = float(state[kernels.COST]), float(state[kernels.FIRST]), int(state[kernels.STEPS])
    reason = REASONS[name].format(ratio=cost / first if first else 0.0, steps=steps)
    if name != "reached":
        reason = "; ".join([reason, *(words for task in tasks for words in task.unreachable)])
    return Descent(name, reason, end, first, cost, float(state[kernels.TIME]), steps, times[:n], costs[:n],
                   history[:n], network, tasks, rule)


def _learns(network: Network, rule: GradientFlow) -> NDArray[np.bool_]:
    """(n_edges,) the edges that learn."""
    if rule.frozen is None:
        return np.ones(network.n_edges, dtype=bool)
    if len(rule.frozen) != network.n_edges:
        raise ValueError(f"rule.frozen has {len(rule.frozen)} entries, the network {network.n_edges} edges")
    return ~rule.frozen


def _track(stops: Stops, n_rows: int) -> Any:
    from ohmlearn.kernels.descent.gradient_flow import Track

    n = stops.times.size + stops.costs.size
    return Track(stops.times, stops.costs, np.empty((n, n_rows, 8)), np.empty(n), np.empty(n))


def _compiled(network: Network, tasks: list[Task], g: Array, rule: GradientFlow, limits: Any, stops: Stops) -> Any:
    """Follow the flow in one kernel call, over the edges between places that are not held together."""
    from ohmlearn.kernels.descent import gradient_flow as kernels

    from .arrays import edges_of, member_of, rows_of, work_for

    member, kept = member_of(network, tasks)
    moving, learns = rows_of(g[kept], rule.floor), rows_of(_learns(network, rule)[kept], 0.0)
    work, track, state = work_for(member), _track(stops, len(moving)), np.zeros(kernels.N_STATE)
    status = kernels.descend(member, limits, learns, track, work, moving, state)
    end, history, m = g.copy(), np.tile(g, (len(track.kept), 1)), int(kept.sum())
    end[kept] = edges_of(moving, m)
    history[:, kept] = edges_of(track.kept, m)
    return status, end, history, track.time, track.cost, state


def _by_hessians(network: Network, tasks: list[Task], g: Array, rule: GradientFlow, limits: Any, stops: Stops) -> Any:
    """Follow the flow with errors and gradients from a Hessian at every step."""
    from ohmlearn.kernels.descent import gradient_flow as kernels
    from ohmlearn.solvers.hessian.hessian import Hessian

    from .arrays import edges_of, empty_work, rows_of

    m = network.n_edges
    work = empty_work(sum(task.n_targets for task in tasks), m)
    moving, learns, state = rows_of(g, rule.floor), rows_of(_learns(network, rule), 0.0), np.zeros(kernels.N_STATE)
    track = _track(stops, len(moving))
    while True:
        h = Hessian(network, tasks, edges_of(moving, m))
        work.error[:] = h.errors
        work.slope.reshape(len(h.errors), -1)[:, :m] = h.gradient
        status = kernels.step(limits, learns, track, work, moving, state)
        if status != kernels.RUNNING:
            return status, edges_of(moving, m).copy(), edges_of(track.kept, m), track.time, track.cost, state
