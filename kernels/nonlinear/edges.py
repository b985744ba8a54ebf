"""What a block of lanes with nonlinear edges has besides its graph."""
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .newton import Newton


class Nonlinear(NamedTuple):
    """law : EdgeLaw or MixedLaw. leak, inject : (n_nodes, lanes) conductances to ground, and currents
    injected. low, high : (n_edges,) bounds of what
    learns. factor : (n_edges,) of the rate, 0 where an edge does not learn. newton : work space. v, w : (n_nodes, lanes) scratch for equilibria. eta : (1, lanes)."""

    law: Any
    leak: NDArray[np.float64]
    inject: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    factor: NDArray[np.float64]
    newton: Newton
    v: NDArray[np.float64]
    w: NDArray[np.float64]
    eta: NDArray[np.float64]
