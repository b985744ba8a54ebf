"""How kernels are compiled: `kernel` and `inline`, cached in a folder keyed by the kernel sources.

Numba's own cache looks at the file of the function only, so an edit in a callee's file would go unseen;
here the folder's name carries a digest of all kernel sources. OHMLEARN_CACHE names another place for it,
and OHMLEARN_CACHE=off compiles anew in every process.
"""
from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import platformdirs
from numba import types
from numba.extending import intrinsic


def _digest() -> str:
    here = Path(__file__).parents[1]
    sources = sorted(here.rglob("*.py"))
    text = b"".join(path.relative_to(here).as_posix().encode() + path.read_bytes() for path in sources)
    return hashlib.sha256(text + numba.__version__.encode()).hexdigest()[:16]


def cache_folder() -> Path | None:
    """Where compiled kernels are kept, or None when the cache is off or no folder can be written."""
    wanted = os.environ.get("OHMLEARN_CACHE", "")
    if wanted.lower() == "off":
        return None
    folder = Path(wanted or platformdirs.user_cache_dir("ohmlearn")) / _digest()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


_CACHE = cache_folder()


def _compile(function: Callable[..., Any], **options: Any) -> Any:
    before = numba.config.CACHE_DIR
    try:
        if _CACHE is not None:
            numba.config.CACHE_DIR = str(_CACHE)
        return numba.njit(function, nogil=True, cache=_CACHE is not None, error_model="numpy", **options)
    finally:
        numba.config.CACHE_DIR = before


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
