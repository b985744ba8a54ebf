"""Two numbers side by side, (v, w) of one node, as one value with the arithmetic of lanes."""
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .vectors import LanesType, _pointer

PAIR = LanesType(types.float64, 2)
_VECTOR = ir.VectorType(ir.DoubleType(), 2)


def _address(context, builder, sig, args):
    pointer = _pointer(context, builder, sig, args, 1)
    return builder.bitcast(pointer, _VECTOR.as_pointer())


@intrinsic
def load_pair(typingctx, array, index):
    """Elements index and index + 1 of a flat float64 array. No bounds check."""
    def codegen(context, builder, sig, args):
        value = builder.load(_address(context, builder, sig, args))
        value.align = 8
        return value
    return PAIR(array, index), codegen


@intrinsic
def store_pair(typingctx, array, index, pair):
    """Write a pair to elements index and index + 1 of a flat float64 array."""
    def codegen(context, builder, sig, args):
        builder.store(args[2], _address(context, builder, sig, args)).align = 8
        return context.get_dummy_value()
    return types.void(array, index, PAIR), codegen
