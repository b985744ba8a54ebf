"""What the card of a resistor, capacitor or source says, as a checked number."""
from __future__ import annotations

import re
import warnings

import numpy as np
from ohmlearn.checks.file_text import short

from .spice_cards import Card, Placed
from .spice_values import value as plain_value

# Settings of resistors and capacitors that change nothing at rest and at the nominal temperature.
IGNORED = {"r": {"tc", "tc1", "tc2", "tce", "temp", "dtemp", "ac", "noise", "noisy", "l", "w", "tol", "pwr"},
           "c": {"tc", "tc1", "tc2", "temp", "dtemp", "ic", "l", "w", "tol", "rser", "lser", "irms", "vrms"},
           "v": set[str](), "i": set[str]()}
HEAT = {"tc", "tc1", "tc2", "tce"}
TIMED = {"sin", "sine", "pulse", "pwl", "exp", "sffm", "am", "ac", "distof1", "distof2", "trnoise", "trrandom"}


def value_of(x: Placed) -> tuple[float, float]:
    """The checked value of an element, copies of it in parallel included, and what of it is not on the card."""
    card, kind, rest, said = x.card, x.card.name[0], list[str](), dict[str, str]()
    if len(card.words) == 4 and kind == "r" and (quick := plain_value(card.words[3])) and 1e-300 < quick < 1e300:
        return quick, 1.0       # most cards of large decks
    for word in x.card.words[3:]:
        key, equals, text = word.partition("=")
        if equals and key and word[0] not in "{'":
            if key in said:
                raise card.wrong(f"{key!r} is set twice")
            said[key] = text
        else:
            rest.append(word)
    text = (_constant if kind in "vi" else _passive)(card, rest, said, x)
    copies = card.value(said.pop("m"), x.scope) if "m" in said else 1.0
    factor = card.value(said.pop("scale"), x.scope) if "scale" in said and kind in "rc" else 1.0
    if unknown := said.keys() - IGNORED[kind]:
        raise card.wrong(f"{min(unknown)}= is not understood; expected a name, two nodes and a value")
    if any(card.value(said[key], x.scope) for key in HEAT & said.keys()):
        warnings.warn(f"{card.path}, line {card.line}: the value is that at the nominal temperature; temperature "
                      "coefficients are not applied", stacklevel=6)
    value = card.value(text, x.scope)
    if kind == "i" and re.fullmatch(r"[-+.\d]+(e[-+]?\d+)?a", text):
        warnings.warn(f"{card.path}, line {card.line}: {text!r} is read as {text[:-1]} ampere; some programs take the "
                      "letter for 1e-18, so leave it out", stacklevel=6)
        value *= 1e18
    if not copies > 0:
        raise card.wrong(f"m must be > 0, not {copies:g}")
    factor = factor / copies if kind == "r" else factor * copies if kind in "ic" else factor
    value *= factor
    name = {"r": "resistance", "c": "capacitance", "v": "voltage", "i": "current"}[kind]
    finite = np.isfinite(value) and (kind != "r" or value == 0 or np.isfinite(1 / value))
    if kind in "rc" and (value < 0 or (kind == "c" and value == 0)):
        raise card.wrong(f"a {name} must be {'>' if kind == 'c' else '>='} 0, not {value:g}")
    if not finite:
        raise card.wrong(f"a {name} of {value:g} is too large or too small for floating point")
    if x.ends[0] == x.ends[1] and kind == "v" and value != 0:
        raise card.wrong(f"both ends are node {x.ends[0]!r}; drop the card")
    return value, factor


def _constant(card: Card, rest: list[str], said: dict[str, str], x: Placed) -> str:
    """What gives the constant value of a source; functions of time and amplitudes of .ac behind it change nothing."""
    constant = "; sources are constant, as in 'V1 a 0 5' or 'V1 a 0 dc 5'"
    text = said.pop("dc", None)
    if rest and rest[0] == "dc" and text is None:
        if len(rest) < 2:
            raise card.wrong(f"no value follows dc{constant}")
        text, rest = rest[1], rest[2:]
    elif rest and text is None and rest[0] not in TIMED:
        text, rest = rest[0], rest[1:]
    if rest and rest[0] == "dc" and text is None:
        text, rest = rest[1], rest[2:]
    if rest and rest[0] not in TIMED:
        raise card.wrong(f"{short(rest[0])} is not understood; expected a name, two nodes and a value{constant}")
    if text is None and rest and rest[0] != "ac":
        raise card.wrong(f"{short(rest[0])} is not understood without a constant value before it{constant}")
    return text or "0"


def _passive(card: Card, rest: list[str], said: dict[str, str], x: Placed) -> str:
    """What gives the value of a resistor or capacitor; the name of a model beside it changes nothing."""
    kind = card.name[0]
    for key in (kind, {"r": "resistance", "c": "capacitance"}[kind]):
        if key in said:
            rest.insert(0, said.pop(key))
    numeric, models = list[str](), list[str]()
    for word in rest:
        (numeric if word[0] in "{'+-." or word[0].isdigit() or word in x.scope else models).append(word)
    if "tc" in said or "tc1" in said:       # tc=0,0 is two words
        numeric = numeric[:1]
    if len(numeric) != 1 or len(models) > 1:
        odd = next(iter(models[len(numeric) == 1:] or numeric[1:] or rest), "")
        raise card.wrong(f"{short(odd)} is no number; numbers are as in 4.7k, 1e-3, 22u" if len(numeric) == 0 else
                         f"{short(odd)} is not understood; expected a name, two nodes and a value")
    return numeric[0]
