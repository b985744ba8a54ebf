"""The Hessians along a training, the physical Hessian from measured responses (paper 2), and tasks in turn."""
from .lazy_names import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "ohmlearn.drivers.analysis.hessians_along_training": ["hessians_along_training"],
    "ohmlearn.drivers.analysis.tasks_in_turn": ["TasksInTurn", "tasks_in_turn"],
    "ohmlearn.solvers.hessian.hessian_trajectory": ["HessianTrajectory", "hessian_trajectory"],
    "ohmlearn.solvers.hessian.responses": ["Responses", "measure_responses"],
})
