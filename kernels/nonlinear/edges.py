"""What a block of lanes with nonlinear edges has besides its graph."""
from typing import NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray
from ohmlearn.kernels.law.law_type import EdgeLaw
from ohmlearn.kernels.simd.jit import chosen
from ohmlearn.kernels.simd.vectors import fma, load, store

from .newton import Newton


class Pull(NamedTuple):
    """A clamp that pulls in place of holding: a current rate (desired - v - share w) enters w.

    rate, desired : (n_nodes, lanes), 0 at nodes that are no targets. share : (1, lanes). leak, inject :
    (n_nodes, lanes) scratch, what leaks from w and what enters it where v does not move.
    """

    rate: NDArray[np.float64]
    desired: NDArray[np.float64]
    share: NDArray[np.float64]
    leak: NDArray[np.float64]
    inject: NDArray[np.float64]


class Nonlinear(NamedTuple):
    """law : the laws of the edges, of the name ANY in the block. leak : (n_nodes, lanes) conductances to ground.
    nothing : (n_nodes, lanes) zeros, currents that are injected. pull : None where targets are held.
    low, high : (n_edges,) bounds of what learns, high None where there are no upper ones. factor : (n_edges,) of the
    rate, 0 where an edge does not learn, or None where all do. newton : work space. v, w : (n_nodes, lanes) scratch for
    equilibria. current : (2 n_edges, lanes) currents of a stage and their divided differences. eta : (1, lanes).
    entries : (ENTRIES,) addresses of the kernels that know the laws, see `ensemble.nonlinear_step`.
    """

    law: EdgeLaw
    leak: NDArray[np.float64]
    nothing: NDArray[np.float64]
    pull: Pull | None
    low: NDArray[np.float64]
    high: NDArray[np.float64] | None
    factor: NDArray[np.float64] | None
    newton: Newton
    v: NDArray[np.float64]
    w: NDArray[np.float64]
    current: NDArray[np.float64]
    eta: NDArray[np.float64]
    entries: NDArray[np.int64]


def has(edges, name):
    """Whether a Nonlinear of this type has a field that may be None; for overloads."""
    return not isinstance(edges.types[edges.fields.index(name)], types.NoneType)


def highest(edges, j):
    """Upper bound of what edge j learns, None where no edge has one, in kernels."""
    raise NotImplementedError


@chosen(highest)
def _highest(edges, j):
    if not has(edges, "high"):
        return lambda edges, j: None
    return lambda edges, j: load(edges.high, j)


def pulled(edges, a, v, w, flow):
    """`flow` into w at node a, and what a pulling clamp adds, in kernels."""
    raise NotImplementedError


@chosen(pulled)
def _pulled(edges, a, v, w, flow):
    if not has(edges, "pull"):
        return lambda edges, a, v, w, flow: flow

    def by_current(edges, a, v, w, flow):
        pull = edges.pull
        return fma(load(pull.rate, a), load(pull.desired, a) - fma(load(pull.share, 0), w, v), flow)
    return by_current


def leak_of_w(edges, a):
    """Conductance to ground of w at node a, in kernels."""
    raise NotImplementedError


@chosen(leak_of_w)
def _leak_of_w(edges, a):
    if not has(edges, "pull"):
        return lambda edges, a: load(edges.leak, a)
    return lambda edges, a: fma(load(edges.pull.rate, a), load(edges.pull.share, 0), load(edges.leak, a))


def surroundings_of_w(edges, errors):
    """Leaks of w, and currents into it at edges.v or, where errors (n_nodes, lanes) of the targets are given, at these,
    in kernels."""
    raise NotImplementedError


@chosen(surroundings_of_w)
def _surroundings_of_w(edges, errors):
    if not has(edges, "pull"):
        return lambda edges, errors: (edges.leak, edges.nothing)

    def by_current(edges, errors):
        pull = edges.pull
        for a in range(edges.v.shape[0]):
            store(pull.leak, a, leak_of_w(edges, a))
            error = load(pull.desired, a) - load(edges.v, a) if errors is None else load(errors, a)
            store(pull.inject, a, load(pull.rate, a) * error)
        return pull.leak, pull.inject
    return by_current
