"""`ohmlearn modes`: the softest modes of a network file."""
from __future__ import annotations

from pathlib import Path

import typer

from .solve import CONDUCTANCES, NETWORK, read_conductances

HOLD = typer.Option(None, "--hold", metavar="NODE", help="Hold a node at 0; say it once per node. None: it floats.")
OUTPUT = typer.Option(None, "--output", "-o", help="Write eigenvalues, modes and residuals to this .npz.")


def add_to(app: typer.Typer) -> None:
    app.command()(modes)


def modes(
    network: Path = NETWORK,
    k: int = typer.Option(6, "-k", help="How many."),
    hold: list[int] = HOLD,
    conductances: Path = CONDUCTANCES,
    method: str = typer.Option("auto", help="auto, dense, shift-invert or lobpcg."),
    output: Path = OUTPUT,
) -> None:
    """The softest modes of the Laplacian: eigenvalues, and how well they were found."""
    import numpy as np
    from ohmlearn.io.files import read_circuit
    from ohmlearn.solvers.equilibrium.modes import soft_modes

    net, stored = read_circuit(network)
    found = soft_modes(net, read_conductances(net, conductances, stored), k, hold or [], method)
    typer.echo(f"# {net!r}, {found.method} ({found.reason}): {found.iterations} "
               f"{'steps' if found.method == 'lobpcg' else 'blocks of solves'}, {found.seconds:.3g} s", err=True)
    typer.echo(f"{'mode':>4} {'eigenvalue':>22} {'residual':>10}")
    for i, (value, residual) in enumerate(zip(found.eigenvalues, found.residuals, strict=True), start=1):
        typer.echo(f"{i:>4} {value:>22.15g} {residual:>10.1e}")
    if output is not None:
        np.savez(output, eigenvalues=found.eigenvalues, modes=found.modes, residuals=found.residuals)
