"""Laws of edges: linear resistors, diodes and transistors, and others of your own."""
from .laws import NMOS, Cubic, Diode, EdgeLaw, IdealDiode, Linear, Offset, PerEdge, Sinh

__all__ = ["NMOS", "Cubic", "Diode", "EdgeLaw", "IdealDiode", "Linear", "Offset", "PerEdge", "Sinh"]
