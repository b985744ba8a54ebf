"""Circuits out: decks for SPICE written from a network and its task; :mod:`ohmlearn.io.netlist` reads such files.

A network whose nodes have a capacitor each to ground relaxes as C dv/dt = -L(G) v, which with C = 1 are the
simulator's free voltages at fixed G; with capacitors in parallel to the edges it is the lab circuit of paper 1.
"""
from __future__ import annotations

import os
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.network import Network
from ohmlearn.outputs import Constraint, weights
from ohmlearn.task import Task

from .spice_cards import GROUND


def to_spice(network: Network, task: Task, conductances: ArrayLike | None = None, *,
             capacitors: Literal["nodes", "edges"] | None = None, capacitance: ArrayLike = 1.0,
             start: ArrayLike | None = None, stop: float | None = None, step: float | None = None,
             path: str | os.PathLike[str] | None = None) -> str:
    """Deck of the driven, free network; written to `path` too if given. Node k is called nk, edge j is Rj.

    conductances : (n_edges,) G > 0 in S, 1 by default.
    capacitors : "nodes", one from every node to ground, (n_nodes,) or one number; "edges", one in parallel to every
        edge, (n_edges,) or one number. capacitance : in F.
    start : (n_nodes,) voltages at t = 0 in V, by default those of the operating point.
    stop, step : a transient analysis up to this time with this longest step, in s (by default a thousandth of it);
        without stop, the operating point.

    Held nodes are voltage sources, targets are comments. A floating part has its first node tied to ground: its
    voltages are relative to that node's, not to their mean.
    Raises ValueError for a conductance of 0, which no resistor has, and for a task that does not fit.
    """
    task.check(network)
    g = network.conductances(conductances)
    if not g.all():
        raise ValueError(f"conductance of edge {np.flatnonzero(g == 0)[0]} is 0, which no resistor has; leave the edge "
                         "out of the network, or give it a small conductance")
    lines = [f"* {network.name or 'network'}: {network.n_nodes} nodes, {network.n_edges} edges"]
    lines += [f"* target {_said(output)}: {wanted!r} desired"
              for output, wanted in zip(task.targets, task.target_voltages.tolist(), strict=True)]
    lines += [f"R{j} n{a} n{b} {1 / x!r}" for j, ((a, b), x) in
              enumerate(zip(network.edges.tolist(), g.tolist(), strict=True))]
    held = [(f"n{node} {GROUND}", v) for node, v in
            zip(task.sources.tolist(), task.source_voltages.tolist(), strict=True)]
    held += [(f"n{node} {GROUND}", 0.0) for node in _floating(network, task)]
    held += [(f"n{a} n{b}", v) for (a, b), v in task.drops.items()]
    lines += [f"V{k} {ends} {v!r}" for k, (ends, v) in enumerate(held)]
    lines += [f"I{k} 0 n{node} {current!r}" for k, (node, current) in enumerate(task.currents.items())]
    lines += _capacitor_cards(network, capacitors, capacitance)
    if start is not None:
        lines += [f".ic v(n{k})={v!r}" for k, v in enumerate(_values(start, network.n_nodes, "start").tolist())]
    if stop is None:
        lines.append(".op")
    else:
        if not (0 < stop < np.inf and (step is None or 0 < step <= stop)):
            raise ValueError(f"stop={stop} must be a time > 0 in s, and step={step} at most that")
        longest = stop / 1000 if step is None else step
        lines.append(f".tran {longest!r} {float(stop)!r} 0 {longest!r}")
    text = "\n".join([*lines, ".end", ""])
    if path is not None:
        from .replacing import replacing

        with replacing(path) as file:
            file.write(text)
    return text


def _said(output: Any) -> str:
    """A target in the words of a deck."""
    if isinstance(output, Constraint):
        return "function of the voltages"
    return " + ".join(f"{weight:g} v(n{node})" for node, weight in weights(output).items()).replace("+ -", "- ")


def _name(node: int | None) -> str:
    return GROUND if node is None else f"n{node}"


def _values(given: ArrayLike, count: int, what: str) -> NDArray[np.float64]:
    values = np.asarray(given, dtype=np.float64)
    if values.shape != (count,) or not np.all(np.isfinite(values)):
        raise ValueError(f"{what} must be finite and of shape ({count},), not {values.shape}")
    return values


def _floating(network: Network, task: Task) -> list[int]:
    """The first node of every part that neither a held node nor a held drop ties to the rest."""
    part = network.components.copy()
    for a, b in task.drops:
        part[part == part[b]] = part[a]
    return [int(np.flatnonzero(part == p)[0]) for p in np.setdiff1d(part, part[task.sources])]


def _capacitor_cards(network: Network, where: str | None, capacitance: ArrayLike) -> list[str]:
    if where is None:
        return []
    if where not in ("nodes", "edges"):
        raise ValueError(f"capacitors must be 'nodes', 'edges' or None, not {where!r}")
    ends = network.edges.tolist() if where == "edges" else [(k, None) for k in range(network.n_nodes)]
    values = _values(np.broadcast_to(capacitance, len(ends)) if np.ndim(capacitance) == 0 else capacitance,
                     len(ends), "capacitance")
    if np.any(values <= 0):
        raise ValueError(f"capacitance must be > 0, not {values[values <= 0][0]}")
    return [f"C{k} {_name(a)} {_name(b)} {c!r}" for k, ((a, b), c) in
            enumerate(zip(ends, values.tolist(), strict=True))]
