"""Numbers of a SPICE deck: suffixes, and expressions of parameters."""
from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np
from ohmlearn.checks.file_text import short

SUFFIX = {"t": 1e12, "g": 1e9, "meg": 1e6, "k": 1e3, "mil": 25.4e-6, "m": 1e-3, "u": 1e-6, "µ": 1e-6, "μ": 1e-6,
          "n": 1e-9, "p": 1e-12, "f": 1e-15, "a": 1e-18, "": 1.0}
PLAIN = r"((?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?)(meg|mil|[tgkmunpfaµμ]|)[a-zωΩ]*"
VALUE = re.compile(r"([+-]?)" + PLAIN, re.ASCII)
PART = re.compile(r"\s*(?:(?P<number>" + PLAIN + r")|(?P<name>[a-z_]\w*)|(?P<mark>\*\*|[-+*/(),]))", re.ASCII)
FUNCTIONS: dict[str, Callable[..., float]] = {"sqrt": np.sqrt, "abs": abs, "exp": np.exp, "ln": np.log,
                                              "log10": np.log10, "min": min, "max": max, "pow": pow}
LONGEST, DEEPEST = 2000, 50     # characters of an expression; brackets or parameters within each other


def value(word: str) -> float | None:
    """A number with a suffix, in SI units; letters behind the suffix are its unit, which SPICE ignores."""
    match = VALUE.fullmatch(word)
    if match is None:
        return None
    return float(match[1] + match[2]) * SUFFIX[match[3]]


class Parameters:
    """Names and the expressions that give them; those of a subcircuit fall back on those outside."""

    def __init__(self, given: Mapping[str, str], outer: Parameters | None = None) -> None:
        self._given, self._outer = dict(given), outer
        self._known: dict[str, float] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._given or (self._outer is not None and name in self._outer)

    def set(self, given: Mapping[str, str]) -> None:
        """More of them."""
        self._given |= given

    def value(self, name: str, depth: int = 0) -> float:
        """The value of a parameter. Raises ValueError for an unknown one, and for one that depends on itself."""
        if name in self._known:
            return self._known[name]
        if name not in self._given:
            if self._outer is None:
                raise ValueError(f"there is no parameter {name!r}; set it by .param")
            return self._outer.value(name, depth)
        if depth > DEEPEST:
            raise ValueError(f"parameter {name!r} depends on itself, or on more than {DEEPEST} others in a row")
        self._known[name] = self.evaluate(self._given[name], depth + 1)
        return self._known[name]

    def evaluate(self, text: str, depth: int = 0) -> float:
        """The value of a number, a parameter, or an expression of them with + - * / ** and brackets."""
        plain = text.strip("{}'\" ")
        if (known := value(plain)) is not None:
            return known
        if len(plain) > LONGEST:
            raise ValueError(f"an expression of {len(plain)} characters is not read; put in its value")
        parts, at = list[tuple[str, str]](), 0
        while at < len(plain.rstrip()):
            match = PART.match(plain, at)
            if match is None:
                raise ValueError(f"{short(text)} is not understood at {plain[at:at + 12]!r}; expressions are of "
                                 "numbers, parameters, + - * / ** and brackets")
            parts.append((str(match.lastgroup), match[str(match.lastgroup)]))
            at = match.end()
        try:
            result = float(_Reader(parts, self, depth).whole())
        except (ZeroDivisionError, OverflowError, TypeError) as error:
            raise ValueError(f"{short(text)} has no value: {error}") from None
        if not np.isfinite(result):
            raise ValueError(f"{short(text)} has no finite value")
        return result


class _Reader:
    """Recursive descent over the parts of one expression."""

    def __init__(self, parts: list[tuple[str, str]], scope: Parameters, depth: int) -> None:
        self.parts, self.scope, self.depth, self.at, self.open = parts, scope, depth, 0, 0

    def whole(self) -> float:
        result = self.sum()
        if self.at < len(self.parts):
            raise ValueError(f"{self.parts[self.at][1]!r} is not expected in an expression")
        return result

    def take(self, *marks: str) -> str | None:
        if self.at < len(self.parts) and self.parts[self.at][1] in marks and self.parts[self.at][0] == "mark":
            self.at += 1
            return self.parts[self.at - 1][1]
        return None

    def sum(self) -> float:
        self.open += 1
        if self.open > DEEPEST:
            raise ValueError(f"an expression with more than {DEEPEST} brackets within each other is not read")
        result = self.product()
        while mark := self.take("+", "-"):
            result = result + self.product() if mark == "+" else result - self.product()
        self.open -= 1
        return result

    def product(self) -> float:
        result = self.power()
        while mark := self.take("*", "/"):
            result = result * self.power() if mark == "*" else result / self.power()
        return result

    def power(self) -> float:
        sign = 1.0
        while mark := self.take("+", "-"):
            sign = -sign if mark == "-" else sign
        base = self.atom()
        if self.take("**"):
            self.open += 1
            if self.open > DEEPEST:
                raise ValueError(f"more than {DEEPEST} powers within each other are not read")
            base = base ** self.power()
            self.open -= 1
        return sign * base

    def atom(self) -> float:
        if self.at >= len(self.parts):
            raise ValueError("an expression ends too early")
        kind, text = self.parts[self.at]
        self.at += 1
        if kind == "number":
            return value(text) or 0.0
        if kind == "name":
            return self.call(text) if text in FUNCTIONS and self.take("(") else self.scope.value(text, self.depth)
        if text != "(":
            raise ValueError(f"{short(text)} is not expected in an expression")
        result = self.sum()
        if not self.take(")"):
            raise ValueError("a bracket is not closed")
        return result

    def call(self, name: str) -> float:
        arguments = [self.sum()]
        while self.take(","):
            arguments.append(self.sum())
        if not self.take(")"):
            raise ValueError(f"the bracket of {name} is not closed")
        with np.errstate(all="ignore"):
            return float(FUNCTIONS[name](*arguments))
