"""Laws of edges: linear resistors, diodes and transistors; equilibria, gradients and training of such circuits."""
from ohmlearn.lazy_names import lazy_names

from .laws import NMOS, Cubic, Diode, IdealDiode, Linear, Offset, PerEdge, Sinh
from .measurements import Measurements
from .own import Own

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "ohmlearn.drivers.circuits.train_chips": ["Chips", "train_chips"],
    "ohmlearn.solvers.nonlinear.check_law": ["check_law"],
    "ohmlearn.solvers.nonlinear.differentiable": ["Pulled", "voltages_vjp"],
    "ohmlearn.solvers.nonlinear.equilibrium": ["NonlinearEquilibrium"],
    "ohmlearn.solvers.nonlinear.fit_law": ["fit_law", "simulate_measurements"],
    "ohmlearn.solvers.nonlinear.gradients": ["CostGradient", "cost_gradient"],
    "ohmlearn.solvers.nonlinear.jax_voltages": ["jax_voltages"],
    "ohmlearn.solvers.nonlinear.law_fit": ["LawFit"],
    "ohmlearn.solvers.nonlinear.responses": ["OutputResponses", "differential_conductances", "output_responses"],
    "ohmlearn.solvers.nonlinear.torch_voltages": ["torch_voltages"],
})
__all__ += ["NMOS", "Cubic", "Diode", "IdealDiode", "Linear", "Measurements", "Offset", "Own", "PerEdge", "Sinh"]
