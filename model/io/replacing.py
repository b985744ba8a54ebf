"""Writing a file whole or not at all: beside its place, then renamed. The one way in which files are written safely."""
from __future__ import annotations

import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any


@contextmanager
def replacing(path: str | os.PathLike[str], mode: str = "w", *, durable: bool = True) -> Iterator[IO[Any]]:
    """A new file that takes the place of `path` when the block ends, or goes away on an error.

    mode : "w" for text in UTF-8, "wb" for bytes.
    durable : wait until the file and its name are on the disk, so that they outlive a loss of power.

    Raises OSError that names `path` and says what to do where it cannot be written.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with replacing(Path(folder, "note.txt")) as file:
    ...         _ = file.write("whole")
    ...     Path(folder, "note.txt").read_text()
    'whole'
    """
    path = Path(path)
    text: dict[str, Any] = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
    temporary = path.with_name(f"{path.name[:200]}.tmp{uuid.uuid4().hex[:12]}")
    try:
        with explained(path):
            if is_stream(path):
                with open(path, mode, **text) as file:
                    yield file
                return
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)    # no other's file, and no link
            with open(handle, mode, **text) as file:
                yield file
                file.flush()
                if durable:
                    os.fsync(file.fileno())
            os.replace(temporary, path)     # a link of this name goes; what it points to stays as it is
            if durable:
                sync(path.parent)
    finally:
        with suppress(OSError):
            temporary.unlink()


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Have an OSError name the file that was meant, and say what to do."""
    try:
        yield
    except OSError as error:
        raise type(error)(error.errno, f"cannot write it ({error.strerror}); choose a folder that exists, "
                          "is writable and has room", str(path)) from error


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """A text as a file, whole or not at all."""
    with replacing(path, durable=False) as file:
        file.write(text)


def write_table(path: str | os.PathLike[str], values: Any, *given: Any, **options: Any) -> None:
    """An array as lines of text, whole or not at all; the arguments are those of numpy.savetxt."""
    import numpy as np

    with replacing(path, durable=False) as file:
        np.savetxt(file, values, *given, **options)


def save_figure(figure: Any, path: str | os.PathLike[str], **options: Any) -> None:
    """A figure of matplotlib as a file, whole or not at all; the name's ending says in which form."""
    kind = Path(path).suffix.lstrip(".").lower() or "png"
    known = figure.canvas.get_supported_filetypes()
    if kind not in known:
        raise ValueError(f"{path}: a picture cannot be written as .{kind}; endings are {', '.join(sorted(known))}")
    with replacing(path, "wb", durable=False) as file:
        figure.savefig(file, format=kind, **options)


def is_stream(path: Path) -> bool:
    """Whether a path is a pipe or device, /dev/stdout say, which is written and not replaced."""
    try:
        kind = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(kind) or stat.S_ISCHR(kind)


def must_take(path: str | os.PathLike[str]) -> None:
    """Raise OSError now where a file could not be written when the work is done."""
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(21, "it is a folder; name a file", str(path))
    if is_stream(path):
        return
    with explained(path):
        temporary = path.with_name(f"{path.name[:200]}.tmp{uuid.uuid4().hex[:12]}")
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        temporary.unlink()


def sync(path: str | os.PathLike[str]) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
