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
from ohmlearn.solvers.equilibrium.node_order import Layout
from ohmlearn.task import Task

Floats = NDArray[np.float64]


class Stepper:
    """The state (v, w, G) of one network and its time steps. Arrays go in and out in the user's numbering.

    rate : R, with the rule's prefactor a R; threads : at most; fewer where edges reach too far for a pipeline.
    """

    def __init__(self, network: Network, task: Task, rule: Rule, rate: float, threads: int = 1) -> None:
        task.require_nodal("stepping a large network")
        self.network, self.rule = network, rule
        self.rate = rule.prefactor * rate
        self.layout = layout = Layout.of(network)
        n, m = network.n_nodes, network.n_edges
        held_places = layout.rank[np.append(task.sources, task.targets)].astype(np.int64)
        order = np.argsort(held_places)
        target = np.append(np.full(task.sources.size, -1), np.arange(task.targets.size))[order]
        marked = held_places[order]
        marks = np.searchsorted(marked, np.append(np.arange(0, n, BLOCK), n))
        learning = None if rule.frozen is None else np.where(rule.frozen[layout.edges], 0.0, 1.0)
        # a pipeline of stages wants room ahead; else stage after stage runs through all blocks
        self.in_turn = 4 * layout.lag >= layout.n_blocks
        lag = layout.n_blocks if self.in_turn else layout.lag
        self.graph = Graph(layout.ends, layout.starts, lag, marked, target, marks, learning)
        self.state = State(np.zeros(2 * n), np.zeros(2 * n), np.ones(m), np.zeros(m))
        self.threads = 1 if self.in_turn else max(1, min(threads, layout.n_blocks // (4 * lag + 1)))
        ring = 2 * BLOCK * (1 << int(min(lag, layout.n_blocks - 1)).bit_length())
        self._rings = np.zeros((self.threads, 1 if self.in_turn else 4, ring))
        self._drops = np.empty((self.threads, 2 * int(np.diff(layout.starts).max())))
        self._targets, self.n_targets = task.targets, task.targets.size

    def put(self, voltages: Floats, difference: Floats, conductances: Floats) -> None:
        """Set v, w (n_nodes,) and G (n_edges,)."""
        layout, state = self.layout, self.state
        state.x[0::2], state.x[1::2] = voltages[layout.nodes], difference[layout.nodes]
        state.g[:] = conductances[layout.edges]
        state.qx[:], state.qg[:] = 0.0, 0.0

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

    def pace(self, dt: float) -> Pace:
        rule = self.rule
        fall = dt * rule.floor_rate if rule.floor_mode == "relax" else AT_ONCE
        return Pace(dt, -dt * self.rate, rule.nudge, fall, rule.floor, np.inf if rule.ceiling is None else rule.ceiling)

    def steps(self, count: int, dt: float) -> Floats:
        """Take RK4 steps of dt (1/γp); returns the target voltages after each, (count, n_targets)."""
        trace = np.empty((count, self.n_targets))
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
        return trace

    def bounds(self) -> tuple[float, float]:
        """Upper bounds of λ_max(L_FF) and of the square of the learning frequency over 2 a R."""
        relaxation, learning = edge_passes.fastest(self.graph, self.state, self.state.qx)
        return float(relaxation), float(learning)

    def drift(self, voltages: Floats) -> Floats:
        """(n_nodes,) currents -L(dG/dt) V that learning adds per unit of time at fixed voltages (n_nodes,)."""
        currents = np.empty_like(voltages)
        edge_passes.drift(currents, voltages[self.layout.nodes], self.graph, self.state, self.pace(1.0))
        return currents[self.layout.rank]

    def at_targets(self) -> Floats:
        """(2 n_targets,) v and w of the targets in turns."""
        pairs = self.state.x.reshape(-1, 2)[self.layout.rank[self._targets]]
        return pairs.ravel()

    def clamp(self, wanted: Floats) -> None:
        """w_T = V_T - v_T, exactly, against the rounding of many steps; wanted : (n_targets,)."""
        place = 2 * self.layout.rank[self._targets]
        self.state.x[place + 1] = wanted - self.state.x[place]
