"""The learning rule and its bounds, as data."""
from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .network import Network


@dataclass(frozen=True, eq=False)
class Rule:
    """Coupled learning, dG/dt = -a R Δw (2 Δv + η Δw), within bounds on the conductances (paper 1, Eq. 3).

    nudge : η, how far the clamped targets are moved towards the desired voltages. 0 is the gradient limit.
    prefactor : a; 1 is Eq. 3 as printed, 1/2 the form of the Methods.
    floor : smallest conductance G_min.
    floor_mode : "relax", a conductance falls no faster than it relaxes to the floor,
        dG/dt >= floor_rate (G_min - G), as in the published runs; or "clip", G >= G_min and nothing else.
    floor_rate : rate of that relaxation, in units of γp. Not used by "clip".
    ceiling : largest conductance, enforced as the floor is, or None.
    frozen : (n_edges,) boolean mask of edges that do not learn, or None.
    """

    nudge: float = 1e-3
    prefactor: float = 1.0
    floor: float = 1e-6
    floor_mode: Literal["relax", "clip"] = "relax"
    floor_rate: float = 1.0
    ceiling: float | None = None
    frozen: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        for key in ("nudge", "prefactor", "floor", "floor_rate", "ceiling"):
            value = getattr(self, key)
            if value is None and key == "ceiling":
                continue
            if isinstance(value, bool) or not isinstance(value, Real):
                raise TypeError(f"{key} must be a number, not {value!r}")
            value = float(value)
            if not np.isfinite(value) or value < 0:
                raise ValueError(f"{key} must be finite and >= 0, not {value}")
            object.__setattr__(self, key, value)
        if self.floor <= 0:
            raise ValueError("floor must be > 0: at zero conductance nodes float and have no voltage; 1e-6 is usual")
        if self.floor_mode not in ("relax", "clip"):
            raise ValueError(f"floor_mode must be 'relax' or 'clip', not {self.floor_mode!r}")
        if self.floor_mode == "relax" and self.floor_rate == 0:
            raise ValueError("floor_rate must be > 0 with floor_mode 'relax'")
        if self.ceiling is not None and not self.ceiling > self.floor:
            raise ValueError(f"ceiling {self.ceiling} must be above the floor {self.floor}")
        object.__setattr__(self, "frozen", _mask(self.frozen))

    def check(self, network: Network) -> None:
        """Raise unless the rule fits the network: one entry of `frozen` per edge."""
        if self.frozen is not None and self.frozen.shape != (network.n_edges,):
            raise ValueError(f"frozen has {self.frozen.size} entries, but the network has {network.n_edges} edges")


@dataclass(frozen=True, eq=False)
class GradientFlow:
    """Gradient flow on conductances, dG/dt = -∂C/∂G with C = ½ Σ c², the double optimisation of paper 2.

    floor, ceiling : bounds of the conductances; an edge at a bound stays there while the flow points outward.
    cap : largest |ΔG/G| of a step. With larger steps edges slam into the floor and isolate nodes.
    share : largest share of the errors c that a step removes. Smaller cap and share follow the flow more closely.
    frozen : (n_edges,) boolean mask of edges that do not learn, or None.
    """

    floor: float = 1e-6
    ceiling: float = 10.0
    cap: float = 0.2
    share: float = 0.9
    frozen: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        if not 0 < self.floor < self.ceiling:
            raise ValueError(f"the bounds must be 0 < floor < ceiling, not {self.floor} and {self.ceiling}")
        for key in ("cap", "share"):
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
