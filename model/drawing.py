"""Networks drawn in the plane."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .outputs import Constraint, weights

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .network import Network
    from .run import Run
    from .task import Task


NAMED_UP_TO = 60        # nodes whose names can be told apart in a picture


def draw(network: Network, ax: Axes | None = None, *, nodes: ArrayLike | Run | None = None,
         edges: ArrayLike | Run | None = None, task: Task | None = None, node_label: str = "voltage",
         edge_label: str = "conductance", names: bool | None = None) -> Axes:
    """Draw a network and return the matplotlib axes.

    nodes : (n_nodes,) values shown as the colours of the nodes, e.g. voltages; node_label names them.
    edges : (n_edges,) values shown as colour and width of the edges, e.g. conductances; edge_label names them. A run
        stands for its conductances, and as `nodes` for its voltages.
    task : marks its held nodes (squares), nodes where current enters (triangles) and nodes of targets (rings).
    names : write the nodes' names beside them; by default up to 60 nodes.

    Values of both signs get a diverging scale, white at 0. Edges that cross a periodic boundary are drawn from
    both sides up to it. Networks without positions (up to 2000 nodes) are laid out by networkx.
    """
    import matplotlib.pyplot as plt

    if ax is None:
        _, ax = plt.subplots(figsize=(5.0 + 0.8 * (nodes is not None) + 0.8 * (edges is not None), 5.0),
                             layout="compressed")
    places = _places(network)
    edges, nodes = getattr(edges, "conductances", edges), getattr(nodes, "voltages", nodes)
    _draw_edges(network, ax, places, _values(edges, network.n_edges, "edges"), edge_label)
    _draw_nodes(network, ax, places, _values(nodes, network.n_nodes, "nodes"), node_label)
    if task is not None:
        task.check(network)
        _draw_marks(ax, places, task, 2.2 * _node_size(network))
    if network.node_names is not None and (names or (names is None and network.n_nodes <= NAMED_UP_TO)):
        _write_names(network, ax, places)
    ax.set_aspect("equal")
    ax.axis("off")
    ax.set_title(network.name, fontsize="medium")
    return ax


def _values(values: Any, count: int, what: str) -> NDArray[np.float64] | None:
    if values is None:
        return None
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (count,) or not np.all(np.isfinite(array)):
        raise ValueError(f"values on {what} must be finite and of shape ({count},), not {array.shape}")
    return array


def _places(network: Network) -> NDArray[np.float64]:
    """(n_nodes, 2) where to draw the nodes, inside the box if there is one."""
    if network.positions is not None:
        return network.positions if network.box is None else network.positions % network.sides
    if network.n_nodes > 2000:
        raise ValueError(f"the network has no positions, and {network.n_nodes} nodes are too many to lay out; "
                         "give positions to Network.from_edges")
    import networkx as nx

    graph = network.to_networkx()
    layout = nx.kamada_kawai_layout(graph) if network.n_nodes <= 100 else nx.spring_layout(graph, seed=0)
    return np.array([layout[label] for label in graph])       # in the order of the nodes


def _node_size(network: Network) -> float:
    """Area of a node's mark in square points."""
    return float(np.clip(5000 / network.n_nodes, 2, 70))


def _scale(values: NDArray[np.float64], one_sign: str, both_signs: str) -> dict[str, Any]:
    """Colour map and limits for some values."""
    low, high = float(values.min()), float(values.max())
    if low < 0 < high:
        reach = max(-low, high)
        return {"cmap": both_signs, "clim": (-reach, reach)}
    return {"cmap": one_sign, "clim": (low, high) if low < high else (low - 0.5, high + 0.5)}


def _draw_nodes(network: Network, ax: Any, places: NDArray[np.float64], values: NDArray[np.float64] | None,
                label: str) -> None:
    marks = ax.scatter(*places.T, s=_node_size(network), c="0.25" if values is None else values,
                       edgecolors="0.25", linewidths=0.5, zorder=3)
    if values is not None:
        marks.set(**_scale(values, "viridis", "RdBu_r"))
        ax.figure.colorbar(marks, ax=ax, label=label, shrink=0.7)


def _write_names(network: Network, ax: Any, places: NDArray[np.float64]) -> None:
    """Names beside the nodes, on the side away from the middle of their neighbours."""
    a, b = network.edges.T
    towards = np.zeros_like(places)
    np.add.at(towards, a, places[b] - places[a])
    np.add.at(towards, b, places[a] - places[b])
    reach = 4 + 0.5 * np.sqrt(_node_size(network))
    for name, place, (dx, dy) in zip(network.node_names or (), places, -towards, strict=True):
        length = float(np.hypot(dx, dy)) or 1.0
        x, y = dx / length, dy / length
        ax.annotate(name, place, (reach * x, reach * y), textcoords="offset points", fontsize="small", zorder=5,
                    ha="left" if x > 0.4 else "right" if x < -0.4 else "center",
                    va="bottom" if y > 0.4 else "top" if y < -0.4 else "center", parse_math=False)


def _draw_marks(ax: Any, places: NDArray[np.float64], task: Task, size: float) -> None:
    read = {node for output in task.targets if not isinstance(output, Constraint) for node in weights(output)}
    few = ", ".join(f"{voltage:.3g}" for voltage in task.target_voltages) if task.n_targets <= 3 else ""
    held = {*task.sources.tolist(), *(node for pair in task.drops for node in pair)}
    for marks, shape, colour, label in ((held, "s", "black", "source"), (task.currents, "^", "black", "current"),
                                        (read, "o", "tab:red", f"target, {few} V desired" if few else "target")):
        if marks:
            ax.scatter(*places[sorted(marks)].T, s=size, marker=shape, facecolors="none", edgecolors=colour,
                       linewidths=1.4, zorder=4, label=label, clip_on=False)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=3, frameon=False)


def segments_of(network: Network, places: NDArray[np.float64] | None = None
                ) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """What to draw of a network: node places (n_nodes, 2), and lines (n_lines, 2, 2) with their edges' numbers.

    Edges that cross a periodic boundary have two lines, one out of each side.
    """
    places = _places(network) if places is None else places
    a, b = network.edges.T
    reach = places[b] - places[a] if network.positions is None else network.edge_vectors
    number = np.arange(network.n_edges)
    segments = np.stack([places[a], places[a] + reach], axis=1)
    if network.box is not None:      # those that leave the box come in again on the other side
        out = np.flatnonzero(np.abs(places[a] + reach - places[b]).max(axis=1) > 1e-9 * network.sides.max())
        segments = np.concatenate([segments, np.stack([places[b][out] - reach[out], places[b][out]], axis=1)])
        number = np.append(number, out)
    return places, number, segments


def _draw_edges(network: Network, ax: Any, places: NDArray[np.float64], values: NDArray[np.float64] | None,
                label: str) -> None:
    from matplotlib.collections import LineCollection
    from matplotlib.patches import Rectangle

    _, number, segments = segments_of(network, places)
    # thin lines under the values, so that an edge of value 0 is still seen
    layers = [LineCollection(list(segments), colors="0.6" if values is None else "0.85", linewidths=1.0, zorder=1)]
    if values is not None:
        strength = np.abs(values) / (np.abs(values).max() or 1.0)
        layers.append(LineCollection(list(segments), array=values[number], linewidths=4 * strength[number], zorder=2))
        layers[1].set(**_scale(np.append(values, 0.0), "Greys", "PuOr_r"))
        ax.figure.colorbar(layers[1], ax=ax, label=label, shrink=0.7)
    for lines in layers:
        ax.add_collection(lines)
    if network.box is not None:
        frame = Rectangle((0, 0), *network.sides, fill=False, edgecolor="0.8", linestyle="--", linewidth=0.8, zorder=0)
        ax.add_patch(frame)
        for lines in layers:
            lines.set_clip_path(frame)
    ax.autoscale_view()
