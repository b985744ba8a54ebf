"""Diodes and transistors of level 1, as ngspice's model cards say them, as numbers of laws."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.edges.laws import NMOS, Diode, EdgeLaw, Linear, PerEdge

Numbers = Mapping[str, float]

BOLTZMANN, CHARGE, ZERO = 1.38064852e-23, 1.6021766208e-19, 273.15     # those of ngspice, so that both agree
REFERENCE = ZERO + 27.0
OXIDE = 3.9 * 8.854214871e-12       # permittivity of the gate's oxide, F/m

# What changes nothing at rest: capacitances, noise, ratings. Their values need not be numbers.
STILL = {
    "d": {"cjo", "cj0", "cj", "vj", "pb", "m", "mj", "fc", "fcs", "tt", "kf", "af", "cjsw", "cjp", "mjsw", "vjsw",
          "php", "mfg", "type", "vpk", "iave", "ipk", "irms", "vrev", "fv_max", "bv_max", "id_max", "te_max", "pd_max"},
    "m": {"cbd", "cbs", "pb", "cgso", "cgdo", "cgbo", "cj", "mj", "cjsw", "mjsw", "fc", "kf", "af", "nlev", "gdsnoi",
          "js", "tpg", "nss", "mfg", "type"}}
STILL_BESIDE = {"d": {"ic"}, "m": {"ad", "as", "pd", "ps", "ic"}}      # the same of settings of an element
CHARGES = {"d": {"cjo", "cj0", "cj", "tt", "cjsw", "cjp"},
           "m": {"cbd", "cbs", "cgso", "cgdo", "cgbo", "cj", "cjsw", "tox"}}
READ = {"d": {"level", "is", "js", "n", "rs", "eg", "xti", "tnom"},
        "m": {"level", "vto", "vt0", "kp", "gamma", "phi", "lambda", "rd", "rs", "rsh", "is", "ld", "tnom", "tox", "uo",
              "u0"}}
READ_BESIDE = {"d": {"area", "m", "temp", "dtemp"}, "m": {"w", "l", "m", "nrd", "nrs", "temp", "dtemp"}}
REMEDY = {
    "bv": "breakdown is not in the law; take bv out if no reverse voltage reaches it",
    "ibv": "breakdown is not in the law; take it out with bv",
    "nsub": "doping would give vto, gamma and phi; write those, and take nsub out",
    "nfs": "weak inversion is not in level 1; take nfs out, or have the law NMOS('ekv')"}


@dataclass(frozen=True, slots=True)
class Conditions:
    """What `.options` say: conductance at junctions in S, that of every node to ground in S, temperature and nominal
    temperature in °C, width and length of channels in m."""

    gmin: float = 1e-12
    shunt: float = 0.0
    temperature: float = 27.0
    nominal: float = 27.0
    width: float = 1e-4
    length: float = 1e-4


def refused(kind: str, setting: str) -> str | None:
    """Why a model card with this setting is not read; None where it is."""
    if setting in READ[kind] | STILL[kind]:
        return None
    return f"{setting}= is not read: " + REMEDY.get(
        setting, "the law has no such term; take it out if the circuit does not depend on it")


def thermal_voltage(kelvin: float) -> float:
    """kT/e in V."""
    return BOLTZMANN / CHARGE * kelvin


def diode(model: Numbers, beside: Numbers, conditions: Conditions) -> dict[str, float]:
    """Numbers of the law :class:`ohmlearn.edges.Diode`. model, beside : what its model card and its own card say."""
    _only_level_1(model)
    kelvin, nominal = _temperatures(model, beside, conditions)
    n, copies = model.get("n", 1.0), beside.get("area", 1.0) * beside.get("m", 1.0)
    vt, hotter = thermal_voltage(kelvin), kelvin / nominal
    growth = np.exp((hotter - 1) * model.get("eg", 1.11) / (n * vt) + model.get("xti", 3.0) / n * np.log(hotter))
    return {"saturation": model.get("is", model.get("js", 1e-14)) * copies * float(growth), "thermal_voltage": n * vt,
            "series": model.get("rs", 0.0) / copies, "leak": conditions.gmin}


def transistor(model: Numbers, beside: Numbers, conditions: Conditions) -> dict[str, float]:
    """Numbers of the law :class:`ohmlearn.edges.NMOS`, "level1"."""
    _only_level_1(model)
    copies, length = beside.get("m", 1.0), beside.get("l", conditions.length) - 2 * model.get("ld", 0.0)
    if not length > 0:
        raise ValueError(f"the channel's length, l - 2 ld, must be > 0, not {length:g}")
    kp = model.get("kp")
    if kp is None:
        tox = model.get("tox", 0.0)
        kp = model.get("uo", model.get("u0", 600.0)) * 1e-4 * OXIDE / tox if tox > 0 else 2e-5
    found = {"gain": kp * (beside.get("w", conditions.width) / length) * copies,
             "threshold": model.get("vto", model.get("vt0", 0.0)),
             "body_effect": model.get("gamma", 0.0), "surface_potential": model.get("phi", 0.6),
             "modulation": model.get("lambda", 0.0)}
    for name, own, squares in (("drain_resistance", "rd", "nrd"), ("source_resistance", "rs", "nrs")):
        found[name] = model.get(own, model.get("rsh", 0.0) * beside.get(squares, 1.0)) / copies
    kelvin, nominal = _temperatures(model, beside, conditions)
    return found if kelvin == nominal == REFERENCE else found | _at_temperature(found, kelvin, nominal)


def _at_temperature(given: Numbers, kelvin: float, nominal: float) -> dict[str, float]:
    """Gain, threshold and surface potential at a temperature, from those at the nominal one."""
    def gap(t: float) -> float:
        return 1.16 - 7.02e-4 * t * t / (t + 1108)

    def shift(t: float) -> float:
        per_charge = -gap(t) / (2 * BOLTZMANN * t) + 1.1150877 / (2 * BOLTZMANN * REFERENCE)
        return float(-2 * thermal_voltage(t) * (1.5 * np.log(t / REFERENCE) + CHARGE * per_charge))

    phi, gamma, hotter = given["surface_potential"], given["body_effect"], kelvin / nominal
    warm = kelvin / REFERENCE * (phi - shift(nominal)) / (nominal / REFERENCE) + shift(kelvin)
    if not warm > 0:
        raise ValueError(f"at {kelvin - ZERO:g} °C the surface potential would be {warm:g} V; give another phi or temp")
    built_in = given["threshold"] - gamma * np.sqrt(phi) + 0.5 * (gap(nominal) - gap(kelvin)) + 0.5 * (warm - phi)
    return {"gain": given["gain"] / (hotter * np.sqrt(hotter)), "surface_potential": warm,
            "threshold": float(built_in + gamma * np.sqrt(warm))}


def _only_level_1(model: Numbers) -> None:
    if model.get("level", 1.0) != 1:
        raise ValueError(f"level {model['level']:g} is not read; models are of level 1, as SPICE takes them where none "
                         "is given")


def _temperatures(model: Numbers, beside: Numbers, conditions: Conditions) -> tuple[float, float]:
    """Temperature and nominal temperature in K."""
    own = beside.get("temp", conditions.temperature + beside.get("dtemp", 0.0))
    found = ZERO + own, ZERO + model.get("tnom", conditions.nominal)
    if not min(found) > 0:
        raise ValueError(f"temperatures must be above absolute zero, not {min(found) - ZERO:g} °C")
    return found


def law_of(kinds: str, numbers: Sequence[Numbers], conditions: Conditions) -> EdgeLaw | PerEdge:
    """The law of all edges. kinds : (n_edges,) "r", "d" or "m". numbers : (n_edges,) of the law of each.

    One law of a kind serves all its edges, with one number an edge where they differ: every further law would be
    compiled.
    """
    in_series = np.array([x.get("series", 0.0) > 0 for x in numbers])
    of = np.array(list(kinds))
    transistors = [x for x, kind in zip(numbers, kinds, strict=True) if kind == "m"]
    sets: list[tuple[type[EdgeLaw], dict[str, Any], NDArray[np.bool_]]] = [
        (Linear, {}, of == "r"), (Diode, {}, (of == "d") & ~in_series), (Diode, {}, (of == "d") & in_series),
        (NMOS, _of_transistors(transistors, conditions), of == "m")]
    laws, which = list[EdgeLaw](), np.zeros(len(kinds), dtype=np.int64)
    for law, more, chosen in sets:
        if chosen.any():
            which[chosen] = len(laws)
            laws.append(law(**_columns(numbers, chosen, set(more)), **more))
    return laws[0] if len(laws) == 1 else PerEdge(laws, which)


def _columns(numbers: Sequence[Numbers], chosen: NDArray[np.bool_], but: set[str]) -> dict[str, Any]:
    """{name: one number, or (n_edges,)} of the chosen edges; the others have those of the first of these."""
    places = np.flatnonzero(chosen).tolist()
    first = numbers[places[0]]
    found: dict[str, Any] = {}
    for name in first.keys() - but:
        column = np.full(len(numbers), first[name])
        column[places] = [numbers[k][name] for k in places]
        found[name] = float(first[name]) if np.all(column == first[name]) else column
    return found


def _of_transistors(numbers: Sequence[Numbers], conditions: Conditions) -> dict[str, Any]:
    """What transistors have in common. Without body effect, modulation and series resistances level 1 is the square
    law."""
    inner = {bool(x[name]) for x in numbers for name in ("drain_resistance", "source_resistance")}
    level1 = True in inner or any(x["body_effect"] or x["modulation"] for x in numbers)
    if conditions.shunt and len(inner) > 1:
        raise ValueError("rshunt= with series resistances at some terminals only is not read, as every inner node "
                         "would have its own leak; give all transistors rd and rs, or none, or take rshunt out")
    leak = conditions.gmin + (conditions.shunt if True in inner else 0.0)
    own = {"terminal_leak": leak, "node_leak": conditions.shunt}
    if level1:
        return {"law": "level1", **own}
    return {"law": "square", **own, "body_effect": 0.0, "modulation": 0.0, "surface_potential": 0.6,
            "drain_resistance": 0.0, "source_resistance": 0.0}
