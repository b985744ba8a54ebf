"""`ohmlearn modes`: the softest modes of a network file."""
from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .arguments import (
    CONDUCTANCE,
    CONDUCTANCES,
    NETWORK,
    NODES,
    RESISTANCE,
    TASK,
    circuit_of,
    conductance_source,
    output,
    task_of,
)


def add_to(app: typer.Typer) -> None:
    app.command()(modes)


def modes(
    network: NETWORK,
    k: Annotated[int, typer.Option("-k", help="Number of modes.")] = 6,
    hold: Annotated[list[str] | None, typer.Option("--hold", metavar="NODE", help="Hold a node at 0 V; repeat the "
                                                   "option for more. Without any, the network floats.")] = None,
    task: TASK = None,
    conductances: CONDUCTANCES = None,
    conductance: CONDUCTANCE = None,
    resistance: RESISTANCE = None,
    nodes: NODES = "auto",
    method: Annotated[str, typer.Option(help="auto, dense, shift-invert or lobpcg.")] = "auto",
    output: Annotated[Path | None, output("File (.npz) for eigenvalues, modes and residuals.")] = None,
) -> None:
    """List the softest modes of the Laplacian, and how well they were found.

    With a task, the nodes that it holds are held.
    """
    from ohmlearn.io.replacing import replacing
    from ohmlearn.solvers.equilibrium.modes import soft_modes
    from ohmlearn.task import as_tasks

    net, g = circuit_of(network, conductances, conductance=conductance, resistance=resistance, nodes=nodes)
    held = [net.node(name) for name in hold or []]
    held += [] if task is None else as_tasks(task_of(task, net))[0].sources.tolist()
    found = soft_modes(net, g, k, held, method)
    typer.echo(f"# conductances: {conductance_source(net, conductances)}\n"
               f"# {net!r}, {found.method} ({found.reason}): {found.iterations} "
               f"{'steps' if found.method == 'lobpcg' else 'blocks of solves'}, {found.seconds:.3g} s", err=True)
    typer.echo(f"{'mode':>4} {'eigenvalue':>22} {'residual':>10}")
    for i, (value, residual) in enumerate(zip(found.eigenvalues, found.residuals, strict=True), start=1):
        typer.echo(f"{i:>4} {value:>22.15g} {residual:>10.1e}")
    if output is not None:
        import numpy as np

        with replacing(output, "wb") as file:
            np.savez(file, eigenvalues=found.eigenvalues, modes=found.modes, residuals=found.residuals)
