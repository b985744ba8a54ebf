"""What real devices do to measured voltages and to updates: noise, bias, dead zones, quanta, leakage, misses."""
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.simd.jit import inner
from ohmlearn.kernels.simd.random_normal import normal, uniform


class Flaws(NamedTuple):
    """Imperfections of a block of chips.

    read_noise : standard deviation of a measured voltage, V. update_noise : likewise of a change of what learns.
    dead_zone : changes smaller than it are not made. quantum : changes are multiples of it, 0 for any.
    leakage : fraction of the way to `rest` that what learns goes back at every update. probability : of an edge to take
    part in an update. any : whether there is one beside read noise and mismatch. bias : (m, lanes) added to every
    change. rest, learns : (m, lanes), the latter 0 where an edge of a chip does not learn. scale, twin_scale :
    (m, lanes) factors of what learns in the free and in the clamped network, or (0, lanes) for none. keys : (lanes,)
    of the random numbers. drawn : (lanes,) how many there were.
    """

    read_noise: float
    update_noise: float
    dead_zone: float
    quantum: float
    leakage: float
    probability: float
    any: bool
    bias: NDArray[np.float64]
    rest: NDArray[np.float64]
    learns: NDArray[np.float64]
    scale: NDArray[np.float64]
    twin_scale: NDArray[np.float64]
    keys: NDArray[np.uint64]
    drawn: NDArray[np.uint64]


@inner
def draw(flaws, lane):
    """A number of the standard normal distribution for a lane."""
    flaws.drawn[lane] += np.uint64(1)
    return normal(flaws.keys[lane], flaws.drawn[lane])


@inner
def misread(flaws, v, active):
    """Add the noise of a measurement to the voltages v (n_nodes, lanes) of the lanes with an `active` bit."""
    if flaws.read_noise > 0.0:
        for lane in range(v.shape[1]):
            if active >> lane & 1:
                for a in range(v.shape[0]):
                    v[a, lane] += flaws.read_noise * draw(flaws, lane)


@inner
def flawed(flaws, j, lane, by, limit):
    """What becomes of a change `by` of edge j; and whether it is made."""
    takes_part = True
    if flaws.probability < 1.0:
        flaws.drawn[lane] += np.uint64(1)
        takes_part = uniform(flaws.keys[lane], flaws.drawn[lane]) < flaws.probability
    if flaws.update_noise > 0.0:
        by += flaws.update_noise * draw(flaws, lane)
    by += flaws.bias[j, lane]
    if abs(by) < flaws.dead_zone or not takes_part:
        by = 0.0
    by = max(-limit, min(limit, by))
    if flaws.quantum > 0.0:
        by = flaws.quantum * np.rint(by / flaws.quantum)
    return by
