"""Arithmetic of pairs (x, dx), which stand for a number in the free network, x, and in the clamped one, x + η dx.

Of a current I every pair law gives the free one and D = [I(clamped) - I(free)] / η without the cancellation that this
formula has at small η; at η = 0 it is the derivative along dx. For rows of lanes and for single numbers.

e is (η, 1/η), with BIG in place of 1/η where η = 0 (see `nudges`).
"""
from ohmlearn.kernels.simd.elementary import absolute, exp, expm1, log, log1p, square_root
from ohmlearn.kernels.simd.jit import inline
from ohmlearn.kernels.simd.vectors import fma, maximum, minimum, where_less

BIG = 1e300
TINY = 1e-8         # arguments below it: two terms of a series are exact to rounding
STEEPEST = 300.0    # exponents above it count as it: e^300 is beyond all currents, and its products are numbers still


@inline
def nudges(eta):
    """(η, 1/η), the latter BIG at η = 0 of either sign."""
    eta = eta + 0.0                             # -0 becomes 0, whose inverse is inf
    return eta, minimum(BIG, 1.0 / eta)


@inline
def clamped(a, e):
    """x + η dx."""
    return fma(e[0], a[1], a[0])


@inline
def plus(a, b):
    """a + b."""
    return a[0] + b[0], a[1] + b[1]


@inline
def minus(a, b):
    """a - b."""
    return a[0] - b[0], a[1] - b[1]


@inline
def scaled(c, a):
    """c a, with a constant c."""
    return c * a[0], c * a[1]


@inline
def shifted(a, c):
    """a + c, with a constant c."""
    return a[0] + c, a[1]


@inline
def product(a, b, e):
    """a b."""
    return a[0] * b[0], fma(clamped(a, e), b[1], b[0] * a[1])


@inline
def positive(a, e):
    """max(a, 0)."""
    free, other = maximum(0.0, a[0]), maximum(0.0, clamped(a, e))
    return free, maximum(-e[1] * free, minimum(e[1] * other, a[1]))      # it falls by all of x, or grows to all of x+


@inline
def root(a, e):
    """√a, a > 0."""
    free = square_root(a[0])
    return free, a[1] / (free + square_root(clamped(a, e)))


@inline
def _below_steepest(a, e):
    """a, or STEEPEST where a is above it."""
    return minus(a, positive(shifted(a, -STEEPEST), e))


@inline
def _expm1_over(h):
    """(e^h - 1) / h."""
    return where_less(absolute(h), TINY, fma(0.5, h, 1.0), expm1(h) / where_less(absolute(h), TINY, 1.0, h))


@inline
def exponential_less_one(a, e):
    """e^a - 1."""
    a = _below_steepest(a, e)
    return expm1(a[0]), exp(a[0]) * a[1] * _expm1_over(e[0] * a[1])


@inline
def _sinh(x):
    grown = expm1(absolute(x))
    size = 0.5 * (grown + grown / (grown + 1.0))
    return where_less(x, 0.0, -size, size)


@inline
def hyperbolic_sine(a, e):
    """sinh a."""
    a = scaled(-1.0, _below_steepest(scaled(-1.0, _below_steepest(a, e)), e))
    h = 0.5 * e[0] * a[1]
    middle = a[0] + h
    steep = 0.5 * (exp(middle) + exp(-middle))
    # a tiny number in place of 0 gives sinh(h)/h = 1
    h = where_less(absolute(h), 1e-300, 1e-300, h)
    ratio = where_less(absolute(h), TINY, 1.0, _sinh(h) / h)
    return _sinh(a[0]), steep * a[1] * ratio


@inline
def softplus(a, e):
    """ln(1 + e^a)."""
    x, h = a[0], e[0] * a[1]
    small = exp(-absolute(x))
    fraction = small / (small + 1.0)                # logistic function of -|x|
    t = where_less(x, 0.0, h, -h)
    safe = where_less(absolute(t), TINY, 1.0, t)
    ratio = where_less(absolute(t), TINY, fraction * fma(0.5 * (1.0 - fraction), t, 1.0),
                       log1p(fraction * expm1(safe)) / safe)
    return maximum(0.0, x) + log1p(small), a[1] * where_less(x, 0.0, ratio, 1.0 - ratio)


@inline
def omega(z):
    """Wright's function: ω + ln ω = z of real z, by four steps of fourth order (Fritsch, Shafer and Crowley 1973)."""
    low = exp(minimum(1.0, z))
    above = maximum(1.0, z)
    w = where_less(1.0, z, above - log(above), where_less(z, -2.0, low, exp(0.5 * (minimum(1.0, z) - 1.0))))
    for _ in range(4):
        r = z - w - log(maximum(1e-307, w))
        t = (w + 1.0) * (w + 1.0 + (2 / 3) * r)
        w = w * (1.0 + r / (w + 1.0) * (t - 0.5 * r) / (t - r))
    return where_less(z, -50.0, low, w)


@inline
def wright(a, e):
    """ω(a) with ω + ln ω = a."""
    w, h = omega(a[0]), e[0] * a[1]
    r = omega(a[0] + h) - w
    near = r
    for _ in range(3):                              # of r + ln(1 + r/ω) = h itself, where r is a small difference
        near = near - (near + log1p(maximum(-0.9, near / w)) - h) / (1.0 / maximum(0.1 * w, w + near) + 1.0)
    r = where_less(absolute(r), 0.3 * w, near, r)
    tiny = absolute(h) * 1e150
    ratio = where_less(tiny, 1.0, w / (w + 1.0), r / where_less(tiny, 1.0, 1.0, h))
    return w, a[1] * ratio
