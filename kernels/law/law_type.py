"""The law of an edge as a type: a kernel is compiled for one law, and no branch is left in it."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import NativeValue, models, overload, register_model, typeof_impl, unbox
from numpy.typing import NDArray
from ohmlearn.kernels.simd.vectors import at

from .divided_differences import nudges

LAWS: dict[str, Callable[..., Any]] = {}          # the compiled pair laws by name, see `edge_laws`
TANGENTS: dict[str, Callable[..., Any]] = {}      # current and derivatives, of those that have them written out


class LawName:
    """The name of a law, as a value that kernels take: all that it carries is its type."""

    def __init__(self, name: str) -> None:
        if name not in LAWS:
            raise ValueError(f"there is no law {name!r} of an edge; known are {', '.join(sorted(LAWS))}")
        self.name = name

    def __repr__(self) -> str:
        return f"LawName({self.name!r})"


class LawType(types.Opaque):
    """Numba type of a law's name."""

    def __init__(self, law: str) -> None:
        self.law = law
        super().__init__(name=f"Law({law})")


register_model(LawType)(models.OpaqueModel)


@typeof_impl.register(LawName)
def _typeof(value: LawName, context: Any) -> LawType:
    return LawType(value.name)


@unbox(LawType)
def _unbox(kind: Any, value: Any, context: Any) -> NativeValue:
    return NativeValue(context.context.get_dummy_value())


class EdgeLaw(NamedTuple):
    """Edges of one law. name : LawName. rows : (n_parameters, lanes), or with stride n_parameters one set an edge,
    (n_parameters n_edges, lanes). stride : 0 where all edges share the parameters."""

    name: LawName
    rows: NDArray[np.float64]
    stride: int


class MixedLaw(NamedTuple):
    """Edges of several laws. which : (n_edges,) int32, 0 where an edge obeys `first`, else it obeys `rest`, an EdgeLaw
    or another MixedLaw."""

    which: NDArray[np.int32]
    first: EdgeLaw
    rest: Any


def pair(law, j, u, a, b, e):
    """Current of edge j from its first to its second node, as a pair, in kernels."""
    raise NotImplementedError


@overload(pair, jit_options={"forceinline": True, "error_model": "numpy"})
def _pair(law, j, u, a, b, e):
    if "which" in law.fields:
        def mixed(law, j, u, a, b, e):
            if at(law.which, j) == 0:
                return pair(law.first, j, u, a, b, e)
            return pair(law.rest, j, u, a, b, e)
        return mixed
    function = LAWS[law.types[0].law]

    def single(law, j, u, a, b, e):
        return function((law.rows, law.stride * j), u, a, b, e)
    return single


def tangent(law, j, u, a, b, kept):
    """Current of edge j at the voltages a and b of its nodes, its derivatives by them, and what is to be kept of it for
    the next call, in kernels. A law with inner unknowns gives the current linear about what is kept."""
    raise NotImplementedError


@overload(tangent, jit_options={"forceinline": True, "error_model": "numpy"})
def _tangent(law, j, u, a, b, kept):
    if "which" in law.fields:
        def mixed(law, j, u, a, b, kept):
            if at(law.which, j) == 0:
                return tangent(law.first, j, u, a, b, kept)
            return tangent(law.rest, j, u, a, b, kept)
        return mixed
    name = law.types[0].law
    if name in TANGENTS:
        written_out = TANGENTS[name]

        def own(law, j, u, a, b, kept):
            return written_out((law.rows, law.stride * j), u, a, b, kept)
        return own

    def by_pairs(law, j, u, a, b, kept):
        zero = 0.0 * u
        e = nudges(zero)
        current, by_a = pair(law, j, (u, zero), (a, zero + 1.0), (b, zero), e)
        return current, by_a, pair(law, j, (u, zero), (a, zero), (b, zero + 1.0), e)[1], kept
    return by_pairs
