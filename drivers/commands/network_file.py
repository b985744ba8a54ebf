"""Networks given by a file on the command line: how to read it, and what is said of the conductances in it."""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    import numpy as np
    from ohmlearn import Network

NETWORK = typer.Argument(exists=True, dir_okay=False, help="Network file or SPICE deck, as Network.read takes it.")
CONDUCTANCES = typer.Option(None, "--conductances", "-g", exists=True, dir_okay=False,
                            help="One number per edge, .npy or text; by default those in the network file, else 1.")
CONDUCTANCE = typer.Option(None, "--conductance", metavar="COLUMN", help="Column or attribute of the network file that "
                           "holds conductances; \"\" for none.")
RESISTANCE = typer.Option(None, "--resistance", metavar="COLUMN", help="Column or attribute that holds resistances.")
NODES = typer.Option("auto", "--nodes", help="auto; \"from 1\": numbered from 1; names: numbers are names too.")


def read_conductances(network: Network, path: Path | None) -> np.ndarray:
    """(n_edges,) conductances from a .npy or text file; without one the network's initial ones, else 1."""
    import numpy as np

    if path is None:
        return network.conductances()
    comma = "," if path.suffix == ".csv" else None
    values = np.load(path) if path.suffix == ".npy" else np.loadtxt(path, delimiter=comma)
    return network.conductances(np.ravel(values))


def source_of(network: Network, given: Path | None = None) -> str:
    """Where the conductances come from, in words, and what they span."""
    if given is not None:
        return f"from {given}"
    g = network.initial_conductances
    if g is None:
        return "none in the file, 1 used"
    if "resist" in network.conductance_source:
        return f"{network.conductance_source}, {span(1 / g.max(), 1 / g.min() if g.min() else float('inf'))} ohm"
    return f"{network.conductance_source}, {span(g.min(), g.max())} S"


def span(low: float, high: float) -> str:
    """A range in words."""
    return f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"
