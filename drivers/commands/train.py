"""`ohmlearn train`: train one network on one task at one rate or several."""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from ohmlearn.io.replacing import save_figure

from .arguments import (
    CONDUCTANCE,
    CONDUCTANCES,
    EDGES,
    FORMS,
    NODES,
    RESISTANCE,
    TASK,
    THREADS,
    a_picture,
    circuit_of,
    conductance_source,
    edges_of,
    inline_table,
    output,
    start_of,
    task_of,
    told_once,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ohmlearn import Network, Rule, Run, Task
    from ohmlearn.run import Runs


def add_to(app: typer.Typer) -> None:
    app.command()(train)


def fields(what: str, example: str) -> Any:
    """An option that takes the fields of a table of the sweep file."""
    return typer.Option(metavar="NAME=VALUE,...", help=f"{what}, as in {example}.")


def train(
    network: Annotated[str, typer.Argument(metavar="NETWORK", help=f"{FORMS}.")] = "packing:n_nodes=64,seed=1",
    task: TASK = None,
    rate: Annotated[list[float] | None, typer.Option(help="R = γl/γp, by default 1; repeat the option for "
                                                          "more.")] = None,
    sources: Annotated[int, typer.Option(help="Source nodes of the random task, ground apart.")] = 10,
    targets: Annotated[int, typer.Option(help="Target nodes of the random task.")] = 3,
    seed: Annotated[int, typer.Option(help="Seed of the random task.")] = 0,
    feasible: Annotated[bool, typer.Option("--feasible", help="Draw a random task whose targets are within the bounds "
                                                              "of the source voltages.")] = False,
    until: Annotated[str, typer.Option(metavar="NUMBER|none", help="Threshold on C*/C*(0); none trains until "
                                                                   "--t-max.")] = "1e-6",
    t_max: Annotated[float | None, typer.Option(help="Time limit in 1/γp; by default 3000/R, above R = 1 "
                                                     "3000/√R.")] = None,
    dt: Annotated[str, typer.Option(metavar="NUMBER|auto", help="Time step in 1/γp.")] = "auto",
    tolerance: Annotated[float, typer.Option(help="Relative error of the training time that steps may make.")] = 1e-3,
    method: Annotated[str, typer.Option(help="auto, rk4 or slow.")] = "auto",
    precision: Annotated[str, typer.Option(help="double or single.")] = "double",
    solver: Annotated[str, typer.Option(help="How a network of more than 4000 nodes is solved: auto, "
                                             "approximate-cholesky, amg, ...")] = "auto",
    go_on: Annotated[bool, typer.Option("--go-on", help="Do not stop at the threshold.")] = False,
    conductances: CONDUCTANCES = None,
    conductance: CONDUCTANCE = None,
    resistance: RESISTANCE = None,
    nodes: NODES = "auto",
    edges: EDGES = "",
    rule: Annotated[str, fields("Learning rule", "prefactor=0.5,ceiling=10")] = "",
    nudge: Annotated[float | None, typer.Option(help="η of the rule, by default 1e-3.")] = None,
    floor_mode: Annotated[str | None, typer.Option(help="floor_mode of the rule: relax (default) or clip.")] = None,
    schedule: Annotated[str, fields("Samples in turn and a rate that changes", "switching=0.1")] = "",
    updates: Annotated[str, fields("Update conductances in discrete steps", "step=1 (at rate 0 the map of "
                                                                            "Fig. 2a)")] = "",
    record: Annotated[str, fields("Times at which costs are recorded", "per_decade=20")] = "",
    threads: THREADS = None,
    output: Annotated[Path | None, output("File (.npz) for the runs; ohmlearn.load reads it.")] = None,
    plot: Annotated[Path | None, typer.Option(callback=a_picture, help="Draw the costs into this file (.png, "
                                                                        ".pdf, .svg).")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="Keep the state of the run in this .npz; repeat the command "
                                                         "to resume.")] = None,
    progress: Annotated[bool, typer.Option(help="Show how far the run is.")] = True,
    distributed: Annotated[bool, typer.Option("--distributed", help="NETWORK is a store of `ohmlearn store-network`, "
                                              "which all ranks of mpiexec train together; --output is a store "
                                              "too.")] = False,
) -> None:
    """Train a network on a task and print how the runs ended.

    The task is that of a file, or a random allosteric one as in paper 1. Learning starts from the conductances in the
    network file, or from 1 where it has none.
    """
    import ohmlearn as ol
    from ohmlearn.drivers.display.compile_cache import hush
    from ohmlearn.parallel.signals import STOPPED

    if distributed:
        others = {"--conductances": conductances, "--conductance": conductance, "--resistance": resistance,
                  "--edges": edges, "--schedule": schedule, "--updates": updates, "--plot": plot}
        over_ranks(Path(network), task, rate or [1.0], others, output, checkpoint, sources, targets, seed, feasible,
                   record, rule, {"nudge": nudge, "floor_mode": floor_mode}, progress,
                   until=None if until == "none" else number_or_word(until, "--until", "none"), t_max=t_max,
                   dt=number_or_word(dt, "--dt", "auto"), tolerance=tolerance, method=method, precision=precision,
                   solver=solver, go_on=go_on, threads=threads)
        return
    net, start = circuit_of(network, conductances, conductance=conductance, resistance=resistance, nodes=nodes)
    learned = task_of(task, net) if task else ol.Task.allosteric(net, sources, targets, seed, feasible=feasible)
    rates, laws = rate or [1.0], edges_of(edges, net)
    given = tables(schedule=schedule, updates=updates, record=record or ("per_decade=20" if output or plot else ""))
    if progress:
        announce(net, rates)
    else:
        hush()
    try:
        runs = ol.train(net, [learned] * len(rates), rates, t_max=t_max,      # type: ignore[call-overload, misc]
                        until=None if until == "none" else number_or_word(until, "--until", "none"),
                        dt=number_or_word(dt, "--dt", "auto"), tolerance=tolerance,
                        method=method, precision=precision, go_on=go_on,
                        conductances=start_of(net, start, conductances, laws),
                        rule=rule_of(net, rule, nudge=nudge, floor_mode=floor_mode), threads=threads,
                        checkpoint=checkpoint, progress=progress, solver=solver, edges=laws, **given)
    except KeyboardInterrupt:
        raise typer.Exit(STOPPED if checkpoint else 130) from None
    typer.echo(f"{net!r}, {words(learned, task, seed)}")
    if conductances is not None or net.initial_conductances is not None:
        typer.echo(f"conductances at the start: {conductance_source(net, conductances)}")
    print_table(runs)
    if output:
        write_runs(runs, output)
    if plot:
        save_figure(runs.plot().figure, plot, bbox_inches="tight")


def print_table(runs: Iterable[Run]) -> None:
    """How runs ended, a line for each."""
    typer.echo(f"{'R':>10} {'τ (1/γp)':>12} {'training steps':>14} {'C*/C*(0)':>10} {'steps':>9}  how it ended")
    for run in runs:
        typer.echo(f"{run.rate:>10.4g} {run.training_time:>12.6g} {run.training_time * (run.rate or 1):>14.6g} "
                   f"{run.final_cost:>10.3g} {run.n_steps:>9}  {run.status}: {run.reason}")


def over_ranks(network: Path, task: Path | None, rates: list[float], others: dict[str, Any], output: Path | None,
               checkpoint: Path | None, sources: int, targets: int, seed: int, feasible: bool, record: str, rule: str,
               of_rule: dict[str, Any], progress: bool, **options: Any) -> None:
    """Train a network in a store on all ranks; rank 0 prints. others : options that go with one machine alone."""
    import ohmlearn as ol
    from ohmlearn.drivers.display.compile_cache import hush
    from ohmlearn.drivers.distributed.ranks import ranks
    from ohmlearn.io.task_toml import read_tasks
    from ohmlearn.parallel.signals import STOPPED

    with told_once():
        for name, value in others.items():
            if value:
                raise ValueError(f"{name} is for a network on one machine; leave it out, or leave --distributed out")
        if len(rates) > 1:
            raise ValueError("over ranks one network is trained at one rate; repeat the command for another")
        if output is not None and output.exists():
            raise FileExistsError(17, "it exists already; remove it, or choose another name", str(output))
        world, stored = ranks(), ol.distributed.open_network(network)
        if world.rank or not progress:
            hush()
        learned = world.first(lambda: read_tasks(task)[0] if task else ol.Task.allosteric(
            stored, sources, targets, seed, feasible=feasible))     # type: ignore[arg-type]
        given = tables(record=record or ("per_decade=20" if output else ""))
        try:
            run = ol.train(stored, learned, rates[0], rule=rule_of(stored, rule, **of_rule),    # type: ignore[arg-type]
                           checkpoint=checkpoint, progress=progress, **options, **given)
        except KeyboardInterrupt:
            raise typer.Exit(STOPPED if checkpoint else 130) from None
        if world.rank == 0:
            typer.echo(f"{stored!r} on {world.size} ranks, {words(learned, task, seed)}")
            print_table([run])
        if output:
            run.save(output)


def number_or_word(text: str, option: str, word: str) -> Any:
    """The value of an option that takes a number or one word."""
    try:
        return text if text == word else float(text)
    except ValueError:
        raise ValueError(f"{option} {text!r} is neither a number nor {word!r}") from None


def tables(**texts: str) -> dict[str, Any]:
    """The nouns for train: Schedule, Discrete and Record, from the fields that were given; None without any."""
    from ohmlearn.drivers.sweeps import sweep_file
    from ohmlearn.rules import Discrete
    from ohmlearn.run import Record
    from ohmlearn.schedule import Schedule

    kinds = {"schedule": (sweep_file.ScheduleTable, Schedule), "updates": (sweep_file.UpdatesTable, Discrete),
             "record": (sweep_file.RecordTable, Record)}
    made: dict[str, Any] = {}
    for name, text in texts.items():
        table, noun = kinds[name]
        checked = sweep_file.parse_table(table, inline_table(text, f"--{name}"), f"--{name}")
        made[name] = noun(**checked.model_dump()) if text else None
    return made


def rule_of(network: Network, text: str, **given: Any) -> Rule:
    """The rule of `--rule`, with the fields that have options of their own."""
    from ohmlearn.drivers.sweeps.sweep import make_rule
    from ohmlearn.drivers.sweeps.sweep_file import RuleTable, parse_table

    fields = inline_table(text, "--rule")
    for name, value in given.items():
        if value is not None:
            if name in fields:
                raise ValueError(f"--rule names {name}, and so does an option of its own; leave one of them out")
            fields[name] = value
    return make_rule(parse_table(RuleTable, fields, "--rule"), network)


def words(task: Task | tuple[Task, ...], path: Path | None, seed: int) -> str:
    """What was learned, for the line above the table."""
    first = task[0] if isinstance(task, tuple) else task
    samples = f"{len(task)} samples, " if isinstance(task, tuple) else ""
    grounded = 0 if path else 1
    origin = f"task {path.name}" if path else f"task seed {seed}"
    return f"{samples}{first.sources.size - grounded} sources, {first.n_targets} targets, {origin}"


def announce(network: Network, rates: list[float]) -> None:
    """Of a large network: that it is one, and what memory it takes, before work starts."""
    from ohmlearn.drivers.training.regime import bytes_of_training, training_path
    from ohmlearn.solvers.equilibrium.memory import GIB

    path, why = training_path(network)
    if path == "large":
        needed = max(bytes_of_training(network, rate) for rate in rates) / GIB
        typer.echo(f"{network!r}: {why}; about {needed:.2f} GiB", err=True)


def write_runs(runs: Runs, path: Path) -> None:
    """All of the runs, in a file that `ohmlearn.load` reads."""
    runs.save(path)
