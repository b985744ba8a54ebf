"""`ohmlearn report`: a sweep's store as one HTML page."""
from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .arguments import output

STORE = Annotated[Path, typer.Argument(help="Folder of the sweep's results.")]


def add_to(app: typer.Typer) -> None:
    app.command()(report)


def report(store: STORE,
           output: Annotated[Path | None, output("Page to write; by default STORE-report.html in this folder.")] = None,
           view: Annotated[bool, typer.Option("--open", help="Open the page in the browser too.")] = False) -> None:
    """Write one self-contained HTML page of a sweep: training times, traces, failures, timing, provenance."""
    from ohmlearn.drivers.jobs.sweep_report import write_summary

    path = write_summary(store, output or Path(f"{store.resolve().name}-report.html"))
    typer.echo(f"wrote {path}")
    if view:
        import webbrowser

        webbrowser.open(path.absolute().as_uri())
