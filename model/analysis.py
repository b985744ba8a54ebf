"""The Hessians along a training, and the physical Hessian from measured responses (paper 2)."""
from .lazy_names import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "ohmlearn.drivers.analysis.hessians_along_training": ["hessians_along_training"],
    "ohmlearn.solvers.hessian.hessian_trajectory": ["HessianTrajectory", "hessian_trajectory"],
    "ohmlearn.solvers.hessian.responses": ["Responses", "measure_responses"],
})
