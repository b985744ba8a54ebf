"""The law of an edge as a type: a kernel is compiled for one law, and no branch is left in it."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import NativeValue, models, register_model, typeof_impl, unbox
from numpy.typing import NDArray
from ohmlearn.kernels.simd.jit import chosen, inline
from ohmlearn.kernels.simd.vectors import at

from .divided_differences import nudges

LAWS: dict[str, Callable[..., Any]] = {}          # the compiled pair laws by name, see `edge_laws`
TANGENTS: dict[str, Callable[..., Any]] = {}      # current and derivatives, of those that have them written out


ANY = "any"     # a law that is not known when a kernel is compiled, which then calls others through addresses


class LawName:
    """The names of the laws that edges obey, as a value that kernels take: all that it carries is its type."""

    def __init__(self, *names: str) -> None:
        for name in names:
            if name not in LAWS and name != ANY:
                raise ValueError(f"there is no law {name!r} of an edge; known are {', '.join(sorted(LAWS))}")
        self.names = names

    def __repr__(self) -> str:
        return f"LawName({', '.join(map(repr, self.names))})"


class LawType(types.Opaque):
    """Numba type of a LawName."""

    def __init__(self, laws: tuple[str, ...]) -> None:
        self.laws = laws
        super().__init__(name=f"Law({', '.join(laws)})")


register_model(LawType)(models.OpaqueModel)


@typeof_impl.register(LawName)
def _typeof(value: LawName, context: Any) -> LawType:
    return LawType(value.names)


@unbox(LawType)
def _unbox(kind: Any, value: Any, context: Any) -> NativeValue:
    return NativeValue(context.context.get_dummy_value())


class EdgeLaw(NamedTuple):
    """The laws of the edges of a network, with their parameters.

    name : names of the laws. which : (n_edges,) int32, number of the law of every edge. begin, stride : (n_laws,) where
    in `rows` the parameters of a law begin, and how far those of an edge are from those of the one before: 0 where all
    edges share them. rows : (n_rows, lanes) parameters, or (n_rows,) of one network.
    """

    name: LawName
    which: NDArray[np.int32]
    begin: NDArray[np.int64]
    stride: NDArray[np.int64]
    rows: NDArray[np.float64]


@inline
def place(law, k, j):
    """Where the parameters of edge j are, which obeys law number k."""
    return law.rows, at(law.begin, k) + at(law.stride, k) * j


def pair(law, j, u, a, b, e):
    """Current of edge j from its first to its second node, as a pair, in kernels."""
    raise NotImplementedError


def tangent(law, j, u, a, b, kept):
    """Current of edge j at the voltages a and b of its nodes, its derivatives by them and by what learns, and what is
    to be kept of it for the next call, in kernels. A law with inner unknowns gives the current linear about what is
    kept."""
    raise NotImplementedError


def _chain(find: Callable[[str], Callable[..., Any]], names: Sequence[str], k: int = 0) -> Callable[..., Any]:
    """What find(name) computes of an edge that obeys law number k or a later one."""
    function = find(names[k])

    def this(law, j, u, a, b, more):
        return function(place(law, k, j), u, a, b, more)
    if k + 1 == len(names):
        return this
    others = inline(_chain(find, names, k + 1))

    def one_of(law, j, u, a, b, more):
        if at(law.which, j) == k:
            return function(place(law, k, j), u, a, b, more)
        return others(law, j, u, a, b, more)
    return one_of


def _tangent_of(name: str) -> Callable[..., Any]:
    """Current and derivatives of a law, written out or by its pairs."""
    if name in TANGENTS:
        return TANGENTS[name]
    law = LAWS[name]

    def by_pairs(p, u, a, b, kept):
        zero = 0.0 * u
        e = nudges(zero)
        current, by_a = law(p, (u, zero), (a, zero + 1.0), (b, zero), e)
        by_b = law(p, (u, zero), (a, zero), (b, zero + 1.0), e)[1]
        return current, by_a, by_b, law(p, (u, zero + 1.0), (a, zero), (b, zero), e)[1], kept
    return inline(by_pairs)


@chosen(pair)
def _pair(law, j, u, a, b, e):
    return _chain(LAWS.__getitem__, law.types[0].laws)


@chosen(tangent)
def _tangent(law, j, u, a, b, kept):
    return _chain(_tangent_of, law.types[0].laws)
