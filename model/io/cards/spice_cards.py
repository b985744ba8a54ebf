"""The cards of a SPICE deck: logical lines with their numbers, included files, subcircuits flattened."""
from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ohmlearn.checks.file_text import LARGEST, FileError, read_text, short

from .spice_values import Parameters

GROUND = "0"
GROUNDS = {"0", "gnd"}
COMMENT = re.compile(r"(;|//|(?<=\s)\$).*")
WORD = re.compile(r"\{[^{}]*\}|'[^']*'|\"[^\"]*\"|[^\s(),={}'\"]+|[={}'\"]")
# Cards that say what to compute or to print, and nothing about the circuit.
PASSED = {".op", ".dc", ".ac", ".tran", ".ic", ".nodeset", ".print", ".plot", ".save", ".probe", ".options", ".option",
          ".opt", ".width", ".title", ".temp", ".meas", ".measure", ".four", ".noise", ".sens", ".tf", ".pz", ".step",
          ".backanno", ".model", ".control", ".wave", ".net", ".loadbias", ".savebias", ".fft", ".end", ".text",
          ".disto", ".csparam", ".data", ".enddata", ".alter", ".protect", ".unprotect", ".graph", ".iplot", ".gcheck"}
QUIET = {".op", ".end", ".title"}
HEEDED = {"gmin", "rshunt", "temp", "tnom", "defw", "defl"}     # options that diodes and transistors heed
DEVICES = {"d", "nmos", "pmos"}     # kinds of models that are read
TERMINALS = {"d": 2, "m": 4}
DEEPEST = 50        # subcircuits within subcircuits, and files within files; more are taken for a circle


class SpiceError(FileError):
    """A deck that is not understood; the message names the line."""


@dataclass(frozen=True, slots=True)
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
        return SpiceError(f"{self.path}, line {self.line}: {why[:400]}: {short(' '.join(self.words))}")

    def value(self, word: str, scope: Parameters) -> float:
        """The number that a word says, in SI units: with a suffix, a parameter, or an expression."""
        try:
            return scope.evaluate(word)
        except ValueError as error:
            if word[0] in "{'" or word in scope:
                raise self.wrong(str(error)) from None
            raise self.wrong(f"{short(word)} is no number; numbers are as in 4.7k, 1e-3, 22u, {{2*load}}") from None


@dataclass
class Block:
    """A subcircuit: its ports, its parameters with their defaults, its cards."""

    card: Card
    ports: Sequence[str]
    defaults: Mapping[str, str]
    parts: list[Card] = field(default_factory=list)
    models: dict[str, Card] = field(default_factory=dict)


@dataclass
class Deck:
    """What a file says. parts : the cards outside subcircuits; blocks : the subcircuits by name.

    models : those of diodes and transistors by name. options : settings of `.options` and `.temp`, with their cards.
    passed : how often cards were passed over, by name; heeded : of these, cards that say nothing but what devices
        heed. size, includes : characters read, and files included.
    """

    title: str = ""
    parts: list[Card] = field(default_factory=list)
    blocks: dict[str, Block] = field(default_factory=dict)
    models: dict[str, Card] = field(default_factory=dict)
    options: dict[str, tuple[str, Card]] = field(default_factory=dict)
    parameters: Parameters = field(default_factory=lambda: Parameters({}))
    common: set[str] = field(default_factory=lambda: {GROUND})
    passed: Counter[str] = field(default_factory=Counter)
    heeded: Counter[str] = field(default_factory=Counter)
    size: int = 0
    includes: int = 0


def read_deck(text: str, path: Path, folder: Path) -> Deck:
    """Cards of a deck. Its first line is the title, whatever stands there, as for every SPICE.

    folder : where included files must lie.
    """
    title, _, body = text.partition("\n")
    deck, opened = Deck(title.strip().lstrip("*").strip(), size=len(text)), list[Block]()
    for card in _cards(deck, body, path, folder, 2, []):
        name = card.name
        if name == ".subckt":
            opened.append(_block(deck, card))
        elif name == ".ends":
            if not opened or (len(card.words) > 1 and card.words[1] != opened[-1].card.words[1]):
                raise card.wrong("this .ends belongs to no open .subckt")
            opened.pop()
        elif name in (".param", ".params", ".parameter"):
            given = settings(card, card.words[1:])
            if opened:
                opened[-1].defaults = {**opened[-1].defaults, **given}
            else:
                deck.parameters.set(given)
        elif name == ".global":
            deck.common.update(named(word) for word in card.words[1:])
        elif name == ".model" and len(card.words) > 2 and card.words[2] in DEVICES:
            models = opened[-1].models if opened else deck.models
            if card.words[1] in models:
                raise card.wrong(f"there is a model {card.words[1]!r} already, at line {models[card.words[1]].line}")
            models[card.words[1]] = card
        elif name in PASSED:
            deck.passed[name] += name not in QUIET
            _note_options(deck, card)
        elif name.startswith("."):
            raise card.wrong(f"cards {name} are not read; take it out if the circuit does not depend on it")
        else:
            (opened[-1].parts if opened else deck.parts).append(card)
    if opened:
        raise opened[-1].card.wrong("no .ends follows")
    return deck


def _note_options(deck: Deck, card: Card) -> None:
    """Keep what a card of options says of devices."""
    if card.name == ".temp":
        said = dict(zip(["temp"], card.words[1:], strict=False))
    elif card.name in (".options", ".option", ".opt"):
        said = {key: text for key, _, text in (word.partition("=") for word in card.words[1:])}
    else:
        return
    deck.options |= {key: (text, card) for key, text in said.items() if key in HEEDED and text}
    deck.heeded[card.name] += said.keys() <= HEEDED


def _block(deck: Deck, card: Card) -> Block:
    """The subcircuit that a card opens."""
    rest = [word for word in card.words[2:] if word != "params:"]
    ports = [word for word in rest if "=" not in word]
    if len(card.words) < 3 or not ports:
        raise card.wrong("a subcircuit needs a name and one port at least")
    if card.words[1] in deck.blocks:
        raise card.wrong(f"there are two subcircuits {card.words[1]!r}, the other at line "
                         f"{deck.blocks[card.words[1]].card.line}")
    if GROUND in ports or len(set(ports)) < len(ports):
        raise card.wrong("ports must be distinct, and none of them 0, which is ground everywhere")
    for port in GROUNDS & set(ports):
        warnings.warn(f"{card.path}, line {card.line}: port {port!r} of subcircuit {card.words[1]!r} is ground, as in "
                      "ngspice, and not what is given for it; call it otherwise if it should be a port", stacklevel=6)
    deck.blocks[card.words[1]] = Block(card, ports, settings(card, [word for word in rest if "=" in word]))
    return deck.blocks[card.words[1]]


def settings(card: Card, words: Sequence[str]) -> dict[str, str]:
    """{name: expression} of words as in a=1."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not text or not name:
            raise card.wrong(f"{word!r} is no setting, as in load=2k; expressions stand in {{}} or ''")
        if name in found:
            raise card.wrong(f"{name!r} is set twice")
        found[name] = text
    return found


def _cards(deck: Deck, body: str, path: Path, folder: Path, first: int, within: list[Path],
           section: str | None = None) -> Iterator[Card]:
    """Cards of a file and of those that it includes, up to .end; of a library those of one section."""
    control: Card | None = None
    inside = section is None
    for card in cards(body, str(path), first):
        if card.name == ".control" or control is not None:
            deck.passed[".control"] += control is None
            control = None if card.name == ".endc" else control or card
        elif card.name == ".end":
            break
        elif card.name == ".lib" and len(card.words) == 2 and section is not None:
            inside = card.words[1].lower() == section
        elif card.name == ".endl":
            inside = section is None
        elif not inside:
            continue
        elif card.name in (".include", ".inc", ".lib"):
            yield from _included(deck, card, path, folder, within)
        else:
            yield card
    if control is not None:
        raise control.wrong("no .endc follows")


def _included(deck: Deck, card: Card, path: Path, folder: Path, within: list[Path]) -> Iterator[Card]:
    """Cards of an included file, which must lie in the folder."""
    names = [word.strip("\"'") for word in card.words[1:]]
    if not names or len(names) > (2 if card.name == ".lib" else 1):
        raise card.wrong("expected the name of a file" + (" and of a section" if card.name == ".lib" else ""))
    place = (path.parent / names[0].replace("\\", "/")).resolve()
    if not place.is_relative_to(folder.resolve()):
        raise card.wrong(f"{names[0]} lies outside the folder {folder}, from which files may be included; copy it "
                         "there, or give read_spice that folder")
    if place in within or len(within) >= DEEPEST or place == path.resolve():
        raise card.wrong(f"{names[0]} includes itself")
    try:
        text = read_text(place)
    except OSError as error:
        raise card.wrong(f"{names[0]} cannot be read ({error.strerror})") from None
    deck.size += len(text)
    deck.includes += 1
    if deck.includes > 1000 or deck.size > LARGEST:
        raise card.wrong("more than 1000 files are included, or files too large")
    yield from _cards(deck, text, place, folder, 1, [*within, place], names[1].lower() if len(names) == 2 else None)


def split_words(line: str) -> list[str]:
    """Words of a line; a name, = and what follows are one."""
    if not SPECIAL & set(line):
        return line.split()
    words: list[str] = []
    joined = False
    for word in WORD.findall(line):
        if word == "=" or joined:
            if not words:
                words.append("")
            words[-1] += word
            joined = word == "="
        else:
            words.append(word)
    return words


SPECIAL = set("(),={}'\"")


def plain(line: str) -> str:
    """A line without its comment, in lower case but for names of files."""
    text = (COMMENT.sub("", line) if ";" in line or "$" in line or "//" in line else line).strip()
    return text if text[:4].lower() in (".inc", ".lib") else text.lower()


def cards(text: str, path: str, first: int) -> Iterator[Card]:
    """Logical lines: comments dropped, continuations (+) joined. first : number of the first line."""
    words, start = list[str](), 0
    for number, line in enumerate(text.split("\n"), start=first):
        said = plain(line)
        if not said or said[0] == "*":
            continue
        if said[0] == "+":
            if not words:
                raise SpiceError(f"{path}, line {number}: nothing stands above that this line could continue: "
                                 f"{short(line)}")
            words += split_words(said[1:])
            continue
        if words:
            yield Card(words, path, start)
        words, start = split_words(said), number
        if words:
            words[0] = words[0].lower()
    if words:
        yield Card(words, path, start)


def named(node: str) -> str:
    """A node's name; ground has several."""
    return GROUND if node in GROUNDS else node


@dataclass(frozen=True, slots=True)
class Placed:
    """An element in its place: its card, its name, those of its two nodes, the parameters that it sees.

    beside : gate and bulk of a transistor, whose two nodes are drain and source. model : the model card of a device.
    """

    card: Card
    name: str
    ends: tuple[str, str]
    scope: Parameters
    beside: tuple[str, ...] = ()
    model: Card | None = None


def flatten(deck: Deck) -> Iterator[Placed]:
    """Every element of the deck; inside subcircuit x1 names are x1.NAME."""
    _count(deck, deck.parts, {}, ())
    yield from _flatten(deck, deck.parts, {}, "", deck.parameters, deck.models)


def _count(deck: Deck, parts: Sequence[Card], known: dict[str, int], within: tuple[str, ...]) -> int:
    """Elements of some cards, with those of their subcircuits: counted before anything is made of them.

    known : of subcircuits, filled as they are met. within : the subcircuits around.
    """
    total, most = 0, 1000 + 100 * deck.size
    for card in parts:
        total += 1
        name = _subcircuit(card) if card.name[0] == "x" else ""
        if name in deck.blocks:
            if name in within:
                raise card.wrong(f"subcircuit {name!r} contains itself")
            if len(within) >= DEEPEST:
                raise card.wrong(f"more than {DEEPEST} subcircuits within each other are not read")
            if name not in known:
                known[name] = _count(deck, deck.blocks[name].parts, known, (*within, name))
            total += known[name]
        if total > most:
            raise card.wrong(f"subcircuits within subcircuits give more than {most} elements, far more than the deck "
                             "has characters")
    return total


def _subcircuit(card: Card) -> str:
    """The subcircuit that an X card names: its last word that sets no parameter."""
    return next((word for word in reversed(card.words[1:]) if "=" not in word and word != "params:"), "")


def _flatten(deck: Deck, parts: Sequence[Card], ports: Mapping[str, str], prefix: str, scope: Parameters,
             models: Mapping[str, Card]) -> Iterator[Placed]:
    def outside(word: str) -> str:
        node = named(word)
        if node in deck.common:
            return node
        return ports.get(node) or prefix + node

    for card in parts:
        kind = card.name[0]
        if kind in "rvic":
            if len(card.words) < 3 or (kind in "rc" and len(card.words) < 4):
                raise card.wrong("expected a name, two nodes and a value")
            yield Placed(card, prefix + card.name, (outside(card.words[1]), outside(card.words[2])), scope)
        elif kind in "dm":
            count = TERMINALS[kind]
            if len(card.words) < count + 2:
                raise card.wrong("expected a name, two nodes and a model" if kind == "d" else
                                 "expected a name, drain, gate, source, bulk and a model")
            first, *others = map(outside, card.words[1:count + 1])
            name = card.words[count + 1]
            if name not in models:
                raise card.wrong(f"there is no model {short(name)}; expected a card as in '.model {name[:40]} "
                                 + ("d(is=1e-14)'" if kind == "d" else "nmos(vto=0.7 kp=1e-4)'"))
            yield Placed(card, prefix + card.name, (first, others[-1] if kind == "d" else others[1]), scope,
                         (others[0], others[2]) if kind == "m" else (), models[name])
        elif kind == "x":
            words = [word for word in card.words[1:] if word != "params:"]
            plain_words = [word for word in words if "=" not in word]
            name = _subcircuit(card)
            if name not in deck.blocks:
                raise card.wrong(f"there is no subcircuit {name!r} in this file")
            block = deck.blocks[name]
            given = [outside(word) for word in plain_words[:-1]]
            if len(given) != len(block.ports):
                raise card.wrong(f"subcircuit {name!r} has {len(block.ports)} ports, not {len(given)}")
            said = settings(card, [word for word in words if "=" in word])
            if unknown := said.keys() - block.defaults.keys():
                raise card.wrong(f"subcircuit {name!r} has no parameter {min(unknown)!r}")
            # what is said is meant outside, where the card stands; numbers that it gives go in
            inner = deck.parameters
            if block.defaults:
                inner = Parameters({**block.defaults, **{key: repr(card.value(text, scope))
                                                         for key, text in said.items()}}, deck.parameters)
            yield from _flatten(deck, block.parts, dict(zip(block.ports, given, strict=True)),
                                f"{prefix}{card.name}.", inner, {**models, **block.models})
        else:
            raise card.wrong("only R, V, I, C, D and M cards and subcircuits (X) are read; this is something else")
