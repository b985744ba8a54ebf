"""How kernels are compiled: `kernel` and `inline`, kept in a folder keyed by the kernel sources.

OHMLEARN_CACHE names another place for it, and OHMLEARN_CACHE=off compiles anew in every process.
"""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba import types
from numba.extending import intrinsic

from .compile_cache import FOLDER, KERNELS, KernelCache
from .interrupts import keep_interrupts

keep_interrupts()


def _compile(function: Callable[..., Any], **options: Any) -> Any:
    dispatcher = numba.njit(function, nogil=True, error_model="numpy", **options)
    if FOLDER is not None and Path(function.__code__.co_filename).is_relative_to(KERNELS):      # others: compiled anew
        dispatcher._cache = KernelCache(function)       # what njit(cache=True) does with Numba's own
    return dispatcher


def kernel(function: Callable[..., Any]) -> Any:
    """Compile without the interpreter lock, cached in the folder above."""
    return _compile(function)


def inner(function: Callable[..., Any]) -> Any:
    """The same for kernels that only kernels call: what Python would need to call them takes long to compile."""
    return _compile(function, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def inline(function: Callable[..., Any]) -> Any:
    """A part of a kernel that LLVM always inlines, so that constant arguments select its code."""
    return numba.njit(function, nogil=True, forceinline=True, error_model="numpy")


def _without_owner(context, builder, kind, value):
    """The LLVM value of arrays, or tuples of them, with no reference to who owns their memory."""
    if isinstance(kind, types.Array):
        array = context.make_array(kind)(context, builder, value)
        array.meminfo = array.meminfo.type(None)
        array.parent = array.parent.type(None)
        return array._getvalue()
    if isinstance(kind, types.BaseTuple):
        for i, item in enumerate(kind.types):
            part = _without_owner(context, builder, item, builder.extract_value(value, i))
            value = builder.insert_value(value, part, i)
    return value


@intrinsic
def borrowed(typingctx, value):
    """The same arrays (or tuple of arrays), without counting references to them: a tuple of some fifty arrays that is
    handed from function to function otherwise costs more than a step. The caller of the kernel keeps them alive."""
    return value(value), lambda context, builder, sig, args: _without_owner(context, builder, sig.args[0], args[0])
