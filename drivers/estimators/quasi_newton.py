"""The mean cost over samples minimised over conductances within bounds, by a quasi-Newton method (L-BFGS-B).

A linear network is a matrix W(G) from held voltages to outputs, and samples enter through their second moments alone.
So a step takes one factorisation, and products of matrices as large as there are edges, features and outputs.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ohmlearn.outputs import output_matrix, read_outputs

from .wiring import Array, Wiring

MEMORY = 20             # steps that the estimate of the Hessian is made of


@dataclass(frozen=True, eq=False)
class Minimum:
    """conductances : (n_edges,) in G₀. cost : in V². status, reason : how the search ended, in words."""

    conductances: Array
    cost: float
    status: str
    reason: str


class MeanCost:
    """C = ½ Σ |W held - desired|² over samples, features (n, n_features + 1) and desired (n, n_outputs), as a function
    of the conductances."""

    def __init__(self, wiring: Wiring, features: Array, desired: Array) -> None:
        network = wiring.network
        held = features @ wiring.drive.T
        self.moments, self.mixed, self.rest = held.T @ held, desired.T @ held, float(np.sum(desired**2))
        self.held = np.array(wiring.sources)
        self.free = np.setdiff1d(np.arange(network.n_nodes), self.held)
        self.first, self.second = network.edges.T
        self.nodes = network.n_nodes
        self.read = output_matrix(read_outputs(list(wiring.outputs)), network.n_nodes).toarray()

    def __call__(self, g: Array) -> tuple[float, Array]:
        """The cost in V² and its gradient (n_edges,) at conductances g > 0."""
        from scipy.linalg import cho_factor, cho_solve

        n, a, b = self.nodes, self.first, self.second
        laplacian = np.zeros((n, n))
        np.add.at(laplacian, (a, b), -g)
        laplacian += laplacian.T
        laplacian[np.arange(n), np.arange(n)] = -laplacian.sum(axis=1)
        factor = cho_factor(laplacian[np.ix_(self.free, self.free)])
        response, adjoint = np.zeros((n, self.held.size)), np.zeros((n, len(self.read)))
        response[self.held, np.arange(self.held.size)] = 1.0
        response[self.free] = -cho_solve(factor, laplacian[np.ix_(self.free, self.held)])
        adjoint[self.free] = cho_solve(factor, self.read[:, self.free].T)
        outputs = self.read @ response
        weighed = outputs @ self.moments
        cost = 0.5 * float(np.sum(outputs * (weighed - 2 * self.mixed)) + self.rest)
        through = response @ (weighed - self.mixed).T
        return cost, -np.sum((adjoint[a] - adjoint[b]) * (through[a] - through[b]), axis=1)


def minimise(wiring: Wiring, features: Array, desired: Array, conductances: Array, floor: float, ceiling: float,
             max_steps: int) -> Minimum:
    """The least mean cost that is found from given (n_edges,) conductances within `max_steps` steps."""
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):      # matrices are small: threads of BLAS would wait for each other, and other programs
        end = minimize(MeanCost(wiring, features, desired), conductances, jac=True, method="L-BFGS-B",
                       bounds=[(floor, ceiling)] * conductances.size,
                       options={"maxiter": max_steps, "maxfun": 4 * max_steps, "maxcor": MEMORY, "ftol": 1e-14,
                                "gtol": 1e-12})
    return Minimum(end.x, float(end.fun), "out of time" if end.nit >= max_steps else "reached",
                   f"C = {end.fun:.3g} V² after {end.nit} steps")
