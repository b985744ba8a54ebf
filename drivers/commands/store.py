"""`ohmlearn status` and `ohmlearn check`: report on the store of a sweep, also while jobs write it."""
from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

STORE = Annotated[Path, typer.Argument(help="Folder of the sweep's results.")]


def add_to(app: typer.Typer) -> None:
    app.command()(status)
    app.command()(check)


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
    from ohmlearn.drivers.commands.exit_codes import BROKEN
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
