"""Circuits out: decks for SPICE written from a network and its task; :mod:`ohmlearn.io.netlist` reads such files.

A network whose nodes have a capacitor each to ground relaxes as C dv/dt = -L(G) v, which with C = 1 are the
simulator's free voltages at fixed G; with capacitors in parallel to the edges it is the lab circuit of paper 1.
"""
from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.network import Network
from ohmlearn.outputs import Constraint, Ties, weights
from ohmlearn.task import Task

from .cards.law_cards import Leaks, elements, inverse, leaks, letters, options
from .cards.spice_cards import GROUND, GROUNDS
from .replacing import replacing

if TYPE_CHECKING:
    from ohmlearn import Run, Units

WORD = re.compile(r"[A-Za-z0-9_][\w.:#-]*", re.ASCII)        # names that every SPICE takes


def to_spice(network: Network, task: Task, conductances: ArrayLike | Run | None = None, *, edges: Any = None,
             capacitors: Literal["nodes", "edges"] | None = None, capacitance: ArrayLike | None = None,
             start: ArrayLike | None = None, stop: float | None = None, step: float | None = None,
             units: Units | None = None, path: str | os.PathLike[str] | None = None) -> str:
    """Deck of the driven, free network; written to `path` too if given.

    conductances : (n_edges,) G > 0 in S, or in G₀ of `units`, by default the network's initial ones, else 1; a run
        stands for those at its end. With `edges` what learns, gate voltages in V where edges are transistors, by
        default the start of the law.
    edges : law of the edges, see `ohmlearn.edges`: linear ones become resistors, `Diode` a diode, `NMOS` of the laws
        "square" and "level1" a transistor of level 1, with model cards. Bounds of what learns are not in a deck.
    capacitors : "nodes", one from every node to ground; "edges", one in parallel to every edge.
    capacitance : (n_nodes,) or (n_edges,) of them in F, or one number; by default that of `units`, else 1.
    start : (n_nodes,) voltages at t = 0 in V, or in the voltage of `units`, by default those of the operating point.
    units : :class:`Units`, what 1 stands for in conductances, voltages and currents; by default 1 S, 1 V and 1 A. Not
        together with `edges`.
    stop, step : a transient analysis up to this time with this longest step, in s (by default a thousandth of it);
        without stop, the operating point.

    Nodes and edges have their names where a deck can hold them, else node k is called nk and edge j is Rj. Held nodes
    are voltage sources, targets are comments. A floating part has its first node tied to ground: its voltages are
    relative to that node's, not to their mean. With capacitors at the nodes it floats on these instead, from `start`
    on, as such a tie would change how it relaxes.
    Every gate has a source of its own. Leaks of the laws are gmin and rshunt of `.options` where these mean the same,
    else resistors; a leak beside an element, between its nodes, is a resistor R<element>_leak.

    Returns the text of the deck. Raises ValueError for a conductance of 0, which no resistor has, for a law without an
    element of SPICE, and for a task that does not fit.
    """
    if not isinstance(task, Task):
        raise TypeError("a deck needs a network, its task and conductances, as in net.to_spice(task, run); "
                        f"task is {task!r}. run.to_spice() takes all three from the run")
    task.check(network)
    edges = getattr(conductances, "edges", None) if edges is None else edges
    if edges is not None and units is not None:
        raise ValueError("decks with edges=... are in S, V and A; leave units out")
    siemens, volts, amperes = (units.conductance, units.voltage, units.current) if units else (1.0, 1.0, 1.0)
    g, kinds = network.conductances(conductances) if edges is None else np.empty(0), ["R"] * network.n_edges
    if edges is not None:
        from ohmlearn.edges import NonlinearEquilibrium

        solver = NonlinearEquilibrium(network, _held(network, task), edges)
        g, edges = np.broadcast_to(solver.values(conductances), network.n_edges), solver.edges
        kinds = letters(edges, network.n_edges)
    if (absent := np.flatnonzero((g == 0) & (np.array(kinds) == "R"))).size:
        raise ValueError(f"conductance of edge {absent[0]} is 0, which no resistor has; leave the edge "
                         "out of the network, or give it a small conductance")
    nodes, names = _names(network, task, kinds)
    lines = [f"* {network.name or 'network'}: {network.n_nodes} nodes, {network.n_edges} edges"]
    if network.node_names is not None and nodes[0] != network.node_names[0]:
        lines += [f"* {short} is {name}" for short, name in zip(nodes, network.node_names, strict=True)]
    lines += [f"* target {_said(output, nodes)}: {volts * wanted!r} desired"
              for output, wanted in zip(task.targets, task.target_voltages.tolist(), strict=True)]
    if "D" in kinds or "M" in kinds:
        lines += _devices(network, edges, g, nodes, names)
    else:
        lines += [f"{names[j]} {nodes[a]} {nodes[b]} {1 / (siemens * x)!r}" for j, ((a, b), x) in
                  enumerate(zip(network.edges.tolist(), g.tolist(), strict=True))]
    held = [(f"{nodes[node]} {GROUND}", volts * v) for node, v in
            zip(task.sources.tolist(), task.source_voltages.tolist(), strict=True) if nodes[node] != GROUND]
    floating = _floating(network, task)
    relaxes = bool(floating) and capacitors == "nodes" and stop is not None
    if relaxes and start is None:
        raise ValueError("the network floats, so its transient begins at given voltages; give start, for instance "
                         "start=np.zeros(network.n_nodes)")
    held += [] if relaxes else [(f"{nodes[node]} {GROUND}", 0.0) for node in floating]
    held += [(f"{nodes[a]} {nodes[b]}", volts * v) for (a, b), v in task.drops.items()]
    lines += [f"V{k} {ends} {v!r}" for k, (ends, v) in enumerate(held)]
    lines += [f"I{k} {GROUND} {nodes[node]} {amperes * current!r}"
              for k, (node, current) in enumerate(task.currents.items())]
    begin = None if start is None else volts * _values(start, network.n_nodes, "start")
    farads = (units.capacitance if units else 1.0) if capacitance is None else capacitance
    lines += _capacitor_cards(network, nodes, capacitors, farads, begin if relaxes else None)
    if begin is not None and not relaxes:
        values = begin.tolist()
        lines += [f".ic v({nodes[k]})={v!r}" for k, v in enumerate(values) if nodes[k] != GROUND]
    if stop is None:
        lines.append(".op")
    else:
        if not (0 < stop < np.inf and (step is None or 0 < step <= stop)):
            raise ValueError(f"stop={stop} must be a time > 0 in s, and step={step} at most that")
        longest = stop / 1000 if step is None else step
        lines.append(f".tran {longest!r} {float(stop)!r} 0 {longest!r}{' uic' if relaxes else ''}")
    text = "\n".join([*lines, ".end", ""])
    if path is not None:
        with replacing(path) as file:
            file.write(text)
    return text


def _held(network: Network, task: Task) -> list[int]:
    """Nodes without which parts of the network float: held ones, and those to which drops tie other parts."""
    return [*task.sources.tolist(), *_floating(network, task), *{
        int(node): None for a, b in task.drops for node in (a, b) if node not in task.sources}]


def _devices(network: Network, edges: Any, values: NDArray[np.float64], nodes: Sequence[str], names: Sequence[str]
             ) -> list[str]:
    """Cards of resistors, diodes and transistors, and of their leaks."""
    found: Leaks = leaks(edges, network.edges, network.n_nodes)
    lines = elements(edges, values, names, [(nodes[a], nodes[b]) for a, b in network.edges.tolist()], found)
    if found.to_ground is not None:
        lines += [f"Rleak_{nodes[k]} {nodes[k]} {GROUND} {inverse(leak)!r}"
                  for k, leak in enumerate(found.to_ground.tolist()) if leak > 0 and nodes[k] != GROUND]
    return [*lines, options(found)]


def _names(network: Network, task: Task, kinds: Sequence[str]) -> tuple[list[str], list[str]]:
    """What nodes and edges are called: by their names, where a deck can hold all of them. kinds : letters of the
    elements."""
    n, m = network.n_nodes, network.n_edges
    nodes, edges = [f"n{k}" for k in range(n)], [f"{kind}{j}" for j, kind in enumerate(kinds)]
    grounded = {int(k) for k, v in zip(task.sources, task.source_voltages, strict=True) if v == 0}
    given = list(network.node_names or ())
    if given and all(map(WORD.fullmatch, given)) and len({name.lower() for name in given}) == n and all(
            name.lower() not in GROUNDS or (k in grounded and name == GROUND) for k, name in enumerate(given)):
        nodes = given
    given = [name if name[0].upper() == kind else f"{kind}{name}"
             for name, kind in zip(network.edge_names or (), kinds, strict=False)]
    if given and all(map(WORD.fullmatch, given)) and len({name.lower() for name in given}) == m:
        edges = given
    return nodes, edges


def _said(output: Any, nodes: Sequence[str]) -> str:
    """A target in the words of a deck."""
    if isinstance(output, Constraint):
        return "function of the voltages"
    parts = [f"{weight:g} v({nodes[node]})" for node, weight in weights(output).items()]
    return " + ".join(parts).replace("+ -", "- ")


def _values(given: ArrayLike, count: int, what: str) -> NDArray[np.float64]:
    values = np.asarray(given, dtype=np.float64)
    if values.shape != (count,) or not np.all(np.isfinite(values)):
        raise ValueError(f"{what} must be finite and of shape ({count},), not {values.shape}")
    return values


def _floating(network: Network, task: Task) -> list[int]:
    """The first node of every part that neither a held node nor a held drop ties to the rest."""
    ties = Ties()
    for a, b in task.drops:
        ties.tie(int(network.components[a]), int(network.components[b]), 0.0)
    held = {ties.find(p)[0] for p in network.components[task.sources].tolist()}
    first: dict[int, int] = {}
    for p, node in zip(*np.unique(network.components, return_index=True), strict=True):
        root = ties.find(int(p))[0]
        if root not in held:
            first[root] = min(first.get(root, int(node)), int(node))
    return sorted(first.values())


def _capacitor_cards(network: Network, nodes: Sequence[str], where: str | None, capacitance: ArrayLike,
                     start: ArrayLike | None) -> list[str]:
    """Capacitors; those of a part that floats begin at given voltages (n_nodes,)."""
    if where is None:
        return []
    if where not in ("nodes", "edges"):
        raise ValueError(f"capacitors must be 'nodes', 'edges' or None, not {where!r}")
    ends = [(nodes[a], nodes[b]) for a, b in network.edges.tolist()] if where == "edges" else \
        [(name, GROUND) for name in nodes]
    values = _values(np.broadcast_to(capacitance, len(ends)) if np.ndim(capacitance) == 0 else capacitance,
                     len(ends), "capacitance")
    if np.any(values <= 0):
        raise ValueError(f"capacitance must be > 0, not {values[values <= 0][0]}")
    begin = [""] * len(ends) if start is None else [
        f" ic={v!r}" for v in _values(start, network.n_nodes, "start").tolist()]
    return [f"C{k} {a} {b} {c!r}{ic}" for k, ((a, b), c, ic) in
            enumerate(zip(ends, values.tolist(), begin, strict=True)) if a != b]
