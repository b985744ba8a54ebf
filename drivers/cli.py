"""The command line, `ohmlearn COMMAND ...`. Every module of `ohmlearn.drivers.commands` adds its own commands."""
from __future__ import annotations

import atexit
import functools
import gc
import os
import sys
from importlib import import_module
from pkgutil import iter_modules

import typer
from ohmlearn.drivers.jobs.exit_codes import BAD_INPUT, BROKEN
from ohmlearn.parallel.communicator import RankError
from ohmlearn.parallel.launch import this_rank

from . import commands

app = typer.Typer(
    name="ohmlearn", no_args_is_help=True, pretty_exceptions_enable=False,
    help="Resistor networks that learn: coupled learning at any rate, compiled and in parallel.",
    epilog="Exit codes: 0 success, 1 another error, 2 bad input, 3 members of a sweep failed, 75 stopped early (repeat "
           "the command to resume).",
)


HINT = "OHMLEARN_TRACEBACK=1 in the environment shows where it happened"
KNOWN = (ValueError, TypeError, OSError, RankError)     # whose text says enough


def print_version(asked: bool) -> None:
    """Print the version and end the process, when asked for."""
    if asked:
        from ohmlearn import __version__

        typer.echo(__version__)
        raise typer.Exit()


@app.callback()
def everywhere(version: bool = typer.Option(False, "--version", callback=print_version, is_eager=True,
                                            help="Print the version and end.")) -> None:
    """Options before the command."""


@functools.cache
def add_module(name: str) -> None:
    """Let a module of the sub-package add its commands, once."""
    found = import_module(f"{commands.__name__}.{name}")
    if hasattr(found, "add_to"):
        found.add_to(app)


def add_commands(asked: str = "") -> None:
    """Let the modules of the sub-package add their commands; the one that is asked for alone, where it has its name:
    on a cluster a thousand ranks start at once, and every file that is opened counts."""
    names = sorted(m.name for m in iter_modules(commands.__path__) if not m.name.startswith("_"))
    alone = asked.replace("-", "_")
    for name in [alone] if alone in names else names:
        add_module(name)


# command -> option of version 0.1 -> what takes its place: an option, one with the start of its value, or the value
RENAMED: dict[str, dict[str, tuple[str, ...]]] = {
    "train": {"--save": ("--output",), "--quiet": ("--no-progress",), "--step": ("--updates", "step=")},
    "sweep": {"--store": ("--output",), "--quiet": ("--no-progress",), "--checkpoint": ("--checkpoint-every",)},
    "figure": {"--out": ("--output",)},
    "lab": {"--save": ("--output",), "--network": ()},
}


def with_new_names(arguments: list[str]) -> list[str]:
    """The arguments with options of the version before under the names that they have now, each with a warning."""
    renamed = RENAMED.get(arguments[0], {}) if arguments else {}
    found: list[str] = []
    start = ""
    for argument in arguments:
        option, equals, value = argument.partition("=")
        if option not in renamed:
            found.append(start + argument)
            start = ""
            continue
        new = renamed[option]
        print(f"ohmlearn: {option} is now {new[0] if new else 'an argument without a name'}; the old option will be "
              "removed in the next version", file=sys.stderr)
        found += new[:1]
        start = new[1] if len(new) > 1 else ""
        if equals:
            found.append(start + value)
            start = ""
    return found


def explain(error: BaseException) -> str:
    """One line that says what is wrong."""
    text = " ".join(str(error).split())
    if not isinstance(error, KNOWN) or not text:
        text = f"{type(error).__name__}{': ' if text else ''}{text}"
    if isinstance(error, OSError) and error.filename is not None:
        text = f"{error.filename}: {error.strerror}"
    return f"ohmlearn: {text}"


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and end the process: bad input is one line and exit code 2, not a traceback.

    OHMLEARN_TRACEBACK=1 in the environment shows the traceback all the same.
    """
    atexit.register(gc.freeze)  # else the interpreter's end walks through all that was loaded: 0.4 s after a sweep
    given = with_new_names(sys.argv[1:] if arguments is None else arguments)
    add_commands(given[0] if given else "")
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")    # looking for some opens a file of every package
    try:
        app(given)
    except (ValueError, TypeError, OSError) as error:
        if os.environ.get("OHMLEARN_TRACEBACK"):
            raise
        print(explain(error), file=sys.stderr)
        sys.exit(BAD_INPUT)
    except RankError as error:  # every rank has it; one tells
        if this_rank() == 0:
            traced = bool(os.environ.get("OHMLEARN_TRACEBACK"))
            if traced and error.plain:
                raise
            told = explain(error) if error.plain else f"ohmlearn: {error if traced else f'{error.brief}; {HINT}'}"
            print(told, file=sys.stderr)
            sys.exit(BAD_INPUT if error.plain else BROKEN)
    except Exception as error:      # a solve that did not converge, memory, or a fault of ours
        if os.environ.get("OHMLEARN_TRACEBACK"):
            raise
        print(f"{explain(error)}; {HINT}", file=sys.stderr)
        sys.exit(BROKEN)
