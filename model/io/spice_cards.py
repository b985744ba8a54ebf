"""The cards of a SPICE deck: logical lines with their numbers, values with suffixes, subcircuits flattened."""
from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

GROUND = "0"
GROUNDS = {"0", "gnd"}
SUFFIX = {"t": 1e12, "g": 1e9, "meg": 1e6, "k": 1e3, "mil": 25.4e-6, "m": 1e-3, "u": 1e-6, "µ": 1e-6, "μ": 1e-6,
          "n": 1e-9, "p": 1e-12, "f": 1e-15, "a": 1e-18, "": 1.0}
VALUE = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(meg|mil|[tgkmunpfaµμ]|)[a-zωΩ]*")
COMMENT = re.compile(r"(;|//|(?<=\s)\$).*")
# Cards that say what to compute or to print, and nothing about the circuit.
ANALYSES = {".op", ".dc", ".ac", ".tran", ".ic", ".nodeset", ".print", ".plot", ".save", ".probe", ".options",
            ".option", ".width", ".title", ".temp", ".meas", ".measure", ".four", ".noise", ".sens", ".tf", ".pz"}
DEEPEST = 50        # subcircuits within subcircuits; more are taken for a circle


class SpiceError(ValueError):
    """A deck that is not understood; the message names the line."""


@dataclass(frozen=True)
class Card:
    """A logical line, in lower case. path, line : where it begins in the file."""

    words: Sequence[str]
    path: str
    line: int

    @property
    def name(self) -> str:
        return self.words[0]

    def wrong(self, why: str) -> SpiceError:
        """The error that names this card."""
        return SpiceError(f"{self.path}, line {self.line}: {why}: {' '.join(self.words)!r}")

    def value(self, word: str) -> float:
        """A number with a suffix, in SI units; letters behind the suffix are its unit, which SPICE ignores."""
        match = VALUE.fullmatch(word)
        if match is None:
            raise self.wrong(f"{word!r} is no number; numbers are as in 4.7k, 1e-3, 22u (expressions and parameters "
                             "are not read, put in their values)")
        return float(match[1]) * SUFFIX[match[2]]


@dataclass
class Deck:
    """What a file says. parts : the cards outside subcircuits; blocks : subcircuit name -> its ports and cards."""

    title: str = ""
    parts: list[Card] = field(default_factory=list)
    blocks: dict[str, tuple[Sequence[str], list[Card]]] = field(default_factory=dict)


def read_deck(text: str, path: str) -> Deck:
    """Cards of a deck. Its first line is the title, whatever stands there, as for every SPICE."""
    deck, opened = Deck(text.partition("\n")[0].strip().lstrip("*").strip()), list[tuple[str, Card]]()
    controlled: Card | None = None
    for card in cards(text, path):
        if card.name == ".control" or controlled is not None:
            controlled = None if card.name == ".endc" else controlled or card
        elif card.name == ".end":
            break
        elif card.name == ".subckt":
            if len(card.words) < 3:
                raise card.wrong("a subcircuit needs a name and one port at least")
            if any("=" in word or word == "params:" for word in card.words):
                raise card.wrong("subcircuits with parameters are not read; put in their values")
            if card.words[1] in deck.blocks:
                raise card.wrong(f"there are two subcircuits {card.words[1]!r}")
            opened.append((card.words[1], card))
            deck.blocks[card.words[1]] = [named(word) for word in card.words[2:]], []
        elif card.name == ".ends":
            if not opened or card.words[1:] not in ([], [opened[-1][0]]):
                raise card.wrong("this .ends belongs to no open .subckt")
            opened.pop()
        elif card.name not in ANALYSES:
            (deck.blocks[opened[-1][0]][1] if opened else deck.parts).append(card)
    for what, left in ((".ends", opened[-1][1] if opened else None), (".endc", controlled)):
        if left is not None:
            raise left.wrong(f"no {what} follows")
    return deck


def cards(text: str, path: str) -> Iterator[Card]:
    """Logical lines below the title: comments dropped, continuations (+) joined."""
    words, start = list[str](), 0
    for number, line in enumerate(text.splitlines()[1:], start=2):
        plain = COMMENT.sub("", line).strip()
        if not plain or plain.startswith("*"):
            continue
        found = re.sub(r"\s*=\s*", "=", re.sub(r"[(),]", " ", plain.lower())).split()
        if plain.startswith("+"):
            if not words:
                raise SpiceError(f"{path}, line {number}: nothing stands above that this line could continue: {line!r}")
            words += [word for word in [found[0][1:], *found[1:]] if word]
            continue
        if words:
            yield Card(words, path, start)
        words, start = found, number
    if words:
        yield Card(words, path, start)


def named(node: str) -> str:
    """A node's name; ground has several."""
    return GROUND if node in GROUNDS else node


Element = tuple[Card, str, Sequence[str]]


def flatten(deck: Deck) -> Iterator[Element]:
    """Every element of the deck: its card, its name, and those of its two nodes; inside subcircuit x1 they are
    called x1.NAME."""
    yield from _flatten(deck, deck.parts, {}, "", 0)


def _flatten(deck: Deck, parts: Sequence[Card], ports: Mapping[str, str], prefix: str,
             depth: int) -> Iterator[Element]:
    def outside(word: str) -> str:
        node = named(word)
        return ports.get(node, node if node == GROUND else prefix + node)

    for card in parts:
        if card.name[0] in "rvic":
            if len(card.words) < 4:
                raise card.wrong("expected a name, two nodes and a value")
            yield card, prefix + card.name, [outside(word) for word in card.words[1:3]]
        elif card.name[0] == "x":
            block = card.words[-1]
            if "=" in block or "params:" in card.words:
                raise card.wrong("subcircuits with parameters are not read; put in their values")
            if block not in deck.blocks:
                raise card.wrong(f"there is no subcircuit {block!r} in this file")
            inner, content = deck.blocks[block]
            given = [outside(word) for word in card.words[1:-1]]
            if len(given) != len(inner):
                raise card.wrong(f"subcircuit {block!r} has {len(inner)} ports, not {len(given)}")
            if depth >= DEEPEST:
                raise card.wrong(f"subcircuit {block!r} contains itself")
            yield from _flatten(deck, content, dict(zip(inner, given, strict=True)), f"{prefix}{card.name}.",
                                depth + 1)
        else:
            raise card.wrong("only R, V, I and C cards and subcircuits (X) are read; this is something else")
