"""Counters that threads watch, and the processor handed on while waiting."""
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


def _place(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    """Address of element args[1] of a contiguous integer array args[0]."""
    index = context.cast(builder, args[1], sig.args[1], types.intp)
    return builder.gep(context.make_array(sig.args[0])(context, builder, args[0]).data, [index], inbounds=True)


@intrinsic
def load_acquire(typingctx: Any, array: Any, index: Any) -> Any:
    """Element `index` of a flat int64 array; what its writer stored before it is seen after this."""
    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.load_atomic(_place(context, builder, sig, args), "acquire", 8)
    return types.int64(array, index), codegen


@intrinsic
def store_release(typingctx: Any, array: Any, index: Any, value: Any) -> Any:
    """Set element `index` of a flat int64 array, after everything stored before."""
    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        value = context.cast(builder, args[2], sig.args[2], types.int64)
        builder.store_atomic(value, _place(context, builder, sig, args), "release", 8)
        return context.get_dummy_value()
    return types.void(array, index, value), codegen


@intrinsic
def yield_thread(typingctx: Any) -> Any:
    """Let another thread have this core."""
    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.IntType(32), []), "sched_yield")
        builder.call(function, [])
        return context.get_dummy_value()
    return types.void(), codegen
