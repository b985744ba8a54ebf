"""RK4 steps of nonequilibrium coupled learning in one large network, on as many threads as wanted."""
from __future__ import annotations

from threading import Thread

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.large import edge_passes, rk4_pipeline
from ohmlearn.kernels.large.rk4_pipeline import BLOCK, Graph, Pace, State
from ohmlearn.kernels.law.bounds import AT_ONCE
from ohmlearn.network import Network
from ohmlearn.rule import Rule
from ohmlearn.solvers.equilibrium.node_order import Layout, blocks
from ohmlearn.task import Task

Floats = NDArray[np.float64]


class EdgeSteps:
    """The state (v, w, G) of nodes in memory and the edges among them, and its RK4 steps.

    ends : (n_edges, 2) nodes of the edges, lower first, sorted. held : (n_sources + n_targets,) nodes of the sources,
    then of the targets, -1 for those that are not here. rate : R, with the rule's prefactor a R. learning : (n_edges,)
    factor of R, or None for 1. threads : at most; fewer where edges reach too far for a pipeline. layer : see
    `edge_passes.fastest`.
    """

    def __init__(self, ends: NDArray[np.uint32], n_nodes: int, held: NDArray[np.int64], n_targets: int, rule: Rule,
                 rate: float, *, learning: Floats | None = None, threads: int = 1,
                 layer: NDArray[np.int8] | None = None) -> None:
        self.rule, self.rate, self.layer = rule, rule.prefactor * rate, layer
        self.n_targets, self._targets = n_targets, held[held.size - n_targets:]
        target = np.append(np.full(held.size - n_targets, -1), np.arange(n_targets))
        here = np.flatnonzero(held >= 0)
        here = here[np.argsort(held[here])]
        marked = held[here].astype(np.int64)
        starts, lag = blocks(ends, n_nodes)
        n_blocks = starts.size - 1
        marks = np.searchsorted(marked, np.append(np.arange(0, n_nodes, BLOCK), n_nodes))
        # a pipeline of stages wants room ahead; else stage after stage runs through all blocks
        self.in_turn = 4 * lag >= n_blocks
        lag = n_blocks if self.in_turn else lag
        self.graph = Graph(ends, starts, lag, marked, target[here], marks, learning)
        n, m = n_nodes, len(ends)
        self.state = State(np.zeros(2 * n), np.zeros(2 * n), np.ones(m), np.zeros(m))
        self.threads = 1 if self.in_turn else max(1, min(threads, n_blocks // (4 * lag + 1)))
        ring = 2 * BLOCK * (1 << int(min(lag, n_blocks - 1)).bit_length())
        self._rings = np.zeros((self.threads, 1 if self.in_turn else 4, ring))
        self._drops = np.empty((self.threads, 2 * int(np.diff(starts).max(initial=0))))

    def pace(self, dt: float) -> Pace:
        rule = self.rule
        fall = dt * rule.floor_rate if rule.floor_mode == "relax" else AT_ONCE
        return Pace(dt, -dt * self.rate, rule.nudge, fall, rule.floor, np.inf if rule.ceiling is None else rule.ceiling)

    def march(self, trace: Floats, dt: float) -> None:
        """Take len(trace) steps of dt (1/γp) and write the voltages of the targets after each, (count, n_targets)."""
        count = len(trace)
        threads = min(self.threads, count)
        progress = np.zeros((threads, 8), dtype=np.int64)
        shared = (trace, progress.reshape(-1), self._rings, self._drops, self.graph, self.state, self.pace(dt))
        helpers = [Thread(target=rk4_pipeline.march, args=(*shared, t, threads), daemon=True)
                   for t in range(1, threads)]
        for helper in helpers:
            helper.start()
        rk4_pipeline.march(*shared, 0, threads)
        for helper in helpers:
            helper.join()

    def bounds(self) -> tuple[float, float]:
        """Upper bounds of λ_max(L_FF) and of the square of the learning frequency over 2 a R."""
        relaxation, learning = edge_passes.fastest(self.graph, self.state, self.state.qx, self.layer)
        return float(relaxation), float(learning)

    def clamp(self, wanted: Floats) -> None:
        """w_T = V_T - v_T, exactly, against the rounding of many steps; wanted : (n_targets,)."""
        here = self._targets >= 0
        place = 2 * self._targets[here]
        self.state.x[place + 1] = wanted[here] - self.state.x[place]


class Stepper(EdgeSteps):
    """The state (v, w, G) of one network and its time steps. Arrays go in and out in the user's numbering.

    rate : R, with the rule's prefactor a R; threads : at most; fewer where edges reach too far for a pipeline.
    layout : the order in memory, by default that of `Layout.of`.
    """

    def __init__(self, network: Network, task: Task, rule: Rule, rate: float, threads: int = 1,
                 layout: Layout | None = None) -> None:
        task.require_nodal("stepping a large network")
        self.network, self.task = network, task
        self.layout = layout = Layout.of(network) if layout is None else layout
        held = layout.rank[np.append(task.sources, task.targets)].astype(np.int64)
        learning = None if rule.frozen is None else np.where(rule.frozen[layout.edges], 0.0, 1.0)
        super().__init__(layout.ends, network.n_nodes, held, task.targets.size, rule, rate, learning=learning,
                         threads=threads)

    def put(self, voltages: Floats, difference: Floats, conductances: Floats) -> None:
        """Set v, w (n_nodes,) and G (n_edges,)."""
        layout, state = self.layout, self.state
        state.x[0::2], state.x[1::2] = voltages[layout.nodes], difference[layout.nodes]
        state.g[:] = conductances[layout.edges]

    @property
    def voltages(self) -> Floats:
        """(n_nodes,) v, a copy."""
        return self.state.x[0::2][self.layout.rank]

    @property
    def difference(self) -> Floats:
        """(n_nodes,) w, a copy."""
        return self.state.x[1::2][self.layout.rank]

    @property
    def conductances(self) -> Floats:
        """(n_edges,) G, a copy."""
        g = np.empty_like(self.state.g)
        g[self.layout.edges] = self.state.g
        return g

    def steps(self, count: int, dt: float) -> Floats:
        """Take RK4 steps of dt (1/γp); returns the target voltages after each, (count, n_targets)."""
        trace = np.empty((count, self.n_targets))
        self.march(trace, dt)
        return trace

    def drift(self, voltages: Floats) -> Floats:
        """(n_nodes,) currents -L(dG/dt) V that learning adds per unit of time at fixed voltages (n_nodes,)."""
        currents = np.empty_like(voltages)
        edge_passes.drift(currents, voltages[self.layout.nodes], self.graph, self.state, self.pace(1.0))
        return currents[self.layout.rank]

    def at_targets(self) -> Floats:
        """(2 n_targets,) v and w of the targets in turns."""
        return self.state.x.reshape(-1, 2)[self._targets].ravel()

    def of_targets(self, values: Floats) -> Floats:
        """(n_targets, ...) those of the targets among values of the nodes, (n_nodes, ...)."""
        return values[self.task.targets]
