"""Circuits in: resistors, diodes, transistors, sources and capacitors of a SPICE deck."""
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
from ohmlearn.checks.file_text import read_text, reading
from ohmlearn.edges.laws import EdgeLaw, Linear, PerEdge
from ohmlearn.network import Network
from ohmlearn.outputs import Ties
from ohmlearn.task import Task

from .cards.device_cards import law_of_edges
from .cards.element_values import value_of
from .cards.law_cards import LEAKS
from .cards.spice_cards import GROUND, Card, Placed, SpiceError, flatten, plain, read_deck, split_words
from .operating_point import Branch, OperatingPoint, nonlinear_point, operating_point
from .replacing import replacing

OURS = re.compile(r"n?(\d{1,9})")       # names of nodes that say their number
KINDS = "rdmvic"
LIKE_A_CARD = re.compile(r"[rvic]\w{1,4}(\s+\S+){2}\s+(dc\s+|ac\s+|r=|c=)?[-+]?[\d.{]\S*(\s+\S+){,3}\s*", re.IGNORECASE)


@dataclass(frozen=True, eq=False, repr=False)
class Netlist:
    """A circuit that was read.

    network : its resistors, diodes and transistors, with all names; where there are resistors only, with their
        conductances in S (`initial_conductances`).
    edges : law of the edges, see `ohmlearn.edges`: resistors are `Linear`, diodes and transistors have the numbers of
        their model cards, in S, V, A and ohm. values : (n_edges,) conductances of resistors in S, gate voltages of
        transistors in V, and 1 for a diode, which has nothing that learns.
    sources : {node: held voltage}; ground is among them where a resistor leads to it.
    drops : {(a, b): held drop}, of voltage sources away from ground and of resistors of 0 ohm. Those that follow from
        others are left out. currents : {node: current injected there}. In V and A.
    capacitors, capacitances : (n_capacitors, 2) nodes between which they lie, -1 for a ground that is no node of the
        network; (n_capacitors,) in F.
    title : first line of the file. notes : what was passed over, in words.
    branches : {"r", "d", "m", "v", "i" or "c": all elements of that kind, in their order}, shorts and loops included.
    gates : {edge: voltage source that holds the gate of this transistor alone, or together with others}.
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
    edges: EdgeLaw | PerEdge = field(default_factory=Linear)
    values: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    gates: Mapping[int, Branch] = field(default_factory=dict, repr=False)
    text: str = field(default="", repr=False)
    path: str = ""

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(self.branches.get(kind, ()))} {name}" for kind, name in (
            ("r", "resistors"), ("d", "diodes"), ("m", "transistors"), ("v", "voltage sources"),
            ("i", "current sources"), ("c", "capacitors"))
            if kind not in "dm" or self.branches.get(kind))
        return f"<Netlist {self.title!r}: {self.network.n_nodes} nodes, {counts}>"

    @property
    def voltage_sources(self) -> Sequence[str]:
        """(n_voltage_sources,) what the file calls its voltage sources."""
        return [x.name for x in self.branches["v"]]

    @property
    def conductances(self) -> NDArray[np.float64]:
        """(n_edges,) conductances of the resistors in S.

        Raises ValueError where there are diodes or transistors; `values` has one number for every edge.
        """
        if not isinstance(self.edges, Linear):
            raise ValueError("the circuit has diodes or transistors, which have no conductance; take circuit.values, "
                             "with conductances of resistors and gate voltages of transistors")
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

        conductances : (n_edges,) of the resistors in S and gate voltages of transistors in V, by default those of the
            deck.

        A node behind capacitors only has the voltage that they give it as a divider without charge.
        Raises ValueError where currents into a part without ground do not balance, NotConverged where a circuit of
        diodes and transistors has no operating point that is found.

        Returns an :class:`OperatingPoint`.

        >>> round(circuit.voltages()["out"], 9)
        4.0
        """
        if isinstance(self.edges, Linear):
            return operating_point(self, self.network.conductances(conductances))
        return nonlinear_point(self, self.values if conductances is None else conductances)

    def write(self, path: str | os.PathLike[str], conductances: ArrayLike) -> None:
        """Write the deck that was read with other resistances and gate voltages, everything else as it stands.

        conductances : (n_edges,) > 0 in S, for instance those that were learned; gate voltages in V where an edge is a
            transistor.

        Raises ValueError for a resistor in an included file or in a subcircuit, one card for several resistors, and
        where one source holds the gates of several transistors that should have different voltages.

        >>> with TemporaryDirectory() as folder:
        ...     circuit.write(Path(folder, "halved.cir"), [1e-3, 1e-3])
        ...     halved = ol.read_spice(Path(folder, "halved.cir"))
        >>> round(halved.voltages()["out"], 9)
        2.5
        """
        given = np.asarray(getattr(conductances, "conductances", conductances), dtype=np.float64)
        new = self.network.conductances(given) if isinstance(self.edges, Linear) else given
        if new.shape != self.values.shape or not np.all(np.isfinite(new)):
            raise ValueError(f"give a finite value for each of the {self.values.size} edges, not shape {new.shape}")
        elements = {x.name: x for kind in "rdm" for x in self.branches.get(kind, ())}
        lines, gates = self.text.split("\n"), dict[str, float]()
        for j, (name, was, now) in enumerate(zip(self.resistors, self.values.tolist(), new.tolist(), strict=True)):
            x = elements[name]
            kind = x.card.name[0]
            if kind == "m" and (now != was or j in self.gates):
                x = self._gate(j, x, now, gates)
            if now == was:
                continue
            if kind == "d":
                raise ValueError(f"nothing of the diode {name} can be set; leave its value at {was:g}")
            if kind == "r" and (now <= 0 or not np.isfinite(1 / now)):
                raise ValueError(f"the conductance of {x.name} is {now}, which no resistor has; give it a small one")
            if "." in x.name or x.card.path != self.path:
                raise x.card.wrong(f"{x.name} stands in a subcircuit or an included file, whose cards serve several; "
                                   "flatten the deck: network.to_spice writes one")
            _replace(lines, x.card, repr((x.value * was / now if kind == "r" else now) / x.factor))
        with replacing(path) as file:
            file.write("\n".join(lines))

    def _gate(self, j: int, transistor: Branch, voltage: float, gates: dict[str, float]) -> Branch:
        """The source of the gate of edge j, which may have one voltage only. gates : those met so far."""
        if j not in self.gates:
            raise transistor.card.wrong("one source from ground to the gate alone could be set, which it does not have")
        source = self.gates[j]
        if gates.setdefault(source.name, voltage) != voltage:
            raise transistor.card.wrong(f"{source.name} would hold this gate at {voltage:g} V and another one at "
                                        f"{gates[source.name]:g} V; give every gate a source of its own")
        return source


def read_spice(path: str | os.PathLike[str], *, folder: str | os.PathLike[str] | None = None) -> Netlist:
    """Circuit of a SPICE deck: resistors, diodes, n-channel transistors of level 1, constant voltage and current
    sources, capacitors; subcircuits flattened.

    folder : from where files may be included, by default the deck's own.

    Nodes are numbered as named where the names are n0, n1, ... or 0, 1, ... without a gap, otherwise in the order in
    which they appear; edges in the order of their cards: resistors, diodes (from anode to cathode) and transistors
    (from drain to source). Gates are held by voltage sources and are no nodes; bulks are at ground. Of `.options`,
    gmin, rshunt, temp and tnom hold for diodes and transistors; their capacitances, and bulk junctions but for gmin,
    are left out. A resistor R<element>_leak beside a diode or transistor belongs to its law. Parameters, expressions
    of numbers and included files are read. What to analyse and to print is passed over. Anything else that is not
    understood raises SpiceError, a ValueError, which names the line.

    Returns a :class:`Netlist`: the network, the law of its edges, conductances in S, gate voltages and sources in V.

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
    placed: dict[str, Placed] = {}
    kinds: dict[str, list[Placed]] = {kind: [] for kind in KINDS}
    values, factors = dict[str, float](), dict[str, float]()
    for x in flatten(deck):
        if x.name in placed:
            other = placed[x.name].card
            raise x.card.wrong(f"there is an element {x.name} already, at line {other.line}"
                               + (f" of {other.path}" if other.path != x.card.path else ""))
        placed[x.name] = x
        kinds[x.card.words[0][0]].append(x)
        if x.model is None:
            values[x.name], factors[x.name] = value_of(x)
    devices = bool(kinds["d"] or kinds["m"])
    leaks = _leaks(placed, values) if devices else {}
    edges = [x for name, x in placed.items() if (kind := x.card.name[0]) in "rdm" and name not in leaks
             and x.ends[0] != x.ends[1] and (kind != "r" or values[name] > 0)]
    if not kinds["r"] and not devices:
        raise SpiceError(f"{path} has no resistors; expected cards as in 'R1 a b 4.7k' below a first line of title")
    if not edges:
        raise SpiceError(f"{path} has no resistor, diode or transistor between two nodes")
    gates, sources_of_gates = _gates(kinds, values)
    kinds["v"] = [x for x in kinds["v"] if x.name not in sources_of_gates]
    number = _numbers([x.ends for kind in KINDS for x in kinds[kind]], any(GROUND in x.ends for x in edges))
    branches = {kind: [Branch(x.name, (number[x.ends[0]], number[x.ends[1]]),
                              gates[x.name][0] if kind == "m" else values.get(x.name, 1.0), x.card,
                              factors.get(x.name, 1.0)) for x in found if x.name not in leaks]
                for kind, found in kinds.items()}
    names = tuple(name for name, k in sorted(number.items(), key=lambda item: item[1]) if k >= 0)
    sources, drops = _held(branches, number[GROUND], names)
    notes = list[str]()
    learned = np.array([1 / values[x.name] if x.card.name[0] == "r" else gates[x.name][0] if x.name in gates else 1.0
                        for x in edges])
    law = law_of_edges(deck, edges, placed, leaks, values, notes) if devices else Linear()
    passed = deck.passed - deck.heeded if devices else deck.passed
    if any(passed.values()):
        notes.insert(0, f"passed over: {', '.join(f'{name} ({n})' for name, n in passed.items() if n)}")
    network = Network(np.array([[number[end] for end in x.ends] for x in edges]), len(names), name=deck.title,
                      initial_conductances=None if devices else learned, node_names=names,
                      edge_names=tuple(x.name for x in edges),
                      conductance_source="" if devices else "resistors of the deck")
    capacitors = branches["c"]
    return Netlist(
        network, sources, drops, _currents(branches["i"], sources),
        np.array([x.ends for x in capacitors], dtype=np.int64).reshape(-1, 2),
        np.array([x.value for x in capacitors], dtype=np.float64), deck.title, notes, branches, law, learned,
        {j: source for j, x in enumerate(edges) if x.name in gates and (source := gates[x.name][1]) is not None},
        text, str(path))


def _leaks(placed: Mapping[str, Placed], values: Mapping[str, float]) -> dict[str, str]:
    """{resistor: the diode or transistor beside which it lies, and to whose law it belongs}."""
    found = {}
    for name, x in placed.items():
        if x.model is not None:
            inside, _, own = name.rpartition(".")
            leak = f"{inside}{'.' * bool(inside)}r{own}{LEAKS}"
            if leak in placed and set(placed[leak].ends) == set(x.ends) and values[leak] > 0:
                found[leak] = name
    return found


def _gates(kinds: Mapping[str, Sequence[Placed]], values: Mapping[str, float]
           ) -> tuple[dict[str, tuple[float, Branch | None]], set[str]]:
    """{transistor: voltage of its gate, the source between gate and ground}, and the sources that hold gates only."""
    ties, at = Ties(), dict[str, int]()

    def number(node: str) -> int:
        return at.setdefault(node, len(at))

    own = {node for x in kinds["m"] for node in x.beside[:1]} - {GROUND} - {
        end for kind in KINDS if kind != "v" for x in kinds[kind] for end in x.ends}
    shorts = [x for x in kinds["r"] if values[x.name] == 0]
    direct: dict[str, Branch] = {}
    for x in [*kinds["v"], *shorts] if kinds["m"] else ():
        (a, b), value = x.ends, values[x.name]
        gap = ties.tie(number(a), number(b), value) if a != b else None
        if gap is not None and abs(gap - value) > 1e-12 * max(abs(gap), abs(value)):
            raise x.card.wrong(f"nodes {a!r} and {b!r} are held {gap:g} V apart already")
        if GROUND in x.ends:
            sign = 1.0 if b == GROUND else -1.0
            direct[a if b == GROUND else b] = Branch(x.name, (-1, -1), sign * value, x.card, sign)
    ground = ties.find(number(GROUND))
    found = dict[str, tuple[float, Branch | None]]()
    for x in kinds["m"]:
        for what, node in zip(("gate", "bulk"), x.beside, strict=True):
            root, level = ties.find(number(node))
            if root != ground[0] and what == "gate":
                raise x.card.wrong(f"no voltage sources hold its gate {node!r} from ground on; gates are at fixed "
                                   f"voltages, as by a card 'V{x.card.name} {node} 0 2.5'")
            if what == "bulk" and (root != ground[0] or level != ground[1]):
                raise x.card.wrong(f"its bulk {node!r} is not ground; the law has bulks at ground only, so connect it "
                                   "to 0")
        root, level = ties.find(number(x.beside[0]))
        gate = x.beside[0]
        found[x.name] = level - ground[1] + 0.0, direct.get(gate) if gate in own else None
    return found, {x.name for x in kinds["v"] if own & set(x.ends)}


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
    """Put another value into the lines of a card, of a resistor or a source, in place of the one that is there."""
    scope_words = [word.partition("=")[0] for word in card.words]
    keyed = next((k for k, word in enumerate(scope_words) if word in ("r", "resistance", "dc") and k > 2
                  and "=" in card.words[k]), None)
    place = keyed or next((k for k, word in enumerate(card.words) if k > 2 and "=" not in word
                           and (word[0] in "{'+-." or word[0].isdigit() or k == len(card.words) - 1)), None)
    if place is None:
        raise card.wrong("it has no value that could be replaced; give it one, as in 'V1 a 0 5'")
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
