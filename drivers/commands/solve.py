"""`ohmlearn solve`: equilibrium voltages of a network file."""
from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .arguments import (
    CONDUCTANCE,
    CONDUCTANCES,
    EDGES,
    NETWORK,
    NODES,
    RESISTANCE,
    TASK,
    circuit_of,
    conductance_source,
    edges_of,
    output,
    read_conductances,
    start_of,
    task_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from ohmlearn.network import Network
    from ohmlearn.stored.network_store import StoredNetwork


def add_to(app: typer.Typer) -> None:
    app.command()(solve)


def solve(
    network: NETWORK,
    hold: Annotated[list[str] | None, typer.Option("--hold", metavar="NODE=VOLTS", help="Hold a node at a voltage; "
                                                   "repeat the option for more.")] = None,
    inject: Annotated[list[str] | None, typer.Option("--inject", metavar="NODE=CURRENT", help="Inject a current at a "
                                                     "node, in units of conductance times volt.")] = None,
    drop: Annotated[list[str] | None, typer.Option("--drop", metavar="NODE:NODE=VOLTS", help="Hold the drop from the "
                                                   "first node to the second; repeat the option for more.")] = None,
    task: TASK = None,
    conductances: CONDUCTANCES = None,
    conductance: CONDUCTANCE = None,
    resistance: RESISTANCE = None,
    nodes: NODES = "auto",
    edges: EDGES = "",
    method: Annotated[str, typer.Option(help="auto, or the solver to use.")] = "auto",
    rtol: Annotated[float, typer.Option(help="Largest estimated error of a voltage, relative to the largest "
                                         "voltage difference.")] = 1e-10,
    output: Annotated[Path | None, output("File for the voltages, .npy or text; without it they are printed.")] = None,
) -> None:
    """Print the equilibrium voltages of all nodes, driven by --hold, --inject and --drop or by a task; of a SPICE
    deck its operating point.

    A task of several samples gives a column for each. Of a network in a store the voltages go into another store,
    --output NAME.zarr; under mpiexec all ranks share it.
    """
    import numpy as np
    from ohmlearn.io.files import is_deck
    from ohmlearn.parallel.launch import this_rank
    from ohmlearn.solvers.hessian.circuit import voltages as voltages_of
    from ohmlearn.task import as_tasks

    if Path(network).is_dir():
        told = {"--drop": drop, "--task": task, "--conductances": conductances, "--conductance": conductance,
                "--resistance": resistance, "--edges": edges}
        said = solved_store(network, hold, inject, told, method, rtol, output)
        if this_rank() == 0:
            typer.echo(f"# {said}", err=True)
        return
    if Path(network).is_file() and is_deck(network):
        if hold or inject or drop or task or edges:
            raise ValueError("a deck says itself what is held and injected, and what its edges are; change its cards")
        solve_deck(Path(network), conductances, output)
        return
    net, g = circuit_of(network, conductances, conductance=conductance, resistance=resistance, nodes=nodes)
    laws = edges_of(edges, net)
    start = start_of(net, g, conductances, laws)
    if task is not None:
        if hold or inject or drop:
            raise ValueError("--task says what drives the network; leave --hold, --inject and --drop out")
        voltages = np.array([voltages_of(net, sample, start, method, rtol, edges=laws)
                             for sample in as_tasks(task_of(task, net))]).T
    else:
        held, injected = pairs(net, hold, "--hold", "NODE=VOLTS"), pairs(net, inject, "--inject", "NODE=CURRENT")
        voltages, how = solved(net, start, held, injected, drops_of(net, drop), method, rtol, laws)
        typer.echo(f"# {net!r}, {how}", err=True)
    typer.echo(f"# conductances: {conductance_source(net, conductances)}", err=True)
    write_numbers(voltages, output, net.node_names)


def solved(net: Network, start: np.ndarray | None, held: dict[int, float], injected: dict[int, float],
           drops: dict[tuple[int, int], float], method: str, rtol: float, laws: Any) -> tuple[np.ndarray, str]:
    """(n_nodes,) voltages with nodes and drops held and currents injected, and how they were found, in words."""
    import numpy as np
    from ohmlearn import Equilibrium

    currents = np.zeros(net.n_nodes)
    currents[net.check_nodes(list(injected), "injected node") if injected else []] = list(injected.values())
    circuit = Equilibrium(net, np.array(list(held), dtype=np.int64), method=method, rtol=rtol, drops=drops, edges=laws)
    voltages = circuit.solve(start, list(held.values()), currents)
    if laws is not None:
        return voltages, f"{laws!r}, by Newton's iteration"
    stats = circuit.stats
    return voltages, (f"{stats.method} ({stats.reason}): {max(stats.iterations, default=0)} iterations, error "
                      f"{stats.error:.1e} V, setup {stats.setup_seconds:.3g} s, solve {stats.solve_seconds:.3g} s")


def solved_store(network: str, hold: list[str] | None, inject: list[str] | None, told: dict[str, Any], method: str,
                 rtol: float, output: Path | None) -> str:
    """Voltages of a network in a store into another one; returns how they were found, in words, on rank 0."""
    from ohmlearn.drivers.distributed.stored_commands import solve_store

    for option, given in told.items():
        if given:
            raise ValueError(f"{option} is not for networks in a store, which are driven by --hold and --inject at the "
                             "conductances that they have; leave it out")
    if output is None or output.suffix != ".zarr":
        raise ValueError(f"{network} is a network in a store, and its voltages go into one: say --output NAME.zarr")
    return solve_store(network, lambda net: pairs(net, hold, "--hold", "NODE=VOLTS"),
                       lambda net: pairs(net, inject, "--inject", "NODE=CURRENT"), method, rtol, output)


def drops_of(net: Network, texts: list[str] | None) -> dict[tuple[int, int], float]:
    """{pair: V} of NODE:NODE=VOLTS texts."""
    drops: dict[tuple[int, int], float] = {}
    for text in texts or []:
        ends, _, value = text.rpartition("=")
        first, _, second = ends.partition(":")
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not second or not math.isfinite(number):
            raise ValueError(f"--drop {text!r} is not NODE:NODE=VOLTS, as in --drop 3:5=0.5")
        drops[net.node(first, "node of a drop"), net.node(second, "node of a drop")] = number
    return drops


def solve_deck(path: Path, conductances: Path | None, output: Path | None) -> None:
    """Voltages by the names of the nodes, and the currents of the voltage sources as comments."""
    import ohmlearn as ol

    circuit = ol.read_spice(path)
    net = circuit.network
    point = circuit.voltages(None if conductances is None else read_conductances(net, conductances))
    linear = isinstance(circuit.edges, ol.edges.Linear)
    typer.echo(f"# {net!r}, {point.method}: {point.seconds:.3g} s\n"
               f"# conductances: {conductance_source(net, conductances)}" if linear else
               f"# {circuit!r}, {point.method}: {point.seconds:.3g} s", err=True)
    for note in circuit.notes:
        typer.echo(f"# {note}", err=True)
    write_numbers(point.array, output, point.names)
    if output is None:
        for name in circuit.voltage_sources:
            typer.echo(f"i({name}) {point.currents[name]:.15g}")


def pairs(network: Network | StoredNetwork, texts: list[str] | None, option: str, form: str) -> dict[int, float]:
    """{node: value} of NODE=VALUE texts, in the order given; nodes by name or number."""
    found: dict[int, float] = {}
    for text in texts or []:
        node, _, value = text.rpartition("=")
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not node or not math.isfinite(number):
            raise ValueError(f"{option} {text!r} is not {form}, as in {option} 0=1.0")
        key = network.node(node, "held node" if option == "--hold" else "injected node")
        if key in found:
            raise ValueError(f"{option} names node {node} twice")
        found[key] = number
    return found


def write_numbers(values: np.ndarray, output: Path | None, names: Sequence[str] | None = None) -> None:
    """Numbers to a .npy or text file, or to standard output; with names in front where there are names."""
    import sys

    import numpy as np
    from ohmlearn.io.replacing import replacing

    rows = np.reshape(values, (len(values), -1)).tolist()
    before = [""] * len(rows) if names is None else [f"{name} " for name in names]
    text = "".join(f"{name}{' '.join(f'{x:.15g}' for x in row)}\n" for name, row in zip(before, rows, strict=True))
    if output is None:
        sys.stdout.write(text)
    elif output.suffix == ".npy":
        with replacing(output, "wb") as file:
            np.save(file, values)
    else:
        with replacing(output) as file:
            file.write(text)
