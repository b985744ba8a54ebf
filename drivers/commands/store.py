"""`ohmlearn status`, `check` and `merge`: the store of a sweep, looked at, repaired and joined; and
`ohmlearn store-network`: the store of a network too large for one process."""
from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .arguments import FORMS, a_folder, inline_table, told_once

STORE = Annotated[Path, typer.Argument(help="Folder of the sweep's results.")]


def add_to(app: typer.Typer) -> None:
    app.command()(status)
    app.command()(check)
    app.command()(merge)
    app.command()(store_network)


def status(store: STORE) -> None:
    """Print how far a sweep is, and who works on it."""
    from ohmlearn.drivers.store.status import overview

    for line in overview(store):
        typer.echo(line)


def check(
    store: STORE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only report; change nothing.")] = False,
) -> None:
    """Verify every member of a store and remove what is damaged; repeat the sweep's command to compute it again.

    Exit code 1 when damage is left.
    """
    from ohmlearn.drivers.jobs.exit_codes import BROKEN
    from ohmlearn.drivers.store.repair import check

    found = check(store, repair=not dry_run)
    for line in found.lines:
        typer.echo(line)
    if not found.lines:
        typer.echo(f"{store}: sound, {found.members} members")
    elif found.repaired:
        typer.echo(f"{store}: repaired, {found.members} members kept; run the sweep's command to compute the rest")
    else:
        typer.echo(f"{store}: {found.members} members are sound; without --dry-run the rest is taken out")
        raise typer.Exit(BROKEN)


def merge(
    into: Annotated[Path, typer.Argument(help="Folder of the store that grows.")],
    others: Annotated[list[Path], typer.Argument(help="Folders of other stores of the same sweep, which stay as they "
                                                      "are.")],
) -> None:
    """Put the members of other stores of the same sweep into one."""
    from ohmlearn.drivers.store.merge import merge

    new = merge(into, *others)
    typer.echo(f"{into}: {new} members are new; `ohmlearn status {into}` tells how far it is")


def store_network(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="grid:shape=[4000,4000], delaunay:n_nodes=1000000,"
                                          "seed=1, a raster of resistances (.npy, .asc, .tif), a MatrixMarket file, "
                                          f"or {FORMS[0].lower()}{FORMS[1:]}.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to be made, NAME.zarr.", callback=a_folder)],
    neighbours: Annotated[int, typer.Option(help="Of a cell of a raster: 4 or 8.")] = 8,
    quantity: Annotated[str, typer.Option(help="What a raster or matrix holds: resistance or conductance; by default "
                                               "resistances in a raster, conductances in a matrix.")] = "",
    block: Annotated[int, typer.Option(help="Nodes of a block.")] = 1 << 17,
) -> None:
    """Write a network into a store that many ranks share; see train --distributed.

    Under mpiexec every rank writes its blocks, and none holds all of a grid, a Delaunay network, a raster in .npy or a
    MatrixMarket file. The Delaunay network is made by strips and keeps all edges, other than that of the generator.
    """
    from ohmlearn.drivers.distributed.ranks import ranks
    from ohmlearn.drivers.distributed.write_store import store_from

    with told_once():
        name, colon, given = source.partition(":")
        generator = bool(colon) and name in ("grid", "delaunay")
        options = inline_table(given, f"network {name}:") if generator else {}
        stored = store_from(output, name if generator else source, options, neighbours=neighbours, quantity=quantity,
                            block=block)
        if ranks().rank == 0:
            typer.echo(f"{stored!r} in {output}")
