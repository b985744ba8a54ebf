"""`ohmlearn status`, `ohmlearn check` and `ohmlearn merge`: the store of a sweep, looked at, repaired and joined."""
from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

STORE = Annotated[Path, typer.Argument(help="Folder of the sweep's results.")]


def add_to(app: typer.Typer) -> None:
    app.command()(status)
    app.command()(check)
    app.command()(merge)


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
