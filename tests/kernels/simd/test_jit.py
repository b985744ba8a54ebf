"""Kernels that kernels call: parts of theirs, without code of their own; and that Python calls: the same numbers."""
import numpy as np
import pytest
from numba.core.errors import NumbaError
from ohmlearn.kernels.simd.jit import Part, inline, inner, kernel


@inline
def weighted(x, factor):
    return factor * x + 0.1


@inner
def total(values, factor):
    found = 0.0
    for i in range(values.size):
        found += weighted(values[i], factor)
    return found


@kernel
def totals(values, factors):
    found = np.empty(factors.size)
    for k in range(factors.size):
        found[k] = total(values, factors[k])
    return found


@inner
def makes_an_array(n):
    return np.zeros(n).size


@kernel
def asks_for_an_array(n):
    return makes_an_array(n)


def test_parts_have_no_code_of_their_own_and_give_the_same_bits():
    values, factors = np.random.default_rng(0).normal(size=37), np.linspace(-2.0, 2.0, 9)
    found = totals(values, factors)
    assert total.overloads == {}                # Python has not called it
    each = [total(values, factor) for factor in factors]
    assert np.array_equal(found, each)
    assert np.array_equal(found, [sum(factor * x + 0.1 for x in values.tolist()) for factor in factors.tolist()])
    own = [overload.library for overload in (*totals.overloads.values(), *total.overloads.values())]
    assert len(own) == 2
    linked = [library for whole in own for library in whole._linking_libraries]
    assert {type(library) for library in linked if "total" in library.name or library.name == "part"} == {Part}
    assert not any(isinstance(library, Part) for library in own)


def test_kernels_that_make_arrays_are_no_inner_ones():
    with pytest.raises(NumbaError, match="Only accept returning of array"):
        asks_for_an_array(3)
