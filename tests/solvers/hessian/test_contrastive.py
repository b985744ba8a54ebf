"""The Hessian of the contrastive function against differences of the two powers, and where it is Jᵀ K J."""
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from ohmlearn.network import Network
from ohmlearn.solvers.hessian.circuit import voltages
from ohmlearn.solvers.hessian.contrastive import contrastive_hessian
from ohmlearn.solvers.hessian.hessian import hessian
from ohmlearn.task import Task

Array = NDArray[np.float64]
NET = Network.delaunay(20, seed=1)
TASK = Task.allosteric(NET, 4, 3, seed=2)
G = np.random.default_rng(0).uniform(0.5, 1.5, NET.n_edges)


def contrast(clamped: Task) -> Callable[[Array], Array]:
    """∂(P^C - P^F)/∂G = ½ (Δv^C)² - ½ (Δv^F)², with `clamped` holding the targets too."""
    a, b = NET.edges.T

    def gradient(g: Array) -> Array:
        drops = [v[a] - v[b] for v in (voltages(NET, clamped, g), voltages(NET, TASK, g))]
        return 0.5 * (drops[0] ** 2 - drops[1] ** 2)

    return gradient


def test_against_differences_of_the_powers() -> None:
    held = np.append(TASK.sources, TASK.targets)
    clamped = Task(sources=held, source_voltages=np.append(TASK.source_voltages, TASK.target_voltages),
                   targets=np.setdiff1d(np.arange(NET.n_nodes), held)[:1], target_voltages=[0.0])
    gradient = contrast(clamped)
    h = contrastive_hessian(NET, TASK, G)
    x, step = np.random.default_rng(1).standard_normal(NET.n_edges), 1e-5
    np.testing.assert_allclose((gradient(G + step * x) - gradient(G - step * x)) / (2 * step), h @ x, rtol=1e-6,
                               atol=1e-9)
    np.testing.assert_allclose(h, h.T, atol=1e-14)


def test_at_a_solution_it_is_the_gradients_weighted_by_the_conductance_between_targets() -> None:
    """With one target, K is a number: 2JᵀJ and the contrastive Hessian are one but for a factor."""
    one = Task(sources=TASK.sources, source_voltages=TASK.source_voltages, targets=TASK.targets[:1],
               target_voltages=voltages(NET, TASK, G)[TASK.targets[:1]])
    h, cost = contrastive_hessian(NET, one, G), hessian(NET, one, G)
    stiffness = 1 / cost.responses[0, one.targets[0]]
    np.testing.assert_allclose(h, stiffness * cost.satisfied(), atol=1e-12)
    assert np.linalg.eigvalsh(h)[-2] == pytest.approx(0.0, abs=1e-12)
