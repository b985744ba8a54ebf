"""The arrays of a block of lanes."""
from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.drivers.display.compile_cache import prepare as prepare_cache
from ohmlearn.kernels.ensemble import block_state, nonlinear_step, slow_manifold, step_control
from ohmlearn.kernels.ensemble.block_state import Block, Lanes
from ohmlearn.kernels.ensemble.rk4 import FLOOR, NUDGE, ROWS, Law
from ohmlearn.kernels.ensemble.ros2 import Stages
from ohmlearn.kernels.ensemble.slow_manifold import SLOW_ROWS, Slow
from ohmlearn.kernels.law.law_type import ANY, LawName
from ohmlearn.kernels.linalg.block_ldlt import Factor
from ohmlearn.kernels.linalg.graph import prepare
from ohmlearn.kernels.nonlinear.edges import Nonlinear, Pull
from ohmlearn.kernels.simd.vectors import aligned
from ohmlearn.rule import Rule
from ohmlearn.solvers.equilibrium.memory import require
from ohmlearn.solvers.nonlinear import edge_arrays
from ohmlearn.solvers.nonlinear.equilibrium import work_space
from ohmlearn.task import Task, as_tasks

from .ensemble import Ensemble

TASKS_KEPT = 1000
TOO_LARGE = "held and target nodes, one sample and a plain rule take far less"


class Places(NamedTuple):
    """Where a task is in the order of the kernels. bits : (3, n_nodes) uint16, 1 where v moves, where w moves by
    physics, and at targets. held : (n_sources,) rows of x. targets : (n_targets,) nodes."""

    bits: NDArray[np.uint16]
    held: NDArray[np.int64]
    targets: NDArray[np.int64]


class Prepared:
    """What all blocks over one graph share: the order of the nodes, the graph, the pattern of the factor, and where
    the tasks used last are in it."""

    def __init__(self, ensemble: Ensemble) -> None:
        prepare_cache()
        network = ensemble.network
        self.order, self.graph, self.pattern = prepare(
            network.edges, network.n_nodes, lambda needed: require(needed, f"training {network!r}", TOO_LARGE))
        self.position = np.empty(network.n_nodes, dtype=np.int64)
        self.position[self.order] = np.arange(network.n_nodes)
        self.n_targets = max(as_tasks(task)[0].n_targets for task in ensemble.tasks)
        self.n_times = max(len(ensemble.times(k)) for k in range(len(ensemble))) if ensemble.record else 0
        clamped = ensemble.rule.clamp == "held"
        self.places = lru_cache(TASKS_KEPT)(lambda k: places(as_tasks(ensemble.tasks[k])[0], self.position, clamped))


def places(task: Task, position: NDArray[np.int64], clamped: bool) -> Places:
    """Where a task is, on a network whose nodes have these positions. clamped : whether targets are held."""
    bits, held, targets = np.ones((3, position.size), dtype=np.uint16), position[task.sources], position[task.targets]
    bits[:2, held] = bits[2] = 0
    if clamped:
        bits[1, targets] = 0
        bits[2, targets] = 1
    return Places(bits, 2 * held, targets)


Make = Callable[[int], NDArray[Any]]        # an array of so many rows


class Columns(NamedTuple):
    """Where a lane is one column each, for it to be filled, set aside and cleared at once.

    numbers : (rows, lanes) in the float type of the state: x, G, peak, and the rows of the law and of the manifold.
    notes : (rows, lanes) float64: all of `Lanes` but the records.
    masks : (3, n_nodes) uint16, a bit a lane: free_v, free_w and target of the law.
    """

    numbers: NDArray[Any]
    notes: NDArray[np.float64]
    masks: NDArray[np.uint16]


def allocate(ensemble: Ensemble, prepared: Prepared, lanes: int, quasistatic: bool = False) -> tuple[Block, Columns]:
    """The arrays of a block whose lanes are idle, under the rule and in the precision of an ensemble. quasistatic :
    nonlinear edges at rate 0."""
    def make(rows: int) -> NDArray[Any]:
        return aligned(rows, lanes, dtype=ensemble.dtype)

    rule, t, n, m = ensemble.rule, prepared.n_targets, prepared.graph.lower.size, prepared.pattern.slot.size
    # One after the other in memory, so that what a step touches does not compete for places in the cache.
    parts = (2 * n, 2 * n, m, 2 * n, m, n, ROWS, SLOW_ROWS)
    touched = make(sum(parts))
    y, q, Gq, x, G, peak, law_rows, slow_rows = np.split(touched, np.cumsum(parts)[:-1])
    masks, (notes, of_lanes) = np.zeros((3, n), dtype=np.uint16), _lanes(prepared, n, m, lanes)
    nonlinear = None if ensemble.edges is None else _nonlinear(ensemble, prepared, lanes)
    graph = prepared.graph if nonlinear is None else edge_arrays.upwards(prepared.graph)[0]
    block = Block(graph, prepared.pattern, _law(rule, masks, law_rows, m, make), of_lanes,
                  x, y, q, G, Gq, make(2), peak, make(3 * n),
                  np.zeros(1, dtype=np.int64), np.zeros(block_state.TALLIES, dtype=np.int64),
                  Factor(make(n + prepared.pattern.row.size), make(n)),
                  _slow(rule, slow_rows, t, n, m, make), _stages(t, m, make),
                  nonlinear)
    if block.edges is not None:
        block = block._replace(edges=_with_entries(block, quasistatic))
    block.G[:] = 1.0
    return block, Columns(touched[4 * n + m:], notes, masks)


def _law(rule: Rule, masks: NDArray[np.uint16], rows: NDArray[Any], m: int, make: Make) -> Law:
    free_v, free_w, target = masks
    law = Law(free_v, free_w, target, rows, None if rule.ceiling is None else make(1),
              None if rule.frozen is None else make(m))
    law.rows[NUDGE], law.rows[FLOOR] = rule.nudge, rule.floor
    if law.ceiling is not None:
        law.ceiling[:] = rule.ceiling
    if law.learning is not None and rule.frozen is not None:
        law.learning[:] = np.where(rule.frozen, 0.0, 1.0)[:, None]
    return law


def _nonlinear(ensemble: Ensemble, prepared: Prepared, lanes: int) -> Nonlinear:
    edges, network, rule = ensemble.edges, ensemble.network, ensemble.rule
    assert edges is not None
    n, m = network.n_nodes, network.n_edges
    low, high = edge_arrays.bounds(edges, m, rule.floor, rule.ceiling)
    factor = edge_arrays.learning(edges, m) * (1.0 if rule.frozen is None else np.where(rule.frozen, 0.0, 1.0))
    leak, nothing, v, w = (aligned(n, lanes) for _ in range(4))
    pull = None
    if rule.clamp == "pulled":
        pull = Pull(aligned(n, lanes), aligned(n, lanes), aligned(1, lanes), aligned(n, lanes), aligned(n, lanes))
        pull.share[:] = rule.clamp_share
    leak[:] = edge_arrays.leaks(edges, network)[prepared.order, None]
    law = edge_arrays.kernel_law(edges, m, lanes, edge_arrays.upwards(prepared.graph)[1])
    return Nonlinear(law, leak, nothing, pull, low, high if np.isfinite(high).any() else None,
                     None if factor.all() else factor, work_space(n, m, prepared.pattern.row.size), v, w,
                     aligned(2 * m, lanes), aligned(1, lanes), np.zeros(nonlinear_step.ENTRIES, dtype=np.int64))


def _with_entries(block: Block, quasistatic: bool) -> Nonlinear:
    """The edges of a block with the addresses of the kernels that know their laws, and no name of these any more."""
    edges = block.edges
    assert edges is not None
    edges.entries[:] = nonlinear_step.entries(block, edges, quasistatic)
    return edges._replace(law=edges.law._replace(name=LawName(ANY)))


def _slow(rule: Rule, given: NDArray[Any], t: int, n: int, m: int, make: Make) -> Slow:
    rows = {"psi": t * n, "phi": t * n, "given": t, "couple": t * t, "still": m, "rate": m}
    work = Slow(given, **{name: make(rows.get(name, n)) for name in Slow._fields[1:]})
    work.rows[slow_manifold.NUDGE], work.rows[slow_manifold.FLOOR] = rule.nudge, rule.floor
    return work


def _stages(t: int, m: int, make: Make) -> Stages:
    rows = {"U": t * m, "Q": t * m, "matrix": t * t, "along": t, "h": 1, "error": 1, "moved": 1}
    return Stages(**{name: make(rows.get(name, m)) for name in Stages._fields})


def _lanes(prepared: Prepared, n: int, m: int, lanes: int) -> tuple[NDArray[np.float64], Lanes]:
    """The lanes, and all of them but the records as rows of one array."""
    shapes = {"errors": (step_control.LONGEST + 1, prepared.n_targets), "times": (prepared.n_times,),
              "equilibrium": (prepared.n_times,), "nonequilibrium": (prepared.n_times,), "last_x": (2 * n,),
              "last_G": (m,)}
    names = Lanes._fields[1:]
    rows = [int(np.prod(shapes.get(name, (prepared.n_targets,)))) for name in names]
    notes = aligned(sum(rows), lanes)
    made = {name: part.reshape(*shapes.get(name, part.shape[:1]), lanes)
            for name, part in zip(names, np.split(notes, np.cumsum(rows)[:-1]), strict=True)}
    made["target"] = made["target"].view(np.int64)
    return notes, Lanes(np.zeros(lanes, dtype=block_state.MEMBER), **made)
