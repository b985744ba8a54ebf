"""Soft modes of a network, and what they tell of the task that it has learned (paper 2)."""
from ohmlearn.solvers.equilibrium.modes import Modes, soft_modes
from ohmlearn.solvers.hessian.soft_mode import SoftApproximation, SoftMode, soft_approximation, soft_mode

__all__ = ["Modes", "SoftApproximation", "SoftMode", "soft_approximation", "soft_mode", "soft_modes"]
