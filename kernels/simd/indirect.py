"""Calls through addresses: a kernel that calls others in this way is compiled once, whatever they are compiled for."""
from __future__ import annotations

from typing import Any

from numba import typeof, types
from numba.extending import intrinsic


@intrinsic
def call(typingctx: Any, address: Any, arguments: Any) -> Any:
    """Call the compiled kernel at an address with a tuple of arguments; it returns nothing. Its own arguments must be
    of the same kinds in memory as these: opaque types, such as names of laws, may differ."""
    kinds = tuple(arguments.types)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        function = context.call_conv.get_function_type(types.none, kinds)
        pointer = builder.inttoptr(args[0], function.as_pointer())
        values = [builder.extract_value(args[1], k) for k in range(len(kinds))]
        context.call_conv.call_function(builder, pointer, types.none, kinds, values)
        return context.get_dummy_value()
    return types.none(types.intp, arguments), codegen


def address_of(kernel: Any, *arguments: Any) -> int:
    """Address of a kernel as it is compiled for arguments of these types. Valid as long as the process runs."""
    signature = tuple(typeof(argument) for argument in arguments)
    kernel.compile(signature)
    found = kernel.overloads[signature]
    pointer: int = found.library.get_pointer_to_function(found.fndesc.llvm_func_name)
    return pointer
