"""Kinds of arguments, checked alike wherever they are given: numbers, whole numbers, yes or no, arrays of numbers.

A value of another kind is an error that names it. Nothing is cast in silence: not True to 1, not "3" to 3, not 2.5 to
2, not a complex number to its real part.
"""
from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from dataclasses import fields
from numbers import Integral, Real
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

F = TypeVar("F", bound=Callable[..., Any])
LARGEST = 2**63 - 1     # of whole numbers: what arrays hold


def plain(value: Any) -> Any:
    """A number out of an array without dimensions, anything else as it is."""
    return value[()] if isinstance(value, np.ndarray) and value.ndim == 0 and value is not np.ma.masked else value


def shown(value: Any) -> str:
    """A value as messages show it, not longer than a line."""
    said = repr(value)
    return said if len(said) <= 80 else f"{said[:70]}..."


def number(name: str, value: Any) -> float:
    """A real number, NaN and infinity among them. Raises TypeError and ValueError that name it."""
    value = plain(value)
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, not {shown(value)}")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{name} must be a number that a double holds, not {shown(value)}") from None


def whole(name: str, value: Any, least: int = -LARGEST) -> int:
    """A whole number of at least `least`. Raises TypeError and ValueError that name it."""
    value = plain(value)
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be a whole number, not {shown(value)}")
    found = int(value)
    if not least <= found <= LARGEST:
        raise ValueError(f"{name} must be at least {least}, not {shown(found)}" if found < least else
                         f"{name} must be less than 2**63, not {shown(found)}")
    return found


def flag(name: str, value: Any) -> bool:
    """True or False. Raises TypeError that names it."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, not {shown(value)}")
    return bool(value)


def reals(values: Any, what: str) -> NDArray[np.float64]:
    """A copy as an array of real numbers; what a cast would drop is an error: masks, imaginary parts, words."""
    masks = sys.modules.get("numpy.ma")      # imported by whoever made a masked array
    if masks is not None and masks.is_masked(values):
        raise ValueError(f"{what} are masked at {int(masks.getmaskarray(values).sum())} places; fill them in first, as "
                         "with values.filled(0.0)")
    if isinstance(values, list | tuple) and any(isinstance(value, bool | np.bool_) for value in values):
        raise TypeError(f"{what} must be numbers, not True or False as in {shown(values)}")
    given = np.asarray(values)
    if given.dtype.kind == "c":
        raise TypeError(f"{what} must be real, not complex; take values.real if their imaginary parts are 0")
    if given.size and given.dtype.kind not in "iufO":
        raise TypeError(f"{what} must be numbers, not {shown(values)}")
    try:
        return np.array(given, dtype=np.float64)
    except (OverflowError, TypeError, ValueError):
        raise TypeError(f"{what} must be numbers that a double holds, not {shown(values)}") from None


def check_sign(name: str, values: ArrayLike, least: str = "> 0", unit: str = "") -> None:
    """Raise ValueError, which names the first that is not, unless numbers are finite and "> 0" or ">= 0"."""
    numbers = np.asarray(values, dtype=np.float64)
    good = np.isfinite(numbers) & ((numbers > 0) if least == "> 0" else (numbers >= 0))
    if not good.all():
        raise ValueError(f"{name} must be finite and {least}{unit}, not {numbers[~good].flat[0]}")


CHECKS: dict[str, Callable[[str, Any], Any]] = {"float": number, "int": whole, "bool": flag}


def checked_kind(name: str, value: Any, annotation: Any) -> Any:
    """A value by its annotation: int, float or bool, perhaps `| None`; of other annotations it stays as it is."""
    kind, _, other = str(annotation).partition(" | ")
    if kind not in CHECKS or other not in ("", "None") or (value is None and other):
        return value
    if name == "seed":
        return whole(name, value, 0)
    return CHECKS[kind](name, value)


def check_fields(noun: Any) -> None:
    """Bring the fields of a frozen dataclass that are annotated int, float or bool to these kinds, or raise."""
    for field in fields(noun):
        value = getattr(noun, field.name)
        checked = checked_kind(field.name, value, field.type)
        if checked is not value:
            object.__setattr__(noun, field.name, checked)


def check_kinds(function: F) -> F:
    """A function whose arguments that are annotated int, float or bool are checked first."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        given = signature.bind(*args, **options)
        for name, value in given.arguments.items():
            parameter = signature.parameters[name]
            if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                if len(value) == 1 and isinstance(value[0], tuple | list):
                    raise TypeError(f"give {name} one by one as in {function.__name__}(4, 4), not {value[0]!r}")
                given.arguments[name] = tuple(checked_kind(name, item, parameter.annotation) for item in value)
            else:
                given.arguments[name] = checked_kind(name, value, parameter.annotation)
        return function(*given.args, **given.kwargs)

    return call  # type: ignore[return-value]


class Frozen:
    """What arrays hold stays as it is, also after pickling and copying, which forget that they are read only."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        for value in state.values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)
        self.__dict__.update(state)
