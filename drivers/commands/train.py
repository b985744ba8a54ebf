"""`ohmlearn train`: train one network on one random task at one rate or several."""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ohmlearn import Network
    from ohmlearn.run import Runs

SCALARS = ("rate", "training_time", "sustained_time", "nonequilibrium_time", "time", "initial_cost", "final_cost",
           "n_steps")


def add_to(app: typer.Typer) -> None:
    app.command()(train)


def train(
    network: Annotated[str, typer.Argument(help="Network file, or a generator and its parameters, as in "
                                                "packing:n_nodes=64,seed=1.")] = "packing:n_nodes=64,seed=1",
    rate: Annotated[list[float] | None, typer.Option(help="R = γl/γp; say it once per rate. Default: 1.")] = None,
    sources: Annotated[int, typer.Option(help="Source nodes of the random task, ground apart.")] = 10,
    targets: Annotated[int, typer.Option(help="Target nodes.")] = 3,
    seed: Annotated[int, typer.Option(help="Of the task.")] = 0,
    until: Annotated[float, typer.Option(help="Threshold on C*/C*(0).")] = 1e-6,
    t_max: Annotated[float | None, typer.Option(help="Time limit in 1/γp; default 3000/R, above R = 1 "
                                                     "3000/√R.")] = None,
    floor_mode: Annotated[str, typer.Option(help="relax or clip.")] = "relax",
    nudge: Annotated[float, typer.Option(help="η.")] = 1e-3,
    step: Annotated[float | None, typer.Option(help="Update the conductances in finite steps of so many training "
                                                    "steps (1 at rate 0: the map of Fig. 2a).")] = None,
    tolerance: Annotated[float, typer.Option(help="Relative error of τ that steps may make.")] = 1e-3,
    solver: Annotated[str, typer.Option(help="How a network of more than 4000 nodes is solved: auto, "
                                             "approximate-cholesky, amg, …")] = "auto",
    feasible: Annotated[bool, typer.Option("--feasible", help="Draw targets within reach only.")] = False,
    threads: Annotated[int | None, typer.Option(help="Default: all cores that the process may use.")] = None,
    save: Annotated[Path | None, typer.Option(help="Write numbers, conductances and traces to this .npz.")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="Keep the state of the run in this .npz; the same "
                                                         "command goes on from it.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw the costs into this file (.png, .pdf, .svg).")] = None,
) -> None:
    """Train a network on one random allosteric task (paper 1) and print how it went."""
    import ohmlearn as ol
    from ohmlearn.drivers.display.compile_cache import hush
    from ohmlearn.drivers.training.checkpoint import STOPPED

    net = network_of(network)
    task = ol.Task.allosteric(net, sources, targets, seed, feasible=feasible)
    rates = rate or [1.0]
    if quiet:
        hush()
    else:
        announce(net, rates)
    try:
        runs = ol.train(net, [task] * len(rates), rates, until=until, t_max=t_max, threads=threads,
                        rule=ol.Rule(nudge=nudge, floor_mode=floor_mode),  # type: ignore[arg-type]
                        record=ol.Record(per_decade=20) if save or plot else None, tolerance=tolerance,
                        updates=None if step is None else ol.Discrete(step=step),
                        checkpoint=checkpoint, progress=not quiet, solver=solver)
    except KeyboardInterrupt:
        raise typer.Exit(STOPPED if checkpoint else 130) from None
    typer.echo(f"{net!r}, {sources} sources, {targets} targets, task seed {seed}")
    typer.echo(f"{'R':>10} {'τ (1/γp)':>12} {'training steps':>14} {'C*/C*(0)':>10} {'steps':>9}  how it ended")
    for run in runs:
        typer.echo(f"{run.rate:>10.4g} {run.training_time:>12.6g} {run.training_time * (run.rate or 1):>14.6g} "
                   f"{run.final_cost:>10.3g} {run.n_steps:>9}  {run.status}: {run.reason}")
    if save:
        write_runs(runs, net, save)
    if plot:
        runs.plot().figure.savefig(plot, bbox_inches="tight")


def announce(network: Network, rates: list[float]) -> None:
    """Of a large network: that it is one, and what memory it takes, before work starts."""
    from ohmlearn.drivers.training.regime import bytes_of_training, training_path
    from ohmlearn.solvers.equilibrium.memory import GIB

    path, why = training_path(network)
    if path == "large":
        needed = max(bytes_of_training(network, rate) for rate in rates) / GIB
        typer.echo(f"{network!r}: {why}; about {needed:.2f} GiB", err=True)


def network_of(text: str) -> Network:
    """The network of a file, or of `generator:name=value,...` with the keys of a sweep file's [network]."""
    import tomllib

    from ohmlearn import Network
    from ohmlearn.drivers.sweeps.sweep import make_network
    from ohmlearn.drivers.sweeps.sweep_file import GENERATORS, parse_network

    name, _, given = text.partition(":")
    if name not in GENERATORS:
        return Network.read(text)
    try:
        tables = tomllib.loads(f"{name} = {{ {given} }}")
    except tomllib.TOMLDecodeError:
        raise ValueError(f"network {text!r}: write generator:name=value,name=value, as in packing:n_nodes=64,seed=1, "
                         "or name a file") from None
    return make_network(parse_network(tables), Path())


def write_runs(runs: Runs, network: Network, path: Path) -> None:
    """All numbers of the runs; traces are padded with NaN."""
    import numpy as np

    longest = max(run.times.size for run in runs)
    traces = {name: np.array([np.append(getattr(run, name), np.full(longest - run.times.size, np.nan)) for run in runs])
              for name in ("times", "equilibrium_cost", "cost")}
    scalars = {name: np.array([getattr(run, name) for run in runs]) for name in (*SCALARS, "status")}
    everything: dict[str, Any] = {"edges": network.edges, "conductances": runs.conductances, **traces, **scalars}
    np.savez(path, **everything)
