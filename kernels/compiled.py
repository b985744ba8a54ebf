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


def _digest() -> str:
    sources = sorted(Path(__file__).parent.glob("*.py"))
    text = b"".join(path.name.encode() + path.read_bytes() for path in sources)
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


def kernel(function: Callable[..., Any]) -> Any:
    """Compile without the interpreter lock, cached in the folder above."""
    before = numba.config.CACHE_DIR
    try:
        if _CACHE is not None:
            numba.config.CACHE_DIR = str(_CACHE)
        return numba.njit(function, nogil=True, cache=_CACHE is not None, error_model="numpy")
    finally:
        numba.config.CACHE_DIR = before


def inline(function: Callable[..., Any]) -> Any:
    """A part of a kernel that LLVM always inlines, so that constant arguments select its code."""
    return numba.njit(function, nogil=True, forceinline=True, error_model="numpy")
