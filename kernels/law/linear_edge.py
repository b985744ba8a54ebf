"""A linear edge: the current it passes and what it learns from (paper 1, Eqs. 1 and 3).

Another law of an edge stands beside this one, with the same three functions.
"""
from ohmlearn.kernels.simd.jit import inline
from ohmlearn.kernels.simd.vectors import fma, load


@inline
def with_current(g, drop, total):
    """total + G Δv, the current through an edge of conductance G and drop Δv added to others."""
    return fma(g, drop, total)


@inline
def learning(rate, nudge, dv, dw):
    """rate Δw (2 Δv + η Δw): dG/dt at rate = -a R, before noise and bounds."""
    return rate * dw * fma(nudge, dw, dv + dv)


@inline
def learning_of_doubled(twice, half, dv, dw):
    """`learning` at the rate twice / 2 and the nudge 2 half: the same bits, since doubling is exact, and one addition
    less."""
    return twice * dw * fma(half, dw, dv)


@inline
def learning_by_clamp(rate, dv):
    """Derivative of `learning` by Δw at Δw = 0, 2 rate Δv: how stiffly an edge answers to errors at the targets."""
    return 2.0 * rate * dv


@inline
def rate_of_edge(factors, j, rate):
    """The rate of edge j: times its own factor where there are any."""
    return rate if factors is None else rate * load(factors, j)
