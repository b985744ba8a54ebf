"""`ohmlearn report`: a sweep's store as one HTML page."""
from __future__ import annotations

from pathlib import Path

import typer

STORE = typer.Argument(help="Folder of the sweep's results.")
OUTPUT = typer.Option(None, "--output", "-o", help="Page to write; by default STORE-report.html here.")


def add_to(app: typer.Typer) -> None:
    app.command()(report)


def report(store: Path = STORE, output: Path | None = OUTPUT,
           view: bool = typer.Option(False, "--open", help="Open it in the browser too.")) -> None:
    """One self-contained HTML page of a sweep: training times, traces, failures, timing, provenance."""
    from ohmlearn.drivers.jobs.sweep_report import write_summary

    path = write_summary(store, output or Path(f"{store.resolve().name}-report.html"))
    typer.echo(f"wrote {path}")
    if view:
        import webbrowser

        webbrowser.open(path.absolute().as_uri())
