"""The quasistatic limit of coupled learning in one large network: G alone moves, v and w follow at once."""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.large import edge_passes
from ohmlearn.network import Network
from ohmlearn.rule import Rule
from ohmlearn.solvers.equilibrium.equilibrium import Equilibrium
from ohmlearn.solvers.equilibrium.node_order import Layout
from ohmlearn.task import Task

Floats = NDArray[np.float64]
WANTED = 1e-3  # the local error of a step of G over the step, at tolerance 1e-3
FIRST = 0.1    # the first step, over the sum of the rates of learning


class FlowSteps:
    """dG/ds = -a Δw (2 Δv + η Δw) with v and w in equilibrium (paper 1, Eq. 1), s in training steps, of some edges.

    One factor serves both: with ψ = L_FF⁻¹ E_T (one solve a target) and the target–target conductance
    K = (E_Tᵀ ψ)⁻¹, the clamped difference is w = φ δ, φ = ψ K, δ = V_T - v_T: no second factorisation. The same φ, ψ
    give the stiff part of the Jacobian, -U Qᵀ with U_t = 2 a Δv Δφ_t and Q_t = Δv Δψ_t. Steps are exponential
    (two-step, order 2): exact in that part, explicit in the rest. Their length follows from the local error.

    ends : (e, 2) rows of the ends of the edges in the fields that `in_order` gives. learning : (e,) factors of dG/ds,
    or None. A subclass solves, and adds up what it and others have of the edges.
    """

    def __init__(self, ends: NDArray[np.uint32], task: Task, rule: Rule, learning: Floats | None) -> None:
        self.ends, self.task, self._learning = ends, task, learning
        self._rule = (rule.prefactor, rule.nudge, rule.floor, np.inf if rule.ceiling is None else rule.ceiling)
        self._held = np.zeros((task.sources.size, 1 + task.targets.size))
        self._held[:, 0] = task.source_voltages
        self._solved: Floats | None = None
        self._trend: Floats | None = None
        self.n_steps = 0

    def solve(self, guess: Floats | None) -> Floats:
        """(nodes, 1 + n_targets) v and ψ of every target at the present G."""
        raise NotImplementedError

    def forget(self) -> None:
        """Drop what the solver keeps."""
        raise NotImplementedError

    def of_targets(self, values: Floats) -> Floats:
        """(n_targets, ...) the targets' among values of the nodes (nodes, ...)."""
        return values[self.task.targets]

    def in_order(self, fields: Floats) -> Floats:
        """Values of the nodes (nodes, ...) in the order that `ends` numbers."""
        return fields

    def added_up(self, sums: Floats) -> Floats:
        """Sums over the edges, from those over the edges that are here."""
        return sums

    @property
    def conductances(self) -> Floats:
        """G of all edges that the solver wants, a copy."""
        raise NotImplementedError

    def start(self, g: Floats) -> None:
        """Start at G (e,) of the edges that `ends` lists."""
        self.g = g
        self._moved = np.empty_like(g)
        self._before, self._change = np.zeros((2, g.size)), np.zeros_like(g)
        self._length = 0.0
        self._solved = self._trend = None
        self.evaluate(0.0)

    def refresh(self) -> None:
        """Evaluate anew from nothing but the state, which then decides all bits."""
        self.forget()
        self._solved = self._trend = None
        self.evaluate(0.0)

    def saved(self) -> dict[str, Floats]:
        """The state, as `restore` takes it."""
        return {"g": self.g, "before": self._before, "change": self._change, "length": np.array(self._length)}

    def restore(self, state: dict[str, Floats]) -> None:
        """Go on from a saved state."""
        self.g, self._before, self._change = state["g"], state["before"], state["change"]
        self._length = float(state["length"])
        self._moved = np.empty_like(self.g)
        self.refresh()

    def evaluate(self, length: float) -> None:
        """v, ψ, w, δ and dδ/ds at the present G, a step of `length` after the last evaluation."""
        guess = None if self._solved is None else self._solved + (0.0 if self._trend is None else length * self._trend)
        solved = self.solve(guess)
        if self._solved is not None and length > 0:
            self._trend = (solved - self._solved) / length
        self._solved = solved
        self.voltages, psi = solved[:, 0], solved[:, 1:]
        at_targets = self.of_targets(solved)
        self.delta = self.task.target_voltages - at_targets[:, 0]
        stiffness = np.linalg.inv(at_targets[:, 1:])
        phi = psi @ stiffness
        self.difference = phi @ self.delta
        count = self.delta.size
        fields = self.in_order(np.column_stack([self.voltages, phi, psi, self.difference]))
        self._fields = np.ascontiguousarray(fields)
        rates, along = np.empty((count, count + 2)), np.empty(count)
        edge_passes.project(rates, self._moved, along, self.ends, self.g, self._fields, self._before, self._learning,
                            self._rule)
        sums = self.added_up(np.append(rates, along))
        self._rates, self._along = sums[:-count].reshape(rates.shape), sums[-count:]

    @property
    def slope(self) -> Floats:
        """(n_targets,) dδ/ds."""
        return self._rates[:, -2]

    @property
    def first_length(self) -> float:
        """A first step, from the sum of the rates at which the target errors decay."""
        return FIRST / max(float(np.trace(self._rates[:, :-2])), 1e-300)

    def step(self, length: float, tolerance: float) -> tuple[float, float]:
        """Move G by `length` training steps, and evaluate; returns the length taken (0: taken back) and the next."""
        new = np.empty_like(self.g)
        edge_passes.move(new, self.ends, self.g, self._fields, self._moved, self._change, self._plan(length),
                         self._learning, self._rule)
        self._before[0], self._before[1] = self._moved, self.g
        self.g = new
        stretch = length / self._length if self._length > 0 else 0.0
        self.evaluate(length)
        self.n_steps += 1
        off, size = self.added_up(np.array(edge_passes.turn(
            self._change, self.ends, self._fields, self._before, self._moved, self.g, self._along, stretch,
            self._learning, self._rule)))
        # local errors of the first step, exponential Euler, and of the later ones, two-step Adams
        fraction, order = (5 / 12, 3) if stretch > 0 else (0.5, 2)
        error = fraction * length * float(np.sqrt(off / max(size, 1e-300)))
        wanted = WANTED * tolerance / 1e-3
        following = length * float(np.clip(0.9 * (wanted / max(error, 1e-300)) ** (1 / order), 0.2, 2.0))
        if not error <= 10 * wanted and length > 1e-9:
            self.take_back()
            return 0.0, following if np.isfinite(error) else 0.2 * length
        self._length = length
        return length, following

    @property
    def g_before(self) -> Floats:
        """(e,) G where the last step began."""
        return self._before[1]

    def take_back(self) -> None:
        """Take the last step back, and begin anew from there."""
        self.g = self._before[1].copy()
        self._length = 0.0
        self._change[:] = 0.0
        self._trend = None
        self.evaluate(0.0)

    def _plan(self, h: float) -> Floats:
        """What `edge_passes.move` needs: φ2, φ3 of -hA applied to what learning does along Q."""
        count = self.delta.size
        a, pushed, turned = self._rates[:, :count], self._rates[:, count], self._rates[:, count + 1]
        second, third = _phi(-h * a)
        plan = np.zeros((2, count + 1))
        plan[0, :count] = h * h * (second @ pushed)
        plan[0, count] = h
        if self._length > 0:
            plan[1, :count] = h * (third @ (turned + a @ self._along))
            plan[1, count] = h * h / self._length
        return plan


class QuasistaticFlow(FlowSteps):
    """The flow of a network that one process holds: G begins and is given in the network's order of edges."""

    def __init__(self, network: Network, task: Task, rule: Rule, method: str = "auto", rtol: float = 1e-10, *,
                 threads: int | None = None) -> None:
        task.require_nodal("quasistatic training of a large network")
        self.network, self.layout = network, Layout.of(network)
        self.circuit = Equilibrium(network, task.sources, method, rtol, threads=threads)
        learning = None if rule.frozen is None else np.where(rule.frozen[self.layout.edges], 0.0, 1.0)
        super().__init__(self.layout.ends, task, rule, learning)
        count = task.targets.size
        self._currents = np.zeros((network.n_nodes, 1 + count))
        self._currents[task.targets, 1 + np.arange(count)] = 1.0

    def begin(self, conductances: Floats) -> None:
        """Start at (n_edges,) conductances."""
        self.start(np.ascontiguousarray(conductances[self.layout.edges]))

    def solve(self, guess: Floats | None) -> Floats:
        return self.circuit.solve(self.conductances, self._held, self._currents, start=guess)

    def forget(self) -> None:
        self.circuit.forget()

    def in_order(self, fields: Floats) -> Floats:
        return fields[self.layout.nodes]

    @property
    def conductances(self) -> Floats:
        """(n_edges,) G, a copy."""
        g = np.empty_like(self.g)
        g[self.layout.edges] = self.g
        return g


def _phi(z: Floats) -> tuple[Floats, Floats]:
    """φ2(z) and φ3(z) of a small matrix, φ_k(z) = Σ z^n / (n + k)!, from one exponential of a block matrix."""
    from scipy.linalg import expm

    n = len(z)
    block = np.zeros((4 * n, 4 * n))
    block[:n, :n] = z
    for k in range(3):
        block[k * n:(k + 1) * n, (k + 1) * n:(k + 2) * n] = np.eye(n)
    full = expm(block)
    return full[:n, 2 * n:3 * n], full[:n, 3 * n:]
