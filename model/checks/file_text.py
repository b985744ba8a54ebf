"""The one door for files: bytes to text with plain line ends, and every failure of a reader as a ValueError."""
from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

LONGEST = 800       # characters of a message
LARGEST = 2**30     # bytes of a file; the text of a network of 1e7 edges has a quarter of that
MARKS = [(codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
         (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")]
CONTROL = re.compile("[\x00-\x08\x0e-\x19\x1b-\x1f\x7f]")       # tabs, line ends and the end mark of DOS are text


def read_text(path: str | os.PathLike[str]) -> str:
    """Text of a file in UTF-8, UTF-16, UTF-32 or Windows-1252, without byte-order mark, lines ended by newlines.

    Raises OSError if it cannot be read, ValueError if it is no text or larger than LARGEST.
    """
    with open(path, "rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError(f"{path} has more than {LARGEST} bytes; networks of that size are made by a program, "
                         "give their edges to Network.from_edges")
    text = _decode(data)
    found = None if text is None else CONTROL.search(text)
    if text is None or found is not None:
        where = f" (line {found.string.count(chr(10), 0, found.start()) + 1} has a control character)" if found else ""
        raise ValueError(f"{path} is not a text file{where}; networks are read from text, unpack or convert it")
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\x1a")


def _decode(data: bytes) -> str | None:
    """The text, None where no encoding fits."""
    for mark, name in MARKS:
        if data.startswith(mark):
            return _try(data[len(mark):], name)
    start = data[:1000]
    if 0 in start:      # UTF-16 without a mark, as some circuit editors write it: every other byte is mostly 0
        names = [name for name, every in (("utf-16-le", start[1::2]), ("utf-16-be", start[::2]))
                 if every.count(0) > len(every) / 2]
        return _try(data, names[0]) if len(names) == 1 else None
    text = _try(data, "utf-8")
    return text if text is not None else _try(data, "cp1252")


def _try(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def read_arrays(data: bytes) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz archive, given as its bytes; every one is checked by its CRC-32.

    Raises ValueError, with a reason of one short line, where it is damaged, something else, or holds objects of Python.
    """
    try:
        with np.load(BytesIO(data), allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except Exception as error:      # whatever an archive that was changed leads to
        raise ValueError(brief(error)) from error


def brief(error: BaseException) -> str:
    """What an error says, on a short line of letters that can be shown."""
    said = " ".join("".join(letter if letter.isprintable() else " " for letter in str(error)).split())
    return said[:200] or type(error).__name__


class FileError(ValueError):
    """What is wrong with a file; the message names it."""


def short(text: object) -> str:
    """A text in quotes as messages show it, not longer than a line."""
    said = repr(text)
    return said if len(said) <= 120 else f"{said[:110]}...{said[-1]}"


@contextmanager
def reading(path: str | os.PathLike[str]) -> Iterator[None]:
    """Whatever goes wrong while a file is understood becomes a ValueError that names the file."""
    try:
        yield
    except (OSError, FileError):
        raise
    except (ValueError, TypeError, OverflowError) as error:
        said = str(error)
        if str(path) in said and len(said) <= LONGEST:
            raise
        said = said if len(said) <= LONGEST else f"{said[:LONGEST]}..."
        raise ValueError(said if str(path) in said else f"{path}: {said}") from error
    except RecursionError:
        raise ValueError(f"{path} is nested too deeply to be a network; flatten it") from None
    except Exception as error:
        raise ValueError(f"{path} is not understood ({type(error).__name__}: {str(error)[:200]}); write it as .csv or "
                         ".graphml") from error
