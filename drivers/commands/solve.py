"""`ohmlearn solve`: equilibrium voltages of a network file."""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    import numpy as np
    from ohmlearn import Network

HOLD = typer.Option(None, "--hold", metavar="NODE=VOLTS", help="Hold a node at a voltage; say it once per node.")
INJECT = typer.Option(None, "--inject", metavar="NODE=AMPERES", help="Inject a current at a node.")
CONDUCTANCES = typer.Option(None, "--conductances", "-g", exists=True, dir_okay=False,
                            help="One number per edge, .npy or text; by default those in the network file, else 1.")
NETWORK = typer.Argument(exists=True, dir_okay=False, help="Network file, as Network.read takes it.")
OUTPUT = typer.Option(None, "--output", "-o", help="Write the voltages here, .npy or text; else they are printed.")


def add_to(app: typer.Typer) -> None:
    app.command()(solve)


def solve(
    network: Path = NETWORK,
    hold: list[str] = HOLD,
    inject: list[str] = INJECT,
    conductances: Path = CONDUCTANCES,
    method: str = typer.Option("auto", help="auto, or the solver to use."),
    rtol: float = typer.Option(1e-10, help="Largest estimated error of a voltage, relative to the largest "
                                            "voltage difference."),
    output: Path = OUTPUT,
) -> None:
    """Voltages of all nodes with some held, and what the solve took."""
    import numpy as np
    from ohmlearn import Equilibrium
    from ohmlearn.io.files import read_circuit

    net, stored = read_circuit(network)
    held = pairs(hold, "--hold", "NODE=VOLTS")
    injected = pairs(inject, "--inject", "NODE=AMPERES")
    currents = np.zeros(net.n_nodes)
    currents[net.check_nodes(list(injected), "injected node") if injected else []] = list(injected.values())
    circuit = Equilibrium(net, np.array(list(held), dtype=np.int64), method=method, rtol=rtol)
    voltages = circuit.solve(read_conductances(net, conductances, stored), list(held.values()), currents)
    stats = circuit.stats
    typer.echo(f"# {net!r}, {stats.method} ({stats.reason}): {max(stats.iterations, default=0)} iterations, "
               f"error {stats.error:.1e} V, setup {stats.setup_seconds:.3g} s, solve {stats.solve_seconds:.3g} s",
               err=True)
    write_numbers(voltages, output)


def pairs(texts: list[str] | None, option: str, form: str) -> dict[int, float]:
    """{node: value} of NODE=VALUE texts, in the order given."""
    found: dict[int, float] = {}
    for text in texts or []:
        node, _, value = text.partition("=")
        try:
            key, number = int(node), float(value)
        except ValueError:
            raise ValueError(f"{option} {text!r} is not {form}, as in {option} 0=1.0") from None
        if key in found:
            raise ValueError(f"{option} names node {key} twice")
        found[key] = number
    return found


def read_conductances(network: Network, path: Path | None, stored: np.ndarray | None = None) -> np.ndarray:
    """(n_edges,) conductances from a .npy or text file; without one those stored with the network, else 1."""
    import numpy as np

    if path is None:
        return network.conductances(stored)
    comma = "," if path.suffix == ".csv" else None
    values = np.load(path) if path.suffix == ".npy" else np.loadtxt(path, delimiter=comma)
    return network.conductances(np.ravel(values))


def write_numbers(values: np.ndarray, output: Path | None) -> None:
    """Numbers to a .npy or text file, or to standard output."""
    import sys

    import numpy as np

    if output is not None and output.suffix == ".npy":
        np.save(output, values)
    else:
        np.savetxt(sys.stdout if output is None else output, values, fmt="%.15g")
