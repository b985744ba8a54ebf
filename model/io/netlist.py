"""Circuits in: resistors, sources and capacitors of a SPICE deck."""
from __future__ import annotations

import os
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.network import Network
from ohmlearn.outputs import Ties
from ohmlearn.task import Task

from .operating_point import Branch, OperatingPoint, operating_point
from .replacing import replacing
from .spice_cards import GROUND, Card, Placed, SpiceError, flatten, plain, read_deck, split_words
from .spice_values import value as plain_value
from .text import read_text, reading, short

OURS = re.compile(r"n?(\d{1,9})")       # names of nodes that say their number
LIKE_A_CARD = re.compile(r"[rvic]\w{1,4}(\s+\S+){2}\s+(dc\s+|ac\s+|r=|c=)?[-+]?[\d.{]\S*(\s+\S+){,3}\s*", re.IGNORECASE)
# Settings of resistors and capacitors that change nothing at rest and at the nominal temperature.
IGNORED = {"r": {"tc", "tc1", "tc2", "tce", "temp", "dtemp", "ac", "noise", "noisy", "l", "w", "tol", "pwr"},
           "c": {"tc", "tc1", "tc2", "temp", "dtemp", "ic", "l", "w", "tol", "rser", "lser", "irms", "vrms"},
           "v": set[str](), "i": set[str]()}
HEAT = {"tc", "tc1", "tc2", "tce"}
TIMED = {"sin", "sine", "pulse", "pwl", "exp", "sffm", "am", "ac", "distof1", "distof2", "trnoise", "trrandom"}


@dataclass(frozen=True, eq=False, repr=False)
class Netlist:
    """A circuit that was read.

    network : its resistors, with their conductances in S (`initial_conductances`) and all names.
    sources : {node: held voltage}; ground is among them where a resistor leads to it.
    drops : {(a, b): held drop}, of voltage sources away from ground and of resistors of 0 ohm. Those that follow from
        others are left out. currents : {node: current injected there}. In V and A.
    capacitors, capacitances : (n_capacitors, 2) nodes between which they lie, -1 for a ground that is no node of the
        network; (n_capacitors,) in F.
    title : first line of the file. notes : what was passed over, in words.
    branches : {"r", "v", "i" or "c": all elements of that kind, in their order}, shorts and loops included.
    text, path : the deck as it stands, and where it lies.

    >>> import ohmlearn as ol
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "divider.cir")
    ...     _ = path.write_text("* divider\\nV1 in 0 5\\nR1 in out 1k\\nR2 out 0 4k\\n")
    ...     circuit = ol.read_spice(path)
    >>> circuit.names, circuit.conductances.tolist()
    (('in', 'out', '0'), [0.001, 0.00025])
    """

    network: Network
    sources: Mapping[int, float]
    drops: Mapping[tuple[int, int], float]
    currents: Mapping[int, float]
    capacitors: NDArray[np.int64]
    capacitances: NDArray[np.float64]
    title: str
    notes: Sequence[str] = ()
    branches: Mapping[str, Sequence[Branch]] = field(default_factory=dict, repr=False)
    text: str = field(default="", repr=False)
    path: str = ""

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(self.branches.get(kind, ()))} {name}" for kind, name in (
            ("r", "resistors"), ("v", "voltage sources"), ("i", "current sources"), ("c", "capacitors")))
        return f"<Netlist {self.title!r}: {self.network.n_nodes} nodes, {counts}>"

    @property
    def voltage_sources(self) -> Sequence[str]:
        """(n_voltage_sources,) what the file calls its voltage sources."""
        return [x.name for x in self.branches["v"]]

    @property
    def conductances(self) -> NDArray[np.float64]:
        """(n_edges,) conductances of the resistors in S."""
        return self.network.conductances()

    @property
    def names(self) -> Sequence[str]:
        """(n_nodes,) what the file calls the nodes; those inside subcircuit x1 are called x1.NAME."""
        assert self.network.node_names is not None
        return self.network.node_names

    @property
    def resistors(self) -> Sequence[str]:
        """(n_edges,) what the file calls the edges."""
        assert self.network.edge_names is not None
        return self.network.edge_names

    def node(self, name: str) -> int:
        """Number of a node.

        name : what the file calls it, e.g. "out" or "x1.mid"; upper and lower case are the same.

        Returns the number.
        Raises ValueError where the circuit has no such node.

        >>> import ohmlearn as ol
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "divider.cir")
        ...     _ = path.write_text("* divider\\nV1 in 0 5\\nR1 in out 1k\\nR2 out 0 4k\\n")
        ...     circuit = ol.read_spice(path)
        >>> circuit.node("out")
        1
        """
        if name.lower() not in self._numbers:
            raise ValueError(f"the circuit has no node {name!r}; its nodes are {', '.join(self.names[:20])}"
                             f"{', ...' if len(self.names) > 20 else ''}")
        return self._numbers[name.lower()]

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: k for k, name in enumerate(self.names)}

    def task(self, targets: Any, target_voltages: ArrayLike) -> Task:
        """The circuit's drive as a task.

        targets : as for :class:`Task`, nodes by name or by number.
        target_voltages : (n_targets,) desired values in V.

        Returns a :class:`Task`.

        >>> import ohmlearn as ol
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "divider.cir")
        ...     _ = path.write_text("* divider\\nV1 in 0 5\\nR1 in out 1k\\nR2 out 0 4k\\n")
        ...     circuit = ol.read_spice(path)
        >>> circuit.task("out", 2.5).target_voltages.tolist()
        [2.5]
        """
        def number(node: Any) -> Any:
            if isinstance(node, str):
                return self.node(node)
            return tuple(map(number, node)) if isinstance(node, tuple | list) else node

        several = [targets] if isinstance(targets, str) else targets
        numbers = [number(target) for target in several] if isinstance(several, list | tuple) else several
        return Task(sources=list(self.sources), source_voltages=list(self.sources.values()), targets=numbers,
                    target_voltages=target_voltages, currents=self.currents, drops=self.drops)

    def voltages(self, conductances: ArrayLike | None = None) -> OperatingPoint:
        """The operating point: voltages in V by the nodes' names, and the currents of all branches in A.

        conductances : (n_edges,) of the resistors in S, by default those of the deck.

        A node behind capacitors only has the voltage that they give it as a divider without charge.
        Raises ValueError where currents into a part without ground do not balance.

        Returns an :class:`OperatingPoint`.

        >>> import ohmlearn as ol
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "divider.cir")
        ...     _ = path.write_text("* divider\\nV1 in 0 5\\nR1 in out 1k\\nR2 out 0 4k\\n")
        ...     circuit = ol.read_spice(path)
        >>> round(circuit.voltages()["out"], 9)
        4.0
        """
        return operating_point(self, self.network.conductances(conductances))

    def write(self, path: str | os.PathLike[str], conductances: ArrayLike) -> None:
        """Write the deck that was read with other resistances, everything else as it stands.

        conductances : (n_edges,) > 0 in S, for instance those that were learned.

        Raises ValueError for a resistor in an included file or in a subcircuit, one card for several resistors.

        >>> import ohmlearn as ol
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "divider.cir")
        ...     _ = path.write_text("* divider\\nV1 in 0 5\\nR1 in out 1k\\nR2 out 0 4k\\n")
        ...     circuit = ol.read_spice(path)
        ...     circuit.write(path, [1e-3, 1e-3])
        ...     halved = ol.read_spice(path)
        >>> round(halved.voltages()["out"], 9)
        2.5
        """
        g = self.network.conductances(conductances)
        lines = self.text.split("\n")
        resistors = [x for x in self.branches["r"] if x.value > 0 and x.ends[0] != x.ends[1]]
        for x, was, now in zip(resistors, self.conductances.tolist(), g.tolist(), strict=True):
            if now == was:
                continue
            if now == 0 or not np.isfinite(1 / now):
                raise ValueError(f"the conductance of {x.name} is {now}, which no resistor has; give it a small one")
            if "." in x.name or x.card.path != self.path:
                raise x.card.wrong(f"{x.name} stands in a subcircuit or an included file, whose cards serve several; "
                                   "flatten the deck: network.to_spice writes one")
            _replace(lines, x.card, repr(x.value / x.factor * was / now))
        with replacing(path) as file:
            file.write("\n".join(lines))


def read_spice(path: str | os.PathLike[str], *, folder: str | os.PathLike[str] | None = None) -> Netlist:
    """Circuit of a SPICE deck: resistors, constant voltage and current sources, capacitors, subcircuits flattened.

    folder : from where files may be included, by default the deck's own.

    Nodes are numbered as named where the names are n0, n1, ... or 0, 1, ... without a gap, otherwise in the order in
    which they appear; edges in the order of the resistors. Parameters, expressions of numbers and included files are
    read. What to analyse and to print is passed over. Anything else that is not understood raises SpiceError, a
    ValueError, which names the line.

    Returns a :class:`Netlist`: the network of its resistors, conductances in S, and its sources in V and A.

    >>> import ohmlearn as ol
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "divider.cir")
    ...     _ = path.write_text("* divider\\nV1 in 0 5\\nR1 in out 1k\\nR2 out 0 4k\\n")
    ...     point = ol.read_spice(path).voltages()
    >>> round(point["out"], 9), round(point.currents["r1"], 9)
    (4.0, 0.001)
    """
    path = Path(path)
    with reading(path):
        return build(read_text(path), path, None if folder is None else Path(folder))


def build(text: str, path: Path, folder: Path | None = None) -> Netlist:
    """The circuit of a deck's text."""
    deck = read_deck(text, path, folder or path.parent)
    if LIKE_A_CARD.fullmatch(text.partition("\n")[0]) or re.match(r"\.(?!title)[a-z]+\b", text, re.IGNORECASE):
        warnings.warn(f"{path}, line 1: {deck.title!r} looks like a card, but the first line of a deck is its title "
                      "and not read; put a line above it", stacklevel=4)
    notes = [f"passed over: {', '.join(f'{name} ({n})' for name, n in deck.passed.items() if n)}"] if \
        any(deck.passed.values()) else []
    placed: dict[str, Placed] = {}
    kinds: dict[str, list[Placed]] = {kind: [] for kind in "rvic"}
    values, factors = dict[str, float](), dict[str, float]()
    for x in flatten(deck):
        if x.name in placed:
            other = placed[x.name].card
            raise x.card.wrong(f"there is an element {x.name} already, at line {other.line}"
                               + (f" of {other.path}" if other.path != x.card.path else ""))
        placed[x.name] = x
        kinds[x.card.words[0][0]].append(x)
        values[x.name], factors[x.name] = _value(x)
    if not kinds["r"]:
        raise SpiceError(f"{path} has no resistors; expected cards as in 'R1 a b 4.7k' below a first line of title")
    edges = [x for x in kinds["r"] if values[x.name] > 0 and x.ends[0] != x.ends[1]]
    if not edges:
        raise SpiceError(f"{path} has no resistor between two nodes")
    number = _numbers([x.ends for kind in "rvic" for x in kinds[kind]], any(GROUND in x.ends for x in edges))
    branches = {kind: [Branch(x.name, (number[x.ends[0]], number[x.ends[1]]), values[x.name], x.card, factors[x.name])
                       for x in found]
                for kind, found in kinds.items()}
    names = tuple(name for name, k in sorted(number.items(), key=lambda item: item[1]) if k >= 0)
    sources, drops = _held(branches, number[GROUND], names)
    network = Network(np.array([[number[end] for end in x.ends] for x in edges]), len(names), name=deck.title,
                      initial_conductances=np.array([1 / values[x.name] for x in edges]), node_names=names,
                      edge_names=tuple(x.name for x in edges), conductance_source="resistors of the deck")
    capacitors = branches["c"]
    return Netlist(
        network, sources, drops, _currents(branches["i"], sources),
        np.array([x.ends for x in capacitors], dtype=np.int64).reshape(-1, 2),
        np.array([x.value for x in capacitors], dtype=np.float64), deck.title, notes, branches, text, str(path))


def _value(x: Placed) -> tuple[float, float]:
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


def _numbers(ends: Sequence[tuple[str, str]], grounded: bool) -> dict[str, int]:
    """Number of every node, in their order; -1 for a ground that no resistor leads to."""
    names = list(dict.fromkeys(name for pair in ends for name in pair if grounded or name != GROUND))
    digits = [OURS.fullmatch(name) for name in names]
    if all(digits) and sorted(int(d[1]) for d in digits if d) == list(range(len(names))):
        names.sort(key=lambda name: int(name.lstrip("n")))
    return {name: k for k, name in enumerate(names)} | ({} if grounded else {GROUND: -1})


def _held(branches: Mapping[str, Sequence[Branch]], ground: int, names: Sequence[str]
          ) -> tuple[dict[int, float], dict[tuple[int, int], float]]:
    """Held nodes and held drops, those that follow from others left out."""
    ties = Ties()
    sources, drops = {ground: 0.0} if ground >= 0 else dict[int, float](), dict[tuple[int, int], float]()
    shorts = [x for x in branches["r"] if x.value == 0 and x.ends[0] != x.ends[1]]
    for x in [*branches["v"], *shorts]:
        (a, b), v = x.ends, x.value
        if a == b:
            continue
        gap = ties.tie(a, b, v)
        if gap is None:
            if ground in (a, b):
                sources[b if a == ground else a] = -v if a == ground else v
            else:
                drops[a, b] = v
        elif abs(gap - v) > 1e-12 * max(abs(gap), abs(v)):
            one, two = (GROUND if k < 0 else names[k] for k in (a, b))
            where = f"node {two if one == GROUND else one!r} is" if GROUND in (one, two) else \
                f"nodes {one!r} and {two!r} are"
            raise x.card.wrong(f"{where} held {gap:g} V apart already" if "nodes" in where else
                               f"{where} held at {gap if two == GROUND else -gap:g} V already")
    return sources, drops


def _currents(cards: Sequence[Branch], sources: Mapping[int, float]) -> dict[int, float]:
    """Currents into nodes that are not held: a positive one flows from its first node through the source."""
    currents: dict[int, float] = {}
    for x in cards:
        for node, sign in zip(x.ends, (-1, 1), strict=True):
            if node >= 0 and node not in sources and x.ends[0] != x.ends[1]:
                currents[node] = currents.get(node, 0.0) + sign * x.value
    return currents


def _replace(lines: list[str], card: Card, value: str) -> None:
    """Put another value into the lines of a resistor's card, in place of the one that is there."""
    scope_words = [word.partition("=")[0] for word in card.words]
    keyed = next((k for k, word in enumerate(scope_words) if word in ("r", "resistance") and k > 2
                  and "=" in card.words[k]), None)
    place = keyed or next(k for k, word in enumerate(card.words) if k > 2 and "=" not in word
                          and (word[0] in "{'+-." or word[0].isdigit() or k == len(card.words) - 1))
    seen, at = 0, card.line - 1
    while True:
        said = plain(lines[at])
        words = split_words(said.removeprefix("+")) if said and said[0] != "*" else []
        if seen + len(words) > place:
            break
        seen, at = seen + len(words), at + 1
    line = lines[at]
    pattern = re.compile(r"\s*=\s*".join(map(re.escape, words[place - seen].split("=", 1))), re.IGNORECASE)
    start = 0
    for word in words[:place - seen]:
        start = line.lower().index(word.partition("=")[0], start) + len(word.partition("=")[0])
    found = pattern.search(line, start)
    assert found is not None
    text = f"{words[place - seen].partition('=')[0]}={value}" if "=" in words[place - seen] else value
    lines[at] = line[:found.start()] + text + line[found.end():]
