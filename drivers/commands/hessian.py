"""`ohmlearn hessian`: both Hessians of a network and a task."""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from ohmlearn.io.replacing import replacing, save_figure

from .arguments import (
    CONDUCTANCE,
    CONDUCTANCES,
    MEMBER,
    NODES,
    RESISTANCE,
    SOURCE,
    TASK,
    circuit_and_task,
    output,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ohmlearn.solvers.hessian.hessian import Hessian

def add_to(app: typer.Typer) -> None:
    app.command()(hessian)


def hessian(
    network: SOURCE,
    old_task: Annotated[Path | None, typer.Argument(hidden=True)] = None,
    task: TASK = None,
    member: MEMBER = None,
    conductances: CONDUCTANCES = None,
    conductance: CONDUCTANCE = None,
    resistance: RESISTANCE = None,
    nodes: NODES = "auto",
    train: Annotated[bool, typer.Option("--train", help="First train by gradient flow, from these "
                                                        "conductances.")] = False,
    modes: Annotated[int, typer.Option("--modes", "-k", help="Modes to list of either Hessian.")] = 5,
    output: Annotated[Path | None, output("Folder for the picture, the page and the modes; without it they are only "
                                          "listed.", file_okay=False)] = None,
) -> None:
    """List spectra, stiff and soft modes, their overlap, gap and crack, and how far the task is met."""
    from ohmlearn.solvers.hessian.hessian import hessian as hessian_at

    if old_task is not None:
        typer.echo("ohmlearn: the task is now given by --task FILE; the old form will be removed in the next version",
                   err=True)
    net, g, tasks, title = circuit_and_task(network, task or old_task, member, conductances,
                                            conductance=conductance, resistance=resistance, nodes=nodes)
    if not tasks:
        raise ValueError(f"{network} is a network without a task; give a task file by --task FILE")
    if train:
        from ohmlearn.drivers.descent.descend import descend

        descent = descend(net, tuple(tasks), conductances=g)
        typer.echo(f"trained       {descent!r}: {descent.reason}")
        g = descent.conductances
    h = hessian_at(net, tasks, g)
    for line in facts(h, modes):
        typer.echo(line)
    if output is not None:
        for path in written(h, modes, output, title):
            typer.echo(f"wrote {path}")


def facts(h: Hessian, k: int) -> Iterator[str]:
    """What there is to say of both Hessians, line by line."""
    from ohmlearn.solvers.hessian.soft_mode import soft_approximation

    errors = ", ".join(f"{c:.4g}" for c in h.errors[:8])
    yield f"network       {h.network!r}"
    yield f"cost          C = {h.cost:.6g} V², errors c = {errors}{' ...' if h.errors.size > 8 else ''} V"
    for task in h.tasks:
        for words in task.unreachable:
            yield f"unreachable   {words}"
    stiff = h.satisfied_modes(min(k, *h.gradient.shape))[0]
    yield f"satisfied     eigenvalues {', '.join(f'{x:.5g}' for x in stiff)}"
    if h.errors.any():
        count = min(k, h.shape[0])
        yield f"whole         largest eigenvalues {', '.join(f'{x:.5g}' for x in h.stiff_modes(count)[0])}"
        yield f"              largest by size {', '.join(f'{x:.5g}' for x in h.stiff_modes(count, 'LM')[0])}"
    yield f"alignment     {h.alignment:.6g} of the satisfied with the whole, ratio dynamic/satisfied {h.ratio:.4g}"
    try:
        account = soft_approximation(h.network, None, h.conductances, hessian_at=h)
    except ValueError as error:
        yield f"soft mode     none: {error}"
        return
    soft = account.soft
    yield f"soft mode     λ₁ = {soft.eigenvalues[0]:.6g}, λ₂/λ₁ = {soft.gap:.4g}"
    yield (f"              overlap of (Δv₁)² with the stiff mode {account.overlap:.6f}, "
           f"λ^L by Eq. 15 {account.eigenvalue:.5g}")
    yield (f"crack         {int(soft.crack.sum())} edges between sectors of {int(soft.sectors.sum())} and "
           f"{int((~soft.sectors).sum())} nodes, {soft.crack_conductance:.3g} × the conductance of the rest, with "
           f"{account.crack_fraction:.1%} of the stiff mode's squares")


def written(h: Hessian, k: int, folder: Path, title: str) -> list[Path]:
    """Picture, page and modes, written into a folder."""
    import numpy as np
    from matplotlib.figure import Figure
    from ohmlearn.drivers.display.network_page import layers_of, write_page

    folder.mkdir(parents=True, exist_ok=True)
    layers, _ = layers_of(h.network, h.conductances, h.tasks)
    figure = Figure(figsize=(11, 10), layout="constrained")
    for ax, layer in zip(figure.subplots(2, 2).flat, layers, strict=False):
        h.network.plot(ax, task=h.tasks[0], **{layer.on: layer.values, f"{layer.on[:-1]}_label": layer.unit})
        ax.set_title(layer.name)
    save_figure(figure, folder / "hessian.png", dpi=150)
    values, modes = h.stiff_modes(min(k, h.shape[0])) if h.errors.any() else h.satisfied_modes(k)
    arrays: dict[str, Any] = {"conductances": h.conductances, "gradient": h.gradient, "errors": h.errors,
                              "voltages": h.voltages, "stiff_values": values, "stiff_modes": modes}
    arrays |= {layer.name.replace(" ", "_"): layer.values for layer in layers if layer.name == "soft mode"}
    with replacing(folder / "hessian.npz", "wb") as file:
        np.savez(file, **arrays)
    page = write_page(folder / "hessian.html", h.network, h.conductances, h.tasks, title)
    return [folder / "hessian.png", folder / "hessian.npz", page]
