"""A law of edges that a user writes: its current as a compiled function of pairs."""
from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from types import CodeType, ModuleType
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from .laws import EdgeLaw, Numbers


class Own(EdgeLaw):
    """A law of your own.

    function : law(p, u, a, b, e), the current from the first to the second node of an edge as a pair, written with the
        functions of `ohmlearn.edges.pairs`: u, what learns; a and b, the voltages of the nodes; p, the parameters, read
        by `parameter(p, k)`; e is handed on. It is compiled when it is used first.
    parameters : numbers, or (n_edges,) arrays with one for every edge.
    learns : "conductance", "gate voltage" or None. start : what learns at the start. lowest, highest : its bounds, None
        for the floor and the ceiling of the rule. leak : conductance to ground at both ends of every edge, in G₀.
    symmetric : whether the current depends on the drop v₁ - v₂ alone.

    >>> import ohmlearn as ol
    >>> from ohmlearn.edges.pairs import minus, parameter, plus, product, scaled
    >>> def cubic(p, u, a, b, e):
    ...     d = minus(a, b)
    ...     return plus(product(u, d, e), scaled(parameter(p, 0), product(product(d, d, e), d, e)))
    >>> law = ol.edges.Own(cubic, 0.5)
    >>> law, law.learns
    (Own(cubic, 0.5), 'conductance')
    """

    learns: Literal["conductance", "gate voltage"] | None  # type: ignore[misc]
    _function: Callable[..., Any]
    _given: tuple[Numbers, ...]
    _values: dict[str, Numbers]
    _bounds: tuple[Numbers, Numbers] | None
    _symmetric: bool
    _not_negative: ClassVar[tuple[str, ...]] = ("leak",)

    def __init__(self, function: Callable[..., Any], *parameters: Numbers,
                 learns: Literal["conductance", "gate voltage"] | None = "conductance", start: Numbers = 1.0,
                 lowest: Numbers | None = None, highest: Numbers | None = None, leak: Numbers = 0.0,
                 symmetric: bool = True) -> None:
        if not callable(function):
            raise TypeError(f"function must be a law(p, u, a, b, e) of pairs, not {function!r}")
        if learns not in ("conductance", "gate voltage", None):
            raise ValueError(f"learns must be 'conductance', 'gate voltage' or None, not {learns!r}")
        if (lowest is None) != (highest is None):
            raise ValueError("give both lowest and highest, inf for no bound, or none of them")
        if lowest is not None and highest is not None and np.any(np.greater_equal(lowest, highest)):
            raise ValueError(f"highest must be above lowest, not {highest} and {lowest}")
        values = {"start": self._checked("start", start), "leak": self._checked("leak", leak)}
        given = tuple(self._checked(f"parameter {k}", value) for k, value in enumerate(parameters))
        for name, value in {"_function": function, "_given": given, "learns": learns, "_values": values,
                            "_bounds": None if lowest is None or highest is None else (lowest, highest),
                            "_symmetric": symmetric}.items():
            object.__setattr__(self, name, value)

    @property
    def kernel(self) -> str:
        from ohmlearn.kernels.law import edge_laws, law_type

        name = f"{self._function.__name__} {digest(self._function)}"
        if name not in law_type.LAWS:
            law_type.LAWS[name] = edge_laws.directed(self._function, len(self._given))
        return name

    @property
    def parameters(self) -> tuple[Numbers, ...]:
        return *self._given, 1.0

    def _turned(self, which: NDArray[np.bool_]) -> tuple[Numbers, ...]:
        return *self._given, np.where(which, -1.0, 1.0)

    @property
    def bounds(self) -> tuple[Numbers, Numbers] | None:
        return self._bounds

    @property
    def start(self) -> Numbers:
        return self._values["start"]

    @property
    def leaks(self) -> tuple[Numbers, Numbers]:
        return self._values["leak"], 0.0

    @property
    def symmetric(self) -> bool:
        return self._symmetric

    def _sizes(self) -> set[int]:
        every = (*self._given, *self._values.values())
        return {value.size for value in every if isinstance(value, np.ndarray)}

    def __repr__(self) -> str:
        return f"Own({self._function.__name__}{''.join(f', {value!r}' for value in self._given)})"


def digest(function: Callable[..., Any]) -> str:
    """Of all that a function does: its code, and what it refers to outside of the kernels of this package."""
    return hashlib.sha256("\n".join(_said(function, set())).encode()).hexdigest()[:16]


def _said(thing: Any, seen: set[int]) -> Iterator[str]:
    thing = getattr(thing, "py_func", thing)
    if id(thing) in seen:
        return
    seen.add(id(thing))
    code = getattr(thing, "__code__", None)
    if code is None:
        yield _value(thing)
        return
    if thing.__module__ is not None and thing.__module__.startswith("ohmlearn.kernels"):
        yield f"{thing.__module__}.{thing.__qualname__}"
        return
    yield from _of_code(code)
    for name in sorted(_names(code)):
        if name in thing.__globals__:
            yield name
            yield from _said(thing.__globals__[name], seen)
    for cell in thing.__closure__ or ():
        yield from _said(cell.cell_contents, seen)


def _of_code(code: CodeType) -> Iterator[str]:
    yield code.co_code.hex()
    yield repr(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _of_code(constant)
        else:
            yield repr(constant)


def _names(code: CodeType) -> set[str]:
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return set(code.co_names).union(*(_names(part) for part in inner))


def _value(thing: Any) -> str:
    if isinstance(thing, np.ndarray):
        return f"{thing.dtype}{thing.shape}{hashlib.sha256(np.ascontiguousarray(thing).tobytes()).hexdigest()}"
    if isinstance(thing, ModuleType):
        source = getattr(thing, "__file__", None) or ""
        if not source.endswith(".py"):
            return thing.__name__
        with open(source, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    return repr(thing)
