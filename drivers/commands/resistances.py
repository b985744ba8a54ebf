"""`ohmlearn resistances`: effective resistances of many pairs of nodes, into a store."""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .arguments import CONDUCTANCE, CONDUCTANCES, NETWORK, NODES, RESISTANCE, THREADS, circuit_of, output

if TYPE_CHECKING:
    from ohmlearn.network import Network
    from ohmlearn.stored.network_store import StoredNetwork


def add_to(app: typer.Typer) -> None:
    app.command()(resistances)


def resistances(
    network: NETWORK,
    pairs: Annotated[Path | None, typer.Option("--pairs", exists=True, dir_okay=False, help="Two nodes a line, "
                                               "by default the ends of all edges.")] = None,
    hold: Annotated[list[str] | None, typer.Option("--hold", metavar="NODE", help="Nodes that are joined to one; "
                                                   "by default none.")] = None,
    conductances: CONDUCTANCES = None,
    conductance: CONDUCTANCE = None,
    resistance: RESISTANCE = None,
    nodes: NODES = "auto",
    method: Annotated[str, typer.Option(help="auto, or the solver to use.")] = "auto",
    threads: THREADS = None,
    mpi: Annotated[bool | None, typer.Option("--mpi/--no-mpi", help="Use MPI or not; by default MPI is used if a "
                                                                    "launcher started this process.")] = None,
    output: Annotated[Path | None, output("Folder of the store; by default `resistances`.", file_okay=False)] = None,
) -> None:
    """Effective resistances of pairs of nodes, into a store and printed.

    Repeat the command to resume. Under mpiexec all ranks share the pairs; of a network in a store they share the
    network, which is solved for one pair at a time, and the resistances are printed.
    """
    from ohmlearn.drivers.jobs.exit_codes import FINE
    from ohmlearn.drivers.jobs.run_pairs import pair_resistances
    from ohmlearn.parallel.launch import this_rank
    from ohmlearn.parallel.signals import STOPPED, ignored_when_done

    if Path(network).is_dir():
        print_of_store(network, pairs, hold, method, {"--conductances": conductances, "--conductance": conductance,
                                                      "--resistance": resistance, "--output": output})
        return
    net, g = circuit_of(network, conductances, conductance=conductance, resistance=resistance, nodes=nodes)
    wanted = "edges" if pairs is None else read_pairs(pairs, net)
    held = [net.node(name) for name in hold or []] or [0]
    with ignored_when_done():
        report = pair_resistances(net, output or Path("resistances"), wanted, g, held=held, method=method,
                                  threads=threads, mpi=mpi)
    if this_rank() == 0:
        for (a, b), value in zip(report.pairs.tolist(), report.resistances.tolist(), strict=True):
            typer.echo(f"{net.label(a)} {net.label(b)} {value:.15g}")
        if report.stopped:
            typer.echo(f"stopped by {report.stopped}; repeat the command to resume", err=True)
        raise typer.Exit(STOPPED if report.stopped else FINE)


def print_of_store(network: str, pairs: Path | None, hold: list[str] | None, method: str, told: dict[str, Any]) -> None:
    """Print the resistances of pairs of nodes of a network in a store, on rank 0."""
    from ohmlearn.drivers.distributed.stored_commands import resistances_of_store
    from ohmlearn.parallel.launch import this_rank

    for option, given in told.items():
        if given:
            raise ValueError(f"{option} is not for networks in a store, whose resistances are printed, at the "
                             "conductances that they have; leave it out")
    if pairs is None:
        raise ValueError(f"{network} is a network in a store, and takes a solve for each pair: say --pairs FILE")
    wanted, found = resistances_of_store(network, lambda net: read_pairs(pairs, net), hold or [], method)
    if this_rank() == 0:
        for (a, b), value in zip(wanted, found.tolist(), strict=True):
            typer.echo(f"{a} {b} {value:.15g}")


def read_pairs(path: Path, network: Network | StoredNetwork) -> list[tuple[int, int]]:
    """The pairs of a file, two names or numbers of nodes a line, with spaces or a comma between."""
    from ohmlearn.checks.file_text import read_text, reading

    found = []
    with reading(path):
        for number, line in enumerate(read_text(path).splitlines(), start=1):
            words = line.replace(",", " ").split()
            if not words or words[0].startswith("#"):
                continue
            if len(words) != 2:
                raise ValueError(f"line {number}: expected two nodes, got {line.strip()[:60]!r}")
            found.append((network.node(words[0]), network.node(words[1])))
    return found
