"""`ohmlearn solve`: equilibrium voltages of a network file."""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .arguments import CONDUCTANCES, NETWORK, TASK, circuit_of, output, task_of

if TYPE_CHECKING:
    import numpy as np
    from ohmlearn.network import Network
    from ohmlearn.solvers.equilibrium.preconditioner_reuse import Stats


def add_to(app: typer.Typer) -> None:
    app.command()(solve)


def solve(
    network: NETWORK,
    hold: Annotated[list[str] | None, typer.Option("--hold", metavar="NODE=VOLTS", help="Hold a node at a voltage; "
                                                   "repeat the option for more.")] = None,
    inject: Annotated[list[str] | None, typer.Option("--inject", metavar="NODE=CURRENT", help="Inject a current at a "
                                                     "node, in units of conductance times volt.")] = None,
    task: TASK = None,
    conductances: CONDUCTANCES = None,
    method: Annotated[str, typer.Option(help="auto, or the solver to use.")] = "auto",
    rtol: Annotated[float, typer.Option(help="Largest residual, relative to the driving currents.")] = 1e-10,
    output: Annotated[Path | None, output("File for the voltages, .npy or text; without it they are printed.")] = None,
) -> None:
    """Print the equilibrium voltages of all nodes, driven by --hold and --inject or by a task.

    A task of several samples gives a column for each.
    """
    import numpy as np
    from ohmlearn.solvers.hessian.circuit import voltages as voltages_of
    from ohmlearn.task import as_tasks

    net, g = circuit_of(network, conductances)
    if task is not None:
        if hold or inject:
            raise ValueError("--task says what drives the network; leave --hold and --inject out")
        voltages = np.array([voltages_of(net, sample, g, method, rtol) for sample in as_tasks(task_of(task))]).T
    else:
        held = pairs(hold, "--hold", "NODE=VOLTS")
        voltages, stats = solved(net, g, held, pairs(inject, "--inject", "NODE=CURRENT"), method, rtol)
        typer.echo(f"# {net!r}, {stats.method} ({stats.reason}): {max(stats.iterations, default=0)} iterations, "
                   f"residual {stats.residual:.1e}, setup {stats.setup_seconds:.3g} s, solve "
                   f"{stats.solve_seconds:.3g} s", err=True)
    write_numbers(voltages, output)


def solved(net: Network, conductances: np.ndarray, held: dict[int, float], injected: dict[int, float], method: str,
           rtol: float) -> tuple[np.ndarray, Stats]:
    """(n_nodes,) voltages with some nodes held and currents injected, and what the solve took."""
    import numpy as np
    from ohmlearn import Equilibrium

    currents = np.zeros(net.n_nodes)
    currents[net.check_nodes(list(injected), "injected node") if injected else []] = list(injected.values())
    circuit = Equilibrium(net, np.array(list(held), dtype=np.int64), method=method, rtol=rtol)
    return circuit.solve(conductances, list(held.values()), currents), circuit.stats


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


def write_numbers(values: np.ndarray, output: Path | None) -> None:
    """Numbers to a .npy or text file, or to standard output."""
    import sys

    import numpy as np
    from ohmlearn.io.replacing import replacing

    if output is None:
        np.savetxt(sys.stdout, values, fmt="%.15g")
        return
    with replacing(output, "wb") as file:
        if output.suffix == ".npy":
            np.save(file, values)
        else:
            np.savetxt(file, values, fmt="%.15g")
