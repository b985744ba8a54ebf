"""Whether the divided differences of a law of edges are differences of its current."""
from __future__ import annotations

import numpy as np
from ohmlearn.edges.laws import EdgeLaw
from ohmlearn.kernels.law.trial import trial

from .edge_arrays import kernel_law

COUNT, NUDGE, ALLOWED = 200, 1e-3, 1e-6


def check_law(law: EdgeLaw, learned: tuple[float, float] = (0.5, 2.0), volts: tuple[float, float] = (-1.0, 1.0),
              seed: int = 0) -> float:
    """Compare the divided differences of a law with differences of its current, at random.

    law : as of :class:`ohmlearn.edges.Own`, with the parameters of its first edge. learned, volts : where what learns,
    and the voltages of the nodes, are drawn. seed : of the draws.

    Returns the largest error over the largest divided difference; 1e-9 and less is rounding.
    Raises ValueError where it is above 1e-6, with the place: then some step of the law is not one of pairs.

    >>> import ohmlearn as ol
    >>> from ohmlearn.edges.pairs import minus, product
    >>> law = ol.edges.Own(lambda p, u, a, b, e: product(u, minus(a, b), e))
    >>> ol.edges.check_law(law) < 1e-9
    True
    """
    rng = np.random.default_rng(seed)
    u, v, w = rng.uniform(*learned, COUNT), rng.uniform(*volts, (COUNT, 2)), rng.uniform(-1, 1, (COUNT, 2))
    described = kernel_law(law, max(law._sizes(), default=1), 0)
    free, moved, found = (np.empty((COUNT, 2)) for _ in range(3))
    for voltages, differences, out in ((v, 0 * w, free), (v + NUDGE * w, 0 * w, moved), (v, w, found)):
        trial(described, u, voltages, differences, NUDGE, out)
    errors = np.abs(found[:, 1] - (moved[:, 0] - free[:, 0]) / NUDGE) / (np.abs(found[:, 1]).max() or 1.0)
    if not errors.max() <= ALLOWED:
        k = int(np.argmax(np.where(np.isfinite(errors), errors, np.inf)))
        raise ValueError(f"the divided difference of {law!r} is off by {errors[k]:.1e} at u = {u[k]:.6g}, voltages "
                         f"{v[k, 0]:.6g} and {v[k, 1]:.6g}: write it with the functions of ohmlearn.edges.pairs alone")
    return float(errors.max())
