"""Circuits in: resistors, sources and capacitors of a SPICE deck."""
from __future__ import annotations

import os
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.network import Network
from ohmlearn.task import Task

from .spice_cards import GROUND, Card, SpiceError, flatten, read_deck

OURS = re.compile(r"n?(\d+)")       # names of nodes that say their number


@dataclass(frozen=True, eq=False)
class Netlist:
    """A circuit that was read.

    network, conductances : its resistors, (n_edges,) in S.
    names : (n_nodes,) what the file calls the nodes; those inside subcircuit x1 are called x1.NAME. resistors :
        (n_edges,) what it calls the edges.
    sources : {node: held voltage}; ground is among them where a resistor leads to it.
    drops : {(a, b): held drop}. currents : {node: current injected there}. In V and A.
    capacitors, capacitances : (n_capacitors, 2) nodes between which they lie, -1 for a ground that is no node of the
        network; (n_capacitors,) in F.
    title : first line of the file.
    """

    network: Network
    conductances: NDArray[np.float64]
    names: Sequence[str]
    resistors: Sequence[str]
    sources: Mapping[int, float]
    drops: Mapping[tuple[int, int], float]
    currents: Mapping[int, float]
    capacitors: NDArray[np.int64]
    capacitances: NDArray[np.float64]
    title: str

    def node(self, name: str) -> int:
        """Number of a node.

        name : what the file calls it, e.g. "out" or "x1.mid"; upper and lower case are the same.

        Raises ValueError where the circuit has no such node.
        """
        try:
            return self.names.index(name.lower())
        except ValueError:
            raise ValueError(f"the circuit has no node {name!r}; its nodes are {', '.join(self.names[:20])}"
                             f"{', ...' if len(self.names) > 20 else ''}") from None

    def task(self, targets: Any, target_voltages: ArrayLike) -> Task:
        """The circuit's drive as a task.

        targets : as for :class:`Task`, nodes by name or by number.
        target_voltages : (n_targets,) desired values in V.
        """
        def number(node: Any) -> Any:
            if isinstance(node, str):
                return self.node(node)
            return tuple(map(number, node)) if isinstance(node, tuple | list) else node

        several = [targets] if isinstance(targets, str) else targets
        numbers = [number(target) for target in several] if isinstance(several, list | tuple) else several
        return Task(sources=list(self.sources), source_voltages=list(self.sources.values()), targets=numbers,
                    target_voltages=target_voltages, currents=self.currents, drops=self.drops)


def read_spice(path: str | os.PathLike[str]) -> Netlist:
    """Circuit of a SPICE deck: resistors, constant voltage and current sources, capacitors, subcircuits flattened.

    Nodes are numbered as named where the names are n0, n1, ... or 0, 1, ... without a gap, otherwise in the order in
    which they appear; edges in the order of the resistors. What to analyse and to print is passed over. Anything else
    that is not understood raises SpiceError, a ValueError, which names the line.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise SpiceError(f"{path} is not a text file; decks are text") from None
    return _build(text, str(path))


@dataclass(frozen=True)
class Element:
    """An element that was read: its card and name, its two nodes' names, its value in SI units."""

    card: Card
    name: str
    ends: Sequence[str]
    value: float


def _build(text: str, path: str) -> Netlist:
    deck = read_deck(text, path)
    if re.fullmatch(r"[rvic]\w*(\s+\w+){2}\s+[\d.]\S*", deck.title.lower()):
        warnings.warn(f"{path}, line 1: {deck.title!r} looks like a card, but the first line of a deck is its title "
                      "and not read; put a line above it", stacklevel=3)
    found: dict[str, list[Element]] = {kind: [] for kind in "rvic"}
    for card, name, ends in flatten(deck):
        found[card.name[0]].append(Element(card, name, ends, _value(card, ends)))
    resistors, capacitors = found["r"], found["c"]
    if not resistors:
        raise SpiceError(f"{path} has no resistors; expected cards as in 'R1 a b 4.7k' below a first line of title")
    number = _numbers([x.ends for kind in "rvic" for x in found[kind]], any(GROUND in x.ends for x in resistors))
    sources, drops = _held(found["v"], number)
    network = Network(np.array([[number[end] for end in x.ends] for x in resistors]),
                      sum(k >= 0 for k in number.values()), name=deck.title)
    return Netlist(
        network, np.array([1 / x.value for x in resistors]), [name for name, k in number.items() if k >= 0],
        [x.name for x in resistors], sources, drops, _currents(found["i"], number, sources),
        np.array([[number[end] for end in x.ends] for x in capacitors], dtype=np.int64).reshape(-1, 2),
        np.array([x.value for x in capacitors]), deck.title)


def _value(card: Card, ends: Sequence[str]) -> float:
    """The checked value of an element."""
    kind, rest = card.name[0], list(card.words[3:])
    constant = "; sources are constant, as in 'V1 a 0 5' or 'V1 a 0 dc 5'" if kind in "vi" else ""
    if kind in "vi" and rest[0] == "dc" and len(rest) > 1:
        del rest[0]
    if kind == "c" and len(rest) == 2 and rest[1].startswith("ic="):
        card.value(rest.pop()[3:])
    if len(rest) > 1:
        odd = rest[0] if rest[0].isalpha() else rest[1]
        raise card.wrong(f"{odd!r} is not understood; expected a name, two nodes and a value{constant}")
    value = card.value(rest[0].removeprefix(f"{kind}=") if kind in "rc" else rest[0])
    if kind in "rc" and value <= 0:
        raise card.wrong(f"a {'resistance' if kind == 'r' else 'capacitance'} must be > 0, not {value:g}")
    if ends[0] == ends[1] and kind in "rv":
        raise card.wrong(f"both ends are node {ends[0]!r}; drop the card")
    return value


def _numbers(ends: Sequence[Sequence[str]], grounded: bool) -> dict[str, int]:
    """Number of every node, in their order; -1 for a ground that no resistor leads to."""
    names = list(dict.fromkeys(name for pair in ends for name in pair if grounded or name != GROUND))
    digits = [OURS.fullmatch(name) for name in names]
    if all(digits) and sorted(int(d[1]) for d in digits if d) == list(range(len(names))):
        names.sort(key=lambda name: int(name.lstrip("n")))
    return {name: k for k, name in enumerate(names)} | ({} if grounded else {GROUND: -1})


def _held(cards: Sequence[Element], number: Mapping[str, int]) -> tuple[dict[int, float], dict[tuple[int, int], float]]:
    """Held nodes and held drops."""
    sources = {number[GROUND]: 0.0} if number[GROUND] >= 0 else {}
    drops: dict[tuple[int, int], float] = {}
    for x in cards:
        (a, b), v = x.ends, x.value
        if GROUND in x.ends:
            node, v = (number[b], -v) if a == GROUND else (number[a], v)
            if sources.setdefault(node, v) != v:
                raise x.card.wrong(f"the node is held at {sources[node]:g} V already")
        elif drops.setdefault((number[a], number[b]), v) != v:
            raise x.card.wrong(f"the nodes are held {drops[number[a], number[b]]:g} V apart already")
    return sources, drops


def _currents(cards: Sequence[Element], number: Mapping[str, int], sources: Mapping[int, float]) -> dict[int, float]:
    """Currents into nodes that are not held: a positive one flows from its first node through the source."""
    currents: dict[int, float] = {}
    for x in cards:
        for end, sign in zip(x.ends, (-1, 1), strict=True):
            node = number[end]
            if node >= 0 and node not in sources:
                currents[node] = currents.get(node, 0.0) + sign * x.value
    return currents
