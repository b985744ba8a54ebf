"""Soft modes of a network, and what they tell of the task that it has learned (paper 2)."""
from .lazy_names import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "ohmlearn.solvers.equilibrium.modes": ["Modes", "soft_modes"],
    "ohmlearn.solvers.hessian.soft_mode": ["SoftApproximation", "SoftMode", "soft_approximation", "soft_mode"],
})
