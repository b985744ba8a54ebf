"""The learning rule and its bounds, as data."""
from __future__ import annotations

from dataclasses import InitVar, dataclass
from typing import TYPE_CHECKING, Any, Literal
from warnings import warn

import numpy as np
from numpy.typing import NDArray

from .checks.kinds import Frozen, check_fields, check_sign, reals, shown

if TYPE_CHECKING:
    from .network import Network


LEAST, MOST = 1e-100, 1e100     # of the numbers of a rule: their squares are numbers still


@dataclass(frozen=True, eq=False)
class Rule(Frozen):
    """Coupled learning, dG/dt = -a R c with c = Δw (2 Δv + η Δw), within bounds on the conductances (paper 1, Eq. 3).

    nudge : η, how far the clamped targets are moved towards the desired voltages. 0 is the gradient limit.
    prefactor : a; 1 is Eq. 3 as printed, 1/2 the form of the Methods.
    floor : smallest conductance G_min.
    floor_mode : "relax", a conductance falls no faster than it relaxes to the floor,
        dG/dt >= floor_rate (G_min - G), as in the published runs; or "clip", G >= G_min and nothing else.
    floor_rate : rate of that relaxation, in units of γp. Not used by "clip".
    ceiling : largest conductance, enforced as the floor is, or None.
    frozen : (n_edges,) boolean mask of edges that do not learn, or None.
    clamp : "held", the clamped outputs are where the supervisor wants them, w_T = V_T - v_T; "moving", they follow at
        clamp_rate κ, dw_T/dt = κ (V_T - v_T - w_T) - (1/η) dv_T/dt, as in a variant of the authors' code; "pulled",
        a current κ (V_T - v_T - clamp_share w_T) enters there: a clamp through a conductance κ, or with κ = 1 and
        clamp_share = η equilibrium propagation.
    clamp_rate, clamp_share : κ in units of γp (of conductance, when pulled), and what of w_T counts.
    aging : α, adds α Δv² to c (directed aging).
    bias : (n_edges,) added to c, in V², or None.
    noise, seed : standard deviation of c averaged over one training step, in V²; white, of every edge its own.
    edge_scale, memory : every edge learns at a rate of its own, R/√(1 + s/edge_scale²), ds/dt = a R (c² - s/memory),
        s = 0 at first; edge_scale in V², memory in training steps, None for ever (AdaGrad).

    >>> import numpy as np, ohmlearn as ol
    >>> net = ol.Network.grid(4, 4)
    >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
    >>> rule = ol.Rule(nudge=0.1, floor_mode="clip", ceiling=10.0, frozen=np.arange(24) == 3)
    >>> run = ol.train(net, task, 1.0, until=1e-3, rule=rule)
    >>> run.status, round(run.training_time, 1)
    ('reached', 13.0)
    """

    nudge: float = 1e-3
    prefactor: float = 1.0
    floor: float = 1e-6
    floor_mode: Literal["relax", "clip"] = "relax"
    floor_rate: float = 1.0
    ceiling: float | None = None
    frozen: NDArray[np.bool_] | None = None
    clamp: Literal["held", "moving", "pulled"] = "held"
    clamp_rate: float = 1.0
    clamp_share: float = 1.0
    aging: float = 0.0
    bias: NDArray[np.float64] | None = None
    noise: float = 0.0
    seed: int = 0
    edge_scale: float | None = None
    memory: float | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        for key in ("nudge", "prefactor", "floor", "floor_rate", "ceiling", "clamp_rate", "clamp_share", "aging",
                    "noise", "edge_scale", "memory"):
            value = getattr(self, key)
            if value is None and key in ("ceiling", "edge_scale", "memory"):
                continue
            check_sign(key, value, ">= 0")
            if value > 0 and not LEAST <= value <= MOST:
                raise ValueError(f"{key}={value:g} is out of range; it must be 0 or lie between {LEAST:g} and {MOST:g}")
        if self.floor <= 0:
            raise ValueError("floor must be > 0: at zero conductance nodes float and have no voltage; 1e-6 is usual")
        if self.floor_mode not in ("relax", "clip"):
            raise ValueError(f"floor_mode must be 'relax' or 'clip', not {self.floor_mode!r}")
        if self.floor_mode == "relax" and self.floor_rate == 0:
            raise ValueError("floor_rate must be > 0 with floor_mode 'relax'")
        if self.ceiling is not None and not self.ceiling > self.floor:
            raise ValueError(f"ceiling {self.ceiling} must be above the floor {self.floor}")
        object.__setattr__(self, "frozen", _mask(self.frozen))
        self._check_variant()

    def _check_variant(self) -> None:
        if self.clamp not in ("held", "moving", "pulled"):
            raise ValueError(f"clamp must be 'held', 'moving' or 'pulled', not {self.clamp!r}")
        if self.clamp != "held" and self.clamp_rate == 0:
            raise ValueError(f"clamp_rate must be > 0 with clamp {self.clamp!r}: nothing would reach the targets")
        if self.clamp == "moving" and self.nudge == 0:
            raise ValueError("a moving clamp needs nudge > 0: in w its lag counts 1/nudge times")
        if self.edge_scale == 0 or self.memory == 0:
            raise ValueError("edge_scale and memory must be > 0, or None")
        if self.memory is not None and self.edge_scale is None:
            raise ValueError("memory is that of the rates of the edges: give edge_scale too")
        if self.bias is not None:
            bias = reals(self.bias, "bias")
            if bias.ndim != 1 or not np.all(np.abs(bias) <= MOST):
                raise ValueError(f"bias must be a 1-d array of finite numbers up to {MOST:g}, one per edge, in V², not "
                                 f"{shown(self.bias)}; np.full(net.n_edges, 1e-4) is the same bias at every edge")
            bias.setflags(write=False)
            object.__setattr__(self, "bias", bias)

    @property
    def plain(self) -> bool:
        """Whether this is coupled learning as in paper 1 and nothing else."""
        return (self.clamp == "held" and self.aging == self.noise == 0 and self.bias is None
                and self.edge_scale is None)

    def check(self, network: Network) -> None:
        """Raise unless the rule fits the network: one entry of `frozen` and of `bias` per edge.

        >>> import ohmlearn as ol
        >>> net = ol.Network.grid(4, 4)
        >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
        >>> ol.Rule(frozen=[True] * 24).check(net)
        """
        for key in ("frozen", "bias"):
            given = getattr(self, key)
            if given is not None and given.shape != (network.n_edges,):
                raise ValueError(f"{key} has {given.size} entries, but the network has {network.n_edges} edges")


@dataclass(frozen=True, eq=False)
class GradientFlow(Frozen):
    """Gradient flow on conductances, dG/dt = -∂C/∂G with C = ½ Σ c², the double optimisation of paper 2.

    floor, ceiling : bounds of the conductances; an edge at a bound stays there while the flow points outward.
    cap : largest |ΔG/G| of a step. With larger steps edges slam into the floor and isolate nodes.
    fraction : largest fraction of the errors c that a step removes. With smaller cap and fraction the steps
        are closer to the flow.
    frozen : (n_edges,) boolean mask of edges that do not learn, or None.
    share : name of `fraction` in version 0.1.

    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(4, 4)
    >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
    >>> run = ol.train(net, task, 0.0, rule=ol.rules.GradientFlow(floor=1e-3), until=1e-6)
    >>> run.status, bool(run.conductances.min() >= 1e-3)
    ('reached', True)
    """

    floor: float = 1e-6
    ceiling: float = 10.0
    cap: float = 0.2
    fraction: float = 0.9
    frozen: NDArray[np.bool_] | None = None
    share: InitVar[float | None] = None

    def __post_init__(self, share: float | None) -> None:
        if share is not None:
            warn("GradientFlow(share=...) is now fraction=...; the old name will be removed in the next version",
                 DeprecationWarning, stacklevel=3)
            object.__setattr__(self, "fraction", share)
        check_fields(self)
        if not 0 < self.floor < self.ceiling:
            raise ValueError(f"the bounds must be 0 < floor < ceiling, not {self.floor} and {self.ceiling}")
        if not LEAST <= self.floor < self.ceiling <= MOST:
            raise ValueError(f"floor={self.floor:g} and ceiling={self.ceiling:g} must lie between {LEAST:g} and "
                             f"{MOST:g}")
        for key in ("cap", "fraction"):
            if not 0 < getattr(self, key) < 1:
                raise ValueError(f"{key} must lie between 0 and 1, not {getattr(self, key)}")
        object.__setattr__(self, "frozen", _mask(self.frozen))


def _mask(frozen: Any) -> NDArray[np.bool_] | None:
    """Checked copy of a mask of edges."""
    if frozen is None:
        return None
    mask = np.array(frozen)
    if mask.dtype != bool or mask.ndim != 1:
        raise TypeError(f"frozen must be a boolean mask, one entry per edge, not {mask.dtype} of shape {mask.shape}; "
                        "from edge numbers: np.isin(np.arange(n_edges), numbers)")
    mask.setflags(write=False)
    return mask
