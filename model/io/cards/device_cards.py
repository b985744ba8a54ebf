"""What the cards of diodes and transistors, their models and the options say, as the law of a circuit's edges."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ohmlearn.checks.file_text import short
from ohmlearn.edges.laws import NMOS, Diode, EdgeLaw, PerEdge

from . import model_cards
from .model_cards import Conditions
from .spice_cards import Deck, Placed, SpiceError


def law_of_edges(deck: Deck, edges: Sequence[Placed], placed: Mapping[str, Placed], leaks: Mapping[str, str],
         values: Mapping[str, float], notes: list[str]) -> EdgeLaw | PerEdge:
    """The law of all edges. notes : what is left out of it is added."""
    conditions = _conditions(deck)
    if conditions.shunt and not any(x.card.name[0] == "m" for x in edges):
        raise deck.options["rshunt"][1].wrong("rshunt= is not read in a deck without transistors; put resistors to "
                                              "ground in its place")
    beside = {device: 1 / values[leak] for leak, device in leaks.items()}
    numbers, left = list[dict[str, float]](), dict[str, None]()
    for x in edges:
        law = dict[str, float]()
        if x.model is not None:
            kind = x.card.name[0]
            try:
                law = (model_cards.diode if kind == "d" else model_cards.transistor)(
                    *_settings(x, kind, left), conditions)
                checked: type[Any] = Diode if kind == "d" else NMOS
                checked(**law)          # here, where the card is known
            except (ValueError, ArithmeticError) as error:
                if isinstance(error, SpiceError):
                    raise
                raise x.model.wrong(f"{x.name}: {error}") from None
            law["leak"] = law.get("leak", 0.0) + beside.get(x.name, 0.0)
        numbers.append(law)
    if left:
        notes.append(f"left out of the law, as at rest: {', '.join(left)}")
    try:
        return model_cards.law_of("".join(x.card.name[0] for x in edges), numbers, conditions)
    except ValueError as error:
        raise SpiceError(f"{edges[0].card.path}: {error}") from None


def _conditions(deck: Deck) -> Conditions:
    """What the options say of devices."""
    said = {key: card.value(text, deck.parameters) for key, (text, card) in deck.options.items()}
    for key in ("gmin", "rshunt", "defw", "defl"):
        if key in said and not (said[key] >= 0 if key == "gmin" else said[key] > 0):
            raise deck.options[key][1].wrong(f"{key} must be {'>=' if key == 'gmin' else '>'} 0, not {said[key]:g}")
    shunt = 1 / said["rshunt"] if "rshunt" in said else 0.0
    return Conditions(said.get("gmin", 1e-12), shunt, said.get("temp", 27.0), said.get("tnom", 27.0),
                      said.get("defw", 1e-4), said.get("defl", 1e-4))


def _settings(x: Placed, kind: str, left: dict[str, None]) -> tuple[dict[str, float], dict[str, float]]:
    """What the model card of a device and its own card say, as numbers. left : capacitances are added."""
    assert x.model is not None
    if x.model.words[2] != ("d" if kind == "d" else "nmos"):
        raise x.model.wrong(f"a model {x.model.words[2]} does not fit {x.name}" + (
            "; p-channel transistors have no law here" if x.model.words[2] == "pmos" else ""))
    model = dict[str, float]()
    for word in x.model.words[3:]:
        key, equals, text = word.partition("=")
        if not equals or not text:
            raise x.model.wrong(f"{short(word)} is no setting, as in is=1e-14")
        if (why := model_cards.refused(kind, key)) is not None:
            raise x.model.wrong(why)
        if key in model:
            raise x.model.wrong(f"{key!r} is set twice")
        if key in model_cards.CHARGES[kind]:
            left[f"{key} of {x.model.words[1]}"] = None
        if key in model_cards.READ[kind]:
            model[key] = x.model.value(text, x.scope)
    beside = dict[str, float]()
    for k, word in enumerate(x.card.words[4 if kind == "d" else 6:]):
        key, equals, text = word.partition("=")
        if not equals and key == "off":
            continue
        if not equals and k == 0 and kind == "d":
            key, text = "area", word
        elif not equals or key not in model_cards.READ_BESIDE[kind] | model_cards.STILL_BESIDE[kind]:
            raise x.card.wrong(f"{short(word)} is not understood; expected settings "
                               f"{', '.join(sorted(model_cards.READ_BESIDE[kind]))}")
        if key in beside:
            raise x.card.wrong(f"{key!r} is set twice")
        if key in model_cards.READ_BESIDE[kind]:
            beside[key] = x.card.value(text, x.scope)
            if key in ("nrd", "nrs") and not beside[key] >= 0:
                raise x.card.wrong(f"{key} must be >= 0, not {beside[key]:g}")
            if key in ("area", "m", "w", "l") and not beside[key] > 0:
                raise x.card.wrong(f"{key} must be > 0, not {beside[key]:g}")
    return model, beside
