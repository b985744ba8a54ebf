"""Learning rules: coupled learning and its variants, gradient flow, and updates in discrete steps."""
from ohmlearn.discrete import Discrete
from ohmlearn.rule import GradientFlow, Rule

from .variants import directed_aging, equilibrium_propagation

__all__ = ["Discrete", "GradientFlow", "Rule", "directed_aging", "equilibrium_propagation"]
