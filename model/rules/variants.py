"""Learning rules beside coupled learning, as data: the same dynamics with another clamp or another Ġ."""
from __future__ import annotations

from typing import Any

from ohmlearn.rule import Rule


def equilibrium_propagation(nudge: float = 1e-3, **others: Any) -> Rule:
    """Equilibrium propagation: currents V_T - v_T - β w_T enter at the outputs of the clamped network, w = (v^C - v)/β.

    dG/dt = -a R Δw (2 Δv + β Δw) as in coupled learning. In the quasistatic limit w = (L + β O Oᵀ)⁻¹ O (V_T - v_T), so
    that dG/dt is exactly -a R ∂C*/∂G, with C* = Σ (V_T - v_T)², as β -> 0.

    nudge : β, > 0 or 0, in units of conductance. others : fields of :class:`Rule`.
    """
    return Rule(nudge=nudge, clamp="pulled", clamp_rate=1.0, clamp_share=nudge, **others)


def directed_aging(nudge: float = 1.0, *, prefactor: float = 1.0, **others: Any) -> Rule:
    """Directed aging: the clamped network alone wears its edges, dG/dt = -a R (Δv^C)², with nothing to compare it with.

    The outputs are held at v_T + η (V_T - v_T), by default at the desired voltages themselves. Slow aging lowers the
    power that the clamped network dissipates at every moment, which is not the cost: conductances only fall.

    nudge : η > 0. prefactor : a. others : fields of :class:`Rule`.
    """
    if not nudge > 0:
        raise ValueError(f"nudge must be > 0, not {nudge}: a network that is not clamped ages towards no task")
    return Rule(nudge=nudge, prefactor=prefactor * nudge, aging=1 / nudge, **others)
