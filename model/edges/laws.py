"""Laws of edges, as data: what current passes at given voltages, and what of it learns."""
from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = float | NDArray[np.float64]       # one for all edges, or one an edge
THERMAL_VOLTAGE = 0.025852                  # kT/e at 300 K, in volts


@dataclass(frozen=True, eq=False)
class EdgeLaw(ABC):
    """What the laws of edges have in common.

    learns : "conductance", "gate voltage" or None, what of an edge learns.
    parameters of a law are numbers, or (n_edges,) arrays with one for every edge.
    """

    learns: ClassVar[Literal["conductance", "gate voltage"] | None] = "conductance"
    _positive: ClassVar[tuple[str, ...]] = ()
    _not_negative: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in self._positive + self._not_negative or isinstance(value, int | float | np.ndarray | list):
                object.__setattr__(self, field.name, self._checked(field.name, value))

    def _checked(self, name: str, value: Any) -> Numbers:
        if isinstance(value, bool):
            raise TypeError(f"{name} must be a number, or one for every edge, not {value!r}")
        try:
            numbers = np.array(value, dtype=np.float64)
        except (TypeError, ValueError):
            raise TypeError(f"{name} must be a number, or one for every edge, not {value!r}") from None
        if numbers.ndim > 1 or not np.all(np.isfinite(numbers)):
            raise ValueError(f"{name} must be a finite number, or one for every edge, not {value!r}")
        if name in self._positive and not np.all(numbers > 0):
            raise ValueError(f"{name} must be > 0, not {numbers.min():g}")
        if name in self._not_negative and not np.all(numbers >= 0):
            raise ValueError(f"{name} must be >= 0, not {numbers.min():g}")
        numbers.setflags(write=False)
        return float(numbers) if numbers.ndim == 0 else numbers

    @property
    @abstractmethod
    def kernel(self) -> str:
        """Name of the law in the kernels."""

    @property
    @abstractmethod
    def parameters(self) -> tuple[Numbers, ...]:
        """Parameters in the order of the kernel."""

    def _turned(self, which: NDArray[np.bool_]) -> tuple[Numbers, ...]:
        """The same for edges some of which, (n_edges,), are seen from their second node: there the kernel is given the
        nodes the other way round."""
        return self.parameters

    @property
    def bounds(self) -> tuple[Numbers, Numbers] | None:
        """Lowest and highest value of what learns, or None where these are the floor and the ceiling of the rule."""
        return None

    @property
    def start(self) -> Numbers:
        """What learns at the start, where nothing else is given."""
        return 1.0

    @property
    def leaks(self) -> tuple[Numbers, Numbers]:
        """Conductances to ground at each of the two nodes of an edge, and at every node."""
        return 0.0, 0.0

    @property
    def symmetric(self) -> bool:
        """Whether the current depends on the drop alone: then there is a co-content, which equilibria minimise."""
        return True

    def _sizes(self) -> set[int]:
        """Numbers of edges for which parameters were given one an edge."""
        return {value.size for field in fields(self)
                if isinstance(value := getattr(self, field.name), np.ndarray) and value.ndim == 1}


@dataclass(frozen=True, eq=False)
class Linear(EdgeLaw):
    """Resistors: I = G Δv, and G learns.

    >>> import ohmlearn as ol
    >>> ol.edges.Linear().learns
    'conductance'
    """

    @property
    def kernel(self) -> str:
        return "linear"

    @property
    def parameters(self) -> tuple[Numbers, ...]:
        return (0.0,)


@dataclass(frozen=True, eq=False)
class Cubic(EdgeLaw):
    """I = G Δv + coefficient Δv³, and G learns.

    coefficient : >= 0, in G₀ per V².

    >>> import ohmlearn as ol
    >>> ol.edges.Cubic(coefficient=0.5).parameters
    (0.5,)
    """

    coefficient: Numbers = 1.0
    _not_negative: ClassVar[tuple[str, ...]] = ("coefficient",)

    @property
    def kernel(self) -> str:
        return "cubic"

    @property
    def parameters(self) -> tuple[Numbers, ...]:
        return (self.coefficient,)


@dataclass(frozen=True, eq=False)
class Sinh(EdgeLaw):
    """I = G V₀ sinh(Δv / V₀), and G learns.

    scale : V₀ > 0, in V.

    >>> import ohmlearn as ol
    >>> ol.edges.Sinh(scale=0.2).parameters
    (0.2,)
    """

    scale: Numbers = 1.0
    _positive: ClassVar[tuple[str, ...]] = ("scale",)

    @property
    def kernel(self) -> str:
        return "sinh"

    @property
    def parameters(self) -> tuple[Numbers, ...]:
        return (self.scale,)


@dataclass(frozen=True, eq=False)
class Offset(EdgeLaw):
    """A resistor in series with a battery: I = G (Δv - voltage), and G learns.

    voltage : of the battery, in V.

    >>> import ohmlearn as ol
    >>> ol.edges.Offset(voltage=0.1).parameters
    (0.1,)
    """

    voltage: Numbers = 0.0

    @property
    def kernel(self) -> str:
        return "offset"

    @property
    def parameters(self) -> tuple[Numbers, ...]:
        return (self.voltage,)

    def _turned(self, which: NDArray[np.bool_]) -> tuple[Numbers, ...]:
        return (np.where(which, -1.0, 1.0) * self.voltage,)


@dataclass(frozen=True, eq=False)
class IdealDiode(EdgeLaw):
    """A diode from the first node of an edge to the second, without a threshold. Nothing learns.

    on, off : conductances > 0 forwards and >= 0 backwards, in G₀.

    >>> import ohmlearn as ol
    >>> ol.edges.IdealDiode(on=100.0).learns is None
    True
    """

    on: Numbers = 1e3
    off: Numbers = 0.0
    learns: ClassVar[Literal["conductance", "gate voltage"] | None] = None
    _positive: ClassVar[tuple[str, ...]] = ("on",)
    _not_negative: ClassVar[tuple[str, ...]] = ("off",)

    @property
    def kernel(self) -> str:
        return "ideal_diode"

    @property
    def parameters(self) -> tuple[Numbers, ...]:
        return np.subtract(self.on, self.off), self.off, 1.0

    def _turned(self, which: NDArray[np.bool_]) -> tuple[Numbers, ...]:
        return *self.parameters[:-1], np.where(which, -1.0, 1.0)


@dataclass(frozen=True, eq=False)
class Diode(EdgeLaw):
    """A junction diode from the first node of an edge to the second, I = saturation (e^(V/thermal_voltage) - 1), with
    a resistance `series` in series and a conductance `leak` beside both. Nothing learns.

    saturation : > 0, in the unit of currents, G₀ V. thermal_voltage : > 0, in V; times the ideality factor.
    series : >= 0, in 1/G₀. leak : >= 0, in G₀.

    >>> import ohmlearn as ol
    >>> ol.edges.Diode(saturation=1e-9, series=0.5).kernel
    'series_diode'
    """

    saturation: Numbers = 1e-12
    thermal_voltage: Numbers = THERMAL_VOLTAGE
    series: Numbers = 0.0
    leak: Numbers = 0.0
    learns: ClassVar[Literal["conductance", "gate voltage"] | None] = None
    _positive: ClassVar[tuple[str, ...]] = ("saturation", "thermal_voltage")
    _not_negative: ClassVar[tuple[str, ...]] = ("series", "leak")

    def __post_init__(self) -> None:
        super().__post_init__()
        if np.any(np.equal(self.series, 0)) and not np.all(np.equal(self.series, 0)):
            raise ValueError("series must be > 0 at every edge, or 0 at all of them")

    @property
    def kernel(self) -> str:
        return "series_diode" if np.all(np.greater(self.series, 0)) else "diode"

    @property
    def parameters(self) -> tuple[Numbers, ...]:
        given = self.saturation, self.thermal_voltage, self.leak
        if self.kernel == "diode":
            return *given, 1.0
        return *given, self.series, np.log(np.multiply(self.saturation, self.series) / self.thermal_voltage), 1.0

    def _turned(self, which: NDArray[np.bool_]) -> tuple[Numbers, ...]:
        return *self.parameters[:-1], np.where(which, -1.0, 1.0)


NMOS_LAWS = ("square", "mean", "ekv", "level1")


@dataclass(frozen=True, eq=False)
class NMOS(EdgeLaw):
    """An n-channel transistor between the nodes of an edge; its gate voltage U learns.

    law : "square", ½ gain [(U - threshold - v₂)₊² - (U - threshold - v₁)₊²]: one equilibrium, to be preferred;
        "mean", gain max(U - threshold - (v₁ + v₂)/2, least) Δv, as in codes of the laboratory circuits: may have
        several equilibria beyond the triode region; "ekv", smooth, with weak inversion of width `smoothing`;
        "level1", that of SPICE, with bulk at ground.
    gain : k = KP W/L > 0, in G₀/V. With gain = 1/A and U = threshold + A a channel conducts G₀ at v = 0.
    threshold : V_TO in V. leak : >= 0, conductance beside the channel, in G₀.
    least : of "mean", in V. smoothing : of "ekv", > 0, in V.
    body_effect, surface_potential, modulation : γ (√V), φ (V) and λ (1/V) of "level1".
    drain_resistance, source_resistance : of "level1", at the first and at the second node of an edge, in 1/G₀.
    terminal_leak, node_leak : conductances to ground, at each end of every transistor and at every node, in G₀.
    lowest, highest : bounds of U in V; None for the threshold and for no bound.

    Sources: Dillavou et al., PNAS 121, e2319718121 (2024) for the circuit; Shichman and Hodges, IEEE J. Solid-State
    Circuits 3, 285 (1968) for level 1.

    >>> import ohmlearn as ol
    >>> ol.edges.NMOS(gain=0.5, threshold=0.7).start
    2.7
    """

    law: Literal["square", "mean", "ekv", "level1"] = "square"
    gain: Numbers = 1.0
    threshold: Numbers = 0.0
    leak: Numbers = 1e-6
    least: Numbers = 1e-3
    smoothing: Numbers = THERMAL_VOLTAGE
    body_effect: Numbers = 0.0
    surface_potential: Numbers = 0.6
    modulation: Numbers = 0.0
    drain_resistance: Numbers = 0.0
    source_resistance: Numbers = 0.0
    terminal_leak: Numbers = 0.0
    node_leak: float = 0.0
    lowest: Numbers | None = None
    highest: Numbers | None = None
    learns: ClassVar[Literal["conductance", "gate voltage"] | None] = "gate voltage"
    _positive: ClassVar[tuple[str, ...]] = ("gain", "smoothing", "surface_potential")
    _not_negative: ClassVar[tuple[str, ...]] = (
        "leak", "least", "body_effect", "modulation", "drain_resistance", "source_resistance", "terminal_leak",
        "node_leak")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.law not in NMOS_LAWS:
            raise ValueError(f"law must be 'square', 'mean', 'ekv' or 'level1', not {self.law!r}")
        if np.any(np.greater_equal(*self.bounds)):
            raise ValueError(f"highest must be above lowest, not {self.highest} and "
                             f"{self.threshold if self.lowest is None else self.lowest}")

    @classmethod
    def ald1106(cls, **changed: Any) -> NMOS:
        """The transistor of the published circuits, as in the SPICE card used for them (level 1; in siemens, ohms and
        volts), with SPICE's leaks of 1e-8 S at every junction and 1e-9 S at every node. changed : other arguments.

        Returns an :class:`NMOS`.

        >>> import ohmlearn as ol
        >>> law = ol.edges.NMOS.ald1106()
        >>> round(law.gain, 7), law.bounds
        (0.0011057, (0.4, 8.0))
        """
        card: dict[str, Any] = {
            "law": "level1", "gain": 6.249608378152027e-05 * 138 / 7.8, "threshold": 0.75, "leak": 0.0,
            "body_effect": 1.09, "surface_potential": 0.9499477708465783, "modulation": 0.19998491299329302,
            "drain_resistance": 73.21306042358299 * 0.3, "source_resistance": 73.21306042358299,
            "terminal_leak": 1.1e-8, "node_leak": 1e-9, "lowest": 0.4, "highest": 8.0}
        return cls(**(card | changed))

    @property
    def kernel(self) -> str:
        in_series = np.any(np.greater(self.drain_resistance, 0)) or np.any(np.greater(self.source_resistance, 0))
        return "series_level1" if self.law == "level1" and in_series else self.law

    @property
    def parameters(self) -> tuple[Numbers, ...]:
        own: dict[str, tuple[Numbers, ...]] = {
            "square": (), "mean": (self.least,), "ekv": (self.smoothing,),
            "level1": (self.body_effect, self.surface_potential, self.modulation)}
        own["series_level1"] = *own["level1"], self.drain_resistance, self.source_resistance
        return self.gain, self.threshold, self.leak, *own[self.kernel]

    def _turned(self, which: NDArray[np.bool_]) -> tuple[Numbers, ...]:
        given = self.parameters
        if self.kernel != "series_level1" or np.array_equal(self.drain_resistance, self.source_resistance):
            return given
        ends = self.drain_resistance, self.source_resistance
        return *given[:-2], np.where(which, *ends[::-1]), np.where(which, *ends)

    @property
    def bounds(self) -> tuple[Numbers, Numbers]:
        return (self.threshold if self.lowest is None else self.lowest,
                np.inf if self.highest is None else self.highest)

    @property
    def start(self) -> Numbers:
        begin = np.add(self.threshold, np.divide(1.0, self.gain))
        found = np.minimum(np.maximum(begin, self.bounds[0]), self.bounds[1])
        return float(found) if found.ndim == 0 else found

    @property
    def leaks(self) -> tuple[Numbers, Numbers]:
        return self.terminal_leak, self.node_leak

    @property
    def symmetric(self) -> bool:
        return False


@dataclass(frozen=True, eq=False)
class PerEdge:
    """Edges of several laws, as learnable resistors beside fixed diodes.

    laws : those that occur. which : (n_edges,) number of the law of every edge. Parameters of a law that are given one
    an edge are those of all edges of the network.

    >>> import ohmlearn as ol
    >>> mixed = ol.edges.PerEdge([ol.edges.Linear(), ol.edges.IdealDiode()], [0, 0, 1])
    >>> mixed.learning.tolist()
    [True, True, False]
    """

    laws: Sequence[EdgeLaw]
    which: NDArray[np.int64]

    def __init__(self, laws: Sequence[EdgeLaw], which: ArrayLike) -> None:
        numbers = np.array(which)
        if numbers.dtype.kind not in "iu" or numbers.ndim != 1:
            raise TypeError(f"which must be the number of the law of every edge, not {which!r}")
        if not laws or not all(isinstance(law, EdgeLaw) for law in laws):
            raise TypeError(f"laws must be laws of ohmlearn.edges, one at least, not {laws!r}")
        bad = numbers[(numbers < 0) | (numbers >= len(laws))]
        if bad.size:
            raise ValueError(f"which names law {bad[0]}, but there are {len(laws)}: from 0 to {len(laws) - 1}")
        numbers.setflags(write=False)
        object.__setattr__(self, "laws", tuple(laws))
        object.__setattr__(self, "which", numbers.astype(np.int64))

    @property
    def learning(self) -> NDArray[np.bool_]:
        """(n_edges,) whether an edge learns."""
        learns = np.array([law.learns is not None for law in self.laws])
        found: NDArray[np.bool_] = learns[self.which]
        return found
