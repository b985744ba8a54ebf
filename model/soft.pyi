"""Soft modes of a network, and what they tell of the task that it has learned (paper 2)."""
from ohmlearn.solvers.equilibrium.modes import Modes as Modes
from ohmlearn.solvers.equilibrium.modes import soft_modes as soft_modes
from ohmlearn.solvers.hessian.soft_mode import SoftApproximation as SoftApproximation
from ohmlearn.solvers.hessian.soft_mode import SoftMode as SoftMode
from ohmlearn.solvers.hessian.soft_mode import soft_approximation as soft_approximation
from ohmlearn.solvers.hessian.soft_mode import soft_mode as soft_mode

__all__: list[str]
