"""The members of an ensemble: one run each, a task at a rate, on one network under one rule."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.discrete import Discrete
from ohmlearn.drivers.checks.earlier_runs import check_starts, same_task
from ohmlearn.drivers.checks.input_ranges import check_ranges
from ohmlearn.kernels.ensemble.block_state import FRESH, MEMBER, RK4, SLOW
from ohmlearn.kernels.ensemble.step_control import MOST_STEPS, SHORTEST, STABLE
from ohmlearn.network import Network
from ohmlearn.rule import Rule
from ohmlearn.run import Record, Run
from ohmlearn.schedule import Schedule
from ohmlearn.task import Task, as_tasks

from .regime import LANES_UP_TO
from .update_checks import check_updates

METHODS = ("auto", "rk4", "slow")
PRECISIONS = {"double": np.float64, "single": np.float32}
LIMIT = 3000.0      # default time limit in units of 1/R (R <= 1) or 1/√R


def default_limit(rate: float) -> float:
    """Default time limit of a run, 3000/R for R <= 1 and 3000/√R above, in 1/γp; 3000 training steps at R = 0."""
    if rate == 0:
        return LIMIT
    return LIMIT / rate if rate <= 1 else LIMIT / float(np.sqrt(rate))


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Runs on one network. Member number k trains task `tasks[task_of[k]]` (or samples of one) at rate `rates[k]`.

    until, t_max, dt, record, tolerance : as in :func:`ohmlearn.train`. go_on : run to t_max even when the
    threshold is reached. conductances : (n_edges,) or (n_members, n_edges) at the start, None for 1.
    starts : runs to go on from, one a member, or None. schedule : samples in turn and changing rates, or None.
    precision : "double", or "single" for RK4 on plain tasks. updates : discrete ones in place of a flow, or None.
    solver : backend of the solves of a large network, as `method` of Equilibrium.
    edges : law of the edges, or None for linear ones. What learns then stands in the place of conductances.

    All members go the same way: see :func:`is_plain`.
    """

    network: Network
    tasks: Sequence[Task | tuple[Task, ...]]
    task_of: NDArray[np.int64]
    rates: NDArray[np.float64]
    rule: Rule
    until: float | None = 1e-6
    t_max: float | None = None
    dt: float | None = None
    record: Record | None = None
    conductances: NDArray[np.float64] | None = None
    starts: Sequence[Run] | None = None
    tolerance: float = 1e-3
    go_on: bool = False
    method: str = "auto"
    schedule: Schedule | None = None
    precision: str = "double"
    updates: Discrete | None = None
    solver: str = "auto"
    edges: Any = None

    def __post_init__(self) -> None:
        if self.edges is not None:
            object.__setattr__(self, "edges", nonlinear(self.edges, self.network))
        if self.starts is not None:
            check_starts(self.network, self.starts)
        bad = np.flatnonzero(~(np.isfinite(self.rates) & (self.rates >= 0)))
        if bad.size:
            raise ValueError(f"rate {self.rates[bad[0]]} is no rate of learning; R must be finite and >= 0")
        if self.until is not None and not 0 < self.until < 1:
            raise ValueError(f"until={self.until} must lie between 0 and 1, or be None to run for t_max")
        if self.record is not None and not isinstance(self.record, Record):
            raise TypeError(f"record must be an ohmlearn.Record, such as Record(per_decade=20), or None, "
                            f"not {self.record!r}")
        if self.t_max is not None and not (np.isfinite(self.t_max) and self.t_max > 0):
            raise ValueError(f"t_max={self.t_max} must be a positive time in 1/γp")
        if self.until is None and self.t_max is None:
            raise ValueError("until=None runs for t_max: give t_max")
        if self.dt is not None and not (np.isfinite(self.dt) and self.dt > 0):
            raise ValueError(f"dt={self.dt} must be positive, in 1/γp, or 'auto' for the largest step that the "
                             "tolerance allows")
        if not 1e-8 <= self.tolerance <= 0.1:
            raise ValueError(f"tolerance={self.tolerance} must lie between 1e-8 and 0.1")
        if self.method not in METHODS:
            raise ValueError(f"method must be 'auto', 'rk4' or 'slow', not {self.method!r}")
        if np.any(self.rates == 0) and (self.method == "rk4" or self.dt is not None):
            raise ValueError("rate 0 is the quasistatic limit, which has no RK4 step; leave method and dt at 'auto'")
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision must be 'double' or 'single', not {self.precision!r}")
        few = self.network.n_nodes <= LANES_UP_TO
        if self.precision == "single" and not (self.method == "rk4" and self.plain and few):
            raise ValueError("single precision is for RK4 on tasks of held and target nodes, up to "
                             f"{LANES_UP_TO} nodes: say method='rk4', or leave precision at 'double'")
        if self.solver != "auto":
            self.check_solver()
        self.rule.check(self.network)
        ways = {is_plain(task, self.rule, self.schedule, self.edges) for task in self.tasks}
        if len(ways) > 1 and self.updates is None:
            raise ValueError("an ensemble takes tasks of held and target nodes alone, or others, not both; "
                             "train them in two calls")
        for task in {id(task): task for task in self.tasks}.values():      # the same one may stand at many rates
            for sample in as_tasks(task):
                self.check_task(sample)
        if self.updates is not None:
            fewest = min(len(self.samples(number)) for number in range(len(self)))
            check_updates(self.updates, self.rule, self.schedule, self.record, self.rates, fewest,
                          self.method != "auto" or self.dt is not None)
        if self.edges is not None:
            check_nonlinear(self)
        if not self.plain:
            check_general(self)
        check_ranges(self)

    def check_solver(self) -> None:
        """Raise unless the voltages can be solved for in the way asked for."""
        from ohmlearn.solvers.equilibrium.backends import make

        make(self.solver)
        if self.network.n_nodes <= LANES_UP_TO or not self.plain:
            raise ValueError(f"solver={self.solver!r} is for networks of more than {LANES_UP_TO} nodes with held "
                             "and target nodes, one sample and a plain rule; others are trained with a factor of "
                             "their own, so leave solver at 'auto'")

    def check_task(self, sample: Task) -> None:
        """Raise unless a sample fits the network."""
        sample.check(self.network)

    def least_degree(self) -> float:
        """The smallest sum of the conductances at any node, at the start; in G₀."""
        m, g = self.network.n_edges, self.conductances
        return float(np.bincount(self.network.edges.ravel(), np.repeat(np.ones(m) if g is None else g, 2)).min())

    @property
    def dtype(self) -> Any:
        """Float type of the state."""
        return PRECISIONS[self.precision]

    def __len__(self) -> int:
        return len(self.rates)

    def task(self, number: int) -> Task:
        """The task of a member, the first of its samples."""
        return self.samples(number)[0]

    def samples(self, number: int) -> tuple[Task, ...]:
        """All samples that a member is to learn."""
        return tuple(as_tasks(self.tasks[int(self.task_of[number])]))

    @property
    def plain(self) -> bool:
        """Whether all members are followed by the fast kernels."""
        alike = not self.tasks or is_plain(self.tasks[0], self.rule, self.schedule, self.edges)
        return self.updates is None and alike

    def limit(self, number: int) -> float:
        """Time at which a member ends, in 1/γp."""
        run = self.going_on(number)
        longest = self.t_max if self.t_max is not None else default_limit(float(self.rates[number]))
        return (0.0 if run is None else run.time) + longest

    def patience(self, number: int) -> float:
        """Time in which a member's cost that has not moved counts as stalled, in 1/γp: a tenth of the limit, and of the
        default limit at least, so that a shorter run is no other run."""
        longest = max(default_limit(float(self.rates[number])), self.t_max or 0.0)
        return 0.1 * longest / min(1.0, self.rule.prefactor or 1.0)

    def fall(self, number: int) -> float:
        """How fast a member's conductances may fall to the floor, in 1/time; to learning at R = 0 any rate is inf."""
        if self.edges is not None and has_bounds(self.edges):
            return np.inf
        return self.rule.floor_rate if self.rule.floor_mode == "relax" and self.rates[number] > 0 else np.inf

    def going_on(self, number: int) -> Run | None:
        """The earlier run whose time, C*(0) and voltages a member takes up, if it is one of the same task."""
        run = None if self.starts is None else self.starts[number]
        return run if run is not None and same_task(run.task, self.samples(number)) else None

    def may_glide(self, number: int) -> bool:
        """Whether a member begins by trying the slow manifold."""
        rate = self.rates[number]
        if self.edges is not None:
            return bool(rate == 0)
        return rate == 0 or self.method == "slow" or (self.method == "auto" and rate <= 1.0 and self.dt is None)

    @cached_property
    def beginning(self) -> Any:
        """The record (kernels/ensemble/block_state.py) of a member that has not begun, but for what depends on R."""
        me = np.zeros(1, dtype=MEMBER)[0]
        me["method"] = METHODS.index(self.method) if self.edges is None else RK4
        me["stop"], me["until"] = not self.go_on, self.until or 0.0
        me["fixed"] = np.nan if self.dt is None else self.dt
        me["tolerance"], me["caution"], me["span"], me["aim"] = self.tolerance, 1.0, SHORTEST, np.inf
        me["first"] = me["sustained"] = me["instant"] = np.nan
        me["status"], me["keeps"] = FRESH, bool(self.record and self.record.keep)
        return me

    def times(self, number: int) -> NDArray[np.float64]:
        """Times at which a member's costs are recorded."""
        return np.empty(0) if self.record is None else self.record.times_until(self.limit(number))

    def initial_conductances(self, number: int) -> NDArray[np.float64]:
        """(n_edges,) what learns of a member, at the start."""
        if self.edges is not None:
            return initial_values(self, number)
        if self.starts is not None:
            return self.network.conductances(self.starts[number])
        g = self.network.initial_conductances if self.conductances is None else self.conductances
        if g is None and self.rule.floor <= 1.0 <= (self.rule.ceiling or np.inf):
            return np.ones(self.network.n_edges)
        g = self.network.conductances(None if g is None else (g[number] if g.ndim == 2 else g))
        low = np.flatnonzero(g < self.rule.floor)
        if low.size:
            raise ValueError(f"conductance {g[low[0]]} of edge {low[0]} is below the floor {self.rule.floor}; "
                             "raise it or lower the rule's floor")
        if self.rule.ceiling is not None and g.max() > self.rule.ceiling:
            raise ValueError(f"conductance {g.max()} is above the rule's ceiling {self.rule.ceiling}")
        return g


def initial_values(ensemble: Ensemble, number: int) -> NDArray[np.float64]:
    """(n_edges,) what learns of a member with nonlinear edges, at the start."""
    from ohmlearn.solvers.nonlinear import edge_arrays

    edges, m, rule = ensemble.edges, ensemble.network.n_edges, ensemble.rule
    given: Any = ensemble.conductances if ensemble.starts is None else ensemble.starts[number].conductances
    if given is None:
        return edge_arrays.start(edges, m)
    values = np.array(np.broadcast_to(given[number] if given.ndim == 2 else given, m), dtype=np.float64)
    low, high = edge_arrays.bounds(edges, m, rule.floor, rule.ceiling)
    outside = np.flatnonzero(~((values >= low) & (values <= high)))
    if outside.size:
        edge = int(outside[0])
        raise ValueError(f"what learns of edge {edge} begins at {values[edge]}, outside of its bounds {low[edge]:g} "
                         f"and {high[edge]:g}; those of gates belong to the law (lowest, highest)")
    return values


Deliver = Callable[[int, Run], None]


def is_plain(task: Task | Sequence[Task], rule: Rule, schedule: Schedule | None, edges: Any = None) -> bool:
    """Whether the fast kernels know it all: one sample of held and target nodes, learned as in paper 1; with nonlinear
    edges also by a clamp that pulls."""
    samples = as_tasks(task)
    constant = schedule is None or schedule.constant
    known = rule.plain or (edges is not None and rule.clamp == "pulled" and replace(rule, clamp="held").plain)
    return len(samples) == 1 and samples[0].is_nodal and known and constant


def nonlinear(edges: Any, network: Network) -> Any:
    """Checked laws of the edges, None where all are linear: those have kernels of their own."""
    from ohmlearn.edges import Linear
    from ohmlearn.solvers.nonlinear.edge_arrays import as_edges, laws_of

    checked = as_edges(edges, network)
    return None if all(type(law) is Linear for law in laws_of(checked)) else checked


def has_bounds(edges: Any) -> bool:
    """Whether any law brings bounds of what learns."""
    from ohmlearn.solvers.nonlinear.edge_arrays import laws_of

    return any(law.bounds is not None for law in laws_of(edges))


def check_nonlinear(ensemble: Ensemble) -> None:
    """Raise unless the kernels of nonlinear edges can follow all members."""
    if ensemble.method == "slow":
        raise ValueError("method 'slow' is for linear edges: with others nothing is known of how v and w lag behind; "
                         "take 'auto', or rate 0")
    if ensemble.precision == "single":
        raise ValueError("nonlinear edges are followed in double precision; leave precision at 'double'")
    if not ensemble.plain:
        raise NotImplementedError("nonlinear edges learn tasks of held and target nodes, of one sample, by a clamp "
                                  "that holds or pulls, without other variants of the rule or a schedule; several "
                                  "samples are learned by ohmlearn.edges.train_chips, by updates or in turn by a flow")
    from ohmlearn.solvers.nonlinear.edge_arrays import laws_of

    if not any(law.learns for law in laws_of(ensemble.edges)):
        raise ValueError("no edge of this network learns; give at least one a law with a conductance or a gate")


def check_general(ensemble: Ensemble) -> None:
    """Raise unless the general kernels can follow all members."""
    schedule = ensemble.schedule
    if ensemble.method == "slow":
        raise ValueError("method 'slow' knows held and target nodes, one sample and a plain rule; take 'auto'")
    if schedule is not None and schedule.adapts and np.any(ensemble.rates == 0):
        raise ValueError("at rate 0 there is no nonequilibrium cost for the rate to answer to; give a rate > 0")
    if ensemble.rule.clamp == "moving" and np.any(ensemble.rates == 0):
        raise ValueError("clamp='moving' follows in time, and at rate 0 all is at equilibrium: give a rate > 0, or "
                         "clamp='held', to which it comes there")
    for task in ensemble.tasks:
        first, *others = as_tasks(task)
        if not first.is_linear:
            raise NotImplementedError("coupled learning clamps linear outputs; nonlinear constraints train by descend")
        for sample in others:
            alike = [sorted(sample.sources.tolist()) == sorted(first.sources.tolist()),
                     list(sample.drops) == list(first.drops), repr(sample.targets) == repr(first.targets)]
            if not all(alike):
                raise ValueError("samples of a task must hold the same nodes and drops and read the same outputs, "
                                 "in the same order")


def record_of(ensemble: Ensemble, number: int) -> Any:
    """The record (kernels/ensemble/block_state.py) of a member that has not begun."""
    me, rate = ensemble.beginning.copy(), float(ensemble.rates[number])
    if rate == 0 and ensemble.edges is None:
        me["method"] = SLOW
    me["rate"], me["fall"] = ensemble.rule.prefactor * (rate or 1.0), ensemble.fall(number)
    me["limit"], me["patience"] = ensemble.limit(number), ensemble.patience(number)
    return me


def reason(me: Any, status: str, rate: float, dt: float | None, precision: str = "double") -> str:
    """Why a run ended, in words; `me` is its record (kernels/ensemble/block_state.py), `dt` the step if one was
    given."""
    if status == "reached":
        return f"C* fell below {me['until']:g} C*(0) at t = {me['first']:.6g}"
    cost, time = f"C*/C*(0) = {me['cost']:.3g}", f"t = {me['time']:.6g}"
    if status == "out of time":
        return f"{cost} at the time limit, {time}"
    if status == "stalled":
        return f"{cost} has not moved for {me['patience']:.3g} (a tenth of the longest run), at {time}"
    if not (me["gliding"] or me["dt"] * MOST_STEPS > me["caution"] * (me["limit"] - me["time"])):
        return (f"R = {rate:g} needs steps of {me['dt']:.3g} to get to {me['limit']:.3g}, more than "
                f"{MOST_STEPS:.0e} of them; lower floor_rate or conductances, or shorten t_max")
    if dt is not None:
        bound = STABLE / me["bound"]
        return f"R = {rate:g} diverged at {time} with dt = {dt:g}; the stable bound is {bound:.3g}"
    if precision == "single":
        return f"single precision does not resolve C* at R = {rate:g} beyond {time}, {cost}; take precision='double'"
    return f"R = {rate:g} diverged at {time}, {cost}; raise the floor or lower the rate"
