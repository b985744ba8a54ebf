"""Newton's iteration for one network of nonlinear edges beyond the lanes, with sparse solves."""
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.solvers.not_converged import NotConverged

from .edge_arrays import Derivatives, laws_of

Floats = NDArray[np.float64]
MOST_ITERATIONS, MOST_HALVINGS, RELAXATIONS = 100, 40, 3
CLOSE, MEMORY, SETTLED, FALL = 3e-8, 10, 1e-6, 0.1         # as in kernels/nonlinear/newton.py
ROUNDING = 1e-15        # of the sum of all currents


class LargeNewton:
    """Solver of one column after another. The Jacobian of a law with a co-content is a Laplacian, whose systems go to
    the solver of linear networks where there is one; others go to a sparse LU (SuperLU).

    circuit : :class:`NonlinearEquilibrium` of the network.
    """

    def __init__(self, circuit: Any) -> None:
        self.circuit = circuit
        network = circuit.network
        self.free = np.setdiff1d(np.arange(network.n_nodes), circuit.held)
        symmetric = all(law.symmetric for law in laws_of(circuit.edges)) and not circuit.leak.any()
        self._linear = circuit.linear(network, circuit.held) if symmetric and circuit.linear else None

    def solve(self, values: Floats, held: Floats, currents: Floats, start: Floats, column: int) -> Floats:
        """(n_nodes,) voltages. Raises NotConverged."""
        v = start.copy()
        v[self.circuit.held] = held
        for attempt in range(RELAXATIONS + 1):
            v, found = self._search(values, self._relaxed(values, v, currents) if attempt else v, currents)
            if found:
                return v
        residual, size, _ = self._residual(values, v, currents)
        worst = int(np.argmax(np.abs(residual)))
        raise NotConverged(f"Newton's iteration found no equilibrium of column {column} in {MOST_ITERATIONS} steps; at "
                           f"node {self.circuit.network.label(worst)} a current of {abs(residual[worst]):.1e} is left "
                           f"of {size:.1e} in all: start from another guess")

    def _search(self, values: Floats, v: Floats, currents: Floats) -> tuple[Floats, bool]:
        """Newton's iteration from v with a search on ‖F‖₁: where it ends, and whether that is an equilibrium."""
        residual, size, parts = self._residual(values, v, currents)
        norms: list[float] = []
        for _ in range(MOST_ITERATIONS):
            direction = self._direction(parts, residual)
            norms.append(float(np.abs(residual).sum()))
            moved, norm = float(np.abs(direction).max(initial=0.0)), max(norms[-MEMORY:])
            fraction, before = 1.0, v
            for _ in range(MOST_HALVINGS):
                v = before - fraction * direction
                residual, size, parts = self._residual(values, v, currents)
                now = float(np.abs(residual).sum())
                close = fraction == 1.0 and moved <= CLOSE * float(np.abs(v).max())
                if close or now <= norm * (1 - 1e-4 * fraction) or now <= ROUNDING * size:
                    break
                fraction *= 0.5
            else:
                v = before - direction
                residual, size, parts = self._residual(values, v, currents)
            if close or now <= ROUNDING * size:
                return v, True
        return v, False

    def _relaxed(self, values: Floats, v: Floats, currents: Floats) -> Floats:
        """v after the relaxation dv/dt = -F, by implicit steps that lengthen as it settles."""
        residual, size, parts = self._residual(values, v, currents)
        inverse = float(self.circuit.jacobian(parts).diagonal().max())
        for _ in range(30 * MOST_ITERATIONS):
            step = self._direct(parts, residual, inverse)
            after, size, parts_after = self._residual(values, v - step, currents)
            now = float(np.abs(after).sum())
            if np.abs(after - inverse * step).sum() <= 0.5 * inverse * np.abs(step).sum() or now <= ROUNDING * size:
                fallen = now <= FALL * np.abs(residual).sum()
                v, residual, parts, inverse = v - step, after, parts_after, 0.25 * inverse
                if fallen and np.abs(step).max(initial=0.0) <= SETTLED * np.abs(v).max():
                    break
            else:
                inverse *= 8.0
        return v

    def _residual(self, values: Floats, v: Floats, currents: Floats) -> tuple[Floats, float, Derivatives]:
        """(n_nodes,) current out of every node, 0 at held ones; sum of all currents; derivatives."""
        circuit, (a, b) = self.circuit, self.circuit.network.edges.T
        parts, n = circuit.derivatives(values, v), len(v)
        out = circuit.leak * v - currents
        out += np.bincount(a, parts.current, n) - np.bincount(b, parts.current, n)
        out[circuit.held] = 0.0
        return out, float(np.abs(parts.current).sum() + np.abs(circuit.leak * v).sum() + np.abs(currents).sum()), parts

    def _direction(self, parts: Derivatives, residual: Floats) -> Floats:
        if self._linear is not None:
            found: Floats = self._linear.solve(np.maximum(parts.by_first, 0.0), currents=residual)
            return found
        return self._direct(parts, residual, 0.0)

    def _direct(self, parts: Derivatives, residual: Floats, shift: float) -> Floats:
        """(J + shift)⁻¹ residual."""
        from scipy.sparse import eye_array
        from scipy.sparse.linalg import splu

        direction, free = np.zeros_like(residual), self.free
        jacobian: Any = self.circuit.jacobian(parts)[free][:, free] + shift * eye_array(free.size)
        direction[free] = splu(jacobian.tocsc()).solve(residual[free])
        return direction
