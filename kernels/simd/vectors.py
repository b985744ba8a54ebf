"""A vector of ensemble lanes as a Numba value, with arithmetic operators.

A row of a C-contiguous (rows, lanes) array is loaded into registers, computed on as if it were one
number, and stored back. A row is 64 bytes: 8 lanes of float64, 16 of float32 (one zmm register, or two
ymm where there is no AVX-512); a row of a 1-d array is one number, for which the same words serve.
No fast-math: `fma` fuses where it is written and nowhere else, so that the bits are the same on every
machine. NaN passes through `maximum(bound, x)` and `minimum(bound, x)`.
"""
import operator

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable

ROW_BYTES = 64


def n_lanes(dtype) -> int:
    """Lanes in a row of this float type: 8 for float64, 16 for float32."""
    return ROW_BYTES // np.dtype(dtype).itemsize


def aligned(*shape, dtype=np.float64):
    """Array of zeros that begins at a multiple of 64 bytes, as rows must."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.zeros(size + ROW_BYTES, dtype=np.uint8)
    begin = -raw.ctypes.data % ROW_BYTES
    return raw[begin:begin + size].view(dtype).reshape(shape)


class LanesType(types.Type):
    """Numba type of one row: `lanes` numbers of the float type `dtype`, by default 64 bytes of them."""

    def __init__(self, dtype, lanes: int = 0) -> None:
        self.dtype = dtype
        self.lanes = lanes or ROW_BYTES * 8 // dtype.bitwidth
        super().__init__(name=f"Lanes({dtype}, {self.lanes})")


def _llvm(lanes_t):
    return ir.VectorType(ir.DoubleType() if lanes_t.dtype is types.float64 else ir.FloatType(), lanes_t.lanes)


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, dmm, fe_type) -> None:
        super().__init__(dmm, fe_type, _llvm(fe_type))


def _pointer(context, builder, sig, args, width: int):
    """Address of row args[1] of the array args[0], in steps of `width` elements."""
    index = context.cast(builder, args[1], sig.args[1], types.intp)
    base = context.make_array(sig.args[0])(context, builder, args[0]).data
    return builder.gep(base, [builder.mul(index, ir.Constant(index.type, width), flags=("nsw",))], inbounds=True)


def _spread(context, builder, value, value_t, lanes_t):
    """The value itself when it is a row, else the number repeated in every lane."""
    if isinstance(value_t, LanesType):
        return value
    vector = _llvm(lanes_t)
    number = context.cast(builder, value, value_t, lanes_t.dtype)
    undefined = ir.Constant(vector, ir.Undefined)
    one = builder.insert_element(undefined, number, ir.IntType(32)(0))
    return builder.shuffle_vector(one, undefined, ir.Constant(ir.VectorType(ir.IntType(32), lanes_t.lanes),
                                                              [0] * lanes_t.lanes))


def _row_type(*arguments):
    """The lane type among the arguments, None when there is none or a partner that is no number."""
    rows = [t for t in arguments if isinstance(t, LanesType)]
    others = [t for t in arguments if not isinstance(t, LanesType)]
    return rows[0] if rows and all(isinstance(t, types.Number) for t in others) else None


def _of_numbers(*arguments):
    """Signature of an intrinsic of numbers alone."""
    if not all(isinstance(t, types.Number) for t in arguments):
        raise TypingError(f"neither rows nor numbers: {arguments}")
    return types.float64(*[types.float64] * len(arguments))


@intrinsic
def load(typingctx, array, row):
    """Row `row` of a (rows, lanes) array, 64-byte aligned, or of a 1-d array; no bounds check."""
    if array.ndim == 1:
        return array.dtype(array, row), lambda context, builder, sig, args: builder.load(
            _pointer(context, builder, sig, args, 1))
    lanes_t = LanesType(array.dtype)

    def codegen(context, builder, sig, args):
        pointer = _pointer(context, builder, sig, args, lanes_t.lanes)
        value = builder.load(builder.bitcast(pointer, _llvm(lanes_t).as_pointer()))
        value.align = ROW_BYTES
        return value
    return lanes_t(array, row), codegen


@intrinsic
def store(typingctx, array, row, value):
    """Write a row (or one number to all its lanes) to row `row` of a (rows, lanes) array, or of a 1-d array."""
    if array.ndim == 1:
        return types.void(array, row, value), lambda context, builder, sig, args: builder.store(
            context.cast(builder, args[2], sig.args[2], array.dtype), _pointer(context, builder, sig, args, 1))
    lanes_t = LanesType(array.dtype)

    def codegen(context, builder, sig, args):
        pointer = builder.bitcast(_pointer(context, builder, sig, args, lanes_t.lanes), _llvm(lanes_t).as_pointer())
        builder.store(_spread(context, builder, args[2], sig.args[2], lanes_t), pointer).align = ROW_BYTES
        return context.get_dummy_value()
    return types.void(array, row, value), codegen


@intrinsic
def at(typingctx, array, index):
    """Number `index` of an array as it lies in memory, without wraparound or bounds check."""
    def codegen(context, builder, sig, args):
        return builder.load(_pointer(context, builder, sig, args, 1))
    return array.dtype(array, index), codegen


@intrinsic
def put(typingctx, array, index, value):
    """Set number `index` of an array as it lies in memory, without wraparound or bounds check."""
    def codegen(context, builder, sig, args):
        builder.store(context.cast(builder, args[2], sig.args[2], array.dtype),
                      _pointer(context, builder, sig, args, 1))
        return context.get_dummy_value()
    return types.void(array, index, value), codegen


@intrinsic
def fma(typingctx, a, b, c):
    """a * b + c with one rounding; numbers stand for rows, or for themselves where there is no row."""
    lanes_t = _row_type(a, b, c)
    if lanes_t is None:
        def scalar(context, builder, sig, args):
            number = ir.DoubleType()
            fma_t = ir.FunctionType(number, [number] * 3)
            return builder.call(cgutils.get_or_insert_function(builder.module, fma_t, "llvm.fma.f64"), args)
        return types.float64(types.float64, types.float64, types.float64), scalar

    def codegen(context, builder, sig, args):
        vector = _llvm(lanes_t)
        name = f"llvm.fma.v{lanes_t.lanes}f{lanes_t.dtype.bitwidth}"
        fused = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector] * 3), name)
        return builder.call(fused, [_spread(context, builder, x, t, lanes_t)
                                    for x, t in zip(args, sig.args, strict=True)])
    return lanes_t(a, b, c), codegen


@intrinsic
def root(typingctx, a):
    """Square root of a row."""
    def codegen(context, builder, sig, args):
        vector = _llvm(a)
        name = f"llvm.sqrt.v{a.lanes}f{a.dtype.bitwidth}"
        square_root = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector]), name)
        return builder.call(square_root, args)
    return a(a), codegen


@intrinsic
def where(typingctx, bits, a, b):
    """a in the lanes whose bit is set, b in the others; of two numbers, a where bits is not 0."""
    lanes_t = _row_type(a, b)
    if lanes_t is None:
        def scalar(context, builder, sig, args):
            return builder.select(builder.icmp_unsigned("!=", args[0], args[0].type(0)), args[1], args[2])
        return types.float64(bits, types.float64, types.float64), scalar

    def codegen(context, builder, sig, args):
        word = context.cast(builder, args[0], sig.args[0], types.uint64)
        mask = builder.bitcast(builder.trunc(word, ir.IntType(lanes_t.lanes)),
                               ir.VectorType(ir.IntType(1), lanes_t.lanes))
        return builder.select(mask, *(_spread(context, builder, args[i], sig.args[i], lanes_t) for i in (1, 2)))
    return lanes_t(bits, a, b), codegen


@intrinsic
def where_less(typingctx, a, b, x, y):
    """x in the lanes where a < b, y in the others (and where either is NaN); of numbers likewise."""
    lanes_t = _row_type(a, b, x, y)
    if lanes_t is None:
        return _of_numbers(a, b, x, y), lambda context, builder, sig, args: builder.select(
            builder.fcmp_ordered("<", args[0], args[1]), args[2], args[3])

    def codegen(context, builder, sig, args):
        a, b, x, y = (_spread(context, builder, value, t, lanes_t) for value, t in zip(args, sig.args, strict=True))
        return builder.select(builder.fcmp_ordered("<", a, b), x, y)
    return lanes_t(a, b, x, y), codegen


def _binary(emit):
    """Intrinsic of two rows, or of two numbers, from what it emits."""
    @intrinsic
    def apply(typingctx, a, b):
        lanes_t = _row_type(a, b)
        if lanes_t is None:
            return _of_numbers(a, b), lambda context, builder, sig, args: emit(builder, *args)

        def codegen(context, builder, sig, args):
            return emit(builder, *(_spread(context, builder, x, t, lanes_t)
                                   for x, t in zip(args, sig.args, strict=True)))
        return lanes_t(a, b), codegen
    return apply


maximum = _binary(lambda builder, a, b: builder.select(builder.fcmp_ordered(">", a, b), a, b))
minimum = _binary(lambda builder, a, b: builder.select(builder.fcmp_ordered("<", a, b), a, b))


def _define(symbol, emit) -> None:
    """The operator of two rows, or of a row and a number. It is typed and made here, without a function of its own:
    hundreds of them in a kernel would take seconds to compile."""
    @type_callable(symbol)
    def typed(context):
        return lambda a, b: _row_type(a, b)

    def codegen(context, builder, sig, args):
        return emit(builder, *(_spread(context, builder, x, t, sig.return_type)
                               for x, t in zip(args, sig.args, strict=True)))

    for kinds in ((LanesType, LanesType), (LanesType, types.Number), (types.Number, LanesType)):
        lower_builtin(symbol, *kinds)(codegen)


_define(operator.add, lambda builder, a, b: builder.fadd(a, b))
_define(operator.iadd, lambda builder, a, b: builder.fadd(a, b))
_define(operator.sub, lambda builder, a, b: builder.fsub(a, b))
_define(operator.mul, lambda builder, a, b: builder.fmul(a, b))
_define(operator.truediv, lambda builder, a, b: builder.fdiv(a, b))


@type_callable(operator.neg)
def _type_of_negative(context):
    return lambda a: a if isinstance(a, LanesType) else None


@lower_builtin(operator.neg, LanesType)
def _negative(context, builder, sig, args):
    return builder.fneg(args[0])
