"""Learning rules beside coupled learning, as data: the same dynamics with another clamp or another Ġ."""
from __future__ import annotations

from typing import Any

from ohmlearn.rule import Rule


def equilibrium_propagation(nudge: float = 1e-3, **others: Any) -> Rule:
    """Equilibrium propagation: currents V_T - v_T - β w_T enter at the outputs of the clamped network, w = (v^C - v)/β.

    dG/dt = -a R Δw (2 Δv + β Δw) as in coupled learning. In the quasistatic limit w = (L + β O Oᵀ)⁻¹ O (V_T - v_T), so
    that dG/dt is exactly -a R ∂C*/∂G, with C* = Σ (V_T - v_T)², as β -> 0.

    nudge : β, > 0 or 0, in units of conductance. others : fields of :class:`Rule`.

    Returns a :class:`Rule`.

    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(4, 4)
    >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
    >>> ol.train(net, task, 0.0, rule=ol.rules.equilibrium_propagation(), until=1e-3).status
    'reached'
    """
    return Rule(nudge=nudge, clamp="pulled", clamp_rate=1.0, clamp_share=nudge, **others)


def directed_aging(nudge: float = 1.0, *, prefactor: float = 1.0, **others: Any) -> Rule:
    """Directed aging: the clamped network alone wears its edges, dG/dt = -a R (Δv^C)², with nothing to compare it with.

    The outputs are held at v_T + η (V_T - v_T), by default at the desired voltages themselves. Slow aging lowers the
    power that the clamped network dissipates at every moment, which is not the cost: conductances only fall.

    nudge : η > 0. prefactor : a. others : fields of :class:`Rule`.

    Returns a :class:`Rule`.

    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(4, 4)
    >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
    >>> aged = ol.train(net, task, 1.0, rule=ol.rules.directed_aging(), until=None, t_max=1.0)
    >>> bool(aged.conductances.max() <= 1.0)
    True
    """
    if not nudge > 0:
        raise ValueError(f"nudge must be > 0, not {nudge}: a network that is not clamped ages towards no task")
    return Rule(nudge=nudge, prefactor=prefactor * nudge, aging=1 / nudge, **others)
