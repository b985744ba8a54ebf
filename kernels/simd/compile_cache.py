"""Where compiled kernels are kept: a folder that is nobody else's, named by a digest of all kernel sources.

Numba's own cache looks at the file of the function only, so an edit in a callee's file would go unseen. What it keeps
are pickles, which run as code when they are read: a folder that another user owns or can write is refused. A folder
that cannot be written is read all the same; a file that is damaged, or a full disk, means compiling without it.
"""
from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
import platformdirs
from numba.core.caching import CompileResultCacheImpl, FunctionCache

KERNELS = Path(__file__).parents[1]


@cache
def digest() -> str:
    """Of the sources of all kernels and Numba's version."""
    sources = sorted(KERNELS.rglob("*.py"))
    text = b"".join(path.relative_to(KERNELS).as_posix().encode() + path.read_bytes() for path in sources)
    return hashlib.sha256(text + numba.__version__.encode()).hexdigest()[:16]


def cache_folder() -> Path | None:
    """Where compiled kernels are kept, or None when they are not."""
    return chosen(os.environ.get("OHMLEARN_CACHE", ""))[0]


def refusal() -> str:
    """Why compiled kernels are not kept, "" when they are."""
    return chosen(os.environ.get("OHMLEARN_CACHE", ""))[1]


def chosen(wanted: str) -> tuple[Path | None, str]:
    """The folder, made when it is not there, or the reason why there is none. wanted : what OHMLEARN_CACHE says."""
    if wanted.lower() == "off":
        return None, "OHMLEARN_CACHE is off"
    try:
        base = Path(wanted or platformdirs.user_cache_dir("ohmlearn"))
    except RuntimeError:        # of an unknown user without HOME
        base = Path("~")
    if not wanted and not base.is_absolute():
        return None, "this user has no home folder"
    folder = base / digest()
    try:
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not wanted and base.stat().st_uid == os.getuid() and base.stat().st_mode & 0o022:
            base.chmod(0o700)       # made by an earlier version in a group's umask
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        if not folder.is_dir():
            return None, f"{error.filename} cannot be made ({error.strerror})"
    for place in (folder, base):
        if (trouble := distrust(place)) is not None:
            return None, trouble
    return folder, ""


def distrust(place: Path) -> str | None:
    """Why files in a folder may be another user's, None when they are not."""
    found = place.stat()
    if found.st_uid not in (os.getuid(), 0):
        return f"{place} belongs to another user, whose code would run"
    if found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX:
        return f"{place} can be written by others, whose code would run (chmod go-w)"
    return None


class Place:
    """Where Numba finds what is compiled of one function: by its place among the kernels, wherever these are installed,
    so that a copy of an environment on a node finds what the first one compiled."""

    def __init__(self, folder: Path, function: Callable[..., Any], file: str) -> None:
        self._py_file, self._line = file, function.__code__.co_firstlineno
        self._folder = folder / ".".join(Path(file).relative_to(KERNELS).with_suffix("").parts)

    @classmethod
    def from_function(cls, function: Callable[..., Any], file: str) -> Place | None:
        """The place of a function, None when nothing is kept. Numba calls it."""
        folder = FOLDER
        inside = Path(file).is_relative_to(KERNELS)
        return cls(folder, function, file) if folder is not None and inside else None

    def get_cache_path(self) -> str:
        return str(self._folder)

    def get_source_stamp(self) -> str:
        return digest()

    def get_disambiguator(self) -> str:
        return str(self._line)

    def ensure_cache_path(self) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        tempfile.TemporaryFile(dir=self._folder).close()


class KernelCacheImpl(CompileResultCacheImpl):
    _locator_classes = [Place]      # noqa: RUF012  (Numba's name)


class KernelCache(FunctionCache):
    """Numba's cache of one function, in which nothing that fails is worse than compiling."""

    _impl_class = KernelCacheImpl

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception:       # whatever a pickle that was cut short leads to
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except OSError:         # a full disk, or a folder that is only read
            self.disable()
        except Exception:       # an index that was cut short
            self._start_anew(sig, data)

    def _start_anew(self, sig: Any, data: Any) -> None:
        try:
            self.flush()
            super().save_overload(sig, data)
        except Exception:
            self.disable()


FOLDER = cache_folder()
