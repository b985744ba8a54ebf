"""Where compiled code is kept, and a word where it cannot be."""
from __future__ import annotations

import functools
import os
import warnings

REMEDY = "set OHMLEARN_CACHE to a folder that can be written, or to off to have no such warning"


def place() -> str:
    """The folder of compiled code, or why there is none."""
    from ohmlearn.kernels.compiled import cache_folder

    folder = cache_folder()
    if folder is not None:
        return str(folder)
    return "not kept, as asked" if wanted_off() else f"not kept, its folder cannot be written; {REMEDY}"


def wanted_off() -> bool:
    """Whether the user turned the cache off."""
    return os.environ.get("OHMLEARN_CACHE", "").lower() == "off"


@functools.cache
def warn_if_lost() -> None:
    """Say, once in a process, that compiled code is not kept although nobody asked for that."""
    from ohmlearn.kernels.compiled import cache_folder

    if cache_folder() is None and not wanted_off():
        warnings.warn("the folder of compiled code cannot be written, so every start compiles for a minute; " + REMEDY,
                      RuntimeWarning, stacklevel=4)
