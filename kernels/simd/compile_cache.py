"""Where compiled kernels are kept: a folder that is nobody else's, named by a digest of all kernel sources.

Numba's own cache looks at the file of the function only, so an edit in a callee's file would go unseen. What it keeps
are pickles, which run as code when they are read: a folder that another user owns or can write is refused. A folder
that cannot be written is read all the same; a file that is damaged, or a full disk, means compiling without it.
"""
from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import stat
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from threading import get_ident
from typing import Any

import numba
import platformdirs
from numba.core.caching import CompileResultCacheImpl, FunctionCache

KERNELS = Path(__file__).parents[1]
PATIENCE = 120.0        # seconds to wait for a process that compiles the same
PAUSE = 0.02            # seconds between two looks at whether it has ended


@cache
def digest() -> str:
    """Of the sources of all kernels and Numba's version.

    It is noted in the folder where compiled kernels are kept, so that a rank of a job does not read some 80 files: the
    note holds as long as no source's inode, size or times have changed.
    """
    paths = sorted(Path(folder, name) for folder, _, names in os.walk(KERNELS) for name in names
                   if name.endswith(".py"))
    seen = [(str(path), path.stat()) for path in paths]
    state = [(path, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns) for path, found in seen]
    key = _short(f"{numba.__version__} {state}".encode())
    base = base_folder(os.environ.get("OHMLEARN_CACHE", ""))[0]
    note = base / "sources" if base is not None and base.is_dir() and distrust(base) is None else None
    with contextlib.suppress(OSError):
        if note and (noted := re.fullmatch(f"{key} ([0-9a-f]{{16}})\n", note.read_text(errors="replace"))) is not None:
            return noted[1]
    text = b"".join(path.relative_to(KERNELS).as_posix().encode() + path.read_bytes() for path in paths)
    made = _short(text + numba.__version__.encode())
    with contextlib.suppress(OSError):
        if note:
            note.touch(mode=0o600)
            note.write_text(f"{key} {made}\n")
    return made


def _short(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:16]


def cache_folder() -> Path | None:
    """Where compiled kernels are kept, or None when they are not."""
    return chosen(os.environ.get("OHMLEARN_CACHE", ""))[0]


def refusal() -> str:
    """Why compiled kernels are not kept, "" when they are."""
    return chosen(os.environ.get("OHMLEARN_CACHE", ""))[1]


def chosen(wanted: str) -> tuple[Path | None, str]:
    """The folder, made when it is not there, or the reason why there is none. wanted : what OHMLEARN_CACHE says."""
    base, trouble = base_folder(wanted)
    if base is None:
        return None, trouble
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
        if (doubt := distrust(place)) is not None:
            return None, doubt
    return folder, ""


def base_folder(wanted: str) -> tuple[Path | None, str]:
    """The folder above it, whatever the kernels, or the reason why there is none."""
    if wanted.lower() == "off":
        return None, "OHMLEARN_CACHE is off"
    try:
        base = Path(wanted or platformdirs.user_cache_dir("ohmlearn"))
    except RuntimeError:        # of an unknown user without HOME
        base = Path("~")
    return (base, "") if wanted or base.is_absolute() else (None, "this user has no home folder")


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
    """Numba's cache of one function, in which nothing that fails is worse than compiling.

    What is not there is compiled by one process, while others that need the same wait for it: from a miss until
    `let_go`, this process has a hold on a byte of one file that stands for the function and its types.
    """

    _impl_class = KernelCacheImpl

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._held: dict[int, int] = {}         # by thread, the open file

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        found = self._load(sig, target_context)
        if found is None and self._wait(sig, target_context):
            found = self._load(sig, target_context)
        return found

    def _load(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception:       # whatever a pickle that was cut short leads to
            return None

    def _wait(self, sig: Any, target_context: Any) -> bool:
        """Take hold, and say whether another process had it, which has kept what it compiled by now. A file system
        without locks, or one that is only read, means that all compile; so does one that holds on for too long."""
        self.let_go()
        key = repr((self._impl.filename_base, self._index_key(sig, target_context.codegen())))
        byte, waited = int(_short(key.encode())[:7], 16), False
        file, end = Path(self._cache_path).parent / "compiling", time.monotonic() + PATIENCE
        with contextlib.suppress(OSError):
            held = self._held[get_ident()] = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            while time.monotonic() < end:
                try:
                    fcntl.lockf(held, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
                    break
                except (BlockingIOError, PermissionError):      # held by another
                    waited = True
                    time.sleep(PAUSE)
        return waited

    def let_go(self) -> None:
        """Give the hold of this thread back, whether it was compiled and kept or not."""
        if (held := self._held.pop(get_ident(), None)) is not None:
            os.close(held)

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
