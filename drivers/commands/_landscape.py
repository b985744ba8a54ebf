"""`ohmlearn figure landscape1 | landscape2 | landscapeS1`: the figures of paper 2."""
from __future__ import annotations

from pathlib import Path

import typer

OUT = typer.Option(Path("results"), "--out", "-o", file_okay=False, help="Folder for picture, table and data.")
QUICK = typer.Option(False, "--quick", help="Fewer networks, in seconds.")
THREADS = typer.Option(None, help="By default all cores that the process may use.")


def add_figures(figures: typer.Typer) -> None:
    """Add the figures of paper 2 to the command `figure`."""
    figures.command()(landscape1)
    figures.command()(landscape2)
    figures.command("landscapeS1")(landscape_s1)
    figures.command("landscape-responses")(landscape_responses)


def report(written: list[Path]) -> None:
    """Print the verdicts of a figure, and what was written."""
    typer.echo("\n" + next(path for path in written if path.suffix == ".txt").read_text())
    for path in written:
        typer.echo(f"wrote {path}")


def landscape1(out: Path = OUT, quick: bool = QUICK, threads: int | None = THREADS) -> None:
    """Fig. 1 of paper 2: voltages, conductances, stiff cost mode and soft mode of a network that learned a drop."""
    from ohmlearn.drivers.figures import landscape1 as figure

    report(figure.make(figure.QUICK if quick else figure.FULL, out, threads))


def landscape2(out: Path = OUT, quick: bool = QUICK, threads: int | None = THREADS) -> None:
    """Fig. 2 of paper 2: the cost Hessian and its satisfied part while the cost falls, in 300 networks."""
    from ohmlearn.drivers.figures import landscape2 as figure

    report(figure.make(figure.QUICK if quick else figure.FULL, out, threads))


def landscape_s1(out: Path = OUT, quick: bool = QUICK, threads: int | None = THREADS) -> None:
    """Fig. S1 of paper 2: the stiff eigenvalue of the cost against the soft one of the power, in 1000 networks."""
    from ohmlearn.drivers.figures import landscape_s1 as figure

    report(figure.make(figure.QUICK if quick else figure.FULL, out, threads))


def landscape_responses(out: Path = OUT, quick: bool = QUICK, threads: int | None = THREADS) -> None:
    """Soft mode, sectors and crack of trained networks from noisy responses alone, with no knowledge of the task."""
    from ohmlearn.drivers.figures import landscape_responses as figure

    report(figure.make(figure.QUICK if quick else figure.FULL, out, threads))
