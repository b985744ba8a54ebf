"""Training of one network over MPI ranks: the run of one machine, with steps and solves over ranks."""
from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.checks.kinds import reals
from ohmlearn.drivers.display.compile_cache import prepare
from ohmlearn.drivers.display.progress import RunProgress, RunState
from ohmlearn.drivers.distributed.rank_checkpoint import EDGES, NODES, RankCheckpoint
from ohmlearn.drivers.distributed.rank_run import RankRecording, RankRun
from ohmlearn.drivers.distributed.ranks import ranks
from ohmlearn.drivers.recording import checkpoint_file
from ohmlearn.drivers.recording.checkpoint_file import CheckpointFile, alone, digest_of, stopped
from ohmlearn.drivers.recording.recorded_states import State
from ohmlearn.parallel.communicator import World
from ohmlearn.parallel.signals import STOPPED, Stopping
from ohmlearn.run import Run
from ohmlearn.solvers.distributed.equilibrium import DistributedEquilibrium
from ohmlearn.solvers.distributed.quasistatic import DistributedFlow
from ohmlearn.solvers.distributed.rank_solve import METHODS
from ohmlearn.solvers.distributed.reductions import RankSums
from ohmlearn.solvers.distributed.rk4 import DistributedStepper
from ohmlearn.solvers.distributed.stored_part import StoredPart
from ohmlearn.stored.network_store import StoredNetwork
from ohmlearn.task import Task

from .ensemble import Ensemble
from .large_loop import LargeRun
from .large_run import follow, run_on

Floats = NDArray[np.float64]


class RankEnsemble(Ensemble):
    """An ensemble of one run on a network in a store, of which this rank has a part."""

    here: StoredPart

    @classmethod
    def of(cls, here: StoredPart, task: Task, rate: float, **options: Any) -> RankEnsemble:
        """Checked; all ranks must call it. options : fields of :class:`Ensemble`."""
        made = object.__new__(cls)
        object.__setattr__(made, "here", here)
        made.__init__(here.stored, [task], np.zeros(1, dtype=np.int64), np.array([rate]), **options)  # type: ignore
        return made

    def check_solver(self) -> None:
        if self.solver not in METHODS:
            raise ValueError(f"over ranks solver must be one of {', '.join(METHODS)}, not {self.solver!r}")

    def check_task(self, sample: Task) -> None:
        sample.require_nodal("training over ranks")
        for nodes, what in ((sample.sources, "source node"), (sample.targets, "target node")):
            self.network.check_nodes(nodes, what)       # whether sources reach all nodes is checked by the solves
        if not self.plain or self.edges is not None or self.precision != "double" or self.method == "slow":
            raise NotImplementedError("over ranks a network learns tasks of held and target nodes, of one sample, "
                                      "by a plain rule, on linear edges, in double precision and by method 'auto' or "
                                      "'rk4'")

    def least_degree(self) -> float:
        part, g = self.here.part, self.initial_conductances(0)
        degree = np.bincount(part.ends.ravel(), np.repeat(g, 2), part.nodes.size)[part.own]
        return -float(RankSums(part.comm).largest(-float(degree.min(initial=np.inf)))[0])

    def initial_conductances(self, number: int) -> Floats:
        """(e,) G of the edges of the part at the start: the number given, or those in the store, or 1."""
        part, stored, rule = self.here.part, self.here.stored, self.rule
        top = np.inf if rule.ceiling is None else rule.ceiling
        if self.conductances is not None and self.conductances.ndim:
            raise ValueError("over ranks conductances are a number for all edges, or those in the store of the network")
        if self.conductances is not None:
            g = np.full(part.edge_numbers.size, float(self.conductances))
        else:
            g = self.here.conductances() if stored.has_conductances else np.ones(part.edge_numbers.size)
        high, low = RankSums(part.comm).largest(float(g.max(initial=-np.inf)), -float(g.min(initial=np.inf)))
        if not (-low >= rule.floor and high <= top and np.isfinite(high)):
            raise ValueError(f"conductances from {-low:g} to {high:g} are not all between the rule's floor "
                             f"{rule.floor} and its ceiling {top:g}; change these, or the conductances")
        return g


class RankMachine:
    """What a run over ranks steps and solves with; of the same face as `large_loop.OneMachine`."""

    def __init__(self, ensemble: RankEnsemble, threads: int) -> None:
        self.ensemble, self.here, self.threads = ensemble, ensemble.here, threads

    def stepper(self, task: Task, rate: float) -> DistributedStepper:
        return DistributedStepper(self.here.part, task, self.ensemble.rule, rate, self.threads)

    def circuit(self, held: NDArray[np.int64]) -> DistributedEquilibrium:
        return DistributedEquilibrium(self.here.part, held, self.ensemble.solver)

    def flow(self, task: Task) -> DistributedFlow:
        return DistributedFlow(self.here.part, task, self.ensemble.rule, self.ensemble.solver)

    def recording(self, task: Task, keep: tuple[str, ...]) -> RankRecording:
        return RankRecording(self.here, task, keep)

    def anywhere(self, found: bool) -> bool:
        return bool(RankSums(self.here.part.comm).largest(float(found))[0] > 0)


def train_over_ranks(network: StoredNetwork, task: Any, rate: Any, *, checkpoint: Path | None = None,
                     progress: bool = False, threads: int | None = None, conductances: Any = None,
                     **options: Any) -> RankRun:
    """Train a network in a store on all ranks of the launcher that started this process; arguments as of
    :func:`ohmlearn.train`, one task and one rate.
    """
    if not isinstance(task, Task) or np.ndim(rate) != 0:
        raise ValueError("over ranks one network learns one task at one rate; call train for each, or take a Sweep of "
                         "a network that one machine holds")
    world = ranks()
    world.once_a_node(prepare)
    here = world.together(lambda: StoredPart.of(network, world.comm))
    g = None if conductances is None else reals(conductances, "conductances")
    ensemble = RankEnsemble.of(here, task, float(rate), conductances=g, **options)
    run = run_on(ensemble, 0, RankMachine(ensemble, threads or 1))
    shown = RunProgress(quiet=not progress or world.rank > 0)
    begin = time.monotonic()

    def tell(cost: float, reached: float, steps: int, last: bool = False) -> None:
        shown.show(RunState(cost, ensemble.until, reached, ensemble.limit(0), steps, time.monotonic() - begin), last)

    def show(run: LargeRun) -> bool:
        tell(float(run.me["cost"]), float(run.me["time"]), int(run.me["steps"]))
        return False

    try:
        if checkpoint is None:
            end = follow(run, None, show, keep=False)
        else:
            end = _follow_checkpointed(world, run, checkpoint, digest_of(_owner(ensemble)), show)
        assert isinstance(end, Run)
        tell(end.final_cost, end.time, end.n_steps, last=True)
    finally:
        shown.close()
    return RankRun._of(end, here)


def _owner(ensemble: RankEnsemble) -> tuple[Any, ...]:
    """All that decides the bits of a run, whatever the ranks; of the network, what its store says of it."""
    stored = ensemble.here.stored
    return (stored.n_nodes, stored.n_edges, stored.block, stored.first_edge, stored.name,
            *(getattr(ensemble, name) for name in Ensemble.__dataclass_fields__ if name != "network"))


def _follow_checkpointed(world: World, run: LargeRun, path: Path, owner: str, show: Callable[[LargeRun], bool]) -> Run:
    """Follow a run whose state is kept in a checkpoint; where a signal asks for it, write the state and end."""
    from contextlib import ExitStack

    kept = RankCheckpoint(world, CheckpointFile(path, owner, "run"), run.machine.here)
    due = time.monotonic() + checkpoint_file.EVERY
    with ExitStack() as stack:
        world.first(lambda: stack.enter_context(alone(path)) and None)      # rank 0 holds the file
        stopping = stack.enter_context(Stopping())
        saved = kept.resume()
        stopping.ready = True

        def observe(run: LargeRun) -> bool:
            nonlocal due
            show(run)
            stop = run.machine.anywhere(stopping.asked is not None)
            if not stop and world.first(lambda: time.monotonic() > due):
                kept.suspend(_dealt_out(run.kept, run.machine.here))
                due = time.monotonic() + checkpoint_file.EVERY
            return stop

        end = follow(run, None if saved is None else _taken_up(saved, run.machine.here), observe)
        if isinstance(end, Run):
            kept.done()
            return end
        kept.suspend(_dealt_out(end, run.machine.here))
        stopping.heeded = True
        stopping.asked = next(asked for asked in world.everywhere(stopping.asked) if asked is not None)
    if world.rank == 0:
        stopped(stopping, path)
    raise KeyboardInterrupt if stopping.asked == "SIGINT" else SystemExit(STOPPED)


STEPPED = ("large.x", "large.g")                            # of an RK4 run: (2 k,) and (e,)
FLOWING = ("large.g", "large.before", "large.change")       # of a quasistatic one: (own,), (2, own) and (own,)


def _dealt_out(state: State, here: StoredPart) -> State:
    """A state with its values of nodes and edges as columns, (k, a) and (e, b), as a checkpoint wants them."""
    part = here.part
    if STEPPED[0] in state:
        nodes, edges = state["large.x"].reshape(-1, 2), state["large.g"][:, None]
    else:
        nodes, edges = np.empty((part.nodes.size, 0)), np.zeros((part.edge_numbers.size, 4))
        edges[part.own_edges] = np.column_stack([state["large.g"], *state["large.before"], state["large.change"]])
    rest = {name: array for name, array in state.items() if name not in STEPPED + FLOWING}
    return rest | {NODES: nodes, EDGES: edges}


def _taken_up(state: State, here: StoredPart) -> State:
    """What `_dealt_out` was given."""
    nodes, edges = state.pop(NODES), state.pop(EDGES)
    if nodes.shape[1]:
        return state | {"large.x": nodes.ravel(), "large.g": edges[:, 0].copy()}
    own = np.ascontiguousarray(edges[here.part.own_edges].T)
    return state | {"large.g": own[0].copy(), "large.before": own[1:3].copy(), "large.change": own[3].copy()}
