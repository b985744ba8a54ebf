"""The bounds of a conductance: how fast it may fall to its floor or rise to its ceiling, and where it stops.

`fall` is the rate at which G may approach a bound (times dt where slopes are), AT_ONCE where it stops there at once.
A ceiling is None where there is none: then nothing is compiled for it.
"""
from numba import types
from ohmlearn.kernels.simd.jit import chosen, inline
from ohmlearn.kernels.simd.vectors import fma, load, maximum, minimum, where_less

AT_ONCE = 2.0 ** 100        # a power of two: dt times it is exact, in single precision too


def top(ceiling):
    """The ceilings of the lanes, from an array (1, lanes) or None, in kernels."""
    raise NotImplementedError


@chosen(top)
def _top(ceiling):
    return (lambda ceiling: None) if isinstance(ceiling, types.NoneType) else (lambda ceiling: load(ceiling, 0))


@inline
def limited(fall, floor, ceiling, k, g):
    """The slope k, no further down than the floor and no further up than the ceiling allows."""
    k = maximum(fma(-fall, g, fall * floor), k)
    return k if ceiling is None else minimum(fall * (ceiling - g), k)


@inline
def within(floor, ceiling, g):
    """g, or the bound that it is beyond."""
    g = maximum(floor, g)
    return g if ceiling is None else minimum(ceiling, g)


@inline
def resting(floor, ceiling, g, r):
    """Register r of RK4 for a conductance that a stage led to g; 0 beyond its bounds: the rest of the step begins
    there."""
    r = where_less(g, floor, 0.0, r)
    return r if ceiling is None else where_less(ceiling, g, 0.0, r)


@inline
def stopped(fall, floor, ceiling, k, g):
    """The slope k, and 0 where it would bring G to a bound at once."""
    low = where_less(k, fall * (floor - g), 0.0, k)
    return low if ceiling is None else where_less(fall * (ceiling - g), k, 0.0, low)


@inline
def snapped(fall, floor, ceiling, k, g):
    """G, and the bound where the slope k would bring it there at once."""
    low = where_less(k, fall * (floor - g), floor, maximum(floor, g))
    return low if ceiling is None else where_less(fall * (ceiling - g), k, ceiling, minimum(ceiling, low))


@inline
def held(floor, ceiling, k, there, g):
    """g, and the bound where G was on it (there) and its slope k does not lead away."""
    g = where_less(floor, there, g, where_less(0.0, k, g, floor))
    return g if ceiling is None else where_less(there, ceiling, g, where_less(k, 0.0, g, ceiling))
