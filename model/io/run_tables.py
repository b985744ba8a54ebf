"""Runs as tables: a data frame of the numbers of many, a dataset of what is known of one, with names."""
from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ohmlearn.run import Run

SCALARS = ("rate", "status", "training_time", "sustained_time", "nonequilibrium_time", "time", "initial_cost",
           "final_cost", "n_steps")
STATES = {"outputs": ("time", "output"), "voltages": ("time", "node"), "conductances": ("time", "edge"),
          "power": ("time",), "squared_norm": ("time",)}        # what a Record keeps


def to_dataframe(runs: Iterable[Run]) -> Any:
    """pandas DataFrame, a row per run: rate, status, times in 1/γp, costs, steps."""
    import pandas  # type: ignore[import-untyped]

    return pandas.DataFrame([{name: getattr(run, name) for name in SCALARS} for run in runs], columns=list(SCALARS))


def to_xarray(run: Run) -> Any:
    """xarray Dataset of one run: traces over time, conductances over edges, voltages over nodes; numbers as attributes.

    Edges and nodes have their names as coordinates where the network has names, else their numbers; edges also the two
    nodes that they join.
    """
    import xarray

    network = run.network
    samples = ("sample",) if run.voltages.ndim == 2 else ()
    data: dict[str, Any] = {
        "equilibrium_cost": ("time", run.equilibrium_cost), "cost": ("time", run.cost),
        "conductances": ("edge", run.conductances, {"units": "G0"}),
        "voltages": ((*samples, "node"), run.voltages, {"units": "V"}),
        "difference": ((*samples, "node"), run.difference, {"units": "V"})}
    for name, values in run.recorded.items():
        time, *rest = STATES[name]
        extra = ("sample",) if values.ndim == len(rest) + 2 else ()
        data[f"recorded_{name}"] = (time, *extra, *rest), values
    n_nodes, n_edges = run.voltages.shape[-1], run.conductances.size
    nodes = list(range(n_nodes)) if network is None or network.node_names is None else list(network.node_names)
    edges = list(range(n_edges)) if network is None or network.edge_names is None else list(network.edge_names)
    coordinates: dict[str, Any] = {"time": ("time", run.times, {"units": "1/gamma_p"}), "node": nodes, "edge": edges}
    if network is not None:
        for k, end in enumerate(("first_node", "second_node")):
            coordinates[end] = "edge", np.array(nodes)[network.edges[:, k]]
    attributes = {name: getattr(run, name) for name in SCALARS} | {"reason": run.reason}
    return xarray.Dataset(data, coordinates, attributes)
