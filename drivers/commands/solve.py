"""`ohmlearn solve`: equilibrium voltages of a network file."""
from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from .network_file import CONDUCTANCE, CONDUCTANCES, NETWORK, NODES, RESISTANCE, read_conductances, source_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from ohmlearn import Network

HOLD = typer.Option(None, "--hold", metavar="NODE=VOLTS", help="Hold a node at a voltage; say it once per node.")
INJECT = typer.Option(None, "--inject", metavar="NODE=AMPERES", help="Inject a current at a node.")
DROP = typer.Option(None, "--drop", metavar="NODE:NODE=VOLTS", help="Hold the drop from the first node to the second; "
                    "say it once per pair.")
OUTPUT = typer.Option(None, "--output", "-o", help="Write the voltages here, .npy or text; else they are printed.")


def add_to(app: typer.Typer) -> None:
    app.command()(solve)


def solve(
    network: Path = NETWORK,
    hold: list[str] = HOLD,
    inject: list[str] = INJECT,
    drop: list[str] = DROP,
    conductances: Path = CONDUCTANCES,
    method: str = typer.Option("auto", help="auto, or the solver to use."),
    rtol: float = typer.Option(1e-10, help="Largest residual, relative to the driving currents."),
    output: Path = OUTPUT,
    conductance: str | None = CONDUCTANCE,
    resistance: str | None = RESISTANCE,
    nodes: str = NODES,
) -> None:
    """Voltages of all nodes with some held, and what the solve took; of a SPICE deck its operating point."""
    import numpy as np
    from ohmlearn import Equilibrium, Network
    from ohmlearn.io.files import is_deck

    if is_deck(network):
        if hold or inject or drop:
            raise ValueError("a deck says itself what is held and injected; change its V and I cards")
        return solve_deck(network, conductances, output)
    net = Network.read(network, conductance=conductance, resistance=resistance, nodes=nodes)
    held = pairs(net, hold, "--hold", "NODE=VOLTS")
    injected = pairs(net, inject, "--inject", "NODE=AMPERES")
    if drop:
        return solve_drops(net, read_conductances(net, conductances), held, injected, drop, output)
    currents = np.zeros(net.n_nodes)
    currents[net.check_nodes(list(injected), "injected node") if injected else []] = list(injected.values())
    circuit = Equilibrium(net, np.array(list(held), dtype=np.int64), method=method, rtol=rtol)
    voltages = circuit.solve(read_conductances(net, conductances), list(held.values()), currents)
    stats = circuit.stats
    typer.echo(f"# {net!r}, {stats.method} ({stats.reason}): {max(stats.iterations, default=0)} iterations, "
               f"residual {stats.residual:.1e}, setup {stats.setup_seconds:.3g} s, solve {stats.solve_seconds:.3g} s\n"
               f"# conductances: {source_of(net, conductances)}", err=True)
    write_numbers(voltages, output, net.node_names)
    return None


def solve_deck(path: Path, conductances: Path | None, output: Path | None) -> None:
    """Voltages by the names of the nodes, and the currents of the voltage sources as comments."""
    import ohmlearn as ol

    circuit = ol.read_spice(path)
    net = circuit.network
    point = circuit.voltages(read_conductances(net, conductances))
    typer.echo(f"# {net!r}, {point.method}: {point.seconds:.3g} s\n# conductances: {source_of(net, conductances)}",
               err=True)
    for note in circuit.notes:
        typer.echo(f"# {note}", err=True)
    write_numbers(point.array, output, point.names)
    if output is None:
        for name in circuit.voltage_sources:
            typer.echo(f"i({name}) {point.currents[name]:.15g}")


def solve_drops(net: Network, g: np.ndarray, held: dict[int, float], injected: dict[int, float], drop: list[str],
                output: Path | None) -> None:
    """Voltages where drops are held too."""
    import numpy as np
    from ohmlearn.io.operating_point import Driven, operating_point

    drops: dict[tuple[int, int], float] = {}
    for text in drop:
        ends, _, value = text.rpartition("=")
        first, _, second = ends.partition(":")
        if not second or value.strip() == "":
            raise ValueError(f"--drop {text!r} is not NODE:NODE=VOLTS, as in --drop 3:5=0.5")
        drops[net.node(first, "node of a drop"), net.node(second, "node of a drop")] = float(value)
    point = operating_point(Driven(net, held, drops, injected), g)
    floating = np.flatnonzero(np.isnan(point.array))
    if floating.size:
        raise ValueError(f"node {net.label(int(floating[0]))} floats ({floating.size} such nodes); hold a node there")
    typer.echo(f"# {net!r}, {point.method}: {point.seconds:.3g} s", err=True)
    write_numbers(point.array, output, net.node_names)


def pairs(network: Network, texts: list[str] | None, option: str, form: str) -> dict[int, float]:
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

    if output is not None and output.suffix == ".npy":
        np.save(output, values)
    elif names is not None:
        text = "".join(f"{name} {value:.15g}\n" for name, value in zip(names, values.tolist(), strict=True))
        if output is None:
            sys.stdout.write(text)
        else:
            output.write_text(text, encoding="utf-8")
    else:
        np.savetxt(sys.stdout if output is None else output, values, fmt="%.15g")
