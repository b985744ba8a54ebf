"""Ohms, volts, farads, seconds and joules for the numbers of a network, whose units are its own."""
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from ohmlearn import Run

PREFIX = {"": 1.0, "f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6,
          "G": 1e9}
NUMBER = r"(?P<number>\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)?"
QUANTITY = re.compile(rf"(?P<inverse>1 */ *)?(?P<bracket>\( *)?{NUMBER} *(?P<prefix>[{''.join(PREFIX)}]?)"
                      r"(?P<unit>ohms?|Ohms?|Ω|Ω|S|F|V)(?(bracket) *\))")
# field -> what its text may be: whether it is one over the unit, and an example
WANTED = {"conductance": ({("S", False), ("ohm", True)}, "'1/10kohm' or '0.1 mS'"),
          "capacitance": ({("F", False)}, "'22uF'"), "voltage": ({("V", False)}, "'5 V'")}


@dataclass(frozen=True)
class Units:
    """What 1 stands for in a network's numbers, and the way from them to ohms, volts, seconds and joules.

    conductance : G₀ in S, the conductance that 1 stands for; a number or a text, "1/10kohm", "0.1 mS".
    capacitance : of the capacitor from every node to ground in F; a number or a text, "22uF".
    voltage : the voltage in V that 1 stands for in tasks; a number or a text, "5 V".

    Letters before a unit are those of the SI: m is milli and M mega. Raises ValueError for what is no such quantity.
    Nothing of a training changes: R stays what it is, and 1/γp becomes `time` seconds.

    >>> import ohmlearn as ol
    >>> units = ol.Units(conductance="1/10kohm", capacitance="22uF")
    >>> round(units.time, 6), round(units.resistance), units.capacitance
    (0.22, 10000, 2.2e-05)
    >>> net, task = ol.Network.grid(4, 4), ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
    >>> run = ol.train(net, task, 1.0, until=1e-3, record=ol.Record(per_decade=20, keep="power"))
    >>> units.seconds(run)[-1].round(3), units.ohms(run).shape, units.joules(run)[-1].round(8)
    (np.float64(2.628), (24,), np.float64(0.00013452))
    """

    conductance: float = 1.0
    capacitance: float = 1.0
    voltage: float = 1.0

    if TYPE_CHECKING:       # what may be given; the attributes are as declared above
        def __init__(self, conductance: float | str = 1.0, capacitance: float | str = 1.0,
                     voltage: float | str = 1.0) -> None: ...

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, _si(getattr(self, field.name), field.name))

    @property
    def resistance(self) -> float:
        """1/G₀ in Ω: the resistance of an edge of conductance 1."""
        return 1 / self.conductance

    @property
    def time(self) -> float:
        """1/γp in s: the capacitance over G₀."""
        return self.capacitance / self.conductance

    @property
    def current(self) -> float:
        """In A, the current that 1 stands for."""
        return self.conductance * self.voltage

    @property
    def power(self) -> float:
        """In W, the power that 1 stands for."""
        return self.conductance * self.voltage ** 2

    @property
    def energy(self) -> float:
        """In J, the energy that 1 stands for: a power of 1 during a time of 1."""
        return self.power * self.time

    def ohms(self, conductances: ArrayLike | Run) -> NDArray[np.float64]:
        """Resistances of edges.

        conductances : (n_edges,) in G₀, or a run for those at its end.

        Returns (n_edges,) in Ω, infinite where a conductance is 0.

        >>> import ohmlearn as ol
        >>> units = ol.Units(conductance="1/10kohm", capacitance="22uF")
        >>> units.ohms([1.0, 0.5]).round(6).tolist()
        [10000.0, 20000.0]
        """
        g = np.asarray(getattr(conductances, "conductances", conductances), dtype=np.float64)
        with np.errstate(divide="ignore"):
            return np.asarray(1 / (g * self.conductance))

    def seconds(self, times: ArrayLike | Run) -> NDArray[np.float64]:
        """Times in s.

        times : (n,) in 1/γp, or a run for the times of its record.

        Returns (n,) in s. Raises ValueError for a run at rate 0, whose times are training steps.

        >>> import ohmlearn as ol
        >>> units = ol.Units(conductance="1/10kohm", capacitance="22uF")
        >>> units.seconds([0.0, 10.0]).round(9).tolist()
        [0.0, 2.2]
        """
        return self.time * np.asarray(_times(times), dtype=np.float64)

    def joules(self, run: Run) -> NDArray[np.float64]:
        """Energy that the resistors of the free network have turned into heat up to each time of the record.

        run : trained with record=ol.Record(..., keep="power"); the energy is the integral of that power by trapezia, so
            that times should lie close enough to show it. Samples side by side count as networks of their own.

        Returns (n_times,) in J, or (n_times, n_samples). Raises ValueError where no power was recorded, and at rate 0.

        >>> import ohmlearn as ol
        >>> units = ol.Units(conductance="1/10kohm", capacitance="22uF")
        >>> net = ol.Network.grid(4, 4)
        >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
        >>> run = ol.train(net, task, 1.0, until=1e-2, record=ol.Record(per_decade=20, keep="power"))
        >>> units.joules(run).shape == run.times.shape
        True
        """
        times = np.asarray(_times(run))
        if "power" not in run.recorded:
            raise ValueError("this run has no record of its power; train it with "
                             "record=ol.Record(per_decade=20, keep='power')")
        power = run.recorded["power"]
        steps = np.diff(times).reshape(-1, *[1] * (power.ndim - 1))
        heat = np.cumsum(steps * (power[1:] + power[:-1]) / 2, axis=0)
        return np.asarray(self.energy * np.concatenate([np.zeros_like(power[:1]), heat]))


def _times(times: ArrayLike | Run) -> Any:
    """The times of a run, or times as they are."""
    if getattr(times, "rate", None) == 0:
        raise ValueError("the times of a run at rate 0 are training steps, which have no length in seconds in the "
                         "quasistatic limit; train at a rate > 0")
    return getattr(times, "times", times)


def _si(value: Any, name: str) -> float:
    """A quantity in SI units, from a number or a text."""
    kinds, example = WANTED[name]
    if isinstance(value, str):
        match = QUANTITY.fullmatch(value.strip())
        unit = "" if match is None else "ohm" if match["unit"][0] in "oOΩΩ" else match["unit"]
        if match is None or (unit, bool(match["inverse"])) not in kinds:
            raise ValueError(f"{name}={value!r} is no {name}; write it as in {example}, or as a number in SI units")
        size = float(match["number"] or 1.0) * PREFIX[match["prefix"]]
        value = 1 / size if match["inverse"] and size else size
    if isinstance(value, Sequence | bool) or np.ndim(value) or not np.isfinite(value) or not value > 0:
        raise ValueError(f"{name} must be a number > 0 in SI units or a text as in {example}, not {value!r}")
    return float(value)
