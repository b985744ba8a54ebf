"""Normal random numbers that depend on a key and a counter alone: no state, so no order of drawing matters.

A 64-bit counter generator (the finaliser of SplitMix64: Steele, Lea and Flood 2014) feeds the ziggurat of
Marsaglia and Tsang (2000) with 256 layers of equal area under exp(-x²/2).
"""
import math

import numpy as np
from numpy.typing import NDArray

from .jit import inline, kernel

LAYERS = 256
TAIL = 3.6541528853610088   # where the tail begins, so that all layers are of equal area


def layers() -> NDArray[np.float64]:
    """(LAYERS + 1,) right ends of the layers, from the lowest (which stands for the tail) to the top at 0."""
    height = math.exp(-TAIL * TAIL / 2)
    area = TAIL * height + math.sqrt(math.pi / 2) * math.erfc(TAIL / math.sqrt(2))
    ends = [area / height, TAIL]
    while len(ends) < LAYERS:
        ends.append(math.sqrt(-2 * math.log(area / ends[-1] + math.exp(-ends[-1] ** 2 / 2))))
    return np.array([*ends, 0.0])


ENDS = layers()
INNER = ENDS[1:] / ENDS[:-1]        # share of a layer that lies under the curve whatever the height
OUTSIDE = 1e3                       # stands for a number that still has to be drawn

STRIDE, FIRST, SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
S11, S27, S30, S31 = np.uint64(11), np.uint64(27), np.uint64(30), np.uint64(31)
LAYER, ATTEMPT = np.uint64(LAYERS - 1), np.uint64(1 << 56)


@inline
def bits(key, counter):
    """64 random bits of a key and a counter, all three unsigned."""
    z = key + STRIDE * counter
    z = (z ^ (z >> S30)) * FIRST
    z = (z ^ (z >> S27)) * SECOND
    return z ^ (z >> S31)


@inline
def uniform(key, counter):
    """A number evenly between 0 and 1, neither of them itself."""
    return (np.int64(bits(key, counter) >> S11) + 0.5) * 2.0 ** -53


@kernel
def normal(key, counter):
    """A number of the standard normal distribution; counters below 2^56. A further try counts in the bits above."""
    while True:
        z = bits(key, counter)
        layer = np.int64(z & LAYER)
        u = np.int64(z >> S11) * 2.0 ** -52 - 1.0
        x = u * ENDS[layer]
        if abs(u) < INNER[layer]:
            return x
        v, w = uniform(key, counter + ATTEMPT), uniform(key, counter + ATTEMPT + ATTEMPT)
        if layer == 0:
            beyond = -math.log(v) / TAIL
            if -2 * math.log(w) > beyond * beyond:
                return math.copysign(TAIL + beyond, u)
        else:
            low = math.exp((x * x - ENDS[layer] * ENDS[layer]) / 2)
            high = math.exp((x * x - ENDS[layer + 1] * ENDS[layer + 1]) / 2)
            if low + v * (high - low) < 1.0:
                return x
        counter += ATTEMPT + ATTEMPT + ATTEMPT


@inline
def fill(out, keys, counter):
    """out (size,) = normal(keys, counter), key by key. One pass that the compiler makes SIMD, one for the rest."""
    for i in range(out.size):
        z = bits(keys[i], counter)
        layer = np.int64(z & LAYER)
        u = np.int64(z >> S11) * 2.0 ** -52 - 1.0
        out[i] = u * ENDS[layer] if abs(u) < INNER[layer] else OUTSIDE
    for i in range(out.size):
        if out[i] == OUTSIDE:
            out[i] = normal(keys[i], counter)


@kernel
def normals(out, keys, counter):
    """`fill` for callers outside of kernels."""
    fill(out, keys, counter)
