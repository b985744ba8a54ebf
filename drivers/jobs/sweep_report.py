"""A sweep's store as one self-contained HTML page: training times, traces, failures, timing, provenance."""
from __future__ import annotations

import html
import json
from base64 import b64encode
from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ohmlearn.drivers.display.content_policy import with_policy
from ohmlearn.drivers.store.open_results import open_results
from ohmlearn.drivers.sweeps.member_status import ALL_STATUSES, FAILURES
from ohmlearn.io.replacing import write_text

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

TEMPLATE = Path(__file__).with_name("sweep_report.html")
MOST_ROWS = 200         # failures that are listed
SLOWEST = 10            # members with most steps that are listed


def write_summary(store: str | Path, path: str | Path) -> Path:
    """Write the page of a store, whether its sweep is complete or not; returns where it is.

    store : folder of the store. path : the page to write.

    Returns the path.

    >>> import ohmlearn as ol
    >>> from tempfile import TemporaryDirectory
    >>> tables = {"network": {"grid": {"shape": [4, 4]}}, "sweep": {"rates": [0, 1], "until": 1e-3},
    ...           "tasks": {"tables": [{"sources": {"0": 1.0, "15": 0.0}, "targets": {"6": 0.7}}]}}
    >>> sweep = ol.Sweep.from_tables(tables)
    >>> with TemporaryDirectory() as folder:
    ...     report = sweep.run(f"{folder}/store", progress=False)
    ...     page = ol.stores.write_summary(f"{folder}/store", f"{folder}/page.html")
    >>> page.name
    'page.html'
    """
    path = Path(path)
    text = summary(store)
    write_text(path, text)
    return path


def summary(store: str | Path) -> str:
    """The page as text; it needs no other file."""
    from . import sweep_report_plots as pictures

    with open_results(store) as found:
        data = found.sortby("rate").load()
    parts = [overview(data)]
    if np.any(data["status"].values != "to do"):
        parts += ["<h2>Training times</h2>", picture(pictures.training_times(data), "training time against rate"),
                  "<p>Points: tasks. Line: mean over the tasks that reached the threshold, with its standard error. "
                  "Dashed: their median.</p>", by_rate(data), *traces(data),
                  "<h2>How the runs ended</h2>", picture(pictures.endings(data), "how the runs ended"), failures(data),
                  "<h2>Timing</h2>", picture(pictures.timing(data), "steps and evaluations by rate"), timing(data)]
    parts += ["<h2>Provenance</h2>", provenance(data)]
    title = html.escape(f"Sweep {Path(store).resolve().name}")
    template = with_policy(TEMPLATE.read_text(encoding="utf-8"))
    return template.replace("__TITLE__", title).replace("__BODY__", "\n".join(parts))


def picture(figure: Figure, words: str) -> str:
    """A figure as a picture within the page."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return f'<img alt="{html.escape(words)}" src="data:image/png;base64,{b64encode(buffer.getvalue()).decode()}">'


def table(head: Sequence[str], rows: Iterable[Sequence[Any]], words: Sequence[str] = ()) -> str:
    """A table; columns named in `words` hold text."""
    marks = [' class="words"' if name in words else "" for name in head]
    lines = [f"<th{mark}>{html.escape(name)}</th>" for name, mark in zip(head, marks, strict=True)]
    body = ("<tr>" + "".join(f"<td{mark}>{html.escape(str(cell))}</td>" for cell, mark in zip(row, marks, strict=True))
            + "</tr>" for row in rows)
    return f'<div class="wide"><table><tr>{"".join(lines)}</tr>{"".join(body)}</table></div>'


def overview(data: xarray.Dataset) -> str:
    """What was asked, and how far it is."""
    status, rates = data["status"].values, data["rate"].values
    counts = [(int(np.sum(status == name)), name) for name in (*ALL_STATUSES, "to do")]
    return (f"<p>{data.sizes['task']} tasks at {rates.size} rates from R = {rates.min():g} to {rates.max():g} on a "
            f"network of {html.escape(str(data.attrs['n_nodes']))} nodes and {data.sizes['edge']} edges: {status.size} "
            f"members, {', '.join(f'{count} {name}' for count, name in counts if count)}.</p>")


def by_rate(data: xarray.Dataset) -> str:
    """Training times of every rate."""
    from ohmlearn.drivers.analysis.training_times import TrainingTimes

    times = TrainingTimes(data["rate"].values, data["training_time"].values)
    status = data["status"].values
    rows = [(f"{rate:g}", int(np.sum(status[:, j] != "to do")), times.reached[j], f"{times.mean[j]:.4g}",
             f"{times.error[j]:.2g}", f"{times.median[j]:.4g}", f"{np.nanmedian(data['final_cost'][:, j]):.2g}"
             if np.any(status[:, j] != "to do") else "nan")
            for j, rate in enumerate(times.rate)]
    return table(("R", "done", "reached", "mean τ (1/γp)", "± error", "median τ", "median C*/C*(0) at the end"),
                 [[str(cell).replace("nan", "–") for cell in row] for row in rows])


def traces(data: xarray.Dataset) -> list[str]:
    """Costs along the runs, if they were recorded."""
    from . import sweep_report_plots as pictures

    if "equilibrium_cost" not in data:
        return []
    figure, shown = pictures.traces(data)
    total = int(np.sum(data["status"].values != "to do"))
    return ["<h2>Traces</h2>", picture(figure, "cost along the runs"),
            f"<p>C*/C*(0) of {shown} of {total} runs, a colour each rate.</p>"]


def failures(data: xarray.Dataset) -> str:
    """Members that diverged or raised, with their reasons; then those that did not reach the threshold."""
    status, reason, rates = data["status"].values, data["reason"].values, data["rate"].values
    parts = []
    for title, wanted in (("Failures", FAILURES), ("Threshold not reached", ("out of time", "stalled"))):
        found = np.argwhere(np.isin(status, wanted))
        if not len(found):
            parts.append(f"<p>{title}: none.</p>")
            continue
        rows = [(i, f"{rates[j]:g}", status[i, j], reason[i, j]) for i, j in found[:MOST_ROWS].tolist()]
        more = f" The first {MOST_ROWS} of them:" if len(found) > MOST_ROWS else ""
        parts += [f"<p>{title}: {len(found)} of {status.size}.{more}</p>",
                  table(("task", "R", "status", "reason"), rows, ("status", "reason"))]
    return "\n".join(parts)


def timing(data: xarray.Dataset) -> str:
    """What took the steps. A store holds no clock times: the same sweep gives the same file."""
    steps, evaluations = data["n_steps"].values, data["n_looks"].values
    done = data["status"].values != "to do"
    steps, evaluations = np.where(done, steps, 0), np.where(done, evaluations, 0)
    order = np.argsort(-steps, axis=None)[:min(SLOWEST, int(done.sum()))]
    rows = [(i, f"{data['rate'].values[j]:g}", data["status"].values[i, j], steps[i, j], evaluations[i, j],
             f"{steps[i, j] / max(steps.sum(), 1):.1%}") for i, j in np.stack(np.unravel_index(order, steps.shape), 1)]
    return (f"<p>{steps.sum()} steps and {evaluations.sum()} evaluations of C* in all, "
            f"{steps.sum() / done.sum():.4g} steps a member. Results hold no clock times; "
            "<code>ohmlearn sweep --timeline FILE</code> writes what every rank "
            "did when. The members with most steps:</p>"
            + table(("task", "R", "status", "steps", "evaluations", "fraction of all steps"), rows, ("status",)))


def provenance(data: xarray.Dataset) -> str:
    """What made the results."""
    attributes = {key: value for key, value in data.attrs.items() if key != "sweep"}
    rows = [(key.replace("_", " "), ", ".join(value) if isinstance(value, list) else value)
            for key, value in attributes.items()]
    tables = json.dumps(json.loads(data.attrs["sweep"]), indent=1)
    return (table(("what", "value"), rows, ("what", "value"))
            + f"<details><summary>the sweep, as its file says</summary><pre>{html.escape(tables)}</pre></details>")
