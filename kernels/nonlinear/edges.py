"""What a block of lanes with nonlinear edges has besides its graph."""
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.law.law_type import EdgeLaw

from .newton import Newton


class Nonlinear(NamedTuple):
    """law : the laws of the edges, of the name ANY in the block. leak, toward, inject : (n_nodes, lanes) conductances
    to voltages `toward`, 0 for leaks to ground, and currents injected. low, high : (n_edges,) bounds of what learns.
    factor : (n_edges,) of the rate, 0 where an edge does not learn. newton : work space. v, w : (n_nodes, lanes)
    scratch for equilibria. current : (2 n_edges, lanes) currents of a stage and their divided differences.
    eta : (1, lanes). entries : (ENTRIES,) addresses of the kernels that know the laws, see `ensemble.nonlinear_step`.
    """

    law: EdgeLaw
    leak: NDArray[np.float64]
    toward: NDArray[np.float64]
    inject: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    factor: NDArray[np.float64]
    newton: Newton
    v: NDArray[np.float64]
    w: NDArray[np.float64]
    current: NDArray[np.float64]
    eta: NDArray[np.float64]
    entries: NDArray[np.int64]
