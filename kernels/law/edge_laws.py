"""Laws of nonlinear edges: the current from node 1 to node 2 of an edge as a pair (free, divided difference).

A law is a function law(p, u, a, b, e): p, its parameters, read with `parameter(p, k)`; u, what learns; a and b, the
voltages of the two nodes; all three pairs as in `divided_differences`, as is the result; e is (η, 1/η). Which one a
kernel uses is part of its type (`LawType`): a law is chosen when the kernel is compiled.
"""
from ohmlearn.kernels.simd.elementary import square_root
from ohmlearn.kernels.simd.jit import inline
from ohmlearn.kernels.simd.vectors import fma, load, maximum, minimum, where_less

from .divided_differences import (
    BIG,
    clamped,
    exponential_less_one,
    hyperbolic_sine,
    minus,
    plus,
    positive,
    product,
    root,
    scaled,
    shifted,
    softplus,
    wright,
)
from .law_type import LAWS, TANGENTS


@inline
def parameter(p, k):
    """Parameter number k of an edge."""
    return load(p[0], p[1] + k)


@inline
def linear(p, u, a, b, e):
    """Conductance u."""
    return product(u, minus(a, b), e)


@inline
def cubic(p, u, a, b, e):
    """u Δv + p0 Δv³."""
    d = minus(a, b)
    return product(plus(u, scaled(parameter(p, 0), product(d, d, e))), d, e)


@inline
def sinh(p, u, a, b, e):
    """u p0 sinh(Δv / p0)."""
    return product(u, scaled(parameter(p, 0), hyperbolic_sine(scaled(1.0 / parameter(p, 0), minus(a, b)), e)), e)


@inline
def offset(p, u, a, b, e):
    """u (Δv - p0)."""
    return product(u, shifted(minus(a, b), -parameter(p, 0)), e)


@inline
def ideal_diode(p, u, a, b, e):
    """p0 max(Δv, 0) + p1 Δv; p2 is 1, or -1 where the diode points from node 2 to node 1."""
    d = scaled(parameter(p, 2), minus(a, b))
    return scaled(parameter(p, 2), plus(scaled(parameter(p, 0), positive(d, e)), scaled(parameter(p, 1), d)))


@inline
def diode(p, u, a, b, e):
    """p0 (e^(Δv / p1) - 1) + p2 Δv; p3 as p2 of `ideal_diode`."""
    d = scaled(parameter(p, 3), minus(a, b))
    forward = scaled(parameter(p, 0), exponential_less_one(scaled(1.0 / parameter(p, 1), d), e))
    return scaled(parameter(p, 3), plus(forward, scaled(parameter(p, 2), d)))


@inline
def series_diode(p, u, a, b, e):
    """A diode p0 (e^(V / p1) - 1) in series with a resistance p3, and p2 Δv beside them; p4 = ln(p0 p3 / p1); p5
    as p2 of `ideal_diode`."""
    saturation, thermal, series = parameter(p, 0), parameter(p, 1), parameter(p, 3)
    d = scaled(parameter(p, 5), minus(a, b))
    w = wright(shifted(scaled(1.0 / thermal, shifted(d, saturation * series)), parameter(p, 4)), e)
    forward = shifted(scaled(thermal / series, w), -saturation)
    return scaled(parameter(p, 5), plus(forward, scaled(parameter(p, 2), d)))


@inline
def square(p, u, a, b, e):
    """½ p0 [(u - p1 - v₂)₊² - (u - p1 - v₁)₊²] + p2 Δv: a transistor without end effects, gate u."""
    x, y = positive(minus(shifted(u, -parameter(p, 1)), a), e), positive(minus(shifted(u, -parameter(p, 1)), b), e)
    channel = scaled(0.5 * parameter(p, 0), product(minus(y, x), plus(y, x), e))
    return plus(channel, scaled(parameter(p, 2), minus(a, b)))


@inline
def mean(p, u, a, b, e):
    """p0 max(u - p1 - (v₁ + v₂)/2, p3) Δv + p2 Δv."""
    d = minus(a, b)
    drive = minus(shifted(u, -parameter(p, 1) - parameter(p, 3)), scaled(0.5, plus(a, b)))
    opened = shifted(positive(drive, e), parameter(p, 3))
    return plus(scaled(parameter(p, 0), product(opened, d, e)), scaled(parameter(p, 2), d))


@inline
def ekv(p, u, a, b, e):
    """2 p0 s² [ln²(1 + e^((u - p1 - v₂)/2s)) - ln²(1 + e^((u - p1 - v₁)/2s))] + p2 Δv with s = p3."""
    s, over = parameter(p, 3), shifted(u, -parameter(p, 1))
    x, y = softplus(scaled(0.5 / s, minus(over, a)), e), softplus(scaled(0.5 / s, minus(over, b)), e)
    channel = scaled(2.0 * parameter(p, 0) * s * s, product(minus(y, x), plus(y, x), e))
    return plus(channel, scaled(parameter(p, 2), minus(a, b)))


@inline
def _channel(p, u, a, b, e):
    """A transistor of SPICE's level 1, bulk at ground: p0 = KP W/L, p1 = VTO, p3 = GAMMA, p4 = PHI, p5 = LAMBDA.
    Below ground, where the bulk is forward, √(φ + v) goes on by its tangent, as in SPICE."""
    gamma, phi = parameter(p, 3), parameter(p, 4)
    rest = square_root(phi)
    up = positive(minus(b, a), e)
    low, high = minus(b, up), plus(a, up)
    above = positive(low, e)
    bent = root(shifted(above, phi), e)
    body = shifted(positive(plus(bent, scaled(0.5 / rest, minus(low, above))), e), -rest)
    x = positive(minus(minus(shifted(u, -parameter(p, 1)), scaled(gamma, body)), low), e)
    drop = minus(high, low)
    y = positive(minus(x, drop), e)
    grown = product(minus(x, y), plus(x, y), e)
    current = product(scaled(0.5 * parameter(p, 0), grown), shifted(scaled(parameter(p, 5), drop), 1.0), e)
    # downwards from 1 to 2 where v1 > v2; where the terminals change roles between free and clamped, the currents of
    # both have other signs, and their difference cancels nothing
    other = clamped(current, e)
    free = where_less(a[0], b[0], -current[0], current[0])
    turned = where_less(clamped(a, e), clamped(b, e), -other, other)
    along = where_less(a[0], b[0], -current[1], current[1])
    swapped = (b[0] - a[0]) * (clamped(b, e) - clamped(a, e))
    return free, where_less(swapped, 0.0, (turned - free) * e[1], along)


@inline
def level1(p, u, a, b, e):
    """`_channel`, and p2 Δv beside it."""
    return plus(_channel(p, u, a, b, e), scaled(parameter(p, 2), minus(a, b)))


SERIES_ROUNDS, SERIES_STEPS = 2, 4      # slopes anew, and steps with each: exact to rounding in all that was met


@inline
def _slopes(p, u, a, b, zero):
    """Derivatives of `_channel` by the voltages of its two nodes, at numbers u, a and b."""
    none = (zero, zero + BIG)
    return (_channel(p, (u, zero), (a, zero + 1.0), (b, zero), none)[1],
            _channel(p, (u, zero), (a, zero), (b, zero + 1.0), none)[1])


@inline
def series_level1(p, u, a, b, e):
    """`level1` between resistances p6 at node 1 and p7 at node 2: i = channel(v₁ - p6 i, v₂ + p7 i), by Newton's
    iteration, with slopes that are kept for several steps."""
    first, second = parameter(p, 6), parameter(p, 7)
    i, d = _channel(p, u, a, b, e)
    for _ in range(SERIES_ROUNDS):
        inner, outer = minus(a, scaled(first, (i, d))), plus(b, scaled(second, (i, d)))
        g1, g2 = _slopes(p, u[0], inner[0], outer[0], 0.0 * u[0])
        h1, h2 = _slopes(p, clamped(u, e), clamped(inner, e), clamped(outer, e), 0.0 * u[0])
        slope, other = fma(first, g1, fma(-second, g2, 1.0)), fma(first, h1, fma(-second, h2, 1.0))
        for _ in range(SERIES_STEPS):
            found = _channel(p, u, minus(a, scaled(first, (i, d))), plus(b, scaled(second, (i, d))), e)
            i, d = i - (i - found[0]) / slope, d - (d - found[1]) / other
    return plus((i, d), scaled(parameter(p, 2), minus(a, b)))


@inline
def linear_tangent(p, u, a, b, kept):
    """Current of `linear`, and its derivatives; see `law_type.tangent`."""
    return u * (a - b), u, -u, a - b, kept


@inline
def square_tangent(p, u, a, b, kept):
    """Current of `square`, and its derivatives."""
    gain, leak, over = parameter(p, 0), parameter(p, 2), u - parameter(p, 1)
    x, y = maximum(0.0, over - a), maximum(0.0, over - b)
    current = fma(leak, a - b, 0.5 * gain * ((y - x) * (y + x)))
    return current, fma(gain, x, leak), -fma(gain, y, leak), gain * (y - x), kept


@inline
def _channel_tangent(p, u, a, b):
    """Current of `_channel`, and its derivatives by a, b and u."""
    gain, gamma, phi, modulation = parameter(p, 0), parameter(p, 3), parameter(p, 4), parameter(p, 5)
    rest = square_root(phi)
    low, high = minimum(a, b), maximum(a, b)
    bent, half = square_root(phi + maximum(0.0, low)), 0.5 / rest
    body = bent + half * minimum(0.0, low)
    bend = where_less(body, 0.0, 0.0, where_less(low, 0.0, half, 0.5 / bent))
    x = maximum(0.0, u - parameter(p, 1) - fma(gamma, maximum(0.0, body) - rest, low))
    drop = high - low
    y = maximum(0.0, x - drop)
    longer, grown = gain * fma(modulation, drop, 1.0), 0.5 * (x - y) * (x + y)
    by_length = gain * modulation * grown
    by_high = fma(longer, y, by_length)
    by_low = -fma(longer, fma(fma(gamma, bend, 1.0), x - y, y), by_length)
    current = grown * longer
    by_u = longer * (x - y)
    return (where_less(a, b, -current, current), where_less(a, b, -by_low, by_high), where_less(a, b, -by_high, by_low),
            where_less(a, b, -by_u, by_u))


@inline
def level1_tangent(p, u, a, b, kept):
    """Current of `level1`, and its derivatives."""
    leak = parameter(p, 2)
    current, by_a, by_b, by_u = _channel_tangent(p, u, a, b)
    return fma(leak, a - b, current), by_a + leak, by_b - leak, by_u, kept


@inline
def series_level1_tangent(p, u, a, b, kept):
    """Current of `series_level1`, linear about the channel's current `kept`, and its derivatives. Kept anew, it
    is right to second order in the changes of the voltages."""
    first, second, leak = parameter(p, 6), parameter(p, 7), parameter(p, 2)
    channel, by_a, by_b, by_u = _channel_tangent(p, u, fma(-first, kept, a), fma(second, kept, b))
    scale = 1.0 / fma(first, by_a, fma(-second, by_b, 1.0))
    current = fma(channel - kept, scale, kept)
    return fma(leak, a - b, current), fma(by_a, scale, leak), fma(by_b, scale, -leak), by_u * scale, current


def directed(function, k):
    """A law that others have written, for edges some of which are seen from their second node: parameter k is 1, or -1
    there."""
    law = inline(getattr(function, "py_func", function))

    def seen(p, u, a, b, e):
        way = parameter(p, k)
        first = where_less(way, 0.0, b[0], a[0]), where_less(way, 0.0, b[1], a[1])
        second = where_less(way, 0.0, a[0], b[0]), where_less(way, 0.0, a[1], b[1])
        return scaled(way, law(p, u, first, second, e))
    return inline(seen)


TANGENTS.update(linear=linear_tangent, square=square_tangent, level1=level1_tangent,
                series_level1=series_level1_tangent)
LAWS.update(linear=linear, cubic=cubic, sinh=sinh, offset=offset, ideal_diode=ideal_diode, diode=diode,
            series_diode=series_diode, square=square, mean=mean, ekv=ekv, level1=level1, series_level1=series_level1)
