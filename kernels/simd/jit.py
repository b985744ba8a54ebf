"""How kernels are compiled: `kernel` and `inline`, kept in a folder keyed by the kernel sources.

OHMLEARN_CACHE names another place for it, and OHMLEARN_CACHE=off compiles anew in every process.
"""
from __future__ import annotations

import gc
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba import types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.extending import intrinsic, overload

from .compile_cache import FOLDER, KERNELS, KernelCache
from .interrupts import keep_interrupts

keep_interrupts()


class Part(JITCodeLibrary):
    """What is compiled of a kernel that another one calls: it is linked into that one and optimised there, once, and
    never runs by itself. Numba would optimise it, and make machine code of it, at every level of calls."""

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        self._ensure_finalized()
        return 0

    @property
    def codegen(self) -> Part:
        return self

    def set_env(self, name: str, environment: Any) -> None:
        """Say where Python objects are that the code needs: kernels have none."""


class PartCompiler(Compiler):
    """Numba's compiler, with the library above."""

    def __init__(self, typing: Any, target: Any, library: Any, *rest: Any) -> None:
        super().__init__(typing, target, Part(target.codegen(), "part"), *rest)


def _without_collecting(dispatcher: Any) -> Callable[..., Any]:
    """The compiler of a function, during which Python's search for cycles of dead objects stands still: it finds hardly
    any, and takes a seventh of the time. At its end other processes may go on that wait for the same."""
    compile = dispatcher.compile

    def called(signature: Any) -> Any:
        collects = gc.isenabled()
        gc.disable()
        try:
            return compile(signature)
        finally:
            if isinstance(dispatcher._cache, KernelCache):
                dispatcher._cache.let_go()
            if collects:
                gc.enable()
    return called


def _compile(function: Callable[..., Any], counts: bool = True, **options: Any) -> Any:
    """A function that Python calls as a kernel of its own, and that other kernels call as a part of theirs, which
    `counts` references to arrays or does not."""
    dispatcher = numba.njit(function, nogil=True, error_model="numpy", no_cfunc_wrapper=True)
    if FOLDER is not None and Path(function.__code__.co_filename).is_relative_to(KERNELS):      # others: compiled anew
        dispatcher._cache = KernelCache(function)       # what njit(cache=True) does with Numba's own

    dispatcher.compile = _without_collecting(dispatcher)

    @cache
    def part() -> Any:
        return numba.njit(function, pipeline_class=PartCompiler, nogil=True, error_model="numpy",
                          no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=counts, **options)

    dispatcher.get_call_template = lambda args, kws: part().get_call_template(args, kws)
    dispatcher.get_overload = lambda args: part().get_overload(args)
    return dispatcher


def kernel(function: Callable[..., Any]) -> Any:
    """Compile without the interpreter lock, cached in the folder above."""
    return _compile(function)


def inner(function: Callable[..., Any]) -> Any:
    """The same for kernels that kernels call and that make no arrays: without counting references to arrays, which
    takes long to compile."""
    return _compile(function, counts=False)


def inline(function: Callable[..., Any]) -> Any:
    """A part of a kernel that LLVM always inlines, so that constant arguments select its code."""
    return _compile(function, forceinline=True)


def chosen(symbol: Callable[..., Any]) -> Any:
    """Choose by the types of its arguments what a function does that kernels call: an `overload` whose choices are
    compiled as parts, always inlined, without counting references."""
    return overload(symbol, strict=False, jit_options={
        "pipeline_class": PartCompiler, "nogil": True, "error_model": "numpy", "no_cpython_wrapper": True,
        "no_cfunc_wrapper": True, "_nrt": False, "forceinline": True})


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
