"""Which attribute of the edges holds conductances or resistances, and the numbers in it."""
from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.checks.file_text import short

Floats = NDArray[np.float64]
Place = Callable[[int], str]        # number of an edge -> where it stands, as in "net.csv, line 3"

QUANTITIES = {"conductance": "conductance", "conductances": "conductance", "g": "conductance", "weight": "conductance",
              "resistance": "resistance", "resistances": "resistance", "r": "resistance", "res": "resistance"}
FILLERS = {"edge", "branch", "line", "link", "in", "of", "the", "value", "pu", "dc", "electrical"}
LABEL = re.compile(r"(|unnamed.*|(edge|branch|line|link|resistor)?[\s_]*(id|idx|index|number|name|label|key)?)")
UNIT = re.compile(r"([kMGTmuµμn]?)([Oo]hms?|OHMS?|Ω|Ω|[Ss]iemens|S)")
MOST = 500         # attributes of edges or nodes
DEEPEST = 100       # elements or lists within each other
PREFIX = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "m": 1e-3, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "n": 1e-9}
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eEdD][+-]?\d+)?", re.ASCII)      # D: exponents of Fortran
SAY = "say conductance=NAME or resistance=NAME (--conductance, --resistance on the command line), or " \
      "conductance=\"\" if none of them is"


@dataclass(frozen=True)
class Values:
    """Conductances of the edges (None where there are none), and where they come from in words."""

    conductances: Floats | None = None
    source: str = ""


@dataclass(frozen=True)
class Choice:
    """An attribute taken for conductances or resistances: its name, which of both, the unit in S or ohm."""

    name: str
    quantity: str
    unit: float = 1.0


def number(text: Any) -> float | None:
    """The number that a text says, None if it says none; exponents may be written as in Fortran."""
    if isinstance(text, bool) or text is None:
        return None
    if not isinstance(text, str):
        return float(text) if isinstance(text, int | float | np.number) and not isinstance(text, complex) else None
    if not NUMBER.fullmatch(text):
        return None
    return float(text.replace("D", "e").replace("d", "e"))


def read_values(columns: Mapping[str, Sequence[Any] | NDArray[Any]], place: Place, conductance: str | None = None,
                resistance: str | None = None, what: str = "column") -> Values:
    """Conductances from the one of several attributes that holds them.

    columns : {name: texts or numbers, one per edge, None where an edge lacks it}. place : of an edge, for errors.
    conductance, resistance : name of the attribute, where the caller says it; "" for none.
    """
    choice = _named(columns, conductance, resistance, what) if conductance is not None or resistance is not None else \
        _found(columns, what)
    if choice is None:
        return Values()
    given = numbers(columns[choice.name], place, f"{choice.quantity} ({what} {choice.name!r})")
    inverse = choice.quantity == "resistance"
    with np.errstate(all="ignore"):
        scaled = given * choice.unit
        result = 1 / scaled if inverse else scaled
    bad = np.flatnonzero(~(np.isfinite(result) & (scaled >= 0) & np.isfinite(scaled)
                           & ((result > 0) | (not inverse)) & ((given == 0) | (scaled != 0))))
    if bad.size:
        j = int(bad[0])
        raise ValueError(f"{place(j)}: {columns[choice.name][j]} is no {choice.quantity}; it must be finite and "
                         f"{'> 0' if inverse else '>= 0'}")
    unit = "" if choice.unit == 1 else f" in {choice.unit:g} {'ohm' if inverse else 'S'}"
    return Values(result, f"{what} {choice.name!r} as {choice.quantity}{unit}")


def numbers(texts: Sequence[Any] | Floats, place: Place, what: str) -> Floats:
    """Texts as numbers, or an error that names the first that is none."""
    if isinstance(texts, np.ndarray):
        return texts
    found = np.empty(len(texts))
    for j, text in enumerate(texts):
        value = number(text)
        if value is None:
            missing = text is None or not str(text).strip()
            raise ValueError(f"{place(j)}: {'there is no value' if missing else f'{short(text)} is not a number'} for "
                             f"the {what}; every edge needs one, written as in 1000 or 1e3")
        found[j] = value
    return found


def _named(columns: Mapping[str, Any], conductance: str | None, resistance: str | None, what: str) -> Choice | None:
    """The attribute that the caller names."""
    if conductance is not None and resistance is not None:
        raise ValueError("conductance and resistance exclude each other; name one of them")
    name, quantity = (conductance, "conductance") if conductance is not None else (resistance, "resistance")
    if not name:
        return None
    alike = [key for key in columns if key == name] or [key for key in columns if key.lower() == name.lower()]
    if len(alike) != 1:
        raise ValueError(f"there is no {what} {name!r}; there are {', '.join(map(repr, columns)) or 'none'}")
    read = quantity_of(alike[0])
    return Choice(alike[0], quantity, read.unit if read and read.quantity == quantity else 1.0)


def _found(columns: Mapping[str, Sequence[Any] | NDArray[Any]], what: str) -> Choice | None:
    """The attribute that is clearly a conductance or a resistance; refuses to guess."""
    choices = [choice for name in columns if (choice := quantity_of(name)) is not None]
    others = [name for name, texts in columns.items() if quantity_of(name) is None and _numeric(texts)
              and not (LABEL.fullmatch(name.strip().lower()) and _counts(texts))]
    if len(choices) > 1 or (others and not choices):
        names = [choice.name for choice in choices] or others
        raise ValueError(f"{what} {' and '.join(map(repr, names))} may hold the conductances; {SAY}")
    if others:
        warnings.warn(f"{what} {', '.join(map(repr, others))}: numbers that are not read; conductances are those of "
                      f"{what} {choices[0].name!r}", stacklevel=2)
    return choices[0] if choices else None


def quantity_of(name: str) -> Choice | None:
    """What the name of an attribute says: quantity and unit, None where it does not say a quantity clearly."""
    words = [part for word in re.findall(r"[^\W\d_]+|\d+", name) for part in
             ([word] if UNIT.fullmatch(word) else re.sub(r"([a-z])([A-Z][a-z])", r"\1 \2", word).split())]
    units = [match for word in words if (match := UNIT.fullmatch(word))]
    rest = [word.lower() for word in words if not UNIT.fullmatch(word)]
    quantities = {QUANTITIES[word] for word in rest if word in QUANTITIES}
    if any("ohm" in unit[2].lower() or unit[2] in "ΩΩ" for unit in units):
        quantities.add("resistance")
    elif any(unit[2] != "S" for unit in units):
        quantities.add("conductance")
    strange = [word for word in rest if word not in QUANTITIES and word not in FILLERS]
    if len(quantities) != 1 or len(units) > 1 or strange:
        return None
    if name.isupper() and units and units[0][1] == "M":      # milli or mega, who knows
        return None
    return Choice(name, quantities.pop(), PREFIX[units[0][1]] if units else 1.0)


def _counts(texts: Sequence[Any] | NDArray[Any]) -> bool:
    """Whether numbers tell the edges apart, as an index or a number of each does: whole, and no two the same."""
    found = [number(text) for text in texts]
    return len(set(found)) == len(found) and all(value is None or value == int(value) for value in found)


def _numeric(texts: Sequence[Any] | NDArray[Any]) -> bool:
    """Whether what is said are numbers, but for a few that may be spoilt."""
    if isinstance(texts, np.ndarray):
        return True
    said = [text for text in texts if text is not None and text != ""]
    return bool(said) and 2 * sum(number(text) is not None for text in said) >= len(said)


def printable(text: str) -> str:
    """A text on one line; characters that do not show become blanks."""
    return "".join(c if c.isprintable() else " " for c in text)


def check_count(path: str, columns: Sized) -> None:
    """Raise where edges or nodes have more attributes than can be meant, and than memory should hold."""
    if len(columns) > MOST:
        raise ValueError(f"{path}: there are more than {MOST} columns or attributes; take out those of no use")


def plain_names(labels: Sequence[Any], *, distinct: bool = True) -> tuple[str, ...] | None:
    """Labels of any kind as names on one line each; None where one is empty, or two are the same and must not be."""
    for form in (str, repr):
        names = [printable(form(label)).strip() for label in labels]
        if all(names) and (not distinct or len(set(names)) == len(names)):
            return tuple(names)
    return None
