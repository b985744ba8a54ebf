"""`ohmlearn show`: a network as an interactive page."""
from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .arguments import (
    CONDUCTANCE,
    CONDUCTANCES,
    MEMBER,
    NODES,
    RESISTANCE,
    SOURCE,
    TASK,
    circuit_and_task,
    output,
)


def add_to(app: typer.Typer) -> None:
    app.command()(show)


def show(
    network: SOURCE,
    task: TASK = None,
    member: MEMBER = None,
    conductances: CONDUCTANCES = None,
    conductance: CONDUCTANCE = None,
    resistance: RESISTANCE = None,
    nodes: NODES = "auto",
    output: Annotated[Path | None, output("Page to write; by default NAME.html in this folder.")] = None,
    view: Annotated[bool, typer.Option("--open", help="Open the page in the browser too.")] = False,
) -> None:
    """Write one self-contained HTML page of a network: zoom, hover, voltages, conductances, soft and stiff mode."""
    from ohmlearn.drivers.display.network_page import write_page

    found, g, tasks, title = circuit_and_task(network, task, member, conductances, conductance=conductance,
                                              resistance=resistance, nodes=nodes)
    name = Path(network).name if Path(network).is_dir() else title
    path = write_page(output or Path(f"{name}.html"), found, g, tasks or None, title)
    typer.echo(f"wrote {path}")
    if view:
        import webbrowser

        webbrowser.open(path.absolute().as_uri())
