"""Exponentials and logarithms of rows and of numbers, from additions, products and fused products alone: the same bits
on every machine and in every lane, which a library of the system does not promise. Errors are a few units in the last
place."""
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .jit import inline
from .vectors import LanesType, _llvm, fma, maximum, minimum, where_less

LOG2E = 1.4426950408889634
LN2_HIGH, LN2_LOW = 0.693147180369123816490, 1.90821492927058770002e-10     # k times the first is exact
LARGEST, SMALLEST = 709.0, -708.0       # arguments of exp beyond them count as these
ROOT_HALF = 0.70710678118654752440


def _vector_and_integers(a):
    """LLVM types of a row or number of float64, and of as many integers of 64 bits."""
    if isinstance(a, LanesType):
        return _llvm(a), ir.VectorType(ir.IntType(64), a.lanes), f"v{a.lanes}f64"
    return ir.DoubleType(), ir.IntType(64), "f64"


def _like(kind, value):
    """A constant of a type of LLVM, in all lanes."""
    if isinstance(kind, ir.VectorType):
        return ir.Constant(kind, [value] * kind.count)
    return ir.Constant(kind, value)


def _unary(name):
    """Intrinsic of a row or a number that LLVM knows by this name."""
    @intrinsic
    def apply(typingctx, a):
        kind = a if isinstance(a, LanesType) else types.float64

        def codegen(context, builder, sig, args):
            vector, _, suffix = _vector_and_integers(kind)
            function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector]),
                                                      f"llvm.{name}.{suffix}")
            return builder.call(function, args)
        return kind(kind), codegen
    return apply


absolute, nearest, square_root = _unary("fabs"), _unary("rint"), _unary("sqrt")


@intrinsic
def power_of_two(typingctx, k):
    """2^k of a whole number k from -1022 to 1023, given as a row or number of float64."""
    kind = k if isinstance(k, LanesType) else types.float64

    def codegen(context, builder, sig, args):
        vector, integers, _ = _vector_and_integers(kind)
        shifted = builder.add(builder.fptosi(args[0], integers), _like(integers, 1023))
        return builder.bitcast(builder.shl(shifted, _like(integers, 52)), vector)
    return kind(kind), codegen


@intrinsic
def exponent(typingctx, a):
    """k of a = m 2^k with 1 <= m < 2, of a positive normal row or number, as float64."""
    kind = a if isinstance(a, LanesType) else types.float64

    def codegen(context, builder, sig, args):
        vector, integers, _ = _vector_and_integers(kind)
        bits = builder.lshr(builder.bitcast(args[0], integers), _like(integers, 52))
        return builder.sitofp(builder.sub(bits, _like(integers, 1023)), vector)
    return kind(kind), codegen


@inline
def _reduced(x):
    """k and r of x = k ln 2 + r, |r| <= ln 2 / 2, and e^r - 1."""
    x = minimum(LARGEST, maximum(SMALLEST, x))
    k = nearest(x * LOG2E)
    r = fma(-k, LN2_LOW, fma(-k, LN2_HIGH, x))
    p = fma(r, 1 / 6227020800, 1 / 479001600)           # Taylor's series to r^13 / 13!
    p = fma(p, r, 1 / 39916800)
    p = fma(p, r, 1 / 3628800)
    p = fma(p, r, 1 / 362880)
    p = fma(p, r, 1 / 40320)
    p = fma(p, r, 1 / 5040)
    p = fma(p, r, 1 / 720)
    p = fma(p, r, 1 / 120)
    p = fma(p, r, 1 / 24)
    p = fma(p, r, 1 / 6)
    p = fma(p, r, 0.5)
    return k, fma(p * r, r, r)


@inline
def exp(x):
    """e^x; x is taken to lie between -708 and 709."""
    k, small = _reduced(x)
    return (small + 1.0) * power_of_two(k)


@inline
def expm1(x):
    """e^x - 1, accurate where x is small; x as in `exp`."""
    k, small = _reduced(x)
    scale = power_of_two(k)
    return fma(small, scale, scale - 1.0)


@inline
def _log_of_mantissa(x):
    """k and ln(x / 2^k) of positive normal x, the latter between -ln 2 / 2 and ln 2 / 2."""
    k = exponent(x)
    m = x * power_of_two(-k)
    high = where_less(m, 2 * ROOT_HALF, 0.0, 1.0)
    k, f = k + high, fma(m, fma(-0.5, high, 1.0), -1.0)
    s = f / (f + 2.0)
    z = s * s
    p = fma(z, 1 / 25, 1 / 23)                          # 2 artanh(s) to s^25
    p = fma(p, z, 1 / 21)
    p = fma(p, z, 1 / 19)
    p = fma(p, z, 1 / 17)
    p = fma(p, z, 1 / 15)
    p = fma(p, z, 1 / 13)
    p = fma(p, z, 1 / 11)
    p = fma(p, z, 1 / 9)
    p = fma(p, z, 1 / 7)
    p = fma(p, z, 1 / 5)
    p = fma(p, z, 1 / 3)
    half = 0.5 * f * f
    return k, f - (half - s * fma(2.0 * z, p, half))    # 2 s = f - s f, and f = half - ... keep the leading term exact


@inline
def log(x):
    """ln x of positive normal x."""
    k, small = _log_of_mantissa(x)
    return fma(k, LN2_HIGH, fma(k, LN2_LOW, small))


@inline
def log1p(x):
    """ln(1 + x), accurate where x is small; x > -1."""
    u = x + 1.0
    k, small = _log_of_mantissa(maximum(1e-300, u))
    lost = where_less(1e15, u, 0.0, (x - (u - 1.0)) / u)
    return fma(k, LN2_HIGH, fma(k, LN2_LOW, small + lost))
