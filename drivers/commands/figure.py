"""`ohmlearn figure`: the figures of the papers, with their data and a table beside the published values."""
from __future__ import annotations

from pathlib import Path

import typer

from . import _landscape

OUT = typer.Option(Path("results"), "--out", "-o", file_okay=False, help="Folder for picture, table, data and store.")
NETWORK = typer.Option(None, "--network", exists=True, dir_okay=False,
                       help="Network file, as Network.read takes it; by default the project's own packing.")


def add_to(app: typer.Typer) -> None:
    figures = typer.Typer(no_args_is_help=True, help="Draw figures of the papers beside the published numbers.")
    figures.command()(fig1)
    figures.command()(fig2)
    _landscape.add_figures(figures)
    app.add_typer(figures, name="figure")


def fig1(
    out: Path = OUT,
    quick: bool = typer.Option(False, "--quick", help="24 tasks."),
    full: bool = typer.Option(False, "--full", help="200 tasks."),
    tasks: int | None = typer.Option(None, help="Number of tasks; 48 by default."),
    threads: int | None = typer.Option(None, help="By default all cores that the process may use."),
) -> None:
    """Fig. 1b-f of paper 1, the lab circuit: traces, error floor and training time against R."""
    from dataclasses import replace

    from ohmlearn.drivers.figures import fig1 as figure

    if quick and full:
        raise ValueError("--quick and --full exclude each other")
    size = figure.QUICK if quick else figure.FULL if full else figure.USUAL
    written = figure.make(size if tasks is None else replace(size, tasks=tasks), out, threads)
    typer.echo("\n" + (out / "fig1.txt").read_text())
    for path in written:
        typer.echo(f"wrote {path}")


def fig2(
    out: Path = OUT,
    quick: bool = typer.Option(False, "--quick", help="A few tasks and rates, in seconds."),
    full: bool = typer.Option(False, "--full", help="The published sweep: R = 1e-3 to 1e12, 50 tasks."),
    rates: str | None = typer.Option(None, metavar="FROM:TO:PER_DECADE", help="Rates of panels c and d; or 0.1,1,10."),
    tasks: int | None = typer.Option(None, help="Number of tasks of panels c and d."),
    network: Path | None = NETWORK,
    threads: int | None = typer.Option(None, help="By default all cores that the process may use."),
) -> None:
    """Fig. 2 of paper 1: cost against training steps and time, final cost and training time against R."""
    from dataclasses import replace

    from ohmlearn.drivers.figures import fig2 as figure

    if quick and full:
        raise ValueError("--quick and --full exclude each other")
    size = figure.QUICK if quick else figure.FULL if full else figure.USUAL
    size = replace(size, rates=figure.parse_rates(rates) if rates else size.rates,
                   tasks=size.tasks if tasks is None else tasks)
    net = {"packing": {"n_nodes": 64, "seed": 1}} if network is None else {"file": str(network.resolve())}
    written = figure.make(net, size, out, threads)
    if written:
        typer.echo("\n" + (out / "fig2.txt").read_text())
    for path in written:
        typer.echo(f"wrote {path}")
