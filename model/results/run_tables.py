"""Runs as tables of other libraries: xarray, pandas, and HTML for notebooks."""
from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from ohmlearn.run import Run, Runs

if TYPE_CHECKING:
    import pandas
    import xarray

SCALARS = {     # attribute -> unit, meaning
    "rate": ("1", "R = γl/γp"), "status": ("", "how the run ended"), "reason": ("", "why it ended so"),
    "training_time": ("1/γp", "τ, first time with C* < until"),
    "sustained_time": ("1/γp", "first time after which C* stays below until"),
    "nonequilibrium_time": ("1/γp", "first time with C < until"), "time": ("1/γp", "end of the run"),
    "initial_cost": ("V²", "C*(0)"), "final_cost": ("1", "C*/C*(0) at the end"), "n_steps": ("1", "steps taken"),
}
STATES = {"conductances": ("edge", "G₀", "G at the end"), "voltages": ("node", "V", "v at the end"),
          "difference": ("node", "V", "w = (v^C - v^F)/η at the end")}
TRACES = {"times": ("1/γp", "time of a record"), "training_steps": ("1", "training steps, R t"),
          "equilibrium_cost": ("1", "C*/C*(0)"), "cost": ("1", "C/C*(0)")}
RECORDED: dict[str, tuple[str, ...]] = {"outputs": ("output",), "voltages": ("node",), "conductances": ("edge",),
                                          "power": (), "squared_norm": ()}
MOST_ROWS = 30      # of a table in a notebook


def to_xarray(runs: Run | Runs) -> xarray.Dataset:
    """Runs as a Dataset along their own axes; those of times, samples, nodes and edges come last.

    One run has its numbers as attributes and its times as the coordinate `time`. The times of several runs may differ,
    so that their coordinate `times` has the axes of the runs too.
    """
    import xarray

    dims, shape = (runs.dims, runs.shape) if isinstance(runs, Runs) else ((), ())
    flat = runs.flat if isinstance(runs, Runs) else (runs,)
    if not flat:
        raise ValueError("there are no runs to put into a table")
    found: dict[str, Any] = {}

    def put(name: str, values: Iterable[Any], last: tuple[str, ...], unit: str, meaning: str) -> None:
        stacked = _filled([np.asarray(value) for value in values], last)
        array = stacked.reshape(shape + stacked.shape[1:])
        if array.ndim > len(shape) + len(last):
            last = (*last[:-1], "sample", *last[-1:]) if last[-1:] != ("time",) else (*last, "sample")
        found[name] = (dims + last, array, ({"units": unit} if unit else {}) | {"long_name": meaning})

    for name, (dim, unit, meaning) in STATES.items():
        put(name, (getattr(run, name) for run in flat), (dim,), unit, meaning)
    for name, (unit, meaning) in TRACES.items():
        put(name, (getattr(run, name) for run in flat), ("time",), unit, meaning)
    for name in flat[0].recorded:
        put(f"recorded_{name}", (run.recorded[name] for run in flat), ("time", *RECORDED[name]), "",
            "what Record(keep=...) asked for")
    if not isinstance(runs, Runs):
        data = xarray.Dataset(found, attrs={name: getattr(runs, name) for name in SCALARS})
        data = data.rename_vars(times="time").set_coords(["time", "training_steps"]).set_xindex("time")
        return data.assign_coords(_places(runs))
    for name, (unit, meaning) in SCALARS.items():
        if name not in dims:
            put("end_time" if name == "time" else name, (getattr(run, name) for run in flat), (), unit, meaning)
    data = xarray.Dataset(found).set_coords(["times", "training_steps"])
    data = data.assign_coords({dim: list(labels) for dim, labels in runs.labels.items()} | _places(flat[0]))
    if "rate" in dims:
        data["rate"] = ("rate", runs.rate.reshape(-1, shape[-1])[0], {"units": "1", "long_name": "R = γl/γp"})
    return data


def _places(run: Run) -> dict[str, Any]:
    """Coordinates of nodes and edges: names where the network has names, else numbers; and the ends of edges."""
    network = run.network
    if network is None:
        return {"node": np.arange(run.voltages.shape[-1]), "edge": np.arange(run.conductances.size)}
    nodes = np.arange(network.n_nodes) if network.node_names is None else np.array(network.node_names)
    edges = np.arange(network.n_edges) if network.edge_names is None else np.array(network.edge_names)
    ends = {name: ("edge", nodes[network.edges[:, k]]) for k, name in enumerate(("first_node", "second_node"))}
    return {"node": nodes, "edge": edges} | ends


def _filled(values: list[np.ndarray], last: tuple[str, ...]) -> np.ndarray:
    """Arrays of unlike numbers of times, their first axis, as one, filled up with NaN."""
    if "time" not in last:
        return np.array(values)
    longest = max(len(value) for value in values)
    return np.array([np.concatenate([value, np.full((longest - len(value), *value.shape[1:]), np.nan)])
                     for value in values])


def to_dataframe(runs: Runs) -> pandas.DataFrame:
    """A row for each run, with its numbers; the index names the run, or its task and rate."""
    import pandas

    index: Any = [list(runs.labels.get(dim, range(n))) for dim, n in zip(runs.dims, runs.shape, strict=True)]
    if "rate" in runs.dims:
        index[runs.dims.index("rate")] = runs.rate[0].tolist()
    columns = [name for name in SCALARS if name not in runs.dims]
    table = pandas.DataFrame({name: [getattr(run, name) for run in runs.flat] for name in columns})
    table.index = (pandas.Index(index[0], name=runs.dims[0]) if len(index) == 1 else
                   pandas.MultiIndex.from_product(index, names=runs.dims))
    return table


def html_table(rows: Iterable[tuple[Any, ...]], head: tuple[str, ...] = ()) -> str:
    """A plain table; texts are escaped."""
    lines = [f"<tr>{''.join(f'<th>{escape(str(cell))}</th>' for cell in head)}</tr>"] if head else []
    lines += [f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows]
    return f"<table>{''.join(lines)}</table>"


def run_html(run: Run) -> str:
    """What a notebook shows of a run."""
    return html_table([
        ("rate R", f"{run.rate:g}"), ("status", run.status), ("reason", run.reason),
        ("training time τ (1/γp)", f"{run.training_time:.6g}"), ("end (1/γp)", f"{run.time:.6g}"),
        ("C*/C*(0) at the end", f"{run.final_cost:.3g}"), ("steps", run.n_steps), ("network", run.network),
        *([] if run.edges is None else [("edges", run.edges)])])


def runs_html(runs: Runs) -> str:
    """What a notebook shows of several runs, at most MOST_ROWS of them."""
    head = ("", *runs.dims[:-1], "R", "status", "τ (1/γp)", "C*/C*(0)", "steps")
    places = list(np.ndindex(runs.shape))[:MOST_ROWS]
    rows = [(k, *(list(runs.labels.get(dim, range(n)))[i] for dim, n, i in zip(runs.dims, runs.shape, at, strict=True)
                  if dim != runs.dims[-1]),
             f"{run.rate:g}", run.status, f"{run.training_time:.6g}", f"{run.final_cost:.3g}", run.n_steps)
            for k, (at, run) in enumerate(zip(places, runs.flat, strict=False))]
    more = len(runs.flat) - len(rows)
    return html_table(rows, head) + (f"<p>and {more} more</p>" if more else "")
