"""`ohmlearn lab`: circuits of the lab kind, trained on random tasks."""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .arguments import FORMS, TASK, THREADS, network_of, output

if TYPE_CHECKING:
    from ohmlearn.lab.run import LabRuns


def add_to(app: typer.Typer) -> None:
    app.command()(lab)


def lab(
    network: Annotated[str | None, typer.Argument(metavar="NETWORK", help=f"{FORMS}; by default the board of 9 nodes "
                                                  "and 16 edges.")] = None,
    task: TASK = None,
    rate: Annotated[list[float] | None, typer.Option(help="R = R0 c γl, by default 1; repeat the option for "
                                                          "more.")] = None,
    capacitance: Annotated[float, typer.Option(help="c in F; with R it sets the seconds.")] = 22e-6,
    learning_rate: Annotated[float | None, typer.Option(help="γl in 1/s, in place of --rate.")] = None,
    tasks: Annotated[int, typer.Option(min=1, help="Number of random tasks, where no task file is given.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first random task and of its noise.")] = 0,
    steps: Annotated[int, typer.Option(help="Number of training steps.")] = 3000,
    targets: Annotated[int, typer.Option(help="Target nodes of a random task.")] = 2,
    capacitors: Annotated[str, typer.Option(help="edges, or nodes as in the paper's simulations.")] = "edges",
    comparators: Annotated[str, typer.Option(help="Form of the sign rule: eq5, earlier or eq6.")] = "eq5",
    pause: Annotated[str, typer.Option(help="When 1/γl passes: after the clamp, the turn, or both.")] = "clamp",
    unsigned: Annotated[bool, typer.Option("--unsigned", help="Eq. 3 in place of its sign.")] = False,
    continuous: Annotated[bool, typer.Option("--continuous", help="Resistances between the taps.")] = False,
    step: Annotated[float, typer.Option(help="Taps per training step.")] = 1.0,
    gain: Annotated[float, typer.Option(help="Of the unsigned rule, 1/(R0 V²).")] = 0.01,
    nudge: Annotated[float, typer.Option(help="η.")] = 0.5,
    noise: Annotated[float, typer.Option(help="Of the comparators, V.")] = 0.01,
    bias: Annotated[float, typer.Option(help="Spread of the comparators' offsets, V.")] = 0.0,
    delay: Annotated[int, typer.Option(help="Steps by which potentiometers lag behind their comparators.")] = 0,
    threads: THREADS = None,
    output: Annotated[Path | None, output("File (.npz) for numbers and traces.")] = None,
) -> None:
    """Train the twin networks of paper 1's lab circuit (Fig. 1) on tasks and print how it went."""
    import numpy as np
    import ohmlearn as ol
    from ohmlearn.lab.circuit import lab_network, lab_task

    if rate and learning_rate is not None:
        raise ValueError("--rate and --learning-rate exclude each other: R = R0 c γl")
    circuit = ol.lab.LabCircuit(
        capacitors=capacitors, comparators=comparators, signed=not unsigned,  # type: ignore[arg-type]
        discrete=not continuous, step=step, gain=gain, nudge=nudge, noise=noise, bias=bias,
        pause=pause, delay=delay)  # type: ignore[arg-type]
    board = lab_network() if network is None else network_of(network)
    drawn = [lab_task(board, seed + k, targets=targets) for k in range(tasks)] if task is None else [ol.Task.read(task)]
    tasks = len(drawn)
    rates = [circuit.reference * capacitance * learning_rate] if learning_rate is not None else rate or [1.0]
    runs = ol.lab.train(board, drawn * len(rates), np.repeat(rates, tasks), capacitance=capacitance, circuit=circuit,
                        steps=steps, seed=np.tile(seed + np.arange(tasks), len(rates)), traces=output is not None,
                        threads=threads)
    origin = f"{tasks} tasks from seed {seed}" if task is None else f"task {task.name}"
    typer.echo(f"{board!r}, {origin}, {circuit.capacitors} with {capacitance * 1e6:g} µF")
    typer.echo(f"{'R':>10} {'γl (1/s)':>9} {'reached':>8} {'median steps':>13} {'τ (1/γp)':>10} {'τ (s)':>9} "
               f"{'floor C/C(0)':>13} {'C*/C(0)':>9}")
    for k, value in enumerate(rates):
        typer.echo(line(runs[k * tasks:(k + 1) * tasks], value))
    if output:
        write_runs(runs, output)


def line(runs: LabRuns, rate: float) -> str:
    """The circuits at one R: medians over those that reached the threshold, mean floor, median C* at the end."""
    import numpy as np

    reached = np.isfinite(runs.steps)
    gamma = float(runs.learning_rate[0])
    steps, time = (float(np.median(x[reached])) if reached.any() else np.nan for x in (runs.steps, runs.training_time))
    seconds = time * rate / gamma
    return (f"{rate:>10.4g} {gamma:>9.3g} {f'{reached.sum()}/{len(runs)}':>8} {steps:>13g} {time:>10.4g} "
            f"{seconds:>9.4g} {runs.floor.mean():>13.2g} {np.median(runs.equilibrium_cost):>9.2g}")


def write_runs(runs: LabRuns, path: Path) -> None:
    """Numbers and traces of all circuits into a .npz file."""
    import numpy as np
    from ohmlearn.io.replacing import replacing

    arrays: dict[str, Any] = {name: getattr(runs, name) for name in (
        "rate", "capacitance", "learning_rate", "initial_cost", "steps", "training_time", "floor", "equilibrium_cost",
        "taps")}
    with replacing(path, "wb") as file:
        np.savez(file, **arrays, cost=np.array([run.cost for run in runs]))
