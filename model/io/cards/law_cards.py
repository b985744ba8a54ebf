"""Laws of edges as cards of SPICE: diodes, transistors of level 1, their model cards, and leaks."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.edges.laws import NMOS, Diode, EdgeLaw, PerEdge

from .model_cards import REFERENCE, thermal_voltage

Floats = NDArray[np.float64]
LETTER = {"linear": "R", "diode": "D", "series_diode": "D", "square": "M", "level1": "M", "series_level1": "M"}
LEAKS = "_leak"     # a resistor called R<element>_leak beside an element is part of its law


class Leaks(NamedTuple):
    """gmin, shunt : conductances that `.options` give to junctions and to nodes. to_ground : (n_nodes,) of resistors,
    where options cannot say them."""

    gmin: float
    shunt: float
    to_ground: Floats | None


def letters(edges: EdgeLaw | PerEdge, n_edges: int) -> list[str]:
    """(n_edges,) kind of the element of every edge: R, D or M.

    Raises ValueError for a law that SPICE has no element for.
    """
    for law in _laws(edges):
        if law.kernel not in LETTER:
            said = f"NMOS('{law.kernel}')" if isinstance(law, NMOS) else type(law).__name__
            raise ValueError(f"SPICE has no element of the law {said}; resistors, diodes and transistors of level 1 "
                             "are written, so take Linear(), Diode(), NMOS('square') or NMOS('level1')")
    return [LETTER[law.kernel] for law in _law_of_each(edges, n_edges)]


def inverse(x: float) -> float:
    """A number whose inverse is x, to the last digit where there is one."""
    return _nearest(lambda y: 1 / y, 1 / x, x)


def elements(edges: EdgeLaw | PerEdge, values: Floats, names: Sequence[str], ends: Sequence[tuple[str, str]],
             leaks: Leaks) -> list[str]:
    """Cards of all edges, of their models, and of the gates' sources. values : (n_edges,) what learns.
    names : (n_edges,) of the elements. ends : (n_edges,) names of their two nodes."""
    models: dict[str, str] = {}
    lines, gates, nodes = list[str](), list[str](), {node.lower() for pair in ends for node in pair}
    prefix = "g"
    while any(f"{prefix}{name}".lower() in nodes for name in names):
        prefix += "g"
    for j, (law, name, (a, b), value) in enumerate(zip(
            _law_of_each(edges, len(names)), names, ends, values.tolist(), strict=True)):
        leak = 0.0
        if isinstance(law, Diode):
            leak = _at(law.leak, j) - leaks.gmin
            lines.append(f"{name} {a} {b} {_model(models, 'd', _diode(law, j))}")
        elif isinstance(law, NMOS):
            leak = _at(law.leak, j)
            model = _model(models, "nmos", _transistor(law, j))
            lines.append(f"{name} {a} {prefix}{name} {b} 0 {model} w=1u l=1u")
            gates.append(f"V{prefix}{name} {prefix}{name} 0 {value!r}")
        else:
            lines.append(f"{name} {a} {b} {1 / value!r}")
        if leak:
            lines.append(f"R{name}{LEAKS} {a} {b} {inverse(leak)!r}")
    return lines + gates + [f".model {name} {card}" for card, name in models.items()]


def leaks(edges: EdgeLaw | PerEdge, ends: NDArray[np.int64], n_nodes: int) -> Leaks:
    """How a deck says the leaks of its laws: by gmin and rshunt where these mean the same, else by resistors."""
    each = _law_of_each(edges, len(ends))
    transistors = [(j, law) for j, law in enumerate(each) if isinstance(law, NMOS)]
    junctions = {_at(law.leak, j) for j, law in enumerate(each) if isinstance(law, Diode)}
    shunt = max((law.node_leak for _, law in transistors), default=0.0)
    terminal = {_at(law.terminal_leak, j) for j, law in transistors}
    if not transistors:
        return Leaks(junctions.pop() if len(junctions) == 1 else 0.0, 0.0, None)
    inner = {_at(r, j) > 0 for j, law in transistors if law.kernel == "series_level1"
             for r in (law.drain_resistance, law.source_resistance)} | {
        False for _, law in transistors if law.kernel != "series_level1"}
    alike = len(inner) == 1 and not any(law.kernel == "series_diode" for law in each)
    if len(terminal) == 1 and (shunt == 0 or alike):
        (wanted,) = terminal
        own = shunt if inner == {True} else 0.0
        if wanted >= own:
            gmin = _nearest(lambda x: x + own, wanted - own, wanted)
            if all(leak >= gmin for leak in junctions):
                return Leaks(gmin, shunt, None)
    ground = np.full(n_nodes, shunt)
    for j, law in transistors:
        ground[ends[j]] += _at(law.terminal_leak, j)
    return Leaks(0.0, 0.0, ground)


def options(found: Leaks) -> str:
    """The card that gives the leaks, and the temperature at which the models hold."""
    shunt = f" rshunt={inverse(found.shunt)!r}" if found.shunt else ""
    return f".options gmin={found.gmin!r}{shunt} temp=27 tnom=27"


def _laws(edges: EdgeLaw | PerEdge) -> Sequence[EdgeLaw]:
    return [edges] if isinstance(edges, EdgeLaw) else edges.laws


def _law_of_each(edges: EdgeLaw | PerEdge, n_edges: int) -> list[EdgeLaw]:
    laws = _laws(edges)
    return [laws[k] for k in ([0] * n_edges if isinstance(edges, EdgeLaw) else edges.which.tolist())]


def _at(given: Any, j: int) -> float:
    """The number of edge j."""
    return float(given[j] if np.ndim(given) else given)


def _diode(law: Diode, j: int) -> dict[str, float]:
    unit = thermal_voltage(REFERENCE)
    thermal = _at(law.thermal_voltage, j)
    ideality = _nearest(lambda n: n * unit, thermal / unit, thermal)
    return {"is": _at(law.saturation, j), "n": ideality, "rs": _at(law.series, j)}


def _transistor(law: NMOS, j: int) -> dict[str, float]:
    card = {"level": 1, "vto": _at(law.threshold, j), "kp": _at(law.gain, j), "is": 0.0}
    if law.kernel == "square":
        return card
    card |= {"gamma": _at(law.body_effect, j), "phi": _at(law.surface_potential, j), "lambda": _at(law.modulation, j)}
    return card | {"rd": _at(law.drain_resistance, j), "rs": _at(law.source_resistance, j)}


def _model(models: dict[str, str], kind: str, numbers: dict[str, float]) -> str:
    """Name of the model card with these numbers, which is made where there is none."""
    card = f"{kind}({' '.join(f'{key}={value!r}' for key, value in numbers.items())})"
    return models.setdefault(card, f"{kind}{len(models)}")


def _nearest(function: Callable[[float], float], guess: float, wanted: float) -> float:
    """Of the doubles near the guess whose function is `wanted` the shortest in print; the guess where there is none."""
    near = [guess]
    for way in (np.inf, -np.inf):
        for _ in range(4):
            near.append(float(np.nextafter(near[-1], way)))
        near.append(guess)
    return min((x for x in near if x > 0 and function(x) == wanted), key=lambda x: len(repr(x)), default=guess)
