"""Laws of edges: linear resistors, diodes and transistors; equilibria, gradients and training of such circuits."""
from ohmlearn.drivers.circuits.train_chips import Chips as Chips
from ohmlearn.drivers.circuits.train_chips import train_chips as train_chips
from ohmlearn.solvers.nonlinear.check_law import check_law as check_law
from ohmlearn.solvers.nonlinear.differentiable import Pulled as Pulled
from ohmlearn.solvers.nonlinear.differentiable import voltages_vjp as voltages_vjp
from ohmlearn.solvers.nonlinear.equilibrium import NonlinearEquilibrium as NonlinearEquilibrium
from ohmlearn.solvers.nonlinear.fit_law import fit_law as fit_law
from ohmlearn.solvers.nonlinear.fit_law import simulate_measurements as simulate_measurements
from ohmlearn.solvers.nonlinear.gradients import CostGradient as CostGradient
from ohmlearn.solvers.nonlinear.gradients import cost_gradient as cost_gradient
from ohmlearn.solvers.nonlinear.jax_voltages import jax_voltages as jax_voltages
from ohmlearn.solvers.nonlinear.law_fit import LawFit as LawFit
from ohmlearn.solvers.nonlinear.responses import OutputResponses as OutputResponses
from ohmlearn.solvers.nonlinear.responses import differential_conductances as differential_conductances
from ohmlearn.solvers.nonlinear.responses import output_responses as output_responses
from ohmlearn.solvers.nonlinear.torch_voltages import torch_voltages as torch_voltages

from .laws import NMOS as NMOS
from .laws import Cubic as Cubic
from .laws import Diode as Diode
from .laws import IdealDiode as IdealDiode
from .laws import Linear as Linear
from .laws import Offset as Offset
from .laws import PerEdge as PerEdge
from .laws import Sinh as Sinh
from .measurements import Measurements as Measurements
from .own import Own as Own

__all__: list[str]
