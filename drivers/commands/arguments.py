"""What commands share: network, task, conductances and output, given in the same forms everywhere."""
from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from ohmlearn.drivers.jobs.exit_codes import BAD_INPUT

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from ohmlearn.network import Network
    from ohmlearn.task import Task

FORMS = ("Network file or SPICE deck, as Network.read takes it, or a generator and its parameters, as in "
         "packing:n_nodes=64,seed=1")
NETWORK = Annotated[str, typer.Argument(metavar="NETWORK", help=f"{FORMS}.")]
SOURCE = Annotated[str, typer.Argument(metavar="NETWORK", help=f"{FORMS}, or the store of a sweep.")]
TASK = Annotated[Path | None, typer.Option("--task", exists=True, dir_okay=False, help="Task file (TOML).")]
MEMBER = Annotated[str | None, typer.Option("--member", metavar="TASK,RATE",
                                            help="Of a store: number of the task, and R of the run.")]
CONDUCTANCES = Annotated[Path | None, typer.Option(
    "--conductances", "-g", exists=True, dir_okay=False,
    help="One number per edge, .npy or text; by default those in the network file, else 1.")]
CONDUCTANCE = Annotated[str | None, typer.Option("--conductance", metavar="COLUMN", help="Column or attribute of the "
                                                 "network file that holds conductances; \"\" for none.")]
RESISTANCE = Annotated[str | None, typer.Option("--resistance", metavar="COLUMN", help="Column or attribute that holds "
                                                "resistances.")]
NODES = Annotated[str, typer.Option("--nodes", help="How the network file names nodes: auto; \"from 1\": numbered "
                                                    "from 1; names: numbers are names too.")]
EDGES = Annotated[str, typer.Option("--edges", metavar="LAW:NAME=VALUE,...", help="Law of the edges, as in "
                                    "NMOS:law=square,gain=0.5; by default linear resistors.")]
THREADS = Annotated[int | None, typer.Option(help="Number of threads; by default all cores that the process may use.")]


def output(what: str, **options: Any) -> Any:
    """The option `--output`, `-o`, which every command that writes has; tried before the work starts."""
    tried = a_folder if options.get("file_okay") is False else a_file
    return typer.Option("--output", "-o", help=what, callback=tried, **options)


def a_file(path: Path | None) -> Path | None:
    """A file that is to be written, tried now. Raises OSError."""
    from ohmlearn.io.replacing import must_take

    if path is not None:
        must_take(path)
    return path


def a_picture(path: Path | None) -> Path | None:
    """The same for a picture, by an ending that matplotlib writes. Raises ValueError and OSError."""
    known = ".png", ".pdf", ".svg", ".jpg", ".jpeg", ".eps", ".ps", ".tif", ".tiff", ".webp"
    if path is not None and path.suffix.lower() not in known:
        raise ValueError(f"{path}: a picture ends in .png, .pdf or .svg")
    return a_file(path)


def a_folder(path: Path | None) -> Path | None:
    """A folder that is to be made or filled, tried now. Raises OSError."""
    import os

    if path is not None:
        place = next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())
        if not place.is_dir():
            raise NotADirectoryError(20, "it is not a folder; choose another place", str(place))
        if not os.access(place, os.W_OK):
            raise PermissionError(13, "it cannot be written; choose another folder", str(place))
    return path


def inline_table(text: str, what: str) -> dict[str, Any]:
    """{name: value} of "name=value,name=value", values as in TOML; words need no quotes. `what` names it in errors."""
    quoted = re.sub(r'=\s*(?!(?:true|false|inf|nan)\s*(?:[,}\]]|$))([A-Za-z][\w.-]*)', r'="\1"', text)
    try:
        table: dict[str, Any] = tomllib.loads(f"table = {{ {quoted} }}")["table"]
    except tomllib.TOMLDecodeError:
        raise ValueError(f"{what} {text!r} cannot be read: write name=value,name=value") from None
    return table


def network_table(text: str) -> dict[str, Any]:
    """What was given for a network, as the table [network] of a sweep file."""
    from ohmlearn import generators

    name, colon, given = text.partition(":")
    if name in generators.__all__:
        return {name: inline_table(given, f"network {name}:")}
    if colon and not Path(text).exists():
        raise ValueError(f"{text!r} is neither a file nor a generator; generators are {', '.join(generators.__all__)}, "
                         "as in packing:n_nodes=64,seed=1")
    return {"file": str(Path(text).resolve())}


def network_of(text: str) -> Network:
    """The network of a file, or of `generator:name=value,...` with the keys of a sweep file's [network]."""
    from ohmlearn.drivers.sweeps.sweep import make_network
    from ohmlearn.drivers.sweeps.sweep_file import parse_network

    return make_network(parse_network(network_table(text)), Path())


def edges_of(text: str, network: Network) -> Any:
    """The law of --edges, None where nothing is said."""
    from ohmlearn.drivers.sweeps.edges_table import EdgesTable, make_edges
    from ohmlearn.drivers.sweeps.sweep_file import parse_table

    if not text:
        return None
    name, _, given = text.partition(":")
    return make_edges(parse_table(EdgesTable, {name: inline_table(given, "--edges")}, "--edges"), network)


def start_of(network: Network, conductances: np.ndarray, given: Path | None, laws: Any) -> np.ndarray | None:
    """The conductances, or None where the laws say what their edges begin with: where no file gives any."""
    said = given is not None or network.initial_conductances is not None
    return conductances if said or laws is None else None


def circuit_of(text: str, conductances: Path | None = None, **reading: str | None) -> tuple[Network, np.ndarray]:
    """The network, and its conductances (n_edges,): those of a file of their own, else of the network file, else 1.

    reading : conductance, resistance and nodes, which say how a network file is to be read.
    """
    from ohmlearn.network import Network

    table = network_table(text)
    given = {key: value for key, value in reading.items() if value not in (None, "auto")}
    if "file" not in table and given:
        raise ValueError(f"--{next(iter(given))} says how a network file is read, and {text} is a generator")
    if Path(text).is_dir():         # one process takes a network in a store as it takes one in a file
        from ohmlearn.stored.network_store import open_network

        network = open_network(text).network()
    else:
        network = Network.read(text, **given) if "file" in table else network_of(text)
    return network, read_conductances(network, conductances)


def task_of(path: Path, network: Network) -> Task | tuple[Task, ...]:
    """The task of a file for a network, a tuple of its samples where it has several."""
    from ohmlearn.io.task_toml import read_tasks

    samples = read_tasks(path, network)
    return samples[0] if len(samples) == 1 else tuple(samples)


def circuit_and_task(source: str, task: Path | None, member: str | None, conductances: Path | None,
                     **reading: str | None) -> tuple[Network, np.ndarray, Sequence[Task], str]:
    """Network, conductances (n_edges,), samples of the task (none if none was given) and a title.

    From a network and a task, or from one run of the store of a sweep.
    """
    from ohmlearn.task import as_tasks

    if Path(source).is_dir():
        if conductances is not None:
            raise ValueError("a store has conductances of its own; leave --conductances out")
        return stored(Path(source), task, member)
    if member is not None:
        raise ValueError(f"--member belongs to the store of a sweep, and {source} is a network")
    network, g = circuit_of(source, conductances, **reading)
    samples = [] if task is None else as_tasks(task_of(task, network))
    return network, g, samples, re.sub(r"\W+", "-", source).strip("-") if ":" in source else Path(source).stem


def stored(store: Path, task: Path | None, member: str | None
           ) -> tuple[Network, np.ndarray, Sequence[Task], str]:
    """A run of a sweep: the one at task number and rate TASK,RATE, by default the first one."""
    import numpy as np
    from ohmlearn.drivers.store.open_results import open_results
    from ohmlearn.drivers.store.store import Store
    from ohmlearn.task import as_tasks

    sweep = Store.open(store).sweep
    number, _, rate = (member or f"0,{sweep.rates[0]}").partition(",")
    try:
        k, wanted = int(number), float(rate)
    except ValueError:
        raise ValueError(f"--member {member!r} is not TASK,RATE, as in --member 3,0.1") from None
    if not 0 <= k < len(sweep.tasks):
        raise ValueError(f"task {k} is not in the store, whose tasks run from 0 to {len(sweep.tasks) - 1}")
    near = int(np.argmin(np.abs(sweep.rates - wanted)))
    if abs(sweep.rates[near] - wanted) > 1e-6 * abs(wanted):
        raise ValueError(f"the store has no run at R={wanted:g}; the nearest is R={sweep.rates[near]:g}")
    with open_results(store) as data:
        run = data.isel(task=k, rate=near)
        if str(run["status"].values) == "to do":
            raise ValueError(f"task {k} at R={wanted:g} is not computed yet; repeat `ohmlearn sweep` to resume")
        g = run["conductances"].values
    samples = as_tasks(sweep.tasks[k] if task is None else task_of(task, sweep.network))
    return (sweep.network, g, samples,
            f"{store.name}: task {k} at R = {sweep.rates[near]:g}")


def read_conductances(network: Network, path: Path | None) -> np.ndarray:
    """(n_edges,) conductances from a .npy or text file; without one the network's initial ones, else 1."""
    import numpy as np
    from ohmlearn.checks.file_text import reading

    if path is None:
        return network.conductances()
    comma = "," if path.suffix == ".csv" else None
    with reading(path):
        values = np.load(path) if path.suffix == ".npy" else np.loadtxt(path, delimiter=comma)
        return network.conductances(np.ravel(values))


def conductance_source(network: Network, given: Path | None = None) -> str:
    """Where the conductances come from, in words, and what they span."""
    if given is not None:
        return f"from {given}"
    g = network.initial_conductances
    if g is None:
        return "none in the file, 1 used"
    if "resist" in network.conductance_source:
        return f"{network.conductance_source}, {span(1 / g.max(), 1 / g.min() if g.min() else float('inf'))} ohm"
    return f"{network.conductance_source}, {span(g.min(), g.max())} S"


def span(low: float, high: float) -> str:
    """A range in words."""
    return f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"


@contextmanager
def told_once() -> Iterator[None]:
    """In this context bad input, which all ranks meet alike, ends the other ranks without a word: rank 0 tells it."""
    from ohmlearn.drivers.distributed.ranks import ranks

    try:
        yield
    except (ValueError, TypeError, OSError):
        if ranks().rank > 0:
            raise typer.Exit(BAD_INPUT) from None
        raise
