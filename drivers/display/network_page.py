"""A network as one self-contained HTML page: zoom, hover, and switch between what nodes and edges carry."""
from __future__ import annotations

import html
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PosixPath
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.drawing import segments_of
from ohmlearn.drivers.display.content_policy import with_policy
from ohmlearn.io.replacing import write_text
from ohmlearn.network import Network
from ohmlearn.outputs import Constraint, weights
from ohmlearn.task import Task

TEMPLATE = Path(__file__).with_name("network_page.html")
LARGEST = 40_000         # edges that a browser still moves smoothly


@dataclass(frozen=True, eq=False)
class Layer:
    """What the page can show: (n_nodes,) or (n_edges,) finite values."""

    name: str
    on: Literal["nodes", "edges"]
    values: NDArray[np.float64]
    unit: str = ""


def layers_of(network: Network, conductances: ArrayLike, task: Task | Sequence[Task] | None = None,
              edges: Any = None) -> tuple[list[Layer], list[str]]:
    """Voltages, conductances, soft mode and stiff mode, as far as they exist, and why one of them is left out.

    edges : law of the edges where it is not that of resistors; conductances are then what edges have learned.
    """
    if edges is not None:
        return _nonlinear_layers(network, conductances, task, edges)
    from ohmlearn.solvers.hessian.hessian import hessian
    from ohmlearn.solvers.hessian.soft_mode import soft_mode

    g = network.conductances(conductances)
    layers, notes = [Layer("conductances", "edges", g)], []
    if task is not None:
        h = hessian(network, task, g)
        layers.insert(0, Layer("voltages", "nodes", h.voltages[0], "V"))
    try:
        layers.append(Layer("soft mode", "nodes", soft_mode(network, g).mode))
    except ValueError as error:
        notes.append(f"No soft mode: {error}.")
    if task is not None:
        layers.append(Layer("stiff mode", "edges", h.satisfied_modes(1)[1][:, 0]))
    return layers, notes


def _nonlinear_layers(network: Network, values: ArrayLike, task: Task | Sequence[Task] | None, edges: Any
                      ) -> tuple[list[Layer], list[str]]:
    from ohmlearn.solvers.hessian.circuit import voltages
    from ohmlearn.solvers.nonlinear.edge_arrays import laws_of

    learned = {law.learns for law in laws_of(edges) if law.learns}
    name = f"{next(iter(learned))}s" if len(learned) == 1 else "learned values"
    layers = [Layer(name, "edges", np.asarray(values), "V" if name == "gate voltages" else "")]
    for one in (task,) if isinstance(task, Task) else (task or ())[:1]:
        layers.insert(0, Layer("voltages", "nodes", voltages(network, one, values, edges=edges), "V"))
    return layers, ["No soft and stiff mode: they are those of resistors."]


def page(network: Network, layers: Sequence[Layer], task: Task | None = None, title: str = "",
         notes: Sequence[str] = ()) -> str:
    """The page as text. task : its nodes are ringed. Raises ValueError for a network too large for a browser."""
    if network.n_edges > LARGEST:
        raise ValueError(f"{network.n_edges} edges are too many for a page, which takes up to {LARGEST}; show a part, "
                         "as network.subset(nodes) gives")
    if not layers:
        raise ValueError("a page needs one layer at least")
    for layer in layers:
        count = network.n_nodes if layer.on == "nodes" else network.n_edges
        if np.shape(layer.values) != (count,) or not np.all(np.isfinite(layer.values)):
            raise ValueError(f"layer {layer.name!r} must hold {count} finite values, one per {layer.on[:-1]}")
    places, number, segments = segments_of(network)
    flip = np.array([1.0, -1.0])                                  # pages count y downwards
    low, high = (places * flip).min(axis=0), (places * flip).max(axis=0)
    length = float(np.median(np.linalg.norm(segments[:, 1] - segments[:, 0], axis=1)))
    data = {
        "nodes": _rounded(places * flip), "edges": network.edges.tolist(), "unit": 0.4 * length,
        "segments": [[int(k), *ends] for k, ends in
                     zip(number, _rounded((segments * flip).reshape(-1, 4)), strict=True)],
        "frame": [*(low - 0.05 * (high - low) - length / 2), *(high + 0.05 * (high - low) + length / 2)],
        "layers": [{"name": x.name, "on": x.on, "unit": x.unit, "values": _rounded(x.values)} for x in layers],
        "names": {"nodes": network.node_names, "edges": network.edge_names},
        "marks": {} if task is None else _marks(task),
        "note": " ".join([f"{network.n_nodes} nodes, {network.n_edges} edges.", *notes]),
    }
    text = json.dumps(data, allow_nan=False).replace("<", "\\u003c")
    return (with_policy(TEMPLATE.read_text(encoding="utf-8")).replace("__DATA__", text)
            .replace("__TITLE__", html.escape(title or network.name or "network"), 1))


def write_page(path: str | os.PathLike[str], network: Network, conductances: ArrayLike,
               task: Task | Sequence[Task] | None = None, title: str = "", edges: Any = None) -> Path:
    """Write the page of a network at given (n_edges,) conductances, with a task's voltages and stiff mode if given."""
    layers, notes = layers_of(network, conductances, task, edges)
    first = task if isinstance(task, Task) or task is None else task[0]
    path = Path(path)
    write_text(path, page(network, layers, first, title, notes))
    return path


class Page(PosixPath):
    """Where a page is. A notebook shows the page itself, which holds all that it needs."""

    def _repr_html_(self) -> str:
        text = html.escape(self.read_text(encoding="utf-8"))
        return (f'<iframe srcdoc="{text}" sandbox="allow-scripts" style="width: 100%; height: 640px; border: 0">'
                '</iframe>')


def show(network: Network, conductances: ArrayLike, task: Task | Sequence[Task] | None = None,
         path: str | os.PathLike[str] | None = None, title: str = "", *, edges: Any = None) -> Path:
    """Write the page, to `path` or else to a temporary file that is opened in the browser; returns where it is.

    A notebook shows the page below the cell, and opens nothing.
    """
    if path is not None:
        return Page(write_page(path, network, conductances, task, title, edges))
    import tempfile
    import webbrowser

    with tempfile.NamedTemporaryFile(prefix="ohmlearn-", suffix=".html", delete=False) as file:
        made = write_page(file.name, network, conductances, task, title, edges)
    if "ipykernel" not in sys.modules:
        webbrowser.open(made.as_uri())
    return Page(made)


def _marks(task: Task) -> dict[int, str]:
    """{node: what the task has to do with it}."""
    marks: dict[int, list[str]] = {}
    for q, output in enumerate(task.targets):
        for node in () if isinstance(output, Constraint) else weights(output):
            marks.setdefault(int(node), []).append(f"target, {task.target_voltages[q]:g} V desired")
    for node, voltage in zip(task.sources, task.source_voltages, strict=True):
        marks.setdefault(int(node), []).append(f"source at {voltage:g} V")
    for node, current in task.currents.items():
        marks.setdefault(node, []).append(f"current {current:g} in")
    for (a, b), drop in task.drops.items():
        for node in (a, b):
            marks.setdefault(node, []).append(f"drop of {drop:g} V held from {a} to {b}")
    return {node: "; ".join(words) for node, words in marks.items()}


def _rounded(values: ArrayLike) -> Any:
    """Numbers to 7 digits, which is what a hover shows and more than a screen has."""
    array = np.asarray(values, dtype=np.float64)
    flat = [float(f"{x:.7g}") for x in array.ravel()]
    return np.array(flat).reshape(array.shape).tolist()
