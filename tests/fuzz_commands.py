"""Odd calls of every command: each ends with one of the exit codes and in words, never with a traceback.

    python tests/fuzz_commands.py [CALLS A COMMAND] [SEED]

A sound call is made odd: options get values that are none, files are missing, empty, binary or of another kind, paths
cannot be written. Sound options stay as they are, so that whatever runs is small.
"""
from __future__ import annotations

import contextlib
import io
import random
import signal
import sys
import time
import warnings
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ohmlearn as ol
import typer
from ohmlearn.drivers import cli
from sweeps import TOML, small

ODD = ["", "nan", "-1", "inf", "1e999", "x", "0x10", "1,2", "--", "ü", "9" * 400, "=", "a=b", "a=", "{", "[1", "'", "0",
       "1e-320", "none", "True", "../..", "/dev/null", "2.5"]
CODES = {0, 1, 2, 3, 75}
SLOWEST = 60.0


def files(folder: Path) -> dict[str, str]:
    """Sound and odd files, by name."""
    net = ol.Network.grid(3, 3)
    net.write(folder / "net.csv")
    ol.Task({0: 1.0, 8: 0.0}, {4: 0.4}).write(folder / "task.toml")
    (folder / "sweep.toml").write_text(TOML)
    small(tasks__allosteric__count=1).run(folder / "store", threads=1, progress=False)
    (folder / "deck.cir").write_text("* t\nV1 1 0 1\nR1 1 2 1\nR2 2 0 1\n.end\n")
    head = "ncols 2\nnrows 2\nxllcorner 0\nyllcorner 0\ncellsize 1\nNODATA_value -9999\n"
    (folder / "grid.asc").write_text(head + "1 2\n3 4\n")
    (folder / "focal.asc").write_text(head + "1 0\n0 2\n")
    (folder / "empty").touch()
    (folder / "binary").write_bytes(bytes(range(256)) * 4)
    (folder / "text").write_text("some words\n")
    (folder / "closed").write_text("")
    return {name: str(folder / name) for name in ("net.csv", "task.toml", "sweep.toml", "store", "deck.cir", "grid.asc",
                                                  "focal.asc", "empty", "binary", "text", "missing")} | {
        "below a file": str(folder / "text" / "below"), "folder": str(folder)}


def sound(name: str, at: dict[str, str]) -> list[str]:
    """A small sound call of a command."""
    net, out = at["net.csv"], str(Path(at["folder"]) / "out")
    return {
        "train": [net, "--task", at["task.toml"], "--rate", "1", "--t-max", "1"],
        "solve": [net, "--hold", "0=1", "--hold", "8=0"],
        "sweep": [at["sweep.toml"], "--output", at["store"], "--no-progress"], "info": [net], "status": [at["store"]],
        "check": [at["store"], "--dry-run"], "merge": [at["store"], at["missing"]], "modes": [net, "--hold", "0"],
        "hessian": [net, "--task", at["task.toml"]], "show": [net, "--output", f"{out}.html"],
        "report": [at["store"], "--output", f"{out}.html"], "lab": ["--steps", "2"],
        "current-map": [at["grid.asc"], at["focal.asc"]], "figure": ["fig9"],
        "resistances": [net, "--output", out], "benchmark": ["xor", "--epochs", "2"],
        "store-network": [net, "--output", f"{out}.zarr"],
    }[name]


def made_odd(rng: random.Random, command: Any, call: list[str], at: dict[str, str]) -> list[str]:
    """The call with one or two oddities."""
    call = list(call)
    options = [option for parameter in command.params for option in parameter.opts if option.startswith("--")
               and option not in ("--help", "--open", "--install-completion", "--show-completion")]
    for _ in range(rng.choice([1, 1, 2])):
        way = rng.random()
        value = rng.choice([*ODD, *at.values()])
        if way < 0.45 and options:
            call += [rng.choice(options), value]
        elif way < 0.8 and call:
            call[rng.randrange(len(call))] = value
        elif call and way < 0.9:
            del call[rng.randrange(len(call))]
        else:
            call.insert(rng.randrange(len(call) + 1), value)
    return call


class TooLong(BaseException):
    """A call that does not end."""


def too_long(number: int, frame: Any) -> None:
    raise TooLong


def wrong(arguments: list[str]) -> str:
    """What is wrong with how a call ends, nothing where all is well."""
    out, err = io.StringIO(), io.StringIO()
    begin = time.perf_counter()
    code: object = 0
    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(int(SLOWEST))
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            cli.main(arguments)
    except SystemExit as ended:
        code = ended.code or 0
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    finally:
        signal.alarm(0)
    said = err.getvalue()
    if code not in CODES:
        return f"exit code {code}"
    if "Traceback" in said:
        return said
    if code and not said.strip() and not out.getvalue().strip():
        return f"exit code {code} without a word"
    own = [line for line in said.splitlines() if line.startswith("ohmlearn: ")]
    if code == 1 and any("OHMLEARN_TRACEBACK" in line for line in own) and "NotConverged" not in said:
        return f"a fault: {said}"
    return f"took {time.perf_counter() - begin:.0f} s" if time.perf_counter() - begin > SLOWEST else ""


def fuzz(count: int, seed: int = 0) -> Counter[str]:
    """How many calls of each command ended well; raises AssertionError with the first that did not."""
    rng, done = random.Random(seed), Counter[str]()
    cli.add_commands()
    commands = typer.main.get_command(cli.app).commands
    with TemporaryDirectory() as name, contextlib.chdir(name):
        (Path(name) / "files").mkdir()
        at = files(Path(name) / "files")
        for command in sorted(set(commands) - {"warm"}):        # any odd call of it may compile for minutes
            for _ in range(count):
                arguments = [command, *made_odd(rng, commands[command], sound(command, at), at)]
                found = wrong(arguments)
                assert not found, f"ohmlearn {arguments}: {found}"
                done[command] += 1
    return done


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    begin = time.perf_counter()
    for kind, number in sorted(fuzz(*(given or [100])).items()):
        print(f"{number:>6}  {kind}")
    print(f"{time.perf_counter() - begin:.0f} s")
