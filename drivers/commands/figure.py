"""`ohmlearn figure`: the figures of the papers, with their data and a table beside the published values."""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from ohmlearn.parallel.signals import ended_by_signals
from typer.core import TyperGroup

from .arguments import FORMS, a_folder, network_table

if TYPE_CHECKING:
    from ohmlearn.drivers.figures.catalogue import Entry

EVERY = "all"
AGAIN = "repeat the command: sweeps resume, and figures are made anew"
SAYS = "Fewer tasks and rates, in seconds.", "As many as published."


def add_to(app: typer.Typer) -> None:
    app.add_typer(typer.Typer(cls=Figures, no_args_is_help=True,
                              help="Draw figures of the papers beside the published numbers."), name="figure")


class Figures(TyperGroup):
    """One command per figure of the catalogue, which is loaded only when a figure is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        from ohmlearn.drivers.figures.catalogue import entries

        return [*entries(), EVERY]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        from ohmlearn.drivers.figures.catalogue import entries

        entry = entries().get(cmd_name)
        if entry is None and cmd_name != EVERY:
            return None
        app = typer.Typer(add_completion=False)
        if entry is None:
            app.command(EVERY)(every_figure)
        else:
            panels = "; ".join(f"{letter}: {words}" for letter, words in entry.panels.items())
            app.command(entry.name, help=f"{entry.title}.\n\n{panels}.")(command(entry))
        return typer.main.get_command(app)


def options(entry: Entry | None) -> dict[str, Any]:
    """What a figure's command takes; what it cannot be told is not shown."""

    def adjusting(name: str, help: str, metavar: str) -> Any:
        return typer.Option(None, f"--{name}", metavar=metavar, help=help,
                            hidden=entry is None or name not in entry.adjust)

    return {
        "output": typer.Option(Path("results"), "--output", "-o", file_okay=False, callback=a_folder,
                               help="Folder for pictures, tables, data and stores."),
        "network": typer.Option(None, "--network", hidden=entry is not None and not entry.takes_network,
                                help=f"{FORMS}; by default the project's own packing."),
        "tasks": adjusting("tasks", "Number of tasks.", "INTEGER"),
        "rates": adjusting("rates", "Rates R of the ensemble; or a list 0.1,1,10.", "FROM:TO:PER_DECADE"),
        "threads": typer.Option(None, help="Number of threads; by default all cores that the process may use."),
    }


def settings_of(network: str | None, threads: int | None) -> Any:
    from ohmlearn.drivers.figures.catalogue import PACKING, Settings

    return Settings(PACKING if network is None else network_table(network), threads)


def command(entry: Entry) -> Callable[..., None]:
    """The command that makes one figure."""
    known = options(entry)

    def make(
        output: Path = known["output"],
        quick: bool = typer.Option(False, "--quick", help=SAYS[0]),
        full: bool = typer.Option(False, "--full", help=SAYS[1]),
        tasks: str | None = known["tasks"],
        rates: str | None = known["rates"],
        network: str | None = known["network"],
        threads: int | None = known["threads"],
    ) -> None:
        if network is not None and not entry.takes_network:
            raise ValueError(f"figure {entry.name} has a network of its own; leave --network out")
        size = entry.size(quick, full, tasks=tasks, rates=rates)
        with ended_by_signals(AGAIN):
            written = entry.produce(size, output, settings_of(network, threads))
        for path in written:
            if path.suffix == ".txt":
                typer.echo("\n" + path.read_text())
        for path in written:
            typer.echo(f"wrote {path}")

    return make


_EVERY = options(None)


def every_figure(
    output: Path = _EVERY["output"],
    quick: bool = typer.Option(False, "--quick", help="Every figure at its quick size, in under three minutes."),
    full: bool = typer.Option(False, "--full", help="Every figure as large as published, in under twenty."),
    network: str | None = _EVERY["network"],
    threads: int | None = _EVERY["threads"],
) -> None:
    """Every figure, and one report to check them against the papers panel by panel: report.html."""
    from ohmlearn.drivers.figures.report import make_all

    if quick and full:
        raise ValueError("--quick and --full exclude each other")
    with ended_by_signals(AGAIN):
        path, failed = make_all(output, "quick" if quick else "full" if full else "usual",
                                settings_of(network, threads), typer.echo)
    typer.echo(f"wrote {path}")
    if failed:
        raise typer.Exit(1)
