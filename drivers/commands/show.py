"""`ohmlearn show`: a network as an interactive page."""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from ohmlearn.network import Network
    from ohmlearn.task import Task

SOURCE = typer.Argument(exists=True, help="Network file, as Network.read takes it, or the store of a sweep.")
OUTPUT = typer.Option(None, "--output", "-o", help="Page to write; by default NAME.html here.")
TASK = typer.Option(None, "--task", exists=True, dir_okay=False, help="Task file (TOML): its voltages and stiff mode.")
MEMBER = typer.Option(None, "--member", metavar="TASK,RATE", help="Of a store: number of the task and R of the run.")
CONDUCTANCES = typer.Option(None, "--conductances", "-g", exists=True, dir_okay=False,
                            help="One number per edge, .npy or text; else those of the file, else 1.")


def add_to(app: typer.Typer) -> None:
    app.command()(show)


def show(
    source: Path = SOURCE,
    task: Path | None = TASK,
    member: str | None = MEMBER,
    conductances: Path | None = CONDUCTANCES,
    output: Path | None = OUTPUT,
    view: bool = typer.Option(False, "--open", help="Open it in the browser too."),
) -> None:
    """One self-contained HTML page of a network: zoom, hover, voltages, conductances, soft and stiff mode."""
    from ohmlearn.drivers.display.network_page import write_page

    network, g, tasks, title = circuit_of(source, task, member, conductances)
    path = write_page(output or Path(f"{source.stem}.html"), network, g, tasks or None, title)
    typer.echo(f"wrote {path}")
    if view:
        import webbrowser

        webbrowser.open(path.absolute().as_uri())


def circuit_of(source: Path, task: Path | None, member: str | None, conductances: Path | None
               ) -> tuple[Network, np.ndarray, Sequence[Task], str]:
    """Network, conductances (n_edges,), samples of the task (none if none was given) and a title."""
    from ohmlearn import Network
    from ohmlearn.io.task_toml import read_tasks

    from .network_file import read_conductances

    if source.is_dir():
        if conductances is not None:
            raise ValueError("a store has its own conductances; leave --conductances out")
        return stored(source, None if task is None else read_tasks(task), member)
    if member is not None:
        raise ValueError(f"--member belongs to the store of a sweep; {source} is a network file")
    network = Network.read(source)
    return network, read_conductances(network, conductances), read_tasks(task) if task else [], source.stem


def stored(store: Path, task: Sequence[Task] | None, member: str | None
           ) -> tuple[Network, np.ndarray, Sequence[Task], str]:
    """A run of a sweep: the one at task number and rate TASK,RATE, the first one by default."""
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
            raise ValueError(f"task {k} at R={wanted:g} is still to do; `ohmlearn sweep` goes on from there")
        g = run["conductances"].values
    return sweep.network, g, task or as_tasks(sweep.tasks[k]), f"{store.name}: task {k} at R = {sweep.rates[near]:g}"
