"""The Hessians along a training, the physical Hessian from measured responses (paper 2), and tasks in turn."""
from ohmlearn.drivers.analysis.hessians_along_training import hessians_along_training as hessians_along_training
from ohmlearn.drivers.analysis.tasks_in_turn import TasksInTurn as TasksInTurn
from ohmlearn.drivers.analysis.tasks_in_turn import tasks_in_turn as tasks_in_turn
from ohmlearn.solvers.hessian.hessian_trajectory import HessianTrajectory as HessianTrajectory
from ohmlearn.solvers.hessian.hessian_trajectory import hessian_trajectory as hessian_trajectory
from ohmlearn.solvers.hessian.responses import Responses as Responses
from ohmlearn.solvers.hessian.responses import measure_responses as measure_responses

__all__: list[str]
