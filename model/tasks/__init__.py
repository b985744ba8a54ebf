"""Tasks beyond one sample of held and target nodes: nonlinear outputs, several samples, task files, whether
any conductances give a task."""
from ohmlearn.io.task_toml import read_tasks, write_tasks
from ohmlearn.outputs import Constraint
from ohmlearn.solvers.theory.satisfiable import Satisfiable, satisfiable
from ohmlearn.task import Task

from .samples import allosteric_samples

__all__ = ["Constraint", "Satisfiable", "Task", "allosteric_samples", "read_tasks", "satisfiable", "write_tasks"]
