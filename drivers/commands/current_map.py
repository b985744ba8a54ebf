"""`ohmlearn current-map`: current maps and resistances between focal places of a raster."""
from __future__ import annotations

from pathlib import Path

import typer

from .arguments import a_file

RASTER = typer.Argument(exists=True, dir_okay=False, help="Resistances of the cells, an ASCII grid or a GeoTIFF.")
FOCAL = typer.Argument(exists=True, dir_okay=False, help="Focal places, a raster of integers: equal ones are one.")
REGIONS = typer.Option(None, "--regions", exists=True, dir_okay=False,
                       help="A raster of integers: cells of equal positive ones are joined without resistance.")
OUTPUT = typer.Option(None, "--output", "-o", callback=a_file,
                      help="Write the cumulative current map here, by its ending .asc or .tif.")


def add_to(app: typer.Typer) -> None:
    app.command("current-map")(current_map)


def current_map(
    raster: Path = RASTER,
    focal: Path = FOCAL,
    neighbours: int = typer.Option(8, help="4, or 8 with the diagonals."),
    conductances: bool = typer.Option(False, "--conductances", help="The raster holds conductances."),
    average: str = typer.Option("resistance", help="An edge has the mean of its cells' resistance or conductance."),
    regions: Path | None = REGIONS,
    method: str = typer.Option("auto", help="auto, or the solver to use."),
    output: Path | None = OUTPUT,
) -> None:
    """Resistances between all focal places, and the current that passes through every cell."""
    import numpy as np
    from ohmlearn.io.raster import read_raster, write_raster
    from ohmlearn.solvers.raster.current_map import current_map as solve

    grid = read_raster(raster)
    joined = None if regions is None else read_raster(regions).values
    found = solve(grid, read_raster(focal).values, neighbours,  # type: ignore[arg-type]
                  quantity="conductance" if conductances else "resistance", average=average,  # type: ignore[arg-type]
                  regions=joined, method=method)
    typer.echo(f"# {int(np.isfinite(found.currents).sum())} cells, {found.labels.size} focal places", err=True)
    typer.echo(" ".join(["place", *map(str, found.labels)]))
    for label, row in zip(found.labels, found.resistances, strict=True):
        typer.echo(" ".join([str(label), *(f"{value:.10g}" for value in row)]))
    if output is not None:
        write_raster(found.raster, output)
