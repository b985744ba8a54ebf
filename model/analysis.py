"""The Hessians along a training, and the physical Hessian from measured responses (paper 2)."""
from ohmlearn.drivers.analysis.hessians_along_training import hessians_along_training
from ohmlearn.solvers.hessian.hessian_trajectory import HessianTrajectory, hessian_trajectory
from ohmlearn.solvers.hessian.responses import Responses, measure_responses

__all__ = ["HessianTrajectory", "Responses", "hessian_trajectory", "hessians_along_training", "measure_responses"]
