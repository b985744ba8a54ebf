"""Networks made by a rule: lattices, random graphs, thinned Delaunay triangulations, jammed packings.

Every name in `__all__` is a function that returns a :class:`ohmlearn.Network`. Sweep files, the command line and the
API pages find it there; :class:`ohmlearn.Network` has a method of the same name for those that come with this package.
"""
from .lattices import grid
from .packings import packing
from .random_graphs import random
from .triangulations import delaunay

__all__ = ["delaunay", "grid", "packing", "random"]
